#include "repl/style.h"

#include "base/runtime.h"
#include "lang/parse.h"

#include <string.h>

const char *const style_codes[STYLES] = {
    [STYLE_PLAIN] = "\x1b[0m", [STYLE_PROMPT] = "\x1b[0;1;32m", [STYLE_CONTINUATION] = "\x1b[0;32m",
    [STYLE_KEYWORD] = "\x1b[0;1;35m", [STYLE_NUMBER] = "\x1b[0;36m", [STYLE_STRING] = "\x1b[0;32m",
    [STYLE_COMMENT] = "\x1b[0;2m", [STYLE_ERROR] = "\x1b[0;31m", [STYLE_COMMAND] = "\x1b[0;1;36m",
    [STYLE_HEADING] = "\x1b[0;1m",
};

/* A string that is still being typed is no error yet. */
static Style style_of(TokenClass class, char first)
{
    switch (class) {
    case TOKEN_CLASS_COMMENT: return STYLE_COMMENT;
    case TOKEN_CLASS_NUMBER: return STYLE_NUMBER;
    case TOKEN_CLASS_STRING: return STYLE_STRING;
    case TOKEN_CLASS_KEYWORD: return STYLE_KEYWORD;
    case TOKEN_CLASS_ERROR: return first == '"' ? STYLE_STRING : STYLE_ERROR;
    default: return STYLE_PLAIN;
    }
}

/* The bytes of a leading `:word` or `?`, 0 when there is none. */
static size_t command_bytes(const char *text, size_t bytes)
{
    size_t i = 0;
    while (i < bytes && text[i] == ' ')
        i++;
    if (i == bytes || (text[i] != ':' && text[i] != '?'))
        return 0;
    bool word = text[i++] == ':';
    while (word && i < bytes && text[i] >= 'a' && text[i] <= 'z')
        i++;
    return i;
}

const uint8_t *style_source(const char *text, size_t bytes)
{
    uint8_t *styles = scratch_zeroed(bytes + 1);
    size_t skipped = command_bytes(text, bytes);
    memset(styles, STYLE_COMMAND, skipped);
    TokenScan *scan = token_scan_new(text + skipped, bytes - skipped);
    Span span;
    TokenClass class;
    while ((class = token_scan_next(scan, &span)) != TOKEN_CLASS_END) {
        if (span.end > bytes - skipped || span.end < span.start)
            break;
        Style style = style_of(class, text[skipped + span.start]);
        memset(styles + skipped + span.start, (int)style, span.end - span.start);
        if (class == TOKEN_CLASS_ERROR && span.end == span.start)
            break;
    }
    return styles;
}

void style_put_source(Buf *out, const char *text, size_t bytes)
{
    PoolMark mark = pool_mark();
    const uint8_t *styles = style_source(text, bytes);
    uint8_t style = STYLE_PLAIN;
    for (size_t i = 0; i < bytes; i++) {
        if (styles[i] != style && text[i] != ' ')
            buf_puts(out, style_codes[style = styles[i]]);
        buf_putc(out, text[i]);
    }
    if (style != STYLE_PLAIN)
        buf_puts(out, style_codes[STYLE_PLAIN]);
    pool_drain(mark);
}
