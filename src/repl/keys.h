/* What keys do, beyond Readline's own functions: blocks of lines are edited as Readline edits one line. */
#ifndef DBX_REPL_KEYS_H
#define DBX_REPL_KEYS_H

#include <stdbool.h>
#include <stddef.h>

/* After rl_initialize. With `blocks` a block is edited as a whole; else only completion is bound. The keys
 * that the user's ~/.inputrc gave to a function of Readline get what takes its place here. */
void keys_bind(bool blocks);

/* The offset of the bracket that the last key closed, or SIZE_MAX; asking forgets it. */
size_t keys_closed_bracket(void);

#endif
