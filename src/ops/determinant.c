/* Determinants. The derivative of det is the matrix of cofactors, which exists where the inverse does not; so
 * it and its own derivative are operations, computed from singular values. */
#include "grad/batch.h"
#include "ops/lapack.h"
#include "ops/matrix.h"
#include "ops/rules.h"

#include <math.h>
#include <string.h>

/* ---- det, logdet ---- */

/* What is made of the diagonal of a triangular factor, whose row exchanges have this sign: the determinant, or its
 * logarithm. */
typedef double Combine(const double *diagonal, int n, int sign);

static double product_of(const double *diagonal, int n, int sign)
{
    double product = sign;
    for (int i = 0; i < n; i++)
        product *= diagonal[i];
    return product == 0 ? 0 : product;         /* not -0 */
}

/* -inf for 0, nan for a negative determinant. */
static double log_of(const double *diagonal, int n, int sign)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        sum += log(fabs(diagonal[i]));
        sign = diagonal[i] < 0 ? -sign : sign;
    }
    return sign < 0 && sum > -INFINITY ? NAN : sum;
}

/* Of 2 x 2 and 3 x 3 matrices as formulas, exact for small whole numbers. */
static void small_cofactors(int n, const double *a, double *to)
{
    if (n == 2) {
        to[0] = a[3];
        to[1] = 0 - a[2];
        to[2] = 0 - a[1];
        to[3] = a[0];
        return;
    }
    for (int i = 0; i < 9; i++) {
        int r1 = (i / 3 + 1) % 3 * 3, r2 = (i / 3 + 2) % 3 * 3, c1 = (i + 1) % 3, c2 = (i + 2) % 3;
        to[i] = a[r1 + c1] * a[r2 + c2] - a[r1 + c2] * a[r2 + c1];
    }
}

/* Of small matrices by the formula, exact for small whole numbers. */
static double determinant(int n, double *a, Combine *combine, int *pivots, double *diagonal)
{
    int sign = 1;
    if (!lapack_finite(DTYPE_FLOAT64, (int64_t)n * n, a))
        return NAN;
    if (n == 2 || n == 3) {
        double cofactors[9];
        small_cofactors(n, a, cofactors);
        diagonal[0] = a[0] * cofactors[0] + a[1] * cofactors[1] + (n == 3 ? a[2] * cofactors[2] : 0);
        return combine(diagonal, 1, sign);
    }
    if (n > 0)
        lapack_getrf(DTYPE_FLOAT64, n, a, pivots);
    for (int i = 0; i < n; i++) {
        sign = pivots[i] == i + 1 ? sign : -sign;
        diagonal[i] = a[(size_t)i * ((size_t)n + 1)];
    }
    return combine(diagonal, n, sign);
}

static GradTensor *each_determinant(const OpCall *c, Combine *combine)
{
    GradTensor *x = call_in(c, 0);
    matrix_check_square(c, x);
    lapack_check_size(c, x);
    Dtype dtype = lapack_dtype(c);
    int n = (int)matrix_rows(x);
    double *from = lapack_copy(x, DTYPE_FLOAT64);
    GradTensor *out = call_out(c, dtype, x->t.ndim - 2, tensor_shape(&x->t));
    char *to = tensor_allocate(&out->t);
    int *pivots = scratch(((size_t)n + 1) * sizeof *pivots);
    double *diagonal = scratch(((size_t)n + 1) * sizeof *diagonal);
    for (int64_t i = 0; i < out->t.size; i++) {
        interrupt_poll();
        double value = determinant(n, from + i * n * n, combine, pivots, diagonal);
        dtype_write(dtype, to + (size_t)i * dtype_size(dtype), value);
    }
    return out;
}

static GradTensor *det_forward(const OpCall *c)
{
    return each_determinant(c, product_of);
}

/* One number for each matrix as [..., 1, 1]. */
static GradTensor *as_matrices(GradTensor *x)
{
    return matrix_unsqueeze(matrix_unsqueeze(x, 0), 0);
}

static GradTensor *det_vjp(const OpCall *c, int i, GradTensor *g)
{
    return t_mul(as_matrices(g), op_call1(&op_cofactor, call_in(c, i)));
}

