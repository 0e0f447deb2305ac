/* Products of vectors and matrices. */
#include "grad/batch.h"
#include "ops/index.h"
#include "ops/rules.h"
#include "tensor/product.h"

#include <stdio.h>
#include <string.h>

static int64_t extent(const GradTensor *x, int from_end)
{
    return tensor_shape(&x->t)[x->t.ndim - from_end];
}

/* ---- matmul ---- */

/* [left] and [right] are matrices, where a vector stands for one row on the left and for one column on the
 * right; then `shape` is that of their product, and `out_shape` the same without the axes that vectors have
 * not. */
typedef struct ProductShape {
    int left_ndim, right_ndim, ndim, out_ndim;
    int64_t left[TENSOR_MAX_NDIM], right[TENSOR_MAX_NDIM], shape[TENSOR_MAX_NDIM], out_shape[TENSOR_MAX_NDIM];
} ProductShape;

static _Noreturn void throw_inner(const OpCall *c, const GradTensor *a, const GradTensor *b)
{
    int64_t k = extent(a, 1), l = b->t.ndim == 1 ? extent(b, 1) : extent(b, 2);
    const char *left = gt_shape_text(a), *right = gt_shape_text(b);
    char hint[160];
    if (b->t.ndim >= 2 && extent(b, 1) == k)
        snprintf(hint, sizeof hint, "the transpose of the right one would fit: a @ b'");
    else if (a->t.ndim >= 2 && extent(a, 2) == l)
        snprintf(hint, sizeof hint, "the transpose of the left one would fit: a' @ b");
    else
        snprintf(
            hint, sizeof hint,
            "the last axis of the left one (%lld) must be as long as the %s axis of the right one (%lld)",
            (long long)k, b->t.ndim == 1 ? "only" : "last but one", (long long)l);
    error_note("left is %s, right is %s", left, right);
    call_error_hint(c, ERROR_SHAPE, hint, "%s @ %s: inner extents differ", left, right);
}

static ProductShape product_shape(const OpCall *c, const GradTensor *a, const GradTensor *b)
{
    ProductShape p = {.left_ndim = a->t.ndim, .right_ndim = b->t.ndim};
    if (a->t.ndim == 0 || b->t.ndim == 0)
        call_error_hint(c, ERROR_SHAPE, "use * to multiply by a number",
                        "%s @ %s: a matrix product needs at least one axis on both sides", gt_shape_text(a),
                        gt_shape_text(b));
    if (extent(a, 1) != (b->t.ndim == 1 ? extent(b, 1) : extent(b, 2)))
        throw_inner(c, a, b);
    p.left[0] = 1;
    p.left_ndim += a->t.ndim == 1;
    memcpy(p.left + (a->t.ndim == 1), tensor_shape(&a->t), (size_t)a->t.ndim * sizeof *p.left);
    memcpy(p.right, tensor_shape(&b->t), (size_t)b->t.ndim * sizeof *p.right);
    if (b->t.ndim == 1)
        p.right[p.right_ndim++] = 1;
    int batch = shape_broadcast(p.left_ndim - 2, p.left, p.right_ndim - 2, p.right, p.shape);
    if (batch < 0)
        call_error(c, ERROR_SHAPE, "%s @ %s: the leading axes do not broadcast", gt_shape_text(a), gt_shape_text(b));
    memcpy(p.out_shape, p.shape, (size_t)batch * sizeof *p.shape);
    p.ndim = p.out_ndim = batch;
    p.shape[p.ndim++] = p.left[p.left_ndim - 2];
    p.shape[p.ndim++] = p.right[p.right_ndim - 1];
    if (a->t.ndim > 1)
        p.out_shape[p.out_ndim++] = p.shape[p.ndim - 2];
    if (b->t.ndim > 1)
        p.out_shape[p.out_ndim++] = p.shape[p.ndim - 1];
    return p;
}

/* The data of x in another shape, outside of any record. */
static const Tensor *reshaped(GradTensor *x, int ndim, const int64_t *shape)
{
    if (x->t.ndim == ndim)
        return &x->t;
    GradTensor *y = gt_new(gt_dtype(x), ndim, shape);
    tensor_reshape(&y->t, &x->t);
    return &y->t;
}

static GradTensor *matmul_forward(const OpCall *c)
{
    GradTensor *a = call_in(c, 0), *b = call_in(c, 1);
    ProductShape p = product_shape(c, a, b);
    Dtype dtype = call_dtype(c);
    const Tensor *left = reshaped(a, p.left_ndim, p.left), *right = reshaped(b, p.right_ndim, p.right);
    GradTensor *out = call_out(c, dtype, p.out_ndim, p.out_shape);
    if (out->t.ndim == p.ndim) {
        tensor_matmul(&out->t, left, right);
        return out;
    }
    GradTensor *full = gt_new(dtype, p.ndim, p.shape);
    tensor_matmul(&full->t, left, right);
    tensor_reshape(&out->t, &full->t);
    return out;
}

