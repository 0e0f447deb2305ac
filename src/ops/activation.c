/* Activation functions of neural networks. Each is computed so that no intermediate result overflows to
 * nan, in the derivatives neither: their formulas multiply only what stays finite, or choose by `where`. */
#include "ops/masks.h"
#include "tensor/kernel.h"

/* 1 where x > 0, else 0. */
KERNELS1_FLOAT(step, x > 0, x > 0)

static const Op step = {
    .usage = "step(x)", OP_ARGS(ARG_TENSOR), .constant = "piecewise constant",
    .dtypes = DTYPES_FLOAT, .kernel = KERNELS_FLOAT(step),
};

static GradTensor *positive(GradTensor *x) { return t_with(&op_gt, x, 0); }

/* ---- sigmoid and softplus ---- */

KERNELS1_FLOAT(sigmoid, 1 / (1 + exp(-x)), 1 / (1 + expf(-x)))

/* 1 - sigmoid(x) as sigmoid(-x), which stays accurate where sigmoid(x) is near 1. */
static GradTensor *sigmoid_slope(const OpCall *c)
{
    return t_mul(c->out, t_sigmoid(t_neg(call_in(c, 0))));
}

const Op op_sigmoid = {
    .usage = "sigmoid(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The logistic function 1 / (1 + exp(-x)) of each element.",
    .derivative = "s (1 - s) dx, with s = sigmoid(x)",
    .example = "sigmoid([0, 1])  #=> [0.5, 0.731059]",
    .related = "softplus tanh silu bce_with_logits",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(sigmoid),
    .factor = {sigmoid_slope},
};

KERNELS1_FLOAT(softplus, (x > 0 ? x : 0) + log1p(exp(-fabs(x))), (x > 0 ? x : 0) + log1pf(expf(-fabsf(x))))

static GradTensor *softplus_slope(const OpCall *c) { return t_sigmoid(call_in(c, 0)); }

const Op op_softplus = {
    .usage = "softplus(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "log(1 + exp(x)) of each element: a smooth relu. Accurate for large elements of either sign.",
    .derivative = "sigmoid(x) dx",
    .example = "softplus([0, 1000])  #=> [0.693147, 1000]",
    .related = "relu sigmoid",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(softplus),
    .factor = {softplus_slope},
};

/* ---- rectifiers ---- */

KERNELS1_FLOAT(relu, x <= 0 ? 0 : x, x <= 0 ? 0 : x)
KERNELS1_SIGNED(relu, x <= 0 ? 0 : x)

static GradTensor *relu_slope(const OpCall *c) { return op_call1(&step, call_in(c, 0)); }

const Op op_relu = {
    .usage = "relu(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "Each element, but 0 for negative ones. Integers stay integers.",
    .derivative = "dx where x > 0, else 0",
    .example = "relu([-1, 0, 2])  #=> [0, 0, 2]",
    .related = "leaky_relu elu softplus maximum",
    .kernel = KERNELS_NUMERIC(relu),
    .factor = {relu_slope}, .cuts = true,
    .sample = {{-2, 2, {0}, 1, false}},
};

KERNELS2_FLOAT(leaky_relu, x > 0 ? x : x * y, x > 0 ? x : x * y)

static GradTensor *leaky_slope(const OpCall *c)
{
    return t_where(positive(call_in(c, 0)), gt_ones_like(c->out), call_in(c, 1));
}

static GradTensor *leaky_by_slope(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    return t_zero_where(positive(x), x);
}

const Op op_leaky_relu = {
    .usage = "leaky_relu(x, slope=0.01)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise",
    .doc = "Each element, but slope times it for negative ones. The slope may be a tensor that broadcasts "
           "with x.",
    .derivative = "dx where x > 0, else slope dx + x dslope",
    .example = "leaky_relu([-1, 2])  #=> [-0.01, 2]",
    .related = "relu elu",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(leaky_relu),
    .factor = {leaky_slope, leaky_by_slope}, .cuts = true,
    .sample = {{-2, 2, {0}, 1, false}},
};

KERNELS2_FLOAT(elu, x > 0 ? x : y * expm1(x), x > 0 ? x : y * expm1f(x))

