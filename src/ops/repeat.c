/* Taking tensors apart, repeating them, and adding margins. */
#include "grad/batch.h"
#include "ops/index.h"
#include "tensor/index.h"

/* ---- split ---- */

/* One number: that many equal parts. Several: their sizes. NULL when the axis does not split that way. */
static IntList *part_sizes(const IntList *asked, int64_t extent)
{
    int64_t total = 0, parts = asked->at[0];
    if (asked->count == 1) {
        if (parts <= 0 || extent % parts != 0)
            return NULL;
        IntList *equal = int_list_new(parts, NULL);
        for (int64_t k = 0; k < parts; k++)
            equal->at[k] = extent / parts;
        return equal;
    }
    IntList *sizes = int_list_new(asked->count, asked->at);
    for (int64_t k = 0; k < sizes->count; k++)
        if (sizes->at[k] < 0 || __builtin_add_overflow(total, sizes->at[k], &total))
            return NULL;
    return total == extent ? sizes : NULL;
}

static TensorList *split_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    const IntList *asked = c->args[1].ints;
    int axis = call_axis(c, c->args[2].integer, x->t.ndim);
    const char *shape = gt_shape_text(x);
    if (asked->count == 0)
        call_error(c, ERROR_VALUE, "no sizes are given");
    IntList *sizes = part_sizes(asked, tensor_shape(&x->t)[axis]);
    if (sizes == NULL && asked->count == 1)
        call_error(c, ERROR_SHAPE, "axis %d of x, which has shape %s, does not split into %lld equal parts",
                   axis, shape, (long long)asked->at[0]);
    if (sizes == NULL)
        call_error(c, ERROR_SHAPE, "axis %d of x, which has shape %s, does not split into parts of sizes %s",
                   axis, shape, shape_text((int)asked->count, asked->at));
    TensorList *parts = tensor_list_new(sizes->count, NULL);
    int64_t start = 0;
    for (int64_t k = 0; k < sizes->count; k++) {
        parts->at[k] = object_retain(t_part(x, axis, start, sizes->at[k]));
        start += sizes->at[k];
    }
    return parts;
}

const Op op_split = {
    .usage = "split(x, n_or_sizes, axis=0)", OP_ARGS(ARG_TENSOR, ARG_INTS, ARG_INTEGER), .section = "shape",
    .doc = "A tuple of the parts of x along an axis: n equal ones, or parts of the sizes in a tuple. "
           "Nothing is copied.",
    .errors = "shape when the axis does not split that way; index when it is out of range.",
    .derivative = "the cotangents in their places",
    .example = "split([1, 2, 3, 4], 2)  #=> ([1, 2], [3, 4])\n"
               "split([1, 2, 3, 4], (1, 3))  #=> ([1], [2, 3, 4])",
    .related = "concat slice",
    .compose_list = split_compose,
    .check = "x[6]: split(x, 3)[1]\nx[2, 5]: split(x, (2, 3), axis=-1)[1]\nx[4, 2]: split(x.T, 2, axis=1)[0]",
};

/* ---- tile and repeat ---- */

/* x with each axis i followed (repeat) or preceded (tile) by reps[i] copies of it, merged into one axis
 * again. Only axes that are repeated get an axis of their own on the way. */
static GradTensor *copies(const OpCall *c, GradTensor *x, const int64_t *reps, bool behind)
{
    int64_t apart[2 * TENSOR_MAX_NDIM], wide[2 * TENSOR_MAX_NDIM], merged[TENSOR_MAX_NDIM];
    int n = 0;
    for (int i = 0; i < x->t.ndim; i++) {
        int64_t extent = tensor_shape(&x->t)[i];
        if (reps[i] < 0)
            call_error(c, ERROR_VALUE, "%lld repetitions are not possible", (long long)reps[i]);
        if (__builtin_mul_overflow(extent, reps[i], &merged[i]))
            call_error(c, ERROR_MEMORY, "%lld copies of x, which has shape %s, are too many",
                       (long long)reps[i], gt_shape_text(x));
        for (int part = 0; part < 2; part++) {
            bool copied = (part == 1) == behind;
            if (copied && reps[i] == 1)
                continue;
            apart[n] = copied ? 1 : extent;
            wide[n++] = copied ? reps[i] : extent;
        }
    }
    if (n > TENSOR_MAX_NDIM)
        call_error(c, ERROR_SHAPE, "x has too many axes");
    shape_size(x->t.ndim, merged);    /* throws before a shape that nobody asked for does */
    return t_reshape(gt_expand(t_reshape(x, n, apart), n, wide), x->t.ndim, merged);
}

