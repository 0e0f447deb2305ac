#include "lang/indexing.h"

#include "lang/property.h"
#include "ops/index.h"

#include <math.h>
#include <string.h>

/* ---- evaluating subscripts ---- */

static Value evaluate_part(Frame *frame, Node *node)
{
    if (node == NULL)
        return value_none();
    Value v = evaluate(frame, node);
    frame->at = node;
    return v;
}

Subscripts evaluate_subscripts(Frame *frame, const NodeList *nodes)
{
    Subscripts s = {scratch(nodes->count * sizeof *s.at + 1), nodes->count};
    for (uint32_t i = 0; i < nodes->count; i++) {
        Node *node = nodes->at[i];
        Subscript *to = &s.at[i];
        *to = (Subscript){.kind = SUBSCRIPT_VALUE};
        if (node->kind == NODE_SLICE) {
            to->kind = SUBSCRIPT_SLICE;
            to->value = evaluate_part(frame, node->as.slice.start);
            to->stop = evaluate_part(frame, node->as.slice.stop);
            to->step = evaluate_part(frame, node->as.slice.step);
        } else if (node->kind == NODE_ELLIPSIS) {
            to->kind = SUBSCRIPT_ELLIPSIS;
        } else {
            to->value = evaluate_part(frame, node);
        }
    }
    return s;
}

/* ---- whole numbers and slices ---- */

static int64_t whole_number(Value v, const char *what)
{
    GradTensor *t = v.tag == TAG_NUMBER ? NULL : value_tensor(v);
    double x = v.tag == TAG_NUMBER ? v.as.number : t != NULL && t->t.size == 1 ? tensor_item(&t->t) : NAN;
    if (v.tag == TAG_BOOL || (v.tag != TAG_NUMBER && t == NULL))
        error_throw(ERROR_TYPE, "%s must be a whole number, not %s", what, value_described(v));
    if (t != NULL && t->t.size != 1)
        error_throw(ERROR_TYPE, "%s must be one whole number, not a tensor of shape %s", what,
                    shape_text(t->t.ndim, tensor_shape(&t->t)));
    if (x != trunc(x) || fabs(x) > 9e15)
        error_throw(ERROR_TYPE, "%s must be a whole number, not %g", what, x);
    return (int64_t)x;
}

static _Noreturn void throw_range(int64_t index, const char *what, int64_t size)
{
    const char *hint = index == size && size > 0 ? string_format("indices count from 0; the last is %lld, or -1",
                                                                 (long long)size - 1)->text : NULL;
    error_throw_hint(ERROR_INDEX, hint, "index %lld is out of range for %s with size %lld", (long long)index, what,
                     (long long)size);
}

static int64_t checked_index(int64_t index, const char *what, int64_t size)
{
    if (index < -size || index >= size)
        throw_range(index, what, size);
    return index < 0 ? index + size : index;
}

typedef struct Slice {
    int64_t start, step, count;
} Slice;

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* a:b:c over an axis, by Python's rule: bounds are clipped, negative ones count from the end. */
static Slice slice_over(const Subscript *s, int64_t size)
{
    int64_t step = s->step.tag == TAG_NONE ? 1 : whole_number(s->step, "the step of a slice");
    if (step == 0)
        error_throw(ERROR_VALUE, "the step of a slice cannot be 0");
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    int64_t start = step > 0 ? low : high, stop = step > 0 ? high : low;
    if (s->value.tag != TAG_NONE) {
        start = whole_number(s->value, "the start of a slice");
        start = clamp(start < 0 ? start + size : start, low, high);
    }
    if (s->stop.tag != TAG_NONE) {
        stop = whole_number(s->stop, "the end of a slice");
        stop = clamp(stop < 0 ? stop + size : stop, low, high);
    }
    int64_t span = step > 0 ? stop - start : start - stop, stride = step > 0 ? step : -step;
    return (Slice){start, step, span <= 0 ? 0 : (span - 1) / stride + 1};
}

