/* The DAG of pending work: making, bounding and settling it. */
#include "tensor/expr.h"

#include "base/runtime.h"
#include "tensor/convert.h"
#include "tensor/parallel.h"

#include <stdlib.h>
#include <string.h>

enum {
    LEAVES_MAX = 16,                  /* stored inputs that a DAG may keep alive, */
    LARGE_LEAVES_MAX = 8,             /* and if they are large */
    SCATTERED_MIN = 1 << 14,          /* elements, above which the lines of a matrix do not stay in the cache */
    SCATTERED_LINES = 64              /* that one row of it touches, at least */
};

static void drop_inputs(Expr *e)
{
    for (int i = 0; i < e->count; i++) {
        if (e->inputs[i].kind == INPUT_EXPR)
            object_release(e->inputs[i].as.expr);
        else if (e->inputs[i].kind != INPUT_ONE)
            object_release(e->inputs[i].as.storage);
    }
    e->count = 0;
}

static void expr_destroy(Object *self)
{
    Expr *e = (Expr *)self;
    drop_inputs(e);
    object_release(e->result);
}

static const ObjectType expr_type = {"expression", expr_destroy};

void expr_stored(Expr *e, Storage *storage)
{
    e->result = object_retain(storage);
    drop_inputs(e);
    e->nodes = 0;
    e->leaves = 1;
}

/* ---- walking ---- */

/* Whether the walk has listed e: what an earlier walk left in e tells nothing, the list does. */
static bool listed(const Expr *e, Expr *const *order, int count)
{
    uint32_t index = expr_index(e);
    return index < (uint32_t)count && order[index] == e;
}

/* Depth first, with a stack of Exprs whose inputs are under way. */
int expr_walk(Expr *root, Expr **order, int most)
{
    struct { Expr *expr; int next; } stack[EXPR_MAX_NODES + 1];
    int depth = 0, count = 0;
    stack[depth++] = (__typeof__(stack[0])){root, 0};
    while (depth > 0) {
        Expr *e = stack[depth - 1].expr;
        int i = stack[depth - 1].next++;
        if (i < e->count) {
            const Input *input = &e->inputs[i];
            Expr *inner = input->kind == INPUT_EXPR ? input->as.expr : NULL;
            if (inner != NULL && inner->result == NULL && !listed(inner, order, count))
                stack[depth++] = (__typeof__(stack[0])){inner, 0};
            continue;
        }
        if (count == most)
            return most + 1;
        e->object.link.visit.index = (uint32_t)count;
        order[count++] = e;
        depth--;
    }
    return count;
}

/* Distinct stored inputs below the Exprs of a walk; stops counting above LEAVES_MAX. */
static int count_leaves(Expr *const *order, int count)
{
    const void *seen[LEAVES_MAX + 1];
    int n = 0;
    for (int k = 0; k < count; k++) {
        for (int i = 0; i < order[k]->count; i++) {
            const Input *input = &order[k]->inputs[i];
            const void *leaf = input->kind == INPUT_EXPR ? (const void *)input->as.expr->result
                             : input->kind == INPUT_ONE ? NULL : (const void *)input->as.storage;
            int known = 0;
            while (known < n && seen[known] != leaf)
                known++;
            if (leaf == NULL || known < n)
                continue;
            seen[n++] = leaf;
            if (n > LEAVES_MAX)
                return n;
        }
    }
    return n;
}

/* ---- bounding ---- */

static void add_up(Expr *e)
{
    e->nodes = 1;
    e->leaves = 0;
    for (int i = 0; i < e->count; i++) {
        const Input *input = &e->inputs[i];
        bool inner = input->kind == INPUT_EXPR;
        e->nodes = (uint16_t)(e->nodes + (inner ? input->as.expr->nodes : 0));
        e->leaves = (uint16_t)(e->leaves + (inner ? input->as.expr->leaves : input->kind != INPUT_ONE));
    }
}

static bool within_bounds(Expr *e)
{
    Expr *order[EXPR_MAX_NODES];
    int leaves_max = e->size >= EXPR_LARGE ? LARGE_LEAVES_MAX : LEAVES_MAX;
    if (e->nodes <= EXPR_MAX_NODES && e->leaves <= leaves_max)
        return true;
    int count = expr_walk(e, order, EXPR_MAX_NODES);     /* sharing may have been counted twice */
    if (count > EXPR_MAX_NODES)
        return false;
    e->nodes = (uint16_t)count;
    e->leaves = (uint16_t)count_leaves(order, count);
    return e->leaves <= leaves_max;
}

/* The largest pending input is stored until the DAG is small enough; an Expr with stored inputs alone
 * always is. */
static void bound(Expr *e)
{
    for (add_up(e); !within_bounds(e); add_up(e)) {
        Expr *largest = NULL;
        for (int i = 0; i < e->count; i++) {
            Expr *inner = e->inputs[i].kind == INPUT_EXPR ? e->inputs[i].as.expr : NULL;
            if (inner != NULL && inner->result == NULL && (largest == NULL || inner->nodes > largest->nodes))
                largest = inner;
        }
        assert(largest != NULL);
        expr_settle(largest);
    }
}

/* ---- making ---- */

/* Would reading it in order touch another line of memory with every element, so many that each is lost from the cache
 * before its next element is wanted? So it is with a large matrix that is transposed. */
