/* Basic indexing: regions of a tensor as views, and their replacement. The description of regions is in
 * index.h. */
#include "ops/slices.h"
#include "tensor/index.h"
#include "tensor/layout.h"

#include <string.h>

enum {
    REGION_FIELDS = sizeof(RegionAxis) / sizeof(int64_t),
    REGION_MOST = 3 * TENSOR_MAX_NDIM /* the axes of x, new ones, and those of the levels of a batch */
};

/* The region of an argument list. */
static const RegionAxis *region_of(const IntList *list, int *count)
{
    *count = (int)(list->count / REGION_FIELDS);
    return (const RegionAxis *)list->at;
}

static IntList *region_list(int count, const RegionAxis *region)
{
    return int_list_new((int64_t)count * REGION_FIELDS, (const int64_t *)region);
}

RegionAxis region_whole(const GradTensor *x, int axis)
{
    return (RegionAxis){axis, 0, 1, tensor_shape(&x->t)[axis]};
}

/* The shape of the region; returns its ndim. */
static int region_shape(int count, const RegionAxis *region, int64_t shape[TENSOR_MAX_NDIM])
{
    int ndim = 0;
    for (int i = 0; i < count; i++) {
        if (region[i].count == REGION_FIXED)
            continue;
        if (ndim == TENSOR_MAX_NDIM)
            error_throw(ERROR_SHAPE, "an index gives more than %d axes", TENSOR_MAX_NDIM);
        shape[ndim++] = region[i].count;
    }
    return ndim;
}

/* The strides of the region in a tensor of these extents and strides; returns the offset of its first
 * element. */
static int64_t region_strides(int count, const RegionAxis *region, const int64_t *shape, const int64_t *from,
                              int64_t *strides)
{
    int64_t offset = 0;
    int n = 0;
    for (int i = 0; i < count; i++) {
        const RegionAxis *r = &region[i];
        if (r->axis == REGION_NEW) {
            strides[n++] = 0;
            continue;
        }
        assert(r->count == 0 || (r->start >= 0 && r->start < shape[r->axis]));
        assert(r->count < 1 || (r->start + (r->count - 1) * r->step >= 0
                                && r->start + (r->count - 1) * r->step < shape[r->axis]));
        offset += r->count == 0 ? 0 : r->start * from[r->axis];
        if (r->count != REGION_FIXED)
            strides[n++] = r->step * from[r->axis];
    }
    (void)shape;
    return offset;
}

/* ---- region, and its transpose ---- */

static GradTensor *region_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    int count;
    const RegionAxis *region = region_of(c->args[1].ints, &count);
    int64_t shape[TENSOR_MAX_NDIM], strides[TENSOR_MAX_NDIM];
    int ndim = region_shape(count, region, shape);
    int64_t offset = region_strides(count, region, tensor_shape(&x->t), tensor_strides(&x->t), strides);
    GradTensor *out = call_view(c, x, ndim, shape, offset, strides);
    if (ndim == 0)
        out->t.flags |= x->t.flags & GT_WEAK;
    return out;
}

static GradTensor *region_place(GradTensor *g, const GradTensor *x, IntList *region)
{
    IntList *shape = int_list_new(x->t.ndim, tensor_shape(&x->t));
    Arg args[OP_MAX_ARGS] = {{.tensor = g}, {.ints = shape}, {.ints = region}};
    return op_call(&op_region_place, args, 0);
}

static GradTensor *region_vjp(const OpCall *c, int i, GradTensor *g)
{
    return region_place(g, call_in(c, i), c->args[1].ints);
}

static GradTensor *region_batch(const OpCall *c, uint32_t levels)
{
    RegionAxis wide[REGION_MOST];
    int count;
    const RegionAxis *region = region_of(c->args[1].ints, &count);
    count = slices_region(levels, count, region, wide);
    return t_region(batch_over(call_in(c, 0), levels), count, wide);
}

const Op op_region = {
    .usage = "index(x, region)", OP_ARGS(ARG_TENSOR, ARG_INTS),
    .doc = "Basic indexing: a part of x as a view.",
    .forward = region_forward, .vjp = region_vjp, .linear = LINEAR_EACH, .batch = region_batch,
};

