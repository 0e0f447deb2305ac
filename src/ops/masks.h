/* Derivative rules that are zero in places where their formula has no value. The masks are constants: they
 * are piecewise constant in what they are computed from. */
#ifndef DBX_OPS_MASKS_H
#define DBX_OPS_MASKS_H

#include "ops/rules.h"

/* x, but 0 where the mask holds. */
static inline GradTensor *t_zero_where(GradTensor *mask, GradTensor *x)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = mask}, {.number = 0}, {.tensor = x}};
    return op_call(&op_where, args, 2);
}

/* x, but 0 where the mask does not hold. */
static inline GradTensor *t_only_where(GradTensor *mask, GradTensor *x)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = mask}, {.tensor = x}, {.number = 0}};
    return op_call(&op_where, args, 4);
}

/* Derivatives of piecewise constant operations. They are zeros that do flow: what such an operation
 * depends on gets a gradient, of zeros, where NULL would leave it without one. */
static inline GradTensor *flat_vjp(const OpCall *c, int i, GradTensor *g)
{
    (void)g;
    return gt_zeros_like(call_in(c, i));
}

static inline GradTensor *flat_jvp(const OpCall *c, GradTensor *const *tangents)
{
    (void)tangents;
    return gt_zeros_like(c->out);
}

/* a / h, but 0 where h is 0: the derivative of a distance, which at distance 0 is taken to be 0. */
static inline GradTensor *t_direction(GradTensor *a, GradTensor *h)
{
    return t_zero_where(t_with(&op_eq, h, 0), t_div(a, h));
}

#endif
