/* Arithmetic, element by element: what the operators mean, and their relatives. */
#include "grad/batch.h"
#include "ops/masks.h"
#include "tensor/kernel.h"
#include "tensor/reduce.h"

/* ---- subtraction, multiplication, division ---- */

KERNELS2_FLOAT(sub, x - y, x - y)
KERNELS2_WRAPPING(sub, x - y)

const Op op_sub = {
    .usage = "sub(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise", .infix = "-",
    .doc = "Difference of two tensors, element by element. Shapes broadcast. Integers wrap.",
    .errors = "shape when the shapes do not broadcast.",
    .derivative = "da - db",
    .example = "sub([5, 7], 2)  #=> [3, 5]",
    .related = "add neg",
    .kernel = KERNELS_NUMERIC(sub), .wraps = true,
    .factor = {factor_one, factor_minus_one},
};

KERNELS2_FLOAT(mul, x * y, x * y)
KERNELS2_WRAPPING(mul, (uint64_t)x * y)

const Op op_mul = {
    .usage = "mul(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise", .infix = "*",
    .doc = "Product of two tensors, element by element. Shapes broadcast. Integers wrap.",
    .errors = "shape when the shapes do not broadcast.",
    .derivative = "b da + a db",
    .example = "mul([1, 2, 3], [4, 5, 6])  #=> [4, 10, 18]",
    .related = "div matmul square",
    .kernel = KERNELS_NUMERIC(mul), .wraps = true,
    .factor = {factor_right, factor_left},
};

KERNELS2_FLOAT(div, x / y, x / y)

static GradTensor *div_above(const OpCall *c) { return t_reciprocal(call_in(c, 1)); }
static GradTensor *div_below(const OpCall *c) { return t_neg(t_div(c->out, call_in(c, 1))); }

const Op op_div = {
    .usage = "div(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise", .infix = "/",
    .doc = "Quotient of two tensors, element by element, always in floating point. Shapes broadcast. "
           "Division by zero gives inf or nan.",
    .errors = "shape when the shapes do not broadcast.",
    .derivative = "da / b - (a / b^2) db",
    .example = "div([1, 2], 4)  #=> [0.25, 0.5]",
    .related = "floor_div mod reciprocal",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(div),
    .factor = {div_above, div_below},
    .sample = {{-2, 2, {0}, 0, false}, {0.4, 2, {0}, 0, false}},
};

/* ---- division with a whole quotient ----
 *
 * Float quotients and remainders belong together: a == b * (a // b) + a % b as nearly as rounding allows,
 * so both come from fmod, which is exact, or from what gives the same. fmod takes time for every bit of the
 * quotient. While these are few, q = floor(x / y) is right, or 1 too large where the division was rounded up to
 * a whole number; the sign of x - q y tells which, and then x - q y is exact. */

