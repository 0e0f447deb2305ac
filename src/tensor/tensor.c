/* Shapes, and the three states of a tensor's data.
 *
 * A tensor of size 1 is always INLINE once it has data: whoever makes a view of one element copies it,
 * so the elementwise code may read the cell of a one-element input without looking, and one element
 * never keeps a large storage alive. Any other size is STORED or PENDING. */
#include "tensor/tensor.h"

#include "base/runtime.h"
#include "tensor/convert.h"
#include "tensor/expr.h"
#include "tensor/layout.h"
#include "tensor/state.h"

#include <string.h>

/* A few elements stand behind the header, in the same block. */
enum { STORAGE_HEADER = (sizeof(Storage) + 15) / 16 * 16, STORAGE_INSIDE = 256 };

static void storage_destroy(Object *self)
{
    Storage *s = (Storage *)self;
    if (s->bytes > STORAGE_INSIDE)
        mem_free(s->data, s->bytes);
}

static const ObjectType storage_type = {"storage", storage_destroy};

/* The tensor it is for is the only owner, so that tensor_own_data need not copy within the same
 * statement: the pool holds the storage only until nothing can fail any more. */
Storage *storage_new(size_t bytes)
{
    PoolMark mark = pool_mark();
    size_t inside = bytes <= STORAGE_INSIDE ? bytes : 0;
    Storage *s = object_new(&storage_type, STORAGE_HEADER + inside);
    s->bytes = 0;
    s->data = (char *)s + STORAGE_HEADER;
    if (inside != bytes)
        s->data = mem_alloc(bytes);
    s->bytes = bytes;
    object_retain(s);
    pool_drain(mark);
    return s;
}

/* ---- shapes ---- */

int64_t shape_size(int ndim, const int64_t *shape)
{
    int64_t size = 1, bytes = 8;      /* bytes in the widest dtype, axes of extent 0 left out */
    for (int i = 0; i < ndim; i++) {
        assert(shape[i] >= 0);
        size *= shape[i] == 0 ? 0 : 1;
        if (shape[i] != 0 && __builtin_mul_overflow(bytes, shape[i], &bytes))
            error_throw(ERROR_MEMORY, "a tensor of shape %s is too large", shape_text(ndim, shape));
    }
    return size == 0 ? 0 : bytes / 8;
}

bool shape_equal(int na, const int64_t *a, int nb, const int64_t *b)
{
    if (na != nb)
        return false;
    for (int i = 0; i < na; i++) {
        if (a[i] != b[i])
            return false;
    }
    return true;
}

int shape_broadcast(int na, const int64_t *a, int nb, const int64_t *b, int64_t out[TENSOR_MAX_NDIM])
{
    int n = na > nb ? na : nb;
    for (int i = 1; i <= n; i++) {    /* from the last axis on */
        int64_t x = i <= na ? a[na - i] : 1, y = i <= nb ? b[nb - i] : 1;
        if (x != y && x != 1 && y != 1)
            return -1;
        out[n - i] = x == 1 ? y : x;
    }
    return n;
}

const char *shape_text(int ndim, const int64_t *shape)
{
    Buf *text = buf_new();
    for (int i = 0; i < ndim; i++)
        buf_printf(text, "%s%lld", i == 0 ? "" : ", ", (long long)shape[i]);
    return string_format("[%s]", buf_text(text))->text;
}

/* ---- data ---- */

/* mem_alloc would refuse as well, but knows nothing of tensors. */
static _Noreturn void throw_no_room(Dtype dtype, int ndim, const int64_t *shape, size_t bytes)
{
    error_throw(ERROR_MEMORY,
                "a tensor of shape %s and dtype %s takes %zu bytes, too many for the memory limit of %zu bytes, of "
                "which %zu are in use", shape_text(ndim, shape), dtype_name(dtype), bytes, mem_limit(), mem_in_use());
}

size_t tensor_bytes(const Tensor *t)
{
    size_t bytes = (size_t)t->size * dtype_size((Dtype)t->dtype);
    if (__builtin_expect(bytes > STORAGE_INSIDE && !mem_fits(bytes), 0))
        throw_no_room((Dtype)t->dtype, t->ndim, t->dims, bytes);
    return bytes;
}

void shape_check_room(Dtype dtype, int ndim, const int64_t *shape)
{
    size_t bytes = (size_t)shape_size(ndim, shape) * dtype_size(dtype);
    if (!mem_fits(bytes))
        throw_no_room(dtype, ndim, shape, bytes);
}

