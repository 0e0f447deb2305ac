/* From a DAG of Exprs to steps over one block. */
#include "tensor/expr.h"

#include "base/runtime.h"
#include "tensor/convert.h"
#include "tensor/cost.h"

#include <limits.h>
#include <string.h>

/* Where a step finds or leaves the elements of a block. */
typedef struct Place {
    char *base;                       /* of all elements, or when width is 0 of one block; NULL: a buffer */
    int64_t width;                    /* bytes of an element */
    int64_t period;                   /* elements after which those at `base` begin again; 0: they do not */
    size_t offset;                    /* of the buffer among its thread's */
    int step;                         /* whose result it is, or -1 */
} Place;

typedef struct Step {
    BlockKernel *kernel;              /* NULL: reads by layout */
    const Layout *layout;
    const char *data;
    Dtype dtype;                      /* of the result */
    int count, last;                  /* number of inputs; the last step that uses the result */
    float cost;                       /* nanoseconds an element */
    Place in[ELEMENTWISE_MAX_INPUTS], out;
} Step;

typedef struct Constant {
    char cell[8];
    size_t size;
    char *block;
} Constant;

/* A part that repeats, with its first elements once more behind it, so that a block may begin anywhere in it. */
typedef struct Repeated {
    const char *data;
    const Layout *layout;
    Place place;
} Repeated;

/* An Expr that is stored on the way, because it was computed too often. */
typedef struct Kept {
    Expr *expr;
    Storage *storage;
} Kept;

struct Plan {
    Step *steps;
    Constant *constants;
    Repeated *repeated;
    Kept *kept;
    int step_count, constant_count, repeated_count, kept_count, threads;
    Place root;
    char *buffers;
    size_t thread_bytes;              /* of one thread's buffers */
    bool unknown;                     /* some kernel has not been measured */
    int expr_count;
    Expr *exprs[EXPR_MAX_NODES];      /* as expr_walk lists them */
    int expr_steps[EXPR_MAX_NODES];   /* the step of each */
};

/* Elements of a part that repeats, and yet fits the cache. */
enum { PERIOD_MOST = 1 << 16 };

/* About what it costs, in nanoseconds, to read an element by a layout, and to store a byte in the cache and beyond
 * it. */
static const float READING = 0.3f, STORING = 0.15f, STORING_LARGE = 0.4f;

/* ---- building ---- */

static bool same_place(const Place *a, const Place *b)
{
    return a->step == b->step && (a->step >= 0 || (a->base == b->base && a->width == b->width));
}

static bool same_layout(const Layout *a, const Layout *b)
{
    return a == b || (a->ndim == b->ndim && memcmp(a, b, layout_bytes(a)) == 0);
}

static bool same_step(const Step *a, const Step *b)
{
    if (a->kernel != b->kernel || a->data != b->data || a->dtype != b->dtype || a->count != b->count)
        return false;
    if (!same_layout(a->layout, b->layout))
        return false;
    for (int i = 0; i < a->count; i++) {
        if (!same_place(&a->in[i], &b->in[i]))
            return false;
    }
    return true;
}

/* Equal steps give equal results: derivative rules compute many a thing twice. */
static Place add_step(Plan *p, const Step *step)
{
    Place result = {.width = (int64_t)dtype_size(step->dtype)};
    for (result.step = 0; result.step < p->step_count; result.step++) {
        if (same_step(&p->steps[result.step], step))
            return result;
    }
    Step *added = &p->steps[p->step_count++];
    bool known = true;
    *added = *step;
    added->out = result;
    added->cost = step->kernel != NULL ? kernel_cost(step->kernel, &known) : READING;
    p->unknown |= !known;
    return result;
}

static Place stored_place(const char *data, Dtype dtype)
{
    return (Place){.base = (char *)data, .width = (int64_t)dtype_size(dtype), .step = -1};
}

static Place constant_place(Plan *p, const char *cell, Dtype dtype)
{
    size_t size = dtype_size(dtype);
    Layout repeated = {.ndim = 0};
    for (int i = 0; i < p->constant_count; i++) {
        if (p->constants[i].size == size && memcmp(p->constants[i].cell, cell, size) == 0)
            return (Place){.base = p->constants[i].block, .step = -1};
    }
    Constant *c = &p->constants[p->constant_count++];
    memcpy(c->cell, cell, size);
    c->size = size;
    c->block = scratch(BLOCK * size);
    layout_push(&repeated, BLOCK, 0);
    layout_read(&repeated, size, cell, 0, BLOCK, c->block);
    return (Place){.base = c->block, .step = -1};
}

