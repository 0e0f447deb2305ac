/* The tracked arguments of a call, one after the other: first the tensors, then the elements of lists. What a row calls
 * constant and what is a plain number is left out. Recording, watching and the walks all mean these. */
#ifndef DBX_GRAD_INPUTS_H
#define DBX_GRAD_INPUTS_H

#include "grad/op.h"

typedef struct InputCursor {
    const Arg *args;
    uint32_t tensors, lists;          /* masks of the arguments still to be looked at */
    int64_t element;                  /* of the first list */
} InputCursor;

static inline InputCursor inputs_of(const Op *op, const Arg *args, uint32_t numbers)
{
    return (InputCursor){args, op->tensor_args & ~(op->constant_args | numbers), op->list_args & ~op->constant_args, 0};
}

/* For next_input. */
GradTensor *next_element(InputCursor *at);

/* NULL at the end. */
static inline GradTensor *next_input(InputCursor *at)
{
    while (at->tensors != 0) {
        GradTensor *x = at->args[__builtin_ctz(at->tensors)].tensor;
        at->tensors &= at->tensors - 1;
        if (x != NULL && gt_tracked(x))
            return x;
    }
    return at->lists != 0 ? next_element(at) : NULL;
}

#endif
