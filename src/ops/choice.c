/* Choosing between elements: maximum, minimum, clip, where, lerp. */
#include "ops/masks.h"
#include "tensor/kernel.h"

/* ---- the larger and the smaller ---- */

KERNELS2_FLOAT(maximum, x > y || x != x ? x : y, x > y || x != x ? x : y)
KERNELS2_SIGNED(maximum, x > y ? x : y)
KERNELS2_FLOAT(minimum, x < y || x != x ? x : y, x < y || x != x ? x : y)
KERNELS2_SIGNED(minimum, x < y ? x : y)

/* How much of maximum(x, y) is x. */
KERNELS2_FLOAT(share, x < y ? 0 : x == y ? 0.5 : 1, x < y ? 0 : x == y ? 0.5f : 1)

static const Op share = {
    .usage = "share(x, y)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .constant = "piecewise constant",
    .dtypes = DTYPES_FLOAT, .kernel = KERNELS_FLOAT(share),
};

static GradTensor *left_larger(const OpCall *c) { return op_call2(&share, call_in(c, 0), call_in(c, 1)); }
static GradTensor *right_larger(const OpCall *c) { return op_call2(&share, call_in(c, 1), call_in(c, 0)); }

const Op op_maximum = {
    .usage = "maximum(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise",
    .doc = "The larger of two elements. Shapes broadcast; nan wins.",
    .errors = "shape when the shapes do not broadcast.",
    .derivative = "da where a > b, db where b > a, half of each where they are equal",
    .example = "maximum([1, 5], [3, 2])  #=> [3, 5]",
    .related = "minimum max clip",
    .kernel = KERNELS_NUMERIC(maximum),
    .factor = {left_larger, right_larger}, .cuts = true,
};

const Op op_minimum = {
    .usage = "minimum(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "elementwise",
    .doc = "The smaller of two elements. Shapes broadcast; nan wins.",
    .errors = "shape when the shapes do not broadcast.",
    .derivative = "da where a < b, db where b < a, half of each where they are equal",
    .example = "minimum([1, 5], [3, 2])  #=> [1, 2]",
    .related = "maximum min clip",
    .kernel = KERNELS_NUMERIC(minimum),
    .factor = {right_larger, left_larger}, .cuts = true,
};

/* ---- clip ---- */

