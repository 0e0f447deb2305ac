/* Reading from the terminal with Readline: one line, or a block of lines that belong together.
 *
 * On a terminal that can move its cursor a block is edited as a whole and drawn by screen.c. On others
 * (TERM=dumb) each line of it is read by itself and Readline draws. */
#ifndef DBX_REPL_EDITOR_H
#define DBX_REPL_EDITOR_H

#include "base/text.h"

typedef enum ReadResult {
    READ_TEXT,
    READ_DROPPED,                     /* by Ctrl-C */
    READ_INTERRUPTED,                 /* where nobody types, who could go on */
    READ_TIMEOUT,                     /* the time that --timeout gives is over */
    READ_END                          /* Ctrl-D, or the terminal is gone */
} ReadResult;

/* Takes the terminal. Standard input that is none is read line by line, without a prompt. */
void editor_begin(bool color);
void editor_end(void);
void editor_set_color(bool color);

/* What stands before an input's first line, and before its others: equally wide. */
extern const char editor_prompt[], editor_continuation[];

/* Reads an input. When `first` is not NULL it stands there from the start, to be edited. */
ReadResult editor_read(Buf *text, const char *first);

/* ---- for the keys' functions and completion ---- */

/* Draws the block where the terminal's cursor stands. */
void editor_refresh(void);
/* Draws it a last time and moves to a new line below, for what is to be written there. */
void editor_leave_block(void);
/* Is it a command of the REPL, or a program text that wants no more lines? */
bool editor_is_complete(const char *text, size_t bytes);

#endif
