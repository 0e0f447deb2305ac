/* Parts of matrices: diagonals and triangles. */
#include "ops/matrix.h"

#include "grad/batch.h"
#include "ops/rules.h"
#include "tensor/index.h"

#include <string.h>

/* ---- checks and helpers ---- */

int64_t matrix_count(const GradTensor *x)
{
    return shape_size(x->t.ndim - 2, tensor_shape(&x->t));
}

void matrix_check(const OpCall *c, const GradTensor *x)
{
    if (x->t.ndim < 2)
        call_error(c, ERROR_SHAPE, "%s must be a matrix, but has shape %s", op_arg_name(c->op, 0),
                   gt_shape_text(x));
}

void matrix_check_square(const OpCall *c, const GradTensor *x)
{
    matrix_check(c, x);
    if (matrix_rows(x) != matrix_columns(x))
        call_error(c, ERROR_SHAPE, "%s must be a square matrix, but has shape %s", op_arg_name(c->op, 0),
                   gt_shape_text(x));
}

static GradTensor *with_integer(const Op *op, GradTensor *x, int64_t k)
{
    return op_call(op, (Arg[OP_MAX_ARGS]){{.tensor = x}, {.integer = k}}, 0);
}

GradTensor *matrix_diagonal(GradTensor *x)
{
    return with_integer(&op_diagonal, x, 0);
}

static GradTensor *embedded(GradTensor *x, int64_t k, int64_t rows, int64_t columns)
{
    IntList *shape = int_list_new(2, (int64_t[]){rows, columns});
    return op_call(&op_diag_embed, (Arg[OP_MAX_ARGS]){{.tensor = x}, {.integer = k}, {.ints = shape}}, 0);
}

GradTensor *matrix_of_diagonal(GradTensor *x)
{
    int64_t n = tensor_shape(&x->t)[x->t.ndim - 1];
    return embedded(x, 0, n, n);
}

GradTensor *matrix_lower(GradTensor *x, int64_t k)
{
    return with_integer(&op_tril, x, k);
}

GradTensor *matrix_identity(Dtype dtype, int64_t n)
{
    return matrix_of_diagonal(gt_filled(dtype, 1, &n, 1));
}

GradTensor *matrix_symmetric(GradTensor *x)
{
    return t_times(t_add(x, t_swap(x)), 0.5);
}

GradTensor *matrix_unsqueeze(GradTensor *x, int behind)
{
    int64_t shape[TENSOR_MAX_NDIM + 1];
    int before = x->t.ndim - behind;
    memcpy(shape, tensor_shape(&x->t), (size_t)before * sizeof *shape);
    shape[before] = 1;
    memcpy(shape + before + 1, tensor_shape(&x->t) + before, (size_t)behind * sizeof *shape);
    return t_reshape(x, x->t.ndim + 1, shape);
}

/* ---- diagonals ---- */

/* The number of elements of diagonal k, which starts in row `row` and column `column`. */
static int64_t diagonal_start(int64_t rows, int64_t columns, int64_t k, int64_t *row, int64_t *column)
{
    *row = k < 0 ? (k < -rows ? rows : -k) : 0;
    *column = k > 0 ? (k > columns ? columns : k) : 0;
    int64_t down = rows - *row, right = columns - *column;
    return down < right ? down : right;
}

static GradTensor *diagonal_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    matrix_check(c, x);
    int64_t shape[TENSOR_MAX_NDIM], strides[TENSOR_MAX_NDIM], row, column;
    int batch = x->t.ndim - 2;
    const int64_t *by = tensor_strides(&x->t);
    memcpy(shape, tensor_shape(&x->t), (size_t)batch * sizeof *shape);
    memcpy(strides, by, (size_t)batch * sizeof *strides);
    shape[batch] = diagonal_start(matrix_rows(x), matrix_columns(x), c->args[1].integer, &row, &column);
    strides[batch] = by[batch] + by[batch + 1];
    return call_view(c, x, batch + 1, shape, row * by[batch] + column * by[batch + 1], strides);
}

static GradTensor *diagonal_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i);
    return embedded(g, c->args[1].integer, matrix_rows(x), matrix_columns(x));
}

