/* Subscripts: x[i], x[a:b:c], x[..., none], x[indices], x[mask], for reading and writing. */
#ifndef DBX_LANG_INDEXING_H
#define DBX_LANG_INDEXING_H

#include "lang/eval.h"

typedef enum SubscriptKind { SUBSCRIPT_VALUE, SUBSCRIPT_SLICE, SUBSCRIPT_ELLIPSIS } SubscriptKind;

/* One evaluated subscript. The parts of a slice are TAG_NONE where left out. */
typedef struct Subscript {
    SubscriptKind kind;
    Value value;                      /* or the start of a slice */
    Value stop, step;
} Subscript;

typedef struct Subscripts {
    Subscript *at;                    /* owned by the pool, and so are the values */
    uint32_t count;
} Subscripts;

Subscripts evaluate_subscripts(Frame *frame, const NodeList *nodes);

/* Tensors, tuples, records, strings and ranges. */
Value subscript_read(Value x, const Subscripts *subscripts);
/* A tensor like x with the subscripted part replaced by v: x itself, changed, when `own` says that nobody else can
 * see it and nothing need be recorded. */
GradTensor *subscript_write(GradTensor *x, const Subscripts *subscripts, Value v, bool own);
/* The position of an item of a tuple; throws when it is out of range. */
uint32_t subscript_item(const Subscripts *subscripts, uint32_t count, const char *what);

/* x[i, j] where every axis of an untracked tensor has a number: read (TAG_UNSET when it is not that simple),
 * and written in place to a tensor that nobody else can see (false when it is not that simple). */
Value element_read(GradTensor *x, const Value *indices, uint32_t count);
bool element_write(GradTensor *x, const Subscripts *subscripts, Value v);

/* x[i] along the first axis: what `for` and destructuring take. */
GradTensor *tensor_row(GradTensor *x, int64_t i);

#endif
