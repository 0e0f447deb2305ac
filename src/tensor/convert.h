/* Conversion between element types, as block kernels. Float to integer truncates towards zero and
 * saturates, nan becomes 0; integers narrow by wrapping; anything but zero becomes true, nan too. */
#ifndef DBX_TENSOR_CONVERT_H
#define DBX_TENSOR_CONVERT_H

#include "tensor/elementwise.h"

/* The kernel of one input that converts; for equal dtypes it copies. */
BlockKernel *convert_kernel(Dtype from, Dtype to);

#endif
