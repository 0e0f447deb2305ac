#include "repl/measure.h"

#include "base/runtime.h"
#include "lang/eval.h"
#include "lang/function.h"
#include "lang/parse.h"
#include "lang/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_RUNS = 1000 };

static const double most_seconds = 1;

typedef struct Measured {
    const char *text;
    Chunk *chunk;
    bool type_only;
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
    Chunk *chunk = parse(source_new(string_of("<repl>"), string_of("."), text, strlen(text)));
    resolve(chunk, session()->main);
    return chunk;
}

/* ---- :type ---- */

static void write_type(Buf *out, Value v)
{
    GradTensor *x = v.tag == TAG_TENSOR || v.tag == TAG_VARIABLE ? value_tensor(v) : NULL;
    buf_puts(out, value_type_name(v));
    if (x != NULL)
        buf_printf(out, ", shape %s, dtype %s%s", shape_text(x->t.ndim, tensor_shape(&x->t)), dtype_name(gt_dtype(x)),
                   gt_tracked(x) ? ", tracked" : "");
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
    if (value_is_object(v) && value_tensor(v) != NULL)
        tensor_contiguous(&value_tensor(v)->t, gt_dtype(value_tensor(v)));   /* what was put off belongs to it */
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
    buf_puts(out, "; ");
    put_size(out, m->memory);
    buf_printf(out, " of memory, %llu operations recorded\n", (unsigned long long)m->recorded);
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

void run_graph(Repl *r, const char *argument)
{
    const char *call = string_format("graph(%s)", *argument != '\0' ? argument : "ans")->text;
    repl_evaluate(r, call, strlen(call));
}
