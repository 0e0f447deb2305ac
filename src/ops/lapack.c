/* The Fortran interface of LAPACK: every argument by address, lengths of texts behind all others. */
#include "ops/lapack.h"

#include "ops/matrix.h"
#include "ops/rules.h"
#include "tensor/parallel.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#define PROTOTYPES(T, p) \
    void p##getrf_(const int *m, const int *n, T *a, const int *lda, int *pivots, int *info); \
    void p##getrs_(const char *trans, const int *n, const int *nrhs, const T *a, const int *lda, \
                   const int *pivots, T *b, const int *ldb, int *info, size_t trans_length); \
    void p##potrf_(const char *uplo, const int *n, T *a, const int *lda, int *info, size_t uplo_length); \
    void p##geqrf_(const int *m, const int *n, T *a, const int *lda, T *tau, T *work, const int *lwork, \
                   int *info); \
    void p##orgqr_(const int *m, const int *n, const int *k, T *a, const int *lda, const T *tau, T *work, \
                   const int *lwork, int *info); \
    void p##gesdd_(const char *job, const int *m, const int *n, T *a, const int *lda, T *s, T *u, \
                   const int *ldu, T *vt, const int *ldvt, T *work, const int *lwork, int *iwork, int *info, \
                   size_t job_length); \
    void p##syevd_(const char *job, const char *uplo, const int *n, T *a, const int *lda, T *w, T *work, \
                   const int *lwork, int *iwork, const int *liwork, int *info, size_t job_length, \
                   size_t uplo_length); \
    void p##gelsd_(const int *m, const int *n, const int *nrhs, T *a, const int *lda, T *b, const int *ldb, \
                   T *s, const T *rcond, int *rank, T *work, const int *lwork, int *iwork, int *info);
PROTOTYPES(float, s)
PROTOTYPES(double, d)
#undef PROTOTYPES

/* ---- arguments and results ---- */

Dtype lapack_dtype(const OpCall *c)
{
    Dtype dtype = call_dtype(c);
    return dtype_is_float(dtype) ? dtype : grad_state()->default_dtype;
}

/* LAPACK's own sizes of work space, a few times an extent, must fit its 32-bit integers. */
void lapack_check_size(const OpCall *c, const GradTensor *x)
{
    if (matrix_rows(x) > INT_MAX / 4 || matrix_columns(x) > INT_MAX / 4)
        call_error(c, ERROR_LIMIT, "a matrix of shape %s is too large for LAPACK", gt_shape_text(x));
}

void *lapack_copy(GradTensor *x, Dtype dtype)
{
    size_t bytes = (size_t)x->t.size * dtype_size(dtype);
    const void *data = tensor_contiguous(&t_swap(gt_detach(x))->t, dtype);
    return bytes == 0 ? scratch(1) : memcpy(scratch(bytes), data, bytes);
}

GradTensor *lapack_base(Dtype dtype, int ndim, const int64_t *shape, void **data)
{
    int64_t swapped[TENSOR_MAX_NDIM];
    memcpy(swapped, shape, (size_t)ndim * sizeof *shape);
    swapped[ndim - 2] = shape[ndim - 1];
    swapped[ndim - 1] = shape[ndim - 2];
    GradTensor *base = gt_new(dtype, ndim, swapped);
    *data = tensor_allocate(&base->t);
    return base;
}

static void swap_last(const GradTensor *base, int64_t *shape, int64_t *strides)
{
    int n = base->t.ndim;
    for (int i = 0; i < n; i++) {
        int from = i < n - 2 ? i : 2 * n - 3 - i;
        shape[i] = tensor_shape(&base->t)[from];
        strides[i] = tensor_strides(&base->t)[from];
    }
}

GradTensor *lapack_out(const OpCall *c, GradTensor *base)
{
    int64_t shape[TENSOR_MAX_NDIM], strides[TENSOR_MAX_NDIM];
    swap_last(base, shape, strides);
    return call_view(c, base, base->t.ndim, shape, 0, strides);
}

