/* Decompositions by LAPACK. */
#include "grad/batch.h"
#include "ops/index.h"
#include "ops/lapack.h"
#include "ops/matrix.h"
#include "ops/rules.h"

#include <math.h>
#include <string.h>

static void check_finite(const OpCall *c, Dtype dtype, int64_t n, const void *data)
{
    if (!lapack_finite(dtype, n, data))
        call_error(c, ERROR_DOMAIN, "an element is nan or inf");
}

static GradTensor *sum_of(GradTensor *a, GradTensor *b)
{
    return a == NULL ? b : b == NULL ? a : t_add(a, b);
}

/* The shape of x with the last axes `rows` and `columns` (columns -1: only one axis, rows). */
static int shape_like(const GradTensor *x, int64_t rows, int64_t columns, int64_t *shape)
{
    int batch = x->t.ndim - 2;
    memcpy(shape, tensor_shape(&x->t), (size_t)batch * sizeof *shape);
    shape[batch++] = rows;
    if (columns >= 0)
        shape[batch++] = columns;
    return batch;
}

/* y_ij / (d_j - d_i) for d [..., n] and y [..., n, n], and 0 on the diagonal. Vectors of equal values have no
 * derivative: which of them LAPACK gives is arbitrary. So it is infinite there, and nan in the end, unless y_ij is 0,
 * because nothing depends on how the two turn into each other. */
static GradTensor *turn_rates(GradTensor *y, GradTensor *d)
{
    GradTensor *gaps = t_sub(matrix_unsqueeze(d, 1), matrix_unsqueeze(d, 0));
    GradTensor *never = matrix_of_diagonal(gt_filled(gt_dtype(d), d->t.ndim, tensor_shape(&d->t), INFINITY));
    return gt_scale(y, t_reciprocal(t_add(gaps, never)));
}

/* ---- cholesky ---- */

static GradTensor *cholesky_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    matrix_check_square(c, x);
    lapack_check_size(c, x);
    Dtype dtype = lapack_dtype(c);
    int n = (int)matrix_rows(x);
    int64_t count = matrix_count(x), elements = (int64_t)n * n;
    size_t size = dtype_size(dtype);
    void *data;
    const char *from = lapack_copy(x, dtype);
    GradTensor *base = lapack_base(dtype, x->t.ndim, tensor_shape(&x->t), &data);
    memcpy(data, from, (size_t)base->t.size * size);
    for (int64_t i = 0; i < count && n > 0; i++) {
        char *to = (char *)data + (size_t)(i * elements) * size;
        interrupt_poll();
        check_finite(c, dtype, elements, to);
        int info = lapack_potrf(dtype, n, to);
        if (info > 0)
            call_error(c, ERROR_DOMAIN,
                       "the matrix is not positive definite: its leading minor of order %d is not positive",
                       info);
        for (int j = 1; j < n; j++)
            memset(to + (size_t)j * (size_t)n * size, 0, (size_t)j * size);
    }
    return lapack_out(c, base);
}

/* dA' = L'^-1 phi(L' g) L^-1, symmetrised, where phi takes the lower triangle with half of the diagonal. */
static GradTensor *cholesky_vjp(const OpCall *c, int i, GradTensor *g)
{
    (void)i;
    GradTensor *turned = t_swap(c->out), *p = t_matmul(turned, g);
    GradTensor *phi = t_sub(matrix_lower(p, 0), t_times(matrix_of_diagonal(matrix_diagonal(p)), 0.5));
    GradTensor *half = op_call2(&op_solve, turned, phi);
    return matrix_symmetric(op_call2(&op_solve, turned, t_swap(half)));
}

const Op op_cholesky = {
    .usage = "cholesky(x)", OP_ARGS(ARG_TENSOR), .section = "linear algebra", .dtypes = DTYPES_FLOAT,
    .doc = "The lower triangular L for which L @ L' is x, a symmetric positive definite matrix or a batch "
           "[..., n, n] of them (LAPACK potrf). Only the lower triangle of x is read; the derivative is "
           "that of symmetric matrices.",
    .errors = "domain when x is not positive definite (the message names the order of the leading minor "
              "that is not positive), shape when it is not square.",
    .derivative = "L phi(L^-1 dx L'^-1), phi the lower triangle with half of the diagonal   (Giles 2008, "
                  "2.5; Murray 2016)",
    .example = "cholesky([[4, 2], [2, 5]])  #=> [[2, 0], [1, 2]]",
    .related = "solve logdet eigh",
    .forward = cholesky_forward, .vjp = cholesky_vjp, .batch = batch_leading,
    .check = "x[3, 3]: cholesky(matmul(x, x.T) + eye(3))\n"
             "x[2, 3, 3]: cholesky(matmul(x, x') + eye(3))\n"
             "x[1, 1]: cholesky(x^2 + 1)\n"
             "x[0, 0]: cholesky(x)",
};