void tensor_init(Tensor *t, Dtype dtype, int ndim, const int64_t *shape)
{
    t->dtype = (uint8_t)dtype;
    t->ndim = (uint8_t)ndim;
    t->state = TENSOR_EMPTY;
    t->contiguous = true;
    t->data = NULL;
    t->size = shape_size(ndim, shape);
    int64_t *strides = t->dims + ndim, stride = 1;
    for (int i = ndim - 1; i >= 0; i--) {
        t->dims[i] = shape[i];
        strides[i] = stride;
        stride *= shape[i] > 0 ? shape[i] : 1;
    }
}

/* Gives `t` this storage, of which the caller hands over one reference. */
static void *store(Tensor *t, Storage *storage, void *first)
{
    t->as.storage = storage;
    t->data = first;
    t->state = TENSOR_STORED;
    return first;
}

void *tensor_allocate(Tensor *t)
{
    assert(t->state == TENSOR_EMPTY);
    if (t->size == 1) {
        t->state = TENSOR_INLINE;
        return t->as.cell;
    }
    Storage *s = storage_new(tensor_bytes(t));
    return store(t, s, s->data);
}

void tensor_clear(Tensor *t)
{
    if (t->state == TENSOR_STORED)
        object_release(t->as.storage);
    else if (t->state == TENSOR_PENDING)
        object_release(t->as.expr);
    t->state = TENSOR_EMPTY;
    t->data = NULL;
}

static bool row_major(int ndim, const int64_t *shape, const int64_t *strides)
{
    int64_t expected = 1;
    for (int i = ndim - 1; i >= 0; i--) {
        if (shape[i] != 1 && strides[i] != expected)
            return false;
        expected *= shape[i];
    }
    return true;
}

static void set_strides(Tensor *t, const int64_t *strides)
{
    memmove(t->dims + t->ndim, strides, (size_t)t->ndim * sizeof *strides);
    t->contiguous = t->size <= 1 || row_major(t->ndim, t->dims, strides);
}

void tensor_view(Tensor *out, const Tensor *base, int64_t offset, const int64_t *strides)
{
    assert(out->state == TENSOR_EMPTY && out->dtype == base->dtype);
    size_t size = dtype_size(base->dtype);
    if (out->size <= 1) {
        char *cell = tensor_allocate(out);
        if (out->size == 1)
            memcpy(cell, (const char *)tensor_data(base) + offset * (int64_t)size, size);
        return;
    }
    const char *data = tensor_data(base);
    if (base->state == TENSOR_INLINE) {        /* one element broadcast */
        Storage *s = storage_new(size);
        memcpy(s->data, data, size);
        store(out, s, s->data);
    } else {
        store(out, object_retain(base->as.storage), base->data + offset * (int64_t)size);
    }
    set_strides(out, strides);
}

/* Strides under which `base` has the shape of `out`, or false when there are none. Axes of both shapes
 * are matched in groups of equal size; within a group base must be walkable with one stride. */
static bool reshape_strides(const Tensor *out, const Tensor *base, int64_t *strides)
{
    Layout from;
    layout_set(&from, base->ndim, base->dims, tensor_strides(base));
    int j = from.ndim - 1;
    int64_t left = j >= 0 ? from.axes[j].extent : 1, stride = j >= 0 ? from.axes[j].stride : 1;
    for (int i = out->ndim - 1; i >= 0; i--) {
        if (out->dims[i] != 1 && left == 1) {
            if (--j < 0)
                return false;
            left = from.axes[j].extent;
            stride = from.axes[j].stride;
        }
        strides[i] = stride;
        if (left % out->dims[i] != 0)
            return false;
        left /= out->dims[i];
        stride *= out->dims[i];
    }
    return true;
}

void tensor_reshape(Tensor *out, const Tensor *base)
{
    assert(out->size == base->size && out->dtype == base->dtype);
    int64_t strides[TENSOR_MAX_NDIM];
    if (base->state == TENSOR_PENDING && base->as.expr->result == NULL) {
        out->as.expr = object_retain(base->as.expr);      /* in row-major order, whatever the shape */
        out->state = TENSOR_PENDING;
    } else if (base->size <= 1 || base->contiguous) {
        layout_row_major(out->ndim, out->dims, strides);
        tensor_view(out, base, 0, strides);
    } else if (reshape_strides(out, base, strides)) {
        tensor_view(out, base, 0, strides);
    } else {
        Layout from;
        layout_set(&from, base->ndim, base->dims, tensor_strides(base));
        layout_copy(&from, dtype_size(base->dtype), tensor_data(base), tensor_allocate(out));
    }
}

