/* What reductions over axes share. Rows of reductions take (x, axis, keepdims, ...); an axis mask has bit i
 * set for axis i. */
#ifndef DBX_OPS_REDUCE_H
#define DBX_OPS_REDUCE_H

#include "ops/rules.h"

/* The mask of the `axis` argument of a call on x. 0-d counts as a lane of one element, whose axis may be
 * called 0 or -1, as in NumPy and PyTorch. */
uint32_t reduce_axes(const OpCall *c, const GradTensor *x);
/* The rule for batches of operations over axes, see grad/batch.h. */
GradTensor *reduce_batch(const OpCall *c, uint32_t levels);
/* The shape without the axes of the mask, or with extent 1 there; returns its ndim. */
int reduce_shape(const GradTensor *x, uint32_t axes, bool keep, int64_t shape[TENSOR_MAX_NDIM]);
/* How many elements of x meet in one element of the result. */
int64_t reduce_count(const GradTensor *x, uint32_t axes);
/* Throws kind domain when elements would be chosen from nothing. */
void reduce_check_any(const OpCall *c, const GradTensor *x, uint32_t axes);

/* The axes of a mask, in order. */
IntList *reduce_axis_list(uint32_t axes);
/* A reducing operation of the arguments (x, axis, keepdims) over the axes of a mask. */
GradTensor *t_over_axes(const Op *op, GradTensor *x, uint32_t axes, bool keep);

/* x with the axes of the mask moved behind the others and merged into one: [others..., count]. */
GradTensor *reduce_to_lanes(GradTensor *x, uint32_t axes);

#endif
