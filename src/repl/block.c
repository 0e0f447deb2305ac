#include "repl/block.h"

#include "base/runtime.h"
#include "lang/parse.h"

#include <string.h>

Source *block_source(const char *text, size_t bytes)
{
    return source_new(string_of("<repl>"), string_of("."), text, bytes);
}

typedef struct Completeness {
    const char *text;
    size_t bytes;
    bool complete;
} Completeness;

static void parse_block(void *data)
{
    Completeness *c = data;
    c->complete = parse_interactive(block_source(c->text, c->bytes)) != NULL;
}

/* `##` lines document the function that follows; an empty line gives it up. */
static bool awaits_definition(const char *text, size_t bytes)
{
    size_t last = block_line_start(text, bytes);
    while (bytes >= 2 && text[0] == '#' && text[1] == '#') {
        const char *newline = memchr(text, '\n', bytes);
        size_t line = newline != NULL ? (size_t)(newline - text) + 1 : bytes;
        if (last < line)
            return true;
        text += line;
        bytes -= line;
        last -= line;
    }
    return false;
}

bool block_is_complete(const char *text, size_t bytes)
{
    if (awaits_definition(text, bytes))
        return false;
    Completeness c = {text, bytes, true};
    PoolMark mark = pool_mark();
    bool well = error_protect(parse_block, &c);
    pool_drain(mark);
    return c.complete || !well;
}

size_t block_line_start(const char *text, size_t offset)
{
    while (offset > 0 && text[offset - 1] != '\n')
        offset--;
    return offset;
}

size_t block_line_end(const char *text, size_t bytes, size_t offset)
{
    while (offset < bytes && text[offset] != '\n')
        offset++;
    return offset;
}

size_t block_indentation(const char *text, size_t offset)
{
    return strspn(text + block_line_start(text, offset), " ");
}

/* ---- brackets ---- */

typedef struct Brackets {
    size_t *open;                     /* a stack of those not closed yet; pool */
    uint32_t count;
    size_t closed;                    /* the opening one of the last that closed, or SIZE_MAX */
    size_t closed_end;                /* where that last one ended */
} Brackets;

static Brackets scan_brackets(const char *text, size_t bytes)
{
    Brackets b = {.open = scratch((bytes + 1) * sizeof(size_t)), .closed = SIZE_MAX};
    TokenScan *scan = token_scan_new(text, bytes);
    Span span;
    TokenClass class;
    while ((class = token_scan_next(scan, &span)) != TOKEN_CLASS_END) {
        if (class == TOKEN_CLASS_ERROR && span.end == span.start)
            break;
        if (class != TOKEN_CLASS_BRACKET)
            continue;
        if (strchr("([{", text[span.start]) != NULL) {
            b.open[b.count++] = span.start;
        } else {
            b.closed = b.count > 0 ? b.open[--b.count] : SIZE_MAX;
            b.closed_end = span.end;
        }
    }
    return b;
}

size_t block_next_indentation(const char *text, size_t bytes)
{
    PoolMark mark = pool_mark();
    Brackets b = scan_brackets(text, bytes);
    size_t line = SIZE_MAX, steps = 0;
    for (uint32_t i = 0; i < b.count; i++) {
        size_t start = block_line_start(text, b.open[i]);
        steps += start != line;
        line = start;
    }
    pool_drain(mark);
    size_t last = block_line_start(text, bytes), blanks = strspn(text + last, " ");
    if (steps == 0 && text[last + blanks] == '#')
        return blanks;                /* documentation, which a definition is to follow */
    return (steps > 0 ? steps : 1) * BLOCK_INDENT;
}

size_t block_opening(const char *text, size_t bytes)
{
    PoolMark mark = pool_mark();
    Brackets b = scan_brackets(text, bytes);
    size_t opening = b.closed_end == bytes ? b.closed : SIZE_MAX;
    pool_drain(mark);
    return opening;
}
