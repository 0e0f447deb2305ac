/* Convolutions. The windows of an image, laid out as the columns of a matrix, make its convolution a matrix
 * product for BLAS; they are laid out again wherever they are needed, some rows of an image at a time, and
 * never kept. With <g, conv(x, w)> = T(x, w, g) linear in each, the convolution and its two transposes are
 * the derivatives of T by g, x and w. So the derivatives of each of the three are the other two, and the
 * family is closed under differentiation. */
#include "grad/batch.h"
#include "ops/matrix.h"
#include "ops/rules.h"
#include "ops/window.h"
#include "tensor/kernel.h"
#include "tensor/parallel.h"

#include <cblas.h>
#include <limits.h>
#include <string.h>

/* What all three operations have as their last argument, in this order, without the two at the end. */
typedef struct Geometry {
    int64_t height, width;            /* of the image */
    int64_t rows, columns;            /* of the window */
    int64_t down, right;              /* strides */
    int64_t above, left;              /* zeros around the image: as many below and to the right */
    int64_t out_height, out_width;
} Geometry;

enum {
    GEOMETRY_COUNT = 8,               /* numbers in that argument */
    BAND_BYTES = 1 << 21,             /* of a band's windows, which stay in the cache until they are multiplied */
    UNITS = 8                         /* of work at least, for the threads there may be; and chunks at most */
};

/* The work comes in units: bands, which are some rows of the places of one image, or, where bands would add
 * to the same elements, groups of channels of one image. Units come in chunks, one for each task; where a
 * chunk sums over its units, the number of chunks, and with it the sum, does not depend on the number of
 * threads. */
typedef struct Job {
    Geometry g;
    Dtype dtype;
    size_t size;
    int64_t images, channels, filters;
    /* Of x [N, C, H, W], w [O, C, kh, kw] and g [N, O, oh, ow] two are known; the third is `out`. */
    const char *image, *weight, *back;
    char *out;
    int64_t band_rows, bands;                  /* of an image */
    int64_t group, groups;                     /* channels of a group, and groups of an image */
    int64_t units, chunks;
    int64_t windows_bytes;
    char *windows;                             /* one matrix [window, places of a band] for each thread */
} Job;

static void set_places(Geometry *g)
{
    g->out_height = (g->height + 2 * g->above - g->rows) / g->down + 1;
    g->out_width = (g->width + 2 * g->left - g->columns) / g->right + 1;
}

static Geometry geometry_of(const IntList *list)
{
    const int64_t *at = list->at;
    Geometry g = {at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7], 0, 0};
    set_places(&g);
    return g;
}

/* ---- windows ---- */

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* One element of the window at the places of a band: a row of the matrix of windows, which is `rows` rows of `width`
 * places itself. Of these [top, bottom) and [first, end) have their element inside of the image. */
typedef struct Patch {
    int64_t rows, width;
    int64_t top, bottom, first, end;
    int64_t down, right;              /* between the elements of neighbouring places in the image */
} Patch;

/* `image` is where the first place inside has its element. */
typedef void MovePatch(const Patch *p, void *image, void *windows);

/* The edges are cleared in columns, for they are narrow. */
#define LAY_PATCH(name, T) \
    KERNEL_CLONES static void name(const Patch *p, void *image, void *windows) \
    { \
        const T *x = image; \
        T *all = windows, *y = all + p->top * p->width; \
        memset(all, 0, (size_t)(p->top * p->width) * sizeof *all); \
        for (int64_t r = p->top; r < p->bottom; r++, x += p->down, y += p->width) { \
            if (p->right == 1) \
                memcpy(y + p->first, x, (size_t)(p->end - p->first) * sizeof *y); \
            for (int64_t i = p->first; i < p->end && p->right != 1; i++) \
                y[i] = x[(i - p->first) * p->right]; \
        } \
        memset(y, 0, (size_t)((p->rows - p->bottom) * p->width) * sizeof *y); \
        for (int64_t i = 0; i < p->first; i++) { \
            for (int64_t r = p->top; r < p->bottom; r++) \
                all[r * p->width + i] = 0; \
        } \
        for (int64_t i = p->end; i < p->width; i++) { \
            for (int64_t r = p->top; r < p->bottom; r++) \
                all[r * p->width + i] = 0; \
        } \
    }

