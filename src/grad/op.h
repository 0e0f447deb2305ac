/* What an operation is. Everything about one stands in one row, a constant `op_NAME` in some file of ops/: names of
 * its parameters, documentation, value, derivatives, and how the generated checks draw its inputs. Argument
 * checking, named arguments, help, completion, the reference page and the gradient tests all come from the rows.
 *
 * There are three ways to say the value:
 *   kernel    elementwise: a block kernel per dtype, broadcasting, deferral and promotion done by op_call;
 *   forward   anything else: allocates its result with call_out or call_view;
 *   compose   a formula in other operations, which record themselves: no derivative of its own is needed.
 * and these to say the derivative, always as tensor expressions that may be recorded themselves:
 *   factor    elementwise: d out / d in_i, one per tensor argument;
 *   vjp       the cotangent of argument i, from the cotangent of the result;
 *   jvp       the tangent of the result; may be left out where `linear` says that the operation itself
 *             is its own tangent map, or else it is derived from vjp, which is linear in the cotangent;
 *   constant  a text that says why there is none ("piecewise constant", "integer result"). */
#ifndef DBX_GRAD_OP_H
#define DBX_GRAD_OP_H

#include "grad/grad.h"
#include "tensor/elementwise.h"

enum { OP_MAX_ARGS = 8 };

typedef enum ArgKind {
    ARG_NONE,         /* behind the last argument */
    ARG_TENSOR,       /* tensor or number; converted as `dtypes` says. Default none means optional */
    ARG_TENSORS,      /* tuple of tensors and numbers */
    ARG_NUMBER,       /* plain number, not differentiable */
    ARG_INTEGER,      /* whole number */
    ARG_FLAG,         /* true or false */
    ARG_AXES,         /* none, a whole number or a tuple of them */
    ARG_SHAPE,        /* a tuple or several whole numbers; must be the last positional one when several */
    ARG_INTS,         /* a whole number, or a tuple or tensor of them */
    ARG_DTYPE,        /* name of a dtype; default none is -1: the default dtype or the input's, as the row says */
    ARG_TEXT,
    ARG_NUMBER_OR_TEXT,   /* as norm's p: bit i of OpCall.numbers says that args[i].number is meant, else text */
    ARG_OBJECT        /* something of the row's own; such an operation cannot be called from the language */
} ArgKind;

/* Does an argument of this kind hold a reference (unless OpCall.numbers says that it is a number)? */
#define ARG_IS_COUNTED(kind) \
    ((kind) == ARG_TENSOR || (kind) == ARG_TENSORS || (kind) == ARG_AXES || (kind) == ARG_SHAPE || (kind) == ARG_INTS \
     || (kind) == ARG_TEXT || (kind) == ARG_NUMBER_OR_TEXT || (kind) == ARG_OBJECT)
#define ARG_IS_TENSOR(kind) ((kind) == ARG_TENSOR)
#define ARG_IS_LIST(kind) ((kind) == ARG_TENSORS)

/* In a row: the kinds of its arguments, their number, and as masks (bit i: argument i) those of three sorts, so that no
 * call has to look at the kinds one by one. The zeros are ARG_NONE, up to OP_MAX_ARGS. */
