/* Slices of batches, the rules that many operations share, and calls on slices. The rows that this takes, for shapes
 * and for picking and joining slices, stand here because those of ops/ are in a room above. */
#include "grad/batch.h"

#include "tensor/index.h"
#include "tensor/state.h"

#include <string.h>

/* ---- slices and batches ---- */

/* Never recorded by a walk's plan: what depends on a slice depends on its batch. */
const Op op_mapped = {
    .usage = "mapped(batch)", OP_ARGS(ARG_TENSOR),
    .doc = "One slice of a batch, whichever.",
};

GradTensor *batch_slice(GradTensor *batch, uint32_t levels)
{
    int hidden = batch_axis_count(levels);
    if (levels == 0)
        return batch;
    assert(batch->t.ndim >= hidden && gt_batch(batch) == 0);
    GradTensor *x = gt_new_recorded(gt_dtype(batch), batch->t.ndim - hidden, tensor_shape(&batch->t) + hidden, 1);
    gt_args(x)[0].tensor = object_retain(batch);
    x->op = &op_mapped;
    x->t.state = TENSOR_ABSTRACT;
    x->t.flags |= levels << GT_BATCH_SHIFT | (batch->t.flags & (GT_TRACKED | GT_WEAK));
    return x;
}

/* x in another shape of as many elements. */
static GradTensor *shaped_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *out = call_out(c, gt_dtype(x), (int)c->args[1].ints->count, c->args[1].ints->at);
    tensor_reshape(&out->t, &x->t);
    out->t.flags |= x->t.flags & GT_WEAK;
    return out;
}

static GradTensor *shaped(GradTensor *x, int ndim, const int64_t *shape);

static GradTensor *shaped_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i);
    return shaped(g, x->t.ndim, tensor_shape(&x->t));
}

const Op op_shaped = {
    .usage = "shaped(x, shape)", OP_ARGS(ARG_TENSOR, ARG_SHAPE),
    .doc = "x in another shape of as many elements.",
    .forward = shaped_forward, .vjp = shaped_vjp, .linear = LINEAR_EACH, .batch = batch_shape,
};

static GradTensor *shaped(GradTensor *x, int ndim, const int64_t *shape)
{
    if (shape_equal(x->t.ndim, tensor_shape(&x->t), ndim, shape))
        return x;
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.ints = int_list_new(ndim, shape)}};
    return op_call(&op_shaped, args, 0);
}

void batch_check_ndim(int ndim)
{
    if (ndim > TENSOR_MAX_NDIM)
        error_throw(ERROR_SHAPE, "vmap: the batch would have more than %d axes", TENSOR_MAX_NDIM);
}

/* The batch of x with an axis for every level of the mask, of extent 1 for those that x is no slice of,
 * and with its own axes made up to `visible` by leading ones. */
static GradTensor *line_up(GradTensor *x, uint32_t levels, int visible)
{
    uint32_t own = gt_batch(x);
    GradTensor *batch = batch_of(x);
    int64_t shape[TENSOR_MAX_NDIM];
    int n = 0, at = 0;
    batch_check_ndim(batch_axis_count(levels) + visible);
    for (uint32_t level = 0; levels >> level != 0; level++)
        if (levels >> level & 1)
            shape[n++] = own >> level & 1 ? tensor_shape(&batch->t)[at++] : 1;
    for (int i = x->t.ndim; i < visible; i++)
        shape[n++] = 1;
    memcpy(shape + n, tensor_shape(&x->t), (size_t)x->t.ndim * sizeof *shape);
    return shaped(batch, n + x->t.ndim, shape);
}

int batch_sizes(uint32_t levels, int64_t *shape)
{
    int n = 0;
    for (uint32_t level = 0; levels >> level != 0; level++)
        if (levels >> level & 1)
            shape[n++] = grad_state()->batch_size[level];
    return n;
}

