#include "tensor/layout.h"

#include "tensor/kernel.h"
#include "tensor/parallel.h"

#include <string.h>

enum {
    TILE = 32,                        /* rows and columns transposed at a time: 32 lines on both sides */
    FEW_TIMES = 8                     /* an element that is repeated so often is not worth a call of its own */
};

void layout_row_major(int ndim, const int64_t *shape, int64_t *strides)
{
    int64_t stride = 1;
    for (int i = ndim - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= shape[i] > 0 ? shape[i] : 1;
    }
}

void layout_push(Layout *layout, int64_t extent, int64_t stride)
{
    Axis *last = layout->ndim > 0 ? &layout->axes[layout->ndim - 1] : NULL;
    if (extent == 1)
        return;
    if (last != NULL && last->stride == stride * extent)
        *last = (Axis){last->extent * extent, stride};
    else
        layout->axes[layout->ndim++] = (Axis){extent, stride};
}

void layout_set(Layout *layout, int ndim, const int64_t *shape, const int64_t *strides)
{
    layout->ndim = 0;
    for (int i = 0; i < ndim; i++)
        layout_push(layout, shape[i], strides[i]);
}

/* n elements, `stride` apart, to contiguous memory, or each of them `times` after the other. Those that repeat one
 * element, as where a column broadcasts, or go backwards are done several at a time. */
#define COPY_RUN(name, T) \
    KERNEL_CLONES static void fill_##name(const T *from, int64_t n, T *restrict to) \
    { \
        T value = *from; \
        for (int64_t i = 0; i < n; i++) \
            to[i] = value; \
    } \
    KERNEL_CLONES static void reverse_##name(const T *from, int64_t n, T *restrict to) \
    { \
        for (int64_t i = 0; i < n; i++) \
            to[i] = from[-i]; \
    } \
    static void repeat_##name(const void *data, int64_t stride, int64_t n, int64_t times, void *out) \
    { \
        const T *from = data; \
        T *restrict to = out; \
        for (int64_t i = 0; i < n; i++, to += times) \
            for (int64_t k = 0; k < times; k++) \
                to[k] = from[i * stride]; \
    } \
    static void copy_##name(const void *data, int64_t stride, int64_t n, void *out) \
    { \
        const T *from = data; \
        T *restrict to = out; \
        if (stride == 0) \
            fill_##name(from, n, to); \
        else if (stride == -1) \
            reverse_##name(from, n, to); \
        else \
            for (int64_t i = 0; i < n; i++) \
                to[i] = from[i * stride]; \
    }

COPY_RUN(1, uint8_t)
COPY_RUN(4, uint32_t)
COPY_RUN(8, uint64_t)

static void copy_run(size_t size, const char *data, int64_t stride, int64_t n, void *out)
{
    if (stride == 1)
        memcpy(out, data, (size_t)n * size);
    else if (size == 4)
        copy_4(data, stride, n, out);
    else if (size == 8)
        copy_8(data, stride, n, out);
    else
        copy_1(data, stride, n, out);
}

static void repeat_run(size_t size, const char *data, int64_t stride, int64_t n, int64_t times, void *out)
{
    if (size == 4)
        repeat_4(data, stride, n, times, out);
    else if (size == 8)
        repeat_8(data, stride, n, times, out);
    else
        repeat_1(data, stride, n, times, out);
}

/* One step of the index, as of an odometer, without the last axis; moves `data` along. */
static const char *next_row(const Layout *l, size_t size, int64_t *index, const char *data)
{
    for (int i = l->ndim - 2; i >= 0; i--) {
        int64_t stride = l->axes[i].stride * (int64_t)size;
        if (++index[i] < l->axes[i].extent)
            return data + stride;
        index[i] = 0;
        data -= stride * (l->axes[i].extent - 1);
    }
    return data;
}

/* A row that repeats, such as a bias added to every row of a matrix: the first is copied again and again, the copies
 * with it. */
static void read_repeated(const Axis *row, size_t size, const char *data, int64_t first, int64_t n, char *out)
{
    int64_t width = (int64_t)size, at = first % row->extent, head = row->extent - at;
    copy_run(size, data + at * row->stride * width, row->stride, head, out);
    copy_run(size, data, row->stride, at, out + head * width);
    for (int64_t done = row->extent; done < n; done *= 2)
        memcpy(out + done * width, out, (size_t)((n - done < done ? n - done : done) * width));
}

void layout_read(const Layout *l, size_t size, const char *data, int64_t first, int64_t n, void *out)
{
    if (l->ndim <= 1) {
        int64_t stride = l->ndim == 0 ? 1 : l->axes[0].stride;
        copy_run(size, data + first * stride * (int64_t)size, stride, n, out);
        return;
    }
    if (l->ndim == 2 && l->axes[0].stride == 0 && n >= l->axes[1].extent) {
        read_repeated(&l->axes[1], size, data, first, n, out);
        return;
    }
    int64_t index[TENSOR_MAX_NDIM], rest = first;
    int last = l->ndim - 1;
    for (int i = last; i >= 0; i--) {
        index[i] = rest % l->axes[i].extent;
        rest /= l->axes[i].extent;
        if (i < last)
            data += index[i] * l->axes[i].stride * (int64_t)size;
    }
    int64_t at = index[last], extent = l->axes[last].extent, stride = l->axes[last].stride;
    const Axis *rows = &l->axes[last - 1];
    char *to = out;
    while (n > 0) {
        int64_t run = extent - at < n ? extent - at : n;
        if (stride == 0 && extent <= FEW_TIMES && run == extent) {
            int64_t left = rows->extent - index[last - 1], count = n / extent < left ? n / extent : left;
            repeat_run(size, data, rows->stride, count, extent, to);
            run = count * extent;
            index[last - 1] += count - 1;
            data += (count - 1) * rows->stride * (int64_t)size;
        } else {
            copy_run(size, data + at * stride * (int64_t)size, stride, run, to);
        }
        to += run * (int64_t)size;
        n -= run;
        at = 0;
        if (n > 0)
            data = next_row(l, size, index, data);
    }
}

