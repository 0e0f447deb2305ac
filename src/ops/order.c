/* Sorting and what follows from it. Which element comes where is piecewise constant, so the derivative is
 * that of picking elements. nan comes last, ties keep their order. */
#include "grad/batch.h"
#include "ops/index.h"
#include "tensor/reduce.h"

#include <string.h>

/* The axis to sort along; -1 for 0-d, which has nothing to sort. */
static int sort_axis(const OpCall *c, const GradTensor *x, int64_t axis)
{
    if (x->t.ndim == 0 && (axis == 0 || axis == -1))
        return -1;
    return call_axis(c, axis, x->t.ndim);
}

/* ---- ranks ---- */

/* A tensor like x, with another extent along the axis. */
static GradTensor *result_along(const GradTensor *x, Dtype dtype, int axis, int64_t extent)
{
    int64_t shape[TENSOR_MAX_NDIM];
    memcpy(shape, tensor_shape(&x->t), (size_t)x->t.ndim * sizeof *shape);
    shape[axis] = extent;
    return gt_new(dtype, x->t.ndim, shape);
}

static GradTensor *ranks_forward(const OpCall *c)
{
    const GradTensor *x = call_in(c, 0);
    int axis = call_axis(c, c->args[1].integer, x->t.ndim);
    GradTensor *order = result_along(x, DTYPE_INT64, axis, c->args[4].integer);
    tensor_sort(NULL, &order->t, &x->t, axis, c->args[2].integer != 0, c->args[3].integer);
    return order;
}

const Op op_ranks = {
    .usage = "ranks(x, axis, descending, first, count)",
    OP_ARGS(ARG_TENSOR, ARG_INTEGER, ARG_FLAG, ARG_INTEGER, ARG_INTEGER),
    .doc = "Indices (int64) along an axis of the elements of ranks first, ..., first + count - 1 there.",
    .forward = ranks_forward, .constant = "integer result", .batch = batch_axes,
};

GradTensor *t_ranks(GradTensor *x, int axis, bool descending, int64_t first, int64_t count)
{
    Arg args[OP_MAX_ARGS] = {
        {.tensor = x}, {.integer = axis}, {.integer = descending}, {.integer = first}, {.integer = count},
    };
    return op_call(&op_ranks, args, 0);
}

/* int64 indices along the axis in the order of the elements. */
static GradTensor *order_along(GradTensor *x, int axis, bool descending)
{
    return axis < 0 ? gt_scalar(DTYPE_INT64, 0) : t_ranks(x, axis, descending, 0, tensor_shape(&x->t)[axis]);
}

/* ---- the operations ---- */

/* Untracked values come out of the sort itself. */
static GradTensor *sort_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    int axis = sort_axis(c, x, c->args[1].integer);
    bool descending = c->args[2].integer != 0;
    if (axis < 0)
        return x;
    if (call_records(c))
        return t_take_along(x, order_along(x, axis, descending), axis);
    GradTensor *out = gt_new(gt_dtype(x), x->t.ndim, tensor_shape(&x->t));
    tensor_sort(&out->t, NULL, &x->t, axis, descending, 0);
    return out;
}

const Op op_sort = {
    .usage = "sort(x, axis=-1, descending=false)", OP_ARGS(ARG_TENSOR, ARG_INTEGER, ARG_FLAG),
    .section = "reduce",
    .doc = "The elements of x in ascending (or descending) order along an axis. nan comes last either way.",
    .errors = "index when the axis is out of range.",
    .derivative = "the cotangent's elements put back where they came from",
    .example = "sort([3, 1, 2])  #=> [1, 2, 3]\n"
               "sort([[3, 1], [2, 4]], axis=0, descending=true)  #=> [[3, 4], [2, 1]]",
    .related = "argsort topk unique median",
    .compose = sort_compose, .batch = batch_axes,
    .check = "x[5]: sort(x)\nx[3, 4]: sort(x, axis=0)\nx[2, 3]: sort(x, descending=true)\nx[]: sort(x)\n"
             "x[3, 2]: sort(x.T)\nx[0]: sort(x)\nx[5]: sort(x[::-2])",
};

/* 0-d slices are in order as they are. */
static GradTensor *argsort_batch(const OpCall *c, uint32_t levels)
{
    GradTensor *x = call_in(c, 0), *batch = batch_over(x, levels);
    if (sort_axis(c, x, c->args[1].integer) < 0)
        return gt_filled(DTYPE_INT64, batch->t.ndim, tensor_shape(&batch->t), 0);
    return batch_axes(c, levels);
}