const Op op_det = {
    .usage = "det(x)", OP_ARGS(ARG_TENSOR), .section = "linear algebra", .dtypes = DTYPES_FLOAT,
    .doc = "Determinant of a square matrix, or of each matrix of a batch [..., n, n], computed in float64 "
           "by LU factors (LAPACK getrf), up to order 3 by the formula; 0 for a singular one, nan for one "
           "with a nan or inf. The derivative is right for singular matrices too.",
    .errors = "shape when x is not square.",
    .derivative = "sum(cofactors(x) dx), which is det(x) trace(inv(x) dx) where x is regular   (Giles 2008, "
                  "2.2.4)",
    .example = "det([[1, 2], [3, 4]])  #=> -2",
    .related = "logdet inv trace",
    .forward = det_forward, .vjp = det_vjp, .batch = batch_leading,
    .check = "x[3, 3]: det(x + 2 * eye(3))\n"
             "x[2, 3, 3]: det(x)\n"
             "x[2, 2]: det(x.T[::-1])\n"
             "x[4, 4]: det(x + 2 * eye(4))\n"
             "x[3] y[3]: det(outer(x, y))\n"
             "x[1, 1]: det(x)\n"
             "x[0, 0]: det(x)",
};

static GradTensor *logdet_forward(const OpCall *c)
{
    return each_determinant(c, log_of);
}

static GradTensor *logdet_vjp(const OpCall *c, int i, GradTensor *g)
{
    return t_mul(as_matrices(g), t_swap(op_call1(&op_inv, call_in(c, i))));
}

const Op op_logdet = {
    .usage = "logdet(x)", OP_ARGS(ARG_TENSOR), .section = "linear algebra", .dtypes = DTYPES_FLOAT,
    .doc = "Logarithm of the determinant of a square matrix, or of each matrix of a batch [..., n, n], "
           "without overflow. -inf where the determinant is 0, nan where it is negative.",
    .errors = "shape when x is not square; the derivative at a singular matrix is an error of kind domain.",
    .derivative = "trace(inv(x) dx)   (Giles 2008, 2.2.4)",
    .example = "logdet([[2, 0], [0, 0.5]])  #=> 0",
    .related = "det cholesky",
    .forward = logdet_forward, .vjp = logdet_vjp, .batch = batch_leading,
    .sample = {{-1, 1}},
    .check = "x[3, 3]: logdet(x + 5 * eye(3))\n"
             "x[2, 3, 3]: logdet(x + 5 * eye(3))\n"
             "x[2, 2]: logdet((x + 5 * eye(2)).T)",
};

/* ---- cofactors ---- */

/* x = U diag(s) Vh without a record, and det(U) det(Vh), 1 or -1 for each matrix. */
typedef struct Parts {
    GradTensor *u, *s, *vh, *sign;
    Dtype dtype;
    int64_t n, count;
} Parts;

static Parts parts_of(GradTensor *x)
{
    GradTensor *usv[3];
    op_call_many(&op_svd, (Arg[OP_MAX_ARGS]){{.tensor = gt_detach(x)}}, 0, usv);
    GradTensor *sign = t_mul(op_call1(&op_det, usv[0]), op_call1(&op_det, usv[2]));
    return (Parts){.u = usv[0],
                   .s = usv[1],
                   .vh = usv[2],
                   .sign = as_matrices(sign),
                   .dtype = gt_dtype(usv[0]),
                   .n = matrix_rows(x),
                   .count = matrix_count(x)};
}

/* The product of all s but number `skip`. */
static double product_without(const double *s, int64_t n, int64_t skip)
{
    double product = 1;
    for (int64_t i = 0; i < n; i++)
        product *= i == skip ? 1 : s[i];
    return product;
}

/* U `middle` Vh with the right signs. */
static GradTensor *put_together(const Parts *p, GradTensor *middle)
{
    return t_mul(t_matmul(t_matmul(p->u, middle), p->vh), p->sign);
}

/* Cofactors are linear in a 2 x 2 matrix and quadratic in a 3 x 3 one: their derivative at a, applied to h. */
static void small_curvature(int n, const double *a, const double *h, double *to)
{
    if (n == 2) {
        small_cofactors(n, h, to);
        return;
    }
    for (int i = 0; i < 9; i++) {
        int r1 = (i / 3 + 1) % 3 * 3, r2 = (i / 3 + 2) % 3 * 3, c1 = (i + 1) % 3, c2 = (i + 2) % 3;
        to[i] = a[r1 + c1] * h[r2 + c2] + h[r1 + c1] * a[r2 + c2] - a[r1 + c2] * h[r2 + c1] -
                h[r1 + c2] * a[r2 + c1];
    }
}

