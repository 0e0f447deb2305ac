#include "tensor/reducer.h"

#include "tensor/kernel.h"
#include "tensor/layout.h"

#include <math.h>
#include <string.h>

/* A row goes to LANES accumulators in turn, which are brought together pairwise: this is fast, because
 * lanes do not wait for each other, and the rounding errors of a long sum stay small. */
enum { LANES = 32 };

/* Up to so many columns are too few for a loop along them, so several rows are taken together. */
enum { FEW_COLUMNS = 16, FEW_LANES = 64 };

/* With extents that the compiler knows it keeps the lanes in registers, as vectors unless it unrolls the loop. */
#define HALVE(name, half) \
    _Pragma("GCC unroll 1") \
    for (int j = 0; j < half; j++) \
        lanes[j] = name##_combine(lanes[j], lanes[j + half]);

#define FOLD_KERNELS(name, In, Acc, nothing, value, combined) \
    static inline Acc name##_combine(Acc a, Acc b) \
    { \
        return (Acc)(combined); \
    } \
    static inline Acc name##_value(In x) \
    { \
        return (Acc)(value); \
    } \
    KERNEL_CLONES static void name##_rows(int64_t rows, int64_t n, const void *x, void *acc) \
    { \
        const In *from = x; \
        Acc *to = acc, lanes[LANES]; \
        for (int64_t r = 0; r < rows; r++, from += n) { \
            Acc total = to[r]; \
            int64_t i = 0; \
            if (n >= LANES) { \
                for (int j = 0; j < LANES; j++) \
                    lanes[j] = name##_value(from[j]); \
                for (i = LANES; i + LANES <= n; i += LANES) { \
                    for (int j = 0; j < LANES; j++) \
                        lanes[j] = name##_combine(lanes[j], name##_value(from[i + j])); \
                } \
                HALVE(name, 16) HALVE(name, 8) HALVE(name, 4) HALVE(name, 2) HALVE(name, 1) \
                total = name##_combine(total, lanes[0]); \
            } \
            for (; i < n; i++) \
                total = name##_combine(total, name##_value(from[i])); \
            to[r] = total; \
        } \
    } \
    KERNEL_CLONES static void name##_columns(int64_t rows, int64_t n, const void *x, void *acc) \
    { \
        const In *from = x; \
        Acc *restrict to = acc, lanes[FEW_LANES]; \
        int64_t r = 0, together = n <= FEW_COLUMNS && rows >= FEW_LANES ? FEW_LANES / n : 0; \
        if (together > 0) { \
            for (int64_t j = 0; j < together * n; j++) \
                lanes[j] = nothing; \
            for (; r + together <= rows; r += together, from += together * n) { \
                for (int64_t j = 0; j < together * n; j++) \
                    lanes[j] = name##_combine(lanes[j], name##_value(from[j])); \
            } \
            for (int64_t j = 0; j < together * n; j++) \
                to[j % n] = name##_combine(to[j % n], lanes[j]); \
        } \
        for (; r < rows; r++, from += n) { \
            for (int64_t j = 0; j < n; j++) \
                to[j] = name##_combine(to[j], name##_value(from[j])); \
        } \
    } \
    static int64_t name##_start(void) \
    { \
        Acc start = nothing; \
        int64_t bits = 0; \
        memcpy(&bits, &start, sizeof start); \
        return bits; \
    }

/* nan is unequal to itself, and wins. */
#define LARGER a != a ? a : a > b ? a : b
#define SMALLER a != a ? a : a < b ? a : b

FOLD_KERNELS(sum_uint8, uint8_t, uint64_t, 0, x, a + b)
FOLD_KERNELS(sum_int32, int32_t, uint64_t, 0, (uint64_t)x, a + b)
FOLD_KERNELS(sum_int64, uint64_t, uint64_t, 0, x, a + b)
FOLD_KERNELS(sum_float32, float, double, 0, x, a + b)
FOLD_KERNELS(sum_float64, double, double, 0, x, a + b)

FOLD_KERNELS(prod_uint8, uint8_t, uint64_t, 1, x, a * b)
FOLD_KERNELS(prod_int32, int32_t, uint64_t, 1, (uint64_t)x, a * b)
FOLD_KERNELS(prod_int64, uint64_t, uint64_t, 1, x, a * b)
FOLD_KERNELS(prod_float32, float, double, 1, x, a * b)
FOLD_KERNELS(prod_float64, double, double, 1, x, a * b)

