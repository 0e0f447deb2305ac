#include "repl/wrap.h"

void wrap_put(Buf *out, const char *text, size_t bytes, int indent, int columns)
{
    const char *end = text + bytes;
    int column = 0;
    while (text < end) {
        while (text < end && (*text == ' ' || *text == '\n'))
            text++;
        const char *word = text;
        while (text < end && *text != ' ' && *text != '\n')
            text++;
        int width = text_width(word, (size_t)(text - word));
        if (width == 0)
            break;
        if (column > 0 && column + 1 + width > columns) {
            buf_putc(out, '\n');
            column = 0;
        }
        buf_printf(out, "%*s", column > 0 ? 1 : indent, "");
        column += column > 0 ? 1 : indent;
        buf_add(out, word, (size_t)(text - word));
        column += width;
    }
    buf_putc(out, '\n');
}
