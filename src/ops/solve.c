/* Linear equations: inverses, solutions, least squares. Derivatives by Giles, "An extended collection of
 * matrix derivative results for forward and reverse mode algorithmic differentiation" (2008), unless said
 * otherwise. */
#include "grad/batch.h"
#include "ops/lapack.h"
#include "ops/matrix.h"
#include "ops/rules.h"

#include <limits.h>
#include <string.h>

/* Matrix `i` of a batch has no answer. */
static _Noreturn void throw_singular(const OpCall *c, int64_t i, int64_t count)
{
    const char *name = op_arg_name(c->op, 0), *shape = gt_shape_text(call_in(c, 0));
    if (count == 1)
        call_error(c, ERROR_DOMAIN, "the matrix %s of shape %s is singular", name, shape);
    call_error(c, ERROR_DOMAIN, "matrix %lld of %s, which has shape %s, is singular", (long long)i, name, shape);
}

static void fill_nan(Dtype dtype, int64_t n, void *data)
{
    for (int64_t i = 0; i < n; i++)
        dtype_write(dtype, (char *)data + i * (int64_t)dtype_size(dtype), __builtin_nan(""));
}

/* ---- inv ---- */

static GradTensor *inv_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    matrix_check_square(c, x);
    lapack_check_size(c, x);
    Dtype dtype = lapack_dtype(c);
    void *data;
    int n = (int)matrix_rows(x);
    int64_t count = matrix_count(x), elements = (int64_t)n * n;
    size_t bytes = (size_t)elements * dtype_size(dtype);
    char *lu = lapack_copy(x, dtype);
    GradTensor *base = lapack_base(dtype, x->t.ndim, tensor_shape(&x->t), &data);
    char *to = data;
    int *pivots = scratch(((size_t)n + 1) * sizeof *pivots);
    for (int64_t i = 0; i < count && n > 0; i++, lu += bytes, to += bytes) {
        interrupt_poll();
        if (!lapack_finite(dtype, elements, lu)) {
            fill_nan(dtype, elements, to);
            continue;
        }
        if (lapack_getrf(dtype, n, lu, pivots) > 0)
            throw_singular(c, i, count);
        lapack_invert(dtype, n, lu, pivots, to);
    }
    return lapack_out(c, base);
}

/* y = x^-1, dy = -y dx y */
static GradTensor *inv_vjp(const OpCall *c, int i, GradTensor *g)
{
    (void)i;
    GradTensor *turned = t_swap(c->out);
    return gt_neg(t_matmul(t_matmul(turned, g), turned));
}

static GradTensor *inv_jvp(const OpCall *c, GradTensor *const *tangents)
{
    return gt_neg(t_matmul(t_matmul(c->out, tangents[0]), c->out));
}

const Op op_inv = {
    .usage = "inv(x)", OP_ARGS(ARG_TENSOR), .section = "linear algebra", .dtypes = DTYPES_FLOAT,
    .doc = "Inverse of a square matrix, or of each matrix of a batch [..., n, n], by LU factors (LAPACK "
           "getrf, getrs). To solve equations, solve(A, b) is faster and more accurate. A matrix with a nan "
           "or inf gives nan.",
    .errors = "domain when a matrix is singular, shape when it is not square.",
    .derivative = "-inv(x) dx inv(x)   (Giles 2008, 2.2.3)",
    .example = "inv([[2, 0], [0, 4]])  #=> [[0.5, 0], [0, 0.25]]",
    .related = "solve pinv det",
    .forward = inv_forward, .vjp = inv_vjp, .jvp = inv_jvp, .batch = batch_leading,
    .check = "x[3, 3]: inv(x + 5 * eye(3))\n"
             "x[2, 3, 3]: inv(x + 5 * eye(3))\n"
             "x[3, 3]: inv((x + 5 * eye(3)).T[::-1])\n"
             "x[1, 1]: inv(x + 5)\n"
             "x[0, 0]: inv(x)",
};

