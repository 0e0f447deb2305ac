/* A tensor seen from one axis: outer x count x inner elements, contiguous. A lane is what one index
 * along the other axes leaves. */
#ifndef DBX_TENSOR_LANES_H
#define DBX_TENSOR_LANES_H

#include "tensor/tensor.h"

typedef struct Lanes {
    int64_t outer, count, inner;
} Lanes;

static inline Lanes lanes_of(const Tensor *x, int axis)
{
    Lanes lanes = {1, 1, 1};
    for (int i = 0; i < x->ndim; i++)
        *(i < axis ? &lanes.outer : i == axis ? &lanes.count : &lanes.inner) *= x->dims[i];
    return lanes;
}

#endif
