/* Readline, without the old names of its types, which are ours. */
#ifndef DBX_REPL_LINE_H
#define DBX_REPL_LINE_H

#include <stdio.h>

#define _FUNCTION_DEF
#include <readline/history.h>
#include <readline/readline.h>

#endif