/* ---- qr ---- */

static void qr_forward(const OpCall *c, GradTensor **out)
{
    GradTensor *x = call_in(c, 0);
    matrix_check(c, x);
    lapack_check_size(c, x);
    Dtype dtype = lapack_dtype(c);
    int m = (int)matrix_rows(x), n = (int)matrix_columns(x), k = m < n ? m : n;
    size_t size = dtype_size(dtype), bytes = (size_t)m * (size_t)n * size;
    void *q, *r;
    int64_t shape[TENSOR_MAX_NDIM];
    char *from = lapack_copy(x, dtype);
    GradTensor *q_base = lapack_base(dtype, shape_like(x, m, k, shape), shape, &q);
    GradTensor *r_base = lapack_base(dtype, shape_like(x, k, n, shape), shape, &r);
    for (int64_t i = 0; i < matrix_count(x) && k > 0; i++) {
        PoolMark mark = pool_mark();
        interrupt_poll();
        check_finite(c, dtype, (int64_t)m * n, from);
        lapack_qr(dtype, m, n, from, q, r);
        from += bytes;
        q = (char *)q + (size_t)m * (size_t)k * size;
        r = (char *)r + (size_t)k * (size_t)n * size;
        pool_drain(mark);
    }
    out[0] = lapack_plain_out(q_base);
    out[1] = lapack_plain_out(r_base);
}

/* For x [m, n], m >= n (Walter and Lehmann, "Algorithmic differentiation of linear algebra functions with
 * application in optimum experimental design", 2010): (gQ + Q sym(M)) R'^-1 with M = R gR' - gQ' Q, where sym
 * copies the lower triangle over the upper one. */
static GradTensor *tall_qr_vjp(GradTensor *q, GradTensor *r, GradTensor *gq, GradTensor *gr)
{
    GradTensor *m = NULL;
    if (gr != NULL)
        m = t_matmul(r, t_swap(gr));
    if (gq != NULL)
        m = sum_of(m, gt_neg(t_matmul(t_swap(gq), q)));
    GradTensor *sym = t_add(matrix_lower(m, 0), t_swap(matrix_lower(m, -1)));
    GradTensor *sum = sum_of(gq, t_matmul(q, sym));
    return t_swap(op_call2(&op_solve, r, t_swap(sum)));
}

/* A wide x = [X Y] has the factors Q and [U V] with X = Q U and V = Q' Y (Roberts and Roberts, "QR and LQ
 * decomposition matrix backpropagation algorithms for square, wide, and deep matrices", 2020). */
static GradTensor *wide_qr_vjp(GradTensor *x, GradTensor *q, GradTensor *r, GradTensor *gq, GradTensor *gr)
{
    int64_t m = matrix_rows(x), n = matrix_columns(x);
    int last = x->t.ndim - 1;
    GradTensor *gv = NULL, *gu = NULL;
    if (gr != NULL) {
        gu = t_part(gr, last, 0, m);
        gv = t_part(gr, last, m, n - m);
        gq = sum_of(gq, t_matmul(t_part(x, last, m, n - m), t_swap(gv)));
    }
    GradTensor *left = tall_qr_vjp(q, t_part(r, last, 0, m), gq, gu), *right;
    if (gv != NULL) {
        right = t_matmul(q, gv);
    } else {
        int64_t shape[TENSOR_MAX_NDIM];
        right = gt_filled(gt_dtype(q), shape_like(x, m, n - m, shape), shape, 0);
    }
    return t_concat2(left, right, last);
}

static GradTensor *qr_vjp(const OpCall *c, int i, GradTensor *const *g)
{
    GradTensor *x = call_in(c, i), *q = call_result(c, 0), *r = call_result(c, 1);
    if (g[0] == NULL && g[1] == NULL)
        return NULL;
    if (matrix_rows(x) < matrix_columns(x))
        return wide_qr_vjp(x, q, r, g[0], g[1]);
    return tall_qr_vjp(q, r, g[0], g[1]);
}

