/* What the REPL says about itself and the language. */
#ifndef DBX_REPL_SCREENS_H
#define DBX_REPL_SCREENS_H

#include "repl/commands.h"

void screens_greet(const ReplOptions *options);
/* `?text`: a function, a variable, a topic, or words to look for. */
void screens_topic(Repl *repl, const char *text);

/* Words that a newcomer types without brackets: help, exit, quit. */
bool screens_asked(const char *text);
void screens_answer(Repl *repl, const char *text);

#endif
