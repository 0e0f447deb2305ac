#include "lib/sequence.h"

#include "base/runtime.h"
static Sequence open_or_throw(const Call *call, int i, Value v)
{
    Sequence s;
    if (sequence_open(&s, v))
        return s;
    error_throw_hint(ERROR_TYPE, v.tag == TAG_NUMBER ? "range(n) gives the numbers below n" : NULL,
                     "%s: `%s` must be a tuple, a range, a string, a record or a tensor with an axis, "
                     "not %s",
                     function_name(call->self), arg_name(call, i),
                     v.tag == TAG_TENSOR ? "0-d tensor" : value_described(v));
}

Sequence arg_sequence(const Call *call, int i)
{
    return open_or_throw(call, i, call->args[i]);
}

Sequence arg_sequence_in(const Call *call, int i, uint32_t k)
{
    return open_or_throw(call, i, tuple_items(call->args[i].as.any)[k]);
}

Tuple *collect(Tuple *collected, Value item, PoolMark mark)
{
    interrupt_poll();
    return pool_drain_except(mark, tuple_append(collected, item));
}
