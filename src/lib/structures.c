/* Tuples, records, ranges: making them, asking them, joining them. */
#include "base/runtime.h"
#include "lib/sequence.h"
#include "ops/rules.h"

static Value run_len(Call *call)
{
    Value x = call->args[0];
    Sequence s;
    if (x.tag == TAG_STRING)
        return value_number(((String *)x.as.any)->points);
    if (!sequence_open(&s, x))
        arg_error(call, 0, "a tuple, a record, a string, a range or a tensor with an axis");
    return value_number((double)s.count);
}

const Builtin builtin_len = {
    .usage = "len(x)", .section = "structures",
    .doc = "How many items a tuple or a range has, fields a record, characters a string, and the extent of "
           "a tensor's first axis. The number of a tensor's elements is x.size.",
    .errors = "type for numbers, 0-d tensors and functions, which have no length.",
    .example = "len(\"abc\")  #=> 3\n"
               "len({a: 1, b: 2})  #=> 2\n"
               "len(zeros(4, 2))  #=> 4",
    .related = "range keys",
    .run = run_len,
};

static double whole_argument(const Call *call, int i)
{
    return (double)arg_integer(call, i);
}

static Value run_range(Call *call)
{
    double first = whole_argument(call, 0), step = whole_argument(call, 2);
    bool both = arg_given(call, 1);
    if (step == 0)
        call_throw(call, ERROR_VALUE, "`step` must not be 0");
    return value_object(TAG_RANGE, range_new(both ? first : 0, both ? whole_argument(call, 1) : first, step));
}

const Builtin builtin_range = {
    .usage = "range(start, stop=none, step=1)", .section = "structures",
    .doc = "The whole numbers from start up to stop, which is not among them; range(n) counts from 0 to n - "
           "1. They are not stored, so range(1e9) costs nothing.",
    .errors = "type when an argument is not whole; value when the step is 0.",
    .example = "for i in range(3) { print(i, end=\" \") }  #=> 0 1 2\n"
               "map(x -> x, range(10, 0, -4))  #=> (10, 6, 2)",
    .related = "enumerate arange linspace",
    .run = run_range,
};

/* ---- side by side ---- */

static Value run_enumerate(Call *call)
{
    Sequence xs = arg_sequence(call, 0);
    double start = whole_argument(call, 1);
    PoolMark mark = pool_mark();
    Tuple *out = tuple_new(0, NULL);
    for (int64_t k = 0; k < xs.count; k++) {
        Value pair[2] = {value_number(start + (double)k), sequence_item(&xs, k)};
        out = collect(out, value_object(TAG_TUPLE, tuple_new(2, pair)), mark);
    }
    return value_object(TAG_TUPLE, out);
}

const Builtin builtin_enumerate = {
    .usage = "enumerate(xs, start=0)", .section = "structures",
    .doc = "A tuple of the pairs (position, item) of a sequence, counted from start.",
    .errors = "type when xs cannot be walked.",
    .example = "enumerate((\"a\", \"b\"))  #=> ((0, \"a\"), (1, \"b\"))\n"
               "for i, x in enumerate([10, 20]) { print(i, x) }  #=> 0 10 1 20",
    .related = "zip range",
    .run = run_enumerate,
};

static Value run_zip(Call *call)
{
    uint32_t count = ((Tuple *)call->args[0].as.any)->count;
    Sequence *xs = scratch(count * sizeof *xs + 1);
    Value *items = scratch(count * sizeof *items + 1);
    int64_t shortest = 0;
    for (uint32_t i = 0; i < count; i++) {
        xs[i] = arg_sequence_in(call, 0, i);
        if (i == 0 || xs[i].count < shortest)
            shortest = xs[i].count;
    }
    PoolMark mark = pool_mark();
    Tuple *out = tuple_new(0, NULL);
    for (int64_t k = 0; k < shortest; k++) {
        for (uint32_t i = 0; i < count; i++)
            items[i] = sequence_item(&xs[i], k);
        out = collect(out, value_object(TAG_TUPLE, tuple_new(count, items)), mark);
    }
    return value_object(TAG_TUPLE, out);
}

const Builtin builtin_zip = {
    .usage = "zip(...xs)", .section = "structures",
    .doc = "A tuple of tuples: the first items of all sequences, then the second ones, and so on to the end "
           "of the shortest.",
    .errors = "type when an argument cannot be walked.",
    .example = "zip((1, 2, 3), (\"a\", \"b\"))  #=> ((1, \"a\"), (2, \"b\"))",
    .related = "enumerate map",
    .run = run_zip,
};

/* ---- growing ---- */

static Value run_append(Call *call)
{
    Value xs = call->args[0];
    if (value_tensor(xs) != NULL)
        error_throw_hint(ERROR_TYPE,
                         "concat((x, y)) joins tensors; appending to a tuple and stacking it once is fastest",
                         "append: `xs` must be a tuple, not %s", value_described(xs));
    return value_object(TAG_TUPLE, tuple_append(arg_tuple(call, 0), call->args[1]));
}

const Builtin builtin_append = {
    .usage = "append(xs, value)", .section = "structures",
    .doc = "The tuple with one more item at its end. `t = append(t, v)` takes constant time on average.",
    .errors = "type when xs is not a tuple.",
    .example = "append((1, 2), \"three\")  #=> (1, 2, \"three\")",
    .related = "concat stack",
    .run = run_append,
};

static bool all_have_tag(const Tuple *t, Tag tag)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (tuple_items(t)[i].tag != tag)
            return false;
    return t->count > 0;
}

