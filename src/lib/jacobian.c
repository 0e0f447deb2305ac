/* Derivatives as arrays: jacobian, hessian, and hvp.
 *
 * A Jacobian is the answer of a graph to many unit tangents or cotangents. They are sent through it all at
 * once, as a mapped tensor (see grad/batch.h), a bounded number at a time. */
#include "grad/batch.h"
#include "lib/derivative.h"
#include "ops/rules.h"

#include <string.h>

/* A derivation's graph, to be asked from one side. */
typedef struct Probe {
    const Derivation *d;
    bool forward;                     /* units are tangents of the sources, else cotangents of the results */
    bool nested;                      /* the answers are recorded */
    int64_t elements;                 /* of arguments and results */
} Probe;

enum { ELEMENTS_AT_ONCE = 1 << 20 };

/* Units first, ..., first + count - 1 in the elements of a leaf, on a new leading axis: [count, hidden...,
 * visible...], where `node` has the shape [hidden..., visible...] and the visible part `size` elements. */
static GradTensor *units(const GradTensor *node, int64_t size, int64_t first, int64_t count)
{
    int64_t shape[TENSOR_MAX_NDIM], full[TENSOR_MAX_NDIM];
    int64_t left = node->t.size, axis = 0;
    if (node->t.ndim + 1 > TENSOR_MAX_NDIM)
        error_throw(ERROR_SHAPE, "a tensor has at most %d axes", TENSOR_MAX_NDIM);
    GradTensor *eye = gt_filled(gt_dtype(node), 2, (int64_t[]){count, size}, 0);
    char *data = tensor_own_data(&eye->t);
    for (int64_t k = 0; k < count; k++)
        dtype_write(gt_dtype(node), data + (size_t)(k * size + first + k) * dtype_size(gt_dtype(node)), 1);
    full[0] = shape[0] = count;
    memcpy(full + 1, tensor_shape(&node->t), (size_t)node->t.ndim * sizeof *full);
    memcpy(shape + 1, tensor_shape(&node->t), (size_t)node->t.ndim * sizeof *shape);
    for (; left > size && axis < node->t.ndim; axis++) {
        left /= shape[axis + 1];
        shape[axis + 1] = 1;
    }
    return gt_expand(t_reshape(eye, node->t.ndim + 1, shape), node->t.ndim + 1, full);
}

/* Units first, ..., first + count - 1 of the `size` elements of leaf i on this side, and where to put the
 * answers of all leaves on the other side: [count, shape of the node...] each, NULL for zero. */
typedef struct Question {
    const Probe *p;
    int64_t i, size, first, count;
    TensorList *answers;
} Question;

/* What the leaves on the other side answer to a tangent or cotangent of leaf i. */
static GradTensor **walk(const Probe *p, int64_t i, GradTensor *unit, int64_t others)
{
    const Derivation *d = p->d;
    GradTensor **out = scratch((size_t)others * sizeof *out + 1);
    if (p->forward) {
        grad_state()->recording = p->nested;
        pushforward(1, &d->sources->at[i], &unit, d->results->count, d->results->at, out);
        grad_state()->recording = d->recording;
    } else {
        gradients_of(1, &d->results->at[i], &unit, d->sources->count, d->sources->at, out,
                     p->nested ? GRAPH_RECORD : GRAPH_KEEP);
    }
    return out;
}

static const GradTensor *asked_node(const Question *q)
{
    return (q->p->forward ? q->p->d->sources : q->p->d->results)->at[q->i];
}

static void answer(const Question *q, int64_t k, GradTensor *x)
{
    GradTensor *before = q->answers->at[k];
    q->answers->at[k] = x == NULL ? NULL : object_retain(x);
    object_release(before);
}

static void ask_at_once(void *data)
{
    const Question *q = data;
    uint32_t levels = batch_levels(), level = batch_open(q->count, q->p->d->levels_used);
    GradTensor *unit = batch_slice(units(asked_node(q), q->size, q->first, q->count), level);
    GradTensor **out = walk(q->p, q->i, unit, q->answers->count);
    for (int64_t k = 0; k < q->answers->count; k++)
        answer(q, k, out[k] == NULL ? NULL : batch_over(out[k], level));
    grad_state()->levels = levels;
}

/* Joins what came in several parts. */
static GradTensor *join_parts(TensorList *parts)
{
    Arg args[OP_MAX_ARGS] = {{.tensors = parts}, {.integer = 0}};
    return parts->count == 1 ? parts->at[0] : op_call(&op_concat, args, 0);
}

/* x as [1, shape...]. */
static GradTensor *as_only_row(GradTensor *x)
{
    int64_t shape[TENSOR_MAX_NDIM + 1] = {1};
    memcpy(shape + 1, tensor_shape(&x->t), (size_t)x->t.ndim * sizeof *shape);
    return t_reshape(x, x->t.ndim + 1, shape);
}