static bool is_scattered(const Layout *layout, const Tensor *out)
{
    if (layout->ndim < 2 || out->size < SCATTERED_MIN)
        return false;
    const Axis *last = &layout->axes[layout->ndim - 1];
    return last->extent >= SCATTERED_LINES && llabs(last->stride) >= MEM_ALIGN / 8;     /* a line of 8-byte elements */
}

/* A contiguous copy, made in tiles, in the place of what is scattered. */
static void input_gather(Input *input, const Layout *layout, const Tensor *out)
{
    size_t size = dtype_size((Dtype)input->dtype);
    Storage *copy = pool_add(storage_new((size_t)out->size * size));
    layout_copy(layout, size, input->data, copy->data);
    input->kind = INPUT_FLAT;
    input->data = copy->data;
    input->as.storage = copy;
}

void input_find(Input *input, Layout *layout, const Tensor *out, const Tensor *x, Dtype compute)
{
    int64_t strides[TENSOR_MAX_NDIM];
    input->dtype = x->dtype;
    input->layout = NULL;
    if (x->state == TENSOR_PENDING && x->size == out->size && x->as.expr->result == NULL) {
        input->kind = INPUT_EXPR;
        input->as.expr = x->as.expr;
        return;
    }
    input->data = tensor_data(x);     /* settles what is pending in another shape */
    for (int i = 0; i < out->ndim; i++) {
        int at = i - (out->ndim - x->ndim);
        strides[i] = at < 0 || x->dims[at] == 1 ? 0 : tensor_strides(x)[at];
    }
    layout_set(layout, out->ndim, out->dims, strides);
    if (layout->ndim == 1 && layout->axes[0].stride == 0) {
        const void *in[] = {input->data};
        input->kind = INPUT_ONE;
        convert_kernel((Dtype)x->dtype, compute)(1, input->as.cell, in);
    } else {
        bool flat = layout->ndim == 1 && layout->axes[0].stride == 1;
        input->kind = flat ? INPUT_FLAT : INPUT_STRIDED;
        input->as.storage = x->as.storage;
        if (!flat && x->size == out->size && is_scattered(layout, out))
            input_gather(input, layout, out);
    }
}

static void hold(const Input *input)
{
    if (input->kind == INPUT_EXPR)
        object_retain(input->as.expr);
    else if (input->kind != INPUT_ONE)
        object_retain(input->as.storage);
}

/* Layouts stand behind the inputs. */
static Expr *expr_new(const Input *inputs, const Layout *layouts, int count)
{
    size_t bytes = sizeof(Expr) + (size_t)count * sizeof(Input);
    for (int i = 0; i < count; i++)
        bytes += inputs[i].kind == INPUT_STRIDED ? layout_bytes(&layouts[i]) : 0;
    Expr *e = object_new(&expr_type, bytes);
    char *behind = (char *)&e->inputs[count];
    e->result = NULL;
    e->uses = 0;
    e->count = (uint8_t)count;
    for (int i = 0; i < count; i++) {
        e->inputs[i] = inputs[i];
        hold(&inputs[i]);
        if (inputs[i].kind == INPUT_STRIDED) {
            Layout *own = (Layout *)(void *)behind;
            own->ndim = layouts[i].ndim;
            for (int axis = 0; axis < own->ndim; axis++)
                own->axes[axis] = layouts[i].axes[axis];
            e->inputs[i].layout = own;
            behind += layout_bytes(own);
        }
    }
    return e;
}

void expr_defer(Tensor *out, BlockKernel *kernel, Dtype compute, int count, const Tensor *const *tensors)
{
    PoolMark mark = pool_mark();
    Input inputs[ELEMENTWISE_MAX_INPUTS];
    Layout layouts[ELEMENTWISE_MAX_INPUTS];
    for (int i = 0; i < count; i++)
        input_find(&inputs[i], &layouts[i], out, tensors[i], compute);
    Expr *e = expr_new(inputs, layouts, count);
    e->kernel = kernel;
    e->compute = (uint8_t)compute;
    e->dtype = out->dtype;
    e->size = out->size;
    bound(e);
    out->as.expr = object_retain(e);
    out->state = TENSOR_PENDING;
    pool_drain(mark);
}

/* ---- settling ---- */

typedef struct Settling {
    const Plan *plan;
    int64_t size;
} Settling;

static void settle_task(const void *job, int64_t task, int thread)
{
    const Settling *s = job;
    int64_t end = (task + 1) * TASK < s->size ? (task + 1) * TASK : s->size;
    for (int64_t first = task * TASK; first < end; first += BLOCK)
        plan_block(s->plan, thread, first, end - first < BLOCK ? end - first : BLOCK);
}

void expr_settle(Expr *e)
{
    if (e->result != NULL)
        return;
    PoolMark mark = pool_mark();
    Storage *s = pool_add(storage_new((size_t)e->size * dtype_size((Dtype)e->dtype)));
    Plan *plan = plan_expr(e, s->data, parallel_threads(e->size));
    parallel_run((e->size - 1) / TASK + 1, e->size, settle_task, &(Settling){plan, e->size});
    plan_finish(plan);
    expr_stored(e, s);
    pool_drain(mark);
}