GradTensor *batch_over(GradTensor *x, uint32_t levels)
{
    int64_t shape[TENSOR_MAX_NDIM];
    levels |= gt_batch(x);
    if (levels == gt_batch(x))
        return batch_of(x);
    GradTensor *lined = line_up(x, levels, x->t.ndim);
    int n = batch_sizes(levels, shape);
    memcpy(shape + n, tensor_shape(&x->t), (size_t)x->t.ndim * sizeof *shape);
    return gt_expand(lined, n + x->t.ndim, shape);
}

uint32_t batch_open(int64_t size, uint32_t used)
{
    GradState *state = grad_state();
    uint32_t level = 1;
    while ((state->levels | used) >= level)
        level <<= 1;
    if (level >= 1u << BATCH_MOST)
        error_throw(ERROR_LIMIT, "vmap: at most %d can be nested", BATCH_MOST);
    batch_reopen(level, &size);
    return level;
}

void batch_reopen(uint32_t levels, const int64_t *sizes)
{
    GradState *state = grad_state();
    state->mapping |= levels != 0;
    state->levels |= levels;
    state->levels_used |= levels;
    for (int level = 0; level < BATCH_MOST; level++)
        if (levels >> level & 1)
            state->batch_size[level] = *sizes++;
}

Random *batch_random(void)
{
    if (batch_levels() != 0) {
        tensor_state()->looked = LOOK_ELEMENT;
        error_throw(ERROR_TYPE, "random numbers cannot be drawn for many slices at once");
    }
    return random_state();
}

/* ---- one slice after the other ---- */

static GradTensor *row_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    GradTensor *out = call_view(c, x, x->t.ndim - 1, tensor_shape(&x->t) + 1,
                                c->args[1].integer * tensor_strides(&x->t)[0], tensor_strides(&x->t) + 1);
    out->t.flags |= x->t.flags & GT_WEAK;
    return out;
}

static GradTensor *slice_at(GradTensor *x, int64_t i);
static GradTensor *row_place(GradTensor *x, int64_t i, int64_t n);

static GradTensor *row_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i);
    return row_place(g, c->args[1].integer, tensor_shape(&x->t)[0]);
}

const Op op_row = {
    .usage = "row(x, i)", OP_ARGS(ARG_TENSOR, ARG_INTEGER),
    .doc = "x[i].",
    .forward = row_forward, .vjp = row_vjp, .linear = LINEAR_EACH,
};

static GradTensor *slice_at(GradTensor *x, int64_t i)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.integer = i}};
    return op_call(&op_row, args, 0);
}

static GradTensor *row_place_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    int64_t shape[TENSOR_MAX_NDIM];
    shape[0] = c->args[2].integer;
    memcpy(shape + 1, tensor_shape(&x->t), (size_t)x->t.ndim * sizeof *shape);
    GradTensor *out = call_out(c, gt_dtype(x), x->t.ndim + 1, shape);
    tensor_fill(&out->t, 0);
    tensor_own_data(&out->t);
    tensor_put_region(&out->t, c->args[1].integer * tensor_strides(&out->t)[0], tensor_strides(&out->t) + 1, &x->t,
                      false);
    return out;
}

static GradTensor *row_place_vjp(const OpCall *c, int i, GradTensor *g)
{
    (void)i;
    return slice_at(g, c->args[1].integer);
}

const Op op_row_place = {
    .usage = "row_place(x, i, n)", OP_ARGS(ARG_TENSOR, ARG_INTEGER, ARG_INTEGER),
    .doc = "The transpose of row: n rows of zeros, of which row i is x.",
    .forward = row_place_forward, .vjp = row_place_vjp, .linear = LINEAR_EACH,
};

static GradTensor *row_place(GradTensor *x, int64_t i, int64_t n)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.integer = i}, {.integer = n}};
    return op_call(&op_row_place, args, 0);
}