/* x as a matrix of its last axis, [rows, columns]: a batch of matrices stacked. */
static GradTensor *stacked(GradTensor *x)
{
    int64_t columns = extent(x, 1), rows = 1;
    for (int i = 0; i < x->t.ndim - 1; i++)
        rows *= tensor_shape(&x->t)[i];
    return t_reshape(x, 2, (int64_t[]){rows, columns});
}

/* For y = a b: the cotangent of a is g b', that of b is a' g (Giles 2008, 2.2.2). A right matrix that a whole
 * batch shares collects from all of it in one product. */
static GradTensor *matmul_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *a = call_in(c, 0), *b = call_in(c, 1), *x = i == 0 ? a : b;
    ProductShape p = product_shape(c, a, b);
    GradTensor *left = t_reshape(a, p.left_ndim, p.left), *right = t_reshape(b, p.right_ndim, p.right), *back;
    g = t_reshape(g, p.ndim, p.shape);
    if (i == 0)
        back = t_matmul(g, t_swap(right));
    else if (p.right_ndim == 2 && p.left_ndim > 2)
        back = t_matmul(t_swap(stacked(left)), stacked(g));
    else
        back = t_matmul(t_swap(left), g);
    if (x->t.ndim > 1)
        return back;
    back = gt_sum_to(back, 2, i == 0 ? p.left : p.right);
    return t_reshape(back, 1, tensor_shape(&x->t));
}

/* x with leading axes of extent 1, up to ndim axes. */
static GradTensor *with_axes(GradTensor *x, int own, const int64_t *shape, int ndim)
{
    int64_t full[TENSOR_MAX_NDIM];
    for (int i = 0; i < ndim; i++)
        full[i] = i < ndim - own ? 1 : shape[i - (ndim - own)];
    return t_reshape(x, ndim, full);
}

/* For vmap. A matrix that all slices share meets the whole batch in one product; otherwise both sides are
 * made matrices with as many axes, and multiplied slice by slice. */
static GradTensor *matmul_batch(const OpCall *c, uint32_t levels)
{
    GradTensor *a = call_in(c, 0), *b = call_in(c, 1);
    ProductShape p = product_shape(c, a, b);
    if (gt_batch(b) == 0 && b->t.ndim <= 2)
        return t_matmul(batch_of(a), b);
    if (gt_batch(a) == 0 && a->t.ndim <= 2 && b->t.ndim == 1)
        return t_matmul(batch_of(b), a->t.ndim == 1 ? a : t_swap(a));
    a = with_axes(a, p.left_ndim, p.left, p.ndim);
    b = with_axes(b, p.right_ndim, p.right, p.ndim);
    GradTensor *out = batch_slice(t_matmul(batch_over(a, levels), batch_over(b, levels)), levels);
    return batch_over(t_reshape(out, p.out_ndim, p.out_shape), levels);
}

const Op op_matmul = {
    .usage = "matmul(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "linear algebra", .infix = "@",
    .doc = "Matrix product of a [..., m, k] and b [..., k, n], of shape [..., m, n]. Leading axes "
           "broadcast: they number the matrices of a batch. A vector on the left is one row and on the "
           "right one column, and that axis is missing from the result. Integers stay integers and wrap; "
           "floats are multiplied by BLAS.",
    .errors = "shape when the last axis of a is not as long as the last but one of b, when leading axes do "
              "not broadcast, or when an operand is a number.",
    .derivative = "da b + a db",
    .example = "matmul([[1, 2], [3, 4]], [5, 6])  #=> [17, 39]",
    .related = "dot einsum transpose",
    .forward = matmul_forward, .vjp = matmul_vjp, .linear = LINEAR_EACH, .batch = matmul_batch,
    .check = "x[2, 3] w[3, 4]: matmul(x, w)\n"
             "x[2, 3] w[3]: matmul(x, w)\n"
             "x[3] w[3]: matmul(x, w)\n"
             "x[3] w[3, 2]: matmul(x, w)\n"
             "x[3] w[2, 3, 2]: matmul(x, w)\n"
             "x[4, 2, 3] w[3]: matmul(x, w)\n"
             "x[4, 2, 3] w[3, 2]: matmul(x, w)\n"
             "x[2, 3] w[4, 3, 2]: matmul(x, w)\n"
             "x[5, 1, 2, 3] w[4, 3, 2]: matmul(x, w)\n"
             "x[3, 2] w[4, 3]: matmul(x.T, w.T)\n"
             "x[3, 6] w[6, 4]: matmul(x[::-1, ::2], w[::-2, 1:3])\n"
             "x[2, 0] w[0, 3]: matmul(x, w)\n"
             "x[0, 2] w[2, 3]: matmul(x, w)",
};