static GradTensor *region_place_forward(const OpCall *c)
{
    GradTensor *g = call_in(c, 0);
    const IntList *shape = c->args[1].ints;
    int count;
    const RegionAxis *region = region_of(c->args[2].ints, &count);
    int64_t own[TENSOR_MAX_NDIM], strides[TENSOR_MAX_NDIM];
    GradTensor *out = call_out(c, gt_dtype(g), (int)shape->count, shape->at);
    layout_row_major((int)shape->count, shape->at, own);
    int64_t offset = region_strides(count, region, shape->at, own, strides);
    tensor_fill(&out->t, 0);
    tensor_put_region(&out->t, offset, strides, &g->t, false);
    return out;
}

static GradTensor *region_place_vjp(const OpCall *c, int i, GradTensor *g)
{
    (void)i;
    Arg args[OP_MAX_ARGS] = {{.tensor = g}, {.ints = c->args[2].ints}};
    return op_call(&op_region, args, 0);
}

static GradTensor *region_place_batch(const OpCall *c, uint32_t levels)
{
    RegionAxis wide[REGION_MOST];
    int count;
    const RegionAxis *region = region_of(c->args[2].ints, &count);
    OpCall on_batch = *c;
    Arg args[] = {c->args[0], c->args[1], {.ints = NULL}};
    count = slices_region(levels, count, region, wide);
    args[2].ints = region_list(count, wide);
    on_batch.args = args;
    return batch_shape(&on_batch, levels);
}

const Op op_region_place = {
    .usage = "index_place(x, shape, region)", OP_ARGS(ARG_TENSOR, ARG_SHAPE, ARG_INTS),
    .doc = "The transpose of index: zeros of a shape with x in the region.",
    .forward = region_place_forward, .vjp = region_place_vjp, .linear = LINEAR_EACH,
    .batch = region_place_batch,
};

GradTensor *t_region(GradTensor *x, int count, const RegionAxis *region)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.ints = region_list(count, region)}};
    return op_call(&op_region, args, 0);
}

GradTensor *t_part(GradTensor *x, int axis, int64_t start, int64_t count)
{
    RegionAxis region[TENSOR_MAX_NDIM];
    if (start == 0 && count == tensor_shape(&x->t)[axis])
        return x;
    for (int i = 0; i < x->t.ndim; i++)
        region[i] = region_whole(x, i);
    region[axis] = (RegionAxis){axis, start, 1, count};
    return t_region(x, x->t.ndim, region);
}

/* ---- replacing a region ---- */

/* v in the shape of what it replaces: leading axes of extent 1 that are too many are dropped, as NumPy
 * does. */
static GradTensor *fit_value(GradTensor *v, int ndim, const int64_t *shape)
{
    int64_t joint[TENSOR_MAX_NDIM];
    const int64_t *own = tensor_shape(&v->t);
    int extra = v->t.ndim > ndim ? v->t.ndim - ndim : 0;
    for (int i = 0; i < extra; i++)
        if (own[i] != 1)
            extra = -1;
    if (extra < 0 || shape_broadcast(v->t.ndim - extra, own + extra, ndim, shape, joint) != ndim
        || !shape_equal(ndim, joint, ndim, shape))
        error_throw(ERROR_SHAPE, "a value of shape %s does not fit into a part of shape %s",
                    shape_text(v->t.ndim, own), shape_text(ndim, shape));
    if (extra > 0)
        v = t_reshape(v, v->t.ndim - extra, own + extra);
    return gt_expand(v, ndim, shape);
}

/* Puts v, of the region's shape, into `out`, whose data is its own. */
static void write_region(Tensor *out, const Tensor *v, int count, const RegionAxis *region)
{
    int64_t strides[TENSOR_MAX_NDIM];
    tensor_own_data(out);
    int64_t offset = region_strides(count, region, tensor_shape(out), tensor_strides(out), strides);
    tensor_put_region(out, offset, strides, v, false);
}

static GradTensor *region_set_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *v = call_in(c, 1);
    int count;
    const RegionAxis *region = region_of(c->args[2].ints, &count);
    GradTensor *out = call_out(c, gt_dtype(x), x->t.ndim, tensor_shape(&x->t));
    tensor_share(&out->t, &x->t);
    write_region(&out->t, &v->t, count, region);
    return out;
}

