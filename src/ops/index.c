/* Picking by index: slices, rows, elements, masks. */
#include "ops/slices.h"
#include "tensor/index.h"
#include "tensor/lanes.h"

#include <string.h>

/* ---- index values ---- */

static void check_whole(const OpCall *c, const GradTensor *indices, const int64_t *at)
{
    const double *values = tensor_contiguous(&indices->t, DTYPE_FLOAT64);
    for (int64_t k = 0; k < indices->t.size; k++)
        if (values[k] != (double)at[k])
            call_error(c, ERROR_TYPE, "indices are whole numbers, but element %lld is %g", (long long)k,
                       values[k]);
}

/* The same indices, those that count from the end as they count from the start. */
static const int64_t *from_start(const OpCall *c, const int64_t *from, int64_t n, int axis, int64_t extent)
{
    int64_t *at = scratch(mem_product((size_t)n, sizeof *at));
    for (int64_t k = 0; k < n; k++) {
        if (from[k] < -extent || from[k] >= extent)
            call_error(c, ERROR_INDEX, "index %lld is out of range for axis %d of size %lld",
                       (long long)from[k], axis, (long long)extent);
        at[k] = from[k] < 0 ? from[k] + extent : from[k];
    }
    return at;
}

const int64_t *index_values(const OpCall *c, const GradTensor *indices, int axis, int64_t extent)
{
    if (gt_dtype(indices) == DTYPE_BOOL)
        call_error(c, ERROR_TYPE, "indices are whole numbers, not a bool mask; masked_select takes one");
    const int64_t *from = tensor_contiguous(&indices->t, DTYPE_INT64);
    if (dtype_is_float(gt_dtype(indices)))
        check_whole(c, indices, from);
    bool plain = true;
    for (int64_t k = 0; k < indices->t.size; k++)
        plain &= from[k] >= 0 && from[k] < extent;
    return plain ? from : from_start(c, from, indices->t.size, axis, extent);
}

GradTensor *index_of_true(GradTensor *mask)
{
    const bool *set = tensor_contiguous(&mask->t, DTYPE_BOOL);
    int64_t count = 0, found = 0;
    for (int64_t k = 0; k < mask->t.size; k++)
        count += set[k];
    GradTensor *positions = gt_new(DTYPE_INT64, 1, &count);
    int64_t *at = tensor_allocate(&positions->t);
    for (int64_t k = 0; found < count; k++) {        /* without a branch that depends on the mask */
        at[found] = k;
        found += set[k];
    }
    return positions;
}

/* ---- slice ---- */

/* Python's rule: bounds from the end when negative, then cut to the axis. */
static int64_t cut(int64_t at, int64_t low, int64_t high, int64_t extent)
{
    if (at < 0)
        at += extent;
    return at < low ? low : at > high ? high : at;
}

static GradTensor *slice_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    int axis = call_axis(c, c->args[4].integer, x->t.ndim);
    int64_t step = c->args[3].integer, extent = tensor_shape(&x->t)[axis];
    if (step == 0)
        call_error(c, ERROR_VALUE, "step is 0");
    bool back = step < 0;
    int64_t start = cut(c->args[1].integer, back ? -1 : 0, back ? extent - 1 : extent, extent);
    int64_t stop = cut(c->args[2].integer, back ? -1 : 0, back ? extent - 1 : extent, extent);
    int64_t span = back ? start - stop : stop - start;
    uint64_t stride = back ? 0u - (uint64_t)step : (uint64_t)step;
    int64_t count = span <= 0 ? 0 : 1 + (int64_t)((uint64_t)(span - 1) / stride);
    RegionAxis region[TENSOR_MAX_NDIM];
    for (int i = 0; i < x->t.ndim; i++)
        region[i] = region_whole(x, i);
    region[axis] = (RegionAxis){axis, start, count > 1 ? step : 1, count};
    return t_region(x, x->t.ndim, region);
}

const Op op_slice = {
    .usage = "slice(x, start, stop, step=1, axis=0)",
    OP_ARGS(ARG_TENSOR, ARG_INTEGER, ARG_INTEGER, ARG_INTEGER, ARG_INTEGER), .section = "index",
    .doc = "Every step-th index along an axis from start on, up to and without stop, as x[start:stop:step] "
           "does: negative bounds count from the end, and bounds outside are cut. A view; nothing is copied.",
    .errors = "value when the step is 0; index when the axis is out of range.",
    .derivative = "the cotangent in its place, 0 elsewhere",
    .example = "slice([0, 1, 2, 3, 4, 5], 1, 5, 2)  #=> [1, 3]",
    .related = "gather split flip",
    .compose = slice_compose,
    .check = "x[6]: slice(x, 1, 5, 2)\nx[6]: slice(x, -1, 0, -2)\nx[2, 5]: slice(x, 1, 4, axis=1)\n"
             "x[4, 3]: slice(x.T, 0, 2)\nx[3]: slice(x, 2, 1)",
};

