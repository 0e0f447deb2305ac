/* Reading from the terminal with Readline: one line, or a block of lines that belong together.
 *
 * On a terminal that can move its cursor a block is edited as a whole and drawn by screen.c. On others (TERM=dumb)
 * each line of it is read by itself and Readline draws. */
#ifndef DBX_REPL_EDITOR_H
#define DBX_REPL_EDITOR_H

#include "base/text.h"

typedef enum ReadResult {
    READ_TEXT,
    READ_DROPPED,                     /* by Ctrl-C */
    READ_TIMEOUT,                     /* the time that --timeout gives is over */
    READ_END                          /* Ctrl-D, or the terminal is gone */
} ReadResult;

/* Takes the terminal, which must be standard input. */
void editor_begin(bool color);
void editor_end(void);

/* Reads an input. When `first` is not NULL it stands there from the start, to be edited. */
ReadResult editor_read(Buf *text, const char *first);

#endif