static void ask_one_by_one(const Question *q)
{
    const GradTensor *node = asked_node(q);
    TensorList **parts = scratch((size_t)q->answers->count * sizeof *parts + 1);
    for (int64_t k = 0; k < q->answers->count; k++)
        parts[k] = tensor_list_new(q->count, NULL);
    for (int64_t n = 0; n < q->count; n++) {
        GradTensor *unit = t_reshape(units(node, q->size, q->first + n, 1), node->t.ndim, tensor_shape(&node->t));
        GradTensor **out = walk(q->p, q->i, unit, q->answers->count);
        for (int64_t k = 0; k < q->answers->count; k++) {
            GradTensor *other = (q->p->forward ? q->p->d->results : q->p->d->sources)->at[k];
            parts[k]->at[n] = object_retain(as_only_row(out[k] != NULL ? out[k] : gt_zeros_like(other)));
        }
    }
    for (int64_t k = 0; k < q->answers->count; k++)
        answer(q, k, join_parts(parts[k]));
}

/* On all units together; where the rule of a custom_grad looks at elements or branches, on one after the other. */
static void ask(Question *q)
{
    if (!slices_at_once(ask_at_once, q, LOOK_TRUTH))
        ask_one_by_one(q);
}

/* [n, hidden..., answer...] to [hidden..., n, answer...], or for columns [hidden..., answer..., n]. */
static GradTensor *place_units(GradTensor *x, int hidden, bool last)
{
    int order[TENSOR_MAX_NDIM], n = 0, to = last ? x->t.ndim - 1 : hidden;
    for (int i = 0; i < x->t.ndim; i++)
        order[i] = i == to ? 0 : ++n;
    return t_permute(x, order);
}

static Dtype block_dtype(const GradTensor *y, const GradTensor *x)
{
    return gt_weak(x) ? gt_dtype(y) : gt_dtype(x);
}

/* y.shape + x.shape; returns the number of axes. */
static int block_shape(const GradTensor *y, const GradTensor *x, int64_t shape[TENSOR_MAX_NDIM])
{
    int ndim = y->t.ndim + x->t.ndim;
    if (ndim > TENSOR_MAX_NDIM)
        error_throw(ERROR_SHAPE, "the result would have %d axes, but a tensor has at most %d", ndim, TENSOR_MAX_NDIM);
    memcpy(shape, tensor_shape(&y->t), (size_t)y->t.ndim * sizeof *shape);
    memcpy(shape + y->t.ndim, tensor_shape(&x->t), (size_t)x->t.ndim * sizeof *shape);
    return ndim;
}

/* The block of an output leaf y and an input leaf x from its rows or columns (NULL: zero). */
static Value block(GradTensor *y, GradTensor *x, GradTensor *answers, bool forward)
{
    int64_t shape[TENSOR_MAX_NDIM];
    int ndim = block_shape(y, x, shape);
    bool number = gt_weak(x) && gt_weak(y);
    Dtype dtype = block_dtype(y, x);
    uint32_t levels = gt_batch(forward ? y : x);
    if (answers == NULL)
        return number ? value_number(0) : value_object(TAG_TENSOR, gt_filled(dtype, ndim, shape, 0));
    GradTensor *b = batch_slice(place_units(answers, batch_axis_count(levels), forward), levels);
    b = t_reshape(b, ndim, shape);
    return value_of_tensor(number ? gt_weaken(b) : gt_cast(b, dtype));
}

/* The answers to all units of leaf i, part by part. */
static TensorList *ask_all(const Probe *p, int64_t i, GradTensor *leaf, int64_t others)
{
    int64_t size = leaf->t.size, at_once = ELEMENTS_AT_ONCE / (p->elements + 1);
    GradTensor **whole = scratch_zeroed((size_t)others * sizeof *whole + 1);
    at_once = at_once < 1 ? 1 : at_once > size ? size : at_once;
    int64_t parts = size == 0 ? 0 : (size + at_once - 1) / at_once;
    TensorList **answers = scratch((size_t)parts * sizeof *answers + 1);
    for (int64_t k = 0; k < parts; k++) {
        int64_t first = k * at_once, count = first + at_once > size ? size - first : at_once;
        answers[k] = tensor_list_new(others, NULL);
        PoolMark mark = pool_mark();
        ask(&(Question){p, i, size, first, count, answers[k]});
        pool_drain(mark);
    }
    for (int64_t o = 0; o < others && parts > 0; o++) {
        if (answers[0]->at[o] == NULL)
            continue;
        TensorList *list = tensor_list_new(parts, NULL);
        for (int64_t k = 0; k < parts; k++)
            list->at[k] = object_retain(answers[k]->at[o]);
        whole[o] = join_parts(list);
    }
    derivation_prune(p->d, others, whole);
    return tensor_list_new(others, whole);
}

/* The blocks are made part by part, which may take long: whether there is room for them is asked before. */
static void check_room(Leaves outs, Leaves ins)
{
    int64_t shape[TENSOR_MAX_NDIM];
    for (uint32_t y = 0; y < outs.count; y++)
        for (uint32_t x = 0; x < ins.count; x++) {
            const GradTensor *out = value_tensor(outs.at[y]), *in = value_tensor(ins.at[x]);
            shape_check_room(block_dtype(out, in), block_shape(out, in, shape), shape);
        }
}