#define FOLD_PATCH(name, T) \
    KERNEL_CLONES static void name(const Patch *p, void *image, void *windows) \
    { \
        T *x = image; \
        const T *restrict y = (const T *)windows + p->top * p->width + p->first; \
        int64_t n = p->end - p->first; \
        for (int64_t r = p->top; r < p->bottom; r++, x += p->down, y += p->width) { \
            if (p->right == 1) { \
                for (int64_t i = 0; i < n; i++) \
                    x[i] += y[i]; \
            } else { \
                for (int64_t i = 0; i < n; i++) \
                    x[i * p->right] += y[i]; \
            } \
        } \
    }

LAY_PATCH(lay_f32, float)
LAY_PATCH(lay_f64, double)
FOLD_PATCH(fold_f32, float)
FOLD_PATCH(fold_f64, double)

/* Some rows of the places of one image, and some of its channels. */
typedef struct Band {
    int64_t image, first, rows, channel, channels;
} Band;

/* The first of n places whose element is not before the start; that of place k stands at `offset` + k `step`. */
static int64_t first_from_start(int64_t offset, int64_t step, int64_t n)
{
    return clamp((-offset + step - 1) / step, 0, n);
}

/* Element (i, j) of the window at the places of a band. */
static Patch patch_of(const Geometry *g, const Band *band, int64_t i, int64_t j)
{
    int64_t row = i - g->above + band->first * g->down, column = j - g->left;
    return (Patch){
        .rows = band->rows, .width = g->out_width,
        .top = first_from_start(row, g->down, band->rows),
        .bottom = first_from_start(row - g->height, g->down, band->rows),
        .first = first_from_start(column, g->right, g->out_width),
        .end = first_from_start(column - g->width, g->right, g->out_width),
        .down = g->down * g->width, .right = g->right,
    };
}

/* Lays the windows of a band out as columns, or (fold) adds columns to the image where they came from. */
static void move_windows(const Job *job, const Band *band, const char *images, char *windows, bool fold)
{
    static MovePatch *const moves[2][2] = {{lay_f32, lay_f64}, {fold_f32, fold_f64}};
    const Geometry *g = &job->g;
    MovePatch *move = moves[fold][job->dtype == DTYPE_FLOAT64];
    int64_t size = (int64_t)job->size, plane = g->height * g->width * size;
    int64_t row = band->rows * g->out_width * size;
    char *image = (char *)(uintptr_t)images + (band->image * job->channels + band->channel) * plane;
    for (int64_t i = 0; i < g->rows; i++) {
        for (int64_t j = 0; j < g->columns; j++) {
            Patch p = patch_of(g, band, i, j);
            int64_t at = (i - g->above + (band->first + p.top) * g->down) * g->width
                       + j - g->left + p.first * g->right;
            for (int64_t c = 0; c < band->channels; c++)
                move(&p, image + c * plane + at * size, windows + ((c * g->rows + i) * g->columns + j) * row);
        }
    }
}

/* ---- the three products ---- */

/* A matrix by rows, `stride` elements apart; `turned` stands for its transpose. */
typedef struct Factor {
    char *data;
    int64_t stride;
    bool turned;
} Factor;

/* out [m, n] = a b + beta out, a [m, k], b [k, n] */
static void product(Dtype dtype, int64_t m, int64_t n, int64_t k, Factor a, Factor b, double beta, Factor out)
{
    CBLAS_TRANSPOSE fa = a.turned ? CblasTrans : CblasNoTrans, fb = b.turned ? CblasTrans : CblasNoTrans;
    if (dtype == DTYPE_FLOAT32)
        cblas_sgemm(CblasRowMajor, fa, fb, (int)m, (int)n, (int)k, 1, (void *)a.data, (int)a.stride,
                    (void *)b.data, (int)b.stride, (float)beta, (void *)out.data, (int)out.stride);
    else
        cblas_dgemm(CblasRowMajor, fa, fb, (int)m, (int)n, (int)k, 1, (void *)a.data, (int)a.stride,
                    (void *)b.data, (int)b.stride, beta, (void *)out.data, (int)out.stride);
}