static GradTensor *elu_slope(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    GradTensor *curve = t_mul(call_in(c, 1), t_exp(x));
    Arg args[OP_MAX_ARGS] = {{.tensor = positive(x)}, {.number = 1}, {.tensor = curve}};
    return op_call(&op_where, args, 2);
}

static GradTensor *elu_by_alpha(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    return t_zero_where(positive(x), op_call1(&op_expm1, x));
}

const Op op_elu = {
    .usage = "elu(x, alpha=1)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise",
    .doc = "Each element, but alpha * (exp(x) - 1) for negative ones (Clevert, Unterthiner and Hochreiter, "
           "2016).",
    .derivative = "dx where x > 0, else alpha exp(x) dx + (exp(x) - 1) dalpha",
    .example = "elu([-1, 2])  #=> [-0.632121, 2]",
    .related = "relu leaky_relu",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(elu),
    .factor = {elu_slope, elu_by_alpha},
    .sample = {{-2, 2, {0}, 1, false}},
};

/* ---- smooth gates ---- */

#define GELU(x, erfc, half, root) (half * (x) * erfc(-(x) * root))

KERNELS1_FLOAT(gelu, GELU(x, erfc, 0.5, M_SQRT1_2), GELU(x, erfcf, 0.5f, (float)M_SQRT1_2))

/* The normal distribution function plus x times its density. */
static GradTensor *gelu_slope(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    GradTensor *below = t_times(op_call1(&op_erfc, t_times(x, -M_SQRT1_2)), 0.5);
    GradTensor *density = t_times(t_exp(t_times(t_square(x), -0.5)), 0.5 * M_SQRT1_2 * M_2_SQRTPI);
    return t_add(below, t_mul(x, density));
}

const Op op_gelu = {
    .usage = "gelu(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "x times the probability that a standard normal variable is below x, by the error function, not "
           "by an approximation (Hendrycks and Gimpel, 2016).",
    .derivative = "(P(x) + x p(x)) dx, with the standard normal distribution function P and density p",
    .example = "gelu([-1, 0, 1])  #=> [-0.158655, 0, 0.841345]",
    .related = "silu mish relu erf",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(gelu),
    .factor = {gelu_slope},
};

KERNELS1_FLOAT(silu, x / (1 + exp(-x)), x / (1 + expf(-x)))

static GradTensor *silu_slope(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *s = t_sigmoid(x);
    return t_mul(s, t_plus(t_mul(x, t_minus_from(1, s)), 1));
}

const Op op_silu = {
    .usage = "silu(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "x * sigmoid(x) for each element, also known as swish.",
    .derivative = "s (1 + x (1 - s)) dx, with s = sigmoid(x)",
    .example = "silu([-1, 0, 1])  #=> [-0.268941, 0, 0.731059]",
    .related = "mish gelu sigmoid",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(silu),
    .factor = {silu_slope},
};

/* tanh(log(1 + e)) = (e^2 + 2 e) / (e^2 + 2 e + 2), which is 1 in double precision above x = 20. */
#define MISH(x, m) ((x) > 20 ? (x) : (x) * ((m) / ((m) + 2)))
static inline double mish_of(double x, double e) { return MISH(x, e * (e + 2)); }
static inline float mish_of_f(float x, float e) { return MISH(x, e * (e + 2)); }

KERNELS1_FLOAT(mish, mish_of(x, exp(x)), mish_of_f(x, expf(x)))

static GradTensor *mish_slope(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *gate = t_tanh(op_call1(&op_softplus, x));
    GradTensor *gate_slope = t_mul(t_minus_from(1, t_square(gate)), t_sigmoid(x));
    return t_add(gate, t_mul(x, gate_slope));
}

const Op op_mish = {
    .usage = "mish(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "x * tanh(softplus(x)) for each element (Misra, 2019).",
    .derivative = "(t + x (1 - t^2) sigmoid(x)) dx, with t = tanh(softplus(x))",
    .example = "mish([-1, 0, 1])  #=> [-0.303401, 0, 0.865098]",
    .related = "silu gelu softplus",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(mish),
    .factor = {mish_slope},
};
