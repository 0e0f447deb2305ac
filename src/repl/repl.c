#include "repl/repl.h"

#include "lang/parse.h"
#include "lang/session.h"
#include "repl/editor.h"
#include "repl/terminal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_DONE = 0, STATUS_FAILED = 1 };

typedef struct Repl {
    Session *session;
    const ReplOptions *options;
    Buf *text;                        /* the input */
    ReadResult read;
    bool over;
    int status;
} Repl;

static void evaluate_text(void *data)
{
    const Repl *r = data;
    Source *source = source_new(string_of("<repl>"), string_of("."), buf_text(r->text), r->text->bytes);
    run_chunk(r->session->main, parse(source), true);
}

static void show_error(const Session *s)
{
    fflush(stdout);
    fputs(session_error(s), stderr);
    fflush(stderr);
}

static void use_width(Session *s)
{
    s->width = s->error_width = terminal_size().columns;
}

static void evaluate(Repl *r)
{
    Session *s = r->session;
    use_width(s);
    terminal_unblock();
    bool ok = session_attempt(s, evaluate_text, r);
    terminal_block();
    fflush(stdout);
    if (s->exiting) {
        r->over = true;
        r->status = s->exit_status;
    } else if (!ok) {
        show_error(s);
    }
}

static void read_input(void *data)
{
    Repl *r = data;
    r->text = buf_new();
    r->read = editor_read(r->text, NULL);
}

static void step(Repl *r)
{
    PoolMark mark = pool_mark();
    if (error_protect(read_input, r)) {
        switch (r->read) {
        case READ_TEXT:
            if (r->text->bytes > 0)
                evaluate(r);
            break;
        case READ_DROPPED:
            break;
        case READ_TIMEOUT:
            r->over = true;
            r->status = STATUS_FAILED;
            break;
        case READ_END:
            terminal_write("\n", 1);
            r->over = true;
            break;
        }
    }
    pool_drain(mark);
}

int repl_run(Session *session, const ReplOptions *options)
{
    Repl r = {.session = session, .options = options, .status = STATUS_DONE};
    Entry entry = session_enter(session);
    editor_begin(options->color);
    if (!options->quiet)
        puts("dbx: a language for differentiable math. Type help for help, Ctrl-D to leave.");
    fflush(stdout);
    while (!r.over)
        step(&r);
    editor_end();
    session_leave(entry);
    return r.status;
}