/* After how many elements all begins again, as with a bias that is added to every row of a matrix; 0 when it does not,
 * or not often enough for laying it out once to pay, or later than fits a cache. */
static int64_t period_of(const Layout *layout)
{
    int64_t period = 1;
    for (int i = 1; i < layout->ndim; i++)
        period *= layout->axes[i].extent;
    bool pays = layout->axes[0].stride == 0 && period <= PERIOD_MOST
             && 2 * (period + BLOCK) <= period * layout->axes[0].extent;
    return pays ? period : 0;
}

static Place repeated_place(Plan *p, const char *data, Dtype dtype, const Layout *layout, int64_t period)
{
    for (int i = 0; i < p->repeated_count; i++) {
        const Repeated *r = &p->repeated[i];
        if (r->data == data && r->place.width == (int64_t)dtype_size(dtype) && same_layout(r->layout, layout))
            return r->place;
    }
    size_t size = dtype_size(dtype);
    Place place = {.base = scratch((size_t)(period + BLOCK) * size), .width = (int64_t)size, .period = period,
                   .step = -1};
    layout_read(layout, size, data, 0, period + BLOCK, place.base);
    p->repeated[p->repeated_count++] = (Repeated){data, layout, place};
    return place;
}

static Place layout_place(Plan *p, const char *data, Dtype dtype, const Layout *layout)
{
    if (layout->ndim == 0 || (layout->ndim == 1 && layout->axes[0].stride == 1))
        return stored_place(data, dtype);
    int64_t period = period_of(layout);
    if (period > 0)
        return repeated_place(p, data, dtype, layout, period);
    return add_step(p, &(Step){.layout = layout, .data = data, .dtype = dtype});
}

static Place expr_place(const Plan *p, const Expr *e)
{
    if (e->result != NULL)
        return stored_place(e->result->data, (Dtype)e->dtype);
    return (Place){.width = (int64_t)dtype_size((Dtype)e->dtype), .step = p->expr_steps[expr_index(e)]};
}

static Place input_place(Plan *p, const Input *input, Dtype compute)
{
    Place place;
    if (input->kind == INPUT_ONE)
        return constant_place(p, input->as.cell, compute);
    if (input->kind == INPUT_EXPR)
        place = expr_place(p, input->as.expr);
    else if (input->kind == INPUT_FLAT)
        place = stored_place(input->data, (Dtype)input->dtype);
    else
        place = layout_place(p, input->data, (Dtype)input->dtype, input->layout);
    if (input->dtype == compute)
        return place;
    BlockKernel *convert = convert_kernel((Dtype)input->dtype, compute);
    return add_step(p, &(Step){.kernel = convert, .dtype = compute, .count = 1, .in = {place}});
}

static void add_expr(Plan *p, int index)
{
    const Expr *e = p->exprs[index];
    Step step = {.kernel = e->kernel, .dtype = (Dtype)e->dtype, .count = e->count};
    for (int i = 0; i < e->count; i++)
        step.in[i] = input_place(p, &e->inputs[i], (Dtype)e->compute);
    p->expr_steps[index] = add_step(p, &step).step;
}

/* Gives every result that is not stored a buffer, which is free again after the last step that uses it.
 * A step never writes to a buffer that it reads. Returns the number of buffers. */
static int assign_buffers(Plan *p, size_t buffer_bytes)
{
    int *free_buffers = scratch((size_t)(p->step_count + 1) * sizeof *free_buffers), free_count = 0, used = 0;
    for (int s = 0; s < p->step_count; s++) {
        Step *step = &p->steps[s];
        for (int i = 0; i < step->count; i++) {
            if (step->in[i].step >= 0)
                p->steps[step->in[i].step].last = s;
        }
    }
    if (p->root.step >= 0)
        p->steps[p->root.step].last = INT_MAX;
    for (int s = 0; s < p->step_count; s++) {
        Step *step = &p->steps[s];
        if (step->out.base == NULL)
            step->out.offset = (size_t)(free_count > 0 ? free_buffers[--free_count] : used++) * buffer_bytes;
        for (int i = 0; i < step->count; i++) {
            Step *source = step->in[i].step >= 0 ? &p->steps[step->in[i].step] : NULL;
            if (source == NULL)
                continue;
            step->in[i] = source->out;
            if (source->last == s && source->out.base == NULL) {
                free_buffers[free_count++] = (int)(source->out.offset / buffer_bytes);
                source->last = -1;    /* freed once, though it may be an input twice */
            }
        }
    }
    return used;
}

