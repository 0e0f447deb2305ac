/* How block kernels are written: plain loops over contiguous arrays, compiled for several instruction sets, with
 * the C library's vector functions where it has them.
 *
 *     KERNEL1(tanh_f32, float, float, tanhf(x))
 *     KERNEL2(add_f64, double, double, x + y)
 *
 * define static BlockKernels whose elements are `x`, `y`, `z` of the first type and whose results have the second.
 * The C library's functions are given vector versions by the attribute on their prototypes (simd.h of gcc's manual,
 * "Declare Simd"), which needs no -ffast-math: inf and nan stay right. */
#ifndef DBX_TENSOR_KERNEL_H
#define DBX_TENSOR_KERNEL_H

#include "tensor/elementwise.h"

#include <math.h>

/* Sanitizers do not get along with the resolvers that target_clones makes. */
#if defined(__SANITIZE_ADDRESS__)
#define KERNEL_CLONES
#else
#define KERNEL_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif

#define VECTOR_MATH1(name) \
    __attribute__((simd("notinbranch"))) double name(double); \
    __attribute__((simd("notinbranch"))) float name##f(float);
VECTOR_MATH1(exp) VECTOR_MATH1(exp2) VECTOR_MATH1(expm1)
VECTOR_MATH1(log) VECTOR_MATH1(log2) VECTOR_MATH1(log10) VECTOR_MATH1(log1p)
VECTOR_MATH1(sin) VECTOR_MATH1(cos) VECTOR_MATH1(tan)
VECTOR_MATH1(asin) VECTOR_MATH1(acos) VECTOR_MATH1(atan)
VECTOR_MATH1(sinh) VECTOR_MATH1(cosh) VECTOR_MATH1(tanh)
VECTOR_MATH1(asinh) VECTOR_MATH1(acosh) VECTOR_MATH1(atanh)
VECTOR_MATH1(cbrt) VECTOR_MATH1(erf) VECTOR_MATH1(erfc)
#undef VECTOR_MATH1
__attribute__((simd("notinbranch"))) double pow(double, double);
__attribute__((simd("notinbranch"))) float powf(float, float);
__attribute__((simd("notinbranch"))) double atan2(double, double);
__attribute__((simd("notinbranch"))) float atan2f(float, float);
__attribute__((simd("notinbranch"))) double hypot(double, double);
__attribute__((simd("notinbranch"))) float hypotf(float, float);

#define KERNEL1(name, In, Out, expression) \
    KERNEL_CLONES static void name(long n, void *restrict out, const void *const *in) \
    { \
        const In *a = in[0]; \
        Out *to = out; \
        for (long i = 0; i < n; i++) { \
            In x = a[i]; \
            to[i] = (Out)(expression); \
        } \
    }

#define KERNEL2(name, In, Out, expression) \
    KERNEL_CLONES static void name(long n, void *restrict out, const void *const *in) \
    { \
        const In *a = in[0], *b = in[1]; \
        Out *to = out; \
        for (long i = 0; i < n; i++) { \
            In x = a[i], y = b[i]; \
            to[i] = (Out)(expression); \
        } \
    }

#define KERNEL3(name, In, Out, expression) \
    KERNEL_CLONES static void name(long n, void *restrict out, const void *const *in) \
    { \
        const In *a = in[0], *b = in[1], *c = in[2]; \
        Out *to = out; \
        for (long i = 0; i < n; i++) { \
            In x = a[i], y = b[i], z = c[i]; \
            to[i] = (Out)(expression); \
        } \
    }

/* Kernels of several dtypes at once, and the table of them for a row: the integer expression is computed on unsigned
 * values, so that it wraps. */
#define KERNELS1_FLOAT(name, f64_expression, f32_expression) \
    KERNEL1(name##_f64, double, double, f64_expression) \
    KERNEL1(name##_f32, float, float, f32_expression)
#define KERNELS2_FLOAT(name, f64_expression, f32_expression) \
    KERNEL2(name##_f64, double, double, f64_expression) \
    KERNEL2(name##_f32, float, float, f32_expression)
#define KERNELS1_WRAPPING(name, expression) \
    KERNEL1(name##_u8, uint8_t, uint8_t, expression) \
    KERNEL1(name##_i32, uint32_t, uint32_t, expression) \
    KERNEL1(name##_i64, uint64_t, uint64_t, expression)
#define KERNELS2_WRAPPING(name, expression) \
    KERNEL2(name##_u8, uint8_t, uint8_t, expression) \
    KERNEL2(name##_i32, uint32_t, uint32_t, expression) \
    KERNEL2(name##_i64, uint64_t, uint64_t, expression)
#define KERNELS1_SIGNED(name, expression) \
    KERNEL1(name##_u8, uint8_t, uint8_t, expression) \
    KERNEL1(name##_i32, int32_t, int32_t, expression) \
    KERNEL1(name##_i64, int64_t, int64_t, expression)
#define KERNELS2_SIGNED(name, expression) \
    KERNEL2(name##_u8, uint8_t, uint8_t, expression) \
    KERNEL2(name##_i32, int32_t, int32_t, expression) \
    KERNEL2(name##_i64, int64_t, int64_t, expression)
/* Of all dtypes, to bool. */
#define KERNELS1_TEST(name, expression) \
    KERNEL1(name##_u8, uint8_t, uint8_t, expression) \
    KERNEL1(name##_i32, int32_t, uint8_t, expression) \
    KERNEL1(name##_i64, int64_t, uint8_t, expression) \
    KERNEL1(name##_f32, float, uint8_t, expression) \
    KERNEL1(name##_f64, double, uint8_t, expression)
#define KERNELS2_TEST(name, expression) \
    KERNEL2(name##_u8, uint8_t, uint8_t, expression) \
    KERNEL2(name##_i32, int32_t, uint8_t, expression) \
    KERNEL2(name##_i64, int64_t, uint8_t, expression) \
    KERNEL2(name##_f32, float, uint8_t, expression) \
    KERNEL2(name##_f64, double, uint8_t, expression)
#define KERNELS_FLOAT(name) {[DTYPE_FLOAT32] = name##_f32, [DTYPE_FLOAT64] = name##_f64}
#define KERNELS_NUMERIC(name) \
    {[DTYPE_UINT8] = name##_u8, [DTYPE_INT32] = name##_i32, [DTYPE_INT64] = name##_i64, \
     [DTYPE_FLOAT32] = name##_f32, [DTYPE_FLOAT64] = name##_f64}
/* A bool is stored as a uint8 of 0 or 1. */
#define KERNELS_ANY(name) \
    {[DTYPE_BOOL] = name##_u8, [DTYPE_UINT8] = name##_u8, [DTYPE_INT32] = name##_i32, \
     [DTYPE_INT64] = name##_i64, [DTYPE_FLOAT32] = name##_f32, [DTYPE_FLOAT64] = name##_f64}

#endif