#define OP_ARGS(...) \
    .args = {__VA_ARGS__}, .arg_count = sizeof((ArgKind[]){__VA_ARGS__}) / sizeof(ArgKind), \
    .tensor_args = OP_ARG_MASK(ARG_IS_TENSOR, __VA_ARGS__, 0, 0, 0, 0, 0, 0, 0), \
    .list_args = OP_ARG_MASK(ARG_IS_LIST, __VA_ARGS__, 0, 0, 0, 0, 0, 0, 0), \
    .counted_args = OP_ARG_MASK(ARG_IS_COUNTED, __VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define OP_ARG_MASK(is, a, b, c, d, e, f, g, h, ...) \
    (is(a) | is(b) << 1 | is(c) << 2 | is(d) << 3 | is(e) << 4 | is(f) << 5 | is(g) << 6 | is(h) << 7)

/* The position of the first argument in a mask; the loop over all of them. */
#define FOR_MASK(i, mask) \
    for (uint32_t i##_left = (mask), i = 0; \
         i##_left != 0 && (i = (uint32_t)__builtin_ctz(i##_left), true); i##_left &= i##_left - 1)

/* Which dtype an elementwise operation computes in, and gives. */
typedef enum DtypeRule {
    DTYPES_NUMERIC,   /* the promoted dtype; bool counts as int64 */
    DTYPES_FLOAT,     /* the promoted dtype; integers and bool become the default float dtype */
    DTYPES_COMPARE,   /* computed in the promoted dtype, gives bool; a number beside integers counts exactly */
    DTYPES_ANY        /* the promoted dtype, bool included */
} DtypeRule;

/* One call: under way, or as it was recorded. */
typedef struct OpCall {
    const Op *op;
    const Arg *args;
    uint32_t numbers;                 /* bit i: argument i, ARG_TENSOR or ARG_NUMBER_OR_TEXT, is args[i].number */
    bool record;                      /* of a forward: the result is to be recorded */
    GradTensor *out;                  /* the result, while a rule runs; for several results see call_result */
} OpCall;

/* Operations that are their own tangent map, with the tangent in place of the argument. */
typedef enum Linearity {
    LINEAR_NOT,
    LINEAR_EACH,      /* linear in each tensor argument while the others stay: sum, matmul */
    LINEAR_JOINT      /* linear in all of them (and all elements of a list) together: concat, scatter_add */
} Linearity;

typedef GradTensor *OpFactor(const OpCall *c);

/* Where the generated checks draw the elements of an input, and which points they keep away from. */
typedef struct Sample {
    double low, high;                 /* both 0: -2 to 2 */
    double kinks[4];                  /* points to keep 0.05 away from */
    int kink_count;
    bool integer;                     /* whole numbers */
} Sample;

struct Op {
    const char *usage;                /* "sum(x, axis=none, keepdims=false)": names and defaults of the parameters */
    ArgKind args[OP_MAX_ARGS];        /* this and the next line: OP_ARGS(...) */
    uint8_t arg_count, tensor_args, list_args, counted_args;
    const char *section;              /* of the reference page; NULL for the engine's own operations */
    const char *doc;                  /* sentences: what it does, shapes, source of a formula */
    const char *errors;               /* when it fails, or NULL */
    const char *derivative;           /* as a formula for the help page, or NULL */
    const char *example;              /* "tanh(0)  #=> 0", several lines allowed */
    const char *related;              /* names, separated by spaces, or NULL */
    const char *infix;                /* the binary operator it implements, "-x" for unary minus, or NULL */

    DtypeRule dtypes;
    BlockKernel *kernel[DTYPES];      /* by compute dtype */
    bool wraps;                       /* a number beside integers is taken modulo 2^bits, as their sums are; else it
                                         saturates */
    OpFactor *factor[ELEMENTWISE_MAX_INPUTS];   /* by position among the ARG_TENSOR arguments */
    bool cuts;                        /* a factor of 0 stops an infinite cotangent too: the operation is constant
                                         there */

    GradTensor *(*forward)(const OpCall *c);
    /* In the shape of argument i, or one that it broadcasts to, which is then summed; of any float dtype. NULL for
     * zero. */
    GradTensor *(*vjp)(const OpCall *c, int i, GradTensor *g);
    GradTensor *(*jvp)(const OpCall *c, GradTensor *const *tangents);   /* by argument; NULL for no tangent */
    Linearity linear;

    GradTensor *(*compose)(const OpCall *c);

    /* Of tensors in a list argument: the cotangent of element k of list argument i. */
    GradTensor *(*vjp_list)(const OpCall *c, int i, int64_t k, GradTensor *g);
    /* Instead, where they are only to be had together: all of those of list argument i, into `out` (NULL for
     * zero). */
    void (*vjp_all)(const OpCall *c, int i, GradTensor *g, GradTensor **out);

    /* The rule is code of the language, which may read any tensor when it runs: a derivative of the derivative may
     * flow to others than the inputs. */
    bool depends_freely;

    /* Operations with several results (`outputs` of them, at least 2). Cotangents of results that nothing
     * depended on are NULL. */
    int outputs;
    void (*forward_many)(const OpCall *c, GradTensor **out);
    GradTensor *(*vjp_many)(const OpCall *c, int i, GradTensor *const *g);
    void (*compose_many)(const OpCall *c, GradTensor **out);

    /* Operations whose number of results depends on the arguments; always composed. */
    TensorList *(*compose_list)(const OpCall *c);

    /* On batches, for vmap: see grad/batch.h. Without, elementwise operations and formulas are batched anyway,
     * and others run slice after slice. */
    GradTensor *(*batch)(const OpCall *c, uint32_t levels);
    void (*batch_many)(const OpCall *c, uint32_t levels, GradTensor **out);

    const char *constant;             /* why it has no derivative */
    uint32_t constant_args;           /* bit i: tensor argument i has none (an index, a condition) */

    Sample sample[ELEMENTWISE_MAX_INPUTS];      /* by position among the tensor arguments */
    /* Lines for the generated checks, each "x[2, 3] w[3]: matmul(x, w)": named inputs with their shapes, drawn as
     * `sample` says in the order of the names, and an expression of them whose derivatives are checked. NULL for
     * elementwise operations, whose lines are made up (equal shapes, broadcast, 0-d, empty). */
    const char *check;
};

/* ---- calling ---- */

/* Runs an operation of one result and records it when it must. */
GradTensor *op_call(const Op *op, const Arg *args, uint32_t numbers);
TensorList *op_call_list(const Op *op, const Arg *args, uint32_t numbers);
/* The same for several results. */
void op_call_many(const Op *op, const Arg *args, uint32_t numbers, GradTensor **out);
GradTensor *op_call1(const Op *op, GradTensor *x);
GradTensor *op_call2(const Op *op, GradTensor *x, GradTensor *y);
GradTensor *op_call3(const Op *op, GradTensor *x, GradTensor *y, GradTensor *z);

/* An elementwise operation on plain numbers, without allocation. It must have a float64 kernel and not give bool. */
static inline double op_number(const Op *op, const double *x)
{
    const void *in[ELEMENTWISE_MAX_INPUTS] = {x, x + 1, x + 2, x + 3};
    double out;
    op->kernel[DTYPE_FLOAT64](1, &out, in);
    return out;
}

/* The name, up to the bracket of `usage`; owned by the pool. */
const char *op_name_text(const Op *op);
const char *op_arg_name(const Op *op, int i);        /* of parameter i; owned by the pool */
static inline int op_tensor_count(const Op *op) { return __builtin_popcount(op->tensor_args); }

/* ---- for forward, vjp and the other rules ---- */

/* Tensor argument i: NULL for none; a number becomes a weak tensor. */
GradTensor *call_in(const OpCall *c, int i);
/* Does anything that the result depends on want a gradient? For formulas that have a faster way without. */
bool call_records(const OpCall *c);
/* The promoted dtype of all tensor arguments under the row's rule. */
Dtype call_dtype(const OpCall *c);
/* The result to be: EMPTY, with the arguments noted when the call is recorded. */
GradTensor *call_out(const OpCall *c, Dtype dtype, int ndim, const int64_t *shape);
/* A result that shares x's data from `offset` on, with these strides. */
GradTensor *call_view(const OpCall *c, GradTensor *x, int ndim, const int64_t *shape, int64_t offset,
                      const int64_t *strides);
/* A result that shares the data of `value`, which has no history: how a forward rule gives what it computed with
 * other operations. Converted when the dtype differs; weak where value is. */
GradTensor *call_share(const OpCall *c, Dtype dtype, GradTensor *value);
/* Result k of a recorded call of several results, as a tensor that depends on the inputs. */
GradTensor *call_result(const OpCall *c, int k);
/* Throws kind shape/type/... with "NAME: " before the message: the name of what the user called, else the row's. */
_Noreturn void call_error(const OpCall *c, ErrorKind kind, const char *format, ...) PRINTF_LIKE(3, 4);
_Noreturn void call_error_hint(const OpCall *c, ErrorKind kind, const char *hint, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Throws, with hint and note, when a and b do not broadcast. */
void call_broadcast(const OpCall *c, const GradTensor *a, const GradTensor *b);
/* Axis from -ndim..ndim-1 to 0..ndim-1; throws kind index naming operation, axis and ndim. */
int call_axis(const OpCall *c, int64_t axis, int ndim);
/* Mask of the axes in a list; NULL means all. Throws on repeated or bad ones. */
uint32_t call_axes(const OpCall *c, const IntList *axes, int ndim);

/* The cotangent of tensor argument i, in its shape and dtype; NULL for zero. */
GradTensor *call_vjp(const OpCall *c, int i, GradTensor *g);
/* A recorded result as the call that made it. */
OpCall call_of(GradTensor *out);

/* Derivative factors without arithmetic. */
GradTensor *factor_one(const OpCall *c);
GradTensor *factor_minus_one(const OpCall *c);
GradTensor *factor_left(const OpCall *c);            /* the first argument, the second */
GradTensor *factor_right(const OpCall *c);
GradTensor *factor_zero(const OpCall *c);            /* for arguments without derivative; `constant` or doc say why */

/* ---- the operations that recording itself needs (core.c) ---- */

extern const Op op_add, op_neg, op_scale, op_cut, op_to, op_sum_to, op_broadcast_to, op_pick, op_alias;

GradTensor *gt_add(GradTensor *a, GradTensor *b);
GradTensor *gt_neg(GradTensor *a);
/* g * f, where an element of g that is 0 gives 0 whatever f is there (inf and nan too): what does not reach the
 * result does not poison the gradient. Same shapes or broadcast. */
GradTensor *gt_scale(GradTensor *g, GradTensor *f);
GradTensor *gt_cast(GradTensor *x, Dtype dtype);                            /* x itself when it has it */
GradTensor *gt_sum_to(GradTensor *x, int ndim, const int64_t *shape);       /* undoes a broadcast */
GradTensor *gt_expand(GradTensor *x, int ndim, const int64_t *shape);       /* broadcast_to */
GradTensor *gt_weaken(GradTensor *x);                                       /* x, of one element, as a weak tensor */
/* x as a node to differentiate by: a tracked alias of what is tracked while recording is on, else a tracked leaf.
 * Inside of vmap it is a slice of every level under way, so that each slice has a derivative of its own. */
GradTensor *gt_leaf(GradTensor *x);
GradTensor *gt_zeros_like(GradTensor *x);
GradTensor *gt_ones_like(GradTensor *x);

#endif