GradTensor *lapack_plain_out(GradTensor *base)
{
    int64_t shape[TENSOR_MAX_NDIM], strides[TENSOR_MAX_NDIM];
    swap_last(base, shape, strides);
    GradTensor *out = gt_new(gt_dtype(base), base->t.ndim, shape);
    tensor_view(&out->t, &base->t, 0, strides);
    return out;
}

bool lapack_finite(Dtype dtype, int64_t n, const void *data)
{
    const float *f = data;
    const double *d = data;
    double sum = 0;                   /* of zeros; nan as soon as one element is not finite */
    if (dtype == DTYPE_FLOAT32)
        for (int64_t i = 0; i < n; i++)
            sum += (double)f[i] * 0;
    else
        for (int64_t i = 0; i < n; i++)
            sum += d[i] * 0;
    return sum == 0;
}

/* ---- calling ---- */

static int at_least_one(int n)
{
    return n > 1 ? n : 1;
}

/* The work space that a query asked for, in elements; float32 may have rounded it down. */
static int work_size(double wanted)
{
    double size = wanted * (1 + 1e-6) + 1;
    if (size > INT_MAX)
        error_throw(ERROR_LIMIT, "the matrix is too large for LAPACK");
    return (int)size;
}

#define CALL(dtype, name, ...) \
    do { \
        if ((dtype) == DTYPE_FLOAT32) { \
            typedef float T; \
            s##name##_(__VA_ARGS__); \
        } else { \
            typedef double T; \
            d##name##_(__VA_ARGS__); \
        } \
    } while (0)

/* The call with a work size of -1, which puts the size wanted into `query`, as an element of the dtype. */
#define QUERY(size, dtype, name, ...) \
    do { \
        if ((dtype) == DTYPE_FLOAT32) { \
            typedef float T; \
            T query = 0; \
            s##name##_(__VA_ARGS__); \
            (size) = work_size(query); \
        } else { \
            typedef double T; \
            T query = 0; \
            d##name##_(__VA_ARGS__); \
            (size) = work_size(query); \
        } \
    } while (0)

static void *work_space(Dtype dtype, int size)
{
    return scratch((size_t)size * dtype_size(dtype));
}

/* ---- small systems: LAPACK's own bookkeeping would take longer than they do ---- */

enum { SMALL_MAX = 8 };

/* As getrf and getrs, which they stand for: elimination by columns with the largest element as the pivot. */
#define SMALL_SYSTEMS(T, p, size_of) \
    static int p##_small_factors(int n, T *a, int *pivots) \
    { \
        int info = 0; \
        for (int k = 0; k < n; k++) { \
            int best = k; \
            for (int i = k + 1; i < n; i++) \
                best = size_of(a[k * n + i]) > size_of(a[k * n + best]) ? i : best; \
            pivots[k] = best + 1; \
            if (a[k * n + best] == 0) { \
                info = info == 0 ? k + 1 : info; \
                continue; \
            } \
            for (int j = 0; j < n && best != k; j++) { \
                T kept = a[j * n + k]; \
                a[j * n + k] = a[j * n + best]; \
                a[j * n + best] = kept; \
            } \
            for (int i = k + 1; i < n; i++) \
                a[k * n + i] /= a[k * n + k]; \
            for (int j = k + 1; j < n; j++) { \
                for (int i = k + 1; i < n; i++) \
                    a[j * n + i] -= a[k * n + i] * a[j * n + k]; \
            } \
        } \
        return info; \
    } \
    static void p##_small_solution(int n, const T *lu, const int *pivots, T *b) \
    { \
        for (int k = 0; k < n; k++) { \
            T kept = b[k]; \
            b[k] = b[pivots[k] - 1]; \
            b[pivots[k] - 1] = kept; \
        } \
        for (int k = 0; k < n; k++) { \
            for (int i = k + 1; i < n; i++) \
                b[i] -= lu[k * n + i] * b[k]; \
        } \
        for (int k = n - 1; k >= 0; k--) { \
            b[k] /= lu[k * n + k]; \
            for (int i = 0; i < k; i++) \
                b[i] -= lu[k * n + i] * b[k]; \
        } \
    }

