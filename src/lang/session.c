#include "lang/session.h"

#include "lang/eval.h"
#include "lang/failure.h"
#include "lang/parse.h"
#include "lang/resolve.h"
#include "tensor/parallel.h"
#include "tensor/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

/* Slots of all calls under way. Address space only: pages are there once they are touched. */
static const size_t STACK_VALUES = (size_t)8 << 20;

/* ---- cells ---- */

static uint32_t table_slot(const CellTable *table, uint32_t hash, const char *name, size_t bytes)
{
    uint32_t i = hash & (table->size - 1);
    for (; table->slots[i] != NULL; i = (i + 1) & (table->size - 1)) {
        const String *key = table->slots[i]->name;
        if (string_hash(key) == hash && key->bytes == bytes && memcmp(key->text, name, bytes) == 0)
            break;
    }
    return i;
}

Cell *table_find(const CellTable *table, const char *name, size_t bytes)
{
    return table->size == 0 ? NULL : table->slots[table_slot(table, text_hash(name, bytes), name, bytes)];
}

static void table_grow(CellTable *table)
{
    CellTable wider = {.size = table->size ? table->size * 2 : 64, .count = table->count};
    wider.slots = mem_alloc_zeroed(wider.size * sizeof *wider.slots);
    for (uint32_t i = 0; i < table->size; i++) {
        Cell *cell = table->slots[i];
        if (cell != NULL)
            wider.slots[table_slot(&wider, string_hash(cell->name), cell->name->text, cell->name->bytes)] = cell;
    }
    mem_free(table->slots, table->size * sizeof *table->slots);
    *table = wider;
}

static Cell *table_cell(CellTable *table, String *name)
{
    Cell *cell = table_find(table, name->text, name->bytes);
    if (cell != NULL)
        return cell;
    if (2 * (table->count + 1) > table->size)
        table_grow(table);
    cell = mem_alloc_zeroed(sizeof *cell);
    cell->name = object_retain(name);
    table->slots[table_slot(table, string_hash(name), name->text, name->bytes)] = cell;
    table->count++;
    return cell;
}

static void table_free(CellTable *table)
{
    for (uint32_t i = 0; i < table->size; i++) {
        Cell *cell = table->slots[i];
        if (cell == NULL)
            continue;
        value_release(cell->value);
        object_release(cell->name);
        mem_free(cell, sizeof *cell);
    }
    mem_free(table->slots, table->size * sizeof *table->slots);
}

Cell *builtin_cell(const char *name)
{
    return table_find(&session()->builtins, name, strlen(name));
}

Cell *module_cell(Module *module, String *name)
{
    Cell *cell = table_find(&module->cells, name->text, name->bytes);
    if (cell == NULL) {
        cell = table_cell(&module->cells, name);
        const Cell *builtin = table_find(&session()->builtins, name->text, name->bytes);
        if (builtin != NULL)
            cell->builtin = builtin->value;
    }
    return cell;
}

Module *module_new(String *path)
{
    Session *s = session();
    VEC_PUSH(s->modules, s->module_count, s->module_capacity, NULL);
    s->module_count--;                /* there is room now, and nothing below throws once the module is made */
    Module *m = mem_alloc_zeroed(sizeof *m);
    m->path = path == NULL ? NULL : object_retain(path);
    s->modules[s->module_count++] = m;
    return m;
}

static void module_free(Module *m)
{
    table_free(&m->cells);
    object_release(m->path);
    mem_free(m, sizeof *m);
}

/* ---- the names that are there from the start ---- */

#define OP(name) extern const Op op_##name;
#include "op_list.h"
#undef OP
static const Op *const all_ops[] = {
#define OP(name) &op_##name,
#include "op_list.h"
#undef OP
};

void session_define(const char *usage, Value value)
{
    Cell *cell = table_cell(&session()->builtins, string_new(usage, strcspn(usage, "(")));
    value_release(cell->value);
    cell->value = value_retain(value);
}

static Operator operator_of_infix(const char *infix)
{
    if (strcmp(infix, "-x") == 0)
        return OPERATOR_NEG;
    for (int i = 0; i < OPERATORS; i++)
        if (i != OPERATOR_NEG && i != OPERATOR_POS && strcmp(operator_text((Operator)i), infix) == 0)
            return (Operator)i;
    return OPERATORS;
}

