/* Showing an error: its message, the place in the source with an underline, the calls that led there. */
#include "lang/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TAB_COLUMNS = 4,
    SHORTEST_LINE = 20,               /* columns that a source line gets however narrow the terminal is */
    REPLACEMENT = 0xfffd
};

void error_place_free(void *data)
{
    ErrorPlace *place = data;

    if (place == NULL)
        return;
    object_release(place->source);
    for (uint32_t i = 0; i < place->trace_count; i++) {
        object_release(place->trace[i].function);
        object_release(place->trace[i].source);
    }
    free(place);
}

/* The place goes with the error from the start, so that on_throw finds it and only adds to it. Its texts are
 * malloc'd as error.c wants them. */
void throw_at(Source *source, Span span, ErrorKind kind, const char *hint, const char *format, ...)
{
    ErrorState *error = &rt->error;
    ErrorPlace *place = calloc(1, sizeof *place);
    char *own_hint = error_text_copy(hint);
    va_list args;

    va_start(args, format);
    char *message = error_text(format, args);
    va_end(args);
    error_clear(error);
    error->kind = kind;
    error->message = message;
    error->hint = own_hint;
    error->place = place;
    rt->free_place = error_place_free;
    if (place != NULL) {
        place->source = source != NULL ? object_retain(source) : NULL;
        place->span = span;
    }
    if (rt->on_throw != NULL)
        rt->on_throw(rt);
    error_rethrow();
}

/* Colours of the 16 that every terminal has, which its owner made legible on his background. */
typedef struct Style {
    const char *error, *bold, *gutter, *mark, *hint, *plain;
} Style;

static const Style colored = {"\x1b[1;31m", "\x1b[1m", "\x1b[36m", "\x1b[1;31m", "\x1b[36m", "\x1b[0m"};
static const Style uncolored = {"", "", "", "", "", ""};

/* The code point at `at`, fit to be shown: controls, bidirectional controls and bytes that are not UTF-8 are
 * replaced. Returns its length in bytes. */
static int clean_point(const char *at, const char *end, uint32_t *point)
{
    int length = utf8_decode(at, end, point);

    if (length <= 0) {
        *point = REPLACEMENT;
        return 1;
    }
    bool control = *point < 0x20 || (*point >= 0x7f && *point < 0xa0);
    bool format = (*point >= 0x200b && *point <= 0x200f) || (*point >= 0x2028 && *point <= 0x202e)
        || (*point >= 0x2060 && *point <= 0x206f) || *point == 0x061c || *point == 0xfeff;
    if ((control && *point != '\t') || format)
        *point = REPLACEMENT;
    return length;
}

static int point_columns(uint32_t point)
{
    return point == '\t' ? TAB_COLUMNS : utf8_width(point);
}

static int columns_between(const char *text, const char *end)
{
    int columns = 0;
    uint32_t point;

    while (text < end) {
        text += clean_point(text, end, &point);
        columns += point_columns(point);
    }
    return columns;
}

static void put_clean(Buf *out, const char *text, const char *end)
{
    uint32_t point;

    while (text < end) {
        text += clean_point(text, end, &point);
        if (point == '\t')
            buf_printf(out, "%*s", TAB_COLUMNS, "");
        else
            buf_put_point(out, point);
    }
}

/* A message may have lines of its own. */
static void put_message(Buf *out, const char *text, int indent)
{
    const char *newline;

    while ((newline = strchr(text, '\n')) != NULL) {
        put_clean(out, text, newline);
        buf_printf(out, "\n%*s", indent, "");
        text = newline + 1;
    }
    put_clean(out, text, text + strlen(text));
}

static void put_repeated(Buf *out, char c, int count)
{
    while (count-- > 0)
        buf_putc(out, c);
}

/* The part of a line that is shown, in bytes, and what stands for the rest. */
typedef struct Window {
    const char *start, *end;
    const char *before, *after;
} Window;

static const char *forward(const char *at, const char *end, int columns)
{
    uint32_t point;

    while (at < end) {
        int length = clean_point(at, end, &point);
        if ((columns -= point_columns(point)) < 0)
            break;
        at += length;
    }
    return at;
}

static const char *backward(const char *at, const char *start, int columns)
{
    uint32_t point;

    while (at > start) {
        const char *previous = at - 1;
        while (previous > start && ((unsigned char)*previous & 0xc0) == 0x80)
            previous--;
        clean_point(previous, at, &point);
        if ((columns -= point_columns(point)) < 0)
            break;
        at = previous;
    }
    return at;
}

/* What of the line [start, end) fits into `columns`, around the place [from, to). The place's beginning is
 * always shown, with a third of the room before it. */
static Window window_of(const char *start, const char *end, const char *from, const char *to, int columns)
{
    Window window = {start, end, "", ""};

    if (forward(start, end, columns) == end)
        return window;
    columns -= 2 * (int)strlen("...");
    int place = columns_between(from, forward(from, to, columns)), room = columns - place;
    window.start = backward(from, start, room > columns / 3 ? room / 2 : columns / 3);
    window.end = forward(window.start, end, columns);
    if (window.end == end)            /* the end is near: spend what is left on the beginning */
        window.start = backward(end, start, columns);
    if (window.start > start)
        window.before = "...";
    if (window.end < end)
        window.after = "...";
    return window;
}