/* ---- strings, tuples, records, ranges ---- */

static const Subscript *only_subscript(const Subscripts *s, const char *what)
{
    if (s->count != 1 || s->at[0].kind == SUBSCRIPT_ELLIPSIS)
        error_throw(ERROR_INDEX, "a %s takes one index", what);
    return &s->at[0];
}

uint32_t subscript_item(const Subscripts *s, uint32_t count, const char *what)
{
    const Subscript *one = only_subscript(s, what);
    if (one->kind != SUBSCRIPT_VALUE)
        error_throw(ERROR_TYPE, "a slice of a %s cannot be assigned to", what);
    int64_t i = whole_number(one->value, "an index");
    if (i < -(int64_t)count || i >= count)
        throw_range(i, string_format("a %s", what)->text, count);
    return (uint32_t)(i < 0 ? i + count : i);
}

static Value read_tuple(const Tuple *t, const Subscripts *s)
{
    const Subscript *one = only_subscript(s, "tuple");
    if (one->kind == SUBSCRIPT_VALUE)
        return tuple_items(t)[subscript_item(s, t->count, "tuple")];
    Slice slice = slice_over(one, t->count);
    Value *items = scratch((size_t)slice.count * sizeof *items + 1);
    for (int64_t i = 0; i < slice.count; i++)
        items[i] = tuple_items(t)[slice.start + i * slice.step];
    return value_object(TAG_TUPLE, tuple_new((uint32_t)slice.count, items));
}

/* The code points from `first` on. */
static Value points_of(const String *s, uint32_t first, uint32_t count)
{
    size_t start = string_offset(s, first);
    return value_string(string_counted(s->text + start, string_offset(s, first + count) - start, count));
}

static Value read_string(const String *text, const Subscripts *s)
{
    const Subscript *one = only_subscript(s, "string");
    if (one->kind == SUBSCRIPT_VALUE)
        return points_of(text, subscript_item(s, text->points, "string"), 1);
    Slice slice = slice_over(one, text->points);
    if (slice.step == 1)
        return points_of(text, (uint32_t)slice.start, (uint32_t)slice.count);
    Buf *out = buf_new();
    for (int64_t i = 0; i < slice.count; i++) {
        uint32_t k = (uint32_t)(slice.start + i * slice.step);
        size_t start = string_offset(text, k);
        buf_add(out, text->text + start, string_offset(text, k + 1) - start);
    }
    return value_string(buf_string(out));
}

static Value read_record(const Record *r, const Subscripts *s)
{
    const Subscript *one = only_subscript(s, "record");
    if (one->kind != SUBSCRIPT_VALUE || one->value.tag != TAG_STRING)
        error_throw(ERROR_TYPE, "a record is indexed by a string");
    const Field *field = record_find(r, one->value.as.any);
    if (field == NULL)
        throw_no_field(r, one->value.as.any);
    return field->value;
}

static Value read_range(const Range *r, const Subscripts *s)
{
    const Subscript *one = only_subscript(s, "range");
    if (one->kind == SUBSCRIPT_VALUE)
        return value_number(range_at(r, checked_index(whole_number(one->value, "an index"), "a range", r->count)));
    Slice slice = slice_over(one, r->count);
    double start = range_at(r, slice.start), step = r->step * (double)slice.step;
    return value_object(TAG_RANGE, range_new(start, start + step * (double)slice.count, step));
}

/* ---- tensors ---- */

/* What the subscripts mean for a tensor: the axes of the basic part, and the index arrays of the advanced one. */
typedef struct Plan {
    GradTensor *x;
    RegionAxis region[2 * TENSOR_MAX_NDIM];       /* result axes without advanced ones, and fixed ones */
    int region_count;
    int axis;                                     /* next axis of x */
    GradTensor *index[TENSOR_MAX_NDIM];           /* int64, checked, non-negative */
    int index_axis[TENSOR_MAX_NDIM];
    int index_count;
    int index_at;                                 /* region entries before the first index */
    bool apart;                                   /* something stands between two indices */
} Plan;

