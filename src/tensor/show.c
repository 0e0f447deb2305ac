#include "tensor/show.h"

#include "base/runtime.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DIGITS_MAX = 17,                  /* enough for every double */
    EXPONENT_LIMIT = 16,              /* of the shortest decimals: what has a fraction is below 1e16 */
    EDGE = 3                          /* elements shown at each end of a summarised axis */
};

/* Whole elements of a tensor are written in full below this. */
static const double WHOLE_LIMIT = 1e15;

/* Whole numbers are, below these; all digits of a large float32 would say more than it knows. */
static const double WHOLE_NUMBER_LIMIT = 1e21, WHOLE_FLOAT32_LIMIT = 1e16;

/* A positive finite number: d1.d2d3... times 10^exponent. */
typedef struct Decimal {
    char digits[DIGITS_MAX + 1];
    int count;                        /* of digits, without trailing zeros; at least 1 */
    int exponent;                     /* of the first digit */
} Decimal;

enum { WHOLE_DIGITS = 20 };           /* of the largest 64-bit number */

/* Writes the digits so that they end before `end`; returns their number. */
static int write_whole(uint64_t x, char *end)
{
    int count = 0;
    do {
        *--end = (char)('0' + x % 10);
        count++;
        x /= 10;
    } while (x > 0);
    return count;
}

void show_whole(Buf *out, uint64_t x)
{
    char digits[WHOLE_DIGITS], *end = digits + WHOLE_DIGITS;
    int count = write_whole(x, end);
    buf_add(out, end - count, (size_t)count);
}

static void drop_zeros(Decimal *d)
{
    while (d->count > 1 && d->digits[d->count - 1] == '0')
        d->count--;
    d->digits[d->count] = '\0';
}

static Decimal decimal_round(double x, int digits)
{
    char text[40];
    Decimal d = {.count = digits};
    snprintf(text, sizeof text, "%.*e", digits - 1, x);
    d.digits[0] = text[0];
    if (digits > 1)
        memcpy(d.digits + 1, text + 2, (size_t)digits - 1);
    d.exponent = atoi(strchr(text, 'e') + 1);
    drop_zeros(&d);
    return d;
}

/* The next decimal above d with `digits` digits. */
static Decimal decimal_above(Decimal d, int digits)
{
    memset(d.digits + d.count, '0', (size_t)(digits - d.count));
    d.count = digits;
    int i = digits - 1;
    while (i >= 0 && d.digits[i] == '9')
        d.digits[i--] = '0';
    if (i >= 0) {
        d.digits[i]++;
    } else {
        d.digits[0] = '1';
        d.exponent++;
    }
    drop_zeros(&d);
    return d;
}

static bool reads_back(const Decimal *d, double x, bool single)
{
    char text[40];
    snprintf(text, sizeof text, "%s0e%d", d->digits, d->exponent - d->count);
    return single ? strtof(text, NULL) == (float)x : strtod(text, NULL) == x;
}

/* A decimal that reads back as x with so few digits (DBL_DIG, FLT_DIG) that there is but one: x times a power
 * of ten, rounded. Divided by that power, both exact, it gives what reading gives. For 1e-7 <= x < 1e15, or
 * 1e-4 <= x < 1e6 when single, where the power is exact. */
static bool decimal_short(double x, bool single, Decimal *d)
{
    double unit = 1, limit = single ? 1e6 : 1e15;
    int places = 0;
    for (; x * (unit * 10) < limit; unit *= 10)
        places++;
    double whole = nearbyint(x * unit);
    if (single ? (float)whole / (float)unit != (float)x : whole / unit != x)
        return false;
    char digits[WHOLE_DIGITS], *end = digits + WHOLE_DIGITS;
    d->count = write_whole((uint64_t)whole, end);
    d->exponent = d->count - 1 - places;
    memcpy(d->digits, end - d->count, (size_t)d->count);
    drop_zeros(d);
    return true;
}

/* The shortest decimal that reads back as x. Below a power of two the numbers stand closer together than
 * above it, so the nearest decimal of some length may miss where the one above hits. */
static Decimal decimal_shortest(double x, bool single)
{
    bool normal = x >= (single ? (double)FLT_MIN : DBL_MIN);
    int least = !normal ? 1 : single ? FLT_DIG : DBL_DIG, most = single ? FLT_DECIMAL_DIG : DIGITS_MAX;
    Decimal d;
    if (single ? x >= 1e-4 && x < 1e6 : x >= 1e-7 && x < 1e15) {
        if (decimal_short(x, single, &d))
            return d;
        least++;
    }
    for (int digits = least; digits < most; digits++) {
        d = decimal_round(x, digits);
        if (reads_back(&d, x, single))
            return d;
        d = decimal_above(d, digits);
        if (reads_back(&d, x, single))
            return d;
    }
    return decimal_round(x, most);
}

