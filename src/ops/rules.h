/* Tensor expressions in C, for derivative rules and composed operations: `t_mul(g, t_cos(x))`. Each is the operation
 * of the same name, recorded when recording is on and an input is tracked. */
#ifndef DBX_OPS_RULES_H
#define DBX_OPS_RULES_H

#include "grad/op.h"

/* Every row, under the name op_NAME. */
#define OP(name) extern const Op op_##name;
#include "op_list.h"
#undef OP

#define RULE1(name) static inline GradTensor *t_##name(GradTensor *x) { return op_call1(&op_##name, x); }
#define RULE2(name) \
    static inline GradTensor *t_##name(GradTensor *x, GradTensor *y) { return op_call2(&op_##name, x, y); }

RULE2(add) RULE2(sub) RULE2(mul) RULE2(div) RULE2(pow) RULE2(maximum) RULE2(minimum)
RULE2(eq) RULE2(ne) RULE2(lt) RULE2(le) RULE2(gt) RULE2(ge) RULE2(matmul)
RULE1(neg) RULE1(abs) RULE1(sign) RULE1(sqrt) RULE1(square) RULE1(reciprocal)
RULE1(exp) RULE1(log) RULE1(sin) RULE1(cos) RULE1(tan) RULE1(sinh) RULE1(cosh) RULE1(tanh)
RULE1(sigmoid) RULE1(floor)
#undef RULE1
#undef RULE2

static inline GradTensor *t_where(GradTensor *c, GradTensor *a, GradTensor *b) { return op_call3(&op_where, c, a, b); }

/* x op constant: the constant has no say in promotion. */
static inline GradTensor *t_with(const Op *op, GradTensor *x, double constant)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.number = constant}};
    return op_call(op, args, 2);
}
/* constant op x */
static inline GradTensor *t_from(const Op *op, double constant, GradTensor *x)
{
    Arg args[OP_MAX_ARGS] = {{.number = constant}, {.tensor = x}};
    return op_call(op, args, 1);
}
static inline GradTensor *t_times(GradTensor *x, double k) { return t_with(&op_mul, x, k); }
static inline GradTensor *t_plus(GradTensor *x, double k) { return t_with(&op_add, x, k); }
static inline GradTensor *t_minus_from(double k, GradTensor *x) { return t_from(&op_sub, k, x); }

/* Sum over the axes of a mask; keep leaves them with extent 1. */
GradTensor *t_sum_axes(GradTensor *x, uint32_t axes, bool keep);
/* Undoes a reduction: g (without the axes of the mask, or with extent 1 there) repeated to the shape of x. */
GradTensor *t_unreduce(GradTensor *g, GradTensor *x, uint32_t axes, bool kept);
GradTensor *t_reshape(GradTensor *x, int ndim, const int64_t *shape);
GradTensor *t_permute(GradTensor *x, const int *order);
/* The last two axes swapped. */
GradTensor *t_swap(GradTensor *x);

#endif
