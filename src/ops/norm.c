/* Norms of the elements along axes, and of matrices. */
#include "ops/masks.h"
#include "ops/reduce.h"

#include <float.h>
#include <math.h>

/* ---- norms of elements ---- */

enum { SMALL = 256 };

/* Without overflow or underflow: the elements are divided by the largest (for negative p the smallest)
 * first. */
static GradTensor *scaled_norm(GradTensor *size, double p, uint32_t axes, bool keep)
{
    if (reduce_count(size, axes) == 0)
        return t_sum_axes(size, axes, keep);
    GradTensor *scale = t_over_axes(p > 0 ? &op_max : &op_min, size, axes, true), *one = gt_ones_like(scale);
    scale = t_where(t_with(&op_gt, scale, 0), t_where(t_with(&op_lt, scale, INFINITY), scale, one), one);
    GradTensor *powers = t_with(&op_pow, t_div(size, scale), p);
    GradTensor *norm = t_mul(scale, t_with(&op_pow, t_sum_axes(powers, axes, true), 1 / p));
    int64_t shape[TENSOR_MAX_NDIM];
    return t_reshape(norm, reduce_shape(size, axes, keep, shape), shape);
}

/* All elements of a small contiguous tensor in one loop, in double: squares of float32 values fit. NAN when
 * that may have lost something. */
static double small_norm(const GradTensor *x)
{
    double sum = 0;
    const void *data = tensor_contiguous(&x->t, gt_dtype(x));
    if (gt_dtype(x) == DTYPE_FLOAT32) {
        for (int64_t i = 0; i < x->t.size; i++)
            sum += (double)((const float *)data)[i] * (double)((const float *)data)[i];
        return sqrt(sum);
    }
    for (int64_t i = 0; i < x->t.size; i++)
        sum += ((const double *)data)[i] * ((const double *)data)[i];
    return sum >= DBL_MIN / DBL_EPSILON && sum <= DBL_MAX ? sqrt(sum) : NAN;
}

/* The sum of squares, when no square can have over- or underflowed in a way that shows; else NULL. */
static GradTensor *plain_norm(GradTensor *x, uint32_t axes, bool keep)
{
    bool wide = gt_dtype(x) == DTYPE_FLOAT64;
    double low = wide ? DBL_MIN / DBL_EPSILON : (double)FLT_MIN / (double)FLT_EPSILON;
    double high = wide ? DBL_MAX : (double)FLT_MAX;
    GradTensor *sum = t_sum_axes(t_square(x), axes, keep);
    if (sum->t.size == 0)
        return sum;
    double least = tensor_item(&op_call1(&op_min, sum)->t), most = tensor_item(&op_call1(&op_max, sum)->t);
    return least >= low && most <= high ? t_sqrt(sum) : NULL;
}

/* The 2-norm of all elements of a small tensor; NULL when it is not that. */
static GradTensor *small_result(const OpCall *c, const GradTensor *x, uint32_t axes, bool keep)
{
    int64_t shape[TENSOR_MAX_NDIM];
    double norm = x->t.size <= SMALL && reduce_count(x, axes) == x->t.size ? small_norm(x) : NAN;
    if (isnan(norm))
        return NULL;
    GradTensor *out = call_out(c, gt_dtype(x), reduce_shape(x, axes, keep, shape), shape);
    out->t.flags |= x->t.flags & GT_WEAK;
    tensor_fill(&out->t, norm);
    return out;
}

static GradTensor *norm_p_forward(const OpCall *c)
{
    Dtype dtype = call_dtype(c);
    GradTensor *x = call_in(c, 0), *norm = NULL;
    uint32_t axes = reduce_axes(c, x);
    bool keep = c->args[2].integer != 0;
    double p = c->args[3].number;
    if (p == 2 && gt_dtype(x) == dtype && (norm = small_result(c, x, axes, keep)) != NULL)
        return norm;
    x = gt_detach(x);
    if (gt_dtype(x) != dtype)
        x = gt_cast(x, dtype);
    if (p == 2)
        norm = plain_norm(x, axes, keep);
    if (norm == NULL) {
        GradTensor *size = t_abs(x);
        if (p == INFINITY && reduce_count(x, axes) == 0)
            norm = t_sum_axes(size, axes, keep);
        else if (isinf(p))
            norm = t_over_axes(p > 0 ? &op_max : &op_min, size, axes, keep);
        else if (p == 0)
            norm = t_over_axes(&op_count_nonzero, size, axes, keep);
        else
            norm = p == 1 ? t_sum_axes(size, axes, keep) : scaled_norm(size, p, axes, keep);
    }
    return call_share(c, dtype, norm);
}

/* The cotangent of x is g sign(x) (|x| / n)^(p-1). Where the norm is 0 the gradient is 0, and so are its
 * derivatives; the sign comes first in the product because the power of an element that is 0 may be inf. */
static GradTensor *norm_p_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i);
    uint32_t axes = reduce_axes(c, x);
    bool kept = c->args[2].integer != 0;
    double p = c->args[3].number;
    if (p == 0)
        return gt_zeros_like(x);
    g = t_unreduce(g, x, axes, kept);
    GradTensor *n = t_unreduce(c->out, x, axes, kept), *sign = t_sign(gt_detach(x));
    if (p == 1)
        return gt_scale(sign, g);
    if (isinf(p))
        return gt_scale(t_mul(op_call2(&op_ties, t_abs(gt_detach(x)), gt_detach(n)), sign), g);
    GradTensor *zero = t_with(&op_eq, gt_detach(n), 0), *safe = t_where(zero, gt_ones_like(n), n);
    if (p == 2)
        return gt_scale(g, t_zero_where(zero, t_div(x, safe)));
    GradTensor *power = t_with(&op_pow, t_div(t_mul(x, sign), safe), p - 1);
    return gt_scale(g, t_zero_where(zero, gt_scale(sign, power)));
}

