/* Picking parts of tensors and replacing them: what the language's indexing, slices and the derivative rules
 * of joining and splitting are made of.
 *
 * Basic indexing is a region: a list of RegionAxis, the axes of the result in order, in which every axis of x
 * is mentioned exactly once (in any order: a region may also permute).
 *     {axis, start, step, count}        an axis of the result: elements start, start + step, ... of x's axis
 *     {axis, index, 0, REGION_FIXED}    no axis of the result: x's `axis` is held at one index
 *     {REGION_NEW, 0, 0, 1}             a new axis of extent 1
 * All indices are non-negative and in range (asserted: whoever reads the user's indices checks them), steps
 * are not 0 unless count is at most 1. x[2, ::-1, none] of a 2-d x of shape [5, 4] is
 *     {0, 2, 0, REGION_FIXED}, {1, 3, -1, 4}, {REGION_NEW, 0, 0, 1}
 * The spec does not depend on how x is laid out; the result of t_region is a view.
 *
 * Advanced indexing goes by flat row-major positions in x (an int64 tensor, all in range). */
#ifndef DBX_OPS_INDEX_H
#define DBX_OPS_INDEX_H

#include "ops/rules.h"

enum { REGION_NEW = -1, REGION_FIXED = -1 };

typedef struct RegionAxis {
    int64_t axis, start, step, count;
} RegionAxis;

/* The whole of an axis. */
RegionAxis region_whole(const GradTensor *x, int axis);

/* The region of x, as a view. Throws kind shape when it has too many axes. */
GradTensor *t_region(GradTensor *x, int count, const RegionAxis *region);
/* x with the region replaced by v, which broadcasts to its shape and is converted to the dtype of x. The
 * gradient flows to v and to the untouched part of x. Throws kind shape. */
GradTensor *t_region_set(GradTensor *x, GradTensor *v, int count, const RegionAxis *region);
/* The same in place, without recording: only for an untracked x that nobody else can see. */
void region_write(GradTensor *x, GradTensor *v, int count, const RegionAxis *region);

/* A tensor of this shape, whose element k (row-major) is element positions[k] of x. */
GradTensor *t_take(GradTensor *x, GradTensor *positions, int ndim, const int64_t *shape);
/* x with the elements at these positions replaced by those of v, which broadcasts to `shape` (of as many
 * elements as there are positions). Of repeated positions the last wins, and only it gets a gradient. */
GradTensor *t_put(GradTensor *x, GradTensor *positions, int ndim, const int64_t *shape, GradTensor *v);
/* The same in place, as for region_write. */
void put_write(GradTensor *x, GradTensor *positions, int ndim, const int64_t *shape, GradTensor *v);
/* What t_gather of the same 1-d indices reads, written in place. */
void rows_write(GradTensor *x, const GradTensor *indices, int axis, GradTensor *v);
/* Zeros of this shape to which the values are added at the positions: the transpose of t_take. */
GradTensor *t_put_add(GradTensor *values, GradTensor *positions, int ndim, const int64_t *shape);

/* Elements start, ..., start + count - 1 along one axis, as a view. */
GradTensor *t_part(GradTensor *x, int axis, int64_t start, int64_t count);
/* Joined along an axis. */
GradTensor *t_concat2(GradTensor *a, GradTensor *b, int axis);
/* x[..., indices[...], ...] along an axis, as gather and take_along_axis do; indices are int64. */
GradTensor *t_gather(GradTensor *x, GradTensor *indices, int axis);
GradTensor *t_take_along(GradTensor *x, GradTensor *indices, int axis);

/* int64 indices along an axis of the elements of ranks first, ..., first + count - 1 there; equal elements stand in
 * their order, nan last. */
GradTensor *t_ranks(GradTensor *x, int axis, bool descending, int64_t first, int64_t count);

/* Index values of any dtype as int64, checked against the extent of an axis, negative ones counted
 * from the end. Throws kind index for what is out of range, type for what is not whole and for bool. */
const int64_t *index_values(const OpCall *c, const GradTensor *indices, int axis, int64_t extent);
/* The positions of the true elements in row-major order, as a 1-d int64 tensor. */
GradTensor *index_of_true(GradTensor *mask);

#endif