/* Operations first: a built-in of the same name (concat, split) stands before the operation and calls it. */
static void define_names(Session *s)
{
    for (size_t i = 0; i < sizeof all_ops / sizeof *all_ops; i++) {
        const Op *op = all_ops[i];
        if (op->infix != NULL)
            s->binary_ops[operator_of_infix(op->infix)] = op;
        if (op->section != NULL)
            session_define(op->usage, value_object(TAG_FUNCTION, function_op(op)));
    }
    for (size_t i = 0; all_builtins[i] != NULL; i++) {
        const Builtin *builtin = all_builtins[i];
        Value f = value_object(TAG_FUNCTION, function_builtin(builtin));
        if (builtin->infix != NULL)
            s->prime = value_retain(f);
        if (builtin->section != NULL)
            session_define(builtin->usage, f);
    }
}

/* ---- life ---- */

Entry session_enter(Session *s)
{
    Entry entry = {rt};
    rt = s->runtime;
    stack_measure();
    return entry;
}

void session_leave(Entry entry)
{
    rt = entry.outer;
}

static void set_default_dtype(const char *name)
{
    Dtype dtype = dtype_named(name);
    if (dtype == DTYPES || !dtype_is_float(dtype))
        error_throw(ERROR_TYPE, "\"%s\" cannot be the default dtype", name);
    grad_state()->default_dtype = dtype;
}

static void start(void *data)
{
    Session *s = data;
    parallel_set_threads(s->options.threads);
    define_names(s);
    constants_define();
    s->main = module_new(NULL);
    if (s->options.max_memory != 0)
        mem_set_limit(s->options.max_memory);
    if (s->options.dtype != NULL)
        set_default_dtype(s->options.dtype);
    pool_drain(0);
}

static bool allocate_parts(Session *s)
{
    s->runtime = runtime_new();
    if (s->runtime == NULL)
        return false;
    s->runtime->session = s;
    s->runtime->on_throw = failure_note_place;
    s->runtime->subject = failure_subject;
    s->runtime->free_place = error_place_free;
    s->runtime->grad = grad_state_new();
    s->runtime->tensor = calloc(1, sizeof(TensorSession));
    void *stack = mmap(NULL, STACK_VALUES * sizeof(Value), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED)
        return false;
    s->stack = s->top = stack;
    s->stack_end = s->stack + STACK_VALUES;
    return s->runtime->grad != NULL && s->runtime->tensor != NULL;
}

static uint64_t entropy(void)
{
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
        seed = (uint64_t)time(NULL);
    return seed;
}

Session *session_new(const SessionOptions *options)
{
    static const SessionOptions none;
    Session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->options = options != NULL ? *options : none;
    s->precision = 6;
    s->error_width = 100;
    if (!allocate_parts(s)) {
        session_free(s);
        return NULL;
    }
    Entry entry = session_enter(s);
    random_seed(&tensor_state()->random, s->options.seeded ? s->options.seed : entropy());
    bool ok = error_protect(start, s);
    session_leave(entry);
    if (!ok) {
        session_free(s);
        return NULL;
    }
    return s;
}

size_t session_free_counting(Session *s)
{
    size_t alive = 0;
    if (s == NULL)
        return alive;
    if (s->runtime != NULL) {
        Entry entry = session_enter(s);
        for (uint32_t i = 0; i < s->module_count; i++)
            module_free(s->modules[i]);
        mem_free(s->modules, s->module_capacity * sizeof *s->modules);
        value_release(s->prime);
        table_free(&s->builtins);
        if (s->stack != NULL)
            munmap(s->stack, STACK_VALUES * sizeof(Value));
        pool_drain(0);
        error_clear(&rt->error);
        alive = rt->live_objects;
        if (s->runtime->tensor != NULL)
            parallel_stop();
        if (s->runtime->grad != NULL)
            grad_state_free(s->runtime->grad);
        free(s->runtime->tensor);
        runtime_free(s->runtime);
        session_leave(entry);
    }
    free(s->error_text);
    free(s->text);
    free(s);
    return alive;
}

void session_free(Session *s)
{
    session_free_counting(s);
}

/* ---- protection ---- */

bool session_protect(Session *s, void (*body)(void *), void *data)
{
    Frame *frame = s->frame;
    Subject subject = s->subject;
    Value *top = s->top;
    uint32_t depth = s->depth;
    GradContext context = grad_context();
    if (error_protect(body, data))
        return true;
    s->frame = frame;
    s->subject = subject;
    s->depth = depth;
    while (s->top > top)
        value_release(*--s->top);
    grad_restore(&context);
    return false;
}

/* ---- running ---- */