/* ---- gather and its transpose ---- */

/* The shape of x with an axis replaced by those of the indices; returns its ndim. */
static int picked_shape(const OpCall *c, const GradTensor *x, const GradTensor *indices, int axis,
                        int64_t *shape)
{
    int n = 0;
    if (x->t.ndim - 1 + indices->t.ndim > TENSOR_MAX_NDIM)
        call_error(c, ERROR_SHAPE, "the result would have %d axes", x->t.ndim - 1 + indices->t.ndim);
    for (int i = 0; i < x->t.ndim; i++) {
        if (i != axis)
            shape[n++] = tensor_shape(&x->t)[i];
        for (int k = 0; i == axis && k < indices->t.ndim; k++)
            shape[n++] = tensor_shape(&indices->t)[k];
    }
    return n;
}

static GradTensor *gather_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *indices = call_in(c, 1);
    int axis = call_axis(c, c->args[2].integer, x->t.ndim);
    int64_t shape[TENSOR_MAX_NDIM];
    int ndim = picked_shape(c, x, indices, axis, shape);
    const int64_t *at = index_values(c, indices, axis, tensor_shape(&x->t)[axis]);
    GradTensor *out = call_out(c, gt_dtype(x), ndim, shape);
    tensor_gather(&out->t, &x->t, at, indices->t.size, axis);
    return out;
}

static GradTensor *scatter_into(GradTensor *x, GradTensor *indices, GradTensor *values, int64_t axis)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.tensor = indices}, {.tensor = values}, {.integer = axis}};
    return op_call(&op_scatter_add, args, 0);
}

GradTensor *t_gather(GradTensor *x, GradTensor *indices, int axis)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.tensor = indices}, {.integer = axis}};
    return op_call(&op_gather, args, 0);
}

static GradTensor *spread_rows(GradTensor *values, GradTensor *indices, int axis, int ndim, const int64_t *shape)
{
    Arg args[OP_MAX_ARGS] = {
        {.tensor = values}, {.tensor = indices}, {.integer = axis}, {.ints = int_list_new(ndim, shape)},
    };
    return op_call(&op_spread_rows, args, 0);
}

static GradTensor *gather_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i);
    int axis = call_axis(c, c->args[2].integer, x->t.ndim);
    return spread_rows(g, call_in(c, 1), axis, x->t.ndim, tensor_shape(&x->t));
}

/* Where indices differ from slice to slice: row-major positions, in a batch of tensors like x, of what they
 * pick. */
static GradTensor *batch_positions(const OpCall *c, const GradTensor *x, GradTensor *indices, int axis,
                                   uint32_t levels)
{
    Lanes lanes = lanes_of(&x->t, axis);
    int64_t count = indices->t.size, slices = slices_count(levels);
    int64_t size = slices * lanes.outer * count * lanes.inner;
    const int64_t *at = index_values(c, batch_over(indices, levels), axis, lanes.count);
    GradTensor *positions = gt_new(DTYPE_INT64, 1, &size);
    int64_t *to = tensor_allocate(&positions->t);
    for (int64_t o = 0; o < slices * lanes.outer; o++)
        for (int64_t k = 0; k < count; k++)
            for (int64_t i = 0; i < lanes.inner; i++)
                *to++ = (o * lanes.count + at[o / lanes.outer * count + k]) * lanes.inner + i;
    return positions;
}

static GradTensor *gather_batch(const OpCall *c, uint32_t levels)
{
    GradTensor *x = call_in(c, 0), *indices = call_in(c, 1), *batch = batch_over(x, levels);
    int axis = call_axis(c, c->args[2].integer, x->t.ndim), hidden = batch_axis_count(levels);
    int64_t shape[2 * TENSOR_MAX_NDIM];
    if (gt_batch(indices) == 0)
        return t_gather(batch, indices, axis + hidden);
    memcpy(shape, tensor_shape(&batch->t), (size_t)hidden * sizeof *shape);
    int ndim = hidden + picked_shape(c, x, indices, axis, shape + hidden);
    return t_take(batch, batch_positions(c, x, indices, axis, levels), ndim, shape);
}