static int64_t places(const Job *job)
{
    return job->g.out_height * job->g.out_width;
}

static int64_t window_size(const Job *job, int64_t channels)
{
    return channels * job->g.rows * job->g.columns;
}

/* Windows of one element, one for each element of the image: the image is its own matrix of windows. */
static bool is_pointwise(const Geometry *g)
{
    return g->rows == 1 && g->columns == 1 && g->down == 1 && g->right == 1 && g->above == 0 && g->left == 0;
}

/* The matrix of windows [window, places] of a band: `buffer`, or a part of the image. */
static Factor windows_of(const Job *job, const Band *band, const char *images, char *buffer)
{
    if (!is_pointwise(&job->g))
        return (Factor){buffer, band->rows * job->g.out_width, false};
    int64_t at = (band->image * job->channels + band->channel) * places(job) + band->first * job->g.out_width;
    return (Factor){(char *)(uintptr_t)images + at * (int64_t)job->size, places(job), false};
}

/* Results, or their cotangents, of a band: [filters, places]. */
static Factor results_of(const Job *job, const Band *band, const char *results)
{
    int64_t at = band->image * job->filters * places(job) + band->first * job->g.out_width;
    return (Factor){(char *)(uintptr_t)results + at * (int64_t)job->size, places(job), false};
}

/* The weights [filters, window] of the channels of a band. */
static Factor weights_of(const Job *job, const Band *band, const char *weights)
{
    char *first = (char *)(uintptr_t)weights + window_size(job, band->channel) * (int64_t)job->size;
    return (Factor){first, window_size(job, job->channels), false};
}

static Factor transposed(Factor x)
{
    x.turned = !x.turned;
    return x;
}

/* results = weights windows */
static void convolve_band(const Job *job, const Band *band, char *buffer)
{
    Factor windows = windows_of(job, band, job->image, buffer);
    if (!is_pointwise(&job->g))
        move_windows(job, band, job->image, buffer, false);
    product(job->dtype, job->filters, band->rows * job->g.out_width, window_size(job, band->channels),
            weights_of(job, band, job->weight), windows, 0, results_of(job, band, job->out));
}

/* windows = weights' results, which are then added up in the image. */
static void spread_band(const Job *job, const Band *band, char *buffer)
{
    Factor windows = windows_of(job, band, job->out, buffer);
    product(job->dtype, window_size(job, band->channels), band->rows * job->g.out_width, job->filters,
            transposed(weights_of(job, band, job->weight)), results_of(job, band, job->back), 0, windows);
    if (!is_pointwise(&job->g))
        move_windows(job, band, job->out, buffer, true);
}

/* weights = weights + results windows', for the chunk's own sum */
static void correlate_band(const Job *job, const Band *band, char *buffer, char *sum)
{
    Factor windows = windows_of(job, band, job->image, buffer);
    if (!is_pointwise(&job->g))
        move_windows(job, band, job->image, buffer, false);
    product(job->dtype, job->filters, window_size(job, band->channels), band->rows * job->g.out_width,
            results_of(job, band, job->back), transposed(windows), 1, weights_of(job, band, sum));
}

static Band band_number(const Job *job, int64_t image, int64_t i)
{
    int64_t first = i * job->band_rows, left = job->g.out_height - first;
    return (Band){image, first, clamp(left, 1, job->band_rows), 0, job->channels};
}

/* All bands of a group of channels, one after the other, for they add to the same elements. */
static void spread_group(const Job *job, int64_t unit, char *buffer)
{
    for (int64_t i = 0; i < job->bands; i++) {
        Band band = band_number(job, unit / job->groups, i);
        band.channel = unit % job->groups * job->group;
        band.channels = clamp(job->channels - band.channel, 1, job->group);
        spread_band(job, &band, buffer);
    }
}

static void chunk_body(const void *context, int64_t chunk, int thread)
{
    const Job *job = context;
    int64_t first = job->units * chunk / job->chunks, end = job->units * (chunk + 1) / job->chunks;
    char *buffer = job->windows + thread * job->windows_bytes;
    char *sum = job->out + chunk * job->filters * window_size(job, job->channels) * (int64_t)job->size;
    for (int64_t unit = first; unit < end; unit++) {
        Band band = band_number(job, unit / job->bands, unit % job->bands);
        if (job->image == NULL)
            spread_group(job, unit, buffer);
        else if (job->back == NULL)
            convolve_band(job, &band, buffer);
        else
            correlate_band(job, &band, buffer, sum);
    }
}