static GradTensor *rows_forward(const OpCall *c)
{
    const TensorList *xs = c->args[0].tensors;
    const GradTensor *first = xs->at[0];
    int64_t shape[TENSOR_MAX_NDIM];
    shape[0] = xs->count;
    memcpy(shape + 1, tensor_shape(&first->t), (size_t)first->t.ndim * sizeof *shape);
    GradTensor *out = call_out(c, gt_dtype(first), first->t.ndim + 1, shape);
    tensor_allocate(&out->t);
    for (int64_t k = 0; k < xs->count; k++)
        tensor_put_region(&out->t, k * tensor_strides(&out->t)[0], tensor_strides(&out->t) + 1, &xs->at[k]->t, false);
    return out;
}

static GradTensor *rows_vjp(const OpCall *c, int i, int64_t k, GradTensor *g)
{
    (void)c;
    (void)i;
    return slice_at(g, k);
}

const Op op_rows = {
    .usage = "rows(xs)", OP_ARGS(ARG_TENSORS),
    .doc = "Tensors of one shape and dtype along a new first axis.",
    .forward = rows_forward, .vjp_list = rows_vjp, .linear = LINEAR_JOINT,
};

void batch_check_results(const TensorList *results)
{
    const GradTensor *first = results->at[0];
    for (int64_t k = 1; k < results->count; k++) {
        const GradTensor *x = results->at[k];
        if (!shape_equal(x->t.ndim, tensor_shape(&x->t), first->t.ndim, tensor_shape(&first->t)))
            error_throw(ERROR_SHAPE, "vmap: the results of different slices have different shapes, %s and %s",
                        gt_shape_text(first), gt_shape_text(x));
    }
}

static GradTensor *join_rows(const TensorList *rows)
{
    batch_check_results(rows);
    Arg args[OP_MAX_ARGS] = {{.object = (Object *)rows}};
    return op_call(&op_rows, args, 0);
}

/* ---- arguments ---- */

/* One call on mapped arguments, as it is translated into calls on batches. */
typedef struct Mapped {
    const Op *op;
    Arg args[OP_MAX_ARGS];
    uint32_t numbers, levels;
} Mapped;

static bool is_tensor(const Op *op, const Arg *args, uint32_t numbers, int i)
{
    return op->args[i] == ARG_TENSOR && !(numbers >> i & 1) && args[i].tensor != NULL;
}

static uint32_t levels_of(const Op *op, const Arg *args, uint32_t numbers)
{
    uint32_t levels = 0;
    for (int i = 0; i < op->arg_count; i++) {
        if (is_tensor(op, args, numbers, i))
            levels |= gt_batch(args[i].tensor);
        for (int64_t k = 0; op->args[i] == ARG_TENSORS && k < args[i].tensors->count; k++)
            levels |= gt_batch(args[i].tensors->at[k]);
    }
    return levels;
}

typedef GradTensor *Convert(GradTensor *x, const Mapped *m, int64_t context);

/* Replaces every tensor among the arguments. */
static void convert_tensors(Mapped *m, Convert *convert, int64_t context)
{
    for (int i = 0; i < m->op->arg_count; i++) {
        if (is_tensor(m->op, m->args, m->numbers, i)) {
            m->args[i].tensor = convert(m->args[i].tensor, m, context);
        } else if (m->op->args[i] == ARG_TENSORS) {
            const TensorList *from = m->args[i].tensors;
            TensorList *to = tensor_list_new(from->count, NULL);
            for (int64_t k = 0; k < from->count; k++)
                to->at[k] = object_retain(convert(from->at[k], m, context));
            m->args[i].tensors = to;
        }
    }
}

static Mapped mapped_call(const OpCall *c, uint32_t levels)
{
    Mapped m = {.op = c->op, .numbers = c->numbers, .levels = levels};
    memcpy(m.args, c->args, (size_t)c->op->arg_count * sizeof *m.args);
    return m;
}

static GradTensor *expanded(GradTensor *x, const Mapped *m, int64_t context)
{
    (void)context;
    return batch_over(x, m->levels);
}

/* ---- rules ---- */