const Op op_gather = {
    .usage = "gather(x, indices, axis=0)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_INTEGER), .section = "index",
    .doc = "Rows of x picked by index along an axis: the axis is replaced by those of the indices, which "
           "may be of any dtype as long as they are whole. Negative ones count from the end. As numpy.take "
           "and torch.index_select.",
    .errors = "index when an index or the axis is out of range; type when an index is not whole.",
    .derivative = "the cotangent's rows added up where they came from (scatter_add)",
    .example = "gather([10, 20, 30], [2, 0, 2])  #=> [30, 10, 30]\n"
               "gather([[1, 2], [3, 4]], [1], axis=1)  #=> [[2],\n [4]]",
    .related = "take_along_axis scatter_add slice embedding",
    .forward = gather_forward, .vjp = gather_vjp, .linear = LINEAR_EACH, .constant_args = 2,
    .batch = gather_batch,
    .check = "x[5]: gather(x, [2, 0, 2, -1])\nx[3, 4]: gather(x, [1, 1], axis=1)\n"
             "x[3, 4]: gather(x, 2, axis=-1)\nx[2, 3]: gather(x, [[0, 1], [1, 0]])\n"
             "x[4, 3]: gather(x.T, [2, 0])",
};

static GradTensor *spread_rows_forward(const OpCall *c)
{
    GradTensor *values = call_in(c, 0), *indices = call_in(c, 1);
    int axis = (int)c->args[2].integer;
    const IntList *shape = c->args[3].ints;
    const int64_t *at = index_values(c, indices, axis, shape->at[axis]);
    GradTensor *out = call_out(c, gt_dtype(values), (int)shape->count, shape->at);
    tensor_fill(&out->t, 0);
    tensor_put_rows(&out->t, at, indices->t.size, axis, &values->t, true);
    return out;
}

static GradTensor *spread_rows_vjp(const OpCall *c, int i, GradTensor *g)
{
    (void)i;
    return t_gather(g, call_in(c, 1), (int)c->args[2].integer);
}

static GradTensor *spread_rows_batch(const OpCall *c, uint32_t levels)
{
    const IntList *shape = c->args[3].ints;
    GradTensor *zeros = gt_filled(gt_dtype(call_in(c, 0)), (int)shape->count, shape->at, 0);
    return batch_over(scatter_into(zeros, call_in(c, 1), call_in(c, 0), c->args[2].integer), levels);
}

const Op op_spread_rows = {
    .usage = "spread_rows(values, indices, axis, shape)",
    OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_INTEGER, ARG_SHAPE),
    .doc = "The transpose of gather: zeros of a shape with the values added to the rows that the indices name.",
    .forward = spread_rows_forward, .vjp = spread_rows_vjp, .linear = LINEAR_EACH, .constant_args = 2,
    .batch = spread_rows_batch,
};

/* The values broadcast to what gather by these indices would give. */
static GradTensor *spread_values(const OpCall *c, GradTensor *values, const GradTensor *x,
                                 const GradTensor *indices, int axis)
{
    int64_t shape[TENSOR_MAX_NDIM], joint[TENSOR_MAX_NDIM];
    int n = picked_shape(c, x, indices, axis, shape);
    int ndim = shape_broadcast(values->t.ndim, tensor_shape(&values->t), n, shape, joint);
    if (ndim < 0 || !shape_equal(ndim, joint, n, shape))
        call_error(c, ERROR_SHAPE, "values have shape %s, but x %s and indices %s along axis %d need %s",
                   gt_shape_text(values), gt_shape_text(x), gt_shape_text(indices), axis, shape_text(n, shape));
    return gt_expand(values, n, shape);
}

static GradTensor *scatter_add_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *indices = call_in(c, 1);
    int axis = call_axis(c, c->args[3].integer, x->t.ndim);
    GradTensor *values = spread_values(c, gt_detach(call_in(c, 2)), x, indices, axis);
    const int64_t *at = index_values(c, indices, axis, tensor_shape(&x->t)[axis]);
    GradTensor *out = call_out(c, call_dtype(c), x->t.ndim, tensor_shape(&x->t));
    tensor_cast(&out->t, &x->t);
    tensor_put_rows(&out->t, at, indices->t.size, axis, &values->t, true);
    return out;
}

