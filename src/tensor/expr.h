/* Pending elementwise work, and how it is computed block by block. For the files of this room.
 *
 * An Expr is one kernel with its inputs: other Exprs of as many elements, or stored data. It knows no
 * shape: its elements are in row-major order, whichever tensor holds it. A Plan is made from the Exprs
 * below one of them right before they are computed. It lists the steps for one block in order, each step
 * writing to a buffer that is used again once nothing needs its contents, so that the few buffers stay
 * in the cache. */
#ifndef DBX_TENSOR_EXPR_H
#define DBX_TENSOR_EXPR_H

#include "tensor/elementwise.h"
#include "tensor/layout.h"

typedef struct Expr Expr;
typedef struct Plan Plan;

/* How an input's elements are found. */
typedef enum InputKind {
    INPUT_EXPR,       /* another pending expression of the same number of elements */
    INPUT_ONE,        /* one element, in the compute dtype already */
    INPUT_FLAT,       /* contiguous */
    INPUT_STRIDED     /* by a layout */
} InputKind;

typedef struct Input {
    uint8_t kind, dtype;
    const char *data;                 /* FLAT, STRIDED: first element */
    const Layout *layout;             /* STRIDED: behind the Expr's inputs, in the same block */
    union {
        Expr *expr;
        Storage *storage;             /* FLAT, STRIDED */
        _Alignas(8) char cell[8];     /* ONE */
    } as;
} Input;

struct Expr {
    Object object;                    /* link.visit.index: place in the list of the last walk over it */
    BlockKernel *kernel;
    uint8_t compute, dtype, count;    /* of the inputs, of the result, number of inputs */
    uint8_t uses;                     /* how often it was computed without being stored */
    uint16_t nodes, leaves;           /* at most so many Exprs, itself included, and stored inputs below it */
    int64_t size;
    Storage *result;                  /* once stored; the inputs are gone then */
    Input inputs[];
};

enum {
    EXPR_MAX_NODES = 24,              /* no DAG has more */
    EXPR_LARGE = 1 << 20,             /* elements that do not fit the cache */
    TASK = 16 * BLOCK                 /* elements that a thread takes at a time */
};

/* A new storage with one reference, which is the caller's. */
Storage *storage_new(size_t bytes);

/* Finds x's elements for a result with out's shape. What is strided is so by `layout`, and needs more
 * than one axis or a stride. */
void input_find(Input *input, Layout *layout, const Tensor *out, const Tensor *x, Dtype compute);
/* Leaves `out` pending: see tensor_elementwise. */
void expr_defer(Tensor *out, BlockKernel *kernel, Dtype compute, int count, const Tensor *const *inputs);
/* Computes and stores the result. */
void expr_settle(Expr *expr);
/* Takes note that the result is in this storage, and lets go of the inputs. */
void expr_stored(Expr *expr, Storage *storage);

/* The Exprs below `root` that are not stored, inputs before what uses them, root last; returns their
 * number. The walk stops when there are more than `most` and returns most + 1. */
int expr_walk(Expr *root, Expr **order, int most);
/* Where expr_walk has put an Expr. */
static inline uint32_t expr_index(const Expr *expr) { return expr->object.link.visit.index; }

/* How to get at the elements of x in row-major order; belongs to the pool. Up to `threads` threads may
 * run it at once. */
Plan *plan_tensor(const Tensor *x, int threads);
/* The same for stored elements in the order of some layout. */
Plan *plan_layout(Dtype dtype, const char *data, const Layout *layout, int threads);
/* To compute `root` into `result`, contiguous. */
Plan *plan_expr(Expr *root, void *result, int threads);
/* To be called when all blocks were computed. */
void plan_finish(Plan *plan);

/* Elements [first, first + n), n <= BLOCK, in x's dtype; they stay valid until the next block on this
 * thread. */
const void *plan_block(const Plan *plan, int thread, int64_t first, int64_t n);

#endif
