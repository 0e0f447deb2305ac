/* Embedding dbx: the whole language behind a few functions. Link libdbx.a.
 *
 *     Session *s = session_new(NULL);
 *     if (!session_run(s, "f(x) = x^2\n", "<host>", RUN_SCRIPT))
 *         fputs(session_error(s), stderr);
 *     double slope;
 *     session_run(s, "d = f'(3)", "<host>", RUN_SCRIPT);
 *     session_number(s, "d", &slope);
 *     session_free(s);
 *
 * Sessions are independent of each other; one session is used by one thread at a time. */
#ifndef DBX_H
#define DBX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Session Session;

typedef struct SessionOptions {
    size_t max_memory;                /* bytes; 0: the machine's */
    int threads;                      /* of tensor work; 0: as many as there are cores */
    const char *dtype;                /* default float dtype; NULL: "float32" */
    bool seeded;
    uint64_t seed;
    const char *sandbox;              /* folder outside of which no file may be touched, or NULL */
    int argc;                         /* what scripts see as args */
    char *const *argv;
    /* Where print writes; NULL: standard output. Returns false when it could not. */
    bool (*write)(void *to, const char *text, size_t bytes);
    void *to;
} SessionOptions;

/* NULL when there is no memory. options may be NULL. */
Session *session_new(const SessionOptions *options);
void session_free(Session *session);

typedef enum RunMode {
    RUN_SCRIPT,                       /* expressions are evaluated and forgotten */
    RUN_ECHO                          /* expressions are shown, as the REPL does */
} RunMode;

/* Runs a text; `name` is how errors call it. False on an error: see session_error. */
bool session_run(Session *session, const char *text, const char *name, RunMode mode);
bool session_run_file(Session *session, const char *path);

/* The last error: message, place, traceback and hint, as a terminal shows it; "" when there was none. Valid until
 * the next call. */
const char *session_error(const Session *session);
/* Its kind: "syntax", "name", ... and "" when there was none. */
const char *session_error_kind(const Session *session);

/* Reads a top-level variable. False when it is absent or not of that sort. */
bool session_number(Session *session, const char *name, double *value);
/* Elements of a tensor, row-major as doubles: writes up to `capacity` of them, and how many there are to *count. */
bool session_tensor(Session *session, const char *name, double *elements, size_t capacity, size_t *count);
/* The text that print would write, valid until the next call; NULL when absent. */
const char *session_text(Session *session, const char *name);
/* Sets a top-level variable. */
bool session_set_number(Session *session, const char *name, double value);
bool session_set_tensor(Session *session, const char *name, int ndim, const int64_t *shape, const double *elements);
/* Calls a top-level function with numbers; its result must be one number. */
bool session_call(Session *session, const char *function, int count, const double *arguments, double *result);

/* Stops what is running, as Ctrl-C does. May be called from a signal handler. */
void session_interrupt(void);

#endif