static GradTensor *region_set_vjp(const OpCall *c, int i, GradTensor *g)
{
    int count;
    const RegionAxis *region = region_of(c->args[2].ints, &count);
    if (i == 1)
        return t_region(g, count, region);
    return t_region_set(g, gt_scalar(gt_dtype(g), 0), count, region);
}

static GradTensor *region_set_batch(const OpCall *c, uint32_t levels)
{
    RegionAxis wide[REGION_MOST];
    int count;
    const RegionAxis *region = region_of(c->args[2].ints, &count);
    count = slices_region(levels, count, region, wide);
    return t_region_set(batch_over(call_in(c, 0), levels), batch_over(call_in(c, 1), levels), count, wide);
}

const Op op_region_set = {
    .usage = "index_set(x, v, region)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_INTS),
    .doc = "x with a region replaced by v.",
    .forward = region_set_forward, .vjp = region_set_vjp, .linear = LINEAR_JOINT,
    .batch = region_set_batch,
};

GradTensor *t_region_set(GradTensor *x, GradTensor *v, int count, const RegionAxis *region)
{
    int64_t shape[TENSOR_MAX_NDIM];
    int ndim = region_shape(count, region, shape);
    Arg args[OP_MAX_ARGS] = {
        {.tensor = x}, {.tensor = fit_value(v, ndim, shape)}, {.ints = region_list(count, region)},
    };
    return op_call(&op_region_set, args, 0);
}

void region_write(GradTensor *x, GradTensor *v, int count, const RegionAxis *region)
{
    int64_t shape[TENSOR_MAX_NDIM];
    int ndim = region_shape(count, region, shape);
    write_region(&x->t, &fit_value(gt_detach(v), ndim, shape)->t, count, region);
}

/* ---- elements by position ---- */

static GradTensor *take_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *positions = call_in(c, 1);
    const IntList *shape = c->args[2].ints;
    GradTensor *out = call_out(c, gt_dtype(x), (int)shape->count, shape->at);
    assert(out->t.size == positions->t.size);
    tensor_take_flat(&out->t, &x->t, tensor_contiguous(&positions->t, DTYPE_INT64));
    return out;
}

static GradTensor *take_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i);
    return t_put_add(g, call_in(c, 1), x->t.ndim, tensor_shape(&x->t));
}

/* The shape of a batch of slices of this shape. */
static IntList *batch_dims(uint32_t levels, const IntList *shape)
{
    int hidden = batch_axis_count(levels);
    IntList *all = int_list_new(hidden + shape->count, NULL);
    batch_sizes(levels, all->at);
    memcpy(all->at + hidden, shape->at, (size_t)shape->count * sizeof *shape->at);
    return all;
}

static GradTensor *take_batch(const OpCall *c, uint32_t levels)
{
    GradTensor *x = call_in(c, 0), *positions = slices_positions(call_in(c, 1), levels, x->t.size);
    const IntList *shape = batch_dims(levels, c->args[2].ints);
    return t_take(batch_over(x, levels), positions, (int)shape->count, shape->at);
}

const Op op_take = {
    .usage = "take(x, positions, shape)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_SHAPE),
    .doc = "Advanced indexing: elements of x by their row-major positions.",
    .forward = take_forward, .vjp = take_vjp, .linear = LINEAR_EACH, .constant_args = 2, .batch = take_batch,
};

static GradTensor *put_add_forward(const OpCall *c)
{
    GradTensor *values = call_in(c, 0), *positions = call_in(c, 1);
    const IntList *shape = c->args[2].ints;
    GradTensor *out = call_out(c, gt_dtype(values), (int)shape->count, shape->at);
    tensor_fill(&out->t, 0);
    const int64_t *at = tensor_contiguous(&positions->t, DTYPE_INT64);
    tensor_put_flat(&out->t, at, positions->t.size, &values->t, true);
    return out;
}

static GradTensor *put_add_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *values = call_in(c, i);
    return t_take(g, call_in(c, 1), values->t.ndim, tensor_shape(&values->t));
}

static GradTensor *put_add_batch(const OpCall *c, uint32_t levels)
{
    const IntList *shape = c->args[2].ints;
    GradTensor *positions = slices_positions(call_in(c, 1), levels, shape_size((int)shape->count, shape->at));
    shape = batch_dims(levels, shape);
    return t_put_add(batch_over(call_in(c, 0), levels), positions, (int)shape->count, shape->at);
}

