/* Numbers and strings: from their spelling to their value. */
#include "lang/syntax.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static double hex_number(const char *text, size_t bytes)
{
    char *digits = scratch(bytes + 1), *end = digits;

    for (size_t i = 0; i < bytes; i++)
        if (text[i] != '_')
            *end++ = text[i];
    *end = '\0';
    return strtod(digits, NULL);
}

/* strtod rounds correctly but reads the point of the locale, so it is given whole digits and an exponent
 * that makes up for the point. */
double literal_number(const char *text, size_t bytes)
{
    enum { EXPONENT_LIMIT = 1000000000 };

    if (bytes > 1 && (text[1] == 'x' || text[1] == 'X'))
        return hex_number(text, bytes);

    char *digits = scratch(bytes + 24), *end = digits;
    long exponent = 0, behind_point = 0;
    bool point = false, negative = false;
    size_t i = 0;
    for (; i < bytes && text[i] != 'e' && text[i] != 'E'; i++) {
        if (text[i] == '.')
            point = true;
        else if (text[i] != '_') {
            *end++ = text[i];
            behind_point += point;
        }
    }
    if (i < bytes && (text[++i] == '-' || text[i] == '+'))
        negative = text[i++] == '-';
    for (; i < bytes; i++)
        if (text[i] != '_' && exponent < EXPONENT_LIMIT)
            exponent = exponent * 10 + (text[i] - '0');
    sprintf(end, "e%ld", (negative ? -exponent : exponent) - behind_point);
    return strtod(digits, NULL);
}

static _Noreturn void bad_escape(Source *source, uint32_t start, uint32_t end)
{
    const char *text = source->text + start;

    if (text[1] == 'u')
        throw_at(source, (Span){start, end}, ERROR_SYNTAX,
                 "write the number of a character in hexadecimal digits, as in \\u{3b8}",
                 "this escape names no character");
    throw_at(source, (Span){start, end}, ERROR_SYNTAX, "the escapes are \\n \\t \\r \\\" \\\\ \\0 \\u{3b8}",
             "unknown escape `%.*s`", (int)(end - start), text);
}

/* \u{3b8} at `at`, inside [at, end): adds the character and returns where the escape ends. */
static uint32_t decode_point(Source *source, uint32_t at, uint32_t end, Buf *out)
{
    enum { MOST_DIGITS = 6 };

    const char *text = source->text;
    uint32_t point = 0, i = at + 2, digits = 0;
    int digit;

    if (i < end && text[i] == '{')
        for (i++; i < end && (digit = hex_digit(text[i])) >= 0 && digits < MOST_DIGITS; i++, digits++)
            point = point * 16 + (uint32_t)digit;
    bool surrogate = point >= 0xd800 && point <= 0xdfff;
    if (digits == 0 || i == end || text[i] != '}' || surrogate || point > 0x10ffff)
        bad_escape(source, at, i < end && text[i] == '}' ? i + 1 : i);
    buf_put_point(out, point);
    return i + 1;
}

/* The escape at `at`; returns where it ends. */
static uint32_t decode_escape(Source *source, uint32_t at, uint32_t end, Buf *out)
{
    static const char letters[] = "ntr\"\\0", values[] = "\n\t\r\"\\\0";
    char letter = source->text[at + 1];

    if (letter == 'u')
        return decode_point(source, at, end, out);
    const char *found = letter != '\0' ? strchr(letters, letter) : NULL;
    if (found == NULL) {
        uint32_t point;
        int length = utf8_decode(source->text + at + 1, source->text + end, &point);
        bad_escape(source, at, at + 1 + (uint32_t)(length > 0 ? length : 1));
    }
    buf_putc(out, values[found - letters]);
    return at + 2;
}

String *literal_string(Source *source, Span inside, bool fstring)
{
    const char *text = source->text;
    size_t bytes = inside.end - inside.start;

    if (memchr(text + inside.start, '\\', bytes) == NULL
        && (!fstring || (memchr(text + inside.start, '{', bytes) == NULL
                         && memchr(text + inside.start, '}', bytes) == NULL)))
        return string_new(text + inside.start, bytes);

    Buf *out = buf_new();
    uint32_t plain = inside.start, at = plain;
    while (at < inside.end) {
        char c = text[at];
        if (c == '\\') {
            buf_add(out, text + plain, at - plain);
            plain = at = decode_escape(source, at, inside.end, out);
        } else if (fstring && (c == '{' || c == '}')) {
            buf_add(out, text + plain, at + 1 - plain);       /* one of the two */
            plain = at += 2;
        } else {
            at++;
        }
    }
    buf_add(out, text + plain, inside.end - plain);
    return buf_string(out);
}
