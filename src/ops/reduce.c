/* Reductions whose elements come from one pass over the input. */
#include "grad/batch.h"
#include "ops/index.h"
#include "ops/reduce.h"
#include "tensor/kernel.h"
#include "tensor/reduce.h"

#include <string.h>

/* ---- axes and shapes ---- */

uint32_t reduce_axes(const OpCall *c, const GradTensor *x)
{
    const IntList *axes = c->args[1].ints;
    if (x->t.ndim == 0 && axes != NULL && axes->count == 1 && (axes->at[0] == 0 || axes->at[0] == -1))
        return 0;
    return call_axes(c, axes, x->t.ndim);
}

int reduce_shape(const GradTensor *x, uint32_t axes, bool keep, int64_t shape[TENSOR_MAX_NDIM])
{
    int ndim = 0;
    for (int i = 0; i < x->t.ndim; i++) {
        if (!(axes >> i & 1))
            shape[ndim++] = tensor_shape(&x->t)[i];
        else if (keep)
            shape[ndim++] = 1;
    }
    return ndim;
}

int64_t reduce_count(const GradTensor *x, uint32_t axes)
{
    int64_t count = 1;
    for (int i = 0; i < x->t.ndim; i++)
        if (axes >> i & 1)
            count *= tensor_shape(&x->t)[i];
    return count;
}

void reduce_check_any(const OpCall *c, const GradTensor *x, uint32_t axes)
{
    int64_t shape[TENSOR_MAX_NDIM];
    if (reduce_count(x, axes) == 0 && shape_size(reduce_shape(x, axes, false, shape), shape) > 0)
        call_error(c, ERROR_DOMAIN, "there is nothing to choose from: x has shape %s", gt_shape_text(x));
}

/* Kept axes first, reduced ones behind them. */
static void lanes_order(const GradTensor *x, uint32_t axes, int *order)
{
    int n = 0;
    for (int reduced = 0; reduced < 2; reduced++)
        for (int i = 0; i < x->t.ndim; i++)
            if ((axes >> i & 1) == (uint32_t)reduced)
                order[n++] = i;
}

GradTensor *reduce_to_lanes(GradTensor *x, uint32_t axes)
{
    int order[TENSOR_MAX_NDIM];
    int64_t shape[TENSOR_MAX_NDIM + 1];
    lanes_order(x, axes, order);
    int ndim = reduce_shape(x, axes, false, shape);
    if (ndim == TENSOR_MAX_NDIM)
        error_throw(ERROR_LIMIT, "a tensor with %d axes cannot be reduced over none of them",
                    TENSOR_MAX_NDIM);
    shape[ndim] = reduce_count(x, axes);
    return t_reshape(t_permute(x, order), ndim + 1, shape);
}

/* The way back: y of shape [others..., count] in the shape of x. */
static GradTensor *from_lanes(GradTensor *y, const GradTensor *x, uint32_t axes)
{
    int order[TENSOR_MAX_NDIM], back[TENSOR_MAX_NDIM];
    int64_t shape[TENSOR_MAX_NDIM];
    lanes_order(x, axes, order);
    for (int i = 0; i < x->t.ndim; i++) {
        shape[i] = tensor_shape(&x->t)[order[i]];
        back[order[i]] = i;
    }
    return t_permute(t_reshape(y, x->t.ndim, shape), back);
}

IntList *reduce_axis_list(uint32_t axes)
{
    IntList *list = int_list_new(__builtin_popcount(axes), NULL);
    int64_t n = 0;
    for (int i = 0; i < TENSOR_MAX_NDIM; i++)
        if (axes >> i & 1)
            list->at[n++] = i;
    return list;
}

GradTensor *t_over_axes(const Op *op, GradTensor *x, uint32_t axes, bool keep)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.ints = reduce_axis_list(axes)}, {.integer = keep}};
    return op_call(op, args, 0);
}

GradTensor *reduce_batch(const OpCall *c, uint32_t levels)
{
    GradTensor *x = call_in(c, 0);
    OpCall on_axes = *c;
    Arg args[OP_MAX_ARGS];
    memcpy(args, c->args, (size_t)c->op->arg_count * sizeof *args);
    on_axes.args = args;
    if (x->t.ndim == 0 && reduce_axes(c, x) == 0)
        args[1].ints = int_list_new(0, NULL);
    return batch_axes(&on_axes, levels);
}

/* ---- sum and mean ---- */