static int64_t parts(int64_t whole, int64_t part)
{
    return (whole + part - 1) / part;
}

/* Bands are as high as fits BAND_BYTES, and few images are cut into more units. */
static void cut(Job *job)
{
    int64_t row = window_size(job, job->channels) * job->g.out_width * (int64_t)job->size,
            height = job->g.out_height;
    int64_t wanted = parts(UNITS, clamp(job->images, 1, UNITS));
    job->band_rows = clamp(is_pointwise(&job->g) ? height : BAND_BYTES / clamp(row, 1, BAND_BYTES), 1,
                           parts(height, wanted));
    job->bands = parts(height, job->band_rows);
    job->group = parts(clamp(job->channels, 1, INT64_MAX), wanted);
    job->groups = parts(job->channels, job->group);
    job->units = job->images * (job->image == NULL ? job->groups : job->bands);
    job->chunks = clamp(job->units, 1, UNITS);
    job->windows_bytes = is_pointwise(&job->g) ? 1 : row * job->band_rows;
}

static void run(const OpCall *c, Job *job)
{
    int64_t k = window_size(job, job->channels), n = places(job);
    int64_t elements = shape_size(3, (int64_t[]){k, n, job->images});
    if (k > INT_MAX || n > INT_MAX || job->filters > INT_MAX)
        call_error(c, ERROR_LIMIT, "%lld windows of %lld elements are too many for BLAS", (long long)n,
                   (long long)k);
    if (elements == 0 || job->filters == 0)
        return;
    job->windows = scratch(mem_product((size_t)job->windows_bytes, (size_t)parallel_threads(elements)));
    parallel_run(job->chunks, elements, chunk_body, job);
}

/* The axes of one convolution are the last four; the operations carry out one for each place of those before. */
static const int64_t *own_dims(const GradTensor *x)
{
    return tensor_shape(&x->t) + x->t.ndim - 4;
}

static Job new_job(const OpCall *c, const GradTensor *images, int64_t channels, int64_t filters)
{
    Job job = {
        .g = geometry_of(c->args[2].ints), .dtype = call_dtype(c), .channels = channels, .filters = filters};
    job.size = dtype_size(job.dtype);
    job.images = own_dims(images)[0];
    return job;
}

/* The result to be, of the leading axes of the first argument and four of its own. */
static GradTensor *new_out(const OpCall *c, const Job *job, const int64_t *own)
{
    int64_t shape[TENSOR_MAX_NDIM];
    int leading = call_in(c, 0)->t.ndim - 4;
    memcpy(shape, tensor_shape(&call_in(c, 0)->t), (size_t)leading * sizeof *shape);
    memcpy(shape + leading, own, 4 * sizeof *shape);
    return call_out(c, job->dtype, leading + 4, shape);
}

static const char *advanced(const char *data, int64_t elements, size_t size)
{
    return data == NULL ? NULL : data + elements * (int64_t)size;
}

/* All convolutions of the leading axes, to contiguous `out`, which sums over chunks where there is one for each. */
static void run_all(const OpCall *c, Job job, Tensor *out, int64_t sums)
{
    const GradTensor *first = call_in(c, 0);
    int64_t count = shape_size(first->t.ndim - 4, tensor_shape(&first->t));
    int64_t image = job.images * job.channels * job.g.height * job.g.width;
    int64_t back = job.images * job.filters * places(&job), weight = job.filters * window_size(&job, job.channels);
    job.out = tensor_allocate(out);
    memset(job.out, 0, (size_t)out->size * job.size);
    for (int64_t i = 0; i < count; i++) {
        PoolMark mark = pool_mark();
        run(c, &job);
        pool_drain(mark);
        job.out += (job.image == NULL ? image : job.back == NULL ? back : weight * sums) * (int64_t)job.size;
        job.image = advanced(job.image, image, job.size);
        job.back = advanced(job.back, back, job.size);
        job.weight = advanced(job.weight, weight, job.size);
    }
}

