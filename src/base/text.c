#include "base/runtime.h"

#include <stdio.h>
#include <string.h>

/* In a text that is not ASCII, one code point in so many has its byte offset noted, when an index is first asked
 * for. */
enum { MARK_EVERY = 16 };

static size_t mark_count(const String *s)
{
    return s->points / MARK_EVERY;
}

static void drop_marks(String *s)
{
    mem_free(s->marks, mark_count(s) * sizeof *s->marks);
    s->marks = NULL;
}

static void string_destroy(Object *self)
{
    String *s = (String *)self;
    if (s->marks != NULL)
        drop_marks(s);
}

const ObjectType string_type = {"string", string_destroy};

/* FNV-1a, 32 bits (Fowler, Noll, Vo). */
uint32_t text_hash(const char *text, size_t bytes)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (uint8_t)text[i]) * 16777619u;
    return hash;
}

/* Kept in the string, which it does not change for anybody. A hash of 0 is computed every time. */
uint32_t string_hash_now(const String *s)
{
    return ((String *)s)->hash = text_hash(s->text, s->bytes);
}

static String *string_room(size_t bytes, uint32_t points)
{
    String *s = object_new(&string_type, sizeof *s + bytes + 1);
    s->text[bytes] = '\0';
    s->bytes = bytes;
    s->hash = 0;
    s->points = points;
    s->marks = NULL;
    return s;
}

String *string_counted(const char *text, size_t bytes, uint32_t points)
{
    String *s = string_room(bytes, points);
    memcpy(s->text, text, bytes);
    return s;
}

String *string_new(const char *text, size_t bytes)
{
    return string_counted(text, bytes, (uint32_t)utf8_count(text, bytes));
}

String *string_concat(const String *a, const String *b)
{
    String *s = string_room(a->bytes + b->bytes, a->points + b->points);
    memcpy(s->text, a->text, a->bytes);
    memcpy(s->text + a->bytes, b->text, b->bytes);
    return s;
}

/* Room doubles, so that a text that is built piece by piece is copied but a few times. */
String *string_extend(String *a, const String *b)
{
    size_t needed = sizeof *a + a->bytes + b->bytes + 1;
    assert(a->object.refs == 1 && a != b);
    if (needed > UINT32_MAX)
        error_throw(ERROR_MEMORY, "out of memory: a string of %zu bytes is too large", needed);
    if (needed > a->object.size) {
        size_t wider = needed <= UINT32_MAX / 2 ? 2 * needed : needed;
        a = mem_realloc(a, a->object.size, wider);
        a->object.size = (uint32_t)wider;
    }
    if (a->marks != NULL)
        drop_marks(a);
    memcpy(a->text + a->bytes, b->text, b->bytes + 1);
    a->bytes += b->bytes;
    a->points += b->points;
    a->hash = 0;
    return a;
}

static size_t next_point(const String *s, size_t at)
{
    do
        at++;
    while (((uint8_t)s->text[at] & 0xc0) == 0x80);
    return at;
}

static void set_marks(String *s)
{
    uint32_t *marks = mem_alloc(mark_count(s) * sizeof *marks);
    size_t at = 0;
    for (uint32_t i = 1; i <= s->points; i++) {
        at = next_point(s, at);
        if (i % MARK_EVERY == 0)
            marks[i / MARK_EVERY - 1] = (uint32_t)at;
    }
    s->marks = marks;
}

size_t string_offset(const String *s, uint32_t i)
{
    size_t at = 0;
    if (s->points == s->bytes)
        return i;
    if (i >= MARK_EVERY) {
        if (s->marks == NULL)
            set_marks((String *)s);
        at = s->marks[i / MARK_EVERY - 1];
        i %= MARK_EVERY;
    }
    while (i-- > 0)
        at = next_point(s, at);
    return at;
}

String *string_of(const char *text)
{
    return string_new(text, strlen(text));
}

String *string_format(const char *format, ...)
{
    va_list args;
    Buf *buf = buf_new();
    va_start(args, format);
    buf_vprintf(buf, format, args);
    va_end(args);
    return buf_string(buf);
}

bool string_equal(const String *a, const String *b)
{
    return a == b || (a->bytes == b->bytes && memcmp(a->text, b->text, a->bytes) == 0);
}

bool string_is(const String *a, const char *text)
{
    return strlen(text) == a->bytes && memcmp(a->text, text, a->bytes) == 0;
}

static void buf_destroy(Object *self)
{
    Buf *buf = (Buf *)self;
    mem_free(buf->text, buf->capacity);
}

static const ObjectType buf_type = {"buffer of text", buf_destroy};

Buf *buf_new(void)
{
    return object_new_zeroed(&buf_type, sizeof(Buf));
}

/* Room for `more` bytes and a NUL. */
static void buf_reserve(Buf *buf, size_t more)
{
    size_t needed = buf->bytes + more + 1;
    if (needed <= buf->capacity)
        return;
    size_t wider = buf->capacity * 2 > needed ? buf->capacity * 2 : needed + 48;
    buf->text = mem_realloc(buf->text, buf->capacity, wider);
    buf->capacity = wider;
}

void buf_add(Buf *buf, const char *text, size_t bytes)
{
    buf_reserve(buf, bytes);
    memcpy(buf->text + buf->bytes, text, bytes);
    buf->bytes += bytes;
    buf->text[buf->bytes] = '\0';
}

