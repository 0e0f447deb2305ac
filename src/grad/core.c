/* The operations that recording and backward need themselves: the linear structure of cotangents. */
#include "grad/batch.h"
#include "tensor/kernel.h"
#include "tensor/reduce.h"

#include <string.h>

/* ---- add, neg, scale ---- */

KERNELS2_FLOAT(add, x + y, x + y)
KERNELS2_WRAPPING(add, x + y)

const Op op_add = {
    .usage = "add(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise", .infix = "+",
    .doc = "Sum of two tensors, element by element. Shapes broadcast. Integers wrap.",
    .derivative = "da + db",
    .example = "add([1, 2], 10)  #=> [11, 12]",
    .related = "sub sum",
    .kernel = KERNELS_NUMERIC(add), .wraps = true,
    .factor = {factor_one, factor_one},
};

KERNELS1_FLOAT(neg, -x, -x)
KERNELS1_WRAPPING(neg, 0u - x)

const Op op_neg = {
    .usage = "neg(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise", .infix = "-x",
    .doc = "The negative of each element. Integers keep their dtype and wrap.",
    .derivative = "-dx",
    .example = "neg([1, -2])  #=> [-1, 2]",
    .related = "sub abs",
    .kernel = KERNELS_NUMERIC(neg),
    .factor = {factor_minus_one},
};

KERNELS2_FLOAT(scale, x == 0 ? 0 : x * y, x == 0 ? 0 : x * y)
KERNELS2_FLOAT(cut, (x == 0) | (y == 0) ? 0 : x * y, (x == 0) | (y == 0) ? 0 : x * y)

const Op op_scale = {
    .usage = "scale(g, factor)", OP_ARGS(ARG_TENSOR, ARG_TENSOR),
    .doc = "A cotangent times a derivative; zero where the cotangent is zero, whatever the derivative is.",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(scale),
    .factor = {factor_right, factor_left}, .cuts = true,
};

const Op op_cut = {
    .usage = "cut(g, factor)", OP_ARGS(ARG_TENSOR, ARG_TENSOR),
    .doc = "A cotangent times a derivative; zero where either is zero, whatever the other is.",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(cut),
    .factor = {factor_right, factor_left}, .cuts = true,
};

GradTensor *gt_add(GradTensor *a, GradTensor *b) { return op_call2(&op_add, a, b); }
GradTensor *gt_neg(GradTensor *a) { return op_call1(&op_neg, a); }
GradTensor *gt_scale(GradTensor *g, GradTensor *f) { return op_call2(&op_scale, g, f); }

GradTensor *factor_one(const OpCall *c) { return gt_ones_like(c->out); }
GradTensor *factor_minus_one(const OpCall *c) { return gt_neg(gt_ones_like(c->out)); }
GradTensor *factor_left(const OpCall *c) { return call_in(c, 0); }
GradTensor *factor_right(const OpCall *c) { return call_in(c, 1); }
GradTensor *factor_zero(const OpCall *c) { return gt_zeros_like(c->out); }

/* ---- conversion ---- */

static GradTensor *to_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    Dtype dtype = c->args[1].integer < 0 ? grad_state()->default_dtype : (Dtype)c->args[1].integer;
    GradTensor *out = call_out(c, dtype, x->t.ndim, tensor_shape(&x->t));
    tensor_cast(&out->t, &x->t);
    return out;
}

static GradTensor *to_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i);
    return gt_cast(g, gt_dtype(x));
}

const Op op_to = {
    .usage = "to(x, dtype)", OP_ARGS(ARG_TENSOR, ARG_DTYPE), .section = "create",
    .doc = "x with its elements converted to another dtype. A float becomes an integer by dropping its "
           "fraction. Gradients flow through conversions between float dtypes.",
    .errors = "type when there is no dtype of that name.",
    .derivative = "dx, converted",
    .example = "[1.7, -1.7].to(\"int32\")  #=> [1, -1]",
    .related = "tensor default_dtype",
    .forward = to_forward, .vjp = to_vjp, .linear = LINEAR_EACH, .batch = batch_leading,
    .check = "x[3]: to(x, \"float64\")\nx[3, 2]: to(x.T, \"float64\")\nx[]: to(x, \"float64\")",
};

GradTensor *gt_cast(GradTensor *x, Dtype dtype)
{
    if (gt_dtype(x) == dtype && !gt_weak(x))
        return x;
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.integer = dtype}};
    return op_call(&op_to, args, 0);
}

/* ---- broadcasting and its transpose ---- */

static GradTensor *broadcast_to_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    const IntList *shape = c->args[1].ints;
    int64_t joint[TENSOR_MAX_NDIM], strides[TENSOR_MAX_NDIM];
    bool possible = shape->count <= TENSOR_MAX_NDIM;
    for (int64_t i = 0; i < shape->count; i++)
        possible &= shape->at[i] >= 0;
    int ndim = !possible ? -1
             : shape_broadcast(x->t.ndim, tensor_shape(&x->t), (int)shape->count, shape->at, joint);
    if (ndim < 0 || !shape_equal(ndim, joint, (int)shape->count, shape->at))
        call_error(c, ERROR_SHAPE, "shape %s does not broadcast to %s", gt_shape_text(x),
                   shape_text((int)shape->count, shape->at));
    for (int i = 0; i < ndim; i++) {
        int from = i - (ndim - x->t.ndim);
        bool repeated = from < 0 || (tensor_shape(&x->t)[from] == 1 && joint[i] != 1);
        strides[i] = repeated ? 0 : tensor_strides(&x->t)[from];
    }
    return call_view(c, x, ndim, joint, 0, strides);
}

