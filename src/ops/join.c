/* Joining tensors, along an axis that they have or a new one. */
#include "grad/batch.h"
#include "ops/index.h"
#include "tensor/index.h"

#include <string.h>

/* ---- concat and stack ---- */

/* The promoted dtype of the tensors in a tuple; plain numbers among them have a say only by being
 * fractional. */
static Dtype list_dtype(const TensorList *xs)
{
    Dtype dtype = DTYPE_BOOL;
    bool any = false, fraction = false;
    for (int64_t k = 0; k < xs->count; k++) {
        const GradTensor *x = xs->at[k];
        if (gt_weak(x)) {
            double value = gt_tracked(x) || x->t.size != 1 ? 0.5 : tensor_item(&x->t);
            fraction |= dtype_needs_float(value);
        } else {
            dtype = any ? dtype_promote(dtype, gt_dtype(x)) : gt_dtype(x);
            any = true;
        }
    }
    return !any || (fraction && !dtype_is_float(dtype)) ? grad_state()->default_dtype : dtype;
}

static void check_any(const OpCall *c)
{
    if (c->args[0].tensors->count == 0)
        call_error(c, ERROR_VALUE, "there are no tensors to join");
}

/* Copies x into its place in `out`, from `start` on along an axis. x has the axes of out, or (stack) lacks
 * that one. */
static void place(Tensor *out, const Tensor *x, int axis, int64_t start)
{
    int64_t strides[TENSOR_MAX_NDIM];
    int n = 0;
    for (int i = 0; i < out->ndim; i++)
        if (i != axis || x->ndim == out->ndim)
            strides[n++] = tensor_strides(out)[i];
    tensor_put_region(out, start * tensor_strides(out)[axis], strides, x, false);
}

/* In the dtype of the element that it is the cotangent of. */
static GradTensor *fit_element(GradTensor *g, const GradTensor *x)
{
    return gt_dtype(g) == gt_dtype(x) ? g : gt_cast(g, gt_dtype(x));
}

static GradTensor *concat_forward(const OpCall *c)
{
    check_any(c);
    const TensorList *xs = c->args[0].tensors;
    const GradTensor *first = xs->at[0];
    int64_t shape[TENSOR_MAX_NDIM], total = 0, start = 0;
    for (int64_t k = 0; k < xs->count; k++)
        if (xs->at[k]->t.ndim == 0)
            call_error_hint(c, ERROR_SHAPE, "stack joins 0-d tensors and numbers along a new axis",
                            "element %lld is 0-d and has no axis to join along", (long long)k);
    int axis = call_axis(c, c->args[1].integer, first->t.ndim);
    memcpy(shape, tensor_shape(&first->t), (size_t)first->t.ndim * sizeof *shape);
    for (int64_t k = 0; k < xs->count; k++) {
        const Tensor *x = &xs->at[k]->t;
        bool fits = x->ndim == first->t.ndim;
        for (int i = 0; i < x->ndim && fits; i++)
            fits = i == axis || tensor_shape(x)[i] == shape[i];
        if (!fits)
            call_error(c, ERROR_SHAPE, "element %lld has shape %s, which does not join %s along axis %d",
                       (long long)k, shape_text(x->ndim, tensor_shape(x)),
                       shape_text(first->t.ndim, shape), axis);
        if (__builtin_add_overflow(total, tensor_shape(x)[axis], &total))
            call_error(c, ERROR_MEMORY, "the result is too large");
    }
    shape[axis] = total;
    GradTensor *out = call_out(c, list_dtype(xs), first->t.ndim, shape);
    tensor_allocate(&out->t);
    for (int64_t k = 0; k < xs->count; k++) {
        interrupt_poll();
        place(&out->t, &xs->at[k]->t, axis, start);
        start += tensor_shape(&xs->at[k]->t)[axis];
    }
    return out;
}

static GradTensor *concat_vjp(const OpCall *c, int i, int64_t k, GradTensor *g)
{
    const TensorList *xs = c->args[i].tensors;
    const GradTensor *x = xs->at[k];
    int axis = call_axis(c, c->args[1].integer, x->t.ndim);
    int64_t start = 0;
    for (int64_t j = 0; j < k; j++)
        start += tensor_shape(&xs->at[j]->t)[axis];
    return fit_element(t_part(g, axis, start, tensor_shape(&x->t)[axis]), x);
}