static int axes_taken(const Subscript *s)
{
    if (s->kind == SUBSCRIPT_SLICE)
        return 1;
    if (s->kind == SUBSCRIPT_ELLIPSIS || s->value.tag == TAG_NONE)
        return 0;
    if (s->value.tag == TAG_TENSOR || s->value.tag == TAG_VARIABLE) {
        const GradTensor *x = value_tensor(s->value);
        return gt_dtype(x) == DTYPE_BOOL ? x->t.ndim : 1;
    }
    return 1;
}

static const char *axis_text(int axis)
{
    return string_format("axis %d", axis)->text;
}

static void plan_region(Plan *p, RegionAxis axis)
{
    if (p->region_count == 2 * TENSOR_MAX_NDIM)
        error_throw(ERROR_INDEX, "too many subscripts");
    p->region[p->region_count++] = axis;
}

static void plan_index(Plan *p, GradTensor *index, int axis)
{
    if (p->index_count == 0)
        p->index_at = p->region_count;
    else if (p->index_at != p->region_count)
        p->apart = true;
    p->index[p->index_count] = index;
    p->index_axis[p->index_count++] = axis;
}

static GradTensor *checked_indices(const GradTensor *index, int axis, int64_t size)
{
    const int64_t *whole = tensor_contiguous(&index->t, DTYPE_INT64);
    const double *exact = dtype_is_float(gt_dtype(index)) ? tensor_contiguous(&index->t, DTYPE_FLOAT64) : NULL;
    GradTensor *out = gt_new(DTYPE_INT64, index->t.ndim, tensor_shape(&index->t));
    int64_t *to = tensor_allocate(&out->t);
    const char *what = axis_text(axis);
    for (int64_t k = 0; k < index->t.size; k++) {
        if (exact != NULL && (exact[k] != (double)whole[k] || fabs(exact[k]) > 9e15))
            error_throw(ERROR_TYPE, "an index tensor must hold whole numbers, not %g", exact[k]);
        to[k] = checked_index(whole[k], what, size);
    }
    return out;
}

/* A mask stands for the positions of its true elements. Counted in row-major order over its axes, they are indices
 * along the last of them, as if the axes were one. */
static void plan_mask(Plan *p, GradTensor *mask)
{
    const int64_t *shape = tensor_shape(&mask->t);
    if (!shape_equal(mask->t.ndim, shape, mask->t.ndim, tensor_shape(&p->x->t) + p->axis))
        error_throw(ERROR_INDEX, "a mask of shape %s does not fit a tensor of shape %s",
                    shape_text(mask->t.ndim, shape), shape_text(p->x->t.ndim, tensor_shape(&p->x->t)));
    p->axis += mask->t.ndim;
    if (mask->t.ndim > 0)
        plan_index(p, index_of_true(mask), p->axis - 1);
}

static void plan_value(Plan *p, Value v)
{
    GradTensor *t = v.tag == TAG_TENSOR || v.tag == TAG_VARIABLE ? value_tensor(v) : NULL;
    int64_t size = p->axis < p->x->t.ndim ? tensor_shape(&p->x->t)[p->axis] : 0;
    if (v.tag == TAG_NONE) {
        plan_region(p, (RegionAxis){REGION_NEW, 0, 0, 1});
    } else if (t != NULL && gt_dtype(t) == DTYPE_BOOL) {
        plan_mask(p, t);
    } else if (t != NULL && t->t.ndim > 0) {
        plan_index(p, checked_indices(t, p->axis, size), p->axis);
        p->axis++;
    } else {
        if (v.tag == TAG_TUPLE)
            error_throw_hint(ERROR_TYPE, "write x[i, j], or index by a tensor: x[[i, j]]",
                             "an index must be a whole number, not a tuple");
        int64_t i = whole_number(v, "an index");
        if (i < 0 || i >= size)       /* the axis is named only where that may be needed */
            i = checked_index(i, axis_text(p->axis), size);
        plan_region(p, (RegionAxis){p->axis++, i, 0, REGION_FIXED});
    }
}

