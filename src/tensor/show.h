/* Numbers and tensors as text. */
#ifndef DBX_TENSOR_SHOW_H
#define DBX_TENSOR_SHOW_H

#include "base/text.h"
#include "tensor/tensor.h"

/* The shortest text that reads back as the same double (whole values without a point up to 1e16, then 1e+16
 * style; "nan", "inf", "-inf", "-0" shows as "-0"). */
void show_number(Buf *out, double x);
/* The same to the precision of a float32. */
void show_float(Buf *out, float x);
/* A whole number, which printf takes several times as long to write. */
void show_whole(Buf *out, uint64_t x);

typedef struct ShowOptions {
    int precision;                    /* significant digits of an element, 6 unless told */
    int width;                        /* columns of the terminal; 0 for no limit */
    int64_t threshold;                /* more elements than this are summarised: 1000 */
    bool one_line;                    /* a matrix on one line (inside repr of records, f-strings) */
} ShowOptions;

/* Nested lists: "[4, 6, 8]"; a matrix one row a line, columns aligned, continuation lines indented by `indent`. A 0-d
 * tensor shows like a number, to the precision of its dtype, in full. */
void show_tensor(Buf *out, const Tensor *t, const ShowOptions *options, int indent);

/* Python's numeric format: [[fill]align][sign][#][0][width][,][.precision][type], type one of d e E f F g G % x b o
 * or none. Throws kind value on a bad spec. */
void format_number(Buf *out, double x, const char *spec, size_t bytes);
/* The same mini language for text: [[fill]align][width][.precision][s]. */
void format_text(Buf *out, const char *text, size_t bytes, const char *spec, size_t spec_bytes);

#endif