#define WHOLE_DIVISION(suffix, Float, f, small) \
    static inline bool is_small_##suffix(Float x, Float y) \
    { \
        return fabs##f(x / y) < small && fabs##f(y) < INFINITY; \
    } \
    /* `mended` when the remainder does not have the sign of the divisor. */ \
    static inline Float signed_like_##suffix(Float r, Float y, Float mended, Float same) \
    { \
        return r != 0 && (r < 0) != (y < 0) ? mended : same; \
    } \
    static inline Float small_mod_##suffix(Float x, Float y) \
    { \
        Float r = fma##f(-floor##f(x / y), y, x); \
        return r == 0 ? copysign##f(0, y) : signed_like_##suffix(r, y, r + y, r); \
    } \
    static inline Float small_div_##suffix(Float x, Float y) \
    { \
        Float q = floor##f(x / y); \
        q = signed_like_##suffix(fma##f(-q, y, x), y, q - 1, q); \
        return q == 0 ? copysign##f(0, x / y) : q; \
    } \
    static Float any_mod_##suffix(Float x, Float y) \
    { \
        Float r = fmod##f(x, y); \
        return r == 0 ? copysign##f(0, y) : signed_like_##suffix(r, y, r + y, r); \
    } \
    static Float any_div_##suffix(Float x, Float y) \
    { \
        Float r = fmod##f(x, y), q = (x - r) / y; \
        if (y == 0) \
            return x / y; \
        q = signed_like_##suffix(r, y, q - 1, q); \
        return q == 0 ? copysign##f(0, x / y) : nearbyint##f(q); \
    } \
    KERNEL2(small_mod_all_##suffix, Float, Float, small_mod_##suffix(x, y)) \
    KERNEL2(small_div_all_##suffix, Float, Float, small_div_##suffix(x, y)) \
    KERNEL_CLONES static bool all_small_##suffix(long n, const Float *x, const Float *y) \
    { \
        long others = 0; \
        for (long i = 0; i < n; i++) \
            others += !is_small_##suffix(x[i], y[i]); \
        return others == 0; \
    } \
    static void divide_##suffix(long n, Float *to, const void *const *in, BlockKernel *all, \
                                Float any(Float, Float)) \
    { \
        const Float *x = in[0], *y = in[1]; \
        all(n, to, in); \
        if (all_small_##suffix(n, x, y)) \
            return; \
        for (long i = 0; i < n; i++) \
            if (!is_small_##suffix(x[i], y[i])) \
                to[i] = any(x[i], y[i]); \
    } \
    static void mod_##suffix(long n, void *restrict out, const void *const *in) \
    { \
        divide_##suffix(n, out, in, small_mod_all_##suffix, any_mod_##suffix); \
    } \
    static void floor_div_##suffix(long n, void *restrict out, const void *const *in) \
    { \
        divide_##suffix(n, out, in, small_div_all_##suffix, any_div_##suffix); \
    }

WHOLE_DIVISION(f64, double, , 0x1p51)
WHOLE_DIVISION(f32, float, f, 0x1p22f)

/* The smallest integer divided by -1 wraps, where the machine's division would trap. y is not 0. */
static inline int64_t whole_div(int64_t x, int64_t y)
{
    if (y == -1)
        return (int64_t)(0 - (uint64_t)x);
    int64_t q = x / y, r = x % y;
    return q - (r != 0 && (r < 0) != (y < 0));
}

static inline int64_t whole_mod(int64_t x, int64_t y)
{
    int64_t r = y == -1 ? 0 : x % y;
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

KERNELS2_SIGNED(floor_div, whole_div(x, y))
KERNELS2_SIGNED(mod, whole_mod(x, y))

static const Op floor_div_plain = {
    .usage = "floor_div(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .infix = "//",
    .kernel = KERNELS_NUMERIC(floor_div),
    .vjp = flat_vjp, .jvp = flat_jvp,
};

static GradTensor *mod_quotient(const OpCall *c)
{
    return t_neg(op_call2(&op_floor_div, call_in(c, 0), call_in(c, 1)));
}

static const Op mod_plain = {
    .usage = "mod(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .infix = "%",
    .kernel = KERNELS_NUMERIC(mod),
    .factor = {factor_one, mod_quotient},
};

/* Of every slice when x is mapped. */
static bool all_true(GradTensor *x)
{
    return tensor_all(&batch_of(x)->t);
}

/* Integers have no infinity to answer with, so a zero among the divisors is an error. A number is
 * converted first, because 256 is a zero beside uint8. */
static GradTensor *divide_whole(const OpCall *c, const Op *plain)
{
    Dtype dtype = call_dtype(c);
    Arg args[OP_MAX_ARGS] = {c->args[0], c->args[1]};
    if (dtype_is_float(dtype))
        return op_call(plain, args, c->numbers);
    if (c->numbers >> 1 & 1)
        args[1].tensor = gt_cast(gt_scalar(DTYPE_INT64, args[1].number), dtype);
    if (!all_true(args[1].tensor))
        call_error(c, ERROR_VALUE, "integer division by zero");
    return op_call(plain, args, c->numbers & 1);
}

static GradTensor *floor_div_compose(const OpCall *c) { return divide_whole(c, &floor_div_plain); }
static GradTensor *mod_compose(const OpCall *c) { return divide_whole(c, &mod_plain); }

const Op op_floor_div = {
    .usage = "floor_div(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise", .infix = "//",
    .doc = "The quotient rounded down to a whole number, element by element; integers stay integers and "
           "wrap. Floats divided by zero give inf or nan.",
    .errors = "value when integers are divided by zero; shape when the shapes do not broadcast.",
    .derivative = "0",
    .example = "floor_div([7, -7], 2)  #=> [3, -4]",
    .related = "mod div floor",
    .compose = floor_div_compose, .kernel = KERNELS_NUMERIC(floor_div),
    .check = "x[3]: floor_div(x, 7.3)",
};

const Op op_mod = {
    .usage = "mod(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise", .infix = "%",
    .doc = "The remainder of floor_div, element by element: a - b * floor(a / b), with the sign of b. "
           "Integers stay integers. Floats modulo zero give nan.",
    .errors = "value when integers are divided by zero; shape when the shapes do not broadcast.",
    .derivative = "da - floor(a / b) db",
    .example = "mod([7, -7], 3)  #=> [1, 2]",
    .related = "floor_div",
    .compose = mod_compose, .kernel = KERNELS_NUMERIC(mod),
    .sample = {{0.1, 0.9, {0}, 0, false}, {1.1, 1.9, {0}, 0, false}},
    .check = "x[2, 3] y[3]: mod(x, y)\n"
             "x[2, 3] y[2, 3]: mod(-x, y)\n"
             "x[3] y[3]: mod(x, y) * x",
};

/* ---- power ----
 *
 * When one exponent serves a whole block, the frequent ones take no call of pow. */

#define POWER_KERNELS(suffix, Float, power, root) \
    KERNEL_CLONES static bool all_equal_##suffix(long n, const Float *y) \
    { \
        long others = 0; \
        for (long i = 0; i < n; i++) \
            others += y[i] != y[0]; \
        return others == 0; \
    } \
    KERNEL2(each_power_##suffix, Float, Float, power(x, y)) \
    KERNEL1(inverse_##suffix, Float, Float, 1 / x) \
    KERNEL1(root_##suffix, Float, Float, x == -INFINITY ? INFINITY : root(x) + 0) \
    KERNEL1(second_##suffix, Float, Float, x * x) \
    KERNEL1(third_##suffix, Float, Float, x * x * x) \
    KERNEL1(fourth_##suffix, Float, Float, (x * x) * (x * x)) \
    static void pow_##suffix(long n, void *restrict out, const void *const *in) \
    { \
        static const struct { Float exponent; BlockKernel *kernel; } frequent[] = { \
            {2, second_##suffix}, {3, third_##suffix}, {(Float)0.5, root_##suffix}, {-1, inverse_##suffix}, \
            {4, fourth_##suffix}, \
        }; \
        const Float *y = in[1]; \
        bool same = n > 1 && all_equal_##suffix(n, y); \
        for (size_t k = 0; same && k < sizeof frequent / sizeof *frequent; k++) { \
            if (frequent[k].exponent == y[0]) { \
                frequent[k].kernel(n, out, in); \
                return; \
            } \
        } \
        each_power_##suffix(n, out, in); \
    }

POWER_KERNELS(f64, double, pow, sqrt)
POWER_KERNELS(f32, float, powf, sqrtf)

/* By repeated squaring, modulo 2^64; y is not negative. */
static inline uint64_t whole_power(uint64_t x, uint64_t y)
{
    uint64_t product = 1;
    for (; y != 0; y >>= 1, x *= x)
        product *= y & 1 ? x : 1;
    return product;
}

KERNELS2_WRAPPING(pow, whole_power(x, y))

/* Where y x^(y-1) is 0 times infinity: at y = 0, x near 0 or not finite. */
KERNEL2(vanishing_f64, double, uint8_t, x == 0 && !(fabs(y) < INFINITY))
KERNEL2(vanishing_f32, float, uint8_t, x == 0 && !(fabsf(y) < INFINITY))

static const Op vanishing = {
    .usage = "vanishing(factor, power)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .constant = "boolean result",
    .dtypes = DTYPES_COMPARE, .kernel = KERNELS_FLOAT(vanishing),
};

/* Where x^y log x counts as 0 though the logarithm is infinite: at x = 0 for y >= 0. */
KERNEL2(flat_f64, double, uint8_t, x == 0 && y >= 0)
KERNEL2(flat_f32, float, uint8_t, x == 0 && y >= 0)

static const Op flat_in_exponent = {
    .usage = "flat_in_exponent(x, y)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .constant = "boolean result",
    .dtypes = DTYPES_COMPARE, .kernel = KERNELS_FLOAT(flat),
};

static GradTensor *pow_by_number(GradTensor *x, double k)
{
    return k == 1 ? x : t_with(&op_pow, x, k);
}

/* y x^(y-1); x^0 is constant even where x^-1 is infinite. */
static GradTensor *pow_base(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *y = call_in(c, 1);
    double k = c->args[1].number;
    if (!(c->numbers >> 1 & 1)) {
        GradTensor *power = t_pow(x, t_plus(y, -1));
        return t_zero_where(op_call2(&vanishing, y, power), t_mul(y, power));
    }
    if (k == 0 || k == 1)
        return k == 0 ? gt_zeros_like(c->out) : gt_ones_like(c->out);
    return t_times(pow_by_number(x, k - 1), k);
}

static GradTensor *pow_exponent(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *y = call_in(c, 1);
    return t_zero_where(op_call2(&flat_in_exponent, x, y), t_mul(c->out, t_log(x)));
}

static const Op pow_plain = {
    .usage = "pow(x, y)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .infix = "^",
    .kernel = KERNELS_NUMERIC(pow),
    .factor = {pow_base, pow_exponent},
};

/* A negative exponent takes integers out of the integers: a number says so at once, a tensor must not
 * decide on the dtype by its elements. */
static GradTensor *pow_compose(const OpCall *c)
{
    Arg args[OP_MAX_ARGS] = {c->args[0], c->args[1]};
    if (!dtype_is_float(call_dtype(c))) {
        if (!(c->numbers >> 1 & 1)) {
            if (!all_true(t_with(&op_ge, args[1].tensor, 0)))
                call_error_hint(c, ERROR_VALUE, "convert one of them: x.to(\"float64\")",
                                 "integers to negative integer powers have no integer result");
        } else if (args[1].number < 0) {
            args[0].tensor = gt_cast(args[0].tensor, grad_state()->default_dtype);
        }
    }
    return op_call(&pow_plain, args, c->numbers);
}

const Op op_pow = {
    .usage = "pow(x, y)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise", .infix = "^",
    .doc = "x to the power y, element by element. Shapes broadcast. Integers to whole powers stay integers "
           "and wrap; with a negative number as exponent they become the default float dtype. x^0 is 1. A "
           "negative x to a power that is not whole gives nan.",
    .errors = "value when integers meet an integer tensor with negative exponents; shape when the shapes do "
              "not broadcast.",
    .derivative = "y x^(y-1) dx + x^y log(x) dy; x^0 has derivative 0 in x, 0^y (y >= 0) has derivative 0 "
                  "in y",
    .example = "pow([1, 2, 3], 2)  #=> [1, 4, 9]",
    .related = "square sqrt exp",
    .compose = pow_compose, .kernel = KERNELS_NUMERIC(pow),
    .sample = {{0.3, 2, {0}, 0, false}, {-2, 2, {0}, 0, false}},
    .check = "x[2, 3] y[3]: pow(x, y)\n"
             "x[] y[2]: pow(x, y)\n"
             "x[3]: pow(-x, 3)\n"
             "x[3]: pow(x, 2)\n"
             "x[3]: pow(x, -1.5)\n"
             "x[3]: pow(2, x)\n"
             "x[3] y[3]: pow(x, x)",
};

/* ---- functions of one element ---- */

static inline int64_t whole_abs(int64_t x) { return x < 0 ? (int64_t)(0 - (uint64_t)x) : x; }
static inline int64_t whole_sign(int64_t x) { return (x > 0) - (x < 0); }

KERNELS1_FLOAT(square, x * x, x * x)
KERNELS1_WRAPPING(square, (uint64_t)x * x)

static GradTensor *square_slope(const OpCall *c) { return t_times(call_in(c, 0), 2); }

const Op op_square = {
    .usage = "square(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "x * x for each element. Integers stay integers and wrap.",
    .derivative = "2 x dx",
    .example = "square([-3, 4])  #=> [9, 16]",
    .related = "pow sqrt",
    .kernel = KERNELS_NUMERIC(square),
    .factor = {square_slope},
};

KERNELS1_FLOAT(reciprocal, 1 / x, 1 / x)

static GradTensor *reciprocal_slope(const OpCall *c) { return t_neg(t_square(c->out)); }

const Op op_reciprocal = {
    .usage = "reciprocal(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "1 / x for each element, in floating point.",
    .derivative = "-dx / x^2",
    .example = "reciprocal([1, 2, 4])  #=> [1, 0.5, 0.25]",
    .related = "div",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(reciprocal),
    .factor = {reciprocal_slope},
    .sample = {{0.4, 2, {0}, 0, false}},
};

KERNELS1_FLOAT(abs, fabs(x), fabsf(x))
KERNELS1_SIGNED(abs, whole_abs(x))

static GradTensor *abs_slope(const OpCall *c) { return t_sign(call_in(c, 0)); }

const Op op_abs = {
    .usage = "abs(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The absolute value of each element. Integers stay integers; the smallest one wraps to itself.",
    .derivative = "sign(x) dx, 0 at 0",
    .example = "abs([-2, 0, 3])  #=> [2, 0, 3]",
    .related = "sign norm",
    .kernel = KERNELS_NUMERIC(abs),
    .factor = {abs_slope},
    .sample = {{-2, 2, {0}, 1, false}},
};

KERNELS1_FLOAT(sign, x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x, x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x)
KERNELS1_SIGNED(sign, whole_sign(x))

const Op op_sign = {
    .usage = "sign(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "-1, 0 or 1 for each element, by its sign; nan stays nan. Integers stay integers.",
    .derivative = "0",
    .example = "sign([-2, 0, 3])  #=> [-1, 0, 1]",
    .related = "abs",
    .kernel = KERNELS_NUMERIC(sign),
    .vjp = flat_vjp, .jvp = flat_jvp,
    .sample = {{-2, 2, {0}, 1, false}},
};

KERNELS1_FLOAT(sqrt, sqrt(x), sqrtf(x))

static GradTensor *sqrt_slope(const OpCall *c) { return t_from(&op_div, 0.5, c->out); }

const Op op_sqrt = {
    .usage = "sqrt(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The square root of each element; nan for negative ones.",
    .derivative = "dx / (2 sqrt(x)), inf at 0",
    .example = "sqrt([1, 4, 9])  #=> [1, 2, 3]",
    .related = "cbrt square pow",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(sqrt),
    .factor = {sqrt_slope},
    .sample = {{0.2, 3, {0}, 0, false}},
};

/* The vector versions of cbrt are off by a bit in places where users know the answer: whole numbers. */
static inline double cube_root(double x)
{
    double y = cbrt(x), whole = nearbyint(y);
    return whole * whole * whole == x ? whole : y;
}

static inline float cube_root_f(float x)
{
    float y = cbrtf(x), whole = nearbyintf(y);
    return whole * whole * whole == x ? whole : y;
}

KERNELS1_FLOAT(cbrt, cube_root(x), cube_root_f(x))

static GradTensor *cbrt_slope(const OpCall *c) { return t_from(&op_div, 1.0 / 3, t_square(c->out)); }

const Op op_cbrt = {
    .usage = "cbrt(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The real cube root of each element, with its sign.",
    .derivative = "dx / (3 cbrt(x)^2), inf at 0",
    .example = "cbrt([8, -27])  #=> [2, -3]",
    .related = "sqrt pow",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(cbrt),
    .factor = {cbrt_slope},
    .sample = {{0.2, 3, {0}, 0, false}},
};

KERNELS2_FLOAT(hypot, hypot(x, y), hypotf(x, y))

static GradTensor *hypot_left(const OpCall *c) { return t_direction(call_in(c, 0), c->out); }
static GradTensor *hypot_right(const OpCall *c) { return t_direction(call_in(c, 1), c->out); }

const Op op_hypot = {
    .usage = "hypot(x, y)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise",
    .doc = "sqrt(x^2 + y^2), element by element, without overflow or underflow on the way. Shapes broadcast.",
    .errors = "shape when the shapes do not broadcast.",
    .derivative = "(x dx + y dy) / hypot(x, y), 0 where that is 0",
    .example = "hypot(3, 4)  #=> 5",
    .related = "norm atan2",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(hypot),
    .factor = {hypot_left, hypot_right},
    .sample = {{0.3, 2, {0}, 0, false}, {0.3, 2, {0}, 0, false}},
};