SMALL_SYSTEMS(float, s, fabsf)
SMALL_SYSTEMS(double, d, fabs)

/* ---- routines ---- */

int lapack_getrf(Dtype dtype, int n, void *a, int *pivots)
{
    int info = 0, lda = at_least_one(n);
    if (n <= SMALL_MAX)
        return dtype == DTYPE_FLOAT32 ? s_small_factors(n, a, pivots) : d_small_factors(n, a, pivots);
    CALL(dtype, getrf, &n, &n, (T *)a, &lda, pivots, &info);
    return info;
}

/* Right sides are independent of each other, so threads share them. */
typedef struct RightSides {
    Dtype dtype;
    const char *transposed;
    int n, columns, pieces;
    const void *lu;
    const int *pivots;
    char *b;
} RightSides;

static void solve_piece(const void *job, int64_t piece, int thread)
{
    const RightSides *r = job;
    int64_t first = r->columns * piece / r->pieces, end = r->columns * (piece + 1) / r->pieces;
    int info = 0, lda = at_least_one(r->n), columns = (int)(end - first);
    char *b = r->b + (size_t)first * (size_t)r->n * dtype_size(r->dtype);
    (void)thread;
    CALL(r->dtype, getrs, r->transposed, &r->n, &columns, (const T *)r->lu, &lda, r->pivots, (T *)(void *)b,
         &lda, &info, 1);
}

static void small_solutions(const RightSides *r)
{
    for (int i = 0; i < r->columns; i++) {
        if (r->dtype == DTYPE_FLOAT32)
            s_small_solution(r->n, r->lu, r->pivots, (float *)(void *)r->b + i * r->n);
        else
            d_small_solution(r->n, r->lu, r->pivots, (double *)(void *)r->b + i * r->n);
    }
}

void lapack_getrs(Dtype dtype, bool transposed, int n, int columns, const void *lu, const int *pivots,
                  void *b)
{
    enum { PIECES = 8, PIECE_COLUMNS = 16 };
    RightSides r = {dtype, transposed ? "T" : "N", n, columns, 1, lu, pivots, b};
    if (n <= SMALL_MAX && !transposed) {
        small_solutions(&r);
        return;
    }
    if (columns >= 2 * PIECE_COLUMNS)
        r.pieces = columns / PIECE_COLUMNS < PIECES ? columns / PIECE_COLUMNS : PIECES;
    parallel_run(r.pieces, (int64_t)n * columns, solve_piece, &r);
}

void lapack_invert(Dtype dtype, int n, const void *lu, const int *pivots, void *inverse)
{
    size_t size = dtype_size(dtype);
    memset(inverse, 0, (size_t)n * (size_t)n * size);
    for (int i = 0; i < n; i++)
        dtype_write(dtype, (char *)inverse + (size_t)i * ((size_t)n + 1) * size, 1);
    lapack_getrs(dtype, false, n, n, lu, pivots, inverse);
}

int lapack_potrf(Dtype dtype, int n, void *a)
{
    int info = 0, lda = at_least_one(n);
    CALL(dtype, potrf, "L", &n, (T *)a, &lda, &info, 1);
    return info;
}

/* Copies the upper triangle of the first k rows of A [m, n] into R [k, n]. */
static void copy_upper(size_t size, int m, int n, int k, const char *a, char *r)
{
    memset(r, 0, (size_t)k * (size_t)n * size);
    for (int j = 0; j < n; j++)
        memcpy(r + (size_t)j * (size_t)k * size, a + (size_t)j * (size_t)m * size,
               (size_t)(j < k ? j + 1 : k) * size);
}