/* ---- right sides ---- */

/* A right side is a vector where it has one axis, or the shape of A without its last axis; else its columns
 * are vectors. */
static bool is_vector(const GradTensor *a, const GradTensor *b)
{
    return b->t.ndim == 1 || (b->t.ndim == a->t.ndim - 1
           && shape_equal(b->t.ndim, tensor_shape(&b->t), a->t.ndim - 1, tensor_shape(&a->t)));
}

/* x with one column for a vector, or as it is. */
static GradTensor *as_columns(GradTensor *x, bool vector)
{
    return vector ? matrix_unsqueeze(x, 0) : x;
}

static GradTensor *from_columns(GradTensor *x, bool vector)
{
    return vector ? t_reshape(x, x->t.ndim - 1, tensor_shape(&x->t)) : x;
}

/* Equations A X = B with a batch of A's and B's that broadcast. */
typedef struct Equations {
    Dtype dtype;
    bool vector;
    int m, n, columns;                /* A [m, n], B [m, columns], X [n, columns] */
    int ndim;                         /* of the result, with its columns */
    int64_t shape[TENSOR_MAX_NDIM];
    int64_t count;                    /* of results */
    GradTensor *a, *b;                /* b with its columns and all batch axes */
} Equations;

static Equations equations(const OpCall *c)
{
    GradTensor *a = call_in(c, 0), *b = call_in(c, 1);
    matrix_check(c, a);
    if (b->t.ndim == 0)
        call_error(c, ERROR_SHAPE, "b must be a vector or a matrix, but has shape []");
    Equations e = {.dtype = lapack_dtype(c), .vector = is_vector(a, b), .a = gt_detach(a)};
    const char *left = gt_shape_text(a), *right = gt_shape_text(b);
    b = as_columns(gt_detach(b), e.vector);
    if (matrix_rows(a) != matrix_rows(b)) {
        error_note("left is %s, right is %s", left, right);
        call_error(c, ERROR_SHAPE,
                   "A of shape %s has %lld rows, but b of shape %s has %lld", left,
                   (long long)matrix_rows(a), right, (long long)matrix_rows(b));
    }
    lapack_check_size(c, a);
    lapack_check_size(c, b);
    e.m = (int)matrix_rows(a);
    e.n = (int)matrix_columns(a);
    e.columns = (int)matrix_columns(b);
    int batch =
        shape_broadcast(a->t.ndim - 2, tensor_shape(&a->t), b->t.ndim - 2, tensor_shape(&b->t), e.shape);
    if (batch < 0)
        call_error(c, ERROR_SHAPE, "the leading axes of A, %s, and b, %s, do not broadcast", left, right);
    e.count = shape_size(batch, e.shape);
    e.ndim = batch + 2;
    e.shape[batch] = e.m;
    e.shape[batch + 1] = e.columns;
    e.b = gt_expand(b, e.ndim, e.shape);
    e.shape[batch] = e.n;
    return e;
}

/* Which of A's matrices result `i` belongs to. */
static int64_t left_of(const Equations *e, int64_t i)
{
    int64_t at = 0, stride = 1;
    int own = e->a->t.ndim - 2;
    for (int axis = e->ndim - 3; axis >= 0; axis--) {
        int from = axis - (e->ndim - 2 - own);
        if (from >= 0 && tensor_shape(&e->a->t)[from] != 1)
            at += i % e->shape[axis] * stride;
        if (from >= 0)
            stride *= tensor_shape(&e->a->t)[from];
        i /= e->shape[axis];
    }
    return at;
}

/* The finished result in the shape that the right side asks for. */
static GradTensor *solution(const OpCall *c, const Equations *e, GradTensor *base)
{
    if (!e->vector)
        return lapack_out(c, base);
    GradTensor *out = call_out(c, e->dtype, e->ndim - 1, e->shape);
    tensor_reshape(&out->t, &base->t);
    return out;
}

