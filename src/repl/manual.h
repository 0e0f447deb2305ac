/* The options of the command, as a table that the usage text, the manual page and the shells' completion are
 * made from. */
#ifndef DBX_REPL_MANUAL_H
#define DBX_REPL_MANUAL_H

#include <stdbool.h>
#include <stdio.h>

typedef struct OptionRow {
    int letter;                       /* 0 for none */
    const char *name;                 /* without the two dashes; NULL for none */
    const char *argument;             /* NULL when it takes none; choices have | between them */
    const char *doc;
    int id;                           /* the caller's own */
    bool hidden;                      /* for the build and the tests */
} OptionRow;

typedef struct UsageRow {
    const char *form;                 /* "dbx FILE [ARG...]" */
    const char *doc;
} UsageRow;

/* Both tables end with a row of NULLs. */
typedef struct Manual {
    const char *version;
    const UsageRow *usages;
    const OptionRow *options;
} Manual;

void manual_usage(FILE *to, const Manual *manual);
/* As a page for man. */
void manual_page(FILE *to, const Manual *manual);
/* For a shell, "bash" or "zsh". False for others. */
bool manual_completion(FILE *to, const Manual *manual, const char *shell);

#endif