static void plan_whole_axes(Plan *p, int count)
{
    for (int i = 0; i < count; i++, p->axis++)
        plan_region(p, region_whole(p->x, p->axis));
}

static void plan_subscripts(Plan *p, GradTensor *x, const Subscripts *s)
{
    int taken = 0, ellipses = 0;
    memset(p, 0, sizeof *p);
    p->x = x;
    for (uint32_t i = 0; i < s->count; i++) {
        taken += axes_taken(&s->at[i]);
        ellipses += s->at[i].kind == SUBSCRIPT_ELLIPSIS;
    }
    if (taken > x->t.ndim)
        error_throw(ERROR_INDEX, "%d subscripts are too many for a tensor of shape %s", taken,
                    shape_text(x->t.ndim, tensor_shape(&x->t)));
    if (ellipses > 1)
        error_throw(ERROR_INDEX, "`...` can stand only once among subscripts");
    for (uint32_t i = 0; i < s->count; i++) {
        const Subscript *one = &s->at[i];
        if (one->kind == SUBSCRIPT_ELLIPSIS) {
            plan_whole_axes(p, x->t.ndim - taken);
        } else if (one->kind == SUBSCRIPT_SLICE) {
            Slice slice = slice_over(one, tensor_shape(&x->t)[p->axis]);
            plan_region(p, (RegionAxis){p->axis++, slice.start, slice.step, slice.count});
        } else {
            plan_value(p, one->value);
        }
    }
    plan_whole_axes(p, x->t.ndim - p->axis);
}

/* ---- the advanced part: flat positions ---- */

typedef struct Positions {
    GradTensor *at;                   /* int64, flat */
    int ndim;
    int64_t shape[TENSOR_MAX_NDIM];
} Positions;

/* Sum over the index arrays of index times row-major stride, in their broadcast shape. */
static int64_t *advanced_offsets(const Plan *p, const int64_t *strides, int *ndim, int64_t shape[TENSOR_MAX_NDIM])
{
    *ndim = 0;
    for (int i = 0; i < p->index_count; i++) {
        int joint = shape_broadcast(*ndim, shape, p->index[i]->t.ndim, tensor_shape(&p->index[i]->t), shape);
        if (joint < 0)
            error_throw(ERROR_SHAPE, "index tensors of shapes %s and %s do not broadcast", shape_text(*ndim, shape),
                        shape_text(p->index[i]->t.ndim, tensor_shape(&p->index[i]->t)));
        *ndim = joint;
    }
    int64_t count = shape_size(*ndim, shape);
    int64_t *sum = scratch_zeroed((size_t)count * sizeof *sum + 1);
    for (int i = 0; i < p->index_count; i++) {
        const GradTensor *whole = gt_expand(p->index[i], *ndim, shape);
        const int64_t *at = tensor_contiguous(&whole->t, DTYPE_INT64);
        for (int64_t k = 0; k < count; k++)
            sum[k] += at[k] * strides[p->index_axis[i]];
    }
    return sum;
}

/* Result axes one after the other: each multiplies the positions so far by its own offsets. */
typedef struct PositionWalk {
    int64_t *at, count;
} PositionWalk;

static void walk_axis(PositionWalk *w, int64_t count, const int64_t *offsets, int64_t start, int64_t step)
{
    int64_t *wider = scratch(mem_product((size_t)(w->count * count), sizeof *wider) + 1);
    for (int64_t i = 0; i < w->count; i++)
        for (int64_t k = 0; k < count; k++)
            wider[i * count + k] = w->at[i] + (offsets != NULL ? offsets[k] : start + k * step);
    w->at = wider;
    w->count *= count;
}

