/* Matrix products through BLAS; integer dtypes through plain loops. */
#ifndef DBX_TENSOR_PRODUCT_H
#define DBX_TENSOR_PRODUCT_H

#include "tensor/tensor.h"

/* a [..., m, k] x b [..., k, n] -> out [..., m, n], leading axes broadcast (the caller has checked and set
 * out's shape and dtype, to which a and b are converted). Transposed views are passed to BLAS as such,
 * without a copy; work on one matrix that several of the batch share is folded into one product where
 * the strides allow. */
void tensor_matmul(Tensor *out, const Tensor *a, const Tensor *b);

#endif
