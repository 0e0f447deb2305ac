/* Arguments that are sequences, and tuples made of their items. */
#ifndef DBX_LIB_SEQUENCE_H
#define DBX_LIB_SEQUENCE_H

#include "lang/sequence.h"

/* Argument i as a sequence; throws when it is none. */
Sequence arg_sequence(const Call *call, int i);
/* Item k of a `...rest` parameter's tuple i, as a sequence. */
Sequence arg_sequence_in(const Call *call, int i, uint32_t k);

/* Appends to a tuple under construction, and drains the pool down to `mark`, which was taken before the
 * tuple was made: what making the item has left behind is gone, and only the tuple stays. */
Tuple *collect(Tuple *collected, Value item, PoolMark mark);

#endif
