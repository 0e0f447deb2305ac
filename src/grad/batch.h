/* Mapped tensors: what vmap evaluates a function on.
 *
 * A mapped tensor stands for one slice of a batch. To everything that looks at it, it is a tensor of the
 * slice's shape and dtype; it has no elements (its data is TENSOR_ABSTRACT, and reading it throws), but holds
 * the whole batch as its one argument. op_call looks through it: an operation with mapped arguments is
 * carried out on their batches, and its result is mapped again. So only batches are recorded; the walks and
 * the derivative rules never meet a mapped tensor, except where a walk is run for many cotangents or tangents
 * at once.
 *
 * vmaps nest: each under way is a level, the outermost level 0. A mapped tensor says with a mask which
 * levels it is a slice of, and its batch has one leading axis for each of them, in the order of the
 * levels. */
#ifndef DBX_GRAD_BATCH_H
#define DBX_GRAD_BATCH_H

#include "grad/op.h"

/* The levels under way as a mask. */
static inline uint32_t batch_levels(void) { return grad_state()->levels; }
/* The batch of a mapped tensor; x itself when it is none. */
static inline GradTensor *batch_of(GradTensor *x) { return gt_batch(x) != 0 ? gt_args(x)[0].tensor : x; }
/* A slice of a batch, whose leading axes belong to the levels of the mask; the batch itself for no levels. */
GradTensor *batch_slice(GradTensor *batch, uint32_t levels);
/* The batch of x over these levels and its own, repeated over those that x is no slice of. */
GradTensor *batch_over(GradTensor *x, uint32_t levels);

/* Opens a level of this many slices above all that are open, and those in `used`, and returns its mask. The
 * caller puts GradState.levels back to close it. */
uint32_t batch_open(int64_t size, uint32_t used);
/* Throws kind shape when a batch may not have so many axes. */
void batch_check_ndim(int ndim);
/* The extents of the levels of a mask; returns how many they are. */
int batch_sizes(uint32_t levels, int64_t *sizes);
/* Opens levels again that were open when something was recorded, with the sizes that they had. */
void batch_reopen(uint32_t levels, const int64_t *sizes);

/* Runs an operation on batches when an argument is mapped; false when none is. Its result is put into
 * *out, its several results into out, or their list into *list, as the row says. */
bool batch_call(const Op *op, const Arg *args, uint32_t numbers, GradTensor **out, TensorList **list);

/* ---- for Op.batch: `levels` are those of all arguments together, the result is a batch over them ---- */

/* The operation treats leading axes as a batch by itself, for equal numbers of axes. */
GradTensor *batch_leading(const OpCall *c, uint32_t levels);
void batch_leading_many(const OpCall *c, uint32_t levels, GradTensor **out);
/* Its ARG_AXES, and an ARG_INTEGER named axis, count the axes of its first tensor (none: all of them). */
GradTensor *batch_axes(const OpCall *c, uint32_t levels);
void batch_axes_many(const OpCall *c, uint32_t levels, GradTensor **out);
/* Its ARG_SHAPE is the result's shape. */
GradTensor *batch_shape(const OpCall *c, uint32_t levels);
/* broadcast_to and its transpose. */
GradTensor *batch_broadcast(const OpCall *c, uint32_t levels);
GradTensor *batch_sum_to(const OpCall *c, uint32_t levels);

/* The random stream, to draw from. Inside of vmap it throws, and the slices are evaluated one after the
 * other, because each must draw numbers of its own, in the order in which a loop does. */
struct Random *batch_random(void);

static inline int batch_axis_count(uint32_t levels) { return __builtin_popcount(levels); }

/* Throws when not all results, one of each slice, have the same shape. */
void batch_check_results(const TensorList *results);

#endif
