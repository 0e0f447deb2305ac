/* What is documented of one function, wherever its documentation stands. */
#ifndef DBX_LIB_ROW_H
#define DBX_LIB_ROW_H

#include "lang/session.h"

typedef struct Row {                  /* a text is NULL where there is none */
    const char *name, *usage, *section, *doc, *errors, *derivative, *example, *related;
} Row;

Row row_of(Value function);

/* The rows of all functions that are there from the start, by section and name; owned by the pool. */
typedef struct Rows {
    Row *at;
    uint32_t count;
} Rows;
Rows rows_all(void);

#endif