/* The first part grows, so that t = concat(t, u) takes the time that u asks for. */
static Value join_tuples(const Tuple *parts)
{
    PoolMark mark = pool_mark();
    Tuple *out = pool_keep(tuple_items(parts)[0].as.any);
    for (uint32_t i = 1; i < parts->count; i++) {
        const Tuple *part = tuple_items(parts)[i].as.any;
        for (uint32_t k = 0; k < part->count; k++)
            out = collect(out, tuple_items(part)[k], mark);
    }
    return value_object(TAG_TUPLE, out);
}

static Value join_strings(const Tuple *parts)
{
    Buf *out = buf_new();
    for (uint32_t i = 0; i < parts->count; i++) {
        const String *part = tuple_items(parts)[i].as.any;
        buf_add(out, part->text, part->bytes);
    }
    return value_string(buf_string(out));
}

/* The parts to join, and the axis where it is given by position: concat((a, b), 1). */
static const Tuple *concat_parts(const Call *call, Value *axis)
{
    const Tuple *given = call->args[0].as.any;
    uint32_t count = given->count;
    *axis = call->args[1];
    if (count > 1 && tuple_items(given)[count - 1].tag == TAG_NUMBER) {
        *axis = tuple_items(given)[--count];
        given = tuple_new(count, tuple_items(given));
    }
    if (count == 0)
        error_throw_hint(ERROR_TYPE, "call it as concat((a, b), axis=0)", "concat: there is nothing to join");
    return count == 1 && tuple_items(given)[0].tag == TAG_TUPLE ? tuple_items(given)[0].as.any : given;
}

/* Parts that are neither all tuples nor all strings must be tensors and numbers. */
static void check_tensors(const Call *call, const Tuple *parts)
{
    for (uint32_t k = 0; k < parts->count; k++) {
        Value part = tuple_items(parts)[k];
        if (!value_is_numeric(part))
            call_throw(call, ERROR_TYPE, "`xs` must be all tensors, all tuples or all strings, but item %u is %s%s", k,
                       value_described(part),
                       part.tag == TAG_TUPLE || part.tag == TAG_STRING ? " and others are not" : "");
    }
}

static Value run_concat(Call *call)
{
    Value axis;
    const Tuple *parts = concat_parts(call, &axis);
    bool tuples = all_have_tag(parts, TAG_TUPLE);
    if (tuples || all_have_tag(parts, TAG_STRING)) {
        if (axis.tag != TAG_NUMBER || axis.as.number != 0)
            call_throw(call, ERROR_TYPE, "%s are joined without an `axis`", tuples ? "tuples" : "strings");
        return tuples ? join_tuples(parts) : join_strings(parts);
    }
    bool one_tensor = parts->count == 1 && parts == call->args[0].as.any;
    check_tensors(call, parts);
    Value args[2] = {one_tensor ? tuple_items(parts)[0] : value_object(TAG_TUPLE, (void *)parts), axis};
    return call_value(value_object(TAG_FUNCTION, function_op(&op_concat)), 2, args, NULL);
}

const Builtin builtin_concat = {
    .usage = "concat(...xs, axis=0)", .section = "shape",
    .doc = "Joins the tensors of a tuple along an axis: concat((a, b)), concat((a, b), 1), concat((a, b), "
           "axis=1). Their other extents are equal; the dtype is the widest; gradients flow to all of them. "
           "Given tuples, concat(t, u), it joins them to one tuple, and strings to one string.",
    .errors = "shape when the other extents differ or a tensor is 0-d; index when the axis is out of range; "
              "type when there is something else than tensors among the parts.",
    .example = "concat(([1, 2], [3]))  #=> [1, 2, 3]\n"
               "concat(([[1], [2]], [[3], [4]]), axis=1)  #=> [[1, 3], [2, 4]]\n"
               "concat((1, 2), (\"a\",))  #=> (1, 2, \"a\")",
    .related = "stack split append",
    .run = run_concat,
};

/* ---- records ---- */

static Value run_keys(Call *call)
{
    const Record *r = arg_record(call, 0);
    Value *items = scratch(r->count * sizeof *items + 1);
    for (uint32_t i = 0; i < r->count; i++)
        items[i] = value_string(r->fields[i].key);
    return value_object(TAG_TUPLE, tuple_new(r->count, items));
}

const Builtin builtin_keys = {
    .usage = "keys(r)", .section = "structures",
    .doc = "The names of a record's fields, in order, as a tuple of strings.",
    .errors = "type when r is not a record.",
    .example = "keys({w: 1, b: 2})  #=> (\"w\", \"b\")",
    .related = "values has",
    .run = run_keys,
};

static Value run_values(Call *call)
{
    const Record *r = arg_record(call, 0);
    Value *items = scratch(r->count * sizeof *items + 1);
    for (uint32_t i = 0; i < r->count; i++)
        items[i] = r->fields[i].value;
    return value_object(TAG_TUPLE, tuple_new(r->count, items));
}

const Builtin builtin_values = {
    .usage = "values(r)", .section = "structures",
    .doc = "The values of a record's fields, in order, as a tuple.",
    .errors = "type when r is not a record.",
    .example = "values({w: 1, b: 2})  #=> (1, 2)",
    .related = "keys has",
    .run = run_values,
};

static Value run_has(Call *call)
{
    const Record *r = arg_record(call, 0);
    return value_bool(record_find(r, arg_string(call, 1)) != NULL);
}

const Builtin builtin_has = {
    .usage = "has(r, key)", .section = "structures",
    .doc = "Whether a record has a field of that name; `key in r` says the same.",
    .errors = "type when r is not a record or key not a string.",
    .example = "has({w: 1}, \"w\")  #=> true",
    .related = "keys values",
    .run = run_has,
};
