/* What `for` and the functions on sequences walk: tuples, ranges, strings by character, the keys of a
 * record, and the first axis of a tensor. */
#ifndef DBX_LANG_SEQUENCE_H
#define DBX_LANG_SEQUENCE_H

#include "lang/indexing.h"

typedef struct Sequence {
    Value items;                      /* a tuple, range, record or tensor: belongs to the pool, or to the caller */
    int64_t count;
} Sequence;

/* False for what cannot be walked. */
bool sequence_open(Sequence *sequence, Value v);
/* Inline, because every round of a loop asks. */
static inline Value sequence_item(const Sequence *s, int64_t k)
{
    switch (s->items.tag) {
    case TAG_TUPLE:
        return tuple_items(s->items.as.any)[k];
    case TAG_RANGE:
        return value_number(range_at(s->items.as.any, k));
    case TAG_RECORD:
        return value_string(((Record *)s->items.as.any)->fields[k].key);
    default:
        return value_of_tensor(tensor_row(s->items.as.any, k));
    }
}

#endif
