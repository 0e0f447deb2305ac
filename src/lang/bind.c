#include "lang/bind.h"

#include "lang/eval.h"
#include "lang/indexing.h"

#include <string.h>

/* ---- parameters ---- */

static _Noreturn void throw_too_many(Function *f, uint32_t count)
{
    const Signature *s = function_signature(f);
    error_throw_hint(ERROR_TYPE, string_format("call it as %s", function_usage(f)->text)->text,
                     "%s: takes %u argument%s, not %u", function_name(f), s->count, s->count == 1 ? "" : "s", count);
}

static _Noreturn void throw_missing(Function *f, const Parameter *p)
{
    error_throw_hint(ERROR_TYPE, string_format("call it as %s", function_usage(f)->text)->text,
                     "%s: the argument `%s` is missing", function_name(f), p->name->text);
}

static _Noreturn void throw_unknown_argument(Function *f, const String *name)
{
    const Signature *s = function_signature(f);
    Nearest nearest = nearest_begin(name->text);
    for (uint32_t i = 0; i < s->count; i++)
        nearest_offer(&nearest, s->at[i].name->text);
    const char *hint = nearest.best != NULL ? string_format("did you mean `%s`?", nearest.best)->text
                                            : string_format("call it as %s", function_usage(f)->text)->text;
    error_throw_hint(ERROR_TYPE, hint, "%s: there is no argument `%s`", function_name(f), name->text);
}

static uint32_t find_parameter(Function *f, const String *name)
{
    const Signature *s = function_signature(f);
    for (uint32_t i = 0; i < s->count; i++)
        if (string_equal(s->at[i].name, name) && !s->at[i].rest)
            return i;
    throw_unknown_argument(f, name);
}

/* Positional arguments alone, and not too many: they stand where they belong, and defaults come behind them. */
static void append_defaults(Function *f, const Signature *s, Value *args, uint32_t count)
{
    Session *now = session();
    if (now->stack_end - args < (ptrdiff_t)s->count)
        throw_stack_full();
    for (uint32_t i = count; i < s->count; i++) {
        if (!s->at[i].has_default)
            throw_missing(f, &s->at[i]);
        args[i] = f->kind == FUNCTION_CLOSURE ? (Value){TAG_UNSET, {.any = NULL}} : value_retain(s->at[i].initial);
        now->top = args + i + 1;
    }
}

void bind_arguments(Function *f, Value *args, String *const *names, uint32_t count)
{
    const Signature *s = function_signature(f);
    if (names == NULL && count <= s->count && s->rest == s->count) {
        append_defaults(f, s, args, count);
        return;
    }
    Session *now = session();
    uint32_t rest = s->rest, positional = 0;
    Value *bound = scratch((s->count + 1) * sizeof *bound);
    while (positional < count && (names == NULL || names[positional] == NULL))
        positional++;
    for (uint32_t i = 0; i < s->count; i++)
        bound[i] = (Value){TAG_UNSET, {.any = NULL}};
    if (positional > s->count && rest == s->count)
        throw_too_many(f, count);
    for (uint32_t i = 0; i < positional && i < rest; i++)
        bound[i] = args[i];
    if (rest < s->count)
        bound[rest] = value_object(TAG_TUPLE, tuple_new(positional > rest ? positional - rest : 0, args + rest));
    for (uint32_t i = positional; i < count; i++) {
        if (names[i] == NULL)
            error_throw(ERROR_TYPE, "%s: positional arguments come before named ones", function_name(f));
        uint32_t at = find_parameter(f, names[i]);
        if (bound[at].tag != TAG_UNSET)
            error_throw(ERROR_TYPE, "%s: the argument `%s` is given twice", function_name(f), names[i]->text);
        bound[at] = args[i];
    }
    for (uint32_t i = 0; i < s->count; i++) {
        if (bound[i].tag != TAG_UNSET)
            continue;
        if (!s->at[i].has_default)
            throw_missing(f, &s->at[i]);
        if (f->kind != FUNCTION_CLOSURE)
            bound[i] = s->at[i].initial;
    }
    if (now->stack_end - args < (ptrdiff_t)s->count)
        throw_stack_full();
    for (uint32_t i = 0; i < s->count; i++)
        value_retain(bound[i]);
    while (now->top > args)
        value_release(*--now->top);
    memcpy(args, bound, s->count * sizeof *bound);
    now->top = args + s->count;
}

/* ---- arguments of operations ---- */

typedef struct OpBinding {
    Function *f;
    const Op *op;
    const Parameter *parameters;
    const Value *values;
    Arg args[OP_MAX_ARGS];
    uint32_t numbers;
} OpBinding;

/* `v` is the argument, or what is wrong in it. */
static _Noreturn void throw_kind(const OpBinding *b, int i, const char *expected, Value v)
{
    throw_wrong_type(function_name(b->f), b->parameters[i].name->text, expected, v);
}