static GradTensor *with_geometry(const Op *op, const OpCall *c, GradTensor *a, GradTensor *b)
{
    return op_call(op, (Arg[OP_MAX_ARGS]){{.tensor = a}, {.tensor = b}, {.ints = c->args[2].ints}}, 0);
}

/* ---- the operations ---- */

/* Where only images, or their cotangents, are mapped, all slices are images of one convolution. */
static GradTensor *images_batch(const OpCall *c, uint32_t levels)
{
    GradTensor *x = call_in(c, 0);
    if (gt_batch(call_in(c, 1)) != 0)
        return batch_leading(c, levels);
    int64_t shape[TENSOR_MAX_NDIM], hidden[BATCH_MOST], all[TENSOR_MAX_NDIM + BATCH_MOST];
    int n = batch_sizes(levels, hidden);
    memcpy(shape, own_dims(x), sizeof(int64_t[4]));
    shape[0] *= shape_size(n, hidden);
    GradTensor *out = with_geometry(c->op, c, t_reshape(batch_of(x), 4, shape), call_in(c, 1));
    memcpy(all, hidden, (size_t)n * sizeof *all);
    memcpy(all + n, own_dims(x), sizeof *all);
    memcpy(all + n + 1, own_dims(out) + 1, sizeof(int64_t[3]));
    return t_reshape(out, n + 4, all);
}

static GradTensor *convolve_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *w = call_in(c, 1);
    Job job = new_job(c, x, own_dims(x)[1], own_dims(w)[0]);
    GradTensor *out =
        new_out(c, &job, (int64_t[]){job.images, job.filters, job.g.out_height, job.g.out_width});
    job.image = tensor_contiguous(&x->t, job.dtype);
    job.weight = tensor_contiguous(&w->t, job.dtype);
    cut(&job);
    run_all(c, job, &out->t, 1);
    return out;
}

static GradTensor *convolve_vjp(const OpCall *c, int i, GradTensor *g)
{
    return i == 0 ? with_geometry(&op_convolve_back, c, g, call_in(c, 1))
                  : with_geometry(&op_correlate, c, call_in(c, 0), g);
}

const Op op_convolve = {
    .usage = "conv2d(x, w, geometry)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_INTS), .dtypes = DTYPES_FLOAT,
    .doc = "Cross-correlation of images [N, C, H, W] with filters [O, C, kh, kw], as conv2d without bias.",
    .forward = convolve_forward, .vjp = convolve_vjp, .linear = LINEAR_EACH, .batch = images_batch,
};

static GradTensor *convolve_back_forward(const OpCall *c)
{
    GradTensor *g = call_in(c, 0), *w = call_in(c, 1);
    Job job = new_job(c, g, own_dims(w)[1], own_dims(w)[0]);
    GradTensor *out = new_out(c, &job, (int64_t[]){job.images, job.channels, job.g.height, job.g.width});
    job.back = tensor_contiguous(&g->t, job.dtype);
    job.weight = tensor_contiguous(&w->t, job.dtype);
    cut(&job);
    run_all(c, job, &out->t, 1);
    return out;
}

static GradTensor *convolve_back_vjp(const OpCall *c, int i, GradTensor *g)
{
    return i == 0 ? with_geometry(&op_convolve, c, g, call_in(c, 1))
                  : with_geometry(&op_correlate, c, g, call_in(c, 0));
}

const Op op_convolve_back = {
    .usage = "convolve_back(g, w, geometry)",
    OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_INTS),
    .dtypes = DTYPES_FLOAT,
    .doc = "The transpose of convolve in its images: from cotangents [N, O, oh, ow] to images [N, C, H, W].",
    .forward = convolve_back_forward,
    .vjp = convolve_back_vjp,
    .linear = LINEAR_EACH,
    .batch = images_batch,
};