/* The result to be, without data; weak where x is. */
static GradTensor *reduced_out(const OpCall *c, Dtype dtype, const GradTensor *x, uint32_t axes, bool keep)
{
    int64_t shape[TENSOR_MAX_NDIM];
    int ndim = reduce_shape(x, axes, keep, shape);
    GradTensor *out = call_out(c, dtype, ndim, shape);
    out->t.flags |= x->t.flags & GT_WEAK;
    return out;
}

static Dtype wide_dtype(const GradTensor *x)
{
    return dtype_is_float(gt_dtype(x)) ? gt_dtype(x) : DTYPE_INT64;
}

static GradTensor *sum_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    uint32_t axes = reduce_axes(c, x);
    GradTensor *out = reduced_out(c, wide_dtype(x), x, axes, c->args[2].integer != 0);
    tensor_reduce(&out->t, REDUCE_SUM, &x->t, axes);
    return out;
}

static GradTensor *sum_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i);
    return t_unreduce(g, x, reduce_axes(c, x), c->args[2].integer != 0);
}

const Op op_sum = {
    .usage = "sum(x, axis=none, keepdims=false)", OP_ARGS(ARG_TENSOR, ARG_AXES, ARG_FLAG),
    .section = "reduce",
    .doc = "Sum of the elements over all axes, one axis or a tuple of axes. With keepdims the summed axes "
           "stay, with extent 1. Bool and integer tensors are summed in int64; floats pairwise, so that the "
           "rounding error grows with the logarithm of their number. The sum of nothing is 0.",
    .errors = "index when an axis is out of range or given twice.",
    .derivative = "the cotangent, repeated over the summed axes",
    .example = "sum([[1, 2], [3, 4]])  #=> 10\nsum([[1, 2], [3, 4]], axis=0)  #=> [4, 6]",
    .related = "mean prod cumsum",
    .forward = sum_forward, .vjp = sum_vjp, .linear = LINEAR_EACH,
    .batch = reduce_batch,
    .check = "x[2, 3, 4]: sum(x)\nx[2, 3, 4]: sum(x, axis=1)\n"
             "x[2, 3, 4]: sum(x, axis=(0, -1), keepdims=true)\nx[]: sum(x)\nx[0, 3]: sum(x, axis=0)\n"
             "x[3, 4]: sum(x.T, axis=0)\nx[5, 2]: sum(x[::-2], axis=-1)",
};

/* Divides the sums that stand in `out` by how many elements each was made of. */
static void divide_by_count(Tensor *out, int64_t count)
{
    void *data = tensor_own_data(out);
    for (int64_t i = 0; i < out->size; i++) {
        if (out->dtype == DTYPE_FLOAT64)
            ((double *)data)[i] /= (double)count;
        else
            ((float *)data)[i] /= (float)count;
    }
}

/* Integers are summed as float64, in which their sum does not wrap. */
static GradTensor *mean_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    uint32_t axes = reduce_axes(c, x);
    bool keep = c->args[2].integer != 0;
    Dtype dtype = call_dtype(c);
    if (dtype_is_float(gt_dtype(x))) {
        GradTensor *out = reduced_out(c, dtype, x, axes, keep);
        tensor_reduce(&out->t, REDUCE_SUM, &x->t, axes);
        divide_by_count(&out->t, reduce_count(x, axes));
        return out;
    }
    GradTensor *sum = t_sum_axes(gt_cast(x, DTYPE_FLOAT64), axes, keep);
    divide_by_count(&sum->t, reduce_count(x, axes));
    return call_share(c, dtype, sum);
}

static GradTensor *mean_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i);
    uint32_t axes = reduce_axes(c, x);
    g = t_with(&op_div, g, (double)reduce_count(x, axes));
    return t_unreduce(g, x, axes, c->args[2].integer != 0);
}

const Op op_mean = {
    .usage = "mean(x, axis=none, keepdims=false)", OP_ARGS(ARG_TENSOR, ARG_AXES, ARG_FLAG),
    .section = "reduce",
    .doc = "Arithmetic mean of the elements over all axes, one axis or a tuple of axes. Integers and bools "
           "give the default float dtype. The mean of nothing is nan.",
    .errors = "index when an axis is out of range or given twice.",
    .derivative = "the cotangent divided by the number of elements, repeated over the axes",
    .example = "mean([1, 2, 6])  #=> 3\nmean([[1, 2], [3, 4]], axis=1)  #=> [1.5, 3.5]",
    .related = "sum var std median",
    .dtypes = DTYPES_FLOAT, .forward = mean_forward, .vjp = mean_vjp, .linear = LINEAR_EACH,
    .batch = reduce_batch,
    .check = "x[2, 3, 4]: mean(x)\nx[2, 3, 4]: mean(x, axis=-2)\n"
             "x[2, 3, 4]: mean(x, axis=(0, 2), keepdims=true)\nx[]: mean(x)\nx[0, 3]: mean(x, axis=1)\n"
             "x[3, 4]: mean(x.T, axis=1)",
};

