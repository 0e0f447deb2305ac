/* The functions of the C library, element by element. Derivatives are written so that they stay accurate
 * at the ends of a function's domain and for arguments whose squares overflow. */
#include "ops/masks.h"
#include "tensor/kernel.h"

/* ---- exponentials and logarithms ---- */

KERNELS1_FLOAT(exp, exp(x), expf(x))

static GradTensor *exp_slope(const OpCall *c) { return c->out; }

const Op op_exp = {
    .usage = "exp(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The exponential function of each element.",
    .derivative = "exp(x) dx",
    .example = "exp([0, 1])  #=> [1, 2.71828]",
    .related = "expm1 exp2 log",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(exp),
    .factor = {exp_slope},
};

KERNELS1_FLOAT(exp2, exp2(x), exp2f(x))

static GradTensor *exp2_slope(const OpCall *c) { return t_times(c->out, M_LN2); }

const Op op_exp2 = {
    .usage = "exp2(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "2 to the power of each element.",
    .derivative = "2^x log(2) dx",
    .example = "exp2([0, 3])  #=> [1, 8]",
    .related = "exp log2",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(exp2),
    .factor = {exp2_slope},
};

KERNELS1_FLOAT(expm1, expm1(x), expm1f(x))

static GradTensor *expm1_slope(const OpCall *c) { return t_exp(call_in(c, 0)); }

const Op op_expm1 = {
    .usage = "expm1(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "exp(x) - 1 for each element, accurate near 0.",
    .derivative = "exp(x) dx",
    .example = "expm1(1e-10)  #=> 1.00000000005e-10",
    .related = "exp log1p",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(expm1),
    .factor = {expm1_slope},
};

KERNELS1_FLOAT(log, log(x), logf(x))

static GradTensor *log_slope(const OpCall *c) { return t_reciprocal(call_in(c, 0)); }

const Op op_log = {
    .usage = "log(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The natural logarithm of each element; -inf at 0, nan below.",
    .derivative = "dx / x",
    .example = "log([1, 10])  #=> [0, 2.30259]",
    .related = "log1p log2 log10 exp",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(log),
    .factor = {log_slope},
    .sample = {{0.3, 3, {0}, 0, false}},
};

KERNELS1_FLOAT(log1p, log1p(x), log1pf(x))

static GradTensor *log1p_slope(const OpCall *c) { return t_reciprocal(t_plus(call_in(c, 0), 1)); }

const Op op_log1p = {
    .usage = "log1p(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "log(1 + x) for each element, accurate near 0.",
    .derivative = "dx / (1 + x)",
    .example = "log1p(1e-10)  #=> 9.9999999995e-11",
    .related = "log expm1",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(log1p),
    .factor = {log1p_slope},
    .sample = {{-0.6, 3, {0}, 0, false}},
};

KERNELS1_FLOAT(log2, log2(x), log2f(x))

static GradTensor *log2_slope(const OpCall *c) { return t_from(&op_div, M_LOG2E, call_in(c, 0)); }

const Op op_log2 = {
    .usage = "log2(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The logarithm to base 2 of each element.",
    .derivative = "dx / (x log(2))",
    .example = "log2([1, 8])  #=> [0, 3]",
    .related = "log exp2",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(log2),
    .factor = {log2_slope},
    .sample = {{0.3, 3, {0}, 0, false}},
};

KERNELS1_FLOAT(log10, log10(x), log10f(x))

static GradTensor *log10_slope(const OpCall *c) { return t_from(&op_div, M_LOG10E, call_in(c, 0)); }

const Op op_log10 = {
    .usage = "log10(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The logarithm to base 10 of each element.",
    .derivative = "dx / (x log(10))",
    .example = "log10([1, 1000])  #=> [0, 3]",
    .related = "log",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(log10),
    .factor = {log10_slope},
    .sample = {{0.3, 3, {0}, 0, false}},
};

/* ---- angles ---- */

KERNELS1_FLOAT(sin, sin(x), sinf(x))

static GradTensor *sin_slope(const OpCall *c) { return t_cos(call_in(c, 0)); }

