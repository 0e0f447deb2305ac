#include "lib/sequence.h"

#include "base/runtime.h"
#include "lang/indexing.h"

bool sequence_open(Sequence *s, Value v)
{
    s->items = v;
    switch (v.tag) {
    case TAG_TUPLE:
        s->count = ((Tuple *)v.as.any)->count;
        return true;
    case TAG_RANGE:
        s->count = ((Range *)v.as.any)->count;
        return true;
    case TAG_RECORD:
        s->count = ((Record *)v.as.any)->count;
        return true;
    case TAG_STRING:
        s->items = string_points(v.as.any);
        s->count = ((Tuple *)s->items.as.any)->count;
        return true;
    case TAG_TENSOR: case TAG_VARIABLE: {
        GradTensor *x = value_tensor(v);
        if (x->t.ndim == 0)
            return false;
        s->items = value_object(TAG_TENSOR, x);
        s->count = tensor_shape(&x->t)[0];
        return true;
    }
    default:
        return false;
    }
}

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

Value sequence_item(const Sequence *s, int64_t k)
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

Tuple *collect(Tuple *collected, Value item, PoolMark mark)
{
    interrupt_poll();
    return pool_drain_except(mark, tuple_append(collected, item));
}
