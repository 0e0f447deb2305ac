/* Spread and quantiles. */
#include "ops/index.h"
#include "ops/masks.h"
#include "ops/reduce.h"

#include <math.h>

/* ---- variance ---- */

/* x as a float of the call's dtype. */
static GradTensor *as_float(const OpCall *c, GradTensor *x)
{
    return gt_weak(x) ? x : gt_cast(x, call_dtype(c));
}

/* x minus its mean over the axes. */
static GradTensor *centred(GradTensor *x, uint32_t axes)
{
    return t_sub(x, gt_expand(t_over_axes(&op_mean, x, axes, true), x->t.ndim, tensor_shape(&x->t)));
}

/* What the sum of squares is divided by; 0 when there are too few elements, as in PyTorch. */
static double freedom(const OpCall *c, const GradTensor *x, uint32_t axes)
{
    double left = (double)reduce_count(x, axes) - c->args[3].number;
    return left > 0 ? left : 0;
}

/* In two passes: the mean first. */
static GradTensor *variance(const OpCall *c, GradTensor *x)
{
    uint32_t axes = reduce_axes(c, x);
    GradTensor *squares = t_sum_axes(t_square(centred(x, axes)), axes, c->args[2].integer != 0);
    return t_with(&op_div, squares, freedom(c, x, axes));
}

static GradTensor *var_forward(const OpCall *c)
{
    return call_share(c, call_dtype(c), variance(c, as_float(c, gt_detach(call_in(c, 0)))));
}

static GradTensor *var_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i);
    uint32_t axes = reduce_axes(c, x);
    g = t_unreduce(t_times(g, 2 / freedom(c, x, axes)), x, axes, c->args[2].integer != 0);
    return t_mul(g, centred(x, axes));
}

const Op op_var = {
    .usage = "var(x, axis=none, keepdims=false, correction=1)",
    OP_ARGS(ARG_TENSOR, ARG_AXES, ARG_FLAG, ARG_NUMBER),
    .section = "reduce",
    .doc = "Variance over all axes, one axis or a tuple of axes: the sum of squared distances from the "
           "mean, divided by the number of elements less `correction` (1 for a sample, 0 for a whole "
           "population). Computed in two passes, so that a large mean costs no accuracy. nan when there are "
           "too few elements.",
    .errors = "index when an axis is out of range or given twice.",
    .derivative = "2 (x - mean(x)) / (n - correction)",
    .example = "var([1, 2, 3, 4, 5])  #=> 2.5\nvar([1, 2, 3, 4], correction=0)  #=> 1.25",
    .related = "std mean",
    .dtypes = DTYPES_FLOAT, .forward = var_forward, .vjp = var_vjp, .batch = reduce_batch,
    .check = "x[5]: var(x)\nx[2, 3]: var(x, axis=1)\n"
             "x[2, 3, 2]: var(x, axis=(0, -1), keepdims=true, correction=0)\nx[3, 2]: var(x.T, axis=1)\n"
             "x[4]: var(x, correction=0.5)",
};

static GradTensor *std_forward(const OpCall *c)
{
    return call_share(c, call_dtype(c), t_sqrt(variance(c, as_float(c, gt_detach(call_in(c, 0))))));
}

/* At a deviation of 0, where there is none, the gradient is 0 as in PyTorch. */
static GradTensor *std_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i), *mask = t_with(&op_eq, gt_detach(c->out), 0);
    uint32_t axes = reduce_axes(c, x);
    bool kept = c->args[2].integer != 0;
    GradTensor *safe = t_where(mask, gt_ones_like(c->out), c->out);
    GradTensor *scale = t_zero_where(mask, t_with(&op_div, t_div(g, safe), freedom(c, x, axes)));
    return t_mul(t_unreduce(scale, x, axes, kept), centred(x, axes));
}

const Op op_std = {
    .usage = "std(x, axis=none, keepdims=false, correction=1)",
    OP_ARGS(ARG_TENSOR, ARG_AXES, ARG_FLAG, ARG_NUMBER),
    .section = "reduce",
    .doc = "Standard deviation over all axes, one axis or a tuple of axes: the square root of var.",
    .errors = "index when an axis is out of range or given twice.",
    .derivative = "(x - mean(x)) / ((n - correction) std), and 0 at a deviation of 0",
    .example = "std([2, 4, 4, 4, 5, 5, 7, 9], correction=0)  #=> 2",
    .related = "var mean",
    .dtypes = DTYPES_FLOAT, .forward = std_forward, .vjp = std_vjp, .batch = reduce_batch,
    .check = "x[5]: std(x)\nx[2, 3]: std(x, axis=1)\n"
             "x[2, 3, 2]: std(x, axis=(0, 2), keepdims=true, correction=0)\nx[3, 2]: std(x.T, axis=0)",
};

/* ---- quantiles ---- */

/* Elements of neighbouring ranks in every lane, in order along the last axis. */
typedef struct Ranked {
    GradTensor *elements;             /* nan in every place of a lane that has one */
    int64_t first, lane;              /* the first rank, and the extent of a lane */
} Ranked;

/* Those of x that quantiles from `low` to `high` need, where a lane is what meets over the reduced axes. */
static Ranked ranked(const OpCall *c, GradTensor *x, uint32_t axes, double low, double high)
{
    reduce_check_any(c, x, axes);
    x = reduce_to_lanes(as_float(c, x), axes);
    int last = x->t.ndim - 1;
    int64_t n = tensor_shape(&x->t)[last];
    if (n == 0)
        return (Ranked){x, 0, 0};
    int64_t first = (int64_t)floor(low * (double)(n - 1)), end = (int64_t)ceil(high * (double)(n - 1)) + 1;
    GradTensor *nan = t_over_axes(&op_any, t_ne(gt_detach(x), gt_detach(x)), 1u << last, true);
    GradTensor *found = t_take_along(x, t_ranks(gt_detach(x), last, false, first, end - first), last);
    Arg args[OP_MAX_ARGS] = {{.tensor = nan}, {.number = NAN}, {.tensor = found}};
    return (Ranked){op_call(&op_where, args, 2), first, n};
}

