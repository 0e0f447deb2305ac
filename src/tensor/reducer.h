/* The arithmetic of reductions: block kernels that fold elements into accumulators. */
#ifndef DBX_TENSOR_REDUCER_H
#define DBX_TENSOR_REDUCER_H

#include "tensor/reduce.h"

/* x is [rows, n], contiguous. Either acc has one element a row, or one a column; each takes in its row
 * or column. */
typedef void FoldKernel(int64_t rows, int64_t n, const void *x, void *acc);

typedef struct Reducer {
    Dtype acc;                        /* dtype of the accumulators */
    FoldKernel *rows, *columns;
    int64_t (*start)(void);           /* bits of the accumulator of nothing */
    Reduction merge;                  /* what reduces accumulators further */
} Reducer;

/* How elements of the dtype are reduced. */
const Reducer *reducer_for(Reduction kind, Dtype dtype);
/* Sets n accumulators to the value of nothing. */
void reducer_clear(const Reducer *reducer, void *acc, int64_t n);

#endif
