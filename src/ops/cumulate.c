/* Running sums and products. */
#include "ops/reduce.h"
#include "ops/slices.h"
#include "tensor/reduce.h"

/* The axis of a running operation, and x as it goes along: without an axis in row-major order, as in
 * NumPy. */
static int running_axis(const OpCall *c, GradTensor **x)
{
    const IntList *axis = c->args[1].ints;
    if (axis == NULL) {
        *x = t_reshape(*x, 1, &(*x)->t.size);
        return 0;
    }
    if (axis->count == 0 || ((*x)->t.ndim == 0 && reduce_axes(c, *x) == 0))
        return -1;
    if (axis->count != 1)
        call_error(c, ERROR_VALUE, "axis is one axis or none, not %lld axes", (long long)axis->count);
    return call_axis(c, axis->at[0], (*x)->t.ndim);
}

static GradTensor *flipped(GradTensor *x, int axis)
{
    int64_t one = axis;
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.ints = int_list_new(1, &one)}};
    return op_call(&op_flip, args, 0);
}

static GradTensor *running(const Op *op, GradTensor *x, int axis)
{
    int64_t one = axis;
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.ints = int_list_new(1, &one)}};
    return op_call(op, args, 0);
}

/* A tensor of one element without axes is its own running sum. */
static GradTensor *cumulate(const OpCall *c, bool product)
{
    GradTensor *x = gt_detach(call_in(c, 0));
    Dtype dtype = dtype_is_float(gt_dtype(x)) ? gt_dtype(x) : DTYPE_INT64;
    int axis = running_axis(c, &x);
    if (axis < 0)
        return call_share(c, dtype, x);
    GradTensor *out = call_out(c, dtype, x->t.ndim, tensor_shape(&x->t));
    tensor_cumulate(&out->t, product, &x->t, axis);
    return out;
}

/* Without an axis the slices are laid out in one lane each. */
static GradTensor *cumulate_batch(const OpCall *c, uint32_t levels)
{
    GradTensor *x = call_in(c, 0);
    if (c->args[1].ints != NULL)
        return reduce_batch(c, levels);
    return running(c->op, slices_shaped(x, levels, 1, &x->t.size), batch_axis_count(levels));
}

static GradTensor *cumsum_forward(const OpCall *c) { return cumulate(c, false); }

static GradTensor *cumsum_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i), *along = x;
    int axis = running_axis(c, &along);
    if (axis >= 0)
        g = flipped(running(&op_cumsum, flipped(g, axis), axis), axis);
    return t_reshape(g, x->t.ndim, tensor_shape(&x->t));
}

const Op op_cumsum = {
    .usage = "cumsum(x, axis=none)", OP_ARGS(ARG_TENSOR, ARG_AXES), .section = "reduce",
    .doc = "Running sum along an axis, in x's shape: element k is the sum of the elements up to and with k. "
           "Without an axis it goes over all elements in row-major order and is 1-d. Bool and integer "
           "tensors give int64.",
    .errors = "index when the axis is out of range.",
    .derivative = "the running sum of the cotangent from the end",
    .example = "cumsum([1, 2, 3])  #=> [1, 3, 6]\ncumsum([[1, 2], [3, 4]], axis=0)  #=> [[1, 2], [4, 6]]",
    .related = "sum cumprod",
    .forward = cumsum_forward, .vjp = cumsum_vjp, .linear = LINEAR_EACH, .batch = cumulate_batch,
    .check = "x[5]: cumsum(x)\nx[2, 3]: cumsum(x, axis=0)\nx[2, 3]: cumsum(x, axis=-1)\nx[2, 3]: cumsum(x)\n"
             "x[]: cumsum(x, axis=0)\nx[3, 2]: cumsum(x.T, axis=1)\nx[0, 2]: cumsum(x, axis=0)",
};

static GradTensor *cumprod_forward(const OpCall *c) { return cumulate(c, true); }

/* x moved by `by` places along an axis, towards the start or the end, with `fill` coming in. */
static GradTensor *shifted(GradTensor *x, int axis, int64_t by, bool to_start, double fill)
{
    int64_t shape[TENSOR_MAX_NDIM], n = tensor_shape(&x->t)[axis];
    for (int i = 0; i < x->t.ndim; i++)
        shape[i] = i == axis ? by : tensor_shape(&x->t)[i];
    GradTensor *filler = gt_filled(gt_dtype(x), x->t.ndim, shape, fill);
    if (to_start)
        return t_concat2(t_part(x, axis, by, n - by), filler, axis);
    return t_concat2(filler, t_part(x, axis, 0, n - by), axis);
}

/* The cotangent of element i is L[i] S[i], with L[i] the product of the elements before i and S[i] = g[i] +
 * x[i+1] S[i+1]: nothing is divided by, so zeros are no exception. The recurrence is solved for all i at once
 * in log2(n) steps that double how far it has been followed (Hillis and Steele, "Data parallel algorithms",
 * CACM 1986). */
static GradTensor *cumprod_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i), *along = x;
    int axis = running_axis(c, &along);
    if (axis < 0 || x->t.size == 0)
        return t_reshape(g, x->t.ndim, tensor_shape(&x->t));
    int64_t n = tensor_shape(&along->t)[axis];
    GradTensor *before = shifted(running(&op_cumprod, along, axis), axis, 1, false, 1);
    GradTensor *factor = shifted(along, axis, 1, true, 0), *sum = g;
    for (int64_t reach = 1; reach < n; reach *= 2) {
        sum = gt_add(sum, t_mul(factor, shifted(sum, axis, reach, true, 0)));
        factor = t_mul(factor, shifted(factor, axis, reach, true, 0));
    }
    return t_reshape(gt_scale(sum, before), x->t.ndim, tensor_shape(&x->t));
}

const Op op_cumprod = {
    .usage = "cumprod(x, axis=none)", OP_ARGS(ARG_TENSOR, ARG_AXES), .section = "reduce",
    .doc = "Running product along an axis, in x's shape: element k is the product of the elements up to and "
           "with k. Without an axis it goes over all elements in row-major order and is 1-d. Bool and "
           "integer tensors give int64.",
    .errors = "index when the axis is out of range.",
    .derivative = "for each element the products of the others up to each place, exact where elements are "
                  "zero",
    .example = "cumprod([2, 3, 4])  #=> [2, 6, 24]",
    .related = "prod cumsum",
    .forward = cumprod_forward, .vjp = cumprod_vjp, .batch = cumulate_batch,
    .check = "x[5]: cumprod(x)\nx[2, 3]: cumprod(x, axis=0)\nx[2, 3]: cumprod(x, axis=-1)\n"
             "x[2, 2]: cumprod(x)\nx[]: cumprod(x, axis=0)\nx[1]: cumprod(x)\n"
             "x[3, 2]: cumprod(x.T, axis=1)\nx[4]: cumprod(x * [1, 0, 1, 1])\n"
             "x[5]: cumprod(x * [1, 0, 1, 0, 1])",
};
