/* Adding contiguous elements to others of the same dtype: integers wrap, for bool it is `or`. */
#ifndef DBX_TENSOR_ROWS_H
#define DBX_TENSOR_ROWS_H

#include "tensor/dtype.h"

typedef void AddRow(int64_t n, void *out, const void *x);

extern AddRow *const add_row[DTYPES];

#endif
