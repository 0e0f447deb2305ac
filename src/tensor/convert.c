#include "tensor/convert.h"

#include "tensor/kernel.h"

#include <string.h>

/* Saturation by selects alone, before the conversion, so that no element is out of range and the loops
 * vectorise. The largest double below 2^63 is 1024 short of INT64_MAX, which therefore takes a select of
 * its own. */
static inline int32_t saturate_int32(double x)
{
    double low = x < -0x1p31 ? -0x1p31 : x;
    double both = low > 0x1p31 - 1 ? 0x1p31 - 1 : low;
    return (int32_t)(both == both ? both : 0);
}

static inline uint8_t saturate_uint8(double x)
{
    double low = x < 0 ? 0 : x;
    double both = low > 255 ? 255 : low;
    return (uint8_t)(int32_t)(both == both ? both : 0);
}

static inline int64_t saturate_int64(double x)
{
    double low = x < -0x1p63 ? -0x1p63 : x;
    double both = low > 0x1p63 - 1024 ? 0x1p63 - 1024 : low;
    int64_t whole = (int64_t)(both == both ? both : 0);
    return x >= 0x1p63 ? INT64_MAX : whole;
}

KERNEL1(bool_of_uint8, uint8_t, uint8_t, x != 0)
KERNEL1(bool_of_int32, int32_t, uint8_t, x != 0)
KERNEL1(bool_of_int64, int64_t, uint8_t, x != 0)
KERNEL1(bool_of_float32, float, uint8_t, x != 0)
KERNEL1(bool_of_float64, double, uint8_t, x != 0)

KERNEL1(uint8_of_int32, int32_t, uint8_t, x)
KERNEL1(uint8_of_int64, int64_t, uint8_t, x)
KERNEL1(uint8_of_float32, float, uint8_t, saturate_uint8((double)x))
KERNEL1(uint8_of_float64, double, uint8_t, saturate_uint8(x))

KERNEL1(int32_of_uint8, uint8_t, int32_t, x)
KERNEL1(int32_of_int64, int64_t, int32_t, x)
KERNEL1(int32_of_float32, float, int32_t, saturate_int32((double)x))
KERNEL1(int32_of_float64, double, int32_t, saturate_int32(x))

KERNEL1(int64_of_uint8, uint8_t, int64_t, x)
KERNEL1(int64_of_int32, int32_t, int64_t, x)
KERNEL1(int64_of_float32, float, int64_t, saturate_int64((double)x))
KERNEL1(int64_of_float64, double, int64_t, saturate_int64(x))

KERNEL1(float32_of_uint8, uint8_t, float, x)
KERNEL1(float32_of_int32, int32_t, float, x)
KERNEL1(float32_of_int64, int64_t, float, x)
KERNEL1(float32_of_float64, double, float, x)

KERNEL1(float64_of_uint8, uint8_t, double, x)
KERNEL1(float64_of_int32, int32_t, double, x)
KERNEL1(float64_of_int64, int64_t, double, x)
KERNEL1(float64_of_float32, float, double, x)

static void copy1(long n, void *restrict out, const void *const *in)
{
    memcpy(out, in[0], (size_t)n);
}

static void copy4(long n, void *restrict out, const void *const *in)
{
    memcpy(out, in[0], (size_t)n * 4);
}

static void copy8(long n, void *restrict out, const void *const *in)
{
    memcpy(out, in[0], (size_t)n * 8);
}

BlockKernel *convert_kernel(Dtype from, Dtype to)
{
    /* [to][from]; bool is stored as a uint8 of 0 or 1 */
    static BlockKernel *const kernels[DTYPES][DTYPES] = {
        {copy1, bool_of_uint8, bool_of_int32, bool_of_int64, bool_of_float32, bool_of_float64},
        {copy1, copy1, uint8_of_int32, uint8_of_int64, uint8_of_float32, uint8_of_float64},
        {int32_of_uint8, int32_of_uint8, copy4, int32_of_int64, int32_of_float32, int32_of_float64},
        {int64_of_uint8, int64_of_uint8, int64_of_int32, copy8, int64_of_float32, int64_of_float64},
        {float32_of_uint8, float32_of_uint8, float32_of_int32, float32_of_int64, copy4, float32_of_float64},
        {float64_of_uint8, float64_of_uint8, float64_of_int32, float64_of_int64, float64_of_float32, copy8},
    };
    return kernels[to][from];
}