GradTensor *batch_leading(const OpCall *c, uint32_t levels)
{
    Mapped m = mapped_call(c, levels);
    convert_tensors(&m, expanded, 0);
    return op_call(m.op, m.args, m.numbers);
}

void batch_leading_many(const OpCall *c, uint32_t levels, GradTensor **out)
{
    Mapped m = mapped_call(c, levels);
    convert_tensors(&m, expanded, 0);
    op_call_many(m.op, m.args, m.numbers, out);
}

/* The axes of the visible tensor as axes of the batch. */
static Mapped shift_axes(const OpCall *c, uint32_t levels)
{
    Mapped m = mapped_call(c, levels);
    int hidden = batch_axis_count(levels), ndim = 0;
    for (int i = OP_MAX_ARGS - 1; i >= 0; i--)
        if (i < c->op->arg_count && is_tensor(c->op, c->args, c->numbers, i))
            ndim = c->args[i].tensor->t.ndim;
        else if (i < c->op->arg_count && c->op->args[i] == ARG_TENSORS && c->args[i].tensors->count > 0)
            ndim = c->args[i].tensors->at[0]->t.ndim;
    for (int i = 0; i < c->op->arg_count; i++) {
        if (c->op->args[i] == ARG_INTEGER && strcmp(op_arg_name(c->op, i), "axis") == 0)
            m.args[i].integer += m.args[i].integer >= 0 ? hidden : 0;
        if (c->op->args[i] != ARG_AXES)
            continue;
        IntList *from = m.args[i].ints, *to = int_list_new(from != NULL ? from->count : ndim, NULL);
        for (int64_t k = 0; k < to->count; k++)
            to->at[k] = (from == NULL ? k : from->at[k] >= 0 ? from->at[k] : from->at[k] + ndim) + hidden;
        m.args[i].ints = to;
    }
    convert_tensors(&m, expanded, 0);
    return m;
}

GradTensor *batch_axes(const OpCall *c, uint32_t levels)
{
    Mapped m = shift_axes(c, levels);
    return op_call(m.op, m.args, m.numbers);
}

void batch_axes_many(const OpCall *c, uint32_t levels, GradTensor **out)
{
    Mapped m = shift_axes(c, levels);
    op_call_many(m.op, m.args, m.numbers, out);
}

GradTensor *batch_shape(const OpCall *c, uint32_t levels)
{
    Mapped m = mapped_call(c, levels);
    int64_t shape[2 * TENSOR_MAX_NDIM];
    convert_tensors(&m, expanded, 0);
    for (int i = 0; i < c->op->arg_count; i++) {
        if (c->op->args[i] != ARG_SHAPE)
            continue;
        int n = batch_sizes(levels, shape);
        memcpy(shape + n, m.args[i].ints->at, (size_t)m.args[i].ints->count * sizeof *shape);
        m.args[i].ints = int_list_new(n + m.args[i].ints->count, shape);
    }
    return op_call(m.op, m.args, m.numbers);
}

GradTensor *batch_broadcast(const OpCall *c, uint32_t levels)
{
    const IntList *to = c->args[1].ints;
    int64_t shape[2 * TENSOR_MAX_NDIM];
    GradTensor *x = call_in(c, 0);
    if (x->t.ndim > to->count)
        call_error(c, ERROR_SHAPE, "shape %s does not broadcast to %s", gt_shape_text(x),
                   shape_text((int)to->count, to->at));
    int n = batch_sizes(levels, shape);
    memcpy(shape + n, to->at, (size_t)to->count * sizeof *shape);
    return gt_expand(line_up(x, levels, (int)to->count), n + (int)to->count, shape);
}