static GradTensor *scatter_add_batch(const OpCall *c, uint32_t levels)
{
    GradTensor *x = call_in(c, 0), *indices = call_in(c, 1), *batch = batch_over(x, levels);
    int axis = call_axis(c, c->args[3].integer, x->t.ndim);
    GradTensor *values = batch_over(spread_values(c, call_in(c, 2), x, indices, axis), levels);
    if (gt_batch(indices) == 0)
        return scatter_into(batch, indices, values, axis + batch_axis_count(levels));
    GradTensor *positions = batch_positions(c, x, indices, axis, levels);
    return t_add(batch, t_put_add(values, positions, batch->t.ndim, tensor_shape(&batch->t)));
}

static GradTensor *scatter_add_vjp(const OpCall *c, int i, GradTensor *g)
{
    return i == 0 ? g : t_gather(g, call_in(c, 1), (int)c->args[3].integer);
}

const Op op_scatter_add = {
    .usage = "scatter_add(x, indices, values, axis=0)",
    OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_TENSOR, ARG_INTEGER),
    .section = "index",
    .doc = "x with values[i] added to its row indices[i] along an axis, for every i; repeated indices add "
           "up. The values have the shape that gather(x, indices, axis) has, or broadcast to it. The "
           "transpose of gather.",
    .errors = "index when an index or the axis is out of range; shape when the values do not fit.",
    .derivative = "dx, and for the values the rows that gather picks",
    .example = "scatter_add([0, 0, 0], [0, 2, 2], [1, 2, 3])  #=> [1, 0, 5]",
    .related = "gather one_hot",
    .forward = scatter_add_forward, .vjp = scatter_add_vjp, .linear = LINEAR_JOINT, .constant_args = 2,
    .batch = scatter_add_batch,
    .check = "v[4] x[3]: scatter_add(x, [0, 2, 2, -1], v)\n"
             "v[2, 3] x[2, 4]: scatter_add(x, [1, 1, 0], v, axis=1)\n"
             "v[] x[3]: scatter_add(x, [0, 0, 1], v)\nv[2] x[3, 2]: scatter_add(x, 1, v)",
};

/* ---- one element per place of the other axes ---- */

/* Row-major positions in x of the elements that the indices name along an axis. */
static GradTensor *along_positions(const OpCall *c, const GradTensor *x, GradTensor *indices, int axis)
{
    const int64_t *at = index_values(c, indices, axis, tensor_shape(&x->t)[axis]);
    Lanes lanes = lanes_of(&indices->t, axis);
    int64_t extent = tensor_shape(&x->t)[axis];
    GradTensor *positions = gt_new(DTYPE_INT64, indices->t.ndim, tensor_shape(&indices->t));
    int64_t *to = tensor_allocate(&positions->t);
    for (int64_t o = 0; o < lanes.outer; o++)
        for (int64_t k = 0; k < lanes.count; k++)
            for (int64_t i = 0; i < lanes.inner; i++)
                *to++ = (o * extent + *at++) * lanes.inner + i;
    return positions;
}

/* The shape in which x and the indices agree, the axis aside: extents of 1 are repeated, as NumPy does. */
static void along_shapes(const OpCall *c, const GradTensor *x, const GradTensor *indices, int axis,
                         int64_t *of_x, int64_t *of_indices)
{
    const int64_t *a = tensor_shape(&x->t), *b = tensor_shape(&indices->t);
    bool fits = x->t.ndim == indices->t.ndim;
    for (int i = 0; i < x->t.ndim && fits; i++) {
        of_x[i] = of_indices[i] = a[i] == 1 ? b[i] : a[i];
        fits = i == axis || a[i] == b[i] || a[i] == 1 || b[i] == 1;
    }
    if (!fits)
        call_error(c, ERROR_SHAPE, "indices of shape %s do not fit x of shape %s along axis %d",
                   shape_text(indices->t.ndim, b), shape_text(x->t.ndim, a), axis);
    of_x[axis] = a[axis];
    of_indices[axis] = b[axis];
}

static GradTensor *take_along_axis_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *indices = gt_detach(call_in(c, 1));
    int axis = call_axis(c, c->args[2].integer, x->t.ndim);
    int64_t of_x[TENSOR_MAX_NDIM], of_indices[TENSOR_MAX_NDIM];
    along_shapes(c, x, indices, axis, of_x, of_indices);
    x = gt_expand(x, x->t.ndim, of_x);
    indices = gt_expand(indices, indices->t.ndim, of_indices);
    return t_take(x, along_positions(c, x, indices, axis), indices->t.ndim, of_indices);
}

GradTensor *t_take_along(GradTensor *x, GradTensor *indices, int axis)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.tensor = indices}, {.integer = axis}};
    return op_call(&op_take_along_axis, args, 0);
}

