#include "lang/check.h"

#include "lang/failure.h"
#include "lang/parse.h"
#include "lang/resolve.h"

#include <stdio.h>

typedef struct Check {
    Session *session;
    const char *path;
    Source *source;
    Node *unknown;
    bool ok;
} Check;

static void throw_unknown(void *data)
{
    const Check *c = data;
    throw_unknown_at(c->source, c->unknown->span, c->unknown->as.name.name);
}

static void print_error(const Check *c)
{
    Buf *text = buf_new();
    report_error(text, &rt->error, c->session->color_errors, c->session->error_width);
    fputs(buf_text(text), stderr);
}

static void report_unknown(Node *name, void *context)
{
    Check *c = context;
    PoolMark mark = pool_mark();
    c->ok = false;
    c->unknown = name;
    if (!session_protect(c->session, throw_unknown, c))
        print_error(c);
    pool_drain(mark);
}

static void check_file(void *data)
{
    Check *c = data;
    c->source = source_read_operand(c->path);
    Chunk *chunk = parse(c->source);
    resolve(chunk, module_new(NULL));
    resolve_unknown(chunk, report_unknown, c);
}

bool check_files(Session *s, int count, char *const *paths)
{
    bool ok = true;
    for (int i = 0; i < count && !session_was_interrupted(s); i++) {
        Check c = {.session = s, .path = paths[i], .ok = true};
        if (!session_attempt(s, check_file, &c)) {
            fputs(session_error(s), stderr);
            c.ok = false;
        }
        ok &= c.ok;
    }
    return ok;
}