static GradTensor *tile_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    const IntList *asked = c->args[1].ints;
    int64_t shape[TENSOR_MAX_NDIM], reps[TENSOR_MAX_NDIM];
    if (asked->count > TENSOR_MAX_NDIM)
        call_error(c, ERROR_SHAPE, "the result would have %lld axes", (long long)asked->count);
    int given = (int)asked->count, ndim = x->t.ndim > given ? x->t.ndim : given;
    for (int i = 0; i < ndim; i++) {
        int of_x = i - (ndim - x->t.ndim), of_reps = i - (ndim - given);
        shape[i] = of_x < 0 ? 1 : tensor_shape(&x->t)[of_x];
        reps[i] = of_reps < 0 ? 1 : asked->at[of_reps];
    }
    return copies(c, t_reshape(x, ndim, shape), reps, false);
}

const Op op_tile = {
    .usage = "tile(x, reps)", OP_ARGS(ARG_TENSOR, ARG_INTS), .section = "shape",
    .doc = "x as a whole repeated along its last axes, reps times each: a number or one number per axis. "
           "More numbers than axes make new leading axes, as in NumPy.",
    .errors = "value when a number is negative.",
    .derivative = "the sum of the cotangent over the copies",
    .example = "tile([1, 2], 2)  #=> [1, 2, 1, 2]\ntile([1, 2], (2, 1))  #=> [[1, 2], [1, 2]]",
    .related = "repeat broadcast_to",
    .compose = tile_compose,
    .check = "x[3]: tile(x, 2)\nx[2, 3]: tile(x, (2, 2))\nx[2]: tile(x, (2, 1, 2))\nx[]: tile(x, 3)\n"
             "x[3, 2]: tile(x.T, 2)\nx[2]: tile(x, 0)",
};

/* One number of repetitions per element. */
static GradTensor *repeat_each(const OpCall *c, GradTensor *x, const IntList *counts, int axis)
{
    int64_t extent = tensor_shape(&x->t)[axis], total = 0;
    if (counts->count != extent)
        call_error(c, ERROR_SHAPE, "there are %lld numbers of repetitions for axis %d of size %lld",
                   (long long)counts->count, axis, (long long)extent);
    for (int64_t k = 0; k < extent; k++) {
        if (counts->at[k] < 0)
            call_error(c, ERROR_VALUE, "%lld repetitions are not possible", (long long)counts->at[k]);
        if (__builtin_add_overflow(total, counts->at[k], &total))
            call_error(c, ERROR_MEMORY, "the result is too large");
    }
    GradTensor *indices = gt_new(DTYPE_INT64, 1, &total);
    int64_t *to = tensor_allocate(&indices->t);
    for (int64_t k = 0; k < extent; k++)
        for (int64_t r = 0; r < counts->at[k]; r++)
            *to++ = k;
    return t_gather(x, indices, axis);
}

static GradTensor *repeat_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    const IntList *counts = c->args[1].ints, *axes = c->args[2].ints;
    int64_t reps[TENSOR_MAX_NDIM];
    if (axes != NULL && axes->count != 1)
        call_error(c, ERROR_VALUE, "axis is one axis or none, not %lld axes", (long long)axes->count);
    if (axes == NULL)
        x = t_reshape(x, 1, &x->t.size);
    int axis = axes == NULL ? 0 : call_axis(c, axes->at[0], x->t.ndim);
    if (counts->count != 1)
        return repeat_each(c, x, counts, axis);
    for (int i = 0; i < x->t.ndim; i++)
        reps[i] = i == axis ? counts->at[0] : 1;
    return copies(c, x, reps, true);
}

const Op op_repeat = {
    .usage = "repeat(x, n, axis=none)", OP_ARGS(ARG_TENSOR, ARG_INTS, ARG_AXES), .section = "shape",
    .doc = "Each element of x n times in a row along an axis; without one, of the elements in row-major "
           "order. n may also be one number per element. As numpy.repeat; whole tensors are repeated by "
           "tile.",
    .errors = "value when a number is negative; index when the axis is out of range.",
    .derivative = "the sum of the cotangent over the copies",
    .example = "repeat([1, 2], 2)  #=> [1, 1, 2, 2]\nrepeat([[1, 2]], 2, axis=0)  #=> [[1, 2], [1, 2]]",
    .related = "tile broadcast_to gather",
    .compose = repeat_compose,
    .check = "x[3]: repeat(x, 2)\nx[2, 3]: repeat(x, 2)\nx[2, 3]: repeat(x, 3, axis=0)\n"
             "x[3]: repeat(x, (1, 0, 2))\nx[]: repeat(x, 2)\nx[3, 2]: repeat(x.T, 2, axis=-1)",
};

/* ---- pad ---- */