/* For vmap: both sides as matrices with as many axes, then side by side. A matrix that is the same in all
 * slices stays one matrix, of which the factors are computed once. The factors that solve has go with A: they
 * are found by the number of the matrix, whatever the axes are. */
static GradTensor *batch_equations(const OpCall *c, uint32_t levels)
{
    GradTensor *a = call_in(c, 0), *b = call_in(c, 1);
    Arg args[OP_MAX_ARGS] = {{0}};
    matrix_check(c, a);
    bool vector = b->t.ndim > 0 && is_vector(a, b), mapped = gt_batch(a) != 0;
    for (int i = 2; i < c->op->arg_count; i++) {
        args[i] = c->args[i];
        if (c->op->args[i] == ARG_TENSOR && mapped)
            args[i].tensor = batch_over(args[i].tensor, levels);
    }
    if (b->t.ndim > 0)
        b = as_columns(b, vector);
    while (b->t.ndim >= 2 && a->t.ndim > b->t.ndim)
        b = matrix_unsqueeze(b, b->t.ndim);
    while (mapped && a->t.ndim < b->t.ndim)
        a = matrix_unsqueeze(a, a->t.ndim);
    args[0].tensor = mapped ? batch_over(a, levels) : a;
    args[1].tensor = batch_over(b, levels);
    return batch_over(from_columns(batch_slice(op_call(c->op, args, 0), levels), vector), levels);
}

/* ---- solve ---- */

/* P L U of each matrix, in LAPACK's own packing, and the row exchanges. Of a matrix with elements that are
 * not finite all is nan. */
static void lu_forward(const OpCall *c, GradTensor **out)
{
    GradTensor *x = call_in(c, 0);
    matrix_check_square(c, x);
    lapack_check_size(c, x);
    Dtype dtype = lapack_dtype(c);
    int n = (int)matrix_rows(x);
    int64_t count = matrix_count(x), elements = (int64_t)n * n;
    size_t bytes = (size_t)elements * dtype_size(dtype);
    out[0] = gt_new(dtype, x->t.ndim, tensor_shape(&x->t));
    out[1] = gt_new(DTYPE_INT32, x->t.ndim - 1, tensor_shape(&x->t));
    const char *from = lapack_copy(x, dtype);
    char *lu = tensor_allocate(&out[0]->t);
    int *pivots = tensor_allocate(&out[1]->t);
    memcpy(lu, from, (size_t)x->t.size * dtype_size(dtype));
    for (int64_t i = 0; i < count && n > 0; i++, lu += bytes, pivots += n) {
        interrupt_poll();
        if (lapack_finite(dtype, elements, lu)) {
            if (lapack_getrf(dtype, n, lu, pivots) > 0)
                throw_singular(c, i, count);
            continue;
        }
        fill_nan(dtype, elements, lu);
        for (int k = 0; k < n; k++)
            pivots[k] = k + 1;
    }
}

const Op op_solve_lu = {
    .usage = "solve(A)", OP_ARGS(ARG_TENSOR), .dtypes = DTYPES_FLOAT,
    .doc = "(LU, pivots) of each square matrix, for the other operations here.",
    .outputs = 2, .forward_many = lu_forward, .batch_many = batch_leading_many,
    .constant = "only a means to compute what solve gives",
};

static GradTensor *solve_factored(GradTensor *a, GradTensor *b, GradTensor *lu, GradTensor *pivots,
                                  bool transposed)
{
    return op_call(&op_solve_factored, (Arg[OP_MAX_ARGS]){{.tensor = a}, {.tensor = b}, {.tensor = lu},
                   {.tensor = pivots}, {.integer = transposed}}, 0);
}

/* The same equations with A or with A' on the left, whichever is not that of the call. */
static GradTensor *solve_again(const OpCall *c, GradTensor *b, bool other)
{
    return solve_factored(c->args[0].tensor, b, c->args[2].tensor, c->args[3].tensor,
                          (c->args[4].integer != 0) != other);
}

