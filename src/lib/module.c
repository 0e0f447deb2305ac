/* import: files as records of their top-level names. A file runs once in a session, in a Module of its
 * own, which is known by the file's path after all links. */
#include "lib/module.h"
#include "lib/paths.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The folder of the file that the calling code stands in. */
static const String *importing_folder(void)
{
    const Frame *frame = session()->frame;
    if (frame == NULL)
        return NULL;
    const Chunk *chunk = frame->function != NULL ? frame->function->chunk : frame->chunk;
    return chunk != NULL ? chunk->source->directory : NULL;
}

static Module *find_module(const char *real)
{
    const Session *s = session();
    for (uint32_t i = 0; i < s->module_count; i++)
        if (s->modules[i]->path != NULL && string_is(s->modules[i]->path, real))
            return s->modules[i];
    return NULL;
}

/* "a.dbx -> b.dbx -> a.dbx": the files that are running, from the one that is imported again. */
static _Noreturn void throw_cycle(const Call *call, const Module *again)
{
    const Session *s = session();
    Buf *chain = buf_new();
    bool inside = false;
    for (uint32_t i = 0; i < s->module_count; i++) {
        const Module *m = s->modules[i];
        inside |= m == again;
        if (inside && m->running)
            buf_printf(chain, "%s -> ", basename(m->path->text));
    }
    call_throw(call, ERROR_IO, "an import cycle: %s%s", buf_text(chain),
               basename(again->path->text));
}

/* In the order of the text; what no text assigns, the REPL's `ans`, comes first. */
static int compare_cells(const void *a, const void *b)
{
    const Cell *const *left = a, *const *right = b;
    return ((*left)->assigned > (*right)->assigned) - ((*left)->assigned < (*right)->assigned);
}

Record *module_record(const Module *module)
{
    const CellTable *table = &module->cells;
    Cell **cells = scratch(table->count * sizeof *cells + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->size; i++)
        if (table->slots[i] != NULL && table->slots[i]->value.tag != TAG_UNSET)
            cells[count++] = table->slots[i];
    qsort(cells, count, sizeof *cells, compare_cells);
    Record *r = record_new(count);
    for (uint32_t i = 0; i < count; i++)
        record_set(r, cells[i]->name, cells[i]->value);
    return r;
}

typedef struct Loading {
    Module *module;
    const char *path;
} Loading;

static void load_module(void *data)
{
    Loading *l = data;
    run_text(l->module, source_read(l->path), false);
}

/* A file that failed is forgotten, so that importing it again runs it again. What it has defined stays
 * until the session ends, for code that may still refer to it. */
static Module *run_module(const char *path, const char *real)
{
    Loading loading = {module_new(string_of(real)), path};
    Module *m = loading.module;
    bool echo = session()->echo;
    m->running = true;
    bool ok = error_protect(load_module, &loading);
    m->running = false;
    if (!ok) {
        session()->echo = echo;
        object_release(m->path);
        m->path = NULL;
        error_rethrow();
    }
    return m;
}

static Value run_import(Call *call)
{
    String *path = path_in(importing_folder(), arg_string(call, 0));
    path_checked(call, path, PATH_READ);
    char real[PATH_MAX];
    if (realpath(path->text, real) == NULL)
        call_throw(call, ERROR_IO, "cannot read \"%s\": %s", path->text, strerror(errno));
    Module *m = find_module(real);
    if (m == NULL)
        m = run_module(path->text, real);
    else if (m->running)
        throw_cycle(call, m);
    return value_object(TAG_RECORD, module_record(m));
}

const Builtin builtin_import = {
    .usage = "import(path)", .section = "program",
    .doc = "Runs another file and gives the record of its top-level names, in its order. The path is relative "
           "to the file that imports. A file runs once in a session, however often it is imported.",
    .errors = "io when the file cannot be read, lies outside of the sandbox, or imports the file that "
              "imports it; whatever the file itself raises.",
    .example = "try { import(\"missing.dbx\") } catch err { print(err.kind) }  #=> io",
    .related = "source",
    .run = run_import,
};
