/* Picking and placing elements by index arrays. Indices are int64, already checked and non-negative. */
#ifndef DBX_TENSOR_INDEX_H
#define DBX_TENSOR_INDEX_H

#include "tensor/tensor.h"

/* out[..., i, ...] = x[..., indices[i], ...] along `axis`. */
void tensor_gather(Tensor *out, const Tensor *x, const int64_t *indices, int64_t count, int axis);
/* out[..., indices[i], ...] = values[..., i, ...], or += when add, in order of i; out gets its own contiguous data. */
void tensor_put_rows(Tensor *out, const int64_t *indices, int64_t count, int axis, const Tensor *values, bool add);
/* Flat (row-major) positions: out[i] = x[positions[i]]; x any strides. */
void tensor_take_flat(Tensor *out, const Tensor *x, const int64_t *positions);
/* out (own contiguous data)[positions[i]] = values[i], or += when add; values has as many elements as
 * there are positions, or one element for all. */
void tensor_put_flat(Tensor *out, const int64_t *positions, int64_t count, const Tensor *values, bool add);
/* Copies x into the strided region of out (own contiguous data) that starts at `offset`; shape is x's. */
void tensor_put_region(Tensor *out, int64_t offset, const int64_t *strides, const Tensor *x, bool add);

#endif