static GradTensor *solve_factored_forward(const OpCall *c)
{
    Equations e = equations(c);
    int64_t elements = (int64_t)e.n * e.columns;
    size_t size = dtype_size(e.dtype);
    void *data;
    const char *lu = tensor_contiguous(&call_in(c, 2)->t, e.dtype);
    const int *pivots = tensor_contiguous(&call_in(c, 3)->t, DTYPE_INT32);
    const char *right = lapack_copy(e.b, e.dtype);
    GradTensor *base = lapack_base(e.dtype, e.ndim, e.shape, &data);
    memcpy(data, right, (size_t)base->t.size * size);
    for (int64_t i = 0; i < e.count && elements > 0; i++) {
        int64_t k = left_of(&e, i);
        interrupt_poll();
        lapack_getrs(e.dtype, c->args[4].integer, e.n, e.columns,
                     lu + (size_t)k * (size_t)e.n * (size_t)e.n * size, pivots + k * e.n,
                     (char *)data + (size_t)(i * elements) * size);
    }
    return solution(c, &e, base);
}

/* A x = b: db' = A'^-1 g, dA' = -db' x'; for A' x = b the cotangent of A is the transpose. */
static GradTensor *solve_factored_vjp(const OpCall *c, int i, GradTensor *g)
{
    bool vector = is_vector(call_in(c, 0), call_in(c, 1));
    GradTensor *back = solve_again(c, as_columns(g, vector), true), *x = as_columns(c->out, vector);
    if (i == 1)
        return from_columns(back, vector);
    return gt_neg(c->args[4].integer ? t_matmul(x, t_swap(back)) : t_matmul(back, t_swap(x)));
}

/* dx = A^-1 (db - dA x) */
static GradTensor *solve_factored_jvp(const OpCall *c, GradTensor *const *tangents)
{
    GradTensor *da = tangents[0], *right = NULL;
    bool vector = is_vector(call_in(c, 0), call_in(c, 1));
    if (da != NULL)
        right = gt_neg(t_matmul(c->args[4].integer ? t_swap(da) : da, as_columns(c->out, vector)));
    if (tangents[1] != NULL) {
        GradTensor *db = as_columns(tangents[1], vector);
        right = right == NULL ? db : t_add(right, db);
    }
    return from_columns(solve_again(c, right, false), vector);
}

const Op op_solve_factored = {
    .usage = "solve(A, b, lu, pivots, transposed)",
    OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_TENSOR, ARG_TENSOR, ARG_FLAG), .dtypes = DTYPES_FLOAT,
    .doc = "solve with the factors of A, which serve for the derivatives as well; or with A' in place of A.",
    .forward = solve_factored_forward, .vjp = solve_factored_vjp, .jvp = solve_factored_jvp,
    .constant_args = 4 | 8, .batch = batch_equations,
};

static GradTensor *solve_compose(const OpCall *c)
{
    GradTensor *a = call_in(c, 0), *b = call_in(c, 1), *factors[2];
    matrix_check_square(c, a);
    op_call_many(&op_solve_lu, (Arg[OP_MAX_ARGS]){{.tensor = gt_cast(gt_detach(a), lapack_dtype(c))}}, 0,
                 factors);
    return solve_factored(a, b, factors[0], factors[1], false);
}