/* The chunks' sums are added up in their order. */
static GradTensor *correlate_forward(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *g = call_in(c, 1);
    Job job = new_job(c, x, own_dims(x)[1], own_dims(g)[1]);
    GradTensor *out = new_out(c, &job, (int64_t[]){job.filters, job.channels, job.g.rows, job.g.columns});
    int64_t weight = job.filters * window_size(&job, job.channels);
    int64_t count = shape_size(x->t.ndim - 4, tensor_shape(&x->t));
    job.image = tensor_contiguous(&x->t, job.dtype);
    job.back = tensor_contiguous(&g->t, job.dtype);
    cut(&job);
    GradTensor *sums = gt_new(job.dtype, 3, (int64_t[]){count, job.chunks, weight});
    run_all(c, job, &sums->t, job.chunks);
    GradTensor *sum = t_sum_axes(sums, 2, false);
    tensor_reshape(&out->t, &sum->t);
    return out;
}

static GradTensor *correlate_vjp(const OpCall *c, int i, GradTensor *g)
{
    return i == 0 ? with_geometry(&op_convolve_back, c, call_in(c, 1), g)
                  : with_geometry(&op_convolve, c, call_in(c, 0), g);
}

const Op op_correlate = {
    .usage = "correlate(x, g, geometry)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_INTS), .dtypes = DTYPES_FLOAT,
    .doc = "The transpose of convolve in its filters: from images [N, C, H, W] and cotangents [N, O, oh, "
           "ow] to [O, C, kh, kw].",
    .forward = correlate_forward, .vjp = correlate_vjp, .linear = LINEAR_EACH, .batch = batch_leading,
};

/* ---- conv2d, conv1d ---- */

static void check_shapes(const OpCall *c, const GradTensor *x, const GradTensor *w, const GradTensor *b,
                         int ndim)
{
    const char *form = ndim == 4 ? "[N, C, H, W] and [O, C, kh, kw]" : "[N, C, L] and [O, C, k]";
    if (x->t.ndim != ndim || w->t.ndim != ndim)
        call_error(c, ERROR_SHAPE, "x and w must have shapes %s, not %s and %s", form, gt_shape_text(x),
                   gt_shape_text(w));
    if (tensor_shape(&x->t)[1] != tensor_shape(&w->t)[1])
        call_error(c, ERROR_SHAPE, "x of shape %s has %lld channel%s, but w of shape %s is for %lld",
                   gt_shape_text(x), (long long)tensor_shape(&x->t)[1],
                   tensor_shape(&x->t)[1] == 1 ? "" : "s", gt_shape_text(w),
                   (long long)tensor_shape(&w->t)[1]);
    if (b != NULL && !shape_equal(b->t.ndim, tensor_shape(&b->t), 1, tensor_shape(&w->t)))
        call_error(c, ERROR_SHAPE, "b must have shape [%lld], one for each filter, not %s",
                   (long long)tensor_shape(&w->t)[0], gt_shape_text(b));
}

/* The convolution of x and w, with 4 axes both, by the strides and zeros that g has already. */
static GradTensor *convolution(const OpCall *c, GradTensor *x, GradTensor *w, Geometry g)
{
    g.height = matrix_rows(x);
    g.width = matrix_columns(x);
    g.rows = matrix_rows(w);
    g.columns = matrix_columns(w);
    if (g.rows == 0 || g.columns == 0 || g.height + 2 * g.above < g.rows || g.width + 2 * g.left < g.columns)
        call_error(c, ERROR_SHAPE,
                   "w of shape %s does not fit into x of shape %s, whose padded images are %lld x %lld",
                   gt_shape_text(call_in(c, 1)), gt_shape_text(call_in(c, 0)),
                   (long long)(g.height + 2 * g.above), (long long)(g.width + 2 * g.left));
    int64_t list[GEOMETRY_COUNT] = {g.height, g.width, g.rows, g.columns, g.down, g.right, g.above, g.left};
    return op_call(
        &op_convolve,
        (Arg[OP_MAX_ARGS]){{.tensor = x}, {.tensor = w}, {.ints = int_list_new(GEOMETRY_COUNT, list)}}, 0);
}

static GradTensor *conv2d_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *w = call_in(c, 1), *b = call_in(c, 2);
    Geometry g = {0};
    check_shapes(c, x, w, b, 4);
    window_pair(c, "stride", c->args[3].ints, 1, &g.down, &g.right);
    window_pair(c, "padding", c->args[4].ints, 0, &g.above, &g.left);
    GradTensor *out = convolution(c, x, w, g);
    return b == NULL ? out : t_add(out, t_reshape(b, 3, (int64_t[]){b->t.size, 1, 1}));
}

