/* Text: immutable counted UTF-8 strings, a buffer to build them in, and UTF-8 itself. */
#ifndef DBX_BASE_TEXT_H
#define DBX_BASE_TEXT_H

#include "base/error.h"
#include "base/object.h"

#include <stdarg.h>

/* Immutable, valid UTF-8, NUL behind the end (and maybe NULs inside). */
typedef struct String {
    Object object;
    uint32_t hash;                    /* 0 until it is asked for, see string_hash */
    uint32_t points;                  /* length in code points */
    size_t bytes;
    uint32_t *marks;                  /* where some code points begin, once one was looked for; see text.c */
    char text[];
} String;

extern const ObjectType string_type;

/* Copies of texts, which must be valid UTF-8: who reads them from outside asks utf8_invalid. */
String *string_new(const char *text, size_t bytes);
String *string_of(const char *text);
/* The same where the length in code points is known. */
String *string_counted(const char *text, size_t bytes, uint32_t points);
String *string_concat(const String *a, const String *b);
/* Adds b to the end of a, to which there is but one reference, the caller's, who has the result in its place: a moves
 * when it has no room left. A throw leaves it as it was. */
String *string_extend(String *a, const String *b);
/* The byte where code point i begins, or the end for i = points. Takes constant time on average. */
size_t string_offset(const String *s, uint32_t i);
/* For string_hash. */
uint32_t string_hash_now(const String *s);
static inline uint32_t string_hash(const String *s) { return s->hash != 0 ? s->hash : string_hash_now(s); }
String *string_format(const char *format, ...) PRINTF_LIKE(1, 2);
bool string_equal(const String *a, const String *b);
bool string_is(const String *a, const char *text);
uint32_t text_hash(const char *text, size_t bytes);

/* A growing text. Owned by the pool through `buf_new`, so a throw loses nothing. */
typedef struct Buf {
    Object object;
    char *text;                       /* NUL-terminated once anything was added */
    size_t bytes, capacity;
} Buf;

Buf *buf_new(void);
void buf_add(Buf *buf, const char *text, size_t bytes);
void buf_puts(Buf *buf, const char *text);
void buf_putc(Buf *buf, char c);
void buf_put_point(Buf *buf, uint32_t point);
void buf_printf(Buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(Buf *buf, const char *format, va_list args);
/* A copy of what was added, which must be valid UTF-8. */
String *buf_string(const Buf *buf);
/* The text itself, until more is added; never NULL. */
const char *buf_text(const Buf *buf);

/* UTF-8. Decodes one code point at `at` (at < end) and returns its length in bytes, or 0 when the bytes
 * there are not valid UTF-8 (overlong forms, surrogates and values above U+10FFFF are not). */
int utf8_decode(const char *at, const char *end, uint32_t *point);
int utf8_encode(uint32_t point, char out[4]);
/* Byte offset of the first invalid byte, or SIZE_MAX when all is valid. */
size_t utf8_invalid(const char *text, size_t bytes);
size_t utf8_count(const char *text, size_t bytes);
/* Terminal columns of a code point: 0, 1 or 2. */
int utf8_width(uint32_t point);
int text_width(const char *text, size_t bytes);

/* The candidate nearest to `name` by edit distance, when near enough to be a misspelling; else NULL.
 * Call nearest_begin, then nearest_offer for each candidate. */
typedef struct Nearest {
    const char *name, *best;
    size_t limit;
} Nearest;
Nearest nearest_begin(const char *name);
void nearest_offer(Nearest *nearest, const char *candidate);

#endif
