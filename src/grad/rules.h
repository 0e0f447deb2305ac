/* The derivative of one recorded call, for the walks. */
#ifndef DBX_GRAD_RULES_H
#define DBX_GRAD_RULES_H

#include "grad/op.h"

/* The tangent of the result for tangents of the tensor arguments (NULL for none) and of the elements of
 * list arguments (lists[i] NULL for none); NULL for zero. */
GradTensor *call_jvp(const OpCall *c, GradTensor *const *tangents, TensorList *const *lists);
void call_jvp_many(const OpCall *c, GradTensor *const *tangents, TensorList *const *lists, GradTensor **out);

#endif