const Op op_conv2d = {
    .usage = "conv2d(x, w, b=none, stride=1, padding=0)",
    OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_TENSOR, ARG_INTS, ARG_INTS),
    .section = "neural",
    .dtypes = DTYPES_FLOAT,
    .doc = "Convolution (without turning the filters, as in PyTorch) of images x [N, C, H, W] with filters "
           "w [O, C, kh, kw], plus b [O]; of shape [N, O, (H + 2 padding - kh) // stride + 1, (W + 2 "
           "padding - kw) // stride + 1]. Stride and padding (with zeros) are one whole number or a pair "
           "(vertical, horizontal). Windows are laid out as columns for BLAS, some rows of an image at a time.",
    .errors = "shape when x, w and b do not fit together or windows are larger than images; value for a bad "
              "stride or padding.",
    .derivative = "conv2d(dx, w) + conv2d(x, dw) + db",
    .example = "conv2d(ones(1, 1, 3, 3), ones(1, 1, 2, 2))  #=> [[[[4, 4], [4, 4]]]]",
    .related = "conv1d max_pool2d avg_pool2d",
    .compose = conv2d_compose,
    .check = "x[2, 2, 4, 5] w[3, 2, 2, 3]: conv2d(x, w)\n"
             "b[3] w[3, 2, 3, 3] x[2, 2, 4, 4]: conv2d(x, w, b, stride=2, padding=1)\n"
             "w[2, 1, 2, 2] x[1, 1, 5, 4]: conv2d(x, w, none, (2, 1), (0, 2))\n"
             "w[2, 3, 1, 1] x[2, 3, 2, 2]: conv2d(x, w)\n"
             "w[2, 2, 2, 2] x[3, 3, 2, 2]: conv2d(x.T, w[:, ::-1])\n"
             "w[2, 1, 2, 2] x[0, 1, 3, 3]: conv2d(x, w)",
};

static GradTensor *conv1d_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *w = call_in(c, 1), *b = call_in(c, 2);
    Geometry g = {0};
    check_shapes(c, x, w, b, 3);
    if (c->args[3].ints->count != 1 || c->args[4].ints->count != 1)
        call_error(c, ERROR_VALUE, "stride and padding must be one whole number each");
    window_pair(c, "stride", c->args[3].ints, 1, &g.down, &g.right);
    window_pair(c, "padding", c->args[4].ints, 0, &g.above, &g.left);
    g.above = 0;
    g.down = 1;
    GradTensor *out = convolution(c, matrix_unsqueeze(x, 1), matrix_unsqueeze(w, 1), g);
    int64_t shape[3] = {tensor_shape(&x->t)[0], tensor_shape(&w->t)[0], matrix_columns(out)};
    out = t_reshape(out, 3, shape);
    return b == NULL ? out : t_add(out, t_reshape(b, 2, (int64_t[]){b->t.size, 1}));
}

const Op op_conv1d = {
    .usage = "conv1d(x, w, b=none, stride=1, padding=0)",
    OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_TENSOR, ARG_INTS, ARG_INTS),
    .section = "neural",
    .dtypes = DTYPES_FLOAT,
    .doc = "Convolution of sequences x [N, C, L] with filters w [O, C, k], plus b [O]; of shape [N, O, (L + "
           "2 padding - k) // stride + 1]. As conv2d in one direction.",
    .errors = "shape when x, w and b do not fit together or windows are longer than sequences; value for a "
              "bad stride or padding.",
    .derivative = "conv1d(dx, w) + conv1d(x, dw) + db",
    .example = "conv1d([[[1, 2, 3]]], [[[1, 1]]])  #=> [[[3, 5]]]",
    .related = "conv2d",
    .compose = conv1d_compose,
    .check = "x[2, 2, 5] w[3, 2, 3]: conv1d(x, w)\n"
             "b[3] w[3, 2, 2] x[2, 2, 5]: conv1d(x, w, b, stride=2, padding=1)\n"
             "w[2, 1, 1] x[2, 1, 3]: conv1d(x, w)",
};
