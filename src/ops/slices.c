#include "ops/slices.h"

#include <string.h>

int64_t slices_count(uint32_t levels)
{
    int64_t sizes[TENSOR_MAX_NDIM], count = 1;
    int hidden = batch_sizes(levels, sizes);
    for (int i = 0; i < hidden; i++)
        count *= sizes[i];
    return count;
}

GradTensor *slices_shaped(GradTensor *x, uint32_t levels, int ndim, const int64_t *shape)
{
    int64_t all[2 * TENSOR_MAX_NDIM];
    GradTensor *batch = batch_over(x, levels);
    int hidden = batch_axis_count(levels);
    batch_check_ndim(hidden + ndim);
    memcpy(all, tensor_shape(&batch->t), (size_t)hidden * sizeof *all);
    memcpy(all + hidden, shape, (size_t)ndim * sizeof *all);
    return t_reshape(batch, hidden + ndim, all);
}

int slices_region(uint32_t levels, int count, const RegionAxis *region, RegionAxis *out)
{
    int64_t sizes[TENSOR_MAX_NDIM];
    int hidden = batch_sizes(levels, sizes);
    for (int i = 0; i < hidden; i++)
        out[i] = (RegionAxis){i, 0, 1, sizes[i]};
    for (int i = 0; i < count; i++) {
        out[hidden + i] = region[i];
        out[hidden + i].axis += region[i].axis == REGION_NEW ? 0 : hidden;
    }
    return hidden + count;
}

GradTensor *slices_positions(GradTensor *positions, uint32_t levels, int64_t size)
{
    GradTensor *batch = batch_over(positions, levels);
    GradTensor *out = gt_new(DTYPE_INT64, batch->t.ndim, tensor_shape(&batch->t));
    const int64_t *from = tensor_contiguous(&batch->t, DTYPE_INT64);
    int64_t *to = tensor_allocate(&out->t), slices = slices_count(levels);
    for (int64_t s = 0; s < slices; s++)
        for (int64_t k = 0; k < positions->t.size; k++)
            *to++ = *from++ + s * size;
    return out;
}
