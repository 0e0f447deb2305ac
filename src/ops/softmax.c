/* Logarithms and shares of sums of exponentials, with the largest element taken out so that nothing
 * overflows. */
#include "ops/masks.h"
#include "ops/reduce.h"

#include <math.h>

/* The largest over the axes, which are kept; 0 where it is infinite or nan, because x less it would be
 * nan. */
static GradTensor *shift_of(GradTensor *x, uint32_t axes)
{
    GradTensor *most = t_over_axes(&op_max, x, axes, true);
    return t_only_where(t_with(&op_lt, t_abs(most), INFINITY), most);
}

/* log(sum(exp(x))) with the axes kept; -inf where there is nothing, or nothing but -inf. */
static GradTensor *log_sum(GradTensor *x, uint32_t axes)
{
    if (reduce_count(x, axes) == 0)
        return t_log(t_sum_axes(x, axes, true));
    GradTensor *shift = shift_of(x, axes);
    return t_add(t_log(t_sum_axes(t_exp(t_sub(x, shift)), axes, true)), shift);
}

/* The first argument in the dtype of the result, without history. */
static GradTensor *plain_input(const OpCall *c)
{
    GradTensor *x = gt_detach(call_in(c, 0));
    return gt_weak(x) ? x : gt_cast(x, call_dtype(c));
}

static GradTensor *logsumexp_forward(const OpCall *c)
{
    GradTensor *x = plain_input(c);
    uint32_t axes = reduce_axes(c, x);
    int64_t shape[TENSOR_MAX_NDIM];
    int ndim = reduce_shape(x, axes, c->args[2].integer != 0, shape);
    return call_share(c, call_dtype(c), t_reshape(log_sum(x, axes), ndim, shape));
}

/* exp(x - out). Where all of x is -inf so is out: shares of nothing, which are 0. */
static GradTensor *logsumexp_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i);
    uint32_t axes = reduce_axes(c, x);
    bool kept = c->args[2].integer != 0;
    GradTensor *out = t_zero_where(t_with(&op_eq, gt_detach(c->out), -INFINITY), c->out);
    return gt_scale(t_unreduce(g, x, axes, kept), t_exp(t_sub(x, t_unreduce(out, x, axes, kept))));
}

const Op op_logsumexp = {
    .usage = "logsumexp(x, axis=none, keepdims=false)", OP_ARGS(ARG_TENSOR, ARG_AXES, ARG_FLAG),
    .section = "reduce",
    .doc = "log(sum(exp(x))) over all axes, one axis or a tuple of axes, without overflow. Of nothing, and "
           "of nothing but -inf, it is -inf.",
    .errors = "index when an axis is out of range or given twice.",
    .derivative = "softmax(x)",
    .example = "logsumexp([1000, 1000])  #=> 1000.6932",
    .related = "softmax log_softmax exp",
    .dtypes = DTYPES_FLOAT, .forward = logsumexp_forward, .vjp = logsumexp_vjp,
    .batch = reduce_batch,
    .check = "x[5]: logsumexp(x)\nx[2, 3]: logsumexp(x, axis=1)\n"
             "x[2, 3, 2]: logsumexp(x, axis=(0, -1), keepdims=true)\nx[]: logsumexp(x)\n"
             "x[3, 4]: logsumexp(x.T, axis=0)\nx[0, 2]: logsumexp(x, axis=1)",
};

/* ---- softmax ---- */

static GradTensor *softmax_forward(const OpCall *c)
{
    GradTensor *x = plain_input(c);
    uint32_t axes = reduce_axes(c, x);
    if (x->t.size == 0)
        return call_share(c, call_dtype(c), x);
    GradTensor *e = t_exp(t_sub(x, shift_of(x, axes)));
    return call_share(c, call_dtype(c), t_div(e, t_sum_axes(e, axes, true)));
}

static GradTensor *softmax_vjp(const OpCall *c, int i, GradTensor *g)
{
    uint32_t axes = reduce_axes(c, call_in(c, i));
    return t_mul(c->out, t_sub(g, t_sum_axes(t_mul(g, c->out), axes, true)));
}

const Op op_softmax = {
    .usage = "softmax(x, axis=-1)", OP_ARGS(ARG_TENSOR, ARG_AXES), .section = "reduce",
    .doc = "exp(x) / sum(exp(x)) along an axis (or over several together), without overflow: positive "
           "shares whose sum is 1.",
    .errors = "index when an axis is out of range.",
    .derivative = "y (dx - sum(y dx)) with y = softmax(x)",
    .example = "softmax([0, log(3)])  #=> [0.25, 0.75]",
    .related = "log_softmax logsumexp cross_entropy sigmoid",
    .dtypes = DTYPES_FLOAT, .forward = softmax_forward, .vjp = softmax_vjp, .batch = reduce_batch,
    .check = "x[4]: softmax(x)\nx[2, 3]: softmax(x, axis=0)\nx[2, 3, 2]: softmax(x, axis=(0, -1))\n"
             "x[2, 2]: softmax(x, axis=none)\nx[]: softmax(x)\nx[3, 2]: softmax(x.T)\nx[0, 2]: softmax(x)",
};

static GradTensor *log_softmax_forward(const OpCall *c)
{
    GradTensor *x = plain_input(c);
    uint32_t axes = reduce_axes(c, x);
    if (x->t.size == 0)
        return call_share(c, call_dtype(c), x);
    GradTensor *shifted = t_sub(x, shift_of(x, axes));
    return call_share(c, call_dtype(c), t_sub(shifted, t_log(t_sum_axes(t_exp(shifted), axes, true))));
}

static GradTensor *log_softmax_vjp(const OpCall *c, int i, GradTensor *g)
{
    uint32_t axes = reduce_axes(c, call_in(c, i));
    return t_sub(g, t_mul(t_exp(c->out), t_sum_axes(g, axes, true)));
}

const Op op_log_softmax = {
    .usage = "log_softmax(x, axis=-1)", OP_ARGS(ARG_TENSOR, ARG_AXES), .section = "reduce",
    .doc = "x - logsumexp(x) along an axis (or over several together): the logarithm of softmax, exact "
           "where that is tiny.",
    .errors = "index when an axis is out of range.",
    .derivative = "dx - sum(softmax(x) dx)",
    .example = "log_softmax([0, 1000])  #=> [-1000, 0]",
    .related = "softmax logsumexp cross_entropy",
    .dtypes = DTYPES_FLOAT, .forward = log_softmax_forward, .vjp = log_softmax_vjp,
    .batch = reduce_batch,
    .check = "x[4]: log_softmax(x)\nx[2, 3]: log_softmax(x, axis=0)\n"
             "x[2, 3, 2]: log_softmax(x, axis=(0, 2))\nx[]: log_softmax(x)\nx[3, 2]: log_softmax(x.T)\n"
             "x[0, 2]: log_softmax(x)",
};
