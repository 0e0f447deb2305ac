/* Element types. Their order is the order of promotion: the wider of two is the larger. */
#ifndef DBX_TENSOR_DTYPE_H
#define DBX_TENSOR_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum Dtype {
    DTYPE_BOOL, DTYPE_UINT8, DTYPE_INT32, DTYPE_INT64, DTYPE_FLOAT32, DTYPE_FLOAT64,
    DTYPES
} Dtype;

const char *dtype_name(Dtype dtype);
size_t dtype_size(Dtype dtype);
static inline bool dtype_is_float(Dtype d) { return d >= DTYPE_FLOAT32; }
static inline bool dtype_is_integer(Dtype d) { return d >= DTYPE_UINT8 && d <= DTYPE_INT64; }
/* The dtype with this name, or DTYPES. */
Dtype dtype_named(const char *name);
/* Can no integer dtype hold x? So it is with a fraction, inf and nan. */
static inline bool dtype_needs_float(double x) { return x != __builtin_trunc(x) || x - x != 0; }
/* Tensor with tensor: the wider; uint8 with a signed integer is that integer. */
static inline Dtype dtype_promote(Dtype a, Dtype b) { return a > b ? a : b; }

/* One element as a double and back. Float to integer truncates towards zero and saturates, nan becomes 0. */
double dtype_read(Dtype dtype, const void *at);
void dtype_write(Dtype dtype, void *at, double value);

#endif