static double bound_number(const OpBinding *b, int i, const char *expected)
{
    Value v = b->values[i];
    GradTensor *x = v.tag == TAG_NUMBER ? NULL : value_tensor(v);
    if (v.tag == TAG_NUMBER)
        return v.as.number;
    if (x == NULL || x->t.size != 1)
        throw_kind(b, i, expected, v);
    return tensor_item(&x->t);
}

static int64_t whole(const OpBinding *b, int i, double x)
{
    return whole_or_throw(function_name(b->f), b->parameters[i].name->text, x,
                          b->op->args[i] == ARG_SHAPE ? ERROR_MEMORY : ERROR_VALUE);
}

typedef struct Wholes {
    int64_t *at;
    int64_t count, capacity;
} Wholes;

/* Whole numbers out of a number, a tensor, a range, or tuples of these, nested, in order. */
static void collect_wholes(const OpBinding *b, int i, Value v, Wholes *out)
{
    GradTensor *x;
    stack_check();
    if (v.tag == TAG_TUPLE) {
        const Tuple *t = v.as.any;
        for (uint32_t k = 0; k < t->count; k++)
            collect_wholes(b, i, tuple_items(t)[k], out);
        return;
    }
    if (v.tag == TAG_RANGE) {
        const Range *r = v.as.any;
        for (int64_t k = 0; k < r->count; k++)
            collect_wholes(b, i, value_number(range_at(r, k)), out);
        return;
    }
    if ((x = value_tensor(v)) == NULL || v.tag == TAG_BOOL)
        throw_kind(b, i, "whole numbers", v);
    if (out->capacity - out->count < x->t.size) {
        int64_t wider = 2 * (out->count + x->t.size) + 8;
        int64_t *moved = scratch(mem_product((size_t)wider, sizeof *moved));
        memcpy(moved, out->at, (size_t)out->count * sizeof *moved);
        out->at = moved;
        out->capacity = wider;
    }
    for (int64_t k = 0; k < x->t.size; k++)
        out->at[out->count++] = whole(b, i, tensor_at(&x->t, k));
}

static IntList *bound_ints(const OpBinding *b, int i)
{
    int64_t first[8];
    Wholes wholes = {first, 0, 8};
    collect_wholes(b, i, b->values[i], &wholes);
    return int_list_new(wholes.count, wholes.at);
}

/* Extents, not too many. What they may be is for the row to say: some operations fill in -1. */
static IntList *bound_shape(const OpBinding *b, int i)
{
    IntList *shape = bound_ints(b, i);
    if (shape->count > TENSOR_MAX_NDIM)
        error_throw(ERROR_SHAPE, "%s: a tensor has at most %d axes, not %lld", function_name(b->f), TENSOR_MAX_NDIM,
                    (long long)shape->count);
    return shape;
}

static IntList *bound_axes(const OpBinding *b, int i)
{
    Value v = b->values[i];
    if (v.tag == TAG_NONE)
        return NULL;
    if ((v.tag == TAG_TENSOR || v.tag == TAG_VARIABLE) && value_tensor(v)->t.size != 1)
        error_throw_hint(ERROR_TYPE, strcmp(function_name(b->f), "max") == 0   ? "maximum(a, b) compares two tensors"
                                     : strcmp(function_name(b->f), "min") == 0 ? "minimum(a, b) compares two tensors"
                                                                               : NULL,
                         "%s: `%s` must be a whole number or a tuple of them, not a tensor", function_name(b->f),
                         b->parameters[i].name->text);
    return bound_ints(b, i);
}

static TensorList *bound_tensors(const OpBinding *b, int i)
{
    Value v = b->values[i];
    GradTensor *x = v.tag == TAG_TENSOR || v.tag == TAG_VARIABLE ? value_tensor(v) : NULL;
    int64_t count = v.tag == TAG_TUPLE ? ((Tuple *)v.as.any)->count
                  : x != NULL && x->t.ndim > 0 ? tensor_shape(&x->t)[0] : -1;
    if (count < 0)
        throw_kind(b, i, "a tuple of tensors", v);
    TensorList *list = tensor_list_new(count, NULL);
    for (int64_t k = 0; k < count; k++) {
        GradTensor *item = x != NULL ? tensor_row(x, k) : value_tensor(tuple_items(v.as.any)[k]);
        if (item == NULL)
            error_throw(ERROR_TYPE, "%s: `%s` must be %s, but item %lld is %s", function_name(b->f),
                        b->parameters[i].name->text, b->parameters[i].rest ? "tensors" : "a tuple of tensors",
                        (long long)k, value_described(tuple_items(v.as.any)[k]));
        list->at[k] = object_retain(item);
    }
    return list;
}

static int64_t bound_dtype(const OpBinding *b, int i)
{
    Value v = b->values[i];
    if (v.tag == TAG_NONE)
        return -1;
    if (v.tag != TAG_STRING)
        throw_kind(b, i, "the name of a dtype", v);
    return dtype_or_throw(function_name(b->f), v.as.any);
}

static void bind_tensor(OpBinding *b, int i, bool optional)
{
    Value v = b->values[i];
    if (v.tag == TAG_NUMBER) {
        b->args[i].number = v.as.number;
        b->numbers |= 1u << i;
        return;
    }
    b->args[i].tensor = value_tensor(v);
    if (b->args[i].tensor == NULL && !(optional && v.tag == TAG_NONE))
        throw_kind(b, i, "a tensor or a number", v);
}