/* ---- prod ---- */

static GradTensor *prod_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    uint32_t axes = reduce_axes(c, x);
    GradTensor *out = reduced_out(c, wide_dtype(x), x, axes, c->args[2].integer != 0);
    tensor_reduce(&out->t, REDUCE_PROD, &x->t, axes);
    return out;
}

/* Derivative of a product by each of its factors without division, so that zeros are no exception: the
 * factors are multiplied in a balanced tree, and on the way down each half is handed the cotangent times the
 * other half. */
static GradTensor *prod_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i), *level[64];
    uint32_t axes = reduce_axes(c, x);
    int64_t count = reduce_count(x, axes);
    if (count == 0)
        return gt_zeros_like(x);
    GradTensor *y = reduce_to_lanes(x, axes);
    int last = y->t.ndim - 1, depth = 0;
    level[0] = y;
    for (int64_t n = count; n > 1; n = (n + 1) / 2, depth++) {
        GradTensor *now = level[depth];
        GradTensor *both = t_mul(t_part(now, last, 0, n / 2), t_part(now, last, n / 2, n / 2));
        level[depth + 1] = n % 2 == 0 ? both : t_concat2(both, t_part(now, last, n - 1, 1), last);
    }
    int64_t shape[TENSOR_MAX_NDIM];
    reduce_shape(x, axes, false, shape);
    shape[last] = 1;
    g = t_reshape(g, last + 1, shape);
    while (depth-- > 0) {
        int64_t n = tensor_shape(&level[depth]->t)[last], half = n / 2;
        GradTensor *up = t_part(g, last, 0, half);
        GradTensor *down = t_concat2(gt_scale(up, t_part(level[depth], last, half, half)),
                                     gt_scale(up, t_part(level[depth], last, 0, half)), last);
        g = n % 2 == 0 ? down : t_concat2(down, t_part(g, last, half, 1), last);
    }
    return from_lanes(g, x, axes);
}

const Op op_prod = {
    .usage = "prod(x, axis=none, keepdims=false)", OP_ARGS(ARG_TENSOR, ARG_AXES, ARG_FLAG),
    .section = "reduce",
    .doc = "Product of the elements over all axes, one axis or a tuple of axes. Bool and integer tensors "
           "are multiplied in int64. The product of nothing is 1. The derivative is exact where elements "
           "are zero.",
    .errors = "index when an axis is out of range or given twice.",
    .derivative = "for each element the product of the others",
    .example = "prod([2, 3, 4])  #=> 24\nprod([[1, 2], [3, 4]], axis=0)  #=> [3, 8]",
    .related = "sum cumprod",
    .forward = prod_forward, .vjp = prod_vjp, .batch = reduce_batch,
    .check = "x[5]: prod(x)\nx[2, 3]: prod(x, axis=1)\nx[2, 3, 2]: prod(x, axis=(0, 2), keepdims=true)\n"
             "x[]: prod(x)\nx[1]: prod(x)\nx[0]: prod(x)\nx[3, 2]: prod(x.T, axis=0)\n"
             "x[4]: prod(x * [1, 0, 1, 1])\nx[4]: prod(x * [1, 0, 0, 1])",
};

/* ---- max and min ---- */

#define SAME(x, y) ((x) == (y) || ((x) != (x) && (y) != (y)))

KERNEL2(ties_u8, uint8_t, uint8_t, x == y)
KERNEL2(ties_i32, int32_t, uint8_t, x == y)
KERNEL2(ties_i64, int64_t, uint8_t, x == y)
KERNEL2(ties_f32, float, uint8_t, SAME(x, y))
KERNEL2(ties_f64, double, uint8_t, SAME(x, y))

const Op op_ties = {
    .usage = "ties(x, extreme)", OP_ARGS(ARG_TENSOR, ARG_TENSOR),
    .doc = "Where x is the extreme; nan is equal to nan.",
    .dtypes = DTYPES_COMPARE, .kernel = KERNELS_ANY(ties), .constant = "piecewise constant",
};