static bool is_small(const GradTensor *x)
{
    return matrix_rows(x) == 2 || matrix_rows(x) == 3;
}

/* Cofactors of small matrices, or with h their derivative. */
static GradTensor *each_small(const OpCall *c, GradTensor *x, GradTensor *h)
{
    int n = (int)matrix_rows(x);
    GradTensor *exact = gt_new(DTYPE_FLOAT64, x->t.ndim, tensor_shape(&x->t));
    const double *a = tensor_contiguous(&x->t, DTYPE_FLOAT64);
    const double *b = h != NULL ? tensor_contiguous(&h->t, DTYPE_FLOAT64) : NULL;
    double *to = tensor_allocate(&exact->t);
    for (int64_t i = 0; i < x->t.size; i += n * n) {
        if (b == NULL)
            small_cofactors(n, a + i, to + i);
        else
            small_curvature(n, a + i, b + i, to + i);
    }
    return call_share(c, call_dtype(c), exact);
}

/* Of matrices whose least pivot is smaller than this times the largest the inverse may not be accurate. */
static const double PIVOTS_APART = 1e-3;

/* The determinant by the factors of one matrix; nan when its pivots are too far apart. */
static double regular_determinant(Dtype dtype, int n, const char *lu, const int *pivots)
{
    double least = INFINITY, largest = 0, product = 1;
    for (int i = 0; i < n; i++) {
        double pivot = dtype_read(dtype, lu + (size_t)i * ((size_t)n + 1) * dtype_size(dtype));
        least = fmin(least, fabs(pivot));
        largest = fmax(largest, fabs(pivot));
        product *= pivots[i] == i + 1 ? pivot : -pivot;
    }
    return least > PIVOTS_APART * largest ? product : NAN;
}

/* det(x) inv(x)' for each matrix; NULL when that may not be accurate for one of them. The inverse by columns is its
 * transpose by rows. */
static GradTensor *regular_cofactors(const OpCall *c, GradTensor *x)
{
    Dtype dtype = call_dtype(c);
    int n = (int)matrix_rows(x), *pivots = scratch(((size_t)n + 1) * sizeof *pivots);
    size_t bytes = (size_t)n * (size_t)n * dtype_size(dtype);
    char *lu = lapack_copy(x, dtype);
    GradTensor *inverses = gt_new(dtype, x->t.ndim, tensor_shape(&x->t));
    GradTensor *determinants = gt_new(DTYPE_FLOAT64, x->t.ndim - 2, tensor_shape(&x->t));
    char *to = tensor_allocate(&inverses->t);
    double *det = tensor_allocate(&determinants->t);
    for (int64_t k = 0; k < matrix_count(x); k++, lu += bytes, to += bytes) {
        interrupt_poll();
        if (!lapack_finite(dtype, (int64_t)n * n, lu) || lapack_getrf(dtype, n, lu, pivots) > 0)
            return NULL;
        det[k] = regular_determinant(dtype, n, lu, pivots);
        if (isnan(det[k]))
            return NULL;
        lapack_invert(dtype, n, lu, pivots, to);
    }
    return t_mul(gt_cast(as_matrices(determinants), dtype), inverses);
}

/* det(x) inv(x)' where that is accurate, else U diag(products of all singular values but one) Vh, times
 * det(U) det(Vh). */
static GradTensor *cofactor_forward(const OpCall *c)
{
    GradTensor *x = gt_detach(call_in(c, 0));
    if (is_small(x))
        return each_small(c, x, NULL);
    GradTensor *cofactors = matrix_rows(x) > 3 ? regular_cofactors(c, x) : NULL;
    if (cofactors != NULL)
        return call_share(c, gt_dtype(cofactors), cofactors);
    Parts p = parts_of(x);
    GradTensor *products = gt_new(p.dtype, p.s->t.ndim, tensor_shape(&p.s->t));
    const double *s = tensor_contiguous(&p.s->t, DTYPE_FLOAT64);
    char *to = tensor_allocate(&products->t);
    for (int64_t i = 0; i < p.count * p.n; i++)
        dtype_write(p.dtype, to + (size_t)i * dtype_size(p.dtype),
                    product_without(s + i - i % p.n, p.n, i % p.n));
    return call_share(c, p.dtype, put_together(&p, matrix_of_diagonal(products)));
}

