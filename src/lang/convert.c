/* Values and tensors: what a value means where a tensor, a truth or a comparison is wanted. */
#include "lang/function.h"

#include "base/runtime.h"
#include "tensor/state.h"

#include <string.h>

const char *value_type_name(Value v)
{
    static const char *const names[] = {
        [TAG_UNSET] = "nothing", [TAG_NONE] = "none", [TAG_BOOL] = "bool", [TAG_NUMBER] = "number",
        [TAG_STRING] = "string", [TAG_TENSOR] = "tensor", [TAG_TUPLE] = "tuple", [TAG_RECORD] = "record",
        [TAG_FUNCTION] = "function", [TAG_RANGE] = "range", [TAG_VARIABLE] = "tensor",
    };
    if (v.tag == TAG_TENSOR && gt_weak(v.as.any))
        return gt_dtype(v.as.any) == DTYPE_BOOL ? "bool" : "number";
    return names[v.tag];
}

const char *value_described(Value v)
{
    const char *name = value_type_name(v);
    return v.tag == TAG_NONE || v.tag == TAG_UNSET ? name : string_format("a %s", name)->text;
}

GradTensor *value_tensor(Value v)
{
    switch (v.tag) {
    case TAG_TENSOR:
        return v.as.any;
    case TAG_VARIABLE:
        return pool_keep(((Variable *)v.as.any)->value);
    case TAG_NUMBER:
        return gt_number(v.as.number);
    case TAG_BOOL:
        return gt_scalar(DTYPE_BOOL, v.as.boolean);
    default:
        return NULL;
    }
}

Value value_of_tensor(GradTensor *x)
{
    if (!gt_weak(x) || gt_tracked(x) || gt_batch(x) != 0)
        return value_object(TAG_TENSOR, x);
    double item = tensor_item(&x->t);
    return gt_dtype(x) == DTYPE_BOOL ? value_bool(item != 0) : value_number(item);
}

bool value_is_numeric(Value v)
{
    return v.tag == TAG_TENSOR || v.tag == TAG_VARIABLE || v.tag == TAG_NUMBER || v.tag == TAG_BOOL;
}

static _Noreturn void throw_mapped_truth(void)
{
    tensor_state()->looked = LOOK_TRUTH;
    error_throw_hint(ERROR_TYPE, "where(c, a, b) chooses in each slice by itself; or loop over the slices: "
                     "stack(map(f, xs))",
                     "inside of vmap a mapped value stands for all slices at once, which may be true in some and "
                     "false in others: an `if` or `while` cannot depend on it");
}

static bool tensor_truth(GradTensor *x)
{
    if (gt_batch(x) != 0 && x->t.size == 1)
        throw_mapped_truth();
    if (x->t.size == 1)
        return tensor_item(&x->t) != 0;
    if (x->t.size == 0)
        error_throw_hint(ERROR_VALUE, "test x.size, or any(x) or all(x)", "an empty tensor is neither true nor false");
    error_throw_hint(ERROR_VALUE, "use any(x) or all(x)", "a tensor of shape %s is neither true nor false",
                     shape_text(x->t.ndim, tensor_shape(&x->t)));
}

bool value_truth(Value v)
{
    switch (v.tag) {
    case TAG_BOOL:
        return v.as.boolean;
    case TAG_NUMBER:
        return v.as.number != 0;
    case TAG_TENSOR:
    case TAG_VARIABLE:
        return tensor_truth(value_tensor(v));
    case TAG_NONE:
        error_throw_hint(ERROR_TYPE, "compare it: x == none", "none is neither true nor false");
    default:
        error_throw_hint(ERROR_TYPE, "a condition is a bool, a number or a one-element tensor",
                         "%s is neither true nor false", value_described(v));
    }
}

static bool tensors_equal(GradTensor *a, GradTensor *b)
{
    if (!shape_equal(a->t.ndim, tensor_shape(&a->t), b->t.ndim, tensor_shape(&b->t)))
        return false;
    for (int64_t i = 0; i < a->t.size; i++)
        if (tensor_at(&a->t, i) != tensor_at(&b->t, i))
            return false;
    return true;
}

static bool records_equal(const Record *a, const Record *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        const Field *other = record_find(b, a->fields[i].key);
        if (other == NULL || !value_equal(a->fields[i].value, other->value))
            return false;
    }
    return true;
}

static bool tuples_equal(const Tuple *a, const Tuple *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!value_equal(tuple_items(a)[i], tuple_items(b)[i]))
            return false;
    return true;
}

bool value_equal(Value a, Value b)
{
    stack_check();
    if (value_is_numeric(a) && value_is_numeric(b)) {
        if (a.tag == TAG_NUMBER && b.tag == TAG_NUMBER)
            return a.as.number == b.as.number;
        return tensors_equal(value_tensor(a), value_tensor(b));
    }
    if (a.tag != b.tag)
        return false;
    switch (a.tag) {
    case TAG_NONE:
        return true;
    case TAG_STRING:
        return string_equal(a.as.any, b.as.any);
    case TAG_TUPLE:
        return tuples_equal(a.as.any, b.as.any);
    case TAG_RECORD:
        return records_equal(a.as.any, b.as.any);
    case TAG_RANGE: {
        const Range *r = a.as.any, *q = b.as.any;
        return r->count == q->count
            && (r->count == 0 || (r->start == q->start && (r->count == 1 || r->step == q->step)));
    }
    default:
        return a.as.any == b.as.any;
    }
}
