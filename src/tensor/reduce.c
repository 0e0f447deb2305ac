/* Reductions over any axes, straight from pending operands.
 *
 * Neighbouring axes that are all reduced or all kept count as one, so that x is a list of groups that
 * take turns. The last reduced group is reduced first, which makes x [outer, count, inner]; while groups
 * are left to reduce, the accumulators are reduced further. A pass is cut into tasks of fixed extent,
 * whatever the number of threads, and what several tasks found for the same result is brought together
 * in order: results do not depend on threads. */
#include "tensor/reduce.h"

#include "base/runtime.h"
#include "tensor/convert.h"
#include "tensor/expr.h"
#include "tensor/parallel.h"
#include "tensor/reducer.h"

#include <string.h>

enum {
    FEW = 16 * BLOCK, FEW_RESULTS = BLOCK,     /* elements and results that need no plan */
    TASKS_MIN = 8,                    /* with fewer tasks threads would have nothing to do */
    SEGMENTS_MAX = 64
};

static int64_t at_least_one(int64_t n) { return n > 0 ? n : 1; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t quotient_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* ---- one pass ---- */

/* x [outer, count, inner] to acc [segments, outer, inner]: `count` is cut into segments where it is long. */
typedef struct Pass {
    const Plan *plan;
    const Reducer *reducer;
    int64_t outer, count, inner;
    int64_t segments, segment;        /* number, and extent along `count` */
    int64_t strips, strip;            /* likewise along `inner` */
    int64_t batch, batches;           /* outer indices of a task, tasks along `outer` */
    size_t in_size, acc_size;
    char *acc;
} Pass;

static char *acc_at(const Pass *p, int64_t segment, int64_t outer, int64_t inner)
{
    return p->acc + ((segment * p->outer + outer) * p->inner + inner) * (int64_t)p->acc_size;
}

/* Rows [r0, r1) of [count] at one outer index, when a row of `inner` or a strip of it is all a block
 * takes. */
static void fold_strip(const Pass *p, int thread, int64_t outer, int64_t r0, int64_t r1, int64_t column,
                       char *acc)
{
    int64_t n = smaller(p->strip, p->inner - column), first = outer * p->count * p->inner + column;
    for (int64_t r = r0; r < r1; r++)
        p->reducer->columns(1, n, plan_block(p->plan, thread, first + r * p->inner, n), acc);
}

/* The same when a block takes several whole rows of `inner`. */
static void fold_columns(const Pass *p, int thread, int64_t outer, int64_t r0, int64_t r1, char *acc)
{
    int64_t most = BLOCK / p->inner;
    for (int64_t r = r0; r < r1; r += most) {
        int64_t rows = smaller(most, r1 - r);
        const void *x = plan_block(p->plan, thread, (outer * p->count + r) * p->inner, rows * p->inner);
        p->reducer->columns(rows, p->inner, x, acc);
    }
}

/* Without inner elements: part of one long row. */
static void fold_row(const Pass *p, int thread, int64_t outer, int64_t r0, int64_t r1, char *acc)
{
    for (int64_t r = r0; r < r1; r += BLOCK) {
        int64_t n = smaller(BLOCK, r1 - r);
        p->reducer->rows(1, n, plan_block(p->plan, thread, outer * p->count + r, n), acc);
    }
}

/* Outer indices [o0, o1), several to a block. */
static void fold_many(const Pass *p, int thread, int64_t o0, int64_t o1)
{
    int64_t each = p->count * p->inner, most = BLOCK / each, step = each * (int64_t)p->in_size;
    for (int64_t o = o0; o < o1; o += most) {
        int64_t n = smaller(most, o1 - o);
        const char *x = plan_block(p->plan, thread, o * each, n * each);
        if (p->inner == 1) {
            p->reducer->rows(n, p->count, x, acc_at(p, 0, o, 0));
            continue;
        }
        for (int64_t i = 0; i < n; i++)
            p->reducer->columns(p->count, p->inner, x + i * step, acc_at(p, 0, o + i, 0));
    }
}

static void pass_task(const void *job, int64_t task, int thread)
{
    const Pass *p = job;
    int64_t column = task % p->strips * p->strip, segment = task / p->strips % p->segments;
    int64_t o0 = task / p->strips / p->segments * p->batch, o1 = smaller(o0 + p->batch, p->outer);
    int64_t r0 = segment * p->segment, r1 = smaller(r0 + p->segment, p->count);
    if (p->count * p->inner <= BLOCK / 2) {
        fold_many(p, thread, o0, o1);
        return;
    }
    for (int64_t o = o0; o < o1; o++) {
        char *acc = acc_at(p, segment, o, column);
        if (p->inner == 1)
            fold_row(p, thread, o, r0, r1, acc);
        else if (p->inner > BLOCK / 2)
            fold_strip(p, thread, o, r0, r1, column, acc);
        else
            fold_columns(p, thread, o, r0, r1, acc);
    }
}

/* Segments are cut where there would be too few tasks otherwise, but not so many that their accumulators
 * matter. */
static void cut_pass(Pass *p)
{
    p->strip = p->inner > BLOCK / 2 ? smaller(p->inner, BLOCK) : p->inner;
    p->strips = quotient_up(p->inner, p->strip);
    p->segment = p->count;
    if (p->inner == 1)
        p->segment = smaller(p->count, TASK);
    else if (p->outer * p->strips < TASKS_MIN)
        p->segment = smaller(p->count, at_least_one(4 * TASK / p->strip));
    if (p->inner != 1 && quotient_up(p->count, p->segment) > SEGMENTS_MAX)
        p->segment = quotient_up(p->count, SEGMENTS_MAX);
    p->segments = quotient_up(p->count, p->segment);
    p->batch = smaller(p->outer, at_least_one(TASK / (p->segment * p->strip)));
    p->batches = quotient_up(p->outer, p->batch);
}

/* Brings the segments together pairwise, into the first. */
static void merge_segments(const Pass *p)
{
    const Reducer *merge = reducer_for(p->reducer->merge, p->reducer->acc);
    int64_t n = p->outer * p->inner;
    for (int64_t step = 1; step < p->segments; step *= 2) {
        for (int64_t s = 0; s + step < p->segments; s += 2 * step)
            merge->columns(1, n, acc_at(p, s + step, 0, 0), acc_at(p, s, 0, 0));
    }
}

/* Returns the accumulators, [outer, inner]: in `to` when it is given and serves, else in scratch. */
static void *run_pass(Pass *p, Dtype dtype, void *to)
{
    int64_t elements = p->outer * p->count * p->inner, results = p->outer * p->inner;
    cut_pass(p);
    p->in_size = dtype_size(dtype);
    p->acc_size = dtype_size(p->reducer->acc);
    p->acc = to != NULL && p->segments == 1 ? to
           : scratch(mem_product((size_t)(results * p->segments), p->acc_size));
    reducer_clear(p->reducer, p->acc, results * p->segments);
    parallel_run(p->batches * p->segments * p->strips, elements, pass_task, p);
    merge_segments(p);
    return p->acc;
}

/* ---- groups of axes ---- */

typedef struct Groups {
    int count;
    struct { int64_t extent; bool reduced; } at[TENSOR_MAX_NDIM];
} Groups;

static void add_group(Groups *g, int64_t extent, bool reduced)
{
    if (extent == 1)
        return;
    if (g->count > 0 && g->at[g->count - 1].reduced == reduced) {
        g->at[g->count - 1].extent *= extent;
    } else {
        g->at[g->count].extent = extent;
        g->at[g->count++].reduced = reduced;
    }
}

/* The reduced axes by falling stride, all strides positive: their order and direction do not matter.
 * Returns their number, and moves `data` to the first element in the new order. */
static int sort_reduced(const Tensor *x, uint32_t axes, Axis *sorted, const char **data)
{
    int n = 0;
    for (int i = 0; i < x->ndim; i++) {
        Axis axis = {x->dims[i], tensor_strides(x)[i]};
        if (!(axes >> i & 1))
            continue;
        if (axis.stride < 0) {
            *data += (axis.extent - 1) * axis.stride * (int64_t)dtype_size((Dtype)x->dtype);
            axis.stride = -axis.stride;
        }
        int at = n++;
        for (; at > 0 && sorted[at - 1].stride < axis.stride; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = axis;
    }
    return n;
}

/* Stored elements are read in the order of memory as far as the order of the kept axes allows: a sum
 * along the first axis of a transposed matrix is one along the last axis of the matrix. */
static const char *memory_order(const Tensor *x, uint32_t axes, Layout *layout, Groups *groups)
{
    Axis reduced[TENSOR_MAX_NDIM];
    const char *data = tensor_data(x);
    int count = sort_reduced(x, axes, reduced, &data), next = 0;
    layout->ndim = 0;
    for (int i = 0; i <= x->ndim; i++) {
        bool end = i == x->ndim;
        int64_t stride = end ? -1 : tensor_strides(x)[i];
        if (!end && (axes >> i & 1 || x->dims[i] == 1))
            continue;
        for (; next < count && reduced[next].stride > (stride < 0 && !end ? -stride : stride); next++) {
            layout_push(layout, reduced[next].extent, reduced[next].stride);
            add_group(groups, reduced[next].extent, true);
        }
        if (!end) {
            layout_push(layout, x->dims[i], stride);
            add_group(groups, x->dims[i], false);
        }
    }
    return data;
}

static Plan *find_plan(const Tensor *x, uint32_t axes, Groups *groups)
{
    Layout layout;
    int threads = parallel_threads(x->size);
    if (x->state != TENSOR_PENDING) {
        const char *data = memory_order(x, axes, &layout, groups);
        return plan_layout((Dtype)x->dtype, data, &layout, threads);
    }
    for (int i = 0; i < x->ndim; i++)
        add_group(groups, x->dims[i], axes >> i & 1);
    return plan_tensor(x, threads);
}

/* ---- the whole ---- */

/* Sets up the pass over the last reduced group, and leaves the groups as they are after it. */
static void next_pass(Pass *p, Groups *g)
{
    int last = g->count - 1;
    p->outer = p->count = p->inner = 1;
    while (last >= 0 && !g->at[last].reduced)
        p->inner *= g->at[last--].extent;
    if (last >= 0)
        p->count = g->at[last--].extent;
    g->count = last + 1;
    for (int i = 0; i <= last; i++)
        p->outer *= g->at[i].extent;
    add_group(g, p->inner, false);
}

static bool any_reduced(const Groups *g)
{
    for (int i = 0; i < g->count; i++) {
        if (g->at[i].reduced)
            return true;
    }
    return false;
}

/* Few contiguous elements need no plan when one pass does. */
static bool reduce_few(Tensor *out, const Reducer *reducer, const Tensor *x, const Groups *groups)
{
    _Alignas(MEM_ALIGN) char few[FEW_RESULTS * 8];
    Groups left = *groups;
    Pass p;
    if (x->size > FEW || out->size > FEW_RESULTS || !x->contiguous || x->state == TENSOR_PENDING)
        return false;
    next_pass(&p, &left);
    if (any_reduced(&left))
        return false;
    const char *from = tensor_data(x);
    char *to = (char *)tensor_data(out), *acc = reducer->acc == out->dtype ? to : few;
    int64_t step = p.count * p.inner * (int64_t)dtype_size((Dtype)x->dtype);
    int64_t acc_step = p.inner * (int64_t)dtype_size(reducer->acc);
    reducer_clear(reducer, acc, out->size);
    if (p.inner == 1)
        reducer->rows(p.outer, p.count, from, acc);
    for (int64_t o = 0; p.inner > 1 && o < p.outer; o++)
        reducer->columns(p.count, p.inner, from + o * step, acc + o * acc_step);
    if (acc != to)
        convert_kernel(reducer->acc, (Dtype)out->dtype)((long)out->size, to, (const void *[]){acc});
    return true;
}

/* Pass after pass; returns the reducer of the last one, and its accumulators. */
static const Reducer *run_passes(const Plan *plan, const Reducer *reducer, Dtype dtype, Groups *groups,
                                 const Tensor *out, const void **result)
{
    for (;;) {
        Pass pass = {.plan = plan, .reducer = reducer};
        next_pass(&pass, groups);
        bool last = !any_reduced(groups), direct = last && reducer->acc == out->dtype;
        *result = run_pass(&pass, dtype, direct ? (void *)tensor_data(out) : NULL);
        if (last)
            return reducer;
        Layout flat = {.ndim = 0};
        layout_push(&flat, pass.outer * pass.inner, 1);
        plan = plan_layout(reducer->acc, *result, &flat, parallel_threads(pass.outer * pass.inner));
        dtype = reducer->acc;
        reducer = reducer_for(reducer->merge, dtype);
    }
}

static void reduce_nothing(const Reducer *reducer, Tensor *out)
{
    void *nothing = scratch((size_t)out->size * 8);
    const void *in[] = {nothing};
    reducer_clear(reducer, nothing, out->size);
    convert_kernel(reducer->acc, (Dtype)out->dtype)((long)out->size, (void *)tensor_data(out), in);
}

static void reduce_many(const Reducer *reducer, Tensor *out, const Tensor *x, uint32_t axes)
{
    Groups groups = {.count = 0};
    const void *result;
    Plan *plan = find_plan(x, axes, &groups);
    reducer = run_passes(plan, reducer, (Dtype)x->dtype, &groups, out, &result);
    plan_finish(plan);
    void *to = (void *)tensor_data(out);
    if (result != to)
        convert_kernel(reducer->acc, (Dtype)out->dtype)((long)out->size, to, &result);
}

void tensor_reduce(Tensor *out, Reduction kind, const Tensor *x, uint32_t axes)
{
    const Reducer *reducer = reducer_for(kind, (Dtype)x->dtype);
    PoolMark mark = pool_mark();
    Groups groups = {.count = 0};
    tensor_allocate(out);
    for (int i = 0; i < x->ndim; i++)
        add_group(&groups, x->dims[i], axes >> i & 1);
    if (out->size == 0)
        return;
    if (x->size == 0)
        reduce_nothing(reducer, out);
    else if (!reduce_few(out, reducer, x, &groups))
        reduce_many(reducer, out, x, axes);
    pool_drain(mark);
}

bool tensor_all(const Tensor *x)
{
    Tensor all;
    tensor_init(&all, DTYPE_BOOL, 0, NULL);
    tensor_reduce(&all, REDUCE_ALL, x, axes_all(x->ndim));
    return tensor_item(&all) != 0;
}
