/* Special functions. The error functions and the gamma function come from the C library, digamma and its
 * derivatives from the GNU Scientific Library. */
#include "ops/rules.h"
#include "tensor/kernel.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_sf_psi.h>

/* ---- error functions ---- */

KERNELS1_FLOAT(erf, erf(x), erff(x))

/* 2 / sqrt(pi) exp(-x^2) */
static GradTensor *bell(GradTensor *x) { return t_times(t_exp(t_neg(t_square(x))), M_2_SQRTPI); }
static GradTensor *erf_slope(const OpCall *c) { return bell(call_in(c, 0)); }
static GradTensor *erfc_slope(const OpCall *c) { return t_neg(bell(call_in(c, 0))); }

const Op op_erf = {
    .usage = "erf(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The error function of each element.",
    .derivative = "2 / sqrt(pi) exp(-x^2) dx",
    .example = "erf([0, 1])  #=> [0, 0.842701]",
    .related = "erfc gelu",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(erf),
    .factor = {erf_slope},
};

KERNELS1_FLOAT(erfc, erfc(x), erfcf(x))

const Op op_erfc = {
    .usage = "erfc(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "1 - erf(x) for each element, accurate where erf(x) is near 1.",
    .derivative = "-2 / sqrt(pi) exp(-x^2) dx",
    .example = "erfc([0, 5])  #=> [1, 1.53746e-12]",
    .related = "erf",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(erfc),
    .factor = {erfc_slope},
};

/* ---- polygamma ----
 *
 * The n-th derivative of digamma. GSL has it for positive x; other x are reflected, by Abramowitz and
 * Stegun 6.4.7: psi_n(x) = (-1)^n psi_n(1 - x) - pi d^n/dx^n cot(pi x). */

enum { POLYGAMMA_MAX = 100 };

/* The n-th derivative of pi cot(pi x) by x, as a polynomial in c = cot(pi x), for which
 * d/dx c^k = -pi k c^(k-1) (1 + c^2). */
static double cotangent_derivative(int n, double x)
{
    double p[POLYGAMMA_MAX + 3] = {0, 1}, next[POLYGAMMA_MAX + 3];
    double c = 1 / tan(M_PI * (x - nearbyint(x))), sum = 0;
    for (int step = 1; step <= n; step++) {
        for (int k = 0; k <= step + 1; k++)
            next[k] = -M_PI * ((k + 1) * (k + 1 <= step ? p[k + 1] : 0) + (k > 0 ? (k - 1) * p[k - 1] : 0));
        for (int k = 0; k <= step + 1; k++)
            p[k] = next[k];
    }
    for (int k = n + 1; k >= 0; k--)
        sum = sum * c + p[k];
    return M_PI * sum;
}

static double at_pole(int n, double x)
{
    if (n > 0)
        return n % 2 == 1 ? INFINITY : -INFINITY;
    return x == 0 ? copysign(INFINITY, -x) : NAN;
}

static double polygamma(int n, double x)
{
    gsl_sf_result result = {NAN, 0};
    if (x != x || x == -INFINITY || n < 0 || n > POLYGAMMA_MAX)
        return NAN;
    if (x == INFINITY)
        return n == 0 ? INFINITY : 0;
    if (x <= 0 && x == floor(x))
        return at_pole(n, x);
    if (x < 0)
        return (n % 2 == 0 ? 1 : -1) * polygamma(n, 1 - x) - cotangent_derivative(n, x);
    if (n == 0)
        gsl_sf_psi_e(x, &result);
    else
        gsl_sf_psi_n_e(n, x, &result);
    return result.val;
}

/* GSL's default on overflow is to abort; its results say all that is needed. */
#define POLYGAMMA_KERNEL(suffix, Float) \
    static void polygamma_##suffix(long n, void *restrict out, const void *const *in) \
    { \
        const Float *order = in[0], *x = in[1]; \
        Float *to = out; \
        gsl_set_error_handler_off(); \
        for (long i = 0; i < n; i++) \
            to[i] = (Float)polygamma((int)order[i], (double)x[i]); \
    }

POLYGAMMA_KERNEL(f64, double)
POLYGAMMA_KERNEL(f32, float)

static GradTensor *polygamma_slope(const OpCall *c);

const Op op_polygamma = {
    .usage = "polygamma(n, x)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .constant_args = 1,
    .doc = "The n-th derivative of digamma, n from 0 to 100.",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(polygamma),
    .factor = {factor_zero, polygamma_slope},
    .sample = {{1, 3, {0}, 0, true}, {0.5, 3, {0}, 0, false}},
};

static GradTensor *polygamma_slope(const OpCall *c)
{
    return op_call2(&op_polygamma, t_plus(call_in(c, 0), 1), call_in(c, 1));
}

/* ---- the gamma function ---- */

#define DIGAMMA_KERNEL(suffix, Float) \
    static void digamma_##suffix(long n, void *restrict out, const void *const *in) \
    { \
        const Float *x = in[0]; \
        Float *to = out; \
        gsl_set_error_handler_off(); \
        for (long i = 0; i < n; i++) \
            to[i] = (Float)polygamma(0, (double)x[i]); \
    }

DIGAMMA_KERNEL(f64, double)
DIGAMMA_KERNEL(f32, float)

static GradTensor *digamma_slope(const OpCall *c) { return t_from(&op_polygamma, 1, call_in(c, 0)); }

const Op op_digamma = {
    .usage = "digamma(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The derivative of lgamma for each element; nan at negative whole numbers, -inf at 0.",
    .derivative = "trigamma(x) dx; higher derivatives are polygamma functions",
    .example = "digamma([1, 2])  #=> [-0.577216, 0.422784]",
    .related = "lgamma",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(digamma),
    .factor = {digamma_slope},
    .sample = {{0.5, 3, {0}, 0, false}},
};

/* The reentrant functions of the library, because lgamma itself stores the sign in a global variable. */
static inline double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

static inline float log_gamma_f(float x)
{
    int sign;
    return lgammaf_r(x, &sign);
}

KERNELS1_FLOAT(lgamma, log_gamma(x), log_gamma_f(x))

static GradTensor *lgamma_slope(const OpCall *c) { return op_call1(&op_digamma, call_in(c, 0)); }

const Op op_lgamma = {
    .usage = "lgamma(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The logarithm of the absolute value of the gamma function of each element; inf at 0 and at "
           "negative whole numbers.",
    .derivative = "digamma(x) dx",
    .example = "lgamma([1, 5])  #=> [0, 3.17805]",
    .related = "digamma",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(lgamma),
    .factor = {lgamma_slope},
    .sample = {{0.5, 3, {0}, 0, false}},
};
