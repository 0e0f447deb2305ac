/* Errors with their places: where an error happened, and how it is shown. */
#ifndef DBX_LANG_REPORT_H
#define DBX_LANG_REPORT_H

#include "base/runtime.h"
#include "lang/source.h"

typedef struct TraceEntry {
    String *function;                 /* or file; NULL for an anonymous one */
    Source *source;                   /* NULL when called from C */
    uint32_t offset;                  /* of the call */
} TraceEntry;

enum { TRACE_KEPT = 8 };              /* at each end of a long traceback */

typedef struct ErrorPlace {
    Source *source;                   /* NULL when no source text is concerned */
    Span span;                        /* underlined with ~ */
    Span op;                          /* marked ^ inside the span; empty for none, then all is ^ */
    TraceEntry trace[2 * TRACE_KEPT]; /* innermost call first; the middle of a long one is left out */
    uint32_t trace_count, trace_left_out;
} ErrorPlace;

/* Throws with a place: for syntax and resolution errors. */
_Noreturn void throw_at(Source *source, Span span, ErrorKind kind, const char *hint, const char *format, ...)
    PRINTF_LIKE(5, 6);

/* The error in `state` as LANGUAGE.md section 10 shows it, each line ended. */
void report_error(Buf *out, const ErrorState *state, bool color, int width);

void error_place_free(void *place);

#endif