const Op op_sin = {
    .usage = "sin(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The sine of each element, in radians.",
    .derivative = "cos(x) dx",
    .example = "sin([0, pi / 2])  #=> [0, 1]",
    .related = "cos tan asin",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(sin),
    .factor = {sin_slope},
};

KERNELS1_FLOAT(cos, cos(x), cosf(x))

static GradTensor *cos_slope(const OpCall *c) { return t_neg(t_sin(call_in(c, 0))); }

const Op op_cos = {
    .usage = "cos(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The cosine of each element, in radians.",
    .derivative = "-sin(x) dx",
    .example = "cos([0, 1])  #=> [1, 0.540302]",
    .related = "sin tan acos",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(cos),
    .factor = {cos_slope},
};

KERNELS1_FLOAT(tan, tan(x), tanf(x))

static GradTensor *tan_slope(const OpCall *c) { return t_plus(t_square(c->out), 1); }

const Op op_tan = {
    .usage = "tan(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The tangent of each element, in radians.",
    .derivative = "(1 + tan(x)^2) dx",
    .example = "tan([0, 1])  #=> [0, 1.55741]",
    .related = "sin cos atan",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(tan),
    .factor = {tan_slope},
    .sample = {{-1.2, 1.2, {0}, 0, false}},
};

/* 1 - x^2, accurate near x = 1, with a derivative that is accurate near 0. */
KERNELS1_FLOAT(span, (1 - x) * (1 + x), (1 - x) * (1 + x))

static GradTensor *span_slope(const OpCall *c) { return t_times(call_in(c, 0), -2); }

static const Op span_row = {
    .usage = "span(x)", OP_ARGS(ARG_TENSOR), .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(span), .factor = {span_slope},
};

static GradTensor *span(GradTensor *x) { return op_call1(&span_row, x); }
static GradTensor *side(GradTensor *x) { return t_sqrt(span(x)); }

KERNELS1_FLOAT(asin, asin(x), asinf(x))

static GradTensor *asin_slope(const OpCall *c) { return t_reciprocal(side(call_in(c, 0))); }

const Op op_asin = {
    .usage = "asin(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The angle in [-pi/2, pi/2] whose sine is x, for each element; nan outside of [-1, 1].",
    .derivative = "dx / sqrt(1 - x^2)",
    .example = "asin([0, 1])  #=> [0, 1.5708]",
    .related = "sin acos",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(asin),
    .factor = {asin_slope},
    .sample = {{-0.8, 0.8, {0}, 0, false}},
};

KERNELS1_FLOAT(acos, acos(x), acosf(x))

static GradTensor *acos_slope(const OpCall *c) { return t_from(&op_div, -1, side(call_in(c, 0))); }

const Op op_acos = {
    .usage = "acos(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The angle in [0, pi] whose cosine is x, for each element; nan outside of [-1, 1].",
    .derivative = "-dx / sqrt(1 - x^2)",
    .example = "acos([1, 0])  #=> [0, 1.5708]",
    .related = "cos asin",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(acos),
    .factor = {acos_slope},
    .sample = {{-0.8, 0.8, {0}, 0, false}},
};

KERNELS1_FLOAT(atan, atan(x), atanf(x))

static GradTensor *atan_slope(const OpCall *c) { return t_reciprocal(t_plus(t_square(call_in(c, 0)), 1)); }

const Op op_atan = {
    .usage = "atan(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The angle in [-pi/2, pi/2] whose tangent is x, for each element.",
    .derivative = "dx / (1 + x^2)",
    .example = "atan([0, 1])  #=> [0, 0.785398]",
    .related = "tan atan2",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(atan),
    .factor = {atan_slope},
};

KERNELS2_FLOAT(atan2, atan2(x, y), atan2f(x, y))

/* x / (x^2 + y^2) as (x / h) / h, which neither overflows nor underflows on the way. */
static GradTensor *over_square(const OpCall *c, int i)
{
    GradTensor *h = op_call2(&op_hypot, call_in(c, 0), call_in(c, 1));
    return t_direction(t_direction(call_in(c, i), h), h);
}

static GradTensor *atan2_by_y(const OpCall *c) { return over_square(c, 1); }
static GradTensor *atan2_by_x(const OpCall *c) { return t_neg(over_square(c, 0)); }

