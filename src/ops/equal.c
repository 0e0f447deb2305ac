/* Comparison of whole tensors. */
#include "ops/rules.h"

#include "tensor/kernel.h"
#include "tensor/reduce.h"

/* A plain bool of the language. */
static GradTensor *truth(const OpCall *c, bool value)
{
    GradTensor *out = call_out(c, DTYPE_BOOL, 0, NULL);
    tensor_fill(&out->t, value);
    out->t.flags |= GT_WEAK;
    return out;
}

/* ---- allclose ---- */

/* The third input is the tolerance, atol + rtol |b|. Infinities are close when they are equal. */
#define NEAR(x, y, z) ((x) == (y) || (fabs((x) - (y)) <= (z) && fabs(y) < INFINITY))

KERNEL3(near, double, uint8_t, NEAR(x, y, z))
KERNEL3(near_or_nan, double, uint8_t, NEAR(x, y, z) || (x != x && y != y))

static const Op near_each = {
    .usage = "allclose(a, b, tolerance)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_TENSOR),
    .dtypes = DTYPES_COMPARE,
    .kernel = {[DTYPE_FLOAT64] = near}, .constant = "bool result",
};

static const Op near_or_nan_each = {
    .usage = "allclose(a, b, tolerance)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_TENSOR),
    .dtypes = DTYPES_COMPARE,
    .kernel = {[DTYPE_FLOAT64] = near_or_nan}, .constant = "bool result",
};

static GradTensor *wide(const OpCall *c, int i)
{
    return gt_cast(gt_detach(call_in(c, i)), DTYPE_FLOAT64);
}

static GradTensor *allclose_forward(const OpCall *c)
{
    GradTensor *a = wide(c, 0), *b = wide(c, 1);
    call_broadcast(c, a, b);
    GradTensor *tolerance = t_plus(t_times(t_abs(b), c->args[2].number), c->args[3].number);
    GradTensor *mask = op_call3(c->args[4].integer ? &near_or_nan_each : &near_each, a, b, tolerance);
    return truth(c, tensor_all(&mask->t));
}

const Op op_allclose = {
    .usage = "allclose(a, b, rtol=1e-5, atol=1e-8, equal_nan=false)",
    OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_NUMBER, ARG_NUMBER, ARG_FLAG), .section = "reduce",
    .doc = "Whether |a - b| <= atol + rtol |b| for all elements, as numpy.allclose. Shapes broadcast; equal "
           "infinities are close, and with equal_nan nan and nan are.",
    .errors = "shape when the shapes do not broadcast.",
    .example = "allclose([1, 2], [1, 2.000001])  #=> true",
    .related = "array_equal eq",
    .forward = allclose_forward, .constant = "bool result",
};

/* ---- array_equal ---- */

static GradTensor *array_equal_forward(const OpCall *c)
{
    GradTensor *a = gt_detach(call_in(c, 0)), *b = gt_detach(call_in(c, 1));
    bool same = shape_equal(a->t.ndim, tensor_shape(&a->t), b->t.ndim, tensor_shape(&b->t));
    return truth(c, same && tensor_all(&t_eq(a, b)->t));
}

const Op op_array_equal = {
    .usage = "array_equal(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "reduce",
    .doc = "Whether a and b have the same shape and equal elements. nan is equal to nothing.",
    .example = "array_equal([1, 2], [1, 2])  #=> true\narray_equal([1, 2], [[1, 2]])  #=> false",
    .related = "allclose eq",
    .forward = array_equal_forward, .constant = "bool result",
};
