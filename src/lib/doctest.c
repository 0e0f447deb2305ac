/* The examples in the entries of functions, run and compared. An example is a text with a mark "#=> "
 * behind each expression that is shown; what print would write for the expression must follow it. White
 * space is collapsed, and numbers compare with a relative tolerance. */
#include "lib/reference.h"

#include "lang/parse.h"
#include "lib/row.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char mark[] = "#=>";

/* ---- comparing ---- */

/* The length of the number at `at`, 0 for none. Unlike strtod it leaves words such as "infix" and "0x"
 * alone. */
static size_t number_length(const char *at)
{
    const char *digits = at + (*at == '-' || *at == '+');
    char *end;
    if (isalpha((unsigned char)*digits)) {
        bool word = strncmp(digits, "inf", 3) == 0 || strncmp(digits, "nan", 3) == 0;
        return word && !isalnum((unsigned char)digits[3]) ? (size_t)(digits + 3 - at) : 0;
    }
    if (digits[0] == '0' && digits[1] == 'x')
        return 0;
    strtod(at, &end);
    return isspace((unsigned char)*at) ? 0 : (size_t)(end - at);
}

static bool numbers_agree(double a, double b)
{
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-5 * fmax(fabs(a), fabs(b));
}

static const char *skip_space(const char *at)
{
    while (isspace((unsigned char)*at))
        at++;
    return at;
}

static bool texts_agree(const char *a, const char *b)
{
    for (a = skip_space(a), b = skip_space(b); *a != '\0' || *b != '\0';) {
        size_t n = number_length(a), m = number_length(b);
        if (n > 0 && m > 0) {
            if (!numbers_agree(strtod(a, NULL), strtod(b, NULL)))
                return false;
            a += n;
            b += m;
        } else if (isspace((unsigned char)*a) || isspace((unsigned char)*b)) {
            const char *c = skip_space(a), *d = skip_space(b);
            if ((c == a || d == b) && *c != '\0' && *d != '\0')
                return false;
            a = c;
            b = d;
        } else if (*a++ != *b++) {
            return false;
        }
    }
    return true;
}

/* ---- running ---- */

typedef struct Captured {
    FILE *stream;
    char *text;
    size_t bytes;
} Captured;

static bool capture(void *to, const char *text, size_t bytes)
{
    return fwrite(text, 1, bytes, ((Captured *)to)->stream) == bytes;
}

typedef struct Example {
    const Row *row;
    Session *inside;
    Captured out;
    Buf *failure;
} Example;

/* What a stretch of code ends in: an expression to show, several of them as `a, b`, or something else. */
typedef enum Ending { ENDS_OTHERWISE, ENDS_IN_VALUE, ENDS_IN_VALUES } Ending;

static Ending ending_of(const char *code, Span *span)
{
    Chunk *chunk = parse(source_new(string_of("<example>"), NULL, code, strlen(code)));
    const NodeList *list = &chunk->body->as.list;
    const Node *last = list->count > 0 ? list->at[list->count - 1] : NULL;
    if (last == NULL || last->kind != NODE_EXPRESSION)
        return ENDS_OTHERWISE;
    const Node *value = last->as.expression.value;
    *span = value->span;
    return value->kind == NODE_TUPLE && code[span->start] != '(' ? ENDS_IN_VALUES : ENDS_IN_VALUE;
}

/* The code up to the expression at its end, and that in between two texts. */
static bool run_around(Example *e, const char *code, Span span, const char *before, const char *behind)
{
    const char *text = string_format("%.*s%s%.*s%s\n", (int)span.start, code, before,
                                     (int)(span.end - span.start),
                                     code + span.start, behind)->text;
    return session_run(e->inside, text, "<example>", RUN_SCRIPT);
}

