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

/* Rows are what an index moves: the elements behind `axis`. Those of x are brought together first. */
void tensor_gather(Tensor *out, const Tensor *x, const int64_t *indices, int64_t count, int axis)
{
    Lanes lanes = lanes_of(x, axis);
    size_t size = dtype_size((Dtype)x->dtype), row = (size_t)lanes.inner * size;
    const char *from = tensor_contiguous(x, (Dtype)x->dtype);
    char *to = tensor_allocate(out);
    if (out->size == 0)
        return;
    for (int64_t o = 0; o < lanes.outer; o++, from += (size_t)lanes.count * row) {
        interrupt_poll();
        for (int64_t i = 0; i < count; i++, to += row) {
            if (lanes.inner == 1)
                copy_element(size, to, from + indices[i] * (int64_t)size);
            else
                memcpy(to, from + indices[i] * (int64_t)row, row);
        }
    }
}

void tensor_scatter_add(Tensor *out, const Tensor *values, const int64_t *indices, int64_t count, int axis)
{
    Lanes lanes = lanes_of(out, axis);
    size_t row = (size_t)lanes.inner * dtype_size((Dtype)out->dtype);
    const char *from = tensor_contiguous(values, (Dtype)out->dtype);
    char *to = tensor_own_data(out);
    AddRow *add = add_row[out->dtype];
    for (int64_t o = 0; o < lanes.outer; o++, to += (size_t)lanes.count * row) {
        interrupt_poll();
        for (int64_t i = 0; i < count; i++, from += row)
            add(lanes.inner, to + indices[i] * (int64_t)row, from);
    }
}

void tensor_take_flat(Tensor *out, const Tensor *x, const int64_t *positions)
{
    int64_t size = (int64_t)dtype_size((Dtype)x->dtype);
    const char *from = tensor_data(x);
    char *to = tensor_allocate(out);
    for (int64_t i = 0; i < out->size; i++) {
        const char *at = x->contiguous ? from + positions[i] * size : tensor_element(x, positions[i]);
        copy_element((size_t)size, to + i * size, at);
    }
}

void tensor_put_flat(Tensor *out, const int64_t *positions, int64_t count, const Tensor *values, bool add)
{
    int64_t size = (int64_t)dtype_size((Dtype)out->dtype), step = values->size == 1 ? 0 : size;
    const char *from = tensor_contiguous(values, (Dtype)out->dtype);
    char *to = tensor_own_data(out);
    for (int64_t i = 0; i < count; i++, from += step) {
        if (add)
            add_row[out->dtype](1, to + positions[i] * size, from);
        else
            copy_element((size_t)size, to + positions[i] * size, from);
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
