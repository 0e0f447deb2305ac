/* GradTensors: tensors that remember how they were made.
 *
 * A GradTensor is a value: it never changes once another can see it. When it is tracked it holds the
 * operation that made it and that operation's arguments, in the same block, behind the tensor's dims; so the
 * graph is the values themselves, and lives as long as a value that depends on it. What has identity is a
 * Variable (a parameter or a buffer): a home for a current value and for a gradient.
 *
 * A `weak` GradTensor is a number of the language on its way through a derivative: 0-d, float64, and
 * without a say in promotion, so that f'(2) computes what f(2) computes. */
#ifndef DBX_GRAD_GRAD_H
#define DBX_GRAD_GRAD_H

#include "base/runtime.h"
#include "tensor/tensor.h"

typedef struct Op Op;
typedef struct GradTensor GradTensor;

/* Lists of whole numbers (shapes, axes, positions) and of tensors, as arguments of operations. */
typedef struct IntList {
    Object object;
    int64_t count;
    int64_t at[];
} IntList;
IntList *int_list_new(int64_t count, const int64_t *at);   /* at NULL: zeros */

typedef struct TensorList {
    Object object;
    int64_t count;
    GradTensor *at[];                 /* owned; an element may be NULL */
} TensorList;
TensorList *tensor_list_new(int64_t count, GradTensor *const *at);   /* at NULL: all NULL */

/* One argument of an operation; which member is meant says the operation's row. */
typedef union Arg {
    GradTensor *tensor;               /* ARG_TENSOR; NULL for `none` */
    TensorList *tensors;              /* ARG_TENSORS */
    IntList *ints;                    /* ARG_AXES (NULL for none), ARG_SHAPE, ARG_INTS */
    String *text;                     /* ARG_TEXT, NULL for none */
    double number;                    /* ARG_NUMBER, and a number in the place of an ARG_TENSOR */
    int64_t integer;                  /* ARG_INTEGER, ARG_FLAG, ARG_DTYPE */
    Object *object;                   /* any of the counted ones */
} Arg;

enum {                                /* GradTensor.t.flags */
    GT_TRACKED = 1,                   /* an operation on it is recorded */
    GT_WEAK = 2,
    GT_NUMBERS_SHIFT = 8,             /* 8 bits: which arguments are immediate numbers, see OpCall.numbers */
    GT_BATCH_SHIFT = 16,              /* 8 bits: levels of vmap that it is a slice of, see batch.h */
    GT_INSIDE_SHIFT = 24              /* 8 bits: nested watches when it was made */
};

struct GradTensor {
    Object object;
    const Op *op;                     /* that made it; NULL when it was not recorded */
    Object *home;                     /* Home of a leaf, Retained of a tensor whose gradient is kept, or NULL */
    Tensor t;                         /* last: its dims follow, then the arguments */
};

extern const ObjectType grad_tensor_type;

/* New, untracked, without data. */
GradTensor *gt_new(Dtype dtype, int ndim, const int64_t *shape);
/* With room for `count` arguments. */
GradTensor *gt_new_recorded(Dtype dtype, int ndim, const int64_t *shape, int count);
GradTensor *gt_scalar(Dtype dtype, double value);
GradTensor *gt_number(double value);                     /* weak */
GradTensor *gt_filled(Dtype dtype, int ndim, const int64_t *shape, double value);
/* 1-d int64 tensor. */
GradTensor *gt_integers(int64_t count, const int64_t *at);
/* The same data, not tracked, no history; x itself when it has none. */
GradTensor *gt_detach(GradTensor *x);
/* Makes x a constant: gives up the operation and the arguments that made it. Only for a graph of the
 * caller's own. */
void gt_forget_history(GradTensor *x);

