/* Structures: tuples and records, nested, as vectors of their leaves. */
#include "lang/function.h"

#include "base/runtime.h"

Value structure_map(Value v, Value (*leaf)(Value leaf, void *context), void *context)
{
    stack_check();
    if (v.tag == TAG_TUPLE) {
        const Tuple *t = v.as.any;
        Value *items = scratch((size_t)t->count * sizeof *items);
        for (uint32_t i = 0; i < t->count; i++)
            items[i] = structure_map(tuple_items(t)[i], leaf, context);
        return value_object(TAG_TUPLE, tuple_new(t->count, items));
    }
    if (v.tag == TAG_RECORD) {
        const Record *r = v.as.any;
        Record *out = record_new(r->count);
        for (uint32_t i = 0; i < r->count; i++)
            record_set(out, r->fields[i].key, structure_map(r->fields[i].value, leaf, context));
        return value_object(TAG_RECORD, out);
    }
    return leaf(v, context);
}

static uint32_t count_leaves(Value v)
{
    uint32_t count = 0;
    stack_check();
    if (v.tag == TAG_TUPLE) {
        const Tuple *t = v.as.any;
        for (uint32_t i = 0; i < t->count; i++)
            count += count_leaves(tuple_items(t)[i]);
        return count;
    }
    if (v.tag == TAG_RECORD) {
        const Record *r = v.as.any;
        for (uint32_t i = 0; i < r->count; i++)
            count += count_leaves(r->fields[i].value);
        return count;
    }
    return 1;
}

static Value collect_leaf(Value leaf, void *context)
{
    Leaves *leaves = context;
    leaves->at[leaves->count++] = leaf;
    return leaf;
}

Leaves structure_leaves(Value structure)
{
    Leaves leaves = {scratch((size_t)count_leaves(structure) * sizeof *leaves.at + 1), 0};
    structure_map(structure, collect_leaf, &leaves);
    return leaves;
}

static Value next_leaf(Value leaf, void *context)
{
    (void)leaf;
    const Value **at = context;
    return *(*at)++;
}

Value structure_rebuild(Value structure, const Value *leaves)
{
    return structure_map(structure, next_leaf, &leaves);
}

static bool same_tuples(const Tuple *a, const Tuple *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!structure_same(tuple_items(a)[i], tuple_items(b)[i]))
            return false;
    return true;
}

static bool same_records(const Record *a, const Record *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!string_equal(a->fields[i].key, b->fields[i].key)
            || !structure_same(a->fields[i].value, b->fields[i].value))
            return false;
    return true;
}

bool structure_same(Value a, Value b)
{
    stack_check();
    if (!value_is_structure(a) || !value_is_structure(b))
        return !value_is_structure(a) && !value_is_structure(b);
    if (a.tag != b.tag)
        return false;
    return a.tag == TAG_TUPLE ? same_tuples(a.as.any, b.as.any) : same_records(a.as.any, b.as.any);
}
