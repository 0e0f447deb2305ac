/* The same elements in another shape or order. Views where strides allow; nothing here copies but
 * tensor_reshape. */
#include "ops/reduce.h"
#include "ops/slices.h"

#include <string.h>

/* ---- reshape ---- */

/* x's elements in a shape; 0-d stays a number where x was one. */
static GradTensor *reshaped(const OpCall *c, GradTensor *x, int ndim, const int64_t *shape)
{
    GradTensor *out = call_out(c, gt_dtype(x), ndim, shape);
    if (ndim == 0)
        out->t.flags |= x->t.flags & GT_WEAK;
    tensor_reshape(&out->t, &x->t);
    return out;
}

/* The shape asked for, with -1 replaced by what is left of x's size. */
static void infer_shape(const OpCall *c, const GradTensor *x, const IntList *asked, int64_t *shape)
{
    int64_t known = 1, unknown = -1;
    bool fits = asked->count <= TENSOR_MAX_NDIM;
    for (int64_t i = 0; i < asked->count && fits; i++) {
        shape[i] = asked->at[i];
        if (shape[i] == -1) {
            fits = unknown < 0;
            unknown = i;
        } else {
            fits = shape[i] >= 0 && !__builtin_mul_overflow(known, shape[i], &known);
        }
    }
    if (fits && unknown >= 0) {
        fits = known > 0 && x->t.size % known == 0;
        shape[unknown] = fits ? x->t.size / known : 0;
    } else {
        fits = fits && known == x->t.size;
    }
    if (!fits)
        call_error(c, ERROR_SHAPE, "x of shape %s has %lld element%s and cannot take the shape %s",
                   gt_shape_text(x), (long long)x->t.size, x->t.size == 1 ? "" : "s",
                   shape_text((int)asked->count, asked->at));
}

static GradTensor *reshape_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    const IntList *asked = c->args[1].ints;
    int64_t shape[TENSOR_MAX_NDIM];
    infer_shape(c, x, asked, shape);
    return reshaped(c, x, (int)asked->count, shape);
}

static GradTensor *reshape_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i);
    return t_reshape(g, x->t.ndim, tensor_shape(&x->t));
}

const Op op_reshape = {
    .usage = "reshape(x, ...shape)", OP_ARGS(ARG_TENSOR, ARG_SHAPE), .section = "shape",
    .doc = "The elements of x in row-major order in another shape of as many elements. One extent may be "
           "-1: it is what is left.",
    .errors = "shape when the number of elements differs.",
    .derivative = "the cotangent in the shape of x",
    .example = "reshape([1, 2, 3, 4, 5, 6], 2, 3)  #=> [[1, 2, 3], [4, 5, 6]]\n"
               "reshape([1, 2, 3, 4], (-1, 1)).shape  #=> (4, 1)",
    .related = "view flatten squeeze unsqueeze transpose",
    .forward = reshape_forward, .vjp = reshape_vjp, .linear = LINEAR_EACH, .batch = batch_shape,
    .check = "x[2, 3]: reshape(x, 6)\nx[2, 3]: reshape(x, (3, -1))\nx[1]: reshape(x, ())\n"
             "x[]: reshape(x, 1, 1)\nx[3, 2]: reshape(x.T, 3, 2)\nx[0, 3]: reshape(x, 3, 0)",
};

const Op op_view = {
    .usage = "view(x, ...shape)", OP_ARGS(ARG_TENSOR, ARG_SHAPE), .section = "shape",
    .doc = "The same as reshape: values are immutable, so whether elements are shared makes no difference.",
    .errors = "shape when the number of elements differs.",
    .derivative = "the cotangent in the shape of x",
    .example = "view([1, 2, 3, 4], 2, 2)  #=> [[1, 2], [3, 4]]",
    .related = "reshape flatten",
    .forward = reshape_forward, .vjp = reshape_vjp, .linear = LINEAR_EACH, .batch = batch_shape,
    .check = "x[2, 3]: view(x, 3, 2)\nx[4, 2]: view(x.T, -1)",
};

static GradTensor *flatten_batch(const OpCall *c, uint32_t levels)
{
    GradTensor *x = call_in(c, 0);
    return slices_shaped(x, levels, 1, &x->t.size);
}

static GradTensor *flatten_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    return reshaped(c, x, 1, &x->t.size);
}

