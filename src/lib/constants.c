/* The names that stand for values from the start; programs may give them other values. */
#include "lang/session.h"

#include <math.h>
#include <string.h>

/* What the command line holds need not be UTF-8; a string of the language is: what is not becomes U+FFFD. */
static String *clean_text(const char *text)
{
    size_t bytes = strlen(text);
    if (utf8_invalid(text, bytes) == SIZE_MAX)
        return string_new(text, bytes);
    Buf *out = buf_new();
    const char *end = text + bytes;
    while (text < end) {
        uint32_t point = 0;
        int length = utf8_decode(text, end, &point);
        buf_put_point(out, length > 0 ? point : 0xfffd);
        text += length > 0 ? length : 1;
    }
    return buf_string(out);
}

static Value command_arguments(const SessionOptions *options)
{
    uint32_t count = options->argc > 0 ? (uint32_t)options->argc : 0;
    Value *items = scratch(count * sizeof *items + 1);
    for (uint32_t i = 0; i < count; i++)
        items[i] = value_string(clean_text(options->argv[i]));
    return value_object(TAG_TUPLE, tuple_new(count, items));
}

void constants_define(void)
{
    session_define("pi", value_number(M_PI));
    session_define("inf", value_number((double)INFINITY));
    session_define("nan", value_number((double)NAN));
    session_define("args", command_arguments(&session()->options));
}
