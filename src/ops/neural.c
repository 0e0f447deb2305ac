/* Layers without parameters of their own. */
#include "grad/batch.h"
#include "ops/index.h"
#include "ops/reduce.h"
#include "tensor/reduce.h"
#include "tensor/state.h"

#include <string.h>

/* ---- embedding ---- */

static GradTensor *embedding_compose(const OpCall *c)
{
    GradTensor *indices = call_in(c, 0), *weight = call_in(c, 1);
    if (weight->t.ndim == 0)
        call_error(c, ERROR_SHAPE, "the weight must have at least one axis");
    if (indices->t.ndim + weight->t.ndim - 1 > TENSOR_MAX_NDIM)
        call_error(c, ERROR_SHAPE, "the result would have more than %d axes", TENSOR_MAX_NDIM);
    if (gt_batch(indices) == 0)
        index_values(c, indices, 0, tensor_shape(&weight->t)[0]);        /* throws in the name of embedding */
    return t_gather(weight, indices, 0);
}

const Op op_embedding = {
    .usage = "embedding(indices, weight)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "neural",
    .doc = "The rows of weight [rows, ...] that the indices name, of shape indices.shape + [...]. Negative "
           "indices count from the end.",
    .errors = "index when an index is out of range, type when it is not a whole number.",
    .derivative = "embedding(indices, dweight)",
    .example = "embedding([1, 0, 1], [[1, 2], [3, 4]])  #=> [[3, 4], [1, 2], [3, 4]]",
    .related = "gather one_hot",
    .compose = embedding_compose, .constant_args = 1,
    .check = "w[3, 2]: embedding([1, 0, 1], w)\n"
             "w[3, 2]: embedding([[1, 0], [2, -1]], w.T.T)\n"
             "w[3]: embedding(2, w)",
};

/* ---- dropout ---- */

/* 1 / (1 - p) with probability 1 - p, else 0. */
static GradTensor *dropout_mask(const GradTensor *x, Dtype dtype, double p)
{
    GradTensor *uniform = gt_new(dtype, x->t.ndim, tensor_shape(&x->t));
    random_uniform(batch_random(), &uniform->t);
    GradTensor *kept = gt_cast(t_with(&op_ge, uniform, p), dtype);
    return t_times(kept, p < 1 ? 1 / (1 - p) : 0);
}

static GradTensor *dropout_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    double p = c->args[1].number;
    if (!(p >= 0 && p <= 1))
        call_error(c, ERROR_VALUE, "the probability p must be from 0 to 1, but it is %g", p);
    if (!c->args[2].integer || p == 0)
        return x;
    Dtype dtype = dtype_is_float(gt_dtype(x)) ? gt_dtype(x) : grad_state()->default_dtype;
    return gt_scale(dropout_mask(x, dtype, p), x);
}

const Op op_dropout = {
    .usage = "dropout(x, p, training=true)", OP_ARGS(ARG_TENSOR, ARG_NUMBER, ARG_FLAG), .section = "neural",
    .doc = "While training, x with each element replaced by 0 with probability p and the others divided by "
           "1 - p, so that the mean stays; otherwise x itself. Draws from the stream that seed sets.",
    .errors = "value when p is not from 0 to 1.",
    .derivative = "dx where x was kept, divided by 1 - p",
    .example = "dropout([1, 2], 1)  #=> [0, 0]",
    .related = "seed rand",
    .compose = dropout_compose,
    .check = "x[2, 3]: dropout(x, 0)\n"
             "x[2, 3]: dropout(x, 0.5, training=false)\n"
             "x[2, 3]: dropout(x, 1)",
};

/* ---- normalisation ---- */

/* y = (x - mean) r and r = 1 / sqrt(variance + eps) over some axes. Derivatives are formulas in y and r
 * alone, so that nothing is computed twice. */
static void normalize_forward(const OpCall *c, GradTensor **out)
{
    GradTensor *x = gt_detach(call_in(c, 0));
    uint32_t axes = call_axes(c, c->args[1].ints, x->t.ndim);
    double count = (double)reduce_count(x, axes);
    GradTensor *centred = t_sub(x, t_with(&op_div, t_sum_axes(x, axes, true), count));
    GradTensor *variance = t_with(&op_div, t_sum_axes(t_square(centred), axes, true), count);
    out[1] = t_reciprocal(t_sqrt(t_plus(variance, c->args[2].number)));
    out[0] = t_mul(centred, out[1]);
}

/* dx' = r (g - mean(g) - y mean(g y)) - h r^2 y / n, for the cotangents g of y and h of r */
static GradTensor *normalize_vjp(const OpCall *c, int i, GradTensor *const *g)
{
    GradTensor *x = call_in(c, i), *y = call_result(c, 0), *r = call_result(c, 1), *sum = NULL;
    uint32_t axes = call_axes(c, c->args[1].ints, x->t.ndim);
    double count = (double)reduce_count(x, axes);
    if (g[0] != NULL) {
        GradTensor *mean = t_with(&op_div, t_sum_axes(g[0], axes, true), count);
        GradTensor *along = t_with(&op_div, t_sum_axes(t_mul(g[0], y), axes, true), count);
        sum = t_mul(r, t_sub(t_sub(g[0], mean), t_mul(y, along)));
    }
    if (g[1] != NULL) {
        GradTensor *part = t_mul(t_with(&op_div, t_mul(g[1], t_square(r)), count), y);
        sum = sum == NULL ? gt_neg(part) : t_sub(sum, part);
    }
    return sum;
}

