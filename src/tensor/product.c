/* Matrix products. BLAS wants matrices with unit stride along one of their axes and calls that axis the
 * row or, through its transpose flag, the column; other views are copied first. Of a batch that shares
 * its right matrix, the left matrices are stacked into one when their rows are evenly spaced. Large
 * products are cut into pieces of the result, and threads share the pieces: see
 * parallel.h for why BLAS does not do that. */
#include "tensor/product.h"

#include "base/runtime.h"
#include "tensor/layout.h"
#include "tensor/parallel.h"

#include <cblas.h>
#include <limits.h>
#include <string.h>

enum {
    PLAIN_MAX = 512,                  /* multiplications up to which plain loops are faster than BLAS, */
    PLAIN_VECTOR_MAX = 48,            /* and those with a vector */
    PIECE_MIN = 1 << 17,              /* multiplications that are worth a task of their own */
    PIECE_SIDE = 1024,                /* of a piece: shorter ones do not pay for BLAS's copies of their operands, */
    HALF_SIDE = 256,                  /* but two halves may be shorter, so that two threads have work */
    PIECES_MAX = 8                    /* of a product */
};

/* Strides are in elements. */
typedef struct Matrix {
    const char *data;
    int64_t row, column;
} Matrix;

/* a [m, k] x b [k, n] to out, whose rows are `step` apart. */
typedef struct Part {
    int64_t m, n;
    Matrix a, b;
    char *out;
} Part;

typedef struct Operand {
    Matrix matrix;                    /* the first of the batch */
    int64_t batch[TENSOR_MAX_NDIM];   /* strides along the batch axes of the result, 0 where broadcast */
} Operand;

typedef struct Product {
    Dtype dtype;
    size_t size;                      /* of an element */
    int64_t m, k, n;                  /* [m, k] x [k, n] */
    int ndim;                         /* batch axes of the result */
    int64_t dims[TENSOR_MAX_NDIM], count;
    int64_t pieces, rows, columns;    /* of each product: the number of pieces, and their extents */
    Operand a, b;
    char *out;
} Product;

/* ---- one product ---- */

typedef void PlainProduct(const Product *p, const Part *part);

/* out is [m, n] with rows p->n apart. */
#define PLAIN_PRODUCT(name, T) \
    static void name(const Product *p, const Part *part) \
    { \
        for (int64_t i = 0; i < part->m; i++) { \
            T *to = (T *)(void *)part->out + i * p->n; \
            const T *left = (const T *)(const void *)part->a.data + i * part->a.row; \
            const T *right = (const T *)(const void *)part->b.data; \
            for (int64_t j = 0; j < part->n; j++) \
                to[j] = 0; \
            for (int64_t l = 0; l < p->k; l++, left += part->a.column, right += part->b.row) { \
                for (int64_t j = 0; j < part->n; j++) \
                    to[j] = (T)(to[j] + *left * right[j * part->b.column]); \
            } \
        } \
    }

PLAIN_PRODUCT(plain_uint8, uint8_t)
PLAIN_PRODUCT(plain_uint32, uint32_t)
PLAIN_PRODUCT(plain_uint64, uint64_t)
PLAIN_PRODUCT(plain_float32, float)
PLAIN_PRODUCT(plain_float64, double)

static void plain_bool(const Product *p, const Part *part)
{
    for (int64_t i = 0; i < part->m; i++) {
        for (int64_t j = 0; j < part->n; j++) {
            const char *left = part->a.data + i * part->a.row, *right = part->b.data + j * part->b.column;
            char any = 0;
            for (int64_t l = 0; l < p->k; l++)
                any |= left[l * part->a.column] & right[l * part->b.row];
            part->out[i * p->n + j] = any;
        }
    }
}

/* How BLAS is to see a matrix of these extents: transposed or not, and the stride between its rows
 * (columns). */
static bool blas_view(const Matrix *x, int64_t rows, int64_t columns, CBLAS_TRANSPOSE *flag, int *stride)
{
    int64_t wide;
    if ((columns == 1 || x->column == 1) && (rows == 1 || x->row >= columns)) {
        *flag = CblasNoTrans;
        wide = rows == 1 ? columns : x->row;
    } else if ((rows == 1 || x->row == 1) && (columns == 1 || x->column >= rows)) {
        *flag = CblasTrans;
        wide = columns == 1 ? rows : x->column;
    } else {
        return false;
    }
    *stride = (int)wide;
    return wide <= INT_MAX;
}

/* y [rows] = matrix [rows, columns] x, y contiguous. y is cleared first, because 0 times what
 * uninitialised memory holds may be nan. */