#define LARGER(x, y) ((x) < (y) || (y) != (y) ? (y) : (x))
#define SMALLER(x, y) ((x) > (y) || (y) != (y) ? (y) : (x))
#define CLIP_KERNELS(name, expression) \
    KERNEL3(name##_f64, double, double, expression) \
    KERNEL3(name##_f32, float, float, expression)

CLIP_KERNELS(clip, SMALLER(LARGER(x, y), z))
KERNEL3(clip_u8, uint8_t, uint8_t, x < y ? (y > z ? z : y) : x > z ? z : x)
KERNEL3(clip_i32, int32_t, int32_t, x < y ? (y > z ? z : y) : x > z ? z : x)
KERNEL3(clip_i64, int64_t, int64_t, x < y ? (y > z ? z : y) : x > z ? z : x)

/* Which of x, lo and hi the result is; the three add up to 1. */
CLIP_KERNELS(inside, y <= x && x <= z)
CLIP_KERNELS(below, x < y && y <= z)
CLIP_KERNELS(above, x > z || y > z)

#define CLIP_PART(name) \
    static const Op clip_##name = { \
        .usage = #name "(x, lo, hi)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_TENSOR), \
        .dtypes = DTYPES_FLOAT, .kernel = KERNELS_FLOAT(name), .constant = "piecewise constant", \
    }; \
    static GradTensor *name##_part(const OpCall *c) \
    { \
        return op_call3(&clip_##name, call_in(c, 0), call_in(c, 1), call_in(c, 2)); \
    }

CLIP_PART(inside)
CLIP_PART(below)
CLIP_PART(above)

static const Op clip_plain = {
    .usage = "clip(x, lo, hi)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_TENSOR),
    .kernel = KERNELS_NUMERIC(clip),
    .factor = {inside_part, below_part, above_part}, .cuts = true,
};

/* A bound that is not there is one that is never passed: x itself below, maximum(x, lo) above. */
static GradTensor *clip_compose(const OpCall *c)
{
    Arg args[OP_MAX_ARGS] = {c->args[0], c->args[1], c->args[2]};
    bool lo = call_in(c, 1) != NULL, hi = call_in(c, 2) != NULL;
    if (!lo && !hi)
        call_error(c, ERROR_VALUE, "one of lo and hi must be given");
    if (!lo)
        args[1].tensor = gt_detach(call_in(c, 0));
    if (!hi)
        args[2].tensor = gt_detach(t_maximum(call_in(c, 0), call_in(c, 1)));
    return op_call(&clip_plain, args, c->numbers);
}

const Op op_clip = {
    .usage = "clip(x, lo=none, hi=none)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_TENSOR),
    .section = "elementwise",
    .doc = "Each element moved into the range from lo to hi: minimum(maximum(x, lo), hi). A bound that is "
           "none does not limit; bounds may be tensors that broadcast with x.",
    .errors = "value when both bounds are none; shape when the shapes do not broadcast.",
    .derivative = "dx where lo <= x <= hi, dlo where x < lo, dhi where x > hi",
    .example = "clip([-2, 0.5, 9], 0, 1)  #=> [0, 0.5, 1]",
    .related = "maximum minimum",
    .compose = clip_compose,
    .sample = {{-2, 2, {-1, 0.7}, 2, false}},
    .check = "x[2, 3]: clip(x, -1, 0.7)\n"
             "x[3]: clip(x, lo=0.7)\n"
             "x[3]: clip(x, hi=0.7)\n"
             "x[2, 3] y[3]: clip(x, 3 * y, 3 * y + 2)\n"
             "x[] y[2]: clip(y, -1.5, x)",
};

/* ---- where ---- */

KERNEL3(select_u8, uint8_t, uint8_t, x != 0 ? y : z)
KERNEL3(select_i32, int32_t, int32_t, x != 0 ? y : z)
KERNEL3(select_i64, int64_t, int64_t, x != 0 ? y : z)
KERNEL3(select_f32, float, float, x != 0 ? y : z)
KERNEL3(select_f64, double, double, x != 0 ? y : z)

static GradTensor *select_vjp(const OpCall *c, int i, GradTensor *g)
{
    return i == 1 ? t_only_where(call_in(c, 0), g) : t_zero_where(call_in(c, 0), g);
}

static GradTensor *select_jvp(const OpCall *c, GradTensor *const *tangents)
{
    if (tangents[1] == NULL)
        return t_zero_where(call_in(c, 0), tangents[2]);
    if (tangents[2] == NULL)
        return t_only_where(call_in(c, 0), tangents[1]);
    return t_where(call_in(c, 0), tangents[1], tangents[2]);
}

static const Op select_plain = {
    .usage = "where(c, a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_TENSOR), .constant_args = 1,
    .dtypes = DTYPES_ANY, .kernel = KERNELS_ANY(select),
    .vjp = select_vjp, .jvp = select_jvp,
};

static bool is_plain(const OpCall *c, int i)
{
    return c->numbers >> i & 1 || gt_weak(c->args[i].tensor);
}

/* Also a mapped tensor, though a slice of it may be one element. */
static bool has_axes(const GradTensor *x)
{
    return x->t.ndim > 0 || gt_batch(x) != 0;
}

/* The condition becomes a bool before it is converted to the dtype of the others, where 0.5 could become
 * 0. When a and b are numbers, a condition with axes makes the result a tensor of the default dtype. */
static GradTensor *where_compose(const OpCall *c)
{
    Arg args[OP_MAX_ARGS] = {c->args[0], c->args[1], c->args[2]};
    uint32_t numbers = c->numbers;
    if (numbers & 1)
        args[0].number = args[0].number != 0;
    else if (gt_dtype(args[0].tensor) != DTYPE_BOOL)
        args[0].tensor = t_with(&op_ne, gt_detach(args[0].tensor), 0);
    if (!is_plain(c, 0) && has_axes(args[0].tensor) && is_plain(c, 1) && is_plain(c, 2)) {
        args[1].tensor = gt_cast(call_in(c, 1), grad_state()->default_dtype);
        numbers &= ~2u;
    }
    return op_call(&select_plain, args, numbers);
}

const Op op_where = {
    .usage = "where(c, a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_TENSOR), .section = "elementwise",
    .doc = "Elements of a where c is true (not zero), elements of b elsewhere. Shapes broadcast; the dtype "
           "comes from a and b alone, from plain numbers it is the default one.",
    .errors = "shape when the shapes do not broadcast.",
    .derivative = "da where c, db elsewhere; the side that is not chosen gets 0, also where it is inf or nan",
    .example = "where([true, false], [1, 2], 0)  #=> [1, 0]",
    .related = "maximum clip masked_select",
    .compose = where_compose, .constant_args = 1,
    .sample = {{-2, 2, {0}, 1, false}},
    .check = "x[2, 3] y[2, 3]: where(x > 0, y, x)\n"
             "x[2, 3] y[3]: where(y > 0, x, y)\n"
             "x[3]: where([true, false, true], x, 2)\n"
             "x[] y[3]: where(y > 0, x, y)\n"
             "x[3]: where(x > 0, sqrt(abs(x)), 0)",
};

/* ---- lerp ---- */

/* Exact at both ends, as both formulas are at theirs. */
KERNEL3(lerp_f64, double, double, z < 0.5 ? x + z * (y - x) : y - (y - x) * (1 - z))
KERNEL3(lerp_f32, float, float, z < 0.5f ? x + z * (y - x) : y - (y - x) * (1 - z))

static GradTensor *lerp_from(const OpCall *c) { return t_minus_from(1, call_in(c, 2)); }
static GradTensor *lerp_to(const OpCall *c) { return call_in(c, 2); }
static GradTensor *lerp_place(const OpCall *c) { return t_sub(call_in(c, 1), call_in(c, 0)); }

const Op op_lerp = {
    .usage = "lerp(a, b, t)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_TENSOR), .section = "elementwise",
    .doc = "Linear interpolation: a + t * (b - a), exactly a at t = 0 and b at t = 1. Shapes broadcast.",
    .errors = "shape when the shapes do not broadcast.",
    .derivative = "(1 - t) da + t db + (b - a) dt",
    .example = "lerp(10, 20, [0, 0.25, 1])  #=> [10, 12.5, 20]",
    .related = "linspace where",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(lerp),
    .factor = {lerp_from, lerp_to, lerp_place},
};
