/* What rules for batches (grad/batch.h) of shape and index operations are made of. A batch over levels has
 * one leading axis for each of them, then the axes of a slice. */
#ifndef DBX_OPS_SLICES_H
#define DBX_OPS_SLICES_H

#include "grad/batch.h"
#include "ops/index.h"

/* The number of slices of a batch over these levels. */
int64_t slices_count(uint32_t levels);
/* The batch of x over the levels, its slices in another shape of as many elements. */
GradTensor *slices_shaped(GradTensor *x, uint32_t levels, int ndim, const int64_t *shape);
/* Whole axes for the levels, before a region of the slices; returns how many region axes there are in all. */
int slices_region(uint32_t levels, int count, const RegionAxis *region, RegionAxis *out);
/* Row-major positions in slices of `size` elements as positions in the whole batch, of shape levels +
 * positions. */
GradTensor *slices_positions(GradTensor *positions, uint32_t levels, int64_t size);

#endif