static GradTensor *argsort_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    return order_along(x, sort_axis(c, x, c->args[1].integer), c->args[2].integer != 0);
}

const Op op_argsort = {
    .usage = "argsort(x, axis=-1, descending=false)", OP_ARGS(ARG_TENSOR, ARG_INTEGER, ARG_FLAG),
    .section = "reduce",
    .doc = "Indices (int64) along an axis in the order of the elements there: take_along_axis by them gives "
           "sort(x). Equal elements keep their order; nan comes last.",
    .errors = "index when the axis is out of range.",
    .example = "argsort([30, 10, 20])  #=> [1, 2, 0]",
    .related = "sort topk argmax take_along_axis",
    .forward = argsort_forward, .constant = "integer result", .batch = argsort_batch,
};

static void topk_compose(const OpCall *c, GradTensor **out)
{
    GradTensor *x = call_in(c, 0);
    int64_t k = c->args[1].integer;
    int axis = call_axis(c, c->args[2].integer, x->t.ndim);
    int64_t extent = tensor_shape(&x->t)[axis];
    if (k < 0 || k > extent)
        call_error(c, ERROR_VALUE, "k is %lld, but axis %d of x, which has shape %s, has %lld elements",
                   (long long)k, axis, gt_shape_text(x), (long long)extent);
    out[1] = t_ranks(x, axis, true, 0, k);
    out[0] = t_take_along(x, out[1], axis);
}

const Op op_topk = {
    .usage = "topk(x, k, axis=-1)", OP_ARGS(ARG_TENSOR, ARG_INTEGER, ARG_INTEGER), .section = "reduce",
    .doc = "The k largest elements along an axis, largest first, and their indices (int64): (values, "
           "indices).",
    .errors = "value when there are fewer than k elements; index when the axis is out of range.",
    .derivative = "the cotangent's elements put back where they came from",
    .example = "topk([5, 1, 9, 3], 2)  #=> ([9, 5], [2, 0])",
    .related = "sort argsort max",
    .outputs = 2, .compose_many = topk_compose, .batch_many = batch_axes_many,
    .check = "x[5]: topk(x, 2)[0]\nx[3, 4]: topk(x, 2, axis=0)[0]\nx[3, 4]: topk(x.T, 3)[0]",
};

/* Leaves the first of equal neighbours; returns how many there are then. nan is unequal to itself. */
typedef int64_t LeaveFirst(void *elements, int64_t n);

#define LEAVE_FIRST(name, T) \
    static int64_t name(void *elements, int64_t n) \
    { \
        T *at = elements, last = n > 0 ? at[0] : 0; \
        int64_t count = n > 0; \
        for (int64_t i = 1; i < n; i++) { \
            T x = at[i]; \
            if (x != last && (x == x || last == last)) \
                at[count++] = x; \
            last = x; \
        } \
        return count; \
    }

LEAVE_FIRST(leave_first_uint8, uint8_t)
LEAVE_FIRST(leave_first_int32, int32_t)
LEAVE_FIRST(leave_first_int64, int64_t)
LEAVE_FIRST(leave_first_float32, float)
LEAVE_FIRST(leave_first_float64, double)

static GradTensor *unique_forward(const OpCall *c)
{
    static LeaveFirst *const leave_first[DTYPES] = {
        leave_first_uint8, leave_first_uint8, leave_first_int32, leave_first_int64, leave_first_float32,
        leave_first_float64,
    };
    GradTensor *x = call_in(c, 0), *flat = t_reshape(gt_detach(x), 1, &x->t.size);
    GradTensor *sorted = gt_new(gt_dtype(x), 1, &x->t.size);
    tensor_sort(&sorted->t, NULL, &flat->t, 0, false, 0);
    void *at = tensor_own_data(&sorted->t);
    int64_t count = leave_first[gt_dtype(x)](at, sorted->t.size);
    GradTensor *out = call_out(c, gt_dtype(x), 1, &count);
    memcpy(tensor_allocate(&out->t), at, (size_t)count * dtype_size(gt_dtype(x)));
    return out;
}

const Op op_unique = {
    .usage = "unique(x)", OP_ARGS(ARG_TENSOR), .section = "reduce",
    .doc = "The different values among the elements of x, in ascending order, as a 1-d tensor. nan counts "
           "as one value.",
    .example = "unique([3, 1, 3, 2, 1])  #=> [1, 2, 3]",
    .related = "sort count_nonzero",
    .forward = unique_forward, .constant = "its number of elements depends on the values",
};
