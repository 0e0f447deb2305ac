/* Along one axis: cumulative sums and products, places of the largest and smallest. All go over whole
 * rows of `inner` elements at a time, so that memory is read in order whatever the axis. */
#include "tensor/reduce.h"

#include "base/runtime.h"
#include "tensor/elementwise.h"
#include "tensor/lanes.h"
#include "tensor/reducer.h"

typedef void CumulateLanes(bool product, const void *x, void *out, void *sums, Lanes lanes);

#define CUMULATE(name, In, Wide, Out) \
    static void name(bool product, const void *x, void *out, void *sums, Lanes lanes) \
    { \
        const In *from = x; \
        Out *to = out; \
        Wide *acc = sums; \
        for (int64_t o = 0; o < lanes.outer; o++) { \
            interrupt_poll(); \
            if (lanes.inner == 1) { \
                Wide total = product ? 1 : 0; \
                for (int64_t k = 0; k < lanes.count; k++) { \
                    total = product ? total * (Wide)*from++ : total + (Wide)*from++; \
                    *to++ = (Out)total; \
                } \
                continue; \
            } \
            for (int64_t i = 0; i < lanes.inner; i++) \
                acc[i] = product ? 1 : 0; \
            for (int64_t k = 0; k < lanes.count; k++, from += lanes.inner, to += lanes.inner) { \
                for (int64_t i = 0; i < lanes.inner; i++) { \
                    acc[i] = product ? acc[i] * (Wide)from[i] : acc[i] + (Wide)from[i]; \
                    to[i] = (Out)acc[i]; \
                } \
            } \
        } \
    }

CUMULATE(cumulate_uint8, uint8_t, uint64_t, int64_t)
CUMULATE(cumulate_int32, int32_t, uint64_t, int64_t)
CUMULATE(cumulate_int64, int64_t, uint64_t, int64_t)
CUMULATE(cumulate_float32, float, double, float)
CUMULATE(cumulate_float64, double, double, double)

void tensor_cumulate(Tensor *out, bool product, const Tensor *x, int axis)
{
    static CumulateLanes *const kernels[DTYPES] = {
        cumulate_uint8, cumulate_uint8, cumulate_int32, cumulate_int64, cumulate_float32, cumulate_float64,
    };
    Lanes lanes = lanes_of(x, axis);
    const void *data = tensor_contiguous(x, (Dtype)x->dtype);
    void *to = tensor_allocate(out);
    if (x->size > 0)
        kernels[x->dtype](product, data, to, scratch((size_t)lanes.inner * 8), lanes);
}

typedef void ArgReduceLanes(bool largest, const Reducer *reducer, const void *x, int64_t *out, void *best,
                            Lanes lanes);

/* nan is unequal to itself, and counts as the extreme. A single long lane is first reduced block by
 * block, which is fast, and the block that has the extreme is searched. */
#define ARG_REDUCE(name, T) \
    static inline bool name##_better(bool largest, T a, T b) \
    { \
        return (largest ? a > b : a < b) || (a != a && b == b); \
    } \
    static int64_t name##_lane(bool largest, const Reducer *reducer, const T *x, int64_t count) \
    { \
        T best = x[0], found; \
        int64_t place = 0; \
        for (int64_t first = 0; first < count; first += BLOCK) { \
            reducer_clear(reducer, &found, 1); \
            reducer->rows(1, count - first < BLOCK ? count - first : BLOCK, x + first, &found); \
            if (name##_better(largest, found, best)) { \
                best = found; \
                place = first; \
            } \
        } \
        while (x[place] != best && x[place] == x[place]) \
            place++; \
        return place; \
    } \
    static void name(bool largest, const Reducer *reducer, const void *x, int64_t *to, void *best, \
                     Lanes lanes) \
    { \
        const T *from = x; \
        T *extreme = best; \
        for (int64_t o = 0; o < lanes.outer; o++, to += lanes.inner) { \
            interrupt_poll(); \
            if (lanes.inner == 1 && lanes.count > LONG_LANE) { \
                *to = name##_lane(largest, reducer, from, lanes.count); \
                from += lanes.count; \
                continue; \
            } \
            for (int64_t i = 0; i < lanes.inner; i++) { \
                extreme[i] = *from++; \
                to[i] = 0; \
            } \
            for (int64_t k = 1; k < lanes.count; k++, from += lanes.inner) { \
                for (int64_t i = 0; i < lanes.inner; i++) { \
                    bool better = name##_better(largest, from[i], extreme[i]); \
                    extreme[i] = better ? from[i] : extreme[i]; \
                    to[i] = better ? k : to[i]; \
                } \
            } \
        } \
    }

enum { LONG_LANE = 64 };

ARG_REDUCE(arg_reduce_uint8, uint8_t)
ARG_REDUCE(arg_reduce_int32, int32_t)
ARG_REDUCE(arg_reduce_int64, int64_t)
ARG_REDUCE(arg_reduce_float32, float)
ARG_REDUCE(arg_reduce_float64, double)

void tensor_arg_reduce(Tensor *out, bool largest, const Tensor *x, int axis)
{
    static ArgReduceLanes *const kernels[DTYPES] = {
        arg_reduce_uint8, arg_reduce_uint8, arg_reduce_int32, arg_reduce_int64, arg_reduce_float32,
        arg_reduce_float64,
    };
    Lanes lanes = lanes_of(x, axis);
    const Reducer *reducer = reducer_for(largest ? REDUCE_MAX : REDUCE_MIN, (Dtype)x->dtype);
    const void *data = tensor_contiguous(x, (Dtype)x->dtype);
    int64_t *to = tensor_allocate(out);
    if (x->size > 0)
        kernels[x->dtype](largest, reducer, data, to, scratch((size_t)lanes.inner * 8), lanes);
}
