/* Reductions over axes. An axis mask has bit i set for axis i. */
#ifndef DBX_TENSOR_REDUCE_H
#define DBX_TENSOR_REDUCE_H

#include "tensor/tensor.h"

typedef enum Reduction {
    REDUCE_SUM,      /* pairwise; integers and bool in int64 */
    REDUCE_PROD,
    REDUCE_MAX, REDUCE_MIN,      /* nan wins, as in NumPy */
    REDUCE_ALL, REDUCE_ANY,      /* to bool */
    REDUCE_COUNT                 /* of non-zero elements, to int64 */
} Reduction;

/* The mask of all axes. */
static inline uint32_t axes_all(int ndim) { return ndim == 0 ? 0 : UINT32_MAX >> (32 - ndim); }

/* out: shape is x's without the reduced axes (or with extent 1 there: either way the order of elements is the
 * same), dtype as the kind says, EMPTY. */
void tensor_reduce(Tensor *out, Reduction kind, const Tensor *x, uint32_t axes);
/* Are all elements other than 0? */
bool tensor_all(const Tensor *x);
/* Index (int64) of the first largest/smallest element along one axis; nan counts as the extreme. */
void tensor_arg_reduce(Tensor *out, bool largest, const Tensor *x, int axis);
/* Cumulative sum or product along an axis; out has x's shape (int64 for integers and bool). */
void tensor_cumulate(Tensor *out, bool product, const Tensor *x, int axis);
/* Stable sort along an axis, nan last: the values and the int64 indices of the elements from rank `first` on, as many
 * as the results have along the axis; either result may be NULL. */
void tensor_sort(Tensor *values, Tensor *indices, const Tensor *x, int axis, bool descending, int64_t first);

#endif
