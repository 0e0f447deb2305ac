#include "ops/reduce.h"

GradTensor *t_sum_axes(GradTensor *x, uint32_t axes, bool keep)
{
    return t_over_axes(&op_sum, x, axes, keep);
}

GradTensor *t_unreduce(GradTensor *g, GradTensor *x, uint32_t axes, bool kept)
{
    int64_t shape[TENSOR_MAX_NDIM];
    if (!kept && axes != 0) {
        for (int i = 0; i < x->t.ndim; i++)
            shape[i] = axes >> i & 1 ? 1 : tensor_shape(&x->t)[i];
        g = t_reshape(g, x->t.ndim, shape);
    }
    return gt_expand(g, x->t.ndim, tensor_shape(&x->t));
}

GradTensor *t_reshape(GradTensor *x, int ndim, const int64_t *shape)
{
    if (shape_equal(x->t.ndim, tensor_shape(&x->t), ndim, shape))
        return x;
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.ints = int_list_new(ndim, shape)}};
    return op_call(&op_reshape, args, 0);
}

GradTensor *t_permute(GradTensor *x, const int *order)
{
    IntList *axes = int_list_new(x->t.ndim, NULL);
    for (int i = 0; i < x->t.ndim; i++)
        axes->at[i] = order[i];
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.ints = axes}};
    return op_call(&op_permute, args, 0);
}

GradTensor *t_swap(GradTensor *x)
{
    int order[TENSOR_MAX_NDIM], n = x->t.ndim;
    for (int i = 0; i < n; i++)
        order[i] = i;
    order[n - 2] = n - 1;
    order[n - 1] = n - 2;
    return t_permute(x, order);
}
