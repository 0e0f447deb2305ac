/* Tensors for the unit tests: each is an object of its own, owned by the pool. */
#ifndef DBX_TESTS_UNIT_TENSOR_SUPPORT_H
#define DBX_TESTS_UNIT_TENSOR_SUPPORT_H

#include "support.h"
#include "tensor/tensor.h"

typedef struct Holder {
    Object object;
    Tensor tensor;
} Holder;

static inline void holder_destroy(Object *self)
{
    tensor_clear(&((Holder *)self)->tensor);
}

static const ObjectType holder_type = {"tensor of a test", holder_destroy};

/* A tensor without data. */
static inline Tensor *empty_tensor(Dtype dtype, int ndim, const int64_t *shape)
{
    Holder *holder = object_new_zeroed(&holder_type, sizeof *holder + tensor_dims_bytes(ndim));
    tensor_init(&holder->tensor, dtype, ndim, shape);
    return &holder->tensor;
}

/* A vector without data. */
static inline Tensor *empty_vector(Dtype dtype, int64_t size)
{
    return empty_tensor(dtype, 1, &size);
}

/* The values in row-major order. */
static inline Tensor *tensor_of(Dtype dtype, int ndim, const int64_t *shape, const double *values)
{
    Tensor *t = empty_tensor(dtype, ndim, shape);
    char *data = tensor_allocate(t);
    for (int64_t i = 0; i < t->size; i++)
        dtype_write(dtype, data + i * (int64_t)dtype_size(dtype), values[i]);
    return t;
}

#define SHAPE(...) ((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))), (int64_t[]){__VA_ARGS__}
#define VALUES(...) ((double[]){__VA_ARGS__})

#endif
