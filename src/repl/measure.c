#include "repl/measure.h"

#include "base/runtime.h"
#include "lang/eval.h"
#include "lang/function.h"
#include "lang/parse.h"
#include "lang/resolve.h"
#include "repl/block.h"
#include "repl/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_RUNS = 1000 };

static const double most_seconds = 1;

typedef struct Measured {
    const char *text;
    Chunk *chunk;
    double seconds[MOST_RUNS];
    int runs;
    size_t memory;                    /* bytes at the peak, above what there was */
    uint64_t recorded;                /* operations, in the first run */
} Measured;

/* ---- evaluating a text, once or again and again ---- */

/* The value of a single expression; none for statements. */
static Value evaluate_body(Frame *frame, Chunk *chunk)
{
    const NodeList *statements = &chunk->body->as.list;
    Node *first = statements->count == 1 ? statements->at[0] : NULL;
    if (first != NULL && first->kind == NODE_EXPRESSION)
        return evaluate(frame, first->as.expression.value);
    evaluate(frame, chunk->body);
    return value_none();
}

static Value evaluate_silently(Chunk *chunk)
{
    Session *s = session();
    Frame frame = {.caller = s->frame, .chunk = chunk, .module = s->main, .at = chunk->body};
    bool echo = s->echo;
    s->frame = &frame;
    s->echo = false;
    Value v = evaluate_body(&frame, chunk);
    s->echo = echo;
    s->frame = frame.caller;
    return v;
}

static Chunk *resolved_chunk(const char *text)
{
    Chunk *chunk = parse(block_source(text, strlen(text)));
    resolve(chunk, session()->main);
    return chunk;
}

/* ---- :vars ---- */

enum { VARS_COLUMNS = 6 };

typedef struct VarsRow {
    const char *cell[VARS_COLUMNS];
} VarsRow;

static void put_size(Buf *out, size_t bytes);

/* A tensor's facts; of other values the type, and a function's signature. */
static VarsRow row_of_value(const char *name, Value v)
{
    GradTensor *x = v.tag == TAG_TENSOR || v.tag == TAG_VARIABLE ? value_tensor(v) : NULL;
    const char *type = value_type_name(v);
    VarsRow row = {{name, type, "", "", "", ""}};
    if (v.tag == TAG_VARIABLE)
        row.cell[1] = ((const Variable *)v.as.any)->kind == VARIABLE_PARAMETER ? "parameter" : "buffer";
    if (v.tag == TAG_FUNCTION)
        row.cell[2] = function_usage(v.as.any)->text;
    if (x != NULL) {
        Buf *size = buf_new();
        put_size(size, (size_t)x->t.size * dtype_size(gt_dtype(x)));
        row.cell[2] = shape_text(x->t.ndim, tensor_shape(&x->t));
        row.cell[3] = dtype_name(gt_dtype(x));
        row.cell[4] = buf_text(size);
        row.cell[5] = gt_tracked(x) ? "tracked" : "";
    }
    return row;
}

static int compare_rows(const void *a, const void *b)
{
    return strcmp(((const VarsRow *)a)->cell[0], ((const VarsRow *)b)->cell[0]);
}

/* Columns as wide as their widest cell; blanks at a line's end are left away. */
static void put_table(Buf *out, const VarsRow *rows, uint32_t count)
{
    int width[VARS_COLUMNS] = {0};
    for (uint32_t i = 0; i < count; i++)
        for (int k = 0; k < VARS_COLUMNS; k++) {
            int n = text_width(rows[i].cell[k], strlen(rows[i].cell[k]));
            /* A signature is the last cell of its row and needs no room in its column. */
            if (n > width[k] && !(k == 2 && *rows[i].cell[3] == '\0' && i > 0))
                width[k] = n;
        }
    for (uint32_t i = 0; i < count; i++) {
        int blanks = 0;
        for (int k = 0; k < VARS_COLUMNS; k++) {
            const char *cell = rows[i].cell[k];
            if (*cell != '\0')
                buf_printf(out, "%*s%s", blanks, "", cell);
            blanks = (*cell != '\0' ? 0 : blanks) + width[k] + 2 - text_width(cell, strlen(cell));
        }
        buf_putc(out, '\n');
    }
}

void run_vars(Repl *r, const char *argument)
{
    const CellTable *cells = &r->session->main->cells;
    VarsRow *rows = scratch((cells->size + 1) * sizeof *rows);
    uint32_t count = 1;
    Buf *out = buf_new();
    (void)argument;
    rows[0] = (VarsRow){{"name", "type", "shape", "dtype", "size", "gradient"}};
    for (uint32_t i = 0; i < cells->size; i++)
        if (cells->slots[i] != NULL && cells->slots[i]->value.tag != TAG_UNSET)
            rows[count++] = row_of_value(cells->slots[i]->name->text, cells->slots[i]->value);
    qsort(rows + 1, count - 1, sizeof *rows, compare_rows);
    if (count == 1)
        buf_puts(out, "There are no variables yet.\n");
    else
        put_table(out, rows, count);
    repl_page(out);
}