const Op op_normalize = {
    .usage = "normalize(x, axis, eps)", OP_ARGS(ARG_TENSOR, ARG_AXES, ARG_NUMBER), .dtypes = DTYPES_FLOAT,
    .doc = "(y, r): x less its mean over the axes, times r, which is 1 / sqrt(variance + eps).",
    .outputs = 2, .forward_many = normalize_forward, .vjp_many = normalize_vjp, .batch_many = batch_axes_many,
};

/* x normalized over the axes of a mask, times weight plus bias where there are any. */
static GradTensor *normalized(GradTensor *x, uint32_t mask, GradTensor *weight, GradTensor *bias, double eps)
{
    IntList *axes = reduce_axis_list(mask);
    GradTensor *out[2];
    if (!dtype_is_float(gt_dtype(x)))
        x = gt_cast(x, grad_state()->default_dtype);
    op_call_many(&op_normalize, (Arg[OP_MAX_ARGS]){{.tensor = x}, {.ints = axes}, {.number = eps}}, 0, out);
    GradTensor *y = weight == NULL ? out[0] : t_mul(out[0], weight);
    return bias == NULL ? y : t_add(y, bias);
}

/* Weight and bias, where given, must be vectors of n elements. */
static void check_vector(const OpCall *c, const char *name, const GradTensor *x, int64_t n, const char *axis)
{
    if (x != NULL && !shape_equal(x->t.ndim, tensor_shape(&x->t), 1, &n))
        call_error(c, ERROR_SHAPE, "%s must have shape [%lld], the extent of %s, not %s", name, (long long)n,
                   axis, gt_shape_text(x));
}

static void check_eps(const OpCall *c, double eps)
{
    if (!(eps >= 0))
        call_error(c, ERROR_VALUE, "eps must not be negative, but it is %g", eps);
}

static GradTensor *layer_norm_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *weight = call_in(c, 1), *bias = call_in(c, 2);
    if (x->t.ndim == 0)
        call_error(c, ERROR_SHAPE, "x must have at least one axis");
    int64_t n = tensor_shape(&x->t)[x->t.ndim - 1];
    check_vector(c, "weight", weight, n, "the last axis");
    check_vector(c, "bias", bias, n, "the last axis");
    check_eps(c, c->args[3].number);
    return normalized(x, 1u << (x->t.ndim - 1), weight, bias, c->args[3].number);
}

const Op op_layer_norm = {
    .usage = "layer_norm(x, weight=none, bias=none, eps=1e-5)",
    OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_TENSOR, ARG_NUMBER),
    .section = "neural",
    .doc = "x with mean 0 and variance 1 along its last axis (the variance is that of the population, with "
           "eps added), then times weight plus bias, vectors along that axis (Ba, Kiros and Hinton 2016).",
    .errors = "shape when weight or bias are not vectors of the last axis.",
    .derivative = "through mean and variance",
    .example = "layer_norm([1, 3], eps=0)  #=> [-1, 1]",
    .related = "batch_norm",
    .compose = layer_norm_compose,
    .check = "x[2, 4]: layer_norm(x)\n"
             "b[4] w[4] x[2, 3, 4]: layer_norm(x, w, b)\n"
             "x[4, 2]: layer_norm(x.T, eps=0.1)\n"
             "b[3] x[3]: layer_norm(x, bias=b)",
};

static GradTensor *batch_norm_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *weight = call_in(c, 1), *bias = call_in(c, 2);
    if (x->t.ndim < 2)
        call_error(c, ERROR_SHAPE, "x must have shape [N, C, ...], not %s", gt_shape_text(x));
    int64_t shape[TENSOR_MAX_NDIM], n = tensor_shape(&x->t)[1];
    check_vector(c, "weight", weight, n, "axis 1");
    check_vector(c, "bias", bias, n, "axis 1");
    check_eps(c, c->args[3].number);
    shape[0] = n;
    for (int i = 2; i < x->t.ndim; i++)
        shape[i - 1] = 1;
    weight = weight == NULL ? NULL : t_reshape(weight, x->t.ndim - 1, shape);
    bias = bias == NULL ? NULL : t_reshape(bias, x->t.ndim - 1, shape);
    return normalized(x, axes_all(x->t.ndim) & ~2u, weight, bias, c->args[3].number);
}

const Op op_batch_norm = {
    .usage = "batch_norm(x, weight=none, bias=none, eps=1e-5)",
    OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_TENSOR, ARG_NUMBER),
    .section = "neural",
    .doc = "x [N, C, ...] with mean 0 and variance 1 over all axes but 1, by the statistics of this batch "
           "(the variance is that of the population, with eps added), then times weight [C] plus bias [C] "
           "(Ioffe and Szegedy 2015).",
    .errors = "shape when x has fewer than two axes, or weight or bias are not vectors of axis 1.",
    .derivative = "through mean and variance",
    .example = "batch_norm([[1, 0], [3, 0]], eps=0.0001)  #=> [[-0.99995, 0], [0.99995, 0]]",
    .related = "layer_norm",
    .compose = batch_norm_compose,
    .check = "x[4, 3]: batch_norm(x)\n"
             "b[2] w[2] x[3, 2, 2]: batch_norm(x, w, b)\n"
             "w[2] x[2, 2, 2, 2]: batch_norm(x, weight=w, eps=0.1)",
};
