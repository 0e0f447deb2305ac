#include "repl/screens.h"

#include "base/runtime.h"
#include "lang/function.h"
#include "repl/block.h"
#include "repl/style.h"

#include <stdio.h>
#include <string.h>

static const char beginning[] =
    "2 * 3, sin(pi / 4)              numbers\n"
    "x = [1, 2, 3]; x * x + 1        tensors; x[0], x[-1], x[1:] are parts of it\n"
    "f(x) = sin(x) * exp(-x^2)       a function\n"
    "f'(0), f''(0.5)                 its derivatives\n"
    "w = parameter([2, 3, 4])        a tensor that collects a gradient:\n"
    "sum(w * w).backward(); w.grad   [4, 6, 8]\n"
    "for i in range(3) { print(i) }  statements; a bracket left open wants more\n";

enum { CODE_COLUMNS = 32 };

static const char where_to_go[] =
    "?sum, help(sum)   what a function does, with an example\n"
    "?\"least squares\"  functions about something; help() lists all\n"
    "TAB               completes a name; a second one shows signatures\n"
    "Ctrl-C, Ctrl-D    stops what runs or drops the input; leaves\n"
    ":tour, :help      ten short steps; commands such as :vars and :time\n";

void screens_greet(const ReplOptions *options)
{
    if (!options->quiet)
        puts("dbx: differentiable math. Type help to begin, :tour for a tour, Ctrl-D to leave.");
    fflush(stdout);
}

static void put_code(const Repl *r, Buf *out, const char *code)
{
    if (r->options->color)
        style_put_source(out, code, strlen(code));
    else
        buf_puts(out, code);
}

static void show_beginning(Repl *r)
{
    Buf *out = buf_new();
    for (const char *line = beginning; *line != '\0';) {
        size_t bytes = strcspn(line, "\n") + 1;
        put_code(r, out, string_new(line, CODE_COLUMNS)->text);
        buf_add(out, line + CODE_COLUMNS, bytes - CODE_COLUMNS);
        line += bytes;
    }
    buf_printf(out, "\n%s", where_to_go);
    repl_page(out);
}

/* ---- one topic ---- */

static bool collect(void *to, const char *text, size_t bytes)
{
    buf_add(to, text, bytes);
    return true;
}

typedef struct Question {
    Repl *repl;
    const char *about;
} Question;

/* The built-in `help` says what there is to say. A variable that is no function is described, not looked
 * for. */
static void ask_help(void *data)
{
    const Question *q = data;
    Session *s = q->repl->session;
    const Cell *cell = table_find(&s->main->cells, q->about, strlen(q->about));
    Value about = cell != NULL && cell->value.tag > TAG_NONE ? cell->value : value_text(q->about);
    call_value1(builtin_cell("help")->value, about);
}

/* Quotes around words that are looked for may be left out. */
static const char *without_quotes(const char *text)
{
    size_t bytes = strlen(text);
    bool quoted = bytes >= 2 && text[0] == '"' && text[bytes - 1] == '"';
    return quoted ? string_new(text + 1, bytes - 2)->text : text;
}

/* A heading, words such as "Errors:" that begin a paragraph, and examples stand out. */
static Buf *paint_help(const Buf *plain)
{
    Buf *out = buf_new();
    const char *line = buf_text(plain);
    for (bool first = true; *line != '\0'; first = false) {
        size_t bytes = strcspn(line, "\n"), label = strcspn(line, ":\n") + 1;
        bool labelled = strncmp(line, "  ", 2) == 0 && line[2] >= 'A' && line[2] <= 'Z' && label <= bytes
            && label < 16;
        if (first || labelled) {
            size_t strong = first ? bytes : label;
            buf_printf(out, "%s%.*s%s%.*s", style_codes[STYLE_HEADING], (int)strong, line,
                       style_codes[STYLE_PLAIN], (int)(bytes - strong), line + strong);
        } else if (strncmp(line, "    ", 4) == 0) {
            style_put_source(out, line, bytes);
        } else {
            buf_add(out, line, bytes);
        }
        line += bytes;
        if (*line == '\n')
            buf_putc(out, *line++);
    }
    return out;
}

/* What the body prints is help, which may be long. */
static void page_output(Repl *r, void (*body)(void *), void *data)
{
    Buf *out = buf_new();
    SessionOptions *options = &r->session->options;
    SessionOptions saved = *options;
    options->write = collect;
    options->to = out;
    bool ok = repl_attempt(r, body, data);
    *options = saved;
    if (ok)
        repl_page(r->options->color ? paint_help(out) : out);
}

void screens_topic(Repl *r, const char *text)
{
    if (*text == '\0')
        show_beginning(r);
    else
        page_output(r, ask_help, &(Question){r, without_quotes(text)});
}

/* ---- words ---- */

/* "help" itself, or the topic behind it; NULL for other texts. */
static const char *help_topic(const char *text)
{
    if (strncmp(text, "help", 4) != 0 || (text[4] != '\0' && text[4] != ' '))
        return NULL;
    text += 4 + strspn(text + 4, " ");
    for (const char *c = text; *c != '\0'; c++)
        if (strchr("=([{.,;\n+-*/^", *c) != NULL)
            return NULL;
    return text;
}

static bool is_own_name(const char *name, size_t bytes)
{
    const Cell *cell = table_find(&session()->main->cells, name, bytes);
    return cell != NULL && cell->value.tag != TAG_UNSET;
}

/* `quit` and `exit` by themselves, blanks around them, or `quit()`; exit(...) is language. */
static bool asks_to_leave(const char *text)
{
    static const char *const words[] = {"exit", "quit", "quit()"};
    text += strspn(text, " \t");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t bytes = strlen(words[i]);
        bool alone = strncmp(text, words[i], bytes) == 0 && text[bytes + strspn(text + bytes, " \t")] == '\0';
        if (alone)
            return !is_own_name(text, strcspn(words[i], "("));
    }
    return false;
}

/* A call of `help` and nothing else. */
static bool calls_help(const char *text)
{
    static const char call[] = "help(";
    const size_t begin = sizeof call - 1;
    return strncmp(text, call, begin) == 0 && strcmp(text + begin + strcspn(text + begin, "()\n"), ")") == 0;
}

bool screens_asked(const char *text)
{
    bool help = help_topic(text) != NULL || calls_help(text);
    return asks_to_leave(text) || (help && !is_own_name("help", 4));
}

static void run_call(void *text)
{
    run_text(session()->main, block_source(text, strlen(text)), true);
}

void screens_answer(Repl *r, const char *text)
{
    const char *topic = help_topic(text);
    if (topic != NULL)
        screens_topic(r, topic);
    else if (calls_help(text))
        page_output(r, run_call, (void *)text);
    else
        r->over = true;
}
