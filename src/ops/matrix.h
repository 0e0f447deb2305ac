/* Parts of matrices, and checks of arguments, for the files of linear algebra. A matrix is what the last two
 * axes span; leading axes number the matrices of a batch. */
#ifndef DBX_OPS_MATRIX_H
#define DBX_OPS_MATRIX_H

#include "grad/op.h"

/* Extents of the last two axes. */
static inline int64_t matrix_rows(const GradTensor *x) { return tensor_shape(&x->t)[x->t.ndim - 2]; }
static inline int64_t matrix_columns(const GradTensor *x) { return tensor_shape(&x->t)[x->t.ndim - 1]; }
/* The number of matrices. */
int64_t matrix_count(const GradTensor *x);

/* Throw kind shape when x is no matrix, or not a square one. */
void matrix_check(const OpCall *c, const GradTensor *x);
void matrix_check_square(const OpCall *c, const GradTensor *x);

/* The diagonal [..., n] of [..., m, n], as a view, and its transpose, which makes square matrices. */
GradTensor *matrix_diagonal(GradTensor *x);
GradTensor *matrix_of_diagonal(GradTensor *x);
/* The part on and below diagonal k. */
GradTensor *matrix_lower(GradTensor *x, int64_t k);
/* [n, n], a constant. */
GradTensor *matrix_identity(Dtype dtype, int64_t n);
/* (x + x') / 2 */
GradTensor *matrix_symmetric(GradTensor *x);
/* x with a new axis of extent 1 put in front of the last `behind` axes. */
GradTensor *matrix_unsqueeze(GradTensor *x, int behind);

#endif