/* Positional when -4 <= exponent < limit, else with an exponent. */
static void put_decimal(Buf *out, const Decimal *d, int limit)
{
    if (d->exponent < -4 || d->exponent >= limit) {
        buf_putc(out, d->digits[0]);
        if (d->count > 1)
            buf_printf(out, ".%s", d->digits + 1);
        buf_printf(out, "e%c%02d", d->exponent < 0 ? '-' : '+', abs(d->exponent));
    } else if (d->exponent < 0) {
        buf_printf(out, "0.%.*s%s", -d->exponent - 1, "000", d->digits);
    } else {
        for (int i = 0; i < d->count || i <= d->exponent; i++) {
            if (i == d->exponent + 1)
                buf_putc(out, '.');
            buf_putc(out, i < d->count ? d->digits[i] : '0');
        }
    }
}

/* Writes the sign, and the whole text when x is nan or infinite (then true). */
static bool put_special(Buf *out, double x)
{
    if (isnan(x)) {
        buf_puts(out, "nan");
        return true;
    }
    if (signbit(x))
        buf_putc(out, '-');
    if (isinf(x))
        buf_puts(out, "inf");
    return isinf(x);
}

static void show_real(Buf *out, double x, bool single)
{
    if (put_special(out, x))
        return;
    x = fabs(x);
    if (x < (single ? WHOLE_FLOAT32_LIMIT : WHOLE_NUMBER_LIMIT) && x == floor(x)) {
        if (x < 0x1p64)
            show_whole(out, (uint64_t)x);
        else
            buf_printf(out, "%.0f", x);
        return;
    }
    Decimal d = decimal_shortest(x, single);
    put_decimal(out, &d, EXPONENT_LIMIT);
}

void show_number(Buf *out, double x)
{
    show_real(out, x, false);
}

void show_float(Buf *out, float x)
{
    show_real(out, (double)x, true);
}

/* One element of a floating tensor, to at most `precision` digits and no more than its dtype has. */
static void show_rounded(Buf *out, double x, int precision, bool single)
{
    if (put_special(out, x))
        return;
    x = fabs(x);
    if (x == 0) {
        buf_putc(out, '0');
        return;
    }
    Decimal d = {.count = DIGITS_MAX};
    if (precision > (single ? FLT_DIG : DBL_DIG))
        d = decimal_shortest(x, single);
    if (d.count > precision)
        d = decimal_round(x, precision);
    put_decimal(out, &d, precision);
}

/* What is shown of a tensor: the cells' texts one after the other, and how wide each column is. */
typedef struct Page {
    const Tensor *tensor;
    const char *data;
    const ShowOptions *options;
    Buf *cells;
    size_t *ends;                     /* of each cell's text */
    int *widths;                      /* of each shown position of the last axis */
    int64_t shown[TENSOR_MAX_NDIM];   /* positions shown of each axis */
    bool whole;                       /* every shown element is whole and below WHOLE_LIMIT */
    bool one_line;
    int indent;
    int64_t next;                     /* cell to put */
    Buf *out;
    int column;
} Page;

static bool is_cut(const Page *l, int axis)
{
    return l->shown[axis] < tensor_shape(l->tensor)[axis];
}

/* The index on an axis of its k-th shown position. */
static int64_t shown_index(const Page *l, int axis, int64_t k)
{
    return is_cut(l, axis) && k >= EDGE ? tensor_shape(l->tensor)[axis] - l->shown[axis] + k : k;
}

/* Calls visit for each shown element in row-major order, with its place and its shown position on the last
 * axis. */
static void each_shown(Page *l, void (*visit)(Page *l, const char *at, int64_t column))
{
    const Tensor *t = l->tensor;
    int64_t at[TENSOR_MAX_NDIM] = {0};
    int last = t->ndim - 1, axis = last;
    while (axis >= 0) {
        int64_t offset = 0;
        for (int i = 0; i <= last; i++)
            offset += shown_index(l, i, at[i]) * tensor_strides(t)[i];
        visit(l, l->data + offset * (int64_t)dtype_size(t->dtype), at[last]);
        interrupt_poll();
        for (axis = last; axis >= 0 && ++at[axis] == l->shown[axis]; axis--)
            at[axis] = 0;
    }
}

static int64_t read_integer(Dtype dtype, const char *at)
{
    switch (dtype) {
    case DTYPE_UINT8: return *(const uint8_t *)at;
    case DTYPE_INT32: return *(const int32_t *)at;
    default: return *(const int64_t *)at;
    }
}

static void note_whole(Page *l, const char *at, int64_t column)
{
    (void)column;
    double x = dtype_read(l->tensor->dtype, at);
    if (isfinite(x) && (x != floor(x) || fabs(x) >= WHOLE_LIMIT))
        l->whole = false;
}

static void show_element(Page *l, const char *at)
{
    Dtype dtype = l->tensor->dtype;
    if (dtype == DTYPE_BOOL)
        buf_puts(l->cells, *at ? "true" : "false");
    else if (dtype_is_integer(dtype))
        buf_printf(l->cells, "%lld", (long long)read_integer(dtype, at));
    else if (l->whole)
        show_number(l->cells, dtype_read(dtype, at));
    else
        show_rounded(l->cells, dtype_read(dtype, at), l->options->precision, dtype == DTYPE_FLOAT32);
}