const Op op_qr = {
    .usage = "qr(x)", OP_ARGS(ARG_TENSOR), .section = "linear algebra", .dtypes = DTYPES_FLOAT,
    .doc = "(Q, R) with Q @ R = x [..., m, n]: Q [..., m, k] has orthonormal columns and R [..., k, n] is "
           "upper triangular, k = min(m, n), with the signs that LAPACK gives (geqrf, orgqr).",
    .errors = "domain when an element is not finite, shape when x is not a matrix; the derivative needs "
              "independent columns (the first k of them), else it is an error of kind domain.",
    .derivative = "Walter and Lehmann 2010; for wide matrices Roberts and Roberts 2020",
    .example = "qr([[3, 0], [4, 5]])[1]  #=> [[-5, -4], [0, 3]]",
    .related = "lstsq svd cholesky",
    .outputs = 2, .forward_many = qr_forward, .vjp_many = qr_vjp, .batch_many = batch_leading_many,
    .check = "x[3, 3]: qr(x + 3 * eye(3))[0]\n"
             "x[3, 3]: qr(x + 3 * eye(3))[1]\n"
             "x[4, 2]: qr(x + 3 * eye(4)[:, :2])[0]\n"
             "x[4, 2]: qr(x + 3 * eye(4)[:, :2])[1]\n"
             "x[2, 4]: qr(x + 3 * eye(2, 4))[0]\n"
             "x[2, 4]: qr(x + 3 * eye(2, 4))[1]\n"
             "x[2, 3, 2]: qr(x + 3 * eye(3)[:, :2])[1]\n"
             "x[0, 2]: qr(x)[1]",
};

/* ---- svd ---- */

static void svd_forward(const OpCall *c, GradTensor **out)
{
    GradTensor *x = call_in(c, 0);
    matrix_check(c, x);
    lapack_check_size(c, x);
    Dtype dtype = lapack_dtype(c);
    int m = (int)matrix_rows(x), n = (int)matrix_columns(x), k = m < n ? m : n;
    size_t size = dtype_size(dtype), bytes = (size_t)m * (size_t)n * size;
    void *u, *vt;
    int64_t shape[TENSOR_MAX_NDIM];
    char *from = lapack_copy(x, dtype);
    GradTensor *u_base = lapack_base(dtype, shape_like(x, m, k, shape), shape, &u);
    GradTensor *vt_base = lapack_base(dtype, shape_like(x, k, n, shape), shape, &vt);
    out[1] = gt_new(dtype, shape_like(x, k, -1, shape), shape);
    char *s = tensor_allocate(&out[1]->t);
    for (int64_t i = 0; i < matrix_count(x) && k > 0; i++) {
        PoolMark mark = pool_mark();
        interrupt_poll();
        check_finite(c, dtype, (int64_t)m * n, from);
        if (lapack_gesdd(dtype, m, n, from, s, u, vt) != 0)
            call_error(c, ERROR_DOMAIN, "the singular values did not converge");
        from += bytes;
        s += (size_t)k * size;
        u = (char *)u + (size_t)m * (size_t)k * size;
        vt = (char *)vt + (size_t)k * (size_t)n * size;
        pool_drain(mark);
    }
    out[0] = lapack_plain_out(u_base);
    out[2] = lapack_plain_out(vt_base);
}

/* (y - y') / (s_j^2 - s_i^2), elementwise */
static GradTensor *turning(GradTensor *y, GradTensor *squares)
{
    return turn_rates(t_sub(y, t_swap(y)), squares);
}

/* The part of g that lies outside of what the orthonormal columns of q span, times 1/s: (g - q q' g)
 * diag(1/s) */
static GradTensor *outside(GradTensor *g, GradTensor *q, GradTensor *s)
{
    GradTensor *rest = t_sub(g, t_matmul(q, t_matmul(t_swap(q), g)));
    return t_div(rest, matrix_unsqueeze(s, 1));
}

/* Townsend, "Differentiating the singular value decomposition" (2016), with V = Vh'. Inside of the spans of U
 * and V the cotangent is U (E(U' gU) S + S E(V' gV) + diag(gS)) Vh. */
