#include "base/runtime.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *error_kind_name(ErrorKind kind)
{
    static const char *const names[ERROR_KINDS] = {
        "syntax", "name", "type", "shape", "index", "value", "domain", "io", "memory", "interrupt",
        "limit", "user",
    };
    return names[kind];
}

/* The middle of a very long text makes way for "...": messages quote names, keys and paths, which may be a megabyte.
 * Never half a character is left. */
static char *shorten(char *text)
{
    enum { LONGEST = 600, END_KEPT = 290 };
    size_t bytes = text != NULL ? strlen(text) : 0, head = END_KEPT, tail = bytes - END_KEPT;
    if (bytes <= LONGEST)
        return text;
    while (((unsigned char)text[head] & 0xc0) == 0x80)
        head--;
    while (((unsigned char)text[tail] & 0xc0) == 0x80)
        tail++;
    memcpy(text + head, "...", 3);
    memmove(text + head + 3, text + tail, bytes - tail + 1);
    return text;
}

/* The texts of an error are malloc'd: memory of the session may be what has run out. */
char *error_text(const char *format, va_list args)
{
    char *text = NULL;
    return vasprintf(&text, format, args) < 0 ? NULL : shorten(text);
}

char *error_text_copy(const char *text)
{
    return text != NULL ? shorten(strdup(text)) : NULL;
}

void error_clear(ErrorState *e)
{
    free(e->message);
    free(e->hint);
    free(e->note);
    if (e->place != NULL)
        rt->free_place(e->place);
    memset(e, 0, sizeof *e);
}

static _Noreturn void unwind(void)
{
    Handler *handler = rt->handler;
    assert(handler != NULL && "error outside of error_protect");
    longjmp(handler->jump, 1);
}

const char *error_subject(size_t *length)
{
    return rt->subject != NULL ? rt->subject(rt, length) : NULL;
}

/* The message as it is kept, malloc'd: "NAME: message", or as it is when there is no name or it begins with it. What a
 * script says itself, another file's text and signals are not of what was called. */
static char *named_text(ErrorKind kind, char *message)
{
    size_t length;
    bool own = kind == ERROR_USER || kind == ERROR_SYNTAX || kind == ERROR_NAME || kind == ERROR_INTERRUPT;
    const char *name = own ? NULL : error_subject(&length);
    char *named;
    if (name == NULL || message == NULL || (strncmp(message, name, length) == 0 && message[length] == ':')
        || asprintf(&named, "%.*s: %s", (int)length, name, message) < 0)
        return message;
    free(message);
    return named;
}

/* Takes the texts over. */
static _Noreturn void throw_texts(ErrorKind kind, char *hint, char *message)
{
    ErrorState *e = &rt->error;
    char *note = e->message == NULL ? e->note : NULL;       /* noted for this error, see error_note */
    if (note != NULL)
        e->note = NULL;
    error_clear(e);
    e->kind = kind;
    e->message = message;
    e->note = note;
    e->hint = hint;
    if (rt->on_throw != NULL)
        rt->on_throw(rt);
    unwind();
}

void error_throw(ErrorKind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    throw_texts(kind, NULL, shorten(named_text(kind, error_text(format, args))));
}

void error_throw_hint(ErrorKind kind, const char *hint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    throw_texts(kind, error_text_copy(hint), shorten(named_text(kind, error_text(format, args))));
}

void error_throw_whole(ErrorKind kind, const char *hint, const char *message)
{
    throw_texts(kind, hint != NULL ? strdup(hint) : NULL, strdup(message));
}

void error_throw_unnamed(ErrorKind kind, const char *hint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    throw_texts(kind, error_text_copy(hint), error_text(format, args));
}

void error_rethrow(void)
{
    unwind();
}

void error_note(const char *format, ...)
{
    va_list args;
    error_clear(&rt->error);
    va_start(args, format);
    rt->error.note = error_text(format, args);
    va_end(args);
}

bool error_protect(void (*body)(void *data), void *data)
{
    Handler handler = {.outer = rt->handler, .pool = pool_mark()};
    rt->handler = &handler;
    bool ok = setjmp(handler.jump) == 0;
    if (ok)
        body(data);
    rt->handler = handler.outer;
    if (!ok)
        pool_drain(handler.pool);
    return ok;
}
