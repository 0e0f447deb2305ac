/* Pooling: one element for each window of the last two axes. */
#include "grad/batch.h"
#include "ops/index.h"
#include "ops/matrix.h"
#include "ops/window.h"
#include "tensor/parallel.h"

#include <string.h>

typedef struct Windows {
    int64_t planes, height, width;
    int64_t rows, columns, down, right;        /* of a window, and from one to the next */
    int64_t out_height, out_width;
    const char *in;
    char *out;
} Windows;

/* The windows of a tensor whose last two axes are height and width; stride NULL: side by side. */
static Windows windows_of(const OpCall *c, const GradTensor *x, const IntList *size, const IntList *stride)
{
    Windows w = {0};
    if (x->t.ndim < 2)
        call_error(c, ERROR_SHAPE, "x must have at least 2 axes, but has shape %s", gt_shape_text(x));
    window_pair(c, "size", size, 1, &w.rows, &w.columns);
    window_pair(c, "stride", stride != NULL ? stride : size, 1, &w.down, &w.right);
    w.planes = matrix_count(x);
    w.height = matrix_rows(x);
    w.width = matrix_columns(x);
    if (w.height < w.rows || w.width < w.columns)
        call_error(c, ERROR_SHAPE, "windows of %lld x %lld do not fit into x of shape %s", (long long)w.rows,
                   (long long)w.columns, gt_shape_text(x));
    w.out_height = (w.height - w.rows) / w.down + 1;
    w.out_width = (w.width - w.columns) / w.right + 1;
    return w;
}

/* The shape of x with other extents of the last two axes. */
static void image_shape(const GradTensor *x, int64_t height, int64_t width, int64_t *shape)
{
    memcpy(shape, tensor_shape(&x->t), (size_t)(x->t.ndim - 2) * sizeof *shape);
    shape[x->t.ndim - 2] = height;
    shape[x->t.ndim - 1] = width;
}

/* ---- max_pool2d ---- */

/* The first largest element of each window of one plane; nan counts as largest. */
#define FIND_LARGEST(name, T) \
    static void name(const void *context, int64_t plane, int thread) \
    { \
        const Windows *w = context; \
        int64_t start = plane * w->height * w->width; \
        int64_t *to = (int64_t *)(void *)w->out + plane * w->out_height * w->out_width; \
        const T *x = (const T *)(const void *)w->in; \
        (void)thread; \
        for (int64_t i = 0; i < w->out_height; i++) { \
            for (int64_t j = 0; j < w->out_width; j++) { \
                int64_t corner = start + i * w->down * w->width + j * w->right, best = corner; \
                for (int64_t r = 0; r < w->rows; r++, corner += w->width) { \
                    for (int64_t at = corner; at < corner + w->columns; at++) \
                        if (x[at] > x[best] || (x[at] != x[at] && x[best] == x[best])) \
                            best = at; \
                } \
                *to++ = best; \
            } \
        } \
    }

FIND_LARGEST(find_float32, float)
FIND_LARGEST(find_float64, double)
FIND_LARGEST(find_int64, int64_t)

/* Where the largest elements are is piecewise constant; taking them from there is linear. */
static GradTensor *max_pool2d_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    Windows w = windows_of(c, x, c->args[1].ints, c->args[2].ints);
    int64_t shape[TENSOR_MAX_NDIM];
    image_shape(x, w.out_height, w.out_width, shape);
    Dtype dtype = dtype_is_float(gt_dtype(x)) ? gt_dtype(x) : DTYPE_INT64;
    GradTensor *at = gt_new(DTYPE_INT64, x->t.ndim, shape);
    w.in = tensor_contiguous(&x->t, dtype);
    w.out = tensor_allocate(&at->t);
    ParallelBody *find = dtype == DTYPE_FLOAT32 ? find_float32 : dtype == DTYPE_FLOAT64 ? find_float64 : find_int64;
    parallel_run(w.planes, x->t.size, find, &w);
    return t_take(x, at, x->t.ndim, shape);
}