/* The leading axes that are summed away stand behind those of the levels, so they are kept as ones first. */
GradTensor *batch_sum_to(const OpCall *c, uint32_t levels)
{
    const IntList *to = c->args[1].ints;
    int64_t kept[TENSOR_MAX_NDIM], shape[TENSOR_MAX_NDIM];
    GradTensor *x = call_in(c, 0);
    int n = batch_sizes(levels, kept), extra = x->t.ndim - (int)to->count;
    memcpy(shape, kept, (size_t)n * sizeof *shape);
    memcpy(shape + n, to->at, (size_t)to->count * sizeof *shape);
    for (int i = 0; i < x->t.ndim; i++)
        kept[n + i] = i < extra ? 1 : to->at[i - extra];
    return shaped(gt_sum_to(batch_of(x), n + x->t.ndim, kept), n + (int)to->count, shape);
}

static GradTensor *lined_up(GradTensor *x, const Mapped *m, int64_t visible)
{
    return gt_batch(x) == 0 && x->t.ndim <= visible ? x : line_up(x, m->levels, (int)visible);
}

/* Elementwise operations broadcast; only the axes must be lined up. */
static GradTensor *batch_elementwise(const OpCall *c, uint32_t levels)
{
    Mapped m = mapped_call(c, levels);
    int visible = 0;
    for (int i = 0; i < c->op->arg_count; i++)
        if (is_tensor(c->op, c->args, c->numbers, i) && c->args[i].tensor->t.ndim > visible)
            visible = c->args[i].tensor->t.ndim;
    convert_tensors(&m, lined_up, visible);
    return op_call(m.op, m.args, m.numbers);
}

/* ---- running ---- */

static void run_call(const Op *op, const Arg *args, uint32_t numbers, GradTensor **out, TensorList **list)
{
    if (op->compose_list != NULL)
        *list = op_call_list(op, args, numbers);
    else if (op->outputs > 0)
        op_call_many(op, args, numbers, out);
    else
        *out = op_call(op, args, numbers);
}

/* x, without the level, at one of its slices. */
static GradTensor *slice_of_level(GradTensor *x, const Mapped *m, int64_t k)
{
    uint32_t level = m->levels & -m->levels, own = gt_batch(x);
    return own & level ? batch_slice(slice_at(batch_of(x), k), own & ~level) : x;
}

/* The results of all slices of the outermost level as one mapped tensor each. */
static void join_results(const Mapped *m, TensorList *const *results, int64_t slices, int64_t count, GradTensor **out)
{
    uint32_t level = m->levels & -m->levels, inner = m->levels & ~level;
    for (int64_t i = 0; i < count; i++) {
        TensorList *rows = tensor_list_new(slices, NULL);
        for (int64_t k = 0; k < slices; k++)
            rows->at[k] = object_retain(batch_over(results[k]->at[i], inner));
        out[i] = batch_slice(join_rows(rows), m->levels);
    }
}

/* An operation without a rule: slice after slice of the outermost level of its arguments. */
static void run_loop(Mapped *m, GradTensor **out, TensorList **list)
{
    int64_t slices = 0, count = m->op->outputs > 0 ? m->op->outputs : 1;
    batch_sizes(m->levels & -m->levels, &slices);
    if (slices == 0)
        error_throw(ERROR_VALUE, "vmap: %s cannot be mapped over nothing", op_name_text(m->op));
    TensorList **results = scratch((size_t)slices * sizeof *results);
    for (int64_t k = 0; k < slices; k++) {
        Mapped slice = *m;
        GradTensor *one[OP_MAX_ARGS];
        TensorList *many = NULL;
        convert_tensors(&slice, slice_of_level, k);
        interrupt_poll();
        run_call(m->op, slice.args, m->numbers, one, &many);
        results[k] = many != NULL ? many : tensor_list_new(count, one);
    }
    if (m->op->compose_list != NULL) {
        *list = tensor_list_new(count = results[0]->count, NULL);
        out = scratch((size_t)count * sizeof *out + 1);
    }
    join_results(m, results, slices, count, out);
    for (int64_t i = 0; m->op->compose_list != NULL && i < count; i++)
        (*list)->at[i] = object_retain(out[i]);
}