const Op op_take_along_axis = {
    .usage = "take_along_axis(x, indices, axis)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_INTEGER),
    .section = "index",
    .doc = "For every place along the other axes the elements at the indices along this axis, such as "
           "argsort and argmax give. x and the indices have the same number of axes and, this one aside, "
           "extents that broadcast.",
    .errors = "index when an index or the axis is out of range; shape when x and the indices do not fit.",
    .derivative = "the cotangent's elements added up where they came from",
    .example = "take_along_axis([[3, 1], [2, 4]], [[1], [0]], 1)  #=> [[1],\n [2]]",
    .related = "gather argsort argmax",
    .compose = take_along_axis_compose, .constant_args = 2, .batch = batch_axes,
    .check = "x[3, 4]: take_along_axis(x, argsort(x, axis=1), 1)\n"
             "x[3, 2]: take_along_axis(x, [[0, 2], [0, -1]], 0)\n"
             "x[3, 2]: take_along_axis(x.T, [[0], [2]], -1)\nx[2, 3]: take_along_axis(x, [[2, 2]], axis=1)",
};

/* ---- masks ---- */

static GradTensor *masked_select_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *mask = gt_detach(call_in(c, 1));
    int64_t joint[TENSOR_MAX_NDIM];
    const int64_t *a = tensor_shape(&x->t), *b = tensor_shape(&mask->t);
    if (gt_dtype(mask) != DTYPE_BOOL)
        call_error(c, ERROR_TYPE, "the mask is %s, not bool; a comparison gives one",
                   dtype_name(gt_dtype(mask)));
    int ndim = shape_broadcast(x->t.ndim, a, mask->t.ndim, b, joint);
    if (ndim < 0)
        call_error(c, ERROR_SHAPE, "the mask of shape %s does not fit x of shape %s",
                   shape_text(mask->t.ndim, b), shape_text(x->t.ndim, a));
    GradTensor *positions = index_of_true(gt_expand(mask, ndim, joint));
    return t_take(gt_expand(x, ndim, joint), positions, 1, &positions->t.size);
}

const Op op_masked_select = {
    .usage = "masked_select(x, mask)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "index",
    .doc = "The elements of x where the bool mask is true, in row-major order, as a 1-d tensor. The shapes "
           "broadcast.",
    .errors = "type when the mask is not bool; shape when the shapes do not broadcast.",
    .derivative = "the cotangent where the mask is true, else 0",
    .example = "masked_select([1, -2, 3], [1, -2, 3] > 0)  #=> [1, 3]",
    .related = "nonzero where",
    .compose = masked_select_compose, .constant_args = 2,
    .check = "x[2, 3]: masked_select(x, [[true, false, true], [false, false, true]])\n"
             "x[3]: masked_select(x, [false, false, false])\nx[2, 2]: masked_select(x.T, [[true], [false]])",
};

static GradTensor *nonzero_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    GradTensor *positions = index_of_true(gt_cast(gt_detach(x), DTYPE_BOOL));
    const int64_t *at = tensor_contiguous(&positions->t, DTYPE_INT64), *dims = tensor_shape(&x->t);
    int64_t shape[] = {positions->t.size, x->t.ndim};
    GradTensor *out = call_out(c, DTYPE_INT64, 2, shape);
    int64_t *to = tensor_allocate(&out->t), index[TENSOR_MAX_NDIM] = {0};
    int last = x->t.ndim - 1;
    int64_t width = last < 0 ? 1 : dims[last], row = 0;      /* row: the position at which the last axis is at 0 */
    for (int64_t k = 0; k < shape[0]; k++, to += shape[1]) {
        if (at[k] - row >= width) {
            int64_t rest = at[k] / width;
            row = rest * width;
            for (int i = last - 1; i >= 0; i--, rest /= dims[i + 1])
                index[i] = rest % dims[i];
        }
        for (int i = 0; i < last; i++)
            to[i] = index[i];
        if (last >= 0)
            to[last] = at[k] - row;
    }
    return out;
}

const Op op_nonzero = {
    .usage = "nonzero(x)", OP_ARGS(ARG_TENSOR), .section = "index",
    .doc = "Where the elements are not zero: an int64 tensor of shape [count, ndim], one row of indices per "
           "element, in row-major order, as torch.nonzero.",
    .example = "nonzero([0, 5, 0, 7])  #=> [[1],\n [3]]",
    .related = "masked_select count_nonzero argmax",
    .forward = nonzero_forward, .constant = "integer result",
};