/* Buffers are a few cache lines more than a block apart, lest the same places of all of them compete for
 * the same lines. */
static Plan *complete(Plan *p, Place root)
{
    size_t width = 1;
    for (int s = 0; s < p->step_count; s++)
        width = dtype_size(p->steps[s].dtype) > width ? dtype_size(p->steps[s].dtype) : width;
    p->root = root;
    p->buffers = NULL;
    int buffers = assign_buffers(p, BLOCK * width + 2 * MEM_ALIGN);
    if (root.step >= 0)
        p->root = p->steps[root.step].out;
    p->thread_bytes = (size_t)buffers * (BLOCK * width + 2 * MEM_ALIGN) + MEM_ALIGN;
    if (p->step_count > 0)
        p->buffers = scratch(p->thread_bytes * (size_t)p->threads);
    return p;
}

/* With room for the steps of so many Exprs, and for reading and converting so many inputs. */
static Plan *plan_new(int exprs, int inputs, int threads)
{
    Plan *p = scratch(sizeof *p);
    p->step_count = p->constant_count = p->repeated_count = p->kept_count = p->expr_count = 0;
    p->unknown = false;
    p->threads = threads;
    p->steps = scratch((size_t)(exprs + 2 * inputs) * sizeof *p->steps);
    p->constants = scratch((size_t)inputs * sizeof *p->constants);
    p->repeated = scratch((size_t)inputs * sizeof *p->repeated);
    p->kept = scratch((size_t)exprs * sizeof *p->kept);
    return p;
}

Plan *plan_layout(Dtype dtype, const char *data, const Layout *layout, int threads)
{
    Plan *p = plan_new(0, 1, threads);
    const Layout *own = memcpy(scratch(layout_bytes(layout)), layout, layout_bytes(layout));
    return complete(p, layout_place(p, data, dtype, own));
}

/* The storage is the pool's until plan_finish. */
static void keep(Plan *p, int index)
{
    Expr *e = p->exprs[index];
    Step *step = &p->steps[p->expr_steps[index]];
    if (step->out.base != NULL)
        return;
    Storage *s = pool_add(storage_new((size_t)e->size * dtype_size((Dtype)e->dtype)));
    step->out.base = s->data;
    p->kept[p->kept_count++] = (Kept){e, s};
}

/* Whether to store a pending result on the way, when more than the Exprs above it hold it. As often as it was
 * computed before, it may be asked for again, so it is stored when all that computing cost as much as storing
 * it does; and right away when storing costs little besides computing it once. Storing is bound by memory. */
static bool worth_keeping(const Expr *e, uint32_t parents, float computing)
{
    float storing = (float)dtype_size((Dtype)e->dtype) * (e->size < EXPR_LARGE ? STORING : STORING_LARGE);
    return e->object.refs > parents && (computing * (float)e->uses >= storing || computing >= 8 * storing);
}

static void count_parents(const Plan *p, uint32_t *parents)
{
    for (int k = 0; k < p->expr_count; k++) {
        for (int i = 0; i < p->exprs[k]->count; i++) {
            const Input *input = &p->exprs[k]->inputs[i];
            if (input->kind == INPUT_EXPR && input->as.expr->result == NULL)
                parents[expr_index(input->as.expr)]++;
        }
    }
}

/* What computing the results of steps [from, to) costs: their own, and all steps down to what is stored. */
static void add_costs(const Plan *p, int from, int to, float *costs)
{
    for (int s = from; s < to; s++) {
        costs[s] = p->steps[s].cost;
        for (int i = 0; i < p->steps[s].count; i++)
            costs[s] += p->steps[s].in[i].step >= 0 ? costs[p->steps[s].in[i].step] : 0;
    }
}