/* What shows by itself, such as print and help, is not shown again. */
static bool run_showing(Example *e, const char *code)
{
    Span span;
    Ending ending = ending_of(code, &span);
    size_t before = e->out.bytes;
    if (ending == ENDS_OTHERWISE)
        return session_run(e->inside, code, "<example>", RUN_SCRIPT);
    if (ending == ENDS_IN_VALUES)
        return run_around(e, code, span, "print(", ")");
    if (!run_around(e, code, span, "example_value = ", ""))
        return false;
    fflush(e->out.stream);
    return e->out.bytes > before || session_run(e->inside, "print(example_value)", "<example>", RUN_SCRIPT);
}

/* One stretch of code and what it is to write. */
static void run_stretch(Example *e, const char *code, const char *expected)
{
    fflush(e->out.stream);
    size_t before = e->out.bytes;
    if (!run_showing(e, code)) {
        buf_printf(e->failure, "%s", session_error(e->inside));
        return;
    }
    fflush(e->out.stream);
    const char *got = e->out.text + before;
    if (!texts_agree(expected, got))
        buf_printf(e->failure, "expected %s got %s", expected, got);
}

/* Lines up to one with a mark are one stretch; lines behind it that begin with a mark or a space go on
 * with what is expected. */
static void run_stretches(void *data)
{
    Example *e = data;
    Buf *code = buf_new(), *expected = buf_new();
    for (const char *line = e->row->example; *line != '\0';) {
        size_t bytes = strcspn(line, "\n");
        const char *end = line + bytes, *at = memmem(line, bytes, mark, strlen(mark));
        bool more = expected->bytes > 0 && (*line == ' ' || line == at);
        if (!more && expected->bytes > 0) {
            run_stretch(e, buf_text(code), buf_text(expected));
            code = buf_new();
            expected = buf_new();
        }
        if (!more) {
            buf_add(code, line, (size_t)((at != NULL ? at : end) - line));
            buf_putc(code, '\n');
        }
        if (more || at != NULL) {
            const char *text = at != NULL ? at + strlen(mark) : line;
            buf_add(expected, text, (size_t)(end - text));
            buf_putc(expected, '\n');
        }
        line = end + (*end == '\n');
    }
    run_stretch(e, buf_text(code), buf_text(expected));
}

/* A name that "See also" gives and that is not there, or NULL. */
static const char *missing_relative(const Row *row)
{
    for (const char *name = row->related; name != NULL && *name != '\0'; name += strspn(name, " ")) {
        const String *one = string_new(name, strcspn(name, " "));
        if (builtin_cell(one->text) == NULL)
            return one->text;
        name += one->bytes;
    }
    return NULL;
}

/* Empty when the example does what it says, and the names beside it are there. */
static const char *failure_of(const Row *row)
{
    const char *missing = missing_relative(row);
    if (missing != NULL)
        return string_format("there is no %s to see also", missing)->text;
    if (row->doc == NULL || row->example == NULL || strstr(row->example, mark) == NULL)
        return row->doc == NULL ? "it has no documentation" : "it has no example";
    Example e = {.row = row, .failure = buf_new()};
    SessionOptions options = {.seeded = true, .write = capture, .to = &e.out};
    e.out.stream = open_memstream(&e.out.text, &e.out.bytes);
    e.inside = e.out.stream != NULL ? session_new(&options) : NULL;
    if (e.inside == NULL)
        buf_puts(e.failure, "there is no memory");
    else if (!error_protect(run_stretches, &e))
        buf_printf(e.failure, "%s", rt->error.message);
    session_free(e.inside);
    if (e.out.stream != NULL)
        fclose(e.out.stream);
    free(e.out.text);
    return buf_text(e.failure);
}

int reference_test(Session *session_given)
{
    Entry entry = session_enter(session_given);
    PoolMark mark_before = pool_mark();
    Rows rows = rows_all();
    int failed = 0;
    for (uint32_t i = 0; i < rows.count; i++) {
        if (strcmp(rows.at[i].section, "standard library") == 0)
            continue;
        const char *failure = failure_of(&rows.at[i]);
        failed += *failure != '\0';
        printf("%s %s%s%s\n", *failure == '\0' ? "ok" : "FAIL", rows.at[i].name, *failure == '\0' ? "" : " ",
               failure);
    }
    pool_drain(mark_before);
    session_leave(entry);
    return failed > 0;
}