const Op op_diagonal = {
    .usage = "diagonal(x, k)", OP_ARGS(ARG_TENSOR, ARG_INTEGER),
    .doc = "Diagonal k of each matrix [..., m, n], as a view.",
    .forward = diagonal_forward, .vjp = diagonal_vjp, .linear = LINEAR_EACH, .batch = batch_leading,
};

static GradTensor *diag_embed_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    int64_t shape[TENSOR_MAX_NDIM], strides[TENSOR_MAX_NDIM], row, column;
    int64_t rows = c->args[2].ints->at[0], columns = c->args[2].ints->at[1];
    int batch = x->t.ndim - 1;
    if (batch + 2 > TENSOR_MAX_NDIM)
        call_error(c, ERROR_SHAPE, "the result would have more than %d axes", TENSOR_MAX_NDIM);
    memcpy(shape, tensor_shape(&x->t), (size_t)batch * sizeof *shape);
    shape[batch] = rows;
    shape[batch + 1] = columns;
    GradTensor *out = call_out(c, gt_dtype(x), batch + 2, shape);
    memset(tensor_allocate(&out->t), 0, (size_t)out->t.size * dtype_size(gt_dtype(x)));
    diagonal_start(rows, columns, c->args[1].integer, &row, &column);
    memcpy(strides, tensor_strides(&out->t), (size_t)batch * sizeof *strides);
    strides[batch] = columns + 1;
    tensor_put_region(&out->t, row * columns + column, strides, &x->t, false);
    return out;
}

static GradTensor *diag_embed_vjp(const OpCall *c, int i, GradTensor *g)
{
    (void)i;
    return with_integer(&op_diagonal, g, c->args[1].integer);
}

const Op op_diag_embed = {
    .usage = "diag_embed(x, k, shape)", OP_ARGS(ARG_TENSOR, ARG_INTEGER, ARG_SHAPE),
    .doc = "The transpose of diagonal: matrices of a shape with x [..., n] on diagonal k and zeros "
           "elsewhere.",
    .forward = diag_embed_forward, .vjp = diag_embed_vjp, .linear = LINEAR_EACH, .batch = batch_leading,
};

static GradTensor *diag_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    int64_t k = c->args[1].integer, n;
    if (x->t.ndim == 2)
        return with_integer(&op_diagonal, x, k);
    if (x->t.ndim != 1)
        call_error(c, ERROR_SHAPE, "x must be a vector or a matrix, but has shape %s", gt_shape_text(x));
    if (k > INT32_MAX || k < -INT32_MAX || __builtin_add_overflow(x->t.size, k < 0 ? -k : k, &n))
        call_error(c, ERROR_VALUE, "k is %lld, which is too large for x of shape %s", (long long)k,
                   gt_shape_text(x));
    return embedded(x, k, n, n);
}

const Op op_diag = {
    .usage = "diag(x, k=0)", OP_ARGS(ARG_TENSOR, ARG_INTEGER), .section = "linear algebra",
    .doc = "Of a matrix, the vector of its diagonal k (0 is the main one, positive ones are above it); of a "
           "vector, the square matrix that has it on diagonal k and zeros elsewhere.",
    .errors = "shape when x is neither a vector nor a matrix.",
    .derivative = "diag(dx, k)",
    .example = "diag([1, 2])  #=> [[1, 0], [0, 2]]",
    .related = "trace triu tril eye",
    .compose = diag_compose,
    .check = "x[3]: diag(x)\n"
             "x[2]: diag(x, 1)\n"
             "x[2]: diag(x, -2)\n"
             "x[3, 4]: diag(x)\n"
             "x[3, 4]: diag(x.T, -1)\n"
             "x[3, 4]: diag(x[::-1], 5)\n"
             "x[0]: diag(x)",
};

static GradTensor *trace_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    matrix_check(c, x);
    GradTensor *d = matrix_diagonal(x);
    return t_sum_axes(d, 1u << (d->t.ndim - 1), false);
}

