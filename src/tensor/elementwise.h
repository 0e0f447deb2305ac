/* Elementwise work and its deferral.
 *
 * A block kernel computes n elements from contiguous inputs. All inputs of a kernel have one dtype, the
 * kernel's compute dtype; the output has the same or, for comparisons and tests, bool. Small results are
 * computed at once; larger ones are left pending, as a DAG whose inner nodes are kernels over equal shapes
 * and whose leaves are stored tensors, broadcast and converted as needed. Evaluation runs every kernel of
 * the DAG on one block that stays in the cache before it goes to the next block, in parallel over blocks,
 * straight into the consumer: a reduction never materialises its operand. */
#ifndef DBX_TENSOR_ELEMENTWISE_H
#define DBX_TENSOR_ELEMENTWISE_H

#include "tensor/tensor.h"

enum { ELEMENTWISE_MAX_INPUTS = 4, BLOCK = 1024 };

/* `out` overlaps no input. 0 < n. */
typedef void BlockKernel(long n, void *restrict out, const void *const *in);

/* out: shape set (the broadcast shape of the inputs; the caller has checked), EMPTY. Inputs of other dtypes are
 * converted to `compute` on the way. `out_dtype` of the kernel is out->dtype. */
void tensor_elementwise(Tensor *out, BlockKernel *kernel, Dtype compute, int count,
                        const Tensor *const *inputs);

/* Computes the elements of a pending tensor. */
void tensor_settle(Tensor *t);

/* out += x elementwise in place; same shape and dtype; out's data must not be shared. */
void tensor_add_into(Tensor *out, const Tensor *x);

#endif