/* A call for error_protect. */
typedef struct Attempt {
    OpCall call;
    uint32_t levels;
    GradTensor **out;
    TensorList **list;
} Attempt;

/* A formula in other operations works on slices as it is, unless it looks at elements. */
static void run_formula(void *data)
{
    Attempt *f = data;
    if (f->call.op->compose_list != NULL)
        *f->list = f->call.op->compose_list(&f->call);
    else if (f->call.op->compose_many != NULL)
        f->call.op->compose_many(&f->call, f->out);
    else
        *f->out = f->call.op->compose(&f->call);
}

static bool try_formula(const OpCall *c, GradTensor **out, TensorList **list)
{
    Attempt f = {*c, 0, out, list};
    GradContext context = grad_context();
    Look before = tensor_state()->looked;
    tensor_state()->looked = LOOK_NONE;
    bool done = error_protect(run_formula, &f);
    if (!done && tensor_state()->looked == LOOK_NONE)
        error_rethrow();
    tensor_state()->looked = before;
    if (!done)
        grad_restore(&context);
    return done;
}

static _Noreturn void throw_escaped(void)
{
    error_throw_hint(ERROR_VALUE, "return it from the function to use it",
                     "this tensor is one slice of a vmap that has ended");
}

/* By a rule for all slices at once. */
static void run_rule(void *data)
{
    const Attempt *f = data;
    const OpCall *c = &f->call;
    if (c->op->batch != NULL) {
        *f->out = batch_slice(c->op->batch(c, f->levels), f->levels);
    } else if (c->op->batch_many != NULL) {
        c->op->batch_many(c, f->levels, f->out);
        for (int k = 0; k < c->op->outputs; k++)
            f->out[k] = batch_slice(f->out[k], f->levels);
    } else {
        *f->out = batch_slice(batch_elementwise(c, f->levels), f->levels);
    }
}

static void run_first_slice(void *data)
{
    const Attempt *f = data;
    Mapped slice = mapped_call(&f->call, f->levels);
    GradTensor *one[OP_MAX_ARGS];
    TensorList *many = NULL;
    convert_tensors(&slice, slice_of_level, 0);
    run_call(slice.op, slice.args, slice.numbers, one, &many);
}

/* A rule sees more axes than the user does: a mistake that the first slice makes too is told of that. */
static _Noreturn void rethrow_of_slice(Attempt *f, const GradContext *context)
{
    int64_t slices = 0;
    ErrorState caught = rt->error;
    batch_sizes(f->levels & -f->levels, &slices);
    if (slices == 0 || (caught.kind != ERROR_SHAPE && caught.kind != ERROR_INDEX && caught.kind != ERROR_VALUE))
        error_rethrow();
    rt->error = (ErrorState){0};
    grad_restore(context);
    if (!error_protect(run_first_slice, f)) {
        error_clear(&caught);
        error_rethrow();
    }
    rt->error = caught;
    error_rethrow();
}

static void call_rule(const OpCall *c, uint32_t levels, GradTensor **out)
{
    Attempt f = {*c, levels, out, NULL};
    GradContext context = grad_context();
    if (!error_protect(run_rule, &f))
        rethrow_of_slice(&f, &context);
}

bool batch_call(const Op *op, const Arg *args, uint32_t numbers, GradTensor **out, TensorList **list)
{
    OpCall c = {.op = op, .args = args, .numbers = numbers, .record = grad_state()->recording};
    uint32_t levels = levels_of(op, args, numbers);
    if (levels == 0)
        return false;
    if (levels & ~batch_levels())
        throw_escaped();
    bool formula = op->compose != NULL || op->compose_many != NULL || op->compose_list != NULL;
    if (formula && try_formula(&c, out, list))
        return true;
    if (op->batch != NULL || op->batch_many != NULL
        || (!formula && op->forward == NULL && op->forward_many == NULL)) {
        call_rule(&c, levels, out);
    } else {
        Mapped m = mapped_call(&c, levels);
        run_loop(&m, out, list);
    }
    return true;
}