const Op op_flatten = {
    .usage = "flatten(x)", OP_ARGS(ARG_TENSOR), .section = "shape",
    .doc = "The elements of x in row-major order as a 1-d tensor.",
    .derivative = "the cotangent in the shape of x",
    .example = "flatten([[1, 2], [3, 4]])  #=> [1, 2, 3, 4]",
    .related = "reshape",
    .forward = flatten_forward, .vjp = reshape_vjp, .linear = LINEAR_EACH, .batch = flatten_batch,
    .check = "x[2, 3]: flatten(x)\nx[]: flatten(x)\nx[3, 2]: flatten(x.T)\nx[0]: flatten(x)",
};

/* The shape of the result; returns its ndim. */
static int squeezed_shape(const OpCall *c, const GradTensor *x, int64_t *shape)
{
    const int64_t *dims = tensor_shape(&x->t);
    uint32_t axes = 0;
    if (c->args[1].ints != NULL) {
        axes = reduce_axes(c, x);
    } else {
        for (int i = 0; i < x->t.ndim; i++)
            axes |= (uint32_t)(dims[i] == 1) << i;
    }
    for (int i = 0; i < x->t.ndim; i++)
        if (axes >> i & 1 && dims[i] != 1)
            call_error(c, ERROR_SHAPE, "axis %d of x, which has shape %s, has extent %lld, not 1", i,
                       shape_text(x->t.ndim, dims), (long long)dims[i]);
    return reduce_shape(x, axes, false, shape);
}

static GradTensor *squeeze_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    int64_t shape[TENSOR_MAX_NDIM];
    int ndim = squeezed_shape(c, x, shape);
    return reshaped(c, x, ndim, shape);
}

static GradTensor *squeeze_batch(const OpCall *c, uint32_t levels)
{
    GradTensor *x = call_in(c, 0);
    int64_t shape[TENSOR_MAX_NDIM];
    int ndim = squeezed_shape(c, x, shape);
    return slices_shaped(x, levels, ndim, shape);
}

const Op op_squeeze = {
    .usage = "squeeze(x, axis=none)", OP_ARGS(ARG_TENSOR, ARG_AXES), .section = "shape",
    .doc = "x without its axes of extent 1, or without the given ones of them.",
    .errors = "shape when a given axis has another extent than 1; index when it is out of range.",
    .derivative = "the cotangent in the shape of x",
    .example = "squeeze([[1, 2]])  #=> [1, 2]\nsqueeze(zeros(1, 3, 1), axis=-1).shape  #=> (1, 3)",
    .related = "unsqueeze reshape",
    .forward = squeeze_forward, .vjp = reshape_vjp, .linear = LINEAR_EACH, .batch = squeeze_batch,
    .check = "x[1, 3, 1]: squeeze(x)\nx[1, 3, 1]: squeeze(x, axis=0)\nx[1, 3, 1]: squeeze(x, axis=(0, -1))\n"
             "x[1, 1]: squeeze(x)\nx[]: squeeze(x)",
};

/* The shape of the result, whose axes the new ones are, so that several may be asked for at once; returns its
 * ndim. */
static int unsqueezed_shape(const OpCall *c, const GradTensor *x, int64_t *shape)
{
    const IntList *asked = c->args[1].ints;
    int64_t count = asked == NULL ? 0 : asked->count;
    if (count == 0)
        call_error(c, ERROR_VALUE, "axis says where the new axis goes, and cannot be left out");
    if (x->t.ndim + count > TENSOR_MAX_NDIM)
        call_error(c, ERROR_SHAPE, "the result would have %lld axes", (long long)(x->t.ndim + count));
    int ndim = x->t.ndim + (int)count, from = 0;
    uint32_t added = call_axes(c, asked, ndim);
    for (int i = 0; i < ndim; i++)
        shape[i] = added >> i & 1 ? 1 : tensor_shape(&x->t)[from++];
    return ndim;
}

static GradTensor *unsqueeze_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    int64_t shape[TENSOR_MAX_NDIM];
    int ndim = unsqueezed_shape(c, x, shape);
    return reshaped(c, x, ndim, shape);
}

static GradTensor *unsqueeze_batch(const OpCall *c, uint32_t levels)
{
    GradTensor *x = call_in(c, 0);
    int64_t shape[TENSOR_MAX_NDIM];
    int ndim = unsqueezed_shape(c, x, shape);
    return slices_shaped(x, levels, ndim, shape);
}

const Op op_unsqueeze = {
    .usage = "unsqueeze(x, axis)", OP_ARGS(ARG_TENSOR, ARG_AXES), .section = "shape",
    .doc = "x with a new axis of extent 1, which is number `axis` of the result; or with several.",
    .errors = "index when the axis is out of range of the result's.",
    .derivative = "the cotangent in the shape of x",
    .example = "unsqueeze([1, 2], 0)  #=> [[1, 2]]\nunsqueeze([1, 2], -1).shape  #=> (2, 1)",
    .related = "squeeze reshape broadcast_to",
    .forward = unsqueeze_forward, .vjp = reshape_vjp, .linear = LINEAR_EACH, .batch = unsqueeze_batch,
    .check = "x[3]: unsqueeze(x, 0)\nx[2, 3]: unsqueeze(x, -1)\nx[2, 3]: unsqueeze(x, (0, 2))\n"
             "x[]: unsqueeze(x, 0)\nx[3, 2]: unsqueeze(x.T, 1)",
};

