#include "lang/value.h"

#include "base/runtime.h"

#include <math.h>
#include <string.h>

/* ---- tuples ---- */

static void tuple_store_destroy(Object *self)
{
    TupleStore *s = (TupleStore *)self;
    for (uint32_t i = 0; i < s->used; i++)
        value_release(s->items[i]);
    mem_free(s->items, s->capacity * sizeof *s->items);
}

static const ObjectType tuple_store_type = {"items of a tuple", tuple_store_destroy};

static void tuple_destroy(Object *self)
{
    object_release(((Tuple *)self)->store);
}

static const ObjectType tuple_type = {"tuple", tuple_destroy};

static Tuple *tuple_of_store(TupleStore *store, uint32_t count)
{
    Tuple *t = object_new_zeroed(&tuple_type, sizeof *t);
    t->store = object_retain(store);
    t->count = count;
    return t;
}

static TupleStore *store_new(uint32_t count, const Value *items, uint32_t capacity)
{
    TupleStore *s = object_new_zeroed(&tuple_store_type, sizeof *s);
    s->items = mem_alloc(mem_product(capacity, sizeof *s->items));
    s->capacity = capacity;
    for (uint32_t i = 0; i < count; i++)
        s->items[i] = value_retain(items[i]);
    s->used = count;
    return s;
}

Tuple *tuple_new(uint32_t count, const Value *items)
{
    return tuple_of_store(store_new(count, items, count), count);
}

Tuple *tuple_append(Tuple *tuple, Value item)
{
    TupleStore *s = tuple->store;
    if (tuple->count == UINT32_MAX)
        error_throw(ERROR_LIMIT, "append: a tuple cannot hold more than %u values", UINT32_MAX);
    if (tuple->count < s->used)
        s = store_new(tuple->count, s->items, tuple->count + tuple->count / 2 + 4);
    VEC_PUSH(s->items, s->used, s->capacity, item);
    value_retain(item);
    return tuple_of_store(s, tuple->count + 1);
}

/* ---- records ---- */

enum { INDEX_FROM = 9 };              /* fewer fields are looked up by walking them */

static void record_destroy(Object *self)
{
    Record *r = (Record *)self;
    for (uint32_t i = 0; i < r->count; i++) {
        object_release(r->fields[i].key);
        value_release(r->fields[i].value);
    }
    mem_free(r->fields, r->capacity * sizeof *r->fields);
    mem_free(r->index, r->index_size * sizeof *r->index);
}

static const ObjectType record_type = {"record", record_destroy};

Record *record_new(uint32_t capacity)
{
    Record *r = object_new_zeroed(&record_type, sizeof *r);
    if (capacity > 0) {
        r->fields = mem_alloc(mem_product(capacity, sizeof *r->fields));
        r->capacity = capacity;
    }
    return r;
}

static void index_put(Record *r, uint32_t position)
{
    uint32_t i = string_hash(r->fields[position].key) & (r->index_size - 1);
    while (r->index[i] != 0)
        i = (i + 1) & (r->index_size - 1);
    r->index[i] = position + 1;
}

static void index_grow(Record *r)
{
    uint32_t size = r->index_size ? r->index_size * 2 : 32;
    uint32_t *wider = mem_alloc_zeroed(mem_product(size, sizeof *wider));
    mem_free(r->index, r->index_size * sizeof *r->index);
    r->index = wider;
    r->index_size = size;
    for (uint32_t i = 0; i < r->count; i++)
        index_put(r, i);
}

static Field *find(const Record *r, uint32_t hash, const char *text, size_t bytes)
{
    uint32_t mask = r->index_size - 1;
    if (r->index_size > 0) {
        for (uint32_t i = hash & mask; r->index[i] != 0; i = (i + 1) & mask) {
            Field *f = &r->fields[r->index[i] - 1];
            if (string_hash(f->key) == hash && f->key->bytes == bytes && memcmp(f->key->text, text, bytes) == 0)
                return f;
        }
        return NULL;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        Field *f = &r->fields[i];
        if (string_hash(f->key) == hash && f->key->bytes == bytes && memcmp(f->key->text, text, bytes) == 0)
            return f;
    }
    return NULL;
}

Field *record_find(const Record *r, const String *key)
{
    return find(r, string_hash(key), key->text, key->bytes);
}

Field *record_find_text(const Record *r, const char *key)
{
    return find(r, text_hash(key, strlen(key)), key, strlen(key));
}

void record_set(Record *r, String *key, Value value)
{
    Field *old = record_find(r, key);
    if (old != NULL) {
        Value before = old->value;
        old->value = value_retain(value);
        value_release(before);
        return;
    }
    /* The index grows first: when there is no memory for it, the record is as it was. */
    if (r->count + 1 >= INDEX_FROM && (r->count + 1) * 2 > r->index_size)
        index_grow(r);
    VEC_PUSH(r->fields, r->count, r->capacity, ((Field){object_retain(key), value_retain(value)}));
    if (r->index_size > 0)
        index_put(r, r->count - 1);
}

Record *record_copy(const Record *record)
{
    Record *r = record_new(record->count + 1);
    for (uint32_t i = 0; i < record->count; i++)
        record_set(r, record->fields[i].key, record->fields[i].value);
    return r;
}

/* ---- ranges ---- */

static const ObjectType range_type = {"range", NULL};

Range *range_new(double start, double stop, double step)
{
    double count = ceil((stop - start) / step);
    if (!(count < 9e15))
        error_throw(ERROR_VALUE, "range: %g to %g by %g has too many elements", start, stop, step);
    Range *r = object_new(&range_type, sizeof *r);
    r->start = start;
    r->stop = stop;
    r->step = step;
    r->count = count > 0 ? (int64_t)count : 0;
    return r;
}