/* A consumer that asks for the root again will not ask for what is below; when the root is stored in any
 * case, others may. */
static void keep_some(Plan *p)
{
    uint32_t parents[EXPR_MAX_NODES] = {0};
    float *costs = scratch((size_t)p->step_count * sizeof *costs);
    int root = p->expr_count - 1, s = 0;
    count_parents(p, parents);
    add_costs(p, 0, p->step_count, costs);
    bool keep_root = p->steps[p->expr_steps[root]].out.base == NULL &&
                     worth_keeping(p->exprs[root], 0, costs[p->expr_steps[root]]);
    if (keep_root)
        keep(p, root);
    for (int k = 0; k <= root; k++) {
        Expr *e = p->exprs[k];
        int step = p->expr_steps[k];
        if (s <= step)
            add_costs(p, s, step + 1, costs);
        s = s <= step ? step + 1 : s;
        if (!keep_root && k < root && worth_keeping(e, parents[k], costs[step])) {
            keep(p, k);
            costs[step] = 0;
        }
        if (e->uses < UINT8_MAX)
            e->uses++;
    }
}

/* ---- running ---- */

static inline char *address(const Place *place, char *buffers, int64_t first)
{
    if (place->base == NULL)
        return buffers + place->offset;
    return place->base + (place->period > 0 ? first % place->period : first) * place->width;
}

/* One step of a block. */
static void run_step(const Step *step, char *buffers, int64_t first, int64_t n)
{
    const void *in[ELEMENTWISE_MAX_INPUTS];
    char *out = address(&step->out, buffers, first);
    for (int i = 0; i < step->count; i++)
        in[i] = address(&step->in[i], buffers, first);
    if (step->kernel != NULL)
        step->kernel((long)n, out, in);
    else
        layout_read(step->layout, dtype_size(step->dtype), step->data, first, n, out);
}

const void *plan_block(const Plan *p, int thread, int64_t first, int64_t n)
{
    char *buffers = p->buffers + p->thread_bytes * (size_t)thread;
    for (int s = 0; s < p->step_count; s++)
        run_step(&p->steps[s], buffers, first, n);
    return address(&p->root, buffers, first);
}

/* Runs the first block, measuring what has not been measured. */
static void measure(const Plan *p, int64_t size)
{
    long n = size < BLOCK ? (long)size : BLOCK;
    for (int s = 0; s < p->step_count; s++) {
        const Step *step = &p->steps[s];
        const void *in[ELEMENTWISE_MAX_INPUTS];
        bool known = true;
        if (step->kernel != NULL)
            kernel_cost(step->kernel, &known);
        for (int i = 0; i < step->count; i++)
            in[i] = address(&step->in[i], p->buffers, 0);
        if (known)
            run_step(step, p->buffers, 0, n);
        else
            kernel_measure(step->kernel, n, address(&step->out, p->buffers, 0), in);
    }
}

/* ---- from tensors and expressions ---- */

Plan *plan_expr(Expr *root, void *result, int threads)
{
    Expr *order[EXPR_MAX_NODES];
    int inputs = 0, count = expr_walk(root, order, EXPR_MAX_NODES);
    assert(count <= EXPR_MAX_NODES);
    for (int i = 0; i < count; i++)
        inputs += order[i]->count;
    Plan *p = plan_new(count, inputs, threads);
    p->expr_count = count;
    memcpy(p->exprs, order, (size_t)count * sizeof *order);
    for (int i = 0; i < count; i++)
        add_expr(p, i);
    Place place = expr_place(p, root);
    if (result != NULL)
        p->steps[place.step].out.base = result;
    keep_some(p);
    complete(p, place);
    if (p->unknown)
        measure(p, root->size);
    return p;
}

Plan *plan_tensor(const Tensor *x, int threads)
{
    if (x->state == TENSOR_PENDING && x->as.expr->result == NULL)
        return plan_expr(x->as.expr, NULL, threads);
    Layout layout;
    const char *data = tensor_data(x);
    layout_set(&layout, x->ndim, x->dims, tensor_strides(x));
    return plan_layout((Dtype)x->dtype, data, &layout, threads);
}

void plan_finish(Plan *p)
{
    for (int i = 0; i < p->kept_count; i++)
        expr_stored(p->kept[i].expr, p->kept[i].storage);
}