/* The margin before axis i, and behind it. */
static void read_margins(const OpCall *c, const GradTensor *x, int64_t *before, int64_t *behind)
{
    const IntList *width = c->args[1].ints;
    int64_t pairs = width->count == 1 ? 0 : width->count / 2;
    if (width->count != 1 && width->count != 2 && width->count != 2 * x->t.ndim)
        call_error(c, ERROR_SHAPE,
                   "width is a number, (before, behind) or one such pair per axis of x, which has shape %s",
                   gt_shape_text(x));
    for (int i = 0; i < x->t.ndim; i++) {
        int64_t at = pairs > 1 ? 2 * i : 0;
        before[i] = width->at[at];
        behind[i] = width->at[pairs > 0 ? at + 1 : at];
        if (before[i] < 0 || behind[i] < 0)
            call_error(c, ERROR_VALUE, "a margin of %lld is not possible; slices cut",
                       (long long)(before[i] < 0 ? before[i] : behind[i]));
    }
}

/* Where x lies in the result. */
static void inner_region(const OpCall *c, const GradTensor *x, RegionAxis *region)
{
    int64_t before[TENSOR_MAX_NDIM], behind[TENSOR_MAX_NDIM];
    read_margins(c, x, before, behind);
    for (int i = 0; i < x->t.ndim; i++)
        region[i] = (RegionAxis){i, before[i], 1, tensor_shape(&x->t)[i]};
}

static GradTensor *padded(const OpCall *c, GradTensor *x, double value, Dtype dtype)
{
    int64_t before[TENSOR_MAX_NDIM], behind[TENSOR_MAX_NDIM], shape[TENSOR_MAX_NDIM], offset = 0;
    read_margins(c, x, before, behind);
    for (int i = 0; i < x->t.ndim; i++)
        if (__builtin_add_overflow(tensor_shape(&x->t)[i], before[i], &shape[i])
            || __builtin_add_overflow(shape[i], behind[i], &shape[i]))
            call_error(c, ERROR_MEMORY, "the result is too large");
    GradTensor *out = call_out(c, dtype, x->t.ndim, shape);
    out->t.flags |= x->t.flags & GT_WEAK;
    tensor_fill(&out->t, value);
    tensor_own_data(&out->t);
    for (int i = 0; i < x->t.ndim; i++)
        offset += before[i] * tensor_strides(&out->t)[i];
    tensor_put_region(&out->t, offset, tensor_strides(&out->t), &x->t, false);
    return out;
}

static GradTensor *pad_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    double value = c->args[2].number;
    bool keeps = dtype_is_float(gt_dtype(x)) || !dtype_needs_float(value);
    Dtype dtype = keeps ? gt_dtype(x) : grad_state()->default_dtype;
    return padded(c, x, value, dtype);
}

static GradTensor *pad_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i);
    RegionAxis region[TENSOR_MAX_NDIM];
    inner_region(c, x, region);
    return t_region(g, x->t.ndim, region);
}

/* The margin does not depend on x: its tangent is 0. */
static GradTensor *pad_jvp(const OpCall *c, GradTensor *const *tangents)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = tangents[0]}, c->args[1], {.number = 0}};
    return op_call(&op_pad, args, 0);
}

static GradTensor *pad_batch(const OpCall *c, uint32_t levels)
{
    GradTensor *x = call_in(c, 0);
    int64_t before[TENSOR_MAX_NDIM], behind[TENSOR_MAX_NDIM];
    int hidden = batch_axis_count(levels);
    read_margins(c, x, before, behind);
    IntList *width = int_list_new(2 * (hidden + x->t.ndim), NULL);
    for (int i = 0; i < x->t.ndim; i++) {
        width->at[2 * (hidden + i)] = before[i];
        width->at[2 * (hidden + i) + 1] = behind[i];
    }
    Arg args[OP_MAX_ARGS] = {{.tensor = batch_over(x, levels)}, {.ints = width}, c->args[2]};
    return op_call(&op_pad, args, 0);
}

const Op op_pad = {
    .usage = "pad(x, width, value=0)", OP_ARGS(ARG_TENSOR, ARG_INTS, ARG_NUMBER), .section = "shape",
    .doc = "x with margins of one value around it: the same everywhere, (before, behind) for every axis, or "
           "one such pair per axis, ((1, 0), (2, 1)).",
    .errors = "shape when the pairs are not as many as the axes; value when a width is negative.",
    .derivative = "the cotangent without the margins",
    .example = "pad([1, 2], (1, 2))  #=> [0, 1, 2, 0, 0]\npad([[1]], ((1, 0), (0, 1)), 9).shape  #=> (2, 2)",
    .related = "concat conv2d",
    .forward = pad_forward, .vjp = pad_vjp, .jvp = pad_jvp, .batch = pad_batch,
    .check = "x[3]: pad(x, (1, 2))\nx[2, 3]: pad(x, ((1, 0), (2, 1)))\nx[2, 3]: pad(x, 1, 5)\n"
             "x[3, 2]: pad(x.T, (0, 1))\nx[0]: pad(x, 2)\nx[]: pad(x, 1)",
};