static Positions positions_of(const Plan *p)
{
    Positions out = {.ndim = 0};
    int64_t strides[TENSOR_MAX_NDIM], stride = 1, index_shape[TENSOR_MAX_NDIM], base = 0;
    int index_ndim;
    for (int d = p->x->t.ndim; d-- > 0; stride *= tensor_shape(&p->x->t)[d])
        strides[d] = stride;
    const int64_t *offsets = advanced_offsets(p, strides, &index_ndim, index_shape);
    int64_t index_size = shape_size(index_ndim, index_shape);
    for (int i = 0; i < p->region_count; i++)
        if (p->region[i].count == REGION_FIXED)
            base += p->region[i].start * strides[p->region[i].axis];
    PositionWalk w = {&base, 1};
    int place = p->apart ? 0 : p->index_at;
    for (int i = 0; i <= p->region_count; i++) {
        if (i == place) {
            if (out.ndim + index_ndim > TENSOR_MAX_NDIM)
                error_throw(ERROR_SHAPE, "the result has more than %d axes", TENSOR_MAX_NDIM);
            memcpy(out.shape + out.ndim, index_shape, (size_t)index_ndim * sizeof *index_shape);
            out.ndim += index_ndim;
            walk_axis(&w, index_size, offsets, 0, 0);
        }
        if (i == p->region_count || p->region[i].count == REGION_FIXED)
            continue;
        const RegionAxis *r = &p->region[i];
        int64_t along = r->axis == REGION_NEW ? 0 : strides[r->axis];
        if (out.ndim == TENSOR_MAX_NDIM)
            error_throw(ERROR_SHAPE, "the result has more than %d axes", TENSOR_MAX_NDIM);
        out.shape[out.ndim++] = r->count;
        walk_axis(&w, r->count, NULL, r->start * along, r->step * along);
    }
    out.at = gt_integers(w.count, w.at);
    return out;
}

/* x[indices] along one axis, everything else whole: rows are copied rather than elements. */
static bool is_gather(const Plan *p)
{
    if (p->index_count != 1 || p->index[0]->t.ndim != 1 || p->region_count != p->x->t.ndim - 1)
        return false;
    for (int i = 0; i < p->region_count; i++) {
        const RegionAxis *r = &p->region[i];
        if (r->axis == REGION_NEW || r->start != 0 || r->step != 1 || r->count != tensor_shape(&p->x->t)[r->axis])
            return false;
    }
    return true;
}

static GradTensor *read_tensor(GradTensor *x, const Subscripts *s)
{
    Plan p;
    plan_subscripts(&p, x, s);
    if (p.index_count == 0)
        return t_region(x, p.region_count, p.region);
    if (is_gather(&p))
        return t_gather(x, p.index[0], p.index_axis[0]);
    Positions at = positions_of(&p);
    return t_take(x, at.at, at.ndim, at.shape);
}

/* ---- single elements ---- */

/* The offset of one element, from numbers that are whole and in range; -1 for anything else, which the general way
 * deals with. */
static int64_t element_offset(const GradTensor *x, const Value *indices, uint32_t count)
{
    int64_t offset = 0;
    for (uint32_t d = 0; d < count; d++) {
        int64_t size = tensor_shape(&x->t)[d];
        double index = indices[d].as.number;
        if (indices[d].tag != TAG_NUMBER || !(index >= -(double)size && index < (double)size) || index != trunc(index))
            return -1;
        offset += ((int64_t)index + (index < 0 ? size : 0)) * tensor_strides(&x->t)[d];
    }
    return offset;
}

static bool is_plain(const GradTensor *x, uint32_t count)
{
    return x->t.ndim == count && count > 0 && x->t.state == TENSOR_STORED && !gt_tracked(x) && gt_batch(x) == 0;
}

/* The same of subscripts. */
static int64_t subscripts_offset(const GradTensor *x, const Subscripts *s)
{
    Value indices[TENSOR_MAX_NDIM];
    if (!is_plain(x, s->count))
        return -1;
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->at[i].kind != SUBSCRIPT_VALUE)
            return -1;
        indices[i] = s->at[i].value;
    }
    return element_offset(x, indices, s->count);
}