static _Noreturn void throw_abstract(void)
{
    tensor_state()->looked = LOOK_ELEMENT;
    error_throw_hint(ERROR_TYPE, "choose with where(c, a, b), or loop over the slices: stack(map(f, xs))",
                     "inside of vmap a mapped tensor stands for many at once, so its elements cannot be read");
}

void tensor_share(Tensor *out, const Tensor *base)
{
    assert(out->state == TENSOR_EMPTY && out->dtype == base->dtype && out->size == base->size);
    if (base->state == TENSOR_ABSTRACT)
        throw_abstract();
    set_strides(out, tensor_strides(base));
    out->state = base->state;
    out->data = base->data;
    out->as = base->as;
    if (base->state == TENSOR_STORED)
        object_retain(base->as.storage);
    else if (base->state == TENSOR_PENDING)
        object_retain(base->as.expr);
}

const void *tensor_data(const Tensor *t)
{
    if (t->state == TENSOR_INLINE)
        return t->as.cell;
    if (t->state == TENSOR_ABSTRACT)
        throw_abstract();
    if (t->state == TENSOR_PENDING)
        tensor_settle((Tensor *)t);
    assert(t->state == TENSOR_STORED);
    return t->data;
}

/* The elements in row-major order, in the tensor's dtype. */
static void copy_elements(const Tensor *t, void *out)
{
    Layout layout;
    const char *data = tensor_data(t);
    if (t->size == 0)
        return;
    layout_set(&layout, t->ndim, t->dims, tensor_strides(t));
    layout_copy(&layout, dtype_size(t->dtype), data, out);
}

const void *tensor_contiguous(const Tensor *t, Dtype dtype)
{
    const void *data = tensor_data(t);
    size_t count = (size_t)t->size;
    if (!t->contiguous) {
        void *copy = scratch(count * dtype_size(t->dtype));
        copy_elements(t, copy);
        data = copy;
    }
    if (dtype != t->dtype && count > 0) {
        void *converted = scratch(count * dtype_size(dtype));
        convert_kernel(t->dtype, dtype)((long)count, converted, &data);
        data = converted;
    }
    return data;
}

void *tensor_own_data(Tensor *t)
{
    tensor_data(t);
    if (t->state == TENSOR_INLINE)
        return t->as.cell;
    if (t->as.storage->object.refs == 1 && t->contiguous)
        return t->data;
    PoolMark mark = pool_mark();
    Storage *s = pool_add(storage_new(tensor_bytes(t)));
    copy_elements(t, s->data);        /* an interrupt may end it */
    object_retain(s);
    pool_drain(mark);
    object_release(t->as.storage);
    layout_row_major(t->ndim, t->dims, t->dims + t->ndim);
    t->contiguous = true;
    return store(t, s, s->data);
}

void tensor_cast(Tensor *out, const Tensor *x)
{
    if (out->dtype == x->dtype) {
        tensor_share(out, x);
        return;
    }
    tensor_elementwise(out, convert_kernel(x->dtype, out->dtype), x->dtype, 1, &x);
}

/* A large constant is left pending, as a copy of one element, so that what it meets need not read it
 * from memory. */
void tensor_fill(Tensor *out, double value)
{
    Tensor one;
    const Tensor *input = &one;
    if (out->size == 1) {
        dtype_write(out->dtype, tensor_allocate(out), value);
        return;
    }
    tensor_init(&one, out->dtype, 0, NULL);
    dtype_write(out->dtype, tensor_allocate(&one), value);
    tensor_elementwise(out, convert_kernel(out->dtype, out->dtype), out->dtype, 1, &input);
}

/* ---- single elements ---- */

const void *tensor_element(const Tensor *t, int64_t flat)
{
    const char *data = tensor_data(t);
    int64_t offset = flat;
    if (!t->contiguous) {
        offset = 0;
        for (int i = t->ndim - 1; i >= 0; i--) {
            offset += flat % t->dims[i] * tensor_strides(t)[i];
            flat /= t->dims[i];
        }
    }
    return data + offset * (int64_t)dtype_size(t->dtype);
}

double tensor_item(const Tensor *t)
{
    assert(t->size == 1);
    return dtype_read(t->dtype, tensor_data(t));
}

double tensor_at(const Tensor *t, int64_t flat)
{
    assert(flat >= 0 && flat < t->size);
    return dtype_read(t->dtype, tensor_element(t, flat));
}

int64_t tensor_item_int(const Tensor *t)
{
    assert(t->size == 1);
    const void *in[] = {tensor_data(t)};
    int64_t value;
    convert_kernel(t->dtype, DTYPE_INT64)(1, &value, in);
    return value;
}