/* A number is taken for one of the two that were meant to be compared. */
static GradTensor *extreme(const OpCall *c, Reduction kind)
{
    const char *name = kind == REDUCE_MAX ? "max" : "min";
    if (c->numbers & 1)
        call_error_hint(c, ERROR_TYPE, string_format("%simum(a, b) compares two values", name)->text,
                        "x is a number; %s(x, axis) reduces a tensor", name);
    GradTensor *x = call_in(c, 0);
    uint32_t axes = reduce_axes(c, x);
    reduce_check_any(c, x, axes);
    GradTensor *out = reduced_out(c, gt_dtype(x), x, axes, c->args[2].integer != 0);
    tensor_reduce(&out->t, kind, &x->t, axes);
    return out;
}

static GradTensor *max_forward(const OpCall *c) { return extreme(c, REDUCE_MAX); }
static GradTensor *min_forward(const OpCall *c) { return extreme(c, REDUCE_MIN); }

/* Which elements are the extreme does not change with them, so the mask is a constant. It comes first in the
 * product, for an infinite cotangent of another lane must not become nan here. */
static GradTensor *extreme_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i);
    uint32_t axes = reduce_axes(c, x);
    bool kept = c->args[2].integer != 0;
    GradTensor *best = t_unreduce(gt_detach(c->out), x, axes, kept);
    return gt_scale(op_call2(&op_ties, gt_detach(x), best), t_unreduce(g, x, axes, kept));
}

const Op op_max = {
    .usage = "max(x, axis=none, keepdims=false)", OP_ARGS(ARG_TENSOR, ARG_AXES, ARG_FLAG),
    .section = "reduce",
    .doc = "Largest element over all axes, one axis or a tuple of axes, in the dtype of x. nan wins. Where "
           "several are largest, each gets the full gradient. The larger of two tensors, element by "
           "element, is maximum(a, b).",
    .errors = "domain when there is no element to choose; index when an axis is out of range; type when x "
              "is a number. max(x, axis) reduces; use maximum(a, b) to compare.",
    .derivative = "the cotangent where x is the largest, else 0",
    .example = "max([3, 1, 2])  #=> 3\nmax([[1, 5], [7, 2]], axis=1)  #=> [5, 7]",
    .related = "min argmax maximum topk",
    .dtypes = DTYPES_ANY, .forward = max_forward, .vjp = extreme_vjp, .batch = reduce_batch,
    .check = "x[2, 3, 4]: max(x)\nx[2, 3]: max(x, axis=1)\nx[2, 3, 2]: max(x, axis=(0, -1), keepdims=true)\n"
             "x[]: max(x)\nx[0, 3]: max(x, axis=1)\nx[3, 4]: max(x.T, axis=0)\nx[5, 2]: max(x[::-1, 1])",
};

const Op op_min = {
    .usage = "min(x, axis=none, keepdims=false)", OP_ARGS(ARG_TENSOR, ARG_AXES, ARG_FLAG),
    .section = "reduce",
    .doc = "Smallest element over all axes, one axis or a tuple of axes, in the dtype of x. nan wins. Where "
           "several are smallest, each gets the full gradient. The smaller of two tensors, element by "
           "element, is minimum(a, b).",
    .errors = "domain when there is no element to choose; index when an axis is out of range; type when x "
              "is a number. min(x, axis) reduces; use minimum(a, b) to compare.",
    .derivative = "the cotangent where x is the smallest, else 0",
    .example = "min([3, 1, 2])  #=> 1\nmin([[1, 5], [7, 2]], axis=0)  #=> [1, 2]",
    .related = "max argmin minimum",
    .dtypes = DTYPES_ANY, .forward = min_forward, .vjp = extreme_vjp, .batch = reduce_batch,
    .check = "x[2, 3, 4]: min(x)\nx[2, 3]: min(x, axis=-1)\nx[2, 3, 2]: min(x, axis=(0, 2), keepdims=true)\n"
             "x[]: min(x)\nx[3, 4]: min(x.T, axis=0)",
};

/* ---- places of the largest and smallest ---- */

/* Over several axes the index counts their elements in row-major order. */
static GradTensor *extreme_place(const OpCall *c, bool largest)
{
    GradTensor *x = gt_detach(call_in(c, 0));
    int64_t shape[TENSOR_MAX_NDIM];
    uint32_t axes = reduce_axes(c, x);
    reduce_check_any(c, x, axes);
    GradTensor *out = call_out(c, DTYPE_INT64, reduce_shape(x, axes, c->args[2].integer != 0, shape), shape);
    if (__builtin_popcount(axes) == 1) {
        tensor_arg_reduce(&out->t, largest, &x->t, __builtin_ctz(axes));
    } else {
        GradTensor *lanes = reduce_to_lanes(x, axes);
        tensor_arg_reduce(&out->t, largest, &lanes->t, lanes->t.ndim - 1);
    }
    return out;
}

