/* The interactive loop. */
#ifndef DBX_REPL_REPL_H
#define DBX_REPL_REPL_H

#include "dbx.h"

typedef struct ReplOptions {
    bool quiet;                       /* no greeting */
    bool color;
    bool tour;                        /* take the tour, and leave behind it */
} ReplOptions;

/* Reads, evaluates and prints until the input ends or exit is called; returns the exit status. */
int repl_run(Session *session, const ReplOptions *options);

#endif