const Op op_max_pool2d = {
    .usage = "max_pool2d(x, size, stride=none)",
    OP_ARGS(ARG_TENSOR, ARG_INTS, ARG_INTS),
    .section = "neural",
    .doc = "The largest element of each window of images x [..., H, W], of shape [..., (H - size) // stride "
           "+ 1, (W - size) // stride + 1]. Size and stride are one whole number or a pair (vertical, "
           "horizontal); stride none is the size. The first of several equal largest elements gets the "
           "gradient, as in PyTorch.",
    .errors = "shape when windows are larger than images, value for a bad size or stride.",
    .derivative = "dx at the largest element of each window",
    .example = "max_pool2d([[1, 2, 5, 3], [4, 3, 2, 1]], 2)  #=> [[4, 5]]",
    .related = "avg_pool2d conv2d",
    .compose = max_pool2d_compose,
    .batch = batch_leading,
    .check = "x[1, 2, 4, 4]: max_pool2d(x, 2)\n"
             "x[2, 5, 4]: max_pool2d(x, (2, 3), 1)\n"
             "x[5, 4]: max_pool2d(x.T, 2, (1, 2))\n"
             "x[0, 2, 2]: max_pool2d(x, 2)",
};

/* ---- avg_pool2d ---- */

#define SUM_WINDOWS(name, T) \
    static void name(const void *context, int64_t plane, int thread) \
    { \
        const Windows *w = context; \
        const T *x = (const T *)(const void *)w->in + plane * w->height * w->width; \
        T *to = (T *)(void *)w->out + plane * w->out_height * w->out_width; \
        (void)thread; \
        for (int64_t i = 0; i < w->out_height; i++) { \
            for (int64_t j = 0; j < w->out_width; j++) { \
                const T *from = x + i * w->down * w->width + j * w->right; \
                T sum = 0; \
                for (int64_t r = 0; r < w->rows; r++, from += w->width) \
                    for (int64_t s = 0; s < w->columns; s++) \
                        sum += from[s]; \
                *to++ = sum; \
            } \
        } \
    }

#define SPREAD_WINDOWS(name, T) \
    static void name(const void *context, int64_t plane, int thread) \
    { \
        const Windows *w = context; \
        const T *from = (const T *)(const void *)w->in + plane * w->out_height * w->out_width; \
        T *x = (T *)(void *)w->out + plane * w->height * w->width; \
        (void)thread; \
        for (int64_t i = 0; i < w->out_height; i++) { \
            for (int64_t j = 0; j < w->out_width; j++, from++) { \
                T *to = x + i * w->down * w->width + j * w->right; \
                for (int64_t r = 0; r < w->rows; r++, to += w->width) \
                    for (int64_t s = 0; s < w->columns; s++) \
                        to[s] += *from; \
            } \
        } \
    }

SUM_WINDOWS(sum_float32, float)
SUM_WINDOWS(sum_float64, double)
SPREAD_WINDOWS(spread_float32, float)
SPREAD_WINDOWS(spread_float64, double)

static int64_t work(const Windows *w)
{
    return w->planes * w->out_height * w->out_width * w->rows * w->columns;
}

static GradTensor *window_sum_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    Windows w = windows_of(c, x, c->args[1].ints, c->args[2].ints);
    Dtype dtype = call_dtype(c);
    int64_t shape[TENSOR_MAX_NDIM];
    image_shape(x, w.out_height, w.out_width, shape);
    GradTensor *out = call_out(c, dtype, x->t.ndim, shape);
    w.in = tensor_contiguous(&x->t, dtype);
    w.out = tensor_allocate(&out->t);
    parallel_run(w.planes, work(&w), dtype == DTYPE_FLOAT32 ? sum_float32 : sum_float64, &w);
    return out;
}