/* ---- order of axes ---- */

static GradTensor *reordered(const OpCall *c, GradTensor *x, const int *order)
{
    int64_t shape[TENSOR_MAX_NDIM], strides[TENSOR_MAX_NDIM];
    if (x->t.ndim < 2)
        return reshaped(c, x, x->t.ndim, tensor_shape(&x->t));
    for (int i = 0; i < x->t.ndim; i++) {
        shape[i] = tensor_shape(&x->t)[order[i]];
        strides[i] = tensor_strides(&x->t)[order[i]];
    }
    return call_view(c, x, x->t.ndim, shape, 0, strides);
}

/* The order that a call asks for; without a list the reverse. */
static void read_order(const OpCall *c, const GradTensor *x, int *order)
{
    const IntList *asked = c->args[1].ints;
    if (asked != NULL && asked->count != x->t.ndim)
        call_error(c, ERROR_SHAPE, "%lld %s given, but x of shape %s has %d", (long long)asked->count,
                   asked->count == 1 ? "axis is" : "axes are", gt_shape_text(x), x->t.ndim);
    if (asked != NULL)
        call_axes(c, asked, x->t.ndim);
    for (int i = 0; i < x->t.ndim; i++)
        order[i] = asked == NULL ? x->t.ndim - 1 - i : call_axis(c, asked->at[i], x->t.ndim);
}

static GradTensor *transpose_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    int order[TENSOR_MAX_NDIM];
    read_order(c, x, order);
    return reordered(c, x, order);
}

static GradTensor *transpose_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i);
    int order[TENSOR_MAX_NDIM], back[TENSOR_MAX_NDIM];
    read_order(c, x, order);
    for (int k = 0; k < x->t.ndim; k++)
        back[order[k]] = k;
    return t_permute(g, back);
}

static GradTensor *transpose_batch(const OpCall *c, uint32_t levels)
{
    GradTensor *x = call_in(c, 0);
    int order[2 * TENSOR_MAX_NDIM], hidden = batch_axis_count(levels);
    read_order(c, x, order + hidden);
    for (int i = 0; i < hidden + x->t.ndim; i++)
        order[i] = i < hidden ? i : order[i] + hidden;
    return t_permute(batch_over(x, levels), order);
}

const Op op_transpose = {
    .usage = "transpose(x, axes=none)", OP_ARGS(ARG_TENSOR, ARG_AXES), .section = "shape",
    .doc = "x with its axes in reverse order, or in the order of a tuple: axis i of the result is axis "
           "axes[i] of x. x' swaps the last two axes. Nothing is copied.",
    .errors = "shape when there are not as many axes as x has; index when one is out of range or given "
              "twice.",
    .derivative = "the cotangent with the axes put back",
    .example = "transpose([[1, 2], [3, 4]])  #=> [[1, 3], [2, 4]]\n"
               "transpose(zeros(2, 3, 4), (0, 2, 1)).shape  #=> (2, 4, 3)",
    .related = "permute reshape",
    .forward = transpose_forward, .vjp = transpose_vjp, .linear = LINEAR_EACH, .batch = transpose_batch,
    .check = "x[2, 3]: transpose(x)\nx[2, 3, 4]: transpose(x)\nx[2, 3, 4]: transpose(x, (0, 2, 1))\n"
             "x[2, 3, 4]: transpose(x, (1, -1, 0))\nx[3]: transpose(x)\nx[]: transpose(x)\n"
             "x[0, 2]: transpose(x)",
};

const Op op_permute = {
    .usage = "permute(x, ...axes)", OP_ARGS(ARG_TENSOR, ARG_SHAPE), .section = "shape",
    .doc = "x with its axes in another order: axis i of the result is axis axes[i] of x. Nothing is copied.",
    .errors = "shape when there are not as many axes as x has; index when one is out of range or given "
              "twice.",
    .derivative = "the cotangent with the axes put back",
    .example = "permute(zeros(2, 3, 4), 2, 0, 1).shape  #=> (4, 2, 3)",
    .related = "transpose reshape",
    .forward = transpose_forward, .vjp = transpose_vjp, .linear = LINEAR_EACH, .batch = transpose_batch,
    .check = "x[2, 3, 4]: permute(x, 2, 0, 1)\nx[2, 3]: permute(x, (1, 0))\nx[]: permute(x, ())",
};

