#include "repl/repl.h"

#include "lang/session.h"
#include "repl/block.h"
#include "repl/commands.h"
#include "repl/editor.h"
#include "repl/history.h"
#include "repl/screens.h"
#include "repl/style.h"
#include "repl/terminal.h"
#include "repl/tour.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_DONE = 0, STATUS_FAILED = 1, STATUS_INTERRUPTED = 130 };

/* ---- evaluation ---- */

/* The prompt, which is drawn from the first column on, needs a line of its own. */
static void end_line(Session *s)
{
    if (s->mid_line && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        putchar('\n');
    s->mid_line = false;
    fflush(stdout);
}

bool repl_attempt(Repl *r, void (*body)(void *), void *data)
{
    Session *s = r->session;
    TerminalSize size = terminal_size();
    s->width = s->error_width = size.columns;
    terminal_unblock();
    mem_set_limit(r->memory_limit);
    bool ok = session_attempt(s, body, data);
    mem_set_limit(0);
    terminal_block();
    if (interrupt_flag == INTERRUPT_SIGNAL)
        interrupt_flag = INTERRUPT_NONE;      /* it came too late to stop anything */
    end_line(s);
    if (s->exiting) {
        r->over = true;
        r->status = s->exit_status;
    } else if (!ok) {
        fputs(session_error(s), stderr);
        fflush(stderr);
        if (s->runtime->interrupted == INTERRUPT_TIMEOUT) {
            r->over = true;
            r->status = STATUS_FAILED;
        }
    }
    return ok;
}

typedef struct Text {
    const char *text;
    size_t bytes;
} Text;

static void run_input(void *data)
{
    const Text *t = data;
    run_text(session()->main, block_source(t->text, t->bytes), true);
}

bool repl_evaluate(Repl *r, const char *text, size_t bytes)
{
    return repl_attempt(r, run_input, &(Text){text, bytes});
}

void repl_tell_error(void)
{
    fprintf(stderr, "error: %s\n", rt->error.message != NULL ? rt->error.message : "out of memory");
}

void repl_note(Repl *r, const char *text, size_t bytes)
{
    buf_add(r->program, text, bytes);
    if (bytes > 0 && text[bytes - 1] != '\n')
        buf_putc(r->program, '\n');
}

/* ---- long texts ---- */

/* Rows that a text takes on the screen. */
static int rows_of(const char *text, int columns)
{
    int rows = 0;
    while (*text != '\0') {
        size_t bytes = strcspn(text, "\n");
        int width = text_width(text, bytes);
        rows += width > columns ? (width + columns - 1) / columns : 1;
        text += bytes + (text[bytes] == '\n');
    }
    return rows;
}

void repl_page(const Buf *text)
{
    const char *pager = getenv("PAGER");
    TerminalSize size = terminal_size();
    bool fits = rows_of(buf_text(text), size.columns) < size.rows;
    pager = pager != NULL && *pager != '\0' ? pager : "command -v less >/dev/null && less -FRX";
    if (fits || !isatty(STDOUT_FILENO) || terminal_run(pager, buf_text(text), text->bytes) != 0)
        fwrite(buf_text(text), 1, text->bytes, stdout);
    fflush(stdout);
}

/* ---- the loop ---- */

/* What is pasted may hold commands among its lines. The bytes of its first part: a command, whose argument may
 * go on over lines, or all that stands before the next command. */
static size_t part_bytes(const char *text)
{
    bool command = command_begins(text);
    const char *end = text + strcspn(text, "\n");
    for (; *end != '\0'; end += 1 + strcspn(end + 1, "\n"))
        if ((command || command_begins(end + 1)) && block_is_complete(text + command, (size_t)(end - text) - command))
            break;
    return (size_t)(end - text);
}

/* False when it failed. A command has told so itself. */
static bool run_part(Repl *r, const char *text, size_t bytes)
{
    const String *part = string_new(text, bytes);
    bool command = command_is(part->text);
    if (command)
        command_run(r, part->text);
    else if (!repl_evaluate(r, text, bytes))
        return false;
    else
        repl_note(r, text, bytes);
    return true;
}

static void take_input(Repl *r, const Buf *text)
{
    const char *at = buf_text(text);
    size_t bytes;
    history_remember(at, text->bytes);
    do {
        bytes = part_bytes(at);
        if (!run_part(r, at, bytes) || r->over)
            return;
        at += bytes;
    } while (*at++ != '\0');
}

static void step(void *data)
{
    Repl *r = data;
    Buf *text = buf_new();
    if (r->touring)
        tour_go_on(r);
    if (r->over)
        return;
    String *first = r->next->bytes > 0 ? buf_string(r->next) : NULL;
    r->next->bytes = 0;
    switch (editor_read(text, first != NULL ? first->text : NULL)) {
    case READ_TEXT:
        take_input(r, text);
        break;
    case READ_DROPPED:
        if (r->touring)
            tour_leave(r);
        break;
    case READ_INTERRUPTED:
        r->over = true;
        r->status = STATUS_INTERRUPTED;
        break;
    case READ_TIMEOUT:
        fputs("error: the time that --timeout gives is over\n", stderr);
        r->over = true;
        r->status = STATUS_FAILED;
        break;
    case READ_END:
        r->over = true;
        break;
    }
}

static const char *startup_path(void)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (config != NULL && *config == '/')
        return string_format("%s/dbx/init.dbx", config)->text;
    return home != NULL ? string_format("%s/.config/dbx/init.dbx", home)->text : "";
}

static void run_file(void *data)
{
    run_text(session()->main, source_read(data), false);
}

static void begin(void *data)
{
    Repl *r = data;
    r->program = object_retain(buf_new());
    r->next = object_retain(buf_new());
    const char *path = startup_path();
    if (access(path, R_OK) == 0)
        repl_attempt(r, run_file, (void *)path);
}

/* The limit on memory is the programs': the prompt works on when they have reached it. */
int repl_run(Session *session, const ReplOptions *options)
{
    Repl r = {.session = session, .options = options, .status = STATUS_DONE, .touring = options->tour};
    Entry entry = session_enter(session);
    PoolMark outer = pool_mark();
    r.memory_limit = mem_set_limit(0);
    editor_begin(options->color);
    session->paint = options->color ? style_put_source : NULL;
    history_begin();
    screens_greet(options);
    r.tour_step = options->tour ? 1 : 0;
    bool ok = error_protect(begin, &r);
    while (ok && !r.over) {
        PoolMark mark = pool_mark();
        ok = error_protect(step, &r);
        pool_drain(mark);
    }
    if (!ok)
        repl_tell_error();
    object_release(r.program);
    object_release(r.next);
    history_end();
    editor_end();
    pool_drain(outer);
    mem_set_limit(r.memory_limit);
    session_leave(entry);
    return ok ? r.status : STATUS_FAILED;
}
