/* A session: everything that one interpreter has. */
#ifndef DBX_LANG_SESSION_H
#define DBX_LANG_SESSION_H

#include "dbx.h"
#include "lang/function.h"
#include "lang/report.h"

/* A global variable. Its address never changes, so that code refers to it directly. */
typedef struct Cell {
    Value value;                      /* TAG_UNSET when it has none; then `builtin` counts */
    Value builtin;                    /* what the name means when nothing was assigned, TAG_UNSET for nothing */
    String *name;
    uint32_t assigned;                /* its place, from 1, among the names that its file assigns; 0: none */
} Cell;

typedef struct CellTable {
    Cell **slots;
    uint32_t count, size;
} CellTable;

/* The top level of one file (or of the REPL). */
typedef struct Module {
    String *path;                     /* absolute, or NULL */
    CellTable cells;
    uint32_t assigned;                /* how many of them the file assigns */
    bool running;                     /* to find import cycles */
    bool builtin_scope;               /* part of the standard library */
} Module;

/* One call under way, or one top-level text. */
typedef struct Frame {
    struct Frame *caller;
    Value *slots;
    Function *function;               /* NULL at top level */
    Chunk *chunk;
    Module *module;
    Node *at;                         /* being evaluated, for the places of errors */
    Value result;                     /* of `return` */
} Frame;

/* The operation or built-in that a frame has called and that is under way: what errors name while no other
 * frame runs. */
typedef struct Subject {
    const Function *function;         /* NULL for none */
    const Frame *frame;
} Subject;

struct Session {
    Runtime *runtime;
    Frame *frame;
    Subject subject;
    const Frame *catcher;             /* runs the innermost `try` block under way; NULL for none */
    bool handlers_over;               /* the next interrupt runs no handlers: one does or did run when it came */
    Value *stack, *top, *stack_end;   /* frame slots and arguments under way; owned values */
    uint32_t depth;                   /* of calls */
    CellTable builtins;               /* names of operations and built-ins; Cell.value is the function */
    Module *main, **modules;
    uint32_t module_count, module_capacity;
    SessionOptions options;
    bool echo;
    bool exiting;                     /* exit(n) was called: nothing catches */
    int exit_status;
    int precision;                    /* significant digits of printed elements */
    int width;                        /* columns for displays; 0 for no limit */
    bool output_failed;
    bool mid_line;                    /* what standard output got last does not end its line */
    char *error_text;                 /* rendered, for session_error */
    ErrorKind error_kind;
    bool failed;
    char *text;                       /* what session_text returned last */
    const Op *binary_ops[OPERATORS];  /* by their rows' `infix` */
    Value prime;                      /* the built-in that a prime behind a function calls */
    bool color_errors;                /* how session_error is rendered */
    int error_width;                  /* columns; 0 for no limit */
    void (*paint)(Buf *out, const char *text, size_t bytes);   /* adds an echo in colours; NULL: plain */
};

static inline Session *session(void) { return rt->session; }

/* Finds or makes the cell. */
Cell *module_cell(Module *module, String *name);
Cell *table_find(const CellTable *table, const char *name, size_t bytes);
Cell *builtin_cell(const char *name);
Module *module_new(String *path);

/* Parses, resolves and runs in a module; with `echo` the values of expressions are shown. Throws. */
void run_text(Module *module, Source *source, bool echo);

/* Runs body under protection at the border of the language: on an error frames, stack and recording are what
 * they were. The error is in rt->error. */
bool session_protect(Session *session, void (*body)(void *), void *data);

/* The same for a driver outside of the language: enters the session, drains the pool, keeps the error's text. */
bool session_attempt(Session *session, void (*body)(void *), void *data);
/* Did an interrupt or the limit on time end the last run? */
bool session_was_interrupted(const Session *session);
/* session_run_file for an operand of the command (see source_read_operand). */
bool session_run_operand(Session *session, const char *path);

/* session_free, and how many counted objects were still alive at the end: 0, unless something leaks. For tests. */
size_t session_free_counting(Session *session);

/* Defines a name that is there from the start: "f(x)" or "pi". */
void session_define(const char *usage, Value value);
/* Every built-in, with NULL behind the last (lib/table.c). */
extern const Builtin *const all_builtins[];
/* The constants pi, inf, ... (lib/constants.c). */
void constants_define(void);

/* Every driver that calls into the language brackets the call, so that `rt` names this session. */
typedef struct Entry {
    Runtime *outer;
} Entry;
Entry session_enter(Session *session);
void session_leave(Entry entry);

/* Output of print and echo. */
void session_write(const char *text, size_t bytes);

#endif