const Op op_put_add = {
    .usage = "put_add(values, positions, shape)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_SHAPE),
    .doc = "The transpose of take: zeros of a shape to which values are added at row-major positions.",
    .forward = put_add_forward, .vjp = put_add_vjp, .linear = LINEAR_EACH, .constant_args = 2,
    .batch = put_add_batch,
};

GradTensor *t_take(GradTensor *x, GradTensor *positions, int ndim, const int64_t *shape)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.tensor = positions}, {.ints = int_list_new(ndim, shape)}};
    return op_call(&op_take, args, 0);
}

GradTensor *t_put_add(GradTensor *values, GradTensor *positions, int ndim, const int64_t *shape)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = values}, {.tensor = positions}, {.ints = int_list_new(ndim, shape)}};
    return op_call(&op_put_add, args, 0);
}

static GradTensor *put_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *positions = call_in(c, 1), *v = call_in(c, 2);
    GradTensor *out = call_out(c, gt_dtype(x), x->t.ndim, tensor_shape(&x->t));
    tensor_share(&out->t, &x->t);
    tensor_put_flat(&out->t, tensor_contiguous(&positions->t, DTYPE_INT64), positions->t.size, &v->t, false);
    return out;
}

/* Which of the positions are not overwritten by a later one, in the shape of v. */
static GradTensor *winners(GradTensor *positions, const GradTensor *v, int64_t size)
{
    const int64_t *at = tensor_contiguous(&positions->t, DTYPE_INT64);
    int64_t *last = scratch(mem_product((size_t)size, sizeof *last));
    GradTensor *mask = gt_new(DTYPE_BOOL, v->t.ndim, tensor_shape(&v->t));
    bool *wins = tensor_allocate(&mask->t);
    for (int64_t i = 0; i < positions->t.size; i++)
        last[at[i]] = i;
    for (int64_t i = 0; i < positions->t.size; i++)
        wins[i] = last[at[i]] == i;
    return mask;
}

static GradTensor *put_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *positions = call_in(c, 1), *v = call_in(c, 2);
    int ndim = v->t.ndim;
    const int64_t *shape = tensor_shape(&v->t);
    if (i == 0)
        return t_put(g, positions, ndim, shape, gt_scalar(gt_dtype(g), 0));
    return gt_scale(winners(positions, v, c->out->t.size), t_take(g, positions, ndim, shape));
}

static GradTensor *put_batch(const OpCall *c, uint32_t levels)
{
    GradTensor *x = call_in(c, 0), *v = batch_over(call_in(c, 2), levels);
    GradTensor *positions = slices_positions(call_in(c, 1), levels, x->t.size);
    return t_put(batch_over(x, levels), positions, v->t.ndim, tensor_shape(&v->t), v);
}

const Op op_put = {
    .usage = "put(x, positions, v)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_TENSOR),
    .doc = "x with the elements at row-major positions replaced by those of v; the last of repeated "
           "positions wins.",
    .forward = put_forward, .vjp = put_vjp, .linear = LINEAR_JOINT, .constant_args = 2, .batch = put_batch,
};

GradTensor *t_put(GradTensor *x, GradTensor *positions, int ndim, const int64_t *shape, GradTensor *v)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.tensor = positions}, {.tensor = fit_value(v, ndim, shape)}};
    return op_call(&op_put, args, 0);
}

void put_write(GradTensor *x, GradTensor *positions, int ndim, const int64_t *shape, GradTensor *v)
{
    v = fit_value(gt_detach(v), ndim, shape);
    tensor_put_flat(&x->t, tensor_contiguous(&positions->t, DTYPE_INT64), positions->t.size, &v->t, false);
}

void rows_write(GradTensor *x, const GradTensor *indices, int axis, GradTensor *v)
{
    int64_t shape[TENSOR_MAX_NDIM], count = indices->t.size;
    memcpy(shape, tensor_shape(&x->t), (size_t)x->t.ndim * sizeof *shape);
    shape[axis] = count;
    v = fit_value(gt_detach(v), x->t.ndim, shape);
    tensor_put_rows(&x->t, tensor_contiguous(&indices->t, DTYPE_INT64), count, axis, &v->t, false);
}