static void matrix_vector(const Product *p, const Matrix *matrix, int64_t rows, int64_t columns,
                          const char *x, int64_t step, char *y)
{
    CBLAS_TRANSPOSE flag;
    int stride;
    bool fits = blas_view(matrix, rows, columns, &flag, &stride);
    assert(fits && step > 0 && step <= INT_MAX);
    (void)fits;
    int m = (int)(flag == CblasNoTrans ? rows : columns), n = (int)(flag == CblasNoTrans ? columns : rows);
    memset(y, 0, (size_t)rows * p->size);
    if (p->dtype == DTYPE_FLOAT32)
        cblas_sgemv(CblasRowMajor, flag, m, n, 1, (const float *)(const void *)matrix->data, stride,
                    (const float *)(const void *)x, (int)step, 0, (float *)(void *)y, 1);
    else
        cblas_dgemv(CblasRowMajor, flag, m, n, 1, (const double *)(const void *)matrix->data, stride,
                    (const double *)(const void *)x, (int)step, 0, (double *)(void *)y, 1);
}

static void matrix_matrix(const Product *p, const Part *part)
{
    CBLAS_TRANSPOSE fa, fb;
    int sa, sb, m = (int)part->m, k = (int)p->k, n = (int)part->n;
    bool fits = blas_view(&part->a, m, k, &fa, &sa) && blas_view(&part->b, k, n, &fb, &sb);
    assert(fits);
    (void)fits;
    if (p->dtype == DTYPE_FLOAT32)
        cblas_sgemm(CblasRowMajor, fa, fb, m, n, k, 1, (const float *)(const void *)part->a.data, sa,
                    (const float *)(const void *)part->b.data, sb, 0, (float *)(void *)part->out,
                    (int)p->n);
    else
        cblas_dgemm(CblasRowMajor, fa, fb, m, n, k, 1, (const double *)(const void *)part->a.data, sa,
                    (const double *)(const void *)part->b.data, sb, 0, (double *)(void *)part->out,
                    (int)p->n);
}

static bool uses_blas(const Product *p)
{
    double most = p->m == 1 || p->n == 1 ? PLAIN_VECTOR_MAX : PLAIN_MAX;
    return dtype_is_float(p->dtype) && (double)p->m * (double)p->k * (double)p->n > most;
}

static void compute_part(const Product *p, const Part *part)
{
    static PlainProduct *const plain[DTYPES] = {
        plain_bool, plain_uint8, plain_uint32, plain_uint64, plain_float32, plain_float64,
    };
    Matrix turned = {part->b.data, part->b.column, part->b.row};
    if (!uses_blas(p))
        plain[p->dtype](p, part);
    else if (p->n == 1)
        matrix_vector(p, &part->a, part->m, p->k, part->b.data, p->k == 1 ? 1 : part->b.row, part->out);
    else if (p->m == 1)
        matrix_vector(p, &turned, part->n, p->k, part->a.data, p->k == 1 ? 1 : part->a.column, part->out);
    else
        matrix_matrix(p, part);
}

/* ---- operands ---- */

/* Element strides of x along the axes of a result with `ndim` batch axes. */
static void set_operand(Operand *operand, const Tensor *x, const char *data, const int64_t *strides, int ndim)
{
    int own = x->ndim - 2;
    operand->matrix = (Matrix){data, strides[own], strides[own + 1]};
    for (int i = 0; i < ndim; i++) {
        int at = own - ndim + i;
        operand->batch[i] = at < 0 || x->dims[at] == 1 ? 0 : strides[at];
    }
}

/* x itself where its dtype and strides serve, else a contiguous copy. */
static void find_operand(const Product *p, Operand *operand, const Tensor *x, int64_t rows, int64_t columns)
{
    CBLAS_TRANSPOSE flag;
    int stride;
    int64_t strides[TENSOR_MAX_NDIM];
    if (x->dtype == p->dtype) {
        const char *data = tensor_data(x);
        set_operand(operand, x, data, tensor_strides(x), p->ndim);
        if (!uses_blas(p) || blas_view(&operand->matrix, rows, columns, &flag, &stride))
            return;
    }
    layout_row_major(x->ndim, x->dims, strides);
    set_operand(operand, x, tensor_contiguous(x, p->dtype), strides, p->ndim);
}

/* Stacks the batch into one product when b is the same for all and the rows of a are evenly spaced. */
static void fold_batch(Product *p)
{
    Product one = *p;
    CBLAS_TRANSPOSE flag;
    int stride;
    for (int i = p->ndim - 1; i >= 0; i--) {
        if (p->dims[i] == 1)
            continue;
        if (p->b.batch[i] != 0 || (one.m > 1 && p->a.batch[i] != one.m * one.a.matrix.row))
            return;
        if (one.m == 1)
            one.a.matrix.row = p->a.batch[i];
        one.m *= p->dims[i];
    }
    one.ndim = 0;
    one.count = 1;
    if (!uses_blas(&one) || (one.m <= INT_MAX && blas_view(&one.a.matrix, one.m, p->k, &flag, &stride) &&
                             blas_view(&p->b.matrix, p->k, p->n, &flag, &stride)))
        *p = one;
}

