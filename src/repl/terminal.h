/* The terminal: its modes, its size, and the signals that come from it.
 *
 * From terminal_begin to terminal_end the terminal stays in the modes of line editing, also while something
 * is evaluated: what is typed ahead is then neither echoed twice nor cut to a line's length by the system.
 * Ctrl-C still raises SIGINT. SIGINT, SIGWINCH and SIGTSTP are blocked except in terminal_wait and between
 * terminal_unblock and terminal_block, so that none of them slips in between a look at a flag and the wait
 * that follows. */
#ifndef DBX_REPL_TERMINAL_H
#define DBX_REPL_TERMINAL_H

#include <stdbool.h>

void terminal_begin(void);
void terminal_end(void);

/* Runs a shell command that takes the terminal over, with the text as its standard input unless it is NULL.
 * Its exit status, -1 when it could not be run. */
int terminal_run(const char *command, const char *input, unsigned long bytes);

/* For evaluation, which Ctrl-C may interrupt. */
void terminal_unblock(void);
void terminal_block(void);

/* Waits for input for up to `milliseconds` (negative: for ever). True when there is some; false after a
 * signal and when the time is over. */
bool terminal_wait(int milliseconds);
/* Is there input that nobody has read yet? */
bool terminal_pending(void);
/* True once after the process was stopped and continued, when the screen may show anything. */
bool terminal_was_stopped(void);

typedef struct TerminalSize {
    int columns, rows;
} TerminalSize;
TerminalSize terminal_size(void);

/* Writes all of it to the terminal at once. */
void terminal_write(const char *text, unsigned long bytes);
/* Clears the screen, and puts the cursor into its first corner. */
void terminal_clear(void);

#endif