/* For every leaf of `out`, a structure like `in` of blocks. */
static Value blocks(const Probe *p)
{
    const Derivation *d = p->d;
    Leaves outs = structure_leaves(d->out), ins = structure_leaves(d->in);
    uint32_t count = p->forward ? ins.count : outs.count, others = p->forward ? outs.count : ins.count;
    check_room(outs, ins);
    Value *all = scratch((size_t)count * others * sizeof *all + 1), *rows = scratch(outs.count * sizeof *rows + 1);
    for (uint32_t i = 0; i < count; i++) {
        TensorList *answers = ask_all(p, i, value_tensor((p->forward ? ins : outs).at[i]), others);
        for (uint32_t o = 0; o < others; o++) {
            uint32_t y = p->forward ? o : i, x = p->forward ? i : o;
            all[y * ins.count + x] = block(value_tensor(outs.at[y]), value_tensor(ins.at[x]), answers->at[o],
                                           p->forward);
        }
    }
    for (uint32_t y = 0; y < outs.count; y++)
        rows[y] = structure_rebuild(d->in, all + y * ins.count);
    return structure_rebuild(d->out, rows);
}

static int64_t total_size(Value structure)
{
    int64_t size = 0;
    Leaves leaves = structure_leaves(structure);
    for (uint32_t i = 0; i < leaves.count; i++)
        size += value_tensor(leaves.at[i])->t.size;
    return size;
}

Value derivation_jacobian(const Derivation *d)
{
    int64_t ins = total_size(d->in), outs = total_size(d->out);
    Probe p = {d, ins < outs, derivation_nested(d), ins + outs};
    return blocks(&p);
}

static Value run_jacobian(Call *call)
{
    Derivation d = derivation_of("jacobian", arg_function(call, 0), call->args[1]);
    return derivation_jacobian(&d);
}

const Builtin builtin_jacobian = {
    .usage = "jacobian(f, x)", .section = "derivatives", .run = run_jacobian,
    .doc = "All derivatives of f at x: an array of shape f(x).shape + x.shape. Forward mode is used where x "
           "has fewer elements than f(x), else reverse mode. For a tuple or record x it is a structure like "
           "x of such arrays; where f returns a structure, a structure like that of these.",
    .example = "jacobian(x -> [x[0] * x[1], x[1]^2], [2, 3])  #=> [[3, 2], [0, 6]]",
    .related = "grad hessian jvp vjp",
};

/* ---- second derivatives ---- */

/* The gradient of a scalar function as a function of x of its own: results in the place of the value. */
static Derivation gradient_of_scalar(const char *who, Value f, Value x)
{
    Derivation d = derivation_of(who, f, x);
    derivation_want_scalar(&d);
    GradTensor **g = scratch((size_t)d.sources->count * sizeof *g + 1);
    gradients_of(1, d.results->at, NULL, d.sources->count, d.sources->at, g, GRAPH_RECORD);
    TensorList *gradients = tensor_list_new(d.sources->count, NULL);
    for (int64_t i = 0; i < gradients->count; i++)
        gradients->at[i] = object_retain(g[i] != NULL ? g[i] : gt_zeros_like(d.sources->at[i]));
    d.results = gradients;
    d.out = d.in;
    return d;
}

static Value run_hessian(Call *call)
{
    Derivation d = gradient_of_scalar("hessian", arg_function(call, 0), call->args[1]);
    return derivation_jacobian(&d);
}

const Builtin builtin_hessian = {
    .usage = "hessian(f, x)", .section = "derivatives", .run = run_hessian,
    .doc = "The second derivatives of a scalar function at x: an array of shape x.shape + x.shape. For a "
           "tuple or record x it is a structure like x of structures like x.",
    .errors = "shape when f(x) is not a scalar.",
    .example = "hessian(x -> x[0]^2 * x[1], [2, 3])  #=> [[6, 4], [4, 0]]",
    .related = "hvp jacobian grad",
};

/* Forward over reverse (Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6,
 * 1994). */
static Value run_hvp(Call *call)
{
    Derivation d = gradient_of_scalar("hvp", arg_function(call, 0), call->args[1]);
    TensorList *v = derivation_match(&d, "vector", call->args[2], d.in, d.sources);
    GradTensor **out = scratch((size_t)d.sources->count * sizeof *out + 1);
    derivation_push(&d, v->at, out);
    return derivation_value(d.in, out);
}

const Builtin builtin_hvp = {
    .usage = "hvp(f, x, v)", .section = "derivatives", .run = run_hvp,
    .doc = "The Hessian of a scalar function at x, times v, without the Hessian: about the work of three "
           "gradients. x may be any structure, v has the same.",
    .errors = "shape when f(x) is not a scalar; type or shape when v does not have the structure and shapes "
              "of x.",
    .example = "hvp(x -> x[0]^2 * x[1], [2, 3], [1, 0])  #=> [6, 4]",
    .related = "hessian jvp vjp",
};