static void run_chunk(Module *module, Chunk *chunk, bool echo)
{
    Session *s = session();
    Frame frame = {.caller = s->frame, .chunk = chunk, .module = module, .at = chunk->body};
    bool echoed = s->echo;
    resolve(chunk, module);
    s->frame = &frame;
    s->echo = echo;
    evaluate(&frame, chunk->body);
    s->echo = echoed;
    s->frame = frame.caller;
}

void run_text(Module *module, Source *source, bool echo)
{
    PoolMark mark = pool_mark();
    run_chunk(module, parse(source), echo);
    pool_drain(mark);
}

/* ---- the public functions ---- */

typedef struct Report {
    Session *session;
    ErrorState error;
} Report;

static void render_report(void *data)
{
    const Report *r = data;
    Buf *text = buf_new();
    report_error(text, &r->error, r->session->color_errors, r->session->error_width);
    r->session->error_text = strdup(buf_text(text));
}

/* Memory may be what has run out: then the message stands alone. */
static void keep_error(Session *s)
{
    Report r = {s, rt->error};
    rt->error = (ErrorState){0};
    if (!error_protect(render_report, &r)
        && asprintf(&s->error_text, "error: %s\n", r.error.message != NULL ? r.error.message : "out of memory") < 0)
        s->error_text = NULL;
    s->error_kind = r.error.kind;
    error_clear(&r.error);
}

/* Variables may have filled the memory up to its limit. The next text then gets a little more, to free some
 * of them. */
static size_t widen_limit(const Session *s)
{
    const size_t little = 256 * 1024;
    size_t limit = mem_set_limit(0);
    bool full = s->failed && s->error_kind == ERROR_MEMORY && limit != 0 && mem_in_use() + little > limit;
    mem_set_limit(full ? mem_in_use() + little : limit);
    return limit;
}

bool session_attempt(Session *s, void (*body)(void *), void *data)
{
    Entry entry = session_enter(s);
    PoolMark mark = pool_mark();
    size_t limit = widen_limit(s);
    bool echo = s->echo;
    free(s->error_text);
    s->error_text = NULL;
    s->failed = s->exiting = s->handlers_over = false;
    rt->interrupted = INTERRUPT_NONE;
    bool ok = session_protect(s, body, data);
    if (!ok) {
        s->echo = echo;
        s->failed = true;
        if (!s->exiting)
            keep_error(s);
    }
    pool_drain(mark);
    mem_set_limit(limit);
    session_leave(entry);
    return ok;
}

typedef struct Run {
    Session *session;
    const char *text, *name;
    RunMode mode;
    Source *(*read)(const char *path);
} Run;

static void run_body(void *data)
{
    Run *run = data;
    run_text(run->session->main, source_new(string_of(run->name), string_of("."), run->text, strlen(run->text)),
             run->mode == RUN_ECHO);
}

bool session_run(Session *s, const char *text, const char *name, RunMode mode)
{
    Run run = {.session = s, .text = text, .name = name, .mode = mode};
    return session_attempt(s, run_body, &run);
}

static void run_read(void *data)
{
    Run *run = data;
    run_text(run->session->main, run->read(run->name), false);
}

bool session_run_file(Session *s, const char *path)
{
    Run run = {.session = s, .name = path, .read = source_read};
    return session_attempt(s, run_read, &run);
}

bool session_run_operand(Session *s, const char *path)
{
    Run run = {.session = s, .name = path, .read = source_read_operand};
    return session_attempt(s, run_read, &run);
}

const char *session_error(const Session *s) { return s->error_text != NULL ? s->error_text : ""; }
const char *session_error_kind(const Session *s)
{
    return s->failed && !s->exiting ? error_kind_name(s->error_kind) : "";
}

bool session_was_interrupted(const Session *s)
{
    return s->failed && s->runtime->interrupted != INTERRUPT_NONE;
}

void session_interrupt(void) { interrupt_raise(INTERRUPT_SIGNAL); }

/* ---- output ---- */

void session_write(const char *text, size_t bytes)
{
    Session *s = session();
    bool ok = s->options.write != NULL ? s->options.write(s->options.to, text, bytes)
                                       : fwrite(text, 1, bytes, stdout) == bytes;
    if (s->options.write == NULL && bytes > 0)
        s->mid_line = text[bytes - 1] != '\n';
    if (ok)
        return;
    if (interrupt_flag != INTERRUPT_NONE) {
        clearerr(stdout);             /* what was waited for is a slow reader */
        interrupt_throw();
    }
    s->output_failed = true;
    error_throw(ERROR_IO, "cannot write the output: %s", strerror(errno));
}