void lapack_qr(Dtype dtype, int m, int n, void *a, void *q, void *r)
{
    int info = 0, k = m < n ? m : n, lda = at_least_one(m), ask = -1;
    void *tau = work_space(dtype, at_least_one(k));
    int size;
    QUERY(size, dtype, geqrf, &m, &n, (T *)a, &lda, (T *)tau, &query, &ask, &info);
    void *work = work_space(dtype, size);
    CALL(dtype, geqrf, &m, &n, (T *)a, &lda, (T *)tau, (T *)work, &size, &info);
    copy_upper(dtype_size(dtype), m, n, k, a, r);
    memcpy(q, a, (size_t)m * (size_t)k * dtype_size(dtype));
    QUERY(size, dtype, orgqr, &m, &k, &k, (T *)q, &lda, (const T *)tau, &query, &ask, &info);
    work = work_space(dtype, size);
    CALL(dtype, orgqr, &m, &k, &k, (T *)q, &lda, (const T *)tau, (T *)work, &size, &info);
}

int lapack_gesdd(Dtype dtype, int m, int n, void *a, void *s, void *u, void *vt)
{
    int info = 0, k = m < n ? m : n, ask = -1;
    int lda = at_least_one(m), ldu = at_least_one(m), ldvt = at_least_one(k);
    const char *job = u != NULL ? "S" : "N";
    int *iwork = scratch(8 * (size_t)at_least_one(k) * sizeof *iwork);
    int size;
    QUERY(size, dtype, gesdd, job, &m, &n, (T *)a, &lda, (T *)s, (T *)u, &ldu, (T *)vt, &ldvt, &query, &ask,
          iwork, &info, 1);
    void *work = work_space(dtype, size);
    CALL(dtype, gesdd, job, &m, &n, (T *)a, &lda, (T *)s, (T *)u, &ldu, (T *)vt, &ldvt, (T *)work, &size,
         iwork, &info, 1);
    return info;
}

int lapack_syevd(Dtype dtype, bool vectors, int n, void *a, void *w)
{
    int info = 0, lda = at_least_one(n), ask = -1, iwanted = 0;
    const char *job = vectors ? "V" : "N";
    int size;
    QUERY(size, dtype, syevd, job, "L", &n, (T *)a, &lda, (T *)w, &query, &ask, &iwanted, &ask, &info, 1, 1);
    int isize = at_least_one(iwanted);
    void *work = work_space(dtype, size);
    int *iwork = scratch((size_t)isize * sizeof *iwork);
    CALL(dtype, syevd, job, "L", &n, (T *)a, &lda, (T *)w, (T *)work, &size, iwork, &isize, &info, 1, 1);
    return info;
}

int lapack_gelsd(Dtype dtype, int m, int n, int columns, double limit, void *a, void *b)
{
    int info = 0, k = m < n ? m : n, lda = at_least_one(m), ldb = at_least_one(m > n ? m : n), rank, ask = -1,
        iwanted = 0;
    float limit_f = (float)limit;
    const void *rcond = dtype == DTYPE_FLOAT32 ? (const void *)&limit_f : &limit;
    void *s = work_space(dtype, at_least_one(k));
    int size;
    QUERY(size, dtype, gelsd, &m, &n, &columns, (T *)a, &lda, (T *)b, &ldb, (T *)s, (const T *)rcond, &rank,
          &query, &ask, &iwanted, &info);
    void *work = work_space(dtype, size);
    int *iwork = scratch((size_t)at_least_one(iwanted) * sizeof *iwork);
    CALL(dtype, gelsd, &m, &n, &columns, (T *)a, &lda, (T *)b, &ldb, (T *)s, (const T *)rcond, &rank,
         (T *)work, &size, iwork, &info);
    return info;
}
