/* The graph that was recorded for a value, as a tree of text. */
#ifndef DBX_REPL_GRAPH_H
#define DBX_REPL_GRAPH_H

#include "lang/session.h"

void graph_show(Buf *out, Value v);

#endif
