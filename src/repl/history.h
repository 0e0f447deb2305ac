/* The inputs of this and of earlier sessions, in $DBX_HISTORY or $XDG_STATE_HOME/dbx/history.
 *
 * The file is text: an input begins at the beginning of a line, and its further lines begin with a tab.
 * Every input is there as soon as it was given, and only once, at its latest place. Sessions that run at the
 * same time take turns by a lock on the file. A new input is one write at its end; when an older copy has to
 * go, a new file takes the place of the old in one step, so that a session that is killed leaves one or the
 * other. */
#ifndef DBX_REPL_HISTORY_H
#define DBX_REPL_HISTORY_H

#include "base/text.h"

/* Reads the file. Without one that can be read and written, inputs are remembered for this session only. */
void history_begin(void);
void history_end(void);

/* Remembers an input. */
void history_remember(const char *text, size_t bytes);

/* The latest input; "" when there is none. */
const char *history_last(void);
/* The last `count` inputs as a numbered list; 0 for all. */
void history_show(Buf *out, int count);

#endif
