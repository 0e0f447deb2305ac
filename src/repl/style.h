/* Colours of the 16 that every terminal has, and that its owner made legible on his background. */
#ifndef DBX_REPL_STYLE_H
#define DBX_REPL_STYLE_H

#include "base/text.h"

typedef enum Style {
    STYLE_PLAIN, STYLE_PROMPT, STYLE_CONTINUATION, STYLE_KEYWORD, STYLE_NUMBER, STYLE_STRING, STYLE_COMMENT,
    STYLE_ERROR, STYLE_COMMAND, STYLE_HEADING,
    STYLES
} Style;

/* The escape sequence that sets the style, from whatever was set before. */
extern const char *const style_codes[STYLES];

/* The style of each byte of a program text, or of a command of the REPL; scratch. Never throws but for
 * memory. */
const uint8_t *style_source(const char *text, size_t bytes);

/* Adds the program text with its styles. */
void style_put_source(Buf *out, const char *text, size_t bytes);

#endif