/* A number in the place of p has been read from its text already. */
const Op op_norm_p = {
    .usage = "norm(x, axis=none, keepdims=false, p=2)", OP_ARGS(ARG_TENSOR, ARG_AXES, ARG_FLAG, ARG_NUMBER),
    .doc = "The p-norm of the elements along axes.",
    .dtypes = DTYPES_FLOAT, .forward = norm_p_forward, .vjp = norm_p_vjp, .batch = reduce_batch,
};

/* ---- norms of matrices ---- */

/* The two axes of the matrices, which become the last two. */
static GradTensor *matrices(const OpCall *c, GradTensor *x)
{
    const IntList *axes = c->args[2].ints;
    int order[TENSOR_MAX_NDIM], n = 0, last = x->t.ndim - 1;
    if (x->t.ndim < 2)
        call_error(c, ERROR_SHAPE, "a matrix norm needs at least 2 axes, but x has shape %s",
                   gt_shape_text(x));
    if (axes == NULL)
        return x;
    if (axes->count != 2)
        call_error(c, ERROR_VALUE, "a matrix norm needs 2 axes, not %lld", (long long)axes->count);
    uint32_t mask = call_axes(c, axes, x->t.ndim);
    for (int i = 0; i <= last; i++)
        if (!(mask >> i & 1))
            order[n++] = i;
    order[last - 1] = call_axis(c, axes->at[0], x->t.ndim);
    order[last] = call_axis(c, axes->at[1], x->t.ndim);
    return t_permute(x, order);
}

static GradTensor *p_norm(GradTensor *x, IntList *axes, bool keep, double p)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.ints = axes}, {.integer = keep}, {.number = p}};
    return op_call(&op_norm_p, args, 0);
}

static GradTensor *matrix_norm(const OpCall *c, GradTensor *x)
{
    const char *name = c->args[1].text->text;
    bool keep = c->args[3].integer != 0, nuclear = string_is(c->args[1].text, "nuc");
    bool frobenius = string_is(c->args[1].text, "fro");
    if (!nuclear && !frobenius && !string_is(c->args[1].text, "spectral"))
        call_error(c, ERROR_VALUE, "p is \"%s\", but should be a number, \"fro\", \"nuc\" or \"spectral\"",
                   name);
    GradTensor *from = matrices(c, x), *parts[3];
    int64_t last_two[] = {-2, -1}, shape[TENSOR_MAX_NDIM];
    IntList *axes = c->args[2].ints != NULL ? c->args[2].ints : int_list_new(2, last_two);
    if (frobenius)
        return p_norm(x, axes, keep, 2);
    Arg args[OP_MAX_ARGS] = {{.tensor = from}};
    op_call_many(&op_svd, args, 0, parts);
    uint32_t last = 1u << (parts[1]->t.ndim - 1);
    GradTensor *norm = t_over_axes(nuclear ? &op_sum : &op_max, parts[1], last, false);
    return t_reshape(norm, reduce_shape(x, call_axes(c, axes, x->t.ndim), keep, shape), shape);
}

static GradTensor *norm_compose(const OpCall *c)
{
    if (!(c->numbers >> 1 & 1))
        return matrix_norm(c, call_in(c, 0));
    double p = c->args[1].number;
    if (isnan(p))
        call_error(c, ERROR_VALUE, "p is nan");
    return p_norm(call_in(c, 0), c->args[2].ints, c->args[3].integer != 0, p);
}

const Op op_norm = {
    .usage = "norm(x, p=2, axis=none, keepdims=false)",
    OP_ARGS(ARG_TENSOR, ARG_NUMBER_OR_TEXT, ARG_AXES, ARG_FLAG),
    .section = "reduce",
    .doc = "The p-norm of the elements over all axes, one axis or a tuple of axes: (sum |x|^p)^(1/p), the "
           "largest size for p = inf, the smallest for -inf, the number of non-zero elements for 0. It does "
           "not overflow or underflow before the result does. Norms of matrices go by name: \"fro\" "
           "(Frobenius), \"nuc\" (the sum of the singular values) and \"spectral\" (the largest of them), "
           "over two axes, the last two unless told.",
    .errors = "value for another p; shape when a matrix norm is asked of fewer than 2 axes; domain when p "
              "is -inf and there is no element; index when an axis is out of range.",
    .derivative = "sign(x) (|x| / norm)^(p - 1), and 0 at a norm of 0",
    .example = "norm([3, 4])  #=> 5\nnorm([3, -4], 1)  #=> 7\nnorm([3, -4], inf)  #=> 4\n"
               "norm([[3, 0], [0, 4]], \"nuc\")  #=> 7",
    .related = "abs square hypot svd",
    .compose = norm_compose,
    .check = "x[5]: norm(x)\nx[2, 3]: norm(x, axis=1)\nx[2, 3, 2]: norm(x, 2, (0, -1), true)\n"
             "x[4]: norm(x, 3)\nx[4]: norm(x, 1.5)\nx[4]: norm(x, 1)\nx[2, 3]: norm(x, inf, axis=0)\n"
             "x[2, 3]: norm(x, -inf, axis=0)\nx[4]: norm(x, -2)\nx[4]: norm(x, 0)\nx[]: norm(x)\n"
             "x[3, 2]: norm(x.T, axis=0)\nx[2, 3]: norm(x, \"fro\")\nx[2, 3]: norm(x, \"nuc\")\n"
             "x[3, 2]: norm(x, \"spectral\")\nx[2, 2, 3]: norm(x, \"nuc\", axis=(0, 2), keepdims=true)\n"
             "x[0]: norm(x)",
};