const Op op_solve = {
    .usage = "solve(A, b)",
    OP_ARGS(ARG_TENSOR, ARG_TENSOR),
    .section = "linear algebra",
    .dtypes = DTYPES_FLOAT,
    .doc = "The x for which A @ x is b, by LU factors (LAPACK getrf, getrs). A is [..., n, n]; b is a "
           "vector [n], a batch of vectors in the shape of A without its last axis, or matrices [..., n, k] "
           "with k right sides. Leading axes broadcast. A matrix with a nan or inf gives nan.",
    .errors = "domain when A is singular, shape when A is not square or b does not fit.",
    .derivative = "A^-1 (db - dA x)   (Giles 2008, 2.3.1)",
    .example = "solve([[2, 0], [0, 4]], [2, 2])  #=> [1, 0.5]",
    .related = "inv lstsq det",
    .compose = solve_compose,
    .check = "x[3, 3] y[3]: solve(x + 5 * eye(3), y)\n"
             "x[3, 3] y[3, 2]: solve(x + 5 * eye(3), y)\n"
             "x[2, 3, 3] y[3, 2]: solve(x + 5 * eye(3), y)\n"
             "x[2, 3, 3] y[2, 3]: solve(x + 5 * eye(3), y)\n"
             "x[3, 3] y[2, 3, 1]: solve((x + 5 * eye(3)).T, y)\n"
             "x[0, 0] y[0]: solve(x, y)",
};

/* ---- pinv ---- */

/* Singular values up to this times the largest count as 0. */
static double rank_limit(Dtype dtype, int64_t rows, int64_t columns)
{
    double epsilon = dtype == DTYPE_FLOAT32 ? 0x1p-23 : 0x1p-52;
    return epsilon * (double)(rows > columns ? rows : columns);
}

/* 1/s, but 0 for the singular values [..., k] that count as 0. */
static GradTensor *safe_inverse(GradTensor *s, double limit)
{
    int64_t k = tensor_shape(&s->t)[s->t.ndim - 1];
    GradTensor *out = gt_new(gt_dtype(s), s->t.ndim, tensor_shape(&s->t));
    size_t size = dtype_size(gt_dtype(s));
    const char *from = tensor_contiguous(&s->t, gt_dtype(s));
    char *to = tensor_allocate(&out->t);
    for (int64_t i = 0; i < s->t.size; i++) {
        double value = dtype_read(gt_dtype(s), from + (size_t)i * size);
        double largest = dtype_read(gt_dtype(s), from + (size_t)(i - i % k) * size);
        dtype_write(gt_dtype(s), to + (size_t)i * size, value > limit * largest ? 1 / value : 0);
    }
    return out;
}

static GradTensor *pinv_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *usv[3];
    matrix_check(c, x);
    Dtype dtype = lapack_dtype(c);
    op_call_many(&op_svd, (Arg[OP_MAX_ARGS]){{.tensor = gt_cast(gt_detach(x), dtype)}}, 0, usv);
    GradTensor *s = safe_inverse(usv[1], rank_limit(dtype, matrix_rows(x), matrix_columns(x)));
    return call_share(c, dtype, t_matmul(t_mul(t_swap(usv[2]), matrix_unsqueeze(s, 1)), t_swap(usv[0])));
}

/* Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose
 * variables separate" (1973), for a rank that does not change:
 * dP = -P dA P + P P' dA' (1 - A P) + (1 - P A) dA' P' P */
static GradTensor *pinv_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *a = call_in(c, i), *p = c->out;
    GradTensor *turned = t_swap(p), *back = t_swap(g);
    GradTensor *direct = t_matmul(t_matmul(turned, g), turned);
    GradTensor *left = t_matmul(t_matmul(back, p), turned);               /* g' P P' [m, n] */
    left = t_sub(left, t_matmul(a, t_matmul(p, left)));
    GradTensor *right = t_matmul(turned, t_matmul(p, back));              /* P' P g' [m, n] */
    right = t_sub(right, t_matmul(t_matmul(right, p), a));
    return t_sub(t_add(left, right), direct);
}

