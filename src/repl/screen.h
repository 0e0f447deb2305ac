/* A block of text on the terminal, under its prompt, with a cursor in it.
 *
 * The text is laid out in rows of cells, and compared with the rows that the terminal shows: only cells that
 * changed are written, all in one write, so that nothing flickers and a prompt that stands is not written
 * again. A block that is higher than the terminal shows the rows around its cursor. */
#ifndef DBX_REPL_SCREEN_H
#define DBX_REPL_SCREEN_H

#include "base/text.h"

/* What is to be shown. */
typedef struct View {
    const char *prompt, *continuation;
    const char *text;
    size_t bytes, cursor;             /* cursor: a byte offset in the text */
    size_t visited;                   /* where the cursor is shown instead, if that is visible; or SIZE_MAX */
    const uint8_t *styles;            /* of each byte, or NULL */
    bool color;
} View;

void screen_draw(const View *view);

/* Is a block on the terminal? */
bool screen_is_shown(void);
/* Puts the terminal's cursor on a new line below the block; the next block is drawn there. */
void screen_leave(void);
/* The terminal's cursor stands at the beginning of a line, and what is above it is none of ours. */
void screen_forget(void);
void screen_end(void);

#endif