typedef struct Report {
    Buf *out;
    const Style *style;
    int width, gutter;                /* gutter: columns of the line number */
} Report;

static void put_gutter(const Report *r, const char *sign)
{
    buf_printf(r->out, "%s%*s %s%s", r->style->gutter, r->gutter, "", sign, r->style->plain);
}

/* The line of ~ and ^ below the source line, and the note beside it. */
static void put_underline(const Report *r, Window window, const char *from, const char *to,
                          const ErrorPlace *place, const char *note)
{
    const char *text = place->source->text;
    const char *op = text + place->op.start, *op_end = text + place->op.end;
    int columns = columns_between(from, to);

    put_gutter(r, "| ");
    put_repeated(r->out, ' ', (int)strlen(window.before) + columns_between(window.start, from));
    buf_puts(r->out, r->style->mark);
    if (place->op.start >= place->op.end) {
        put_repeated(r->out, '^', columns > 0 ? columns : 1);
    } else if (op >= from && op_end <= to) {
        put_repeated(r->out, '~', columns_between(from, op));
        put_repeated(r->out, '^', columns_between(op, op_end));
        put_repeated(r->out, '~', columns_between(op_end, to));
    } else {                          /* the operator is on a later line, or cut off */
        put_repeated(r->out, '~', columns > 0 ? columns : 1);
    }
    buf_puts(r->out, r->style->plain);
    if (note != NULL) {
        buf_puts(r->out, "  ");
        put_message(r->out, note, 0);
    }
    buf_putc(r->out, '\n');
}

static void put_source_line(const Report *r, const ErrorPlace *place, uint32_t number, const char *note)
{
    const Source *source = place->source;
    const char *text = source->text;
    uint32_t bytes = (uint32_t)source->bytes;
    Span line = source_line(source, place->span.start);
    uint32_t from = place->span.start < bytes ? place->span.start : bytes;
    uint32_t to = place->span.end < line.end ? place->span.end : line.end;
    int room = r->width - r->gutter - 3;

    if (from > line.end)              /* on the line end itself */
        from = line.end;
    if (to < from)
        to = from;
    Window window = window_of(text + line.start, text + line.end, text + from, text + to,
                              room > SHORTEST_LINE ? room : SHORTEST_LINE);
    const char *shown_to = text + to < window.end ? text + to : window.end;

    put_gutter(r, "|");
    buf_printf(r->out, "\n%s%*u |%s", r->style->gutter, r->gutter, number, r->style->plain);
    if (window.end > window.start)
        buf_putc(r->out, ' ');
    buf_puts(r->out, window.before);
    put_clean(r->out, window.start, window.end);
    buf_printf(r->out, "%s\n", window.after);
    put_underline(r, window, text + from, shown_to, place, note);
}

/* A name may be of any length. */
static void put_name(Buf *out, const String *name)
{
    enum { LONGEST = 100 };
    const char *end = name->text + name->bytes, *cut = forward(name->text, end, LONGEST);

    put_clean(out, name->text, cut);
    buf_puts(out, cut < end ? "..." : "");
}

static void put_trace(const Report *r, const ErrorPlace *place)
{
    for (uint32_t i = 0; i < place->trace_count; i++) {
        const TraceEntry *entry = &place->trace[i];
        if (i == TRACE_KEPT && place->trace_left_out > 0) {
            put_gutter(r, "= ");
            buf_printf(r->out, "... %u calls left out\n", place->trace_left_out);
        }
        put_gutter(r, "= ");
        buf_puts(r->out, "in ");
        if (entry->function != NULL)
            put_name(r->out, entry->function);
        else
            buf_puts(r->out, "a function without a name");
        if (entry->source != NULL && entry->source->name != NULL) {
            const String *name = entry->source->name;
            buf_puts(r->out, " (");
            put_clean(r->out, name->text, name->text + name->bytes);
            buf_printf(r->out, ":%u)", source_place(entry->source, entry->offset).line);
        }
        buf_putc(r->out, '\n');
    }
}

static void put_place(Report *r, const ErrorPlace *place, const char *note)
{
    const String *name = place->source->name;
    Place at = source_place(place->source, place->span.start);

    r->gutter = snprintf(NULL, 0, "%u", at.line);
    buf_printf(r->out, "%s%*s--> %s", r->style->gutter, r->gutter > 2 ? r->gutter : 2, "", r->style->plain);
    if (name != NULL)
        put_clean(r->out, name->text, name->text + name->bytes);
    buf_printf(r->out, ":%u:%u\n", at.line, at.column);
    put_source_line(r, place, at.line, note);
}

void report_error(Buf *out, const ErrorState *state, bool color, int width)
{
    const ErrorPlace *place = state->place;
    Report r = {out, color ? &colored : &uncolored, width, 2};
    const char *message = state->message != NULL ? state->message : "out of memory";

    buf_printf(out, "%serror%s%s: ", r.style->error, r.style->plain, r.style->bold);
    put_message(out, message, 0);
    buf_printf(out, "%s\n", r.style->plain);
    if (place != NULL && place->source != NULL)
        put_place(&r, place, state->note);
    if (place != NULL)
        put_trace(&r, place);
    if (state->hint != NULL) {
        put_gutter(&r, "= ");
        buf_printf(out, "%shint%s: ", r.style->hint, r.style->plain);
        put_message(out, state->hint, r.gutter + 9);
        buf_putc(out, '\n');
    }
}