const Op op_pinv = {
    .usage = "pinv(x)", OP_ARGS(ARG_TENSOR), .section = "linear algebra", .dtypes = DTYPES_FLOAT,
    .doc = "Pseudo-inverse (Moore, Penrose) of a matrix [..., m, n], of shape [..., n, m], by its singular "
           "values; those up to max(m, n) eps times the largest count as 0.",
    .errors = "domain when x has elements that are not finite, shape when x is not a matrix.",
    .derivative = "-P dx P + P P' dx' (1 - x P) + (1 - P x) dx' P' P, P = pinv(x)   (Golub and Pereyra 1973)",
    .example = "pinv([[2], [0]])  #=> [[0.5, 0]]",
    .related = "inv lstsq svd",
    .forward = pinv_forward, .vjp = pinv_vjp, .batch = batch_leading,
    .check = "x[3, 3]: pinv(x + 5 * eye(3))\n"
             "x[4, 2]: pinv(x + eye(4)[:, :2])\n"
             "x[2, 4]: pinv(x + eye(2, 4))\n"
             "x[3, 3, 2]: pinv(x)\n"
             "x[3] y[2]: pinv(outer(x, y))\n"
             "x[0, 2]: pinv(x)",
    .sample = {{0.2, 1}, {0.2, 1}},
};

/* ---- lstsq ---- */

/* Puts the columns of b [m, columns] into those of x [longer, columns], and back out of the first rows. */
static void copy_rows(size_t size, int rows, int columns, const char *from, int from_stride, char *to,
                      int to_stride)
{
    for (int j = 0; j < columns; j++)
        memcpy(to + (size_t)j * (size_t)to_stride * size, from + (size_t)j * (size_t)from_stride * size,
               (size_t)rows * size);
}

static void solve_one(const OpCall *c, const Equations *e, const char *a, const char *b, char *x)
{
    size_t size = dtype_size(e->dtype), bytes = (size_t)e->m * (size_t)e->n * size;
    int longer = e->m > e->n ? e->m : e->n;
    if (e->m == 0) {
        memset(x, 0, (size_t)e->n * (size_t)e->columns * size);
        return;
    }
    char *work = scratch((size_t)longer * (size_t)e->columns * size);
    copy_rows(size, e->m, e->columns, b, e->m, work, longer);
    if (!lapack_finite(e->dtype, (int64_t)e->m * e->n, a) ||
        !lapack_finite(e->dtype, (int64_t)e->m * e->columns, b))
        call_error(c, ERROR_DOMAIN, "an element is nan or inf");
    void *left = memcpy(scratch(bytes), a, bytes);
    if (lapack_gelsd(e->dtype, e->m, e->n, e->columns, rank_limit(e->dtype, e->m, e->n), left, work) != 0)
        call_error(c, ERROR_DOMAIN, "the singular values did not converge");
    copy_rows(size, e->n, e->columns, work, longer, x, e->n);
}

static GradTensor *lstsq_forward(const OpCall *c)
{
    Equations e = equations(c);
    size_t size = dtype_size(e.dtype);
    void *data;
    const char *left = lapack_copy(e.a, e.dtype), *right = lapack_copy(e.b, e.dtype);
    GradTensor *base = lapack_base(e.dtype, e.ndim, e.shape, &data);
    for (int64_t i = 0; i < e.count && base->t.size > 0; i++) {
        PoolMark mark = pool_mark();
        interrupt_poll();
        solve_one(c, &e, left + left_of(&e, i) * e.m * e.n * (int64_t)size,
                  right + i * e.m * e.columns * (int64_t)size,
                  (char *)data + i * e.n * e.columns * (int64_t)size);
        pool_drain(mark);
    }
    return solution(c, &e, base);
}

/* x = P b with P the pseudo-inverse of A, and dP as above: with the residual r = b - A x and h = P' g,
 * dA' = -h x' + r (P h)' + (P' x) (g - A' h)' */
static GradTensor *lstsq_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *a = call_in(c, 0), *b = call_in(c, 1);
    bool vector = is_vector(a, b);
    GradTensor *p = op_call1(&op_pinv, a), *turned = t_swap(p);
    g = as_columns(g, vector);
    GradTensor *h = t_matmul(turned, g);
    if (i == 1)
        return from_columns(h, vector);
    GradTensor *x = as_columns(c->out, vector), *r = t_sub(as_columns(b, vector), t_matmul(a, x));
    GradTensor *out = t_sub(t_matmul(r, t_swap(t_matmul(p, h))), t_matmul(h, t_swap(x)));
    GradTensor *rest = t_sub(g, t_matmul(t_swap(a), h));
    return t_add(out, t_matmul(t_matmul(turned, x), t_swap(rest)));
}

