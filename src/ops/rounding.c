/* Rounding, and what gives bools: tests, comparisons, logic. */
#include "ops/masks.h"
#include "tensor/kernel.h"

/* ---- rounding: integers are whole already ---- */

#define KERNELS1_KEEPING(name) \
    KERNEL1(name##_u8, uint8_t, uint8_t, x) \
    KERNEL1(name##_i32, int32_t, int32_t, x) \
    KERNEL1(name##_i64, int64_t, int64_t, x)

/* By nearbyint, which the compiler makes a vector instruction of; it leaves out floor, ceil and trunc. */
static inline double down(double x)
{
    double whole = nearbyint(x);
    return whole - (whole > x);
}

static inline double up(double x)
{
    double whole = nearbyint(x);
    return copysign(whole + (whole < x), x);
}

static inline double inward(double x) { return copysign(down(fabs(x)), x); }

static inline float down_f(float x)
{
    float whole = nearbyintf(x);
    return whole - (float)(whole > x);
}

static inline float up_f(float x)
{
    float whole = nearbyintf(x);
    return copysignf(whole + (float)(whole < x), x);
}

static inline float inward_f(float x) { return copysignf(down_f(fabsf(x)), x); }

KERNELS1_FLOAT(floor, down(x), down_f(x))
KERNELS1_KEEPING(floor)

const Op op_floor = {
    .usage = "floor(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The largest whole number not above each element. Integers stay as they are.",
    .derivative = "0",
    .example = "floor([1.5, -1.5])  #=> [1, -2]",
    .related = "ceil round trunc floor_div",
    .kernel = KERNELS_NUMERIC(floor),
    .vjp = flat_vjp, .jvp = flat_jvp,
    .sample = {{0.1, 0.4, {0}, 0, false}},
};

KERNELS1_FLOAT(ceil, up(x), up_f(x))
KERNELS1_KEEPING(ceil)

const Op op_ceil = {
    .usage = "ceil(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The smallest whole number not below each element. Integers stay as they are.",
    .derivative = "0",
    .example = "ceil([1.5, -1.5])  #=> [2, -1]",
    .related = "floor round trunc",
    .kernel = KERNELS_NUMERIC(ceil),
    .vjp = flat_vjp, .jvp = flat_jvp,
    .sample = {{0.1, 0.4, {0}, 0, false}},
};

KERNELS1_FLOAT(round, nearbyint(x), nearbyintf(x))
KERNELS1_KEEPING(round)

const Op op_round = {
    .usage = "round(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "The whole number nearest to each element; halves go to the even one, as in IEEE 754. Integers "
           "stay as they are.",
    .derivative = "0",
    .example = "round([0.5, 1.5, 2.4])  #=> [0, 2, 2]",
    .related = "floor ceil trunc",
    .kernel = KERNELS_NUMERIC(round),
    .vjp = flat_vjp, .jvp = flat_jvp,
    .sample = {{0.1, 0.4, {0}, 0, false}},
};

KERNELS1_FLOAT(trunc, inward(x), inward_f(x))
KERNELS1_KEEPING(trunc)

const Op op_trunc = {
    .usage = "trunc(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "Each element without its fraction. Integers stay as they are.",
    .derivative = "0",
    .example = "trunc([1.7, -1.7])  #=> [1, -1]",
    .related = "floor ceil round",
    .kernel = KERNELS_NUMERIC(trunc),
    .vjp = flat_vjp, .jvp = flat_jvp,
    .sample = {{0.1, 0.4, {0}, 0, false}},
};

/* ---- tests ---- */

#define TEST_KERNELS(name, integer_answer, f64_test, f32_test) \
    KERNEL1(name##_u8, uint8_t, uint8_t, ((void)x, integer_answer)) \
    KERNEL1(name##_i32, int32_t, uint8_t, ((void)x, integer_answer)) \
    KERNEL1(name##_i64, int64_t, uint8_t, ((void)x, integer_answer)) \
    KERNEL1(name##_f32, float, uint8_t, f32_test) \
    KERNEL1(name##_f64, double, uint8_t, f64_test)

TEST_KERNELS(isnan, 0, x != x, x != x)
TEST_KERNELS(isinf, 0, fabs(x) == INFINITY, fabsf(x) == INFINITY)
TEST_KERNELS(isfinite, 1, fabs(x) < INFINITY, fabsf(x) < INFINITY)

const Op op_isnan = {
    .usage = "isnan(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "Whether each element is nan, as a bool tensor.",
    .example = "isnan([1, nan, inf])  #=> [false, true, false]",
    .related = "isinf isfinite",
    .dtypes = DTYPES_COMPARE,
    .kernel = KERNELS_ANY(isnan),
    .constant = "boolean result",
};

const Op op_isinf = {
    .usage = "isinf(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "Whether each element is inf or -inf, as a bool tensor.",
    .example = "isinf([1, nan, -inf])  #=> [false, false, true]",
    .related = "isnan isfinite",
    .dtypes = DTYPES_COMPARE,
    .kernel = KERNELS_ANY(isinf),
    .constant = "boolean result",
};

const Op op_isfinite = {
    .usage = "isfinite(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "Whether each element is neither infinite nor nan, as a bool tensor.",
    .example = "isfinite([1, nan, inf])  #=> [true, false, false]",
    .related = "isnan isinf",
    .dtypes = DTYPES_COMPARE,
    .kernel = KERNELS_ANY(isfinite),
    .constant = "boolean result",
};

/* ---- comparisons ---- */

KERNELS2_TEST(eq, x == y)
KERNELS2_TEST(ne, x != y)
KERNELS2_TEST(lt, x < y)
KERNELS2_TEST(le, x <= y)
KERNELS2_TEST(gt, x > y)
KERNELS2_TEST(ge, x >= y)

const Op op_eq = {
    .usage = "eq(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise", .infix = "==",
    .doc = "Whether two elements are equal, as a bool tensor. nan equals nothing. Shapes broadcast.",
    .errors = "shape when the shapes do not broadcast.",
    .example = "eq([1, 2], [1, 3])  #=> [true, false]",
    .related = "ne allclose array_equal",
    .dtypes = DTYPES_COMPARE,
    .kernel = KERNELS_ANY(eq), .constant = "boolean result",
};

const Op op_ne = {
    .usage = "ne(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise", .infix = "!=",
    .doc = "Whether two elements differ, as a bool tensor. Shapes broadcast.",
    .errors = "shape when the shapes do not broadcast.",
    .example = "ne([1, 2], [1, 3])  #=> [false, true]",
    .related = "eq",
    .dtypes = DTYPES_COMPARE,
    .kernel = KERNELS_ANY(ne), .constant = "boolean result",
};

const Op op_lt = {
    .usage = "lt(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise", .infix = "<",
    .doc = "Whether an element of a is less than that of b, as a bool tensor. Shapes broadcast.",
    .errors = "shape when the shapes do not broadcast.",
    .example = "lt([1, 2, 3], 2)  #=> [true, false, false]",
    .related = "le gt ge",
    .dtypes = DTYPES_COMPARE,
    .kernel = KERNELS_ANY(lt), .constant = "boolean result",
};

const Op op_le = {
    .usage = "le(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise", .infix = "<=",
    .doc = "Whether an element of a is at most that of b, as a bool tensor. Shapes broadcast.",
    .errors = "shape when the shapes do not broadcast.",
    .example = "le([1, 2, 3], 2)  #=> [true, true, false]",
    .related = "lt gt ge",
    .dtypes = DTYPES_COMPARE,
    .kernel = KERNELS_ANY(le), .constant = "boolean result",
};

const Op op_gt = {
    .usage = "gt(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise", .infix = ">",
    .doc = "Whether an element of a is greater than that of b, as a bool tensor. Shapes broadcast.",
    .errors = "shape when the shapes do not broadcast.",
    .example = "gt([1, 2, 3], 2)  #=> [false, false, true]",
    .related = "ge lt le",
    .dtypes = DTYPES_COMPARE,
    .kernel = KERNELS_ANY(gt), .constant = "boolean result",
};

const Op op_ge = {
    .usage = "ge(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise", .infix = ">=",
    .doc = "Whether an element of a is at least that of b, as a bool tensor. Shapes broadcast.",
    .errors = "shape when the shapes do not broadcast.",
    .example = "ge([1, 2, 3], 2)  #=> [false, true, true]",
    .related = "gt lt le",
    .dtypes = DTYPES_COMPARE,
    .kernel = KERNELS_ANY(ge), .constant = "boolean result",
};

/* ---- logic ----
 *
 * Numbers are looked at before they are converted to the tensor's dtype, where 1e-60 could become 0. */

#define LOGICAL(name, expression) \
    KERNELS2_TEST(name, expression) \
    static const Op name##_plain = { \
        .usage = "logical_" #name "(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .constant = "boolean result", \
        .dtypes = DTYPES_COMPARE, .kernel = KERNELS_ANY(name), \
    }; \
    static GradTensor *name##_compose(const OpCall *c) { return combine(c, &name##_plain); }

static GradTensor *combine(const OpCall *c, const Op *plain)
{
    Arg args[OP_MAX_ARGS] = {c->args[0], c->args[1]};
    for (int i = 0; i < 2; i++)
        if (c->numbers >> i & 1)
            args[i].number = args[i].number != 0;
    return op_call(plain, args, c->numbers);
}

LOGICAL(and, x != 0 && y != 0)
LOGICAL(or, x != 0 || y != 0)
LOGICAL(xor, (x != 0) != (y != 0))

KERNELS1_TEST(not, x == 0)

const Op op_logical_and = {
    .usage = "logical_and(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise",
    .doc = "Whether both elements are true, as a bool tensor; anything but zero is true, nan too. Shapes "
           "broadcast.",
    .errors = "shape when the shapes do not broadcast.",
    .example = "logical_and([true, true], [true, false])  #=> [true, false]",
    .related = "logical_or logical_xor logical_not all any",
    .dtypes = DTYPES_COMPARE,
    .compose = and_compose, .constant = "boolean result",
};

const Op op_logical_or = {
    .usage = "logical_or(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise",
    .doc = "Whether at least one of two elements is true, as a bool tensor; anything but zero is true, nan "
           "too. Shapes broadcast.",
    .errors = "shape when the shapes do not broadcast.",
    .example = "logical_or([true, false], [false, false])  #=> [true, false]",
    .related = "logical_and logical_xor logical_not all any",
    .dtypes = DTYPES_COMPARE,
    .compose = or_compose, .constant = "boolean result",
};

const Op op_logical_xor = {
    .usage = "logical_xor(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise",
    .doc = "Whether exactly one of two elements is true, as a bool tensor; anything but zero is true, nan "
           "too. Shapes broadcast.",
    .errors = "shape when the shapes do not broadcast.",
    .example = "logical_xor([true, false], [true, true])  #=> [false, true]",
    .related = "logical_and logical_or logical_not all any",
    .dtypes = DTYPES_COMPARE,
    .compose = xor_compose, .constant = "boolean result",
};

const Op op_logical_not = {
    .usage = "logical_not(x)", OP_ARGS(ARG_TENSOR), .section = "elementwise",
    .doc = "Whether each element is zero, as a bool tensor.",
    .example = "logical_not([true, false])  #=> [false, true]",
    .related = "logical_and logical_or logical_xor",
    .dtypes = DTYPES_COMPARE,
    .kernel = KERNELS_ANY(not),
    .constant = "boolean result",
};