#define TRANSPOSE_TILE(T) \
    do { \
        for (int64_t r = 0; r < rows; r++) { \
            const T *from = (const T *)(const void *)data + r * row_stride; \
            T *to = (T *)out + r * width; \
            for (int64_t c = 0; c < columns; c++) \
                to[c] = from[c * column_stride]; \
        } \
    } while (0)

typedef uint32_t Four __attribute__((vector_size(16)));

static inline Four load_four(const uint32_t *from)
{
    Four x;
    memcpy(&x, from, sizeof x);
    return x;
}

/* A tile of 32-bit elements whose columns are contiguous, by squares of 4 x 4 in registers. Both extents are multiples
 * of 4. */
static void transpose_fours(const uint32_t *from, int64_t stride, int64_t rows, int64_t columns, uint32_t *to,
                            int64_t width)
{
    const Four low = {0, 4, 1, 5}, high = {2, 6, 3, 7};
    for (int64_t r = 0; r < rows; r += 4) {
        for (int64_t c = 0; c < columns; c += 4) {
            const uint32_t *x = from + c * stride + r;
            Four x0 = load_four(x), x1 = load_four(x + stride), x2 = load_four(x + 2 * stride),
                 x3 = load_four(x + 3 * stride);
            Four a = __builtin_shuffle(x0, x2, low), b = __builtin_shuffle(x1, x3, low);
            Four d = __builtin_shuffle(x0, x2, high), e = __builtin_shuffle(x1, x3, high);
            Four y[4] = {
                __builtin_shuffle(a, b, low), __builtin_shuffle(a, b, high),
                __builtin_shuffle(d, e, low), __builtin_shuffle(d, e, high),
            };
            for (int i = 0; i < 4; i++)
                memcpy(to + (r + i) * width + c, &y[i], sizeof y[i]);
        }
    }
}

static void transpose_tile(size_t size, const char *data, int64_t row_stride, int64_t column_stride,
                           int64_t rows, int64_t columns, void *out, int64_t width)
{
    if (size == 4 && row_stride == 1 && rows % 4 == 0 && columns % 4 == 0)
        transpose_fours((const uint32_t *)(const void *)data, column_stride, rows, columns, out, width);
    else if (size == 4)
        TRANSPOSE_TILE(uint32_t);
    else if (size == 8)
        TRANSPOSE_TILE(uint64_t);
    else
        TRANSPOSE_TILE(uint8_t);
}

/* A copy of everything, cut into tasks: strips of TILE rows of a matrix, or runs of elements. */
typedef struct Copy {
    const Layout *layout;
    size_t size;
    const char *data;
    char *out;
    int64_t total, strips;            /* elements in all; strips of a matrix */
} Copy;

enum { RUN = 16384 };

static void copy_run_task(const void *job, int64_t task, int thread)
{
    const Copy *c = job;
    int64_t first = task * RUN, n = c->total - first < RUN ? c->total - first : RUN;
    (void)thread;
    layout_read(c->layout, c->size, c->data, first, n, c->out + first * (int64_t)c->size);
}

/* A strip in tiles, so that the lines of memory that a column runs across are still in the cache for the
 * next. */
static void copy_strip_task(const void *job, int64_t task, int thread)
{
    const Copy *c = job;
    const Axis *rows = &c->layout->axes[c->layout->ndim - 2], *columns = rows + 1;
    int64_t size = (int64_t)c->size, matrix = task / c->strips, row = task % c->strips * TILE;
    int64_t height = rows->extent - row < TILE ? rows->extent - row : TILE;
    char *out = c->out + (matrix * rows->extent + row) * columns->extent * size;
    const char *data = c->data + row * rows->stride * size;
    (void)thread;
    for (int i = c->layout->ndim - 3; i >= 0; i--) {
        const Axis *outer = &c->layout->axes[i];
        data += matrix % outer->extent * outer->stride * size;
        matrix /= outer->extent;
    }
    for (int64_t column = 0; column < columns->extent; column += TILE) {
        int64_t width = columns->extent - column < TILE ? columns->extent - column : TILE;
        transpose_tile(c->size, data + column * columns->stride * size, rows->stride, columns->stride,
                       height, width, out + column * size, columns->extent);
    }
}

void layout_copy(const Layout *l, size_t size, const char *data, void *out)
{
    Copy copy = {.layout = l, .size = size, .data = data, .out = out, .total = 1};
    const Axis *last = &l->axes[l->ndim > 0 ? l->ndim - 1 : 0];
    for (int i = 0; i < l->ndim; i++)
        copy.total *= l->axes[i].extent;
    if (copy.total == 0)
        return;
    if (l->ndim < 2 || (last->stride >= -1 && last->stride <= 1) || last->extent < 4) {
        parallel_run((copy.total - 1) / RUN + 1, copy.total, copy_run_task, &copy);
        return;
    }
    int64_t matrices = copy.total / (last[-1].extent * last->extent);
    copy.strips = (last[-1].extent - 1) / TILE + 1;
    parallel_run(matrices * copy.strips, copy.total, copy_strip_task, &copy);
}