static GradTensor *broadcast_to_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i);
    return gt_sum_to(g, x->t.ndim, tensor_shape(&x->t));
}

const Op op_broadcast_to = {
    .usage = "broadcast_to(x, shape)", OP_ARGS(ARG_TENSOR, ARG_SHAPE), .section = "shape",
    .doc = "x repeated along new leading axes and along axes of extent 1, without copying.",
    .errors = "shape when x's shape does not broadcast to the one asked for.",
    .derivative = "sums over the repeated axes",
    .example = "broadcast_to([1, 2], (2, 2))  #=> [[1, 2], [1, 2]]",
    .related = "repeat tile unsqueeze",
    .forward = broadcast_to_forward, .vjp = broadcast_to_vjp, .linear = LINEAR_EACH, .batch = batch_broadcast,
    .check = "x[3]: broadcast_to(x, (2, 3))\nx[2, 1]: broadcast_to(x, (4, 2, 3))\nx[]: broadcast_to(x, (2,))\n"
             "x[1, 3]: broadcast_to(x.T, (3, 2))\nx[1]: broadcast_to(x, (0,))\nx[]: broadcast_to(x, ())",
};

GradTensor *gt_expand(GradTensor *x, int ndim, const int64_t *shape)
{
    if (shape_equal(x->t.ndim, tensor_shape(&x->t), ndim, shape))
        return x;
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.ints = int_list_new(ndim, shape)}};
    return op_call(&op_broadcast_to, args, 0);
}

static GradTensor *sum_to_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    const IntList *shape = c->args[1].ints;
    int extra = x->t.ndim - (int)shape->count;
    uint32_t axes = 0;
    for (int i = 0; i < x->t.ndim; i++)
        if (i < extra || (shape->at[i - extra] == 1 && tensor_shape(&x->t)[i] != 1))
            axes |= 1u << i;
    GradTensor *out = call_out(c, gt_dtype(x), (int)shape->count, shape->at);
    out->t.flags |= x->t.flags & GT_WEAK;
    tensor_reduce(&out->t, REDUCE_SUM, &x->t, axes);
    return out;
}

static GradTensor *sum_to_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i);
    return gt_expand(g, x->t.ndim, tensor_shape(&x->t));
}

const Op op_sum_to = {
    .usage = "sum_to(x, shape)", OP_ARGS(ARG_TENSOR, ARG_SHAPE),
    .doc = "The transpose of broadcast_to: sums over the axes that broadcasting from `shape` would repeat.",
    .forward = sum_to_forward, .vjp = sum_to_vjp, .linear = LINEAR_EACH, .batch = batch_sum_to,
};

GradTensor *gt_sum_to(GradTensor *x, int ndim, const int64_t *shape)
{
    if (shape_equal(x->t.ndim, tensor_shape(&x->t), ndim, shape))
        return x;
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.ints = int_list_new(ndim, shape)}};
    return op_call(&op_sum_to, args, 0);
}

/* ---- nodes ---- */

static GradTensor *alias_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    GradTensor *out = call_out(c, gt_dtype(x), x->t.ndim, tensor_shape(&x->t));
    out->t.flags |= x->t.flags & GT_WEAK;
    tensor_share(&out->t, &x->t);
    return out;
}

static GradTensor *alias_vjp(const OpCall *c, int i, GradTensor *g)
{
    (void)c;
    (void)i;
    return g;
}

const Op op_alias = {
    .usage = "alias(x)", OP_ARGS(ARG_TENSOR),
    .doc = "x as a node of its own in the graph: what a derivative of a function differentiates by.",
    .forward = alias_forward, .vjp = alias_vjp, .linear = LINEAR_EACH, .batch = batch_leading,
};

/* x as a new node of the graph. */
static GradTensor *alias(GradTensor *x) { return op_call1(&op_alias, x); }

GradTensor *gt_weaken(GradTensor *x)
{
    if (gt_weak(x))
        return x;
    x = alias(gt_cast(x, DTYPE_FLOAT64));
    x->t.flags |= GT_WEAK;
    batch_of(x)->t.flags |= GT_WEAK;
    return x;
}

GradTensor *gt_leaf(GradTensor *x)
{
    GradTensor *batch = batch_over(x, batch_levels()), *leaf;
    if (grad_state()->recording && gt_tracked(batch)) {
        leaf = alias(batch);
    } else {
        leaf = gt_new(gt_dtype(batch), batch->t.ndim, tensor_shape(&batch->t));
        tensor_share(&leaf->t, &batch->t);
        leaf->t.flags |= GT_TRACKED | (batch->t.flags & GT_WEAK);
    }
    return batch_slice(leaf, batch_levels());
}

/* Made by op_call_many alone; the walks treat it themselves. */
const Op op_pick = {
    .usage = "pick(bundle, k)", OP_ARGS(ARG_TENSOR, ARG_INTEGER),
    .doc = "Result k of an operation of several results.",
};