const Op op_trace = {
    .usage = "trace(x)", OP_ARGS(ARG_TENSOR), .section = "linear algebra",
    .doc = "Sum of the main diagonal of a matrix; of a batch [..., m, n], one for each matrix. Sums of "
           "integers are int64.",
    .errors = "shape when x has fewer than two axes.",
    .derivative = "trace(dx)",
    .example = "trace([[1, 2], [3, 4]])  #=> 5",
    .related = "diag det",
    .compose = trace_compose,
    .check = "x[3, 3]: trace(x)\n"
             "x[2, 3]: trace(x)\n"
             "x[2, 3, 3]: trace(x)\n"
             "x[3, 4]: trace(x.T[::-1])\n"
             "x[0, 0]: trace(x)",
};

/* ---- triangles ---- */

/* Clears what is below diagonal k (upper) or above it. */
static GradTensor *triangle(const OpCall *c, bool upper)
{
    GradTensor *x = call_in(c, 0);
    matrix_check(c, x);
    int64_t k = c->args[1].integer, rows = matrix_rows(x), columns = matrix_columns(x);
    size_t size = dtype_size(gt_dtype(x));
    const char *data = tensor_contiguous(&x->t, gt_dtype(x));
    GradTensor *out = call_out(c, gt_dtype(x), x->t.ndim, tensor_shape(&x->t));
    char *to = tensor_allocate(&out->t);
    memset(to, 0, (size_t)out->t.size * size);
    for (int64_t row = 0; row < matrix_count(x) * rows && columns > 0; row++) {
        int64_t shift = k > columns ? columns : k < -rows ? -rows : k;
        int64_t at = row % rows + shift;               /* column of the diagonal */
        int64_t first = upper ? at : 0, end = upper ? columns : at + 1;
        first = first < 0 ? 0 : first > columns ? columns : first;
        end = end < first ? first : end > columns ? columns : end;
        size_t offset = (size_t)(row * columns + first) * size;
        memcpy(to + offset, data + offset, (size_t)(end - first) * size);
    }
    return out;
}

static GradTensor *triu_forward(const OpCall *c)
{
    return triangle(c, true);
}

static GradTensor *tril_forward(const OpCall *c)
{
    return triangle(c, false);
}

static GradTensor *triangle_vjp(const OpCall *c, int i, GradTensor *g)
{
    (void)i;
    return with_integer(c->op, g, c->args[1].integer);
}

const Op op_triu = {
    .usage = "triu(x, k=0)", OP_ARGS(ARG_TENSOR, ARG_INTEGER), .section = "linear algebra",
    .doc = "x [..., m, n] with zeros below diagonal k of each matrix.",
    .errors = "shape when x has fewer than two axes.",
    .derivative = "triu(dx, k)",
    .example = "triu([[1, 2], [3, 4]])  #=> [[1, 2], [0, 4]]",
    .related = "tril diag",
    .forward = triu_forward, .vjp = triangle_vjp, .linear = LINEAR_EACH, .batch = batch_leading,
    .check = "x[3, 4]: triu(x)\n"
             "x[3, 4]: triu(x.T, 1)\n"
             "x[2, 3, 3]: triu(x, -1)\n"
             "x[3, 3]: triu(x, 7)\n"
             "x[0, 3]: triu(x)",
};

const Op op_tril = {
    .usage = "tril(x, k=0)", OP_ARGS(ARG_TENSOR, ARG_INTEGER), .section = "linear algebra",
    .doc = "x [..., m, n] with zeros above diagonal k of each matrix.",
    .errors = "shape when x has fewer than two axes.",
    .derivative = "tril(dx, k)",
    .example = "tril([[1, 2], [3, 4]])  #=> [[1, 0], [3, 4]]",
    .related = "triu diag",
    .forward = tril_forward, .vjp = triangle_vjp, .linear = LINEAR_EACH, .batch = batch_leading,
    .check = "x[3, 4]: tril(x)\n"
             "x[3, 4]: tril(x.T, 1)\n"
             "x[2, 3, 3]: tril(x, -1)\n"
             "x[3, 3]: tril(x, -7)\n"
             "x[0, 3]: tril(x)",
};