static void bind_number_or_text(OpBinding *b, int i)
{
    if (b->values[i].tag == TAG_STRING) {
        b->args[i].text = b->values[i].as.any;
        return;
    }
    b->args[i].number = bound_number(b, i, "a number or a name");
    b->numbers |= 1u << i;
}

static void bind_one(OpBinding *b, int i)
{
    const Parameter *p = &b->parameters[i];
    Value v = b->values[i];
    switch (b->op->args[i]) {
    case ARG_TENSOR: bind_tensor(b, i, p->has_default && p->initial.tag == TAG_NONE); break;
    case ARG_TENSORS: b->args[i].tensors = bound_tensors(b, i); break;
    case ARG_NUMBER: b->args[i].number = bound_number(b, i, "a number"); break;
    case ARG_INTEGER: b->args[i].integer = whole(b, i, bound_number(b, i, "a whole number")); break;
    case ARG_FLAG:
        if (v.tag != TAG_BOOL && v.tag != TAG_NUMBER)
            throw_kind(b, i, "true or false", v);
        b->args[i].integer = value_truth(v);
        break;
    case ARG_AXES: b->args[i].ints = bound_axes(b, i); break;
    case ARG_SHAPE: b->args[i].ints = bound_shape(b, i); break;
    case ARG_INTS:
        b->args[i].ints = v.tag == TAG_NONE && p->has_default && p->initial.tag == TAG_NONE ? NULL : bound_ints(b, i);
        break;
    case ARG_DTYPE: b->args[i].integer = bound_dtype(b, i); break;
    case ARG_TEXT:
        if (v.tag != TAG_STRING && !(v.tag == TAG_NONE && p->has_default && p->initial.tag == TAG_NONE))
            throw_kind(b, i, "a string", v);
        b->args[i].text = v.tag == TAG_NONE ? NULL : v.as.any;
        break;
    case ARG_NUMBER_OR_TEXT: bind_number_or_text(b, i); break;
    default: assert(!"a kind of argument"); break;
    }
}

static Value tuple_of_tensors(int64_t count, GradTensor *const *tensors)
{
    Value *items = scratch((size_t)count * sizeof *items + 1);
    for (int64_t k = 0; k < count; k++)
        items[k] = value_of_tensor(tensors[k]);
    return value_object(TAG_TUPLE, tuple_new((uint32_t)count, items));
}

/* What an operation gets for parameters that are left out: bound once, because most calls leave some out. */
typedef struct Defaults {
    Object object;
    const Op *op;
    Arg args[OP_MAX_ARGS];
    uint32_t numbers;
} Defaults;

static void defaults_destroy(Object *self)
{
    Defaults *d = (Defaults *)self;
    FOR_MASK(i, d->op->counted_args & ~d->numbers)
        object_release(d->args[i].object);
}

static const ObjectType defaults_type = {"defaults", defaults_destroy};

static const Defaults *defaults_of(Function *f)
{
    if (f->defaults == NULL) {
        const Signature *s = function_signature(f);
        Value values[OP_MAX_ARGS];
        OpBinding b = {.f = f, .op = f->as.op, .parameters = s->at, .values = values};
        for (uint32_t i = s->required; i < s->count; i++) {
            values[i] = s->at[i].initial;
            bind_one(&b, (int)i);
        }
        Defaults *d = object_new_zeroed(&defaults_type, sizeof *d);
        d->op = b.op;
        d->numbers = b.numbers;
        memcpy(d->args, b.args, sizeof d->args);
        FOR_MASK(i, d->op->counted_args & ~d->numbers)
            if (d->args[i].object != NULL)
                object_retain(d->args[i].object);
        f->defaults = object_retain(d);
    }
    return (const Defaults *)f->defaults;
}

bool op_takes(Function *f, uint32_t count)
{
    const Signature *s = function_signature(f);
    return count >= s->required && count <= s->count && s->rest == s->count;
}

Value run_op(Function *f, const Value *args, uint32_t count)
{
    OpBinding b = {.f = f, .op = f->as.op, .parameters = function_signature(f)->at, .values = args};
    for (uint32_t i = 0; i < count; i++)
        bind_one(&b, (int)i);
    if (count < b.op->arg_count) {
        const Defaults *d = defaults_of(f);
        for (uint32_t i = count; i < b.op->arg_count; i++)
            b.args[i] = d->args[i];
        b.numbers |= d->numbers >> count << count;
    }
    if (b.op->outputs > 0) {
        GradTensor *out[OP_MAX_ARGS];
        op_call_many(b.op, b.args, b.numbers, out);
        return tuple_of_tensors(b.op->outputs, out);
    }
    if (b.op->compose_list != NULL) {
        TensorList *list = op_call_list(b.op, b.args, b.numbers);
        return tuple_of_tensors(list->count, list->at);
    }
    return value_of_tensor(op_call(b.op, b.args, b.numbers));
}