/* ---- dot, inner, outer ---- */

/* NumPy's tensor product over one axis: the last of a, the last but one of b. */
static GradTensor *contract(const OpCall *c, GradTensor *a, GradTensor *b)
{
    int64_t shape[2 * TENSOR_MAX_NDIM];
    int order[TENSOR_MAX_NDIM], n = b->t.ndim, count = 0;
    if (extent(a, 1) != extent(b, 2))
        throw_inner(c, a, b);
    if (a->t.ndim + n - 2 > TENSOR_MAX_NDIM)
        call_error(c, ERROR_SHAPE, "the result would have more than %d axes", TENSOR_MAX_NDIM);
    memcpy(shape, tensor_shape(&a->t), (size_t)(a->t.ndim - 1) * sizeof *shape);
    order[0] = n - 2;
    for (int i = 0; i < n; i++) {
        if (i == n - 2)
            continue;
        order[++count] = i;
        shape[a->t.ndim - 2 + count] = tensor_shape(&b->t)[i];
    }
    int64_t inner = extent(b, 2), rest = 1;
    for (int i = 0; i < n; i++)
        rest *= i == n - 2 ? 1 : tensor_shape(&b->t)[i];
    GradTensor *right = t_reshape(t_permute(b, order), 2, (int64_t[]){inner, rest});
    return t_reshape(t_matmul(stacked(a), right), a->t.ndim + n - 2, shape);
}

static GradTensor *dot_compose(const OpCall *c)
{
    GradTensor *a = call_in(c, 0), *b = call_in(c, 1);
    if (a->t.ndim == 0 || b->t.ndim == 0)
        return t_mul(a, b);
    if (b->t.ndim > 2)
        return contract(c, a, b);
    if (extent(a, 1) != (b->t.ndim == 1 ? extent(b, 1) : extent(b, 2)))
        throw_inner(c, a, b);
    return t_matmul(a, b);
}

const Op op_dot = {
    .usage = "dot(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "linear algebra",
    .doc = "Dot product of two vectors. For matrices it is the matrix product, a number multiplies, and in "
           "general it sums over the last axis of a and the last but one of b, as NumPy's dot does.",
    .errors = "shape when the axes to sum over differ in length.",
    .derivative = "da . b + a . db",
    .example = "dot([1, 2, 3], [4, 5, 6])  #=> 32",
    .related = "matmul inner einsum",
    .compose = dot_compose,
    .check = "x[3] y[3]: dot(x, y)\n"
             "x[2, 3] y[3, 2]: dot(x, y)\n"
             "x[2, 3] y[3]: dot(x, y)\n"
             "x[] y[2, 3]: dot(x, y)\n"
             "x[2, 3] y[2, 3, 2]: dot(x, y)",
};

static GradTensor *inner_compose(const OpCall *c)
{
    GradTensor *a = call_in(c, 0), *b = call_in(c, 1);
    if (a->t.ndim == 0 || b->t.ndim == 0)
        return t_mul(a, b);
    if (extent(a, 1) != extent(b, 1))
        call_error(c, ERROR_SHAPE, "the last axes of %s and %s differ", gt_shape_text(a), gt_shape_text(b));
    int64_t shape[2 * TENSOR_MAX_NDIM];
    int na = a->t.ndim - 1, nb = b->t.ndim - 1;
    if (na + nb > TENSOR_MAX_NDIM)
        call_error(c, ERROR_SHAPE, "the result would have more than %d axes", TENSOR_MAX_NDIM);
    memcpy(shape, tensor_shape(&a->t), (size_t)na * sizeof *shape);
    memcpy(shape + na, tensor_shape(&b->t), (size_t)nb * sizeof *shape);
    return t_reshape(t_matmul(stacked(a), t_swap(stacked(b))), na + nb, shape);
}

const Op op_inner = {
    .usage = "inner(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "linear algebra",
    .doc = "Sums of products over the last axes: the result has the other axes of a, then those of b. A "
           "number multiplies.",
    .errors = "shape when the last axes differ in length.",
    .derivative = "inner(da, b) + inner(a, db)",
    .example = "inner([[1, 2], [3, 4]], [1, 10])  #=> [21, 43]",
    .related = "dot outer matmul",
    .compose = inner_compose,
    .check = "x[3] y[3]: inner(x, y)\n"
             "x[2, 3] y[4, 3]: inner(x, y)\n"
             "x[2, 2, 3] y[3]: inner(x, y)\n"
             "x[] y[2]: inner(x, y)",
};

