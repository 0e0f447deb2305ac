/* What `for` and the functions on sequences walk: tuples, ranges, strings by character, the keys of a
 * record, and the first axis of a tensor. */
#ifndef DBX_LIB_SEQUENCE_H
#define DBX_LIB_SEQUENCE_H

#include "lang/function.h"

typedef struct Sequence {
    Value items;
    int64_t count;
} Sequence;

/* False for what cannot be walked. */
bool sequence_open(Sequence *sequence, Value v);
/* Argument i as a sequence; throws when it is none. */
Sequence arg_sequence(const Call *call, int i);
/* Item k of a `...rest` parameter's tuple i, as a sequence. */
Sequence arg_sequence_in(const Call *call, int i, uint32_t k);

Value sequence_item(const Sequence *sequence, int64_t k);

/* Appends to a tuple under construction, and drains the pool down to `mark`, which was taken before the
 * tuple was made: what making the item has left behind is gone, and only the tuple stays. */
Tuple *collect(Tuple *collected, Value item, PoolMark mark);

#endif