/* ---- flip and roll ---- */

static GradTensor *flip_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    uint32_t axes = reduce_axes(c, x);
    int64_t strides[TENSOR_MAX_NDIM], offset = 0;
    for (int i = 0; i < x->t.ndim; i++) {
        int64_t stride = tensor_strides(&x->t)[i], extent = tensor_shape(&x->t)[i];
        bool flipped = axes >> i & 1 && x->t.size > 0;
        strides[i] = flipped ? -stride : stride;
        offset += flipped ? (extent - 1) * stride : 0;
    }
    GradTensor *out = call_view(c, x, x->t.ndim, tensor_shape(&x->t), offset, strides);
    if (x->t.ndim == 0)
        out->t.flags |= x->t.flags & GT_WEAK;
    return out;
}

static GradTensor *flip_vjp(const OpCall *c, int i, GradTensor *g)
{
    (void)i;
    Arg args[OP_MAX_ARGS] = {{.tensor = g}, {.ints = c->args[1].ints}};
    return op_call(&op_flip, args, 0);
}

const Op op_flip = {
    .usage = "flip(x, axis=none)", OP_ARGS(ARG_TENSOR, ARG_AXES), .section = "shape",
    .doc = "x in reverse order along all axes, one axis or a tuple of axes. Nothing is copied.",
    .errors = "index when an axis is out of range or given twice.",
    .derivative = "the cotangent flipped",
    .example = "flip([1, 2, 3])  #=> [3, 2, 1]\nflip([[1, 2], [3, 4]], axis=0)  #=> [[3, 4], [1, 2]]",
    .related = "roll transpose",
    .forward = flip_forward, .vjp = flip_vjp, .linear = LINEAR_EACH, .batch = reduce_batch,
    .check = "x[2, 3]: flip(x)\nx[2, 3]: flip(x, axis=1)\nx[2, 3, 2]: flip(x, axis=(0, -1))\nx[]: flip(x)\n"
             "x[3, 2]: flip(x.T, axis=0)\nx[0, 2]: flip(x)",
};

/* x rotated along one axis: its last `shift` places come first. */
static GradTensor *rolled(GradTensor *x, int axis, int64_t shift)
{
    int64_t extent = tensor_shape(&x->t)[axis];
    if (extent == 0 || shift % extent == 0)
        return x;
    int64_t tail = (shift % extent + extent) % extent;
    return t_concat2(t_part(x, axis, extent - tail, tail), t_part(x, axis, 0, extent - tail), axis);
}

static GradTensor *roll_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    const IntList *shift = c->args[1].ints, *axes = c->args[2].ints;
    if (axes == NULL) {
        if (shift->count != 1)
            call_error(c, ERROR_VALUE, "several shifts need as many axes");
        GradTensor *flat = rolled(t_reshape(x, 1, &x->t.size), 0, shift->at[0]);
        return t_reshape(flat, x->t.ndim, tensor_shape(&x->t));
    }
    if (shift->count != 1 && shift->count != axes->count)
        call_error(c, ERROR_VALUE, "there are %lld shifts for %lld ax%s", (long long)shift->count,
                   (long long)axes->count, axes->count == 1 ? "is" : "es");
    for (int64_t i = 0; i < axes->count; i++)
        x = rolled(x, call_axis(c, axes->at[i], x->t.ndim), shift->at[shift->count == 1 ? 0 : i]);
    return x;
}

const Op op_roll = {
    .usage = "roll(x, shift, axis=none)", OP_ARGS(ARG_TENSOR, ARG_INTS, ARG_AXES), .section = "shape",
    .doc = "x with its elements moved along an axis by `shift` places; what leaves at the end comes in at "
           "the start. Several axes may have a shift each. Without an axis the elements move in row-major "
           "order.",
    .errors = "index when an axis is out of range; value when the shifts and axes do not match.",
    .derivative = "the cotangent rolled back",
    .example = "roll([1, 2, 3, 4], 1)  #=> [4, 1, 2, 3]\n"
               "roll([[1, 2], [3, 4]], 1, axis=1)  #=> [[2, 1], [4, 3]]",
    .related = "flip concat",
    .compose = roll_compose,
    .check = "x[5]: roll(x, 2)\nx[2, 3]: roll(x, -1)\nx[2, 3]: roll(x, 1, axis=1)\n"
             "x[2, 3]: roll(x, (1, -2), axis=(0, 1))\nx[3, 2]: roll(x.T, 4, axis=-1)\nx[]: roll(x, 1)",
};
