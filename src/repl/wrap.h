/* Prose on a terminal. */
#ifndef DBX_REPL_WRAP_H
#define DBX_REPL_WRAP_H

#include "base/text.h"

/* Adds the words of a text in lines of at most `columns`, each with `indent` blanks before it. */
void wrap_put(Buf *out, const char *text, size_t bytes, int indent, int columns);

#endif
