/* The documentation of functions, from the rows of operations and built-ins and the `##` lines of
 * programs. */
#ifndef DBX_LIB_REFERENCE_H
#define DBX_LIB_REFERENCE_H

#include "lang/session.h"

/* One function as a terminal shows it. */
void reference_entry(Buf *out, Value function);
/* The names of all functions that are there from the start, a paragraph a section. */
void reference_names(Buf *out);
/* A line for each function whose entry holds all words of a text. False when there is none. */
bool reference_search(Buf *out, const char *text);
/* Writes the entry of a name, or what a search for it finds, to standard output; NULL for the whole page
 * (Markdown). False when there is nothing about it. */
bool reference_print(Session *session, const char *name);
/* Runs the example of every row in a session of its own and writes "ok NAME" or "FAIL NAME ..." for each.
 * 0 when none failed, else 1. */
int reference_test(Session *session);

#endif