/* ---- sharing out ---- */

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* A task is one or more products, or a piece of one. How they are cut depends on shapes alone, because how BLAS
 * rounds depends on extents: results must not depend on the number of threads. */
static void cut(Product *p, int64_t work)
{
    bool vector = p->m == 1 || p->n == 1;
    int64_t most = p->count < PIECES_MAX ? smaller(PIECES_MAX, work / PIECE_MIN) : 1;
    p->rows = p->m;
    p->columns = p->n;
    for (p->pieces = 1; 2 * p->pieces <= most; p->pieces *= 2) {
        int64_t *longer = p->rows >= p->columns ? &p->rows : &p->columns;
        if (*longer < 2 * (vector ? 1 : p->pieces == 1 ? HALF_SIDE : PIECE_SIDE))
            break;
        *longer = (*longer + 1) / 2;
    }
    p->pieces = (p->m + p->rows - 1) / p->rows * ((p->n + p->columns - 1) / p->columns);
}

static void compute_piece(const Product *p, int64_t index, int64_t piece)
{
    int64_t size = (int64_t)p->size, across = (p->n + p->columns - 1) / p->columns;
    int64_t row = piece / across * p->rows, column = piece % across * p->columns;
    Part part = {p->m, p->n, p->a.matrix, p->b.matrix, p->out + index * p->m * p->n * size};
    for (int axis = p->ndim - 1; axis >= 0; axis--) {
        int64_t i = index % p->dims[axis];
        index /= p->dims[axis];
        part.a.data += i * p->a.batch[axis] * size;
        part.b.data += i * p->b.batch[axis] * size;
    }
    part.m = smaller(p->rows, p->m - row);
    part.n = smaller(p->columns, p->n - column);
    part.a.data += row * part.a.row * size;
    part.b.data += column * part.b.column * size;
    part.out += (row * p->n + column) * size;
    compute_part(p, &part);
}

typedef struct Sharing {
    const Product *product;
    int64_t batch;                    /* products, or pieces, of a task */
} Sharing;

static void product_task(const void *job, int64_t task, int thread)
{
    const Sharing *s = job;
    const Product *p = s->product;
    int64_t end = smaller((task + 1) * s->batch, p->count * p->pieces);
    (void)thread;
    for (int64_t i = task * s->batch; i < end; i++)
        compute_piece(p, i / p->pieces, i % p->pieces);
}

/* Multiplications, as far as an int64 can count them. */
static int64_t work_of(const Product *p, int64_t count)
{
    double work = (double)p->m * (double)p->k * (double)p->n * (double)count;
    return work < 0x1p60 ? (int64_t)work : (int64_t)1 << 60;
}

/* Four multiplications take about as long as an element of elementwise work. */
static void run(Product *p)
{
    int64_t work = work_of(p, 1), elements = work_of(p, p->count) / 4;
    cut(p, work);
    Sharing sharing = {p, p->pieces > 1 ? 1 : PIECE_MIN / (work + 64) + 1};
    int64_t tasks = (p->count * p->pieces + sharing.batch - 1) / sharing.batch;
    parallel_run(tasks, elements, product_task, &sharing);
}

void tensor_matmul(Tensor *out, const Tensor *a, const Tensor *b)
{
    assert(a->ndim >= 2 && b->ndim >= 2);
    PoolMark mark = pool_mark();
    Product p = {.dtype = (Dtype)out->dtype, .size = dtype_size((Dtype)out->dtype), .count = 1};
    p.ndim = out->ndim - 2;
    p.m = a->dims[a->ndim - 2];
    p.k = a->dims[a->ndim - 1];
    p.n = b->dims[b->ndim - 1];
    for (int i = 0; i < p.ndim; i++)
        p.count *= p.dims[i] = out->dims[i];
    if (dtype_is_float(p.dtype) && (p.m > INT_MAX || p.k > INT_MAX || p.n > INT_MAX))
        error_throw(ERROR_LIMIT, "a product of matrices [%lld, %lld] and [%lld, %lld] is too large for BLAS",
                    (long long)p.m, (long long)p.k, (long long)p.k, (long long)p.n);
    p.out = tensor_allocate(out);
    if (out->size == 0 || p.k == 0) {
        memset(p.out, 0, (size_t)out->size * p.size);
        return;
    }
    find_operand(&p, &p.a, a, p.m, p.k);
    find_operand(&p, &p.b, b, p.k, p.n);
    if (p.count > 1)
        fold_batch(&p);
    run(&p);
    pool_drain(mark);
}