static GradTensor *window_sum_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = call_in(c, i);
    IntList *image = int_list_new(2, (int64_t[]){matrix_rows(x), matrix_columns(x)});
    return op_call(&op_window_spread,
                   (Arg[OP_MAX_ARGS]){
                       {.tensor = g}, {.ints = c->args[1].ints}, {.ints = c->args[2].ints}, {.ints = image}},
                   0);
}

const Op op_window_sum = {
    .usage = "window_sum(x, size, stride)", OP_ARGS(ARG_TENSOR, ARG_INTS, ARG_INTS), .dtypes = DTYPES_FLOAT,
    .doc = "The sum of each window of the last two axes.",
    .forward = window_sum_forward, .vjp = window_sum_vjp, .linear = LINEAR_EACH, .batch = batch_leading,
};

static GradTensor *window_spread_forward(const OpCall *c)
{
    GradTensor *g = call_in(c, 0);
    const int64_t *image = c->args[3].ints->at;
    Dtype dtype = call_dtype(c);
    int64_t shape[TENSOR_MAX_NDIM];
    image_shape(g, image[0], image[1], shape);
    GradTensor *out = call_out(c, dtype, g->t.ndim, shape);
    Windows w = windows_of(c, out, c->args[1].ints, c->args[2].ints);
    w.in = tensor_contiguous(&g->t, dtype);
    w.out = tensor_allocate(&out->t);
    memset(w.out, 0, (size_t)out->t.size * dtype_size(dtype));
    parallel_run(w.planes, work(&w), dtype == DTYPE_FLOAT32 ? spread_float32 : spread_float64, &w);
    return out;
}

static GradTensor *window_spread_vjp(const OpCall *c, int i, GradTensor *g)
{
    (void)i;
    return op_call(&op_window_sum,
                   (Arg[OP_MAX_ARGS]){{.tensor = g}, {.ints = c->args[1].ints}, {.ints = c->args[2].ints}},
                   0);
}

const Op op_window_spread = {
    .usage = "window_spread(g, size, stride, image)",
    OP_ARGS(ARG_TENSOR, ARG_INTS, ARG_INTS, ARG_INTS),
    .dtypes = DTYPES_FLOAT,
    .doc = "The transpose of window_sum: each element added to every element of its window.",
    .forward = window_spread_forward,
    .vjp = window_spread_vjp,
    .linear = LINEAR_EACH,
    .batch = batch_leading,
};

static GradTensor *avg_pool2d_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    Windows w = windows_of(c, x, c->args[1].ints, c->args[2].ints);
    IntList *size = c->args[1].ints, *stride = c->args[2].ints != NULL ? c->args[2].ints : size;
    GradTensor *sum =
        op_call(&op_window_sum, (Arg[OP_MAX_ARGS]){{.tensor = x}, {.ints = size}, {.ints = stride}}, 0);
    return t_with(&op_div, sum, (double)(w.rows * w.columns));
}

const Op op_avg_pool2d = {
    .usage = "avg_pool2d(x, size, stride=none)",
    OP_ARGS(ARG_TENSOR, ARG_INTS, ARG_INTS),
    .section = "neural",
    .doc = "The mean of each window of images x [..., H, W], of shape [..., (H - size) // stride + 1, (W - "
           "size) // stride + 1]. Size and stride are one whole number or a pair (vertical, horizontal); "
           "stride none is the size.",
    .errors = "shape when windows are larger than images, value for a bad size or stride.",
    .derivative = "avg_pool2d(dx, size, stride)",
    .example = "avg_pool2d([[1, 2, 5, 3], [4, 3, 2, 2]], 2)  #=> [[2.5, 3]]",
    .related = "max_pool2d conv2d",
    .compose = avg_pool2d_compose,
    .check = "x[1, 2, 4, 4]: avg_pool2d(x, 2)\n"
             "x[2, 5, 4]: avg_pool2d(x, (2, 3), 1)\n"
             "x[5, 4]: avg_pool2d(x.T, 2, (1, 2))\n"
             "x[0, 2, 2]: avg_pool2d(x, 2)",
};