/* The q-quantile of lanes: between the elements on both sides of place q (n - 1), which are at least 1. */
static GradTensor *quantile_at(const Ranked *r, double q, const int64_t *shape, int ndim)
{
    int last = r->elements->t.ndim - 1;
    if (r->lane == 0)
        return t_sum_axes(r->elements, 1u << last, false);
    double place = q * (double)(r->lane - 1), below = floor(place), share = place - below;
    int64_t at = (int64_t)below - r->first;
    GradTensor *low = t_reshape(t_part(r->elements, last, at, 1), ndim, shape);
    if (share == 0)
        return low;
    GradTensor *high = t_reshape(t_part(r->elements, last, at + 1, 1), ndim, shape);
    return t_add(t_times(low, 1 - share), t_times(high, share));
}

static GradTensor *median_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    uint32_t axes = reduce_axes(c, x);
    int64_t shape[TENSOR_MAX_NDIM];
    int ndim = reduce_shape(x, axes, c->args[2].integer != 0, shape);
    if (x->t.ndim == 0)
        return as_float(c, x);
    Ranked r = ranked(c, x, axes, 0.5, 0.5);
    return quantile_at(&r, 0.5, shape, ndim);
}

const Op op_median = {
    .usage = "median(x, axis=none, keepdims=false)", OP_ARGS(ARG_TENSOR, ARG_AXES, ARG_FLAG),
    .section = "reduce",
    .doc = "Middle element by size over all axes, one axis or a tuple of axes; of an even number the mean "
           "of the two middle ones, as in NumPy. Where there is a nan the median is nan.",
    .errors = "domain when there is no element; index when an axis is out of range.",
    .derivative = "the cotangent at the middle element, or half of it at each of two",
    .example = "median([5, 1, 3])  #=> 3\nmedian([[1, 2, 4], [7, 5, 6]], axis=1)  #=> [2, 6]",
    .related = "quantile mean sort",
    .dtypes = DTYPES_FLOAT, .compose = median_compose,
    .check = "x[5]: median(x)\nx[2, 4]: median(x, axis=1)\n"
             "x[2, 3, 2]: median(x, axis=(0, -1), keepdims=true)\nx[]: median(x)\n"
             "x[3, 4]: median(x.T, axis=1)",
};

static GradTensor *quantile_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *q = call_in(c, 1);
    int64_t shape[TENSOR_MAX_NDIM];
    uint32_t axes = call_axes(c, c->args[2].ints, x->t.ndim);
    int ndim = reduce_shape(x, axes, c->args[3].integer != 0, shape);
    const double *at = tensor_contiguous(&q->t, DTYPE_FLOAT64);
    if (q->t.ndim > 1)
        call_error(c, ERROR_SHAPE, "q must be a number or have one axis, but has shape %s", gt_shape_text(q));
    double low = 1, high = 0;
    for (int64_t k = 0; k < q->t.size; k++) {
        if (!(at[k] >= 0 && at[k] <= 1))
            call_error(c, ERROR_VALUE, "q is %g, but should be from 0 to 1", at[k]);
        low = at[k] < low ? at[k] : low;
        high = at[k] > high ? at[k] : high;
    }
    if (q->t.ndim == 0 && x->t.ndim == 0)
        return as_float(c, x);
    if (q->t.size == 0)
        call_error(c, ERROR_VALUE, "q has no elements");
    Ranked r = ranked(c, x, axes, low, high);
    if (q->t.ndim == 0)
        return quantile_at(&r, at[0], shape, ndim);
    TensorList *parts = tensor_list_new(q->t.size, NULL);
    for (int64_t k = 0; k < q->t.size; k++)
        parts->at[k] = object_retain(quantile_at(&r, at[k], shape, ndim));
    Arg args[OP_MAX_ARGS] = {{.tensors = parts}, {.integer = 0}};
    return op_call(&op_stack, args, 0);
}

const Op op_quantile = {
    .usage = "quantile(x, q, axis=none, keepdims=false)",
    OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_AXES, ARG_FLAG),
    .section = "reduce",
    .doc = "The value below which the share q of the elements lies, over all axes, one axis or a tuple of "
           "axes, linear between neighbouring elements as in NumPy. A 1-d q gives a new first axis. Where "
           "there is a nan it is nan.",
    .errors = "value when q is not from 0 to 1; domain when there is no element; index when an axis is out "
              "of range.",
    .derivative = "the cotangent at the two neighbouring elements, by their weights",
    .example = "quantile([1, 2, 3, 4], 0.5)  #=> 2.5\nquantile([1, 2, 3, 4, 5], [0, 0.25, 1])  #=> [1, 2, 5]",
    .related = "median sort",
    .dtypes = DTYPES_FLOAT, .compose = quantile_compose, .constant_args = 2,
    .check = "x[5]: quantile(x, 0.3)\nx[2, 4]: quantile(x, 0.9, axis=1)\n"
             "x[2, 4]: quantile(x, [0.1, 0.5], axis=0, keepdims=true)\nx[]: quantile(x, 0.5)\n"
             "x[3, 4]: quantile(x.T, 0.25, axis=(0, 1))",
};