static GradTensor *svd_vjp(const OpCall *c, int i, GradTensor *const *g)
{
    GradTensor *x = call_in(c, i), *u = call_result(c, 0), *s = call_result(c, 1), *vh = call_result(c, 2);
    GradTensor *v = t_swap(vh), *gv = g[2] == NULL ? NULL : t_swap(g[2]), *middle = NULL, *squares = t_square(s);
    if (g[0] == NULL && g[1] == NULL && gv == NULL)
        return NULL;
    if (g[1] != NULL)
        middle = matrix_of_diagonal(g[1]);
    if (g[0] != NULL)
        middle = sum_of(middle, t_mul(turning(t_matmul(t_swap(u), g[0]), squares), matrix_unsqueeze(s, 1)));
    if (gv != NULL)
        middle = sum_of(middle, t_mul(matrix_unsqueeze(s, 0), turning(t_matmul(vh, gv), squares)));
    GradTensor *sum = t_matmul(t_matmul(u, middle), vh);
    if (g[0] != NULL && matrix_rows(x) > matrix_columns(x))
        sum = t_add(sum, t_matmul(outside(g[0], u, s), vh));
    if (gv != NULL && matrix_columns(x) > matrix_rows(x))
        sum = t_add(sum, t_matmul(u, t_swap(outside(gv, v, s))));
    return sum;
}

const Op op_svd = {
    .usage = "svd(x)", OP_ARGS(ARG_TENSOR), .section = "linear algebra", .dtypes = DTYPES_FLOAT,
    .doc = "(U, S, Vh) with U @ diag(S) @ Vh = x [..., m, n]: the singular values S [..., k] descend, k = "
           "min(m, n); U [..., m, k] has orthonormal columns and Vh [..., k, n] orthonormal rows (LAPACK "
           "gesdd). Where singular values are equal, U and Vh have no derivative: it is nan there, unless "
           "nothing depends on how their vectors turn into each other.",
    .errors = "domain when an element is not finite, shape when x is not a matrix.",
    .derivative = "Townsend, Differentiating the singular value decomposition (2016)",
    .example = "svd([[3, 0], [0, 4]])[1]  #=> [4, 3]",
    .related = "eigh qr pinv matrix_rank",
    .outputs = 3, .forward_many = svd_forward, .vjp_many = svd_vjp, .batch_many = batch_leading_many,
    .sample = {{-1, 1}},
    .check = "x[3, 3]: svd(x + diag([1, 4, 8]))[1]\n"
             "x[3, 3]: svd(x + diag([1, 4, 8]))[0]\n"
             "x[3, 3]: svd(x + diag([1, 4, 8]))[2]\n"
             "x[4, 2]: svd(x + [[3, 0], [0, 7], [0, 0], [0, 0]])[0]\n"
             "x[4, 2]: svd(x + [[3, 0], [0, 7], [0, 0], [0, 0]])[2]\n"
             "x[2, 4]: svd(x + [[3, 0, 0, 0], [0, 7, 0, 0]])[0]\n"
             "x[2, 4]: svd(x + [[3, 0, 0, 0], [0, 7, 0, 0]])[2]\n"
             "x[2, 3, 2]: svd(x + [[3, 0], [0, 7], [0, 0]])[1]\n"
             "x[0, 2]: svd(x)[1]",
};

/* ---- eigh ---- */

/* Eigenvalues into w, and eigenvectors in the place of the matrices where they are wanted. */
static void each_eigh(const OpCall *c, GradTensor *x, Dtype dtype, bool vectors, char *a, char *w)
{
    int n = (int)matrix_rows(x);
    size_t size = dtype_size(dtype);
    for (int64_t i = 0; i < matrix_count(x) && n > 0; i++) {
        PoolMark mark = pool_mark();
        interrupt_poll();
        check_finite(c, dtype, (int64_t)n * n, a);
        if (lapack_syevd(dtype, vectors, n, a, w) != 0)
            call_error(c, ERROR_DOMAIN, "the eigenvalues did not converge");
        a += (size_t)n * (size_t)n * size;
        w += (size_t)n * size;
        pool_drain(mark);
    }
}

static GradTensor *symmetric_input(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    matrix_check_square(c, x);
    lapack_check_size(c, x);
    return x;
}

