/* The commands that look at values: :vars, :type, :time, :graph. */
#ifndef DBX_REPL_MEASURE_H
#define DBX_REPL_MEASURE_H

#include "repl/commands.h"

void run_vars(Repl *repl, const char *argument);
void run_type(Repl *repl, const char *argument);
void run_time(Repl *repl, const char *argument);
void run_graph(Repl *repl, const char *argument);

#endif