const Op op_concat = {
    .usage = "concat(xs, axis=0)", OP_ARGS(ARG_TENSORS, ARG_INTEGER), .section = "shape",
    .doc = "The tensors of a tuple joined along an axis. Their other extents are equal; the dtype is the "
           "widest. Tuples of other values are joined to one tuple.",
    .errors = "shape when the other extents differ or an element is 0-d; index when the axis is out of "
              "range.",
    .derivative = "the parts of the cotangent",
    .example = "concat(([1, 2], [3]))  #=> [1, 2, 3]\n"
               "concat(([[1], [2]], [[3], [4]]), axis=1)  #=> [[1, 3], [2, 4]]",
    .related = "stack split append",
    .forward = concat_forward, .vjp_list = concat_vjp, .linear = LINEAR_JOINT,
    .batch = batch_axes,
    .check = "x[2] y[3]: concat((x, y))\nx[2, 1] y[2, 3]: concat((x, y, x), axis=-1)\n"
             "x[3, 2] y[2, 1]: concat((x.T, y), axis=1)\nx[0] y[2]: concat((x, y))\nx[2, 3]: concat((x,))",
};

static GradTensor *stack_forward(const OpCall *c)
{
    check_any(c);
    const TensorList *xs = c->args[0].tensors;
    const Tensor *first = &xs->at[0]->t;
    int64_t shape[TENSOR_MAX_NDIM + 1];
    if (first->ndim == TENSOR_MAX_NDIM)
        call_error(c, ERROR_SHAPE, "the result would have %d axes", TENSOR_MAX_NDIM + 1);
    int ndim = first->ndim + 1, axis = call_axis(c, c->args[1].integer, ndim);
    for (int i = 0, from = 0; i < ndim; i++)
        shape[i] = i == axis ? xs->count : tensor_shape(first)[from++];
    for (int64_t k = 1; k < xs->count; k++) {
        const Tensor *x = &xs->at[k]->t;
        if (!shape_equal(first->ndim, tensor_shape(first), x->ndim, tensor_shape(x)))
            call_error(c, ERROR_SHAPE, "element %lld has shape %s, but element 0 has %s", (long long)k,
                       shape_text(x->ndim, tensor_shape(x)), shape_text(first->ndim, tensor_shape(first)));
    }
    GradTensor *out = call_out(c, list_dtype(xs), ndim, shape);
    tensor_allocate(&out->t);
    for (int64_t k = 0; k < xs->count; k++)
        place(&out->t, &xs->at[k]->t, axis, k);
    return out;
}

static GradTensor *stack_vjp(const OpCall *c, int i, int64_t k, GradTensor *g)
{
    const GradTensor *x = c->args[i].tensors->at[k];
    RegionAxis region[TENSOR_MAX_NDIM];
    int axis = call_axis(c, c->args[1].integer, g->t.ndim);
    for (int j = 0; j < g->t.ndim; j++)
        region[j] = region_whole(g, j);
    region[axis] = (RegionAxis){axis, k, 0, REGION_FIXED};
    return fit_element(t_region(g, g->t.ndim, region), x);
}

const Op op_stack = {
    .usage = "stack(xs, axis=0)", OP_ARGS(ARG_TENSORS, ARG_INTEGER), .section = "shape",
    .doc = "The tensors of a tuple, all of one shape, side by side along a new axis. Numbers make a vector.",
    .errors = "shape when the shapes differ; index when the axis is out of range of the result's.",
    .derivative = "the parts of the cotangent",
    .example = "stack(([1, 2], [3, 4]))  #=> [[1, 2], [3, 4]]\n"
               "stack(([1, 2], [3, 4]), axis=1)  #=> [[1, 3], [2, 4]]",
    .related = "concat unsqueeze",
    .forward = stack_forward, .vjp_list = stack_vjp, .linear = LINEAR_JOINT,
    .batch = batch_axes,
    .check = "x[3] y[3]: stack((x, y))\nx[2, 3] y[2, 3]: stack((x, y, x), axis=1)\nx[] y[]: stack((x, y))\n"
             "x[3, 2] y[2, 3]: stack((x.T, y), axis=-1)",
};

GradTensor *t_concat2(GradTensor *a, GradTensor *b, int axis)
{
    GradTensor *both[] = {a, b};
    Arg args[OP_MAX_ARGS] = {{.tensors = tensor_list_new(2, both)}, {.integer = axis}};
    return op_call(&op_concat, args, 0);
}