FOLD_KERNELS(max_uint8, uint8_t, uint8_t, 0, x, a > b ? a : b)
FOLD_KERNELS(max_int32, int32_t, int32_t, INT32_MIN, x, a > b ? a : b)
FOLD_KERNELS(max_int64, int64_t, int64_t, INT64_MIN, x, a > b ? a : b)
FOLD_KERNELS(max_float32, float, float, -INFINITY, x, LARGER)
FOLD_KERNELS(max_float64, double, double, -INFINITY, x, LARGER)

FOLD_KERNELS(min_uint8, uint8_t, uint8_t, UINT8_MAX, x, a < b ? a : b)
FOLD_KERNELS(min_int32, int32_t, int32_t, INT32_MAX, x, a < b ? a : b)
FOLD_KERNELS(min_int64, int64_t, int64_t, INT64_MAX, x, a < b ? a : b)
FOLD_KERNELS(min_float32, float, float, INFINITY, x, SMALLER)
FOLD_KERNELS(min_float64, double, double, INFINITY, x, SMALLER)

FOLD_KERNELS(all_uint8, uint8_t, uint8_t, 1, x != 0, a & b)
FOLD_KERNELS(all_int32, int32_t, uint8_t, 1, x != 0, a & b)
FOLD_KERNELS(all_int64, int64_t, uint8_t, 1, x != 0, a & b)
FOLD_KERNELS(all_float32, float, uint8_t, 1, x != 0, a & b)
FOLD_KERNELS(all_float64, double, uint8_t, 1, x != 0, a & b)

FOLD_KERNELS(any_uint8, uint8_t, uint8_t, 0, x != 0, a | b)
FOLD_KERNELS(any_int32, int32_t, uint8_t, 0, x != 0, a | b)
FOLD_KERNELS(any_int64, int64_t, uint8_t, 0, x != 0, a | b)
FOLD_KERNELS(any_float32, float, uint8_t, 0, x != 0, a | b)
FOLD_KERNELS(any_float64, double, uint8_t, 0, x != 0, a | b)

FOLD_KERNELS(count_uint8, uint8_t, uint64_t, 0, x != 0, a + b)
FOLD_KERNELS(count_int32, int32_t, uint64_t, 0, x != 0, a + b)
FOLD_KERNELS(count_int64, int64_t, uint64_t, 0, x != 0, a + b)
FOLD_KERNELS(count_float32, float, uint64_t, 0, x != 0, a + b)
FOLD_KERNELS(count_float64, double, uint64_t, 0, x != 0, a + b)

#define REDUCER(name, acc, merge) {acc, name##_rows, name##_columns, name##_start, merge}
#define SAME_DTYPE(kind, merge) \
    {REDUCER(kind##_uint8, DTYPE_BOOL, merge), REDUCER(kind##_uint8, DTYPE_UINT8, merge), \
     REDUCER(kind##_int32, DTYPE_INT32, merge), REDUCER(kind##_int64, DTYPE_INT64, merge), \
     REDUCER(kind##_float32, DTYPE_FLOAT32, merge), REDUCER(kind##_float64, DTYPE_FLOAT64, merge)}
#define WIDEST(kind, integer, real, merge) \
    {REDUCER(kind##_uint8, integer, merge), REDUCER(kind##_uint8, integer, merge), \
     REDUCER(kind##_int32, integer, merge), REDUCER(kind##_int64, integer, merge), \
     REDUCER(kind##_float32, real, merge), REDUCER(kind##_float64, real, merge)}

const Reducer *reducer_for(Reduction kind, Dtype dtype)
{
    static const Reducer reducers[][DTYPES] = {
        [REDUCE_SUM] = WIDEST(sum, DTYPE_INT64, DTYPE_FLOAT64, REDUCE_SUM),
        [REDUCE_PROD] = WIDEST(prod, DTYPE_INT64, DTYPE_FLOAT64, REDUCE_PROD),
        [REDUCE_MAX] = SAME_DTYPE(max, REDUCE_MAX),
        [REDUCE_MIN] = SAME_DTYPE(min, REDUCE_MIN),
        [REDUCE_ALL] = WIDEST(all, DTYPE_BOOL, DTYPE_BOOL, REDUCE_ALL),
        [REDUCE_ANY] = WIDEST(any, DTYPE_BOOL, DTYPE_BOOL, REDUCE_ANY),
        [REDUCE_COUNT] = WIDEST(count, DTYPE_INT64, DTYPE_INT64, REDUCE_SUM),
    };
    return &reducers[kind][dtype];
}

void reducer_clear(const Reducer *reducer, void *acc, int64_t n)
{
    Layout repeated = {.ndim = 0};
    int64_t bits = reducer->start();
    layout_push(&repeated, n, 0);
    if (n > 0)
        layout_read(&repeated, dtype_size(reducer->acc), (const char *)&bits, 0, n, acc);
}
