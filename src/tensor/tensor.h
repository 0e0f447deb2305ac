/* Tensors: a dtype, a shape, strides and data. Nothing here knows of gradients or of the language.
 *
 * A Tensor is a part of some object (a GradTensor) that owns it; its shape and strides stand behind it in
 * the same block. Its data is in one of these states:
 *   INLINE   the one element of a tensor of size 1 is in `as.cell`
 *   STORED   elements are in a counted Storage, which several tensors may share
 *   ABSTRACT there are no elements to read: the owner knows more (grad/batch.h), and reading throws
 *   PENDING  elementwise work is deferred: `as.expr` says how to compute the elements (elementwise.h)
 * tensor_data and everything that reads elements settles a pending tensor first. Data that is shared is
 * never written: tensor_own_data copies first when it must. Every function that fills an `out` tensor expects
 * it initialised by tensor_init (dtype and shape set, no data yet). */
#ifndef DBX_TENSOR_TENSOR_H
#define DBX_TENSOR_TENSOR_H

#include "base/object.h"
#include "tensor/dtype.h"

enum { TENSOR_MAX_NDIM = 32 };

typedef enum TensorState { TENSOR_EMPTY, TENSOR_ABSTRACT, TENSOR_INLINE, TENSOR_STORED, TENSOR_PENDING } TensorState;

typedef struct Storage {
    Object object;
    size_t bytes;
    void *data;                       /* aligned to 16 bytes, to 64 when there are more than MEM_SLAB_MAX */
} Storage;

struct Expr;

typedef struct Tensor {
    uint8_t dtype, ndim;
    uint8_t state;
    bool contiguous;                  /* row-major without gaps */
    uint32_t flags;                   /* for the owner; the tensor room neither sets nor reads it */
    int64_t size;
    char *data;                       /* first element; NULL unless STORED */
    union {
        Storage *storage;
        struct Expr *expr;
        _Alignas(8) char cell[8];
    } as;
    int64_t dims[];                   /* ndim extents, then ndim strides in elements (0 where broadcast) */
} Tensor;

static inline const int64_t *tensor_shape(const Tensor *t) { return t->dims; }
static inline const int64_t *tensor_strides(const Tensor *t) { return t->dims + t->ndim; }
/* Bytes that the dims of a tensor take. */
static inline size_t tensor_dims_bytes(int ndim) { return (size_t)ndim * 2 * sizeof(int64_t); }

/* The number of elements of a shape; throws when it cannot be addressed in bytes of any dtype. */
int64_t shape_size(int ndim, const int64_t *shape);
bool shape_equal(int na, const int64_t *a, int nb, const int64_t *b);
/* Broadcasts by NumPy's rule into out; returns its ndim, or -1 when the shapes do not fit. */
int shape_broadcast(int na, const int64_t *a, int nb, const int64_t *b, int64_t out[TENSOR_MAX_NDIM]);
/* Throws when there is no room for a tensor like that: for results that are made piece by piece. */
void shape_check_room(Dtype dtype, int ndim, const int64_t *shape);
/* "[2, 3]", owned by the pool. */
const char *shape_text(int ndim, const int64_t *shape);

/* Sets dtype, shape, contiguous strides, no data (state EMPTY). */
void tensor_init(Tensor *t, Dtype dtype, int ndim, const int64_t *shape);
/* Bytes that t's elements take in row-major order; throws when there is no room for so many more. */
size_t tensor_bytes(const Tensor *t);
/* Gives `t` (EMPTY) uninitialised data of its own and returns it. */
void *tensor_allocate(Tensor *t);
/* Drops the data; for destructors. */
void tensor_clear(Tensor *t);
/* Makes `out` (shape set, EMPTY) share base's data from element `offset` on with these strides. */
void tensor_view(Tensor *out, const Tensor *base, int64_t offset, const int64_t *strides);
/* The same elements in another shape of the same size: shares data when strides allow, else copies. */
void tensor_reshape(Tensor *out, const Tensor *base);
/* Shares all of base's data (pending state too); same shape and dtype. */
void tensor_share(Tensor *out, const Tensor *base);

/* First element; settles a pending tensor. Strides say where the others are. */
const void *tensor_data(const Tensor *t);
/* Contiguous row-major elements of this dtype: the data itself when it is so, else a copy in scratch. */
const void *tensor_contiguous(const Tensor *t, Dtype dtype);
/* Contiguous data that only this tensor sees, copied when it was shared, for writing. */
void *tensor_own_data(Tensor *t);
/* Copies with conversion; out has x's shape. */
void tensor_cast(Tensor *out, const Tensor *x);
/* Fills `out` (state EMPTY) with one value. */
void tensor_fill(Tensor *out, double value);

/* The element of a one-element tensor, or the one at a flat row-major position. */
double tensor_item(const Tensor *t);
double tensor_at(const Tensor *t, int64_t flat);
/* The bytes of that element. */
const void *tensor_element(const Tensor *t, int64_t flat);
/* int64 exactly, for integer tensors. */
int64_t tensor_item_int(const Tensor *t);

#endif