static GradTensor *cofactor_vjp(const OpCall *c, int i, GradTensor *g)
{
    return op_call2(&op_det_curvature, call_in(c, i), g);
}

static GradTensor *cofactor_jvp(const OpCall *c, GradTensor *const *tangents)
{
    return op_call2(&op_det_curvature, call_in(c, 0), tangents[0]);
}

const Op op_cofactor = {
    .usage = "cofactor(x)", OP_ARGS(ARG_TENSOR), .dtypes = DTYPES_FLOAT,
    .doc = "The matrix of cofactors of each square matrix: the derivative of its determinant.",
    .forward = cofactor_forward, .vjp = cofactor_vjp, .jvp = cofactor_jvp, .batch = batch_leading,
};

/* For x = diag(s) the second derivative of det, applied to h, has elements sum_j P_ij h_jj on the diagonal
 * and -P_ij h_ji beside it, with P_ij the product of all s but the i-th and j-th. */
static void curve_one(const double *s, int64_t n, const double *h, double *out)
{
    double *others = scratch((size_t)(n + 1) * sizeof *others);
    memset(out, 0, (size_t)(n * n) * sizeof *out);
    for (int64_t i = 0; i < n; i++) {
        memcpy(others, s, (size_t)n * sizeof *others);
        others[i] = 1;
        for (int64_t j = 0; j < n; j++) {
            double p = i == j ? 0 : product_without(others, n, j);
            out[i * n + i] += p * h[j * n + j];
            if (i != j)
                out[i * n + j] = -p * h[j * n + i];
        }
    }
}

static GradTensor *det_curvature_forward(const OpCall *c)
{
    GradTensor *x = gt_detach(call_in(c, 0)), *h = gt_detach(call_in(c, 1));
    if (is_small(x))
        return each_small(c, x, h);
    Parts p = parts_of(x);
    h = t_matmul(t_matmul(t_swap(p.u), h), t_swap(p.vh));
    GradTensor *middle = gt_new(DTYPE_FLOAT64, h->t.ndim, tensor_shape(&h->t));
    const double *s = tensor_contiguous(&p.s->t, DTYPE_FLOAT64),
                 *from = tensor_contiguous(&h->t, DTYPE_FLOAT64);
    double *to = tensor_allocate(&middle->t);
    for (int64_t i = 0; i < p.count; i++) {
        PoolMark mark = pool_mark();
        interrupt_poll();
        curve_one(s + i * p.n, p.n, from + i * p.n * p.n, to + i * p.n * p.n);
        pool_drain(mark);
    }
    return call_share(c, p.dtype, put_together(&p, gt_cast(middle, p.dtype)));
}

static GradTensor *trace_of(GradTensor *x)
{
    return as_matrices(op_call1(&op_trace, x));
}

/* By h it is symmetric. By x, where x is regular and with B its inverse, Y = B h and Z = B g: the third
 * derivative of det is det(x) M B, transposed, with M = (tr Y tr Z - tr YZ) 1 - tr Z Y - tr Y Z + YZ + ZY. Up
 * to order 3 it does not depend on x. */
static GradTensor *det_curvature_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, 0), *h = call_in(c, 1);
    if (i == 1)
        return op_call2(&op_det_curvature, x, g);
    if (matrix_rows(x) <= 3)
        return matrix_rows(x) == 3 ? op_call2(&op_det_curvature, h, g) : NULL;
    GradTensor *b = op_call1(&op_inv, x), *y = t_matmul(b, h), *z = t_matmul(b, g), *yz = t_matmul(y, z);
    GradTensor *weight = t_sub(t_mul(trace_of(y), trace_of(z)), trace_of(yz));
    GradTensor *m = t_mul(weight, matrix_identity(gt_dtype(b), matrix_rows(x)));
    m = t_sub(m, t_add(t_mul(trace_of(z), y), t_mul(trace_of(y), z)));
    m = t_add(m, t_add(yz, t_matmul(z, y)));
    return t_mul(as_matrices(op_call1(&op_det, x)), t_swap(t_matmul(m, b)));
}

const Op op_det_curvature = {
    .usage = "det_curvature(x, h)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .dtypes = DTYPES_FLOAT,
    .doc = "The second derivative of det at x, applied to h: the directional derivative of the matrix of "
           "cofactors.",
    .forward = det_curvature_forward, .vjp = det_curvature_vjp, .batch = batch_leading,
};