static void add_cell(Page *l, const char *at, int64_t column)
{
    size_t start = l->cells->bytes;
    show_element(l, at);
    int width = (int)(l->cells->bytes - start);
    l->ends[l->next++] = l->cells->bytes;
    if (width > l->widths[column])
        l->widths[column] = width;
}

static void put_line_end(Page *l, int lines, int depth)
{
    for (int i = 0; i < lines; i++)
        buf_putc(l->out, '\n');
    buf_printf(l->out, "%*s", l->indent + depth, "");
    l->column = l->indent + depth;
}

/* The comma behind an element, and a new line where the next one, `width` wide, would be too long. */
static void put_comma(Page *l, int width)
{
    bool full = l->options->width > 0 && !l->one_line && l->column + width + 3 > l->options->width;
    buf_putc(l->out, ',');
    if (full) {
        put_line_end(l, 1, l->tensor->ndim);
    } else {
        buf_putc(l->out, ' ');
        l->column += 2;
    }
}

/* Columns are right-aligned but for the first, whose blanks stand behind its comma: no blank follows a
 * bracket, so that a matrix with its white space collapsed is the literal that makes it. */
static void put_row(Page *l)
{
    int axis = l->tensor->ndim - 1, owed = 0;
    bool align = axis > 0 && !l->one_line;
    buf_putc(l->out, '[');
    l->column++;
    for (int64_t k = 0; k < l->shown[axis]; k++) {
        size_t start = l->next == 0 ? 0 : l->ends[l->next - 1];
        int bytes = (int)(l->ends[l->next++] - start), width = align ? l->widths[k] : bytes;
        if (is_cut(l, axis) && k == EDGE) {
            put_comma(l, 3);
            buf_puts(l->out, "...");
            l->column += 3;
        }
        if (k == 0) {
            owed = width - bytes;
            buf_add(l->out, buf_text(l->cells) + start, (size_t)bytes);
            l->column += bytes;
            continue;
        }
        put_comma(l, width + owed);
        buf_printf(l->out, "%*.*s", width + owed, bytes, buf_text(l->cells) + start);
        l->column += width + owed;
        owed = 0;
    }
    buf_putc(l->out, ']');
}

static void put_list(Page *l, int axis)
{
    int below = l->tensor->ndim - 1 - axis;
    if (below == 0) {
        put_row(l);
        return;
    }
    buf_putc(l->out, '[');
    l->column++;
    for (int64_t k = 0; k < l->shown[axis]; k++) {
        bool cut = is_cut(l, axis) && k == EDGE;
        for (int i = 0; i < (k > 0) + cut; i++) {
            buf_putc(l->out, ',');
            if (l->one_line)
                buf_putc(l->out, ' ');
            else
                put_line_end(l, below, axis + 1);
            if (cut && i == 0)
                buf_puts(l->out, "...");
        }
        put_list(l, axis + 1);
    }
    buf_putc(l->out, ']');
}

/* Decides which positions are shown, and returns how many elements that makes. */
static int64_t choose_shown(Page *l)
{
    const Tensor *t = l->tensor;
    int64_t count = 1;
    for (int i = 0; i < t->ndim; i++) {
        int64_t extent = tensor_shape(t)[i], threshold = l->options->threshold;
        bool cut = extent > 2 * EDGE && (t->size > threshold || (t->size == 0 && extent > threshold));
        l->shown[i] = cut ? 2 * EDGE : extent;
        count *= l->shown[i];
    }
    return count;
}

static void show_scalar(Buf *out, const Tensor *t)
{
    if (t->dtype == DTYPE_BOOL)
        buf_puts(out, tensor_item(t) != 0 ? "true" : "false");
    else if (t->dtype == DTYPE_FLOAT32)
        show_float(out, (float)tensor_item(t));
    else if (t->dtype == DTYPE_FLOAT64)
        show_number(out, tensor_item(t));
    else
        buf_printf(out, "%lld", (long long)tensor_item_int(t));
}

void show_tensor(Buf *out, const Tensor *t, const ShowOptions *options, int indent)
{
    if (t->ndim == 0) {
        show_scalar(out, t);
        return;
    }
    Page l = {.tensor = t, .options = options, .out = out, .whole = true};
    l.indent = l.column = indent;
    int64_t count = choose_shown(&l);
    l.one_line = options->one_line || count == 0;
    if (count > 0) {
        l.data = tensor_data(t);
        l.cells = buf_new();
        l.ends = scratch((size_t)count * sizeof *l.ends);
        l.widths = scratch_zeroed((size_t)l.shown[t->ndim - 1] * sizeof *l.widths);
        if (dtype_is_float(t->dtype))
            each_shown(&l, note_whole);
        each_shown(&l, add_cell);
        l.next = 0;
    }
    put_list(&l, 0);
}
