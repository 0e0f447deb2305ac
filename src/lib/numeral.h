/* Numbers in texts that are data, not programs. */
#ifndef DBX_LIB_NUMERAL_H
#define DBX_LIB_NUMERAL_H

#include <stdbool.h>

/* Reads a whole text as one number, written as in the language, with a sign, or inf or nan; white space
 * around it is skipped. False when it is none. */
bool numeral_read(const char *text, double *x);

#endif
