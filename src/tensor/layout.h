/* Strided layouts, reduced to what matters for walking over elements in row-major order: axes of extent
 * 1 are gone, neighbouring axes that can be walked as one are one. */
#ifndef DBX_TENSOR_LAYOUT_H
#define DBX_TENSOR_LAYOUT_H

#include "tensor/tensor.h"

typedef struct Axis {
    int64_t extent, stride;           /* in elements; a stride may be 0 or negative */
} Axis;

typedef struct Layout {
    int ndim;                         /* 0 for one element */
    Axis axes[TENSOR_MAX_NDIM];
} Layout;

/* From a shape and its strides, in elements. */
void layout_set(Layout *layout, int ndim, const int64_t *shape, const int64_t *strides);
/* Adds an axis behind the others. */
void layout_push(Layout *layout, int64_t extent, int64_t stride);
static inline size_t layout_bytes(const Layout *layout)
{
    return offsetof(Layout, axes) + (size_t)layout->ndim * sizeof(Axis);
}
/* Elements [first, first + n) in row-major order into contiguous `out`. `size` is that of an element: 1,
 * 4 or 8. */
void layout_read(const Layout *layout, size_t size, const char *data, int64_t first, int64_t n, void *out);
/* All elements into contiguous `out`, in tiles where rows and columns are swapped; in parallel. Polls
 * for interrupts. */
void layout_copy(const Layout *layout, size_t size, const char *data, void *out);
/* The row-major strides of a shape. */
void layout_row_major(int ndim, const int64_t *shape, int64_t *strides);

#endif
