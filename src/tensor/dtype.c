#include "tensor/convert.h"

#include <string.h>

const char *dtype_name(Dtype dtype)
{
    static const char *const names[DTYPES] = {"bool", "uint8", "int32", "int64", "float32", "float64"};
    return names[dtype];
}

size_t dtype_size(Dtype dtype)
{
    static const uint8_t sizes[DTYPES] = {1, 1, 4, 8, 4, 8};
    return sizes[dtype];
}

Dtype dtype_named(const char *name)
{
    for (Dtype d = 0; d < DTYPES; d++) {
        if (strcmp(name, dtype_name(d)) == 0)
            return d;
    }
    return DTYPES;
}

double dtype_read(Dtype dtype, const void *at)
{
    switch (dtype) {
    case DTYPE_BOOL: case DTYPE_UINT8: return *(const uint8_t *)at;
    case DTYPE_INT32: return *(const int32_t *)at;
    case DTYPE_INT64: return (double)*(const int64_t *)at;
    case DTYPE_FLOAT32: return (double)*(const float *)at;
    default: return *(const double *)at;
    }
}

void dtype_write(Dtype dtype, void *at, double value)
{
    const void *in[] = {&value};
    convert_kernel(DTYPE_FLOAT64, dtype)(1, at, in);
}