const Op op_lstsq = {
    .usage = "lstsq(A, b)",
    OP_ARGS(ARG_TENSOR, ARG_TENSOR),
    .section = "linear algebra",
    .dtypes = DTYPES_FLOAT,
    .doc = "The least squares solution: the x for which the norm of A @ x - b is smallest, and of several the "
           "one whose own norm is smallest (LAPACK gelsd). A is [..., m, n]; b is a vector [m], a batch of "
           "vectors, or matrices [..., m, k], as for solve. The derivative is that of pinv(A) @ b and supposes "
           "that the rank of A does not change.",
    .errors = "shape when b does not fit A, domain when an element is not finite.",
    .derivative = "dP b + P db, P = pinv(A)   (Golub and Pereyra 1973)",
    .example = "lstsq([[1, 0], [1, 1], [1, 2]], [1, 3, 5])  #=> [1, 2]",
    .related = "solve pinv qr",
    .forward = lstsq_forward,
    .vjp = lstsq_vjp,
    .batch = batch_equations,
    .sample = {{0.2, 1}, {-2, 2}},
    .check = "x[4, 2] y[4]: lstsq(x + eye(4)[:, :2], y)\n"
             "x[4, 2] y[4, 3]: lstsq(x + eye(4)[:, :2], y)\n"
             "x[2, 4] y[2]: lstsq(x + eye(2, 4), y)\n"
             "x[2, 3, 2] y[2, 3]: lstsq(x, y)\n"
             "x[3, 3] y[3, 2]: lstsq((x + 5 * eye(3)).T, y)",
};

/* ---- matrix_rank ---- */

static GradTensor *matrix_rank_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    matrix_check(c, x);
    lapack_check_size(c, x);
    Dtype dtype = lapack_dtype(c);
    int m = (int)matrix_rows(x), n = (int)matrix_columns(x), k = m < n ? m : n;
    size_t size = dtype_size(dtype), bytes = (size_t)m * (size_t)n * size;
    char *data = lapack_copy(x, dtype), *s = scratch(((size_t)k + 1) * size);
    GradTensor *out = call_out(c, DTYPE_INT64, x->t.ndim - 2, tensor_shape(&x->t));
    int64_t *rank = tensor_allocate(&out->t);
    for (int64_t i = 0; i < out->t.size; i++, data += bytes) {
        PoolMark mark = pool_mark();
        rank[i] = 0;
        interrupt_poll();
        if (!lapack_finite(dtype, (int64_t)m * n, data))
            call_error(c, ERROR_DOMAIN, "an element is nan or inf");
        if (k > 0 && lapack_gesdd(dtype, m, n, data, s, NULL, NULL) != 0)
            call_error(c, ERROR_DOMAIN, "the singular values did not converge");
        double limit = k > 0 ? rank_limit(dtype, m, n) * dtype_read(dtype, s) : 0;
        for (int j = 0; j < k; j++)
            rank[i] += dtype_read(dtype, s + (size_t)j * size) > limit;
        pool_drain(mark);
    }
    return out;
}

const Op op_matrix_rank = {
    .usage = "matrix_rank(x)", OP_ARGS(ARG_TENSOR), .section = "linear algebra", .dtypes = DTYPES_FLOAT,
    .doc = "Rank of each matrix [..., m, n]: the number of singular values larger than max(m, n) eps times "
           "the largest.",
    .errors = "domain when an element is not finite, shape when x is not a matrix.",
    .example = "matrix_rank([[1, 2], [2, 4]])  #=> 1",
    .related = "svd det",
    .forward = matrix_rank_forward, .batch = batch_leading,
    .constant = "integer result",
};