const Op op_atan2 = {
    .usage = "atan2(y, x)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise",
    .doc = "The angle of the point (x, y), from -pi to pi, in the quadrant that the signs of both say. "
           "Shapes broadcast.",
    .errors = "shape when the shapes do not broadcast.",
    .derivative = "(x dy - y dx) / (x^2 + y^2), 0 where both are 0",
    .example = "atan2([1, -1], [-1, -1])  #=> [2.35619, -2.35619]",
    .related = "atan hypot",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(atan2),
    .factor = {atan2_by_y, atan2_by_x},
    .sample = {{0.3, 2, {0}, 0, false}, {-2, 2, {0}, 0, false}},
};

/* ---- hyperbolic functions ---- */

KERNELS1_FLOAT(sinh, sinh(x), sinhf(x))

static GradTensor *sinh_slope(const OpCall *c) { return t_cosh(call_in(c, 0)); }

const Op op_sinh = {
    .usage = "sinh(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The hyperbolic sine of each element.",
    .derivative = "cosh(x) dx",
    .example = "sinh([0, 1])  #=> [0, 1.1752]",
    .related = "cosh tanh asinh",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(sinh),
    .factor = {sinh_slope},
};

KERNELS1_FLOAT(cosh, cosh(x), coshf(x))

static GradTensor *cosh_slope(const OpCall *c) { return t_sinh(call_in(c, 0)); }

const Op op_cosh = {
    .usage = "cosh(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The hyperbolic cosine of each element.",
    .derivative = "sinh(x) dx",
    .example = "cosh([0, 1])  #=> [1, 1.54308]",
    .related = "sinh tanh acosh",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(cosh),
    .factor = {cosh_slope},
};

KERNELS1_FLOAT(tanh, tanh(x), tanhf(x))

/* 1 - y^2, from the output, so that tanh is not computed twice. */
static GradTensor *tanh_slope(const OpCall *c) { return t_minus_from(1, t_square(c->out)); }

const Op op_tanh = {
    .usage = "tanh(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The hyperbolic tangent of each element.",
    .derivative = "(1 - tanh(x)^2) dx",
    .example = "tanh([0, 1])  #=> [0, 0.761594]",
    .related = "sinh cosh atanh sigmoid",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(tanh),
    .factor = {tanh_slope},
};

KERNELS1_FLOAT(asinh, asinh(x), asinhf(x))

static GradTensor *asinh_slope(const OpCall *c) { return t_reciprocal(t_with(&op_hypot, call_in(c, 0), 1)); }

const Op op_asinh = {
    .usage = "asinh(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The inverse of sinh, for each element.",
    .derivative = "dx / sqrt(1 + x^2)",
    .example = "asinh([0, 1])  #=> [0, 0.881374]",
    .related = "sinh acosh",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(asinh),
    .factor = {asinh_slope},
};

KERNELS1_FLOAT(acosh, acosh(x), acoshf(x))

static GradTensor *acosh_slope(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    return t_reciprocal(t_mul(t_sqrt(t_plus(x, -1)), t_sqrt(t_plus(x, 1))));
}

const Op op_acosh = {
    .usage = "acosh(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The inverse of cosh, for each element; nan below 1.",
    .derivative = "dx / sqrt(x^2 - 1)",
    .example = "acosh([1, 2])  #=> [0, 1.31696]",
    .related = "cosh asinh",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(acosh),
    .factor = {acosh_slope},
    .sample = {{1.3, 3, {0}, 0, false}},
};

KERNELS1_FLOAT(atanh, atanh(x), atanhf(x))

static GradTensor *atanh_slope(const OpCall *c) { return t_reciprocal(span(call_in(c, 0))); }

const Op op_atanh = {
    .usage = "atanh(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The inverse of tanh, for each element; inf at 1, nan outside of [-1, 1].",
    .derivative = "dx / (1 - x^2)",
    .example = "atanh([0, 0.5])  #=> [0, 0.549306]",
    .related = "tanh",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(atanh),
    .factor = {atanh_slope},
    .sample = {{-0.7, 0.7, {0}, 0, false}},
};