static Value element_at(const GradTensor *x, int64_t offset)
{
    GradTensor *out = gt_new(gt_dtype(x), 0, NULL);
    size_t size = dtype_size(gt_dtype(x));
    memcpy(tensor_allocate(&out->t), x->t.data + offset * (int64_t)size, size);
    return value_object(TAG_TENSOR, out);
}

Value element_read(GradTensor *x, const Value *indices, uint32_t count)
{
    int64_t offset = is_plain(x, count) ? element_offset(x, indices, count) : -1;
    return offset < 0 ? (Value){TAG_UNSET, {.any = NULL}} : element_at(x, offset);
}

/* A number, or a 0-d tensor of x's dtype without history, such as x[i] + 1 gives. */
static bool is_plain_element(const GradTensor *x, Value v)
{
    const GradTensor *one = v.tag == TAG_TENSOR ? v.as.any : NULL;
    return one == NULL ? v.tag == TAG_NUMBER
                       : one->t.ndim == 0 && gt_dtype(one) == gt_dtype(x) && !gt_tracked(one) && gt_batch(one) == 0;
}

bool element_write(GradTensor *x, const Subscripts *s, Value v)
{
    int64_t offset = is_plain_element(x, v) && x->t.contiguous ? subscripts_offset(x, s) : -1;
    if (offset < 0)
        return false;
    size_t size = dtype_size(gt_dtype(x));
    char *at = (char *)tensor_own_data(&x->t) + offset * (int64_t)size;
    if (v.tag == TAG_NUMBER)
        dtype_write(gt_dtype(x), at, v.as.number);
    else
        memcpy(at, tensor_data(&((GradTensor *)v.as.any)->t), size);
    return true;
}

GradTensor *tensor_row(GradTensor *x, int64_t i)
{
    RegionAxis region[TENSOR_MAX_NDIM];
    region[0] = (RegionAxis){0, i, 0, REGION_FIXED};
    for (int d = 1; d < x->t.ndim; d++)
        region[d] = region_whole(x, d);
    return t_region(x, x->t.ndim, region);
}

static Value read_part(GradTensor *x, const Subscripts *s)
{
    int64_t offset = subscripts_offset(x, s);
    return offset < 0 ? value_of_tensor(read_tensor(x, s)) : element_at(x, offset);
}

Value subscript_read(Value x, const Subscripts *s)
{
    switch (x.tag) {
    case TAG_TENSOR: case TAG_VARIABLE:
        return read_part(value_tensor(x), s);
    case TAG_TUPLE:
        return read_tuple(x.as.any, s);
    case TAG_RECORD:
        return read_record(x.as.any, s);
    case TAG_STRING:
        return read_string(x.as.any, s);
    case TAG_RANGE:
        return read_range(x.as.any, s);
    case TAG_FUNCTION:
        error_throw_hint(ERROR_TYPE, "a function is called with round brackets: f(x)", "a function cannot be indexed");
    default:
        error_throw(ERROR_TYPE, "%s cannot be indexed", value_described(x));
    }
}

GradTensor *subscript_write(GradTensor *x, const Subscripts *s, Value v, bool own)
{
    Plan p;
    GradTensor *value = value_tensor(v);
    if (value == NULL)
        error_throw(ERROR_TYPE, "an element of a tensor cannot be %s", value_described(v));
    bool recorded = grad_state()->recording && (gt_tracked(x) || gt_tracked(value));
    bool in_place = own && !recorded;
    plan_subscripts(&p, x, s);
    if (p.index_count == 0) {
        if (!in_place)
            return t_region_set(x, value, p.region_count, p.region);
        region_write(x, value, p.region_count, p.region);
        return x;
    }
    if (in_place && is_gather(&p)) {
        rows_write(x, p.index[0], p.index_axis[0], value);
        return x;
    }
    Positions at = positions_of(&p);
    if (!in_place)
        return t_put(x, at.at, at.ndim, at.shape, value);
    put_write(x, at.at, at.ndim, at.shape, value);
    return x;
}
