/* Picking and placing elements: whole rows by memcpy where they are contiguous, else one by one. */
#include "tensor/index.h"

#include "base/runtime.h"
#include "tensor/lanes.h"
#include "tensor/rows.h"

#include <string.h>

static inline void copy_element(size_t size, char *to, const char *from)
{
    if (size == 4)
        memcpy(to, from, 4);
    else if (size == 8)
        memcpy(to, from, 8);
    else
        *to = *from;
}

/* ---- single elements, by their positions ---- */

/* Element i of `out` and element positions[i] of `x`, or the other way round; elements of `values` are `step` apart. */
typedef void TakeElements(int64_t n, const int64_t *positions, const void *x, void *out);
typedef void PutElements(int64_t n, const int64_t *positions, const void *values, int64_t step, void *out);

#define TAKE(name, T) \
    static void name(int64_t n, const int64_t *positions, const void *x, void *out) \
    { \
        const T *from = x; \
        T *restrict to = out; \
        for (int64_t i = 0; i < n; i++) \
            to[i] = from[positions[i]]; \
    }

#define PUT(name, T, expression) \
    static void name(int64_t n, const int64_t *positions, const void *values, int64_t step, void *out) \
    { \
        const T *from = values; \
        T *to = out; \
        for (int64_t i = 0; i < n; i++, from += step) { \
            T *at = to + positions[i]; \
            *at = (T)(expression); \
        } \
    }

TAKE(take_1, uint8_t)
TAKE(take_4, uint32_t)
TAKE(take_8, uint64_t)
PUT(put_1, uint8_t, *from)
PUT(put_4, uint32_t, *from)
PUT(put_8, uint64_t, *from)
PUT(put_or, uint8_t, *at | *from)
PUT(put_add_uint8, uint8_t, *at + *from)
PUT(put_add_uint32, uint32_t, *at + *from)
PUT(put_add_uint64, uint64_t, *at + *from)
PUT(put_add_float32, float, *at + *from)
PUT(put_add_float64, double, *at + *from)

static TakeElements *take_of(size_t size) { return size == 4 ? take_4 : size == 8 ? take_8 : take_1; }

static PutElements *put_of(Dtype dtype, bool add)
{
    static PutElements *const adders[DTYPES] = {
        put_or, put_add_uint8, put_add_uint32, put_add_uint64, put_add_float32, put_add_float64,
    };
    size_t size = dtype_size(dtype);
    return add ? adders[dtype] : size == 4 ? put_4 : size == 8 ? put_8 : put_1;
}

/* Single elements of a view are read where they are, unless they are so many that a copy of it pays. */
void tensor_take_flat(Tensor *out, const Tensor *x, const int64_t *positions)
{
    size_t size = dtype_size((Dtype)x->dtype);
    tensor_data(x);
    char *to = tensor_allocate(out);
    if (x->contiguous || out->size > x->size / 4) {
        take_of(size)(out->size, positions, tensor_contiguous(x, (Dtype)x->dtype), to);
        return;
    }
    for (int64_t i = 0; i < out->size; i++, to += size)
        copy_element(size, to, tensor_element(x, positions[i]));
}

void tensor_put_flat(Tensor *out, const int64_t *positions, int64_t count, const Tensor *values, bool add)
{
    const void *from = tensor_contiguous(values, (Dtype)out->dtype);
    put_of((Dtype)out->dtype, add)(count, positions, from, values->size == 1 ? 0 : 1, tensor_own_data(out));
}

/* ---- rows ---- */

/* Rows are what an index moves: the elements behind `axis`. Those of x are brought together first. */
void tensor_gather(Tensor *out, const Tensor *x, const int64_t *indices, int64_t count, int axis)
{
    Lanes lanes = lanes_of(x, axis);
    size_t size = dtype_size((Dtype)x->dtype), row = (size_t)lanes.inner * size;
    const char *from = tensor_contiguous(x, (Dtype)x->dtype);
    char *to = tensor_allocate(out);
    if (out->size == 0)
        return;
    for (int64_t o = 0; o < lanes.outer; o++, from += (size_t)lanes.count * row, to += (size_t)count * row) {
        interrupt_poll();
        if (lanes.inner == 1)
            take_of(size)(count, indices, from, to);
        for (int64_t i = 0; i < count && lanes.inner > 1; i++)
            memcpy(to + (size_t)i * row, from + indices[i] * (int64_t)row, row);
    }
}

void tensor_put_rows(Tensor *out, const int64_t *indices, int64_t count, int axis, const Tensor *values, bool add)
{
    Lanes lanes = lanes_of(out, axis);
    size_t row = (size_t)lanes.inner * dtype_size((Dtype)out->dtype);
    const char *from = tensor_contiguous(values, (Dtype)out->dtype);
    char *to = tensor_own_data(out);
    for (int64_t o = 0; o < lanes.outer; o++, to += (size_t)lanes.count * row, from += (size_t)count * row) {
        interrupt_poll();
        if (lanes.inner == 1)
            put_of((Dtype)out->dtype, add)(count, indices, from, 1, to);
        for (int64_t i = 0; i < count && lanes.inner > 1; i++) {
            char *at = to + indices[i] * (int64_t)row;
            if (add)
                add_row[out->dtype](lanes.inner, at, from + (size_t)i * row);
            else
                memcpy(at, from + (size_t)i * row, row);
        }
    }
}

/* Row by row of the last axis. */
void tensor_put_region(Tensor *out, int64_t offset, const int64_t *strides, const Tensor *x, bool add)
{
    int64_t size = (int64_t)dtype_size((Dtype)out->dtype), index[TENSOR_MAX_NDIM] = {0};
    const char *from = tensor_contiguous(x, (Dtype)out->dtype);
    char *to = tensor_own_data(out);
    if (x->size == 0)
        return;
    to += offset * size;
    int last = x->ndim - 1;
    int64_t row = last < 0 ? 1 : x->dims[last], stride = last < 0 ? 1 : strides[last];
    for (int64_t done = 0; done < x->size; done += row) {
        if (stride == 1 && add)
            add_row[out->dtype](row, to, from);
        else if (stride == 1)
            memcpy(to, from, (size_t)(row * size));
        else
            for (int64_t i = 0; i < row; i++) {
                if (add)
                    add_row[out->dtype](1, to + i * stride * size, from + i * size);
                else
                    copy_element((size_t)size, to + i * stride * size, from + i * size);
            }
        from += row * size;
        for (int i = last - 1; i >= 0; i--) {
            if (++index[i] < x->dims[i]) {
                to += strides[i] * size;
                break;
            }
            index[i] = 0;
            to -= strides[i] * (x->dims[i] - 1) * size;
        }
    }
}