static void eigh_forward(const OpCall *c, GradTensor **out)
{
    GradTensor *x = symmetric_input(c);
    Dtype dtype = lapack_dtype(c);
    int64_t shape[TENSOR_MAX_NDIM];
    void *data;
    const char *from = lapack_copy(x, dtype);
    GradTensor *base = lapack_base(dtype, x->t.ndim, tensor_shape(&x->t), &data);
    memcpy(data, from, (size_t)x->t.size * dtype_size(dtype));
    out[0] = gt_new(dtype, shape_like(x, matrix_rows(x), -1, shape), shape);
    each_eigh(c, x, dtype, true, data, tensor_allocate(&out[0]->t));
    out[1] = lapack_plain_out(base);
}

/* V (diag(gw) + F (V' gV)) V' with F_ij = 1 / (w_j - w_i), symmetrised. */
static GradTensor *eigh_vjp(const OpCall *c, int i, GradTensor *const *g)
{
    (void)i;
    GradTensor *w = call_result(c, 0), *v = call_result(c, 1), *turned = t_swap(v), *middle = NULL;
    if (g[0] == NULL && g[1] == NULL)
        return NULL;
    if (g[0] != NULL)
        middle = matrix_of_diagonal(g[0]);
    if (g[1] != NULL)
        middle = sum_of(middle, turn_rates(t_matmul(turned, g[1]), w));
    return matrix_symmetric(t_matmul(t_matmul(v, middle), turned));
}

const Op op_eigh = {
    .usage = "eigh(x)", OP_ARGS(ARG_TENSOR), .section = "linear algebra", .dtypes = DTYPES_FLOAT,
    .doc = "(values, vectors) of a symmetric matrix, or of each of a batch [..., n, n]: the eigenvalues "
           "[..., n] ascend, and column i of the vectors belongs to value i (LAPACK syevd). Only the lower "
           "triangle of x is read; the derivative is that of symmetric matrices. Where eigenvalues are equal, "
           "vectors have no derivative: it is nan there, unless nothing depends on how they turn into each "
           "other.",
    .errors = "domain when an element is not finite, shape when x is not square.",
    .derivative = "dw = diag(V' dx V), dV = V (F * (V' dx V)) with F_ij = 1 / (w_j - w_i), F_ii = 0   "
                  "(Giles 2008, 3.1)",
    .example = "eigh([[2, 1], [1, 2]])[0]  #=> [1, 3]",
    .related = "eigvalsh svd cholesky",
    .outputs = 2, .forward_many = eigh_forward, .vjp_many = eigh_vjp, .batch_many = batch_leading_many,
    .sample = {{-1, 1}},
    .check = "x[3, 3]: eigh(x + x.T + diag([1, 5, 9]))[0]\n"
             "x[3, 3]: eigh(x + x.T + diag([1, 5, 9]))[1]\n"
             "x[2, 3, 3]: eigh(x + x' + diag([1, 5, 9]))[1]\n"
             "x[0, 0]: eigh(x)[0]",
};

/* Without a record the vectors are not needed. */
static GradTensor *eigvalsh_compose(const OpCall *c)
{
    if (call_records(c)) {
        GradTensor *out[2];
        op_call_many(&op_eigh, c->args, c->numbers, out);
        return out[0];
    }
    GradTensor *x = symmetric_input(c);
    Dtype dtype = lapack_dtype(c);
    int64_t shape[TENSOR_MAX_NDIM];
    char *from = lapack_copy(x, dtype);
    GradTensor *w = call_out(c, dtype, shape_like(x, matrix_rows(x), -1, shape), shape);
    each_eigh(c, x, dtype, false, from, tensor_allocate(&w->t));
    return w;
}

const Op op_eigvalsh = {
    .usage = "eigvalsh(x)", OP_ARGS(ARG_TENSOR), .section = "linear algebra", .dtypes = DTYPES_FLOAT,
    .doc = "The eigenvalues of a symmetric matrix, ascending: the first result of eigh, in less time.",
    .errors = "domain when an element is not finite, shape when x is not square.",
    .derivative = "diag(V' dx V) with V the eigenvectors",
    .example = "eigvalsh([[2, 1], [1, 2]])  #=> [1, 3]",
    .related = "eigh svd",
    .compose = eigvalsh_compose, .batch = batch_leading,
    .sample = {{-1, 1}},
    .check = "x[3, 3]: eigvalsh(x + x.T + diag([1, 5, 9]))\n"
             "x[2, 3, 3]: eigvalsh(x + x' + diag([1, 5, 9]))",
};
