#include "lang/sequence.h"

/* The code points of a string, as a tuple of strings. */
static Value string_points(const String *text)
{
    Value *items = scratch((size_t)text->points * sizeof *items + 1);
    size_t start = 0;
    for (uint32_t i = 0; i < text->points; i++) {
        size_t end = string_offset(text, i + 1);
        items[i] = value_string(string_counted(text->text + start, end - start, 1));
        start = end;
    }
    return value_object(TAG_TUPLE, tuple_new(text->points, items));
}

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