static GradTensor *outer_compose(const OpCall *c)
{
    GradTensor *a = call_in(c, 0), *b = call_in(c, 1);
    int64_t shape[2] = {a->t.size, b->t.size};
    if (gt_weak(a) || gt_weak(b))     /* a number, which has no say in the dtype */
        return t_reshape(t_mul(a, b), 2, shape);
    return t_mul(t_reshape(a, 2, (int64_t[]){shape[0], 1}), t_reshape(b, 2, (int64_t[]){1, shape[1]}));
}

const Op op_outer = {
    .usage = "outer(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "linear algebra",
    .doc = "Every element of a times every element of b, as a matrix; both are flattened first.",
    .derivative = "outer(da, b) + outer(a, db)",
    .example = "outer([1, 2], [3, 4])  #=> [[3, 4], [6, 8]]",
    .related = "inner kron einsum",
    .compose = outer_compose,
    .check = "x[3] y[2]: outer(x, y)\n"
             "x[2, 2] y[3]: outer(x, y)\n"
             "x[] y[2]: outer(x, y)\n"
             "x[0] y[2]: outer(x, y)",
};

/* ---- kron, cross ---- */

/* Axis i of a and b become axes 2i and 2i + 1 of a broadcast product, which are then joined. */
static GradTensor *kron_compose(const OpCall *c)
{
    GradTensor *a = call_in(c, 0), *b = call_in(c, 1);
    int64_t left[TENSOR_MAX_NDIM], right[TENSOR_MAX_NDIM], joint[TENSOR_MAX_NDIM];
    int ndim = a->t.ndim > b->t.ndim ? a->t.ndim : b->t.ndim;
    if (a->t.ndim == 0 || b->t.ndim == 0)
        return t_mul(a, b);
    if (2 * ndim > TENSOR_MAX_NDIM)
        call_error(c, ERROR_SHAPE, "operands may have at most %d axes", TENSOR_MAX_NDIM / 2);
    for (int i = 0; i < ndim; i++) {
        int from_end = ndim - i;
        int64_t x = from_end <= a->t.ndim ? extent(a, from_end) : 1,
                y = from_end <= b->t.ndim ? extent(b, from_end) : 1;
        left[2 * i] = x;
        right[2 * i + 1] = y;
        left[2 * i + 1] = right[2 * i] = 1;
        if (__builtin_mul_overflow(x, y, &joint[i]))
            call_error(c, ERROR_MEMORY, "the product of %s and %s is too large", gt_shape_text(a), gt_shape_text(b));
    }
    return t_reshape(t_mul(t_reshape(a, 2 * ndim, left), t_reshape(b, 2 * ndim, right)), ndim, joint);
}

const Op op_kron = {
    .usage = "kron(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "linear algebra",
    .doc = "Kronecker product: each element of a times all of b, laid out in blocks. Axis i has the product "
           "of the extents of axis i of a and b; the one with fewer axes gets leading ones.",
    .errors = "shape when an operand has more than 16 axes.",
    .derivative = "kron(da, b) + kron(a, db)",
    .example = "kron([[1, 2]], [[1], [10]])  #=> [[1, 2], [10, 20]]",
    .related = "outer",
    .compose = kron_compose,
    .check = "x[2, 2] y[3, 2]: kron(x, y)\n"
             "x[2] y[3]: kron(x, y)\n"
             "x[2] y[2, 3]: kron(x, y)\n"
             "x[] y[2]: kron(x, y)",
};

/* x with the elements of its last axis, three, moved `by` places to the front. */
static GradTensor *rotated(GradTensor *x, int by)
{
    GradTensor *order = gt_integers(3, (int64_t[]){by % 3, (by + 1) % 3, (by + 2) % 3});
    return t_gather(x, order, x->t.ndim - 1);
}

static GradTensor *cross_compose(const OpCall *c)
{
    GradTensor *a = call_in(c, 0), *b = call_in(c, 1);
    if (a->t.ndim == 0 || b->t.ndim == 0 || extent(a, 1) != 3 || extent(b, 1) != 3)
        call_error(c, ERROR_SHAPE, "%s and %s: the last axes must have 3 elements", gt_shape_text(a), gt_shape_text(b));
    return t_sub(t_mul(rotated(a, 1), rotated(b, 2)), t_mul(rotated(a, 2), rotated(b, 1)));
}

const Op op_cross = {
    .usage = "cross(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "linear algebra",
    .doc = "Vector product of 3-vectors, which lie along the last axis. Leading axes broadcast.",
    .errors = "shape when a last axis does not have 3 elements.",
    .derivative = "cross(da, b) + cross(a, db)",
    .example = "cross([1, 0, 0], [0, 1, 0])  #=> [0, 0, 1]",
    .related = "dot",
    .compose = cross_compose,
    .check = "x[3] y[3]: cross(x, y)\n"
             "x[2, 3] y[3]: cross(x, y)\n"
             "x[3, 2] y[4, 1, 3]: cross(x.T, y)",
};
