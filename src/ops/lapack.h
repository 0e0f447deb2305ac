/* The routines of LAPACK that linear algebra uses, in float32 and float64 by dtype. Matrices are
 * column-major, without gaps between columns, and overwritten where not const; what a routine returns beside
 * its results is LAPACK's `info`, positive when there is no answer. Work space is scratch. */
#ifndef DBX_OPS_LAPACK_H
#define DBX_OPS_LAPACK_H

#include "grad/op.h"

/* ---- arguments and results ---- */

/* The matrices of x, one behind the other and each column-major, converted to dtype, for overwriting. */
void *lapack_copy(GradTensor *x, Dtype dtype);
/* A result of this shape whose matrices are column-major: `base` is filled through *data first; the finished
 * tensor is a view of it with the last two axes swapped. */
GradTensor *lapack_base(Dtype dtype, int ndim, const int64_t *shape, void **data);
GradTensor *lapack_out(const OpCall *c, GradTensor *base);
/* The same without a record, for operations of several results. */
GradTensor *lapack_plain_out(GradTensor *base);
/* Are all n elements finite? LAPACK may fail to end where they are not. */
bool lapack_finite(Dtype dtype, int64_t n, const void *data);
/* Throws kind limit when an extent of the matrices is too large for LAPACK. */
void lapack_check_size(const OpCall *c, const GradTensor *x);
/* float32 and float64 are kept, others become the default float dtype. */
Dtype lapack_dtype(const OpCall *c);

/* ---- routines ---- */

/* P L U = A [n, n]; info i: U[i - 1][i - 1] is 0. */
int lapack_getrf(Dtype dtype, int n, void *a, int *pivots);
/* Solves A X = B [n, columns], or A' X = B, from the factors of A. */
void lapack_getrs(Dtype dtype, bool transposed, int n, int columns, const void *lu, const int *pivots,
                  void *b);
/* The inverse of A [n, n] from its factors. */
void lapack_invert(Dtype dtype, int n, const void *lu, const int *pivots, void *inverse);
/* Lower factor L L' = A, in the lower triangle; info i: the leading minor of order i is not positive. */
int lapack_potrf(Dtype dtype, int n, void *a);
/* Q [m, min(m, n)] and R [min(m, n), n] of A [m, n], which is overwritten. */
void lapack_qr(Dtype dtype, int m, int n, void *a, void *q, void *r);
/* A [m, n] = U [m, k] diag(s) Vt [k, n], k = min(m, n); u NULL: singular values only. */
int lapack_gesdd(Dtype dtype, int m, int n, void *a, void *s, void *u, void *vt);
/* Ascending eigenvalues of the symmetric matrix in the lower triangle of A; eigenvectors replace A when
 * wanted. */
int lapack_syevd(Dtype dtype, bool vectors, int n, void *a, void *w);
/* The least-squares solution of smallest norm for A [m, n], B [max(m, n), columns], in the first n rows of B.
 * Singular values up to `limit` times the largest count as 0. */
int lapack_gelsd(Dtype dtype, int m, int n, int columns, double limit, void *a, void *b);

#endif