static GradTensor *argmax_forward(const OpCall *c) { return extreme_place(c, true); }
static GradTensor *argmin_forward(const OpCall *c) { return extreme_place(c, false); }

const Op op_argmax = {
    .usage = "argmax(x, axis=none, keepdims=false)", OP_ARGS(ARG_TENSOR, ARG_AXES, ARG_FLAG),
    .section = "reduce",
    .doc = "Index (int64) of the first largest element along an axis; over several axes, or over all "
           "without one, in row-major order of their elements. nan counts as the largest.",
    .errors = "domain when there is no element to choose; index when the axis is out of range.",
    .example = "argmax([3, 7, 2])  #=> 1\nargmax([[1, 5], [7, 2]], axis=1)  #=> [1, 0]",
    .related = "max argmin argsort topk",
    .forward = argmax_forward, .constant = "integer result", .batch = reduce_batch,
};

const Op op_argmin = {
    .usage = "argmin(x, axis=none, keepdims=false)", OP_ARGS(ARG_TENSOR, ARG_AXES, ARG_FLAG),
    .section = "reduce",
    .doc = "Index (int64) of the first smallest element along an axis; over several axes, or over all "
           "without one, in row-major order of their elements. nan counts as the smallest.",
    .errors = "domain when there is no element to choose; index when the axis is out of range.",
    .example = "argmin([3, 7, 2])  #=> 2\nargmin([[1, 5], [7, 2]], axis=0)  #=> [0, 1]",
    .related = "min argmax argsort",
    .forward = argmin_forward, .constant = "integer result", .batch = reduce_batch,
};

/* ---- tests and counts ---- */

static GradTensor *count_by(const OpCall *c, Reduction kind)
{
    GradTensor *x = call_in(c, 0);
    uint32_t axes = reduce_axes(c, x);
    Dtype dtype = kind == REDUCE_COUNT ? DTYPE_INT64 : DTYPE_BOOL;
    GradTensor *out = reduced_out(c, dtype, x, axes, c->args[2].integer != 0);
    tensor_reduce(&out->t, kind, &x->t, axes);
    return out;
}

static GradTensor *all_forward(const OpCall *c) { return count_by(c, REDUCE_ALL); }
static GradTensor *any_forward(const OpCall *c) { return count_by(c, REDUCE_ANY); }
static GradTensor *count_nonzero_forward(const OpCall *c) { return count_by(c, REDUCE_COUNT); }

const Op op_all = {
    .usage = "all(x, axis=none, keepdims=false)", OP_ARGS(ARG_TENSOR, ARG_AXES, ARG_FLAG),
    .section = "reduce",
    .doc = "Whether every element is true (not zero), over all axes, one axis or a tuple of axes. True of "
           "nothing.",
    .errors = "index when an axis is out of range or given twice.",
    .example = "all([1, 2, 3] > 0)  #=> true\nall([[1, 0], [1, 1]], axis=0)  #=> [true, false]",
    .related = "any allclose array_equal",
    .forward = all_forward, .constant = "bool result", .batch = reduce_batch,
};

const Op op_any = {
    .usage = "any(x, axis=none, keepdims=false)", OP_ARGS(ARG_TENSOR, ARG_AXES, ARG_FLAG),
    .section = "reduce",
    .doc = "Whether some element is true (not zero), over all axes, one axis or a tuple of axes. False of "
           "nothing.",
    .errors = "index when an axis is out of range or given twice.",
    .example = "any([1, 2, 3] > 5)  #=> false\nany([[0, 0], [0, 1]], axis=1)  #=> [false, true]",
    .related = "all count_nonzero",
    .forward = any_forward, .constant = "bool result", .batch = reduce_batch,
};

const Op op_count_nonzero = {
    .usage = "count_nonzero(x, axis=none, keepdims=false)", OP_ARGS(ARG_TENSOR, ARG_AXES, ARG_FLAG),
    .section = "reduce",
    .doc = "How many elements are not zero (int64), over all axes, one axis or a tuple of axes. nan is not "
           "zero.",
    .errors = "index when an axis is out of range or given twice.",
    .example = "count_nonzero([0, 3, 0, 5])  #=> 2",
    .related = "nonzero any",
    .forward = count_nonzero_forward, .constant = "integer result", .batch = reduce_batch,
};