static inline bool gt_tracked(const GradTensor *x) { return x->t.flags & GT_TRACKED; }
static inline bool gt_weak(const GradTensor *x) { return x->t.flags & GT_WEAK; }
static inline Dtype gt_dtype(const GradTensor *x) { return (Dtype)x->t.dtype; }
/* "[2, 3]", owned by the pool. */
static inline const char *gt_shape_text(const GradTensor *x) { return shape_text(x->t.ndim, tensor_shape(&x->t)); }
static inline Arg *gt_args(const GradTensor *x)
{
    return (Arg *)((char *)x + sizeof *x + tensor_dims_bytes(x->t.ndim));
}
static inline uint32_t gt_batch(const GradTensor *x) { return x->t.flags >> GT_BATCH_SHIFT & 0xff; }
static inline uint32_t gt_numbers(const GradTensor *x) { return x->t.flags >> GT_NUMBERS_SHIFT & 0xff; }

/* ---- variables ---- */

typedef enum VariableKind { VARIABLE_PARAMETER, VARIABLE_BUFFER } VariableKind;

typedef struct Variable {
    Object object;
    VariableKind kind;
    bool overwrite;                   /* attach_grad: backward overwrites the gradient */
    GradTensor *value;                /* current; of a parameter a tracked leaf */
    GradTensor *grad;                 /* NULL for none */
    struct Home *home;
} Variable;

/* What a leaf in a graph knows of its variable. The pointer back is weak, and cleared when the variable
 * dies: a gradient made by create_graph depends on the leaf, so a strong one would be a cycle. */
typedef struct Home {
    Object object;
    Variable *variable;
} Home;

/* The kept gradient of an intermediate tensor. It is stored without history, for the same reason. */
typedef struct Retained {
    Object object;
    GradTensor *grad;
} Retained;

extern const ObjectType variable_type, home_type, retained_type;

/* With the elements of `value`, not its history. */
Variable *variable_new(VariableKind kind, GradTensor *value);
/* Gives it another value, of the same shape and dtype (checked, throws; a number is converted). */
void variable_assign(Variable *variable, GradTensor *value);
/* The same in two steps, of which only the first can fail: so several change together or not at all. */
GradTensor *variable_next(Variable *variable, GradTensor *value);
void variable_take(Variable *variable, GradTensor *next);
void variable_set_grad(Variable *variable, GradTensor *grad);    /* NULL for none */

/* ---- the state of recording, one per session ---- */

enum { BATCH_MOST = 8 };              /* nested vmaps: bits for their levels in the flags of a tensor */

/* What a throw must put back. */
typedef struct GradContext {
    bool recording;
    uint32_t levels;                  /* of vmap under way, as a mask */
    uint32_t levels_used;             /* opened since whoever wants to know set it to 0 */
    uint32_t inside;                  /* nested watches */
    struct Watch *watch;              /* the innermost, or NULL */
} GradContext;

typedef struct GradState {
    bool recording;
    Dtype default_dtype;
    uint32_t epoch;                   /* of graph walks */
    uint64_t recorded;                /* operations recorded so far, for :time */
    bool mapping;                     /* there was a vmap: arguments may be mapped */
    uint32_t levels, levels_used, inside;
    int64_t batch_size[BATCH_MOST];   /* slices of each level */
    struct Watch *watch;
} GradState;

static inline GradState *grad_state(void) { return rt->grad; }
/* The state as it is, and back to it when an error was caught. */
GradContext grad_context(void);
void grad_restore(const GradContext *context);

/* A watch notes the tracked tensors, made before it began, that operations meet, whether they are recorded
 * or not: what the code that runs meanwhile captures. */
typedef struct Watch {
    Object object;
    struct Watch *outer;
    GradTensor **nodes;               /* owned; the same one may come again */
    size_t count, capacity;
} Watch;

/* The new watch is the innermost until watch_end, or grad_restore. Throws kind limit when too many are nested. */
Watch *watch_begin(void);
/* The nodes, each once, in the order in which they were noted. */
TensorList *watch_end(Watch *watch);
/* For op_call: a tracked argument. */
void watch_note(GradTensor *x);

GradState *grad_state_new(void);      /* NULL when there is no memory */
void grad_state_free(GradState *state);

#endif