void buf_puts(Buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_putc(Buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_put_point(Buf *buf, uint32_t point)
{
    char bytes[4];
    buf_add(buf, bytes, (size_t)utf8_encode(point, bytes));
}

void buf_vprintf(Buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int bytes = vsnprintf(NULL, 0, format, args);
    if (bytes > 0) {
        buf_reserve(buf, (size_t)bytes);
        vsnprintf(buf->text + buf->bytes, (size_t)bytes + 1, format, again);
        buf->bytes += (size_t)bytes;
    }
    va_end(again);
}

void buf_printf(Buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(buf, format, args);
    va_end(args);
}

String *buf_string(const Buf *buf)
{
    return string_new(buf_text(buf), buf->bytes);
}

const char *buf_text(const Buf *buf)
{
    return buf->text != NULL ? buf->text : "";
}

int utf8_decode(const char *at, const char *end, uint32_t *point)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t *b = (const uint8_t *)at;
    int length = b[0] < 0x80 ? 1
               : b[0] >= 0xc2 && b[0] < 0xe0 ? 2
               : b[0] >= 0xe0 && b[0] < 0xf0 ? 3
               : b[0] >= 0xf0 && b[0] < 0xf5 ? 4 : 0;
    if (length == 0 || end - at < length)
        return 0;
    uint32_t value = length == 1 ? b[0] : b[0] & (0x7fu >> length);
    for (int i = 1; i < length; i++) {
        if ((b[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (b[i] & 0x3f);
    }
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 0;
    *point = value;
    return length;
}

int utf8_encode(uint32_t point, char out[4])
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    int length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (int i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    out[0] = (char)((0xf00 >> length) | point);
    return length;
}

size_t utf8_invalid(const char *text, size_t bytes)
{
    const char *end = text + bytes;
    uint32_t point;
    for (const char *at = text; at < end;) {
        int length = (uint8_t)*at < 0x80 ? 1 : utf8_decode(at, end, &point);
        if (length == 0)
            return (size_t)(at - text);
        at += length;
    }
    return SIZE_MAX;
}

size_t utf8_count(const char *text, size_t bytes)
{
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++)
        count += ((uint8_t)text[i] & 0xc0) != 0x80;
    return count;
}

typedef struct PointRange {
    uint32_t first, last;
} PointRange;

static bool in_ranges(uint32_t point, const PointRange *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    return false;
}

/* Blocks of combining marks and of wide East Asian characters and emoji (Unicode 15, EastAsianWidth W and
 * F), by block rather than by character: exact for the text people type at a prompt. */
int utf8_width(uint32_t point)
{
    static const PointRange zero[] = {
        {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f},
        {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2064}, {0x20d0, 0x20f0}, {0x302a, 0x302d},
        {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef},
    };
    static const PointRange wide[] = {
        {0x1100, 0x115f}, {0x231a, 0x231b}, {0x23e9, 0x23ec}, {0x2614, 0x2615}, {0x2648, 0x2653},
        {0x26a1, 0x26a1}, {0x26bd, 0x26be}, {0x2705, 0x2705}, {0x270a, 0x270b}, {0x2728, 0x2728},
        {0x274c, 0x274c}, {0x2753, 0x2755}, {0x2b50, 0x2b50}, {0x2e80, 0x303e}, {0x3041, 0x33ff},
        {0x3400, 0x4dbf}, {0x4e00, 0xa4cf}, {0xa960, 0xa97f}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
        {0xfe30, 0xfe6f}, {0xff01, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff},
        {0x1f7e0, 0x1f7eb}, {0x1f900, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
    };
    if (point < 0x300)
        return 1;
    if (in_ranges(point, zero, sizeof zero / sizeof *zero))
        return 0;
    return in_ranges(point, wide, sizeof wide / sizeof *wide) ? 2 : 1;
}

int text_width(const char *text, size_t bytes)
{
    const char *end = text + bytes;
    int columns = 0;
    while (text < end) {
        uint32_t point = '?';
        int length = utf8_decode(text, end, &point);
        columns += utf8_width(point);
        text += length > 0 ? length : 1;
    }
    return columns;
}

enum { NEAREST_MAX = 63 };

/* Edit distance with neighbour swaps counted once (Damerau, restricted), in bytes, case folded. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    uint8_t rows[3][NEAREST_MAX + 1];
    if (n > NEAREST_MAX || m > NEAREST_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (uint8_t)j;
    for (size_t i = 1; i <= n; i++) {
        uint8_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = (uint8_t)i;
        for (size_t j = 1; j <= m; j++) {
            int change = (a[i - 1] | 0x20) != (b[j - 1] | 0x20);
            int best = last[j - 1] + change;
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = (uint8_t)best;
        }
    }
    return rows[n % 3][m];
}

Nearest nearest_begin(const char *name)
{
    size_t length = strlen(name);
    return (Nearest){.name = name, .best = NULL, .limit = length <= 1 ? 0 : length <= 4 ? 1 : length <= 7 ? 2 : 3};
}

void nearest_offer(Nearest *nearest, const char *candidate)
{
    size_t distance = edit_distance(nearest->name, candidate);
    if (distance <= nearest->limit && strcmp(nearest->name, candidate) != 0) {
        nearest->best = candidate;
        nearest->limit = distance == 0 ? 0 : distance - 1;
    }
}