/* ---- :type ---- */

static void write_type(Buf *out, Value v)
{
    GradTensor *x = v.tag == TAG_TENSOR || v.tag == TAG_VARIABLE ? value_tensor(v) : NULL;
    buf_puts(out, value_type_name(v));
    if (x != NULL)
        buf_printf(out, ", shape %s, dtype %s%s", shape_text(x->t.ndim, tensor_shape(&x->t)),
                   dtype_name(gt_dtype(x)), gt_tracked(x) ? ", tracked" : "");
    else if (v.tag == TAG_TUPLE)
        buf_printf(out, " of %u", ((const Tuple *)v.as.any)->count);
    else if (v.tag == TAG_RECORD)
        buf_printf(out, " of %u", ((const Record *)v.as.any)->count);
    else if (v.tag == TAG_FUNCTION)
        buf_printf(out, ", %s", function_usage(v.as.any)->text);
    buf_putc(out, '\n');
}

static void show_type(void *data)
{
    const char *text = data;
    Buf *out = buf_new();
    write_type(out, evaluate_silently(resolved_chunk(text)));
    session_write(buf_text(out), out->bytes);
}

void run_type(Repl *r, const char *argument)
{
    if (*argument == '\0')
        puts(":type takes an expression");
    else
        repl_attempt(r, show_type, (void *)argument);
}

/* ---- :time ---- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run_once(Measured *m)
{
    PoolMark mark = pool_mark();
    uint64_t recorded = grad_state()->recorded;
    size_t before = mem_in_use();
    if (m->runs == 0)
        mem_reset_peak();
    double start = now();
    Value v = evaluate_silently(m->chunk);
    GradTensor *x = value_is_object(v) ? value_tensor(v) : NULL;
    if (x != NULL)
        tensor_contiguous(&x->t, gt_dtype(x));            /* what was put off belongs to it */
    m->seconds[m->runs] = now() - start;
    if (m->runs++ == 0) {
        m->recorded = grad_state()->recorded - recorded;
        m->memory = mem_peak() > before ? mem_peak() - before : 0;
    }
    pool_drain(mark);
}

static int compare_seconds(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void put_time(Buf *out, double seconds)
{
    static const char *const units[] = {"s", "ms", "us", "ns"};
    int unit = 0;
    for (; unit < 3 && seconds < 1; unit++)
        seconds *= 1000;
    buf_printf(out, "%.3g %s", seconds, units[unit]);
}

static void put_size(Buf *out, size_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB"};
    double size = (double)bytes;
    int unit = 0;
    for (; unit < 3 && size >= 1000; unit++)
        size /= 1000;
    buf_printf(out, "%.3g %s", size, units[unit]);
}

static void measure(void *data)
{
    Measured *m = data;
    m->chunk = resolved_chunk(m->text);
    double begin = now();
    while (m->runs < MOST_RUNS && (m->runs == 0 || now() - begin < most_seconds))
        run_once(m);
    int first = m->runs > 3 ? 1 : 0;            /* which has met caches and code for the first time */
    qsort(m->seconds + first, (size_t)(m->runs - first), sizeof *m->seconds, compare_seconds);
    Buf *out = buf_new();
    put_time(out, m->seconds[first + (m->runs - first) / 2]);
    if (m->runs > 1) {
        buf_printf(out, ", the median of %d runs from ", m->runs - first);
        put_time(out, m->seconds[first]);
        buf_puts(out, " to ");
        put_time(out, m->seconds[m->runs - 1]);
    }
    buf_putc(out, '\n');
    put_size(out, m->memory);
    buf_printf(out, " of memory, %llu operation%s recorded\n", (unsigned long long)m->recorded,
               m->recorded == 1 ? "" : "s");
    session_write(buf_text(out), out->bytes);
}

void run_time(Repl *r, const char *argument)
{
    Measured m = {.text = argument};
    if (*argument == '\0')
        puts(":time takes an expression");
    else
        repl_attempt(r, measure, &m);
}

/* ---- :graph ---- */

static void show_graph(void *data)
{
    const char *text = data;
    Buf *out = buf_new();
    const Cell *last = table_find(&session()->main->cells, "ans", 3);
    if (*text == '\0' && (last == NULL || last->value.tag == TAG_UNSET))
        error_throw(ERROR_NAME, ":graph takes an expression; without one it shows ans, and there is no result yet");
    graph_show(out, evaluate_silently(resolved_chunk(*text != '\0' ? text : "ans")));
    session_write(buf_text(out), out->bytes);
}

void run_graph(Repl *r, const char *argument)
{
    repl_attempt(r, show_graph, (void *)argument);
}
