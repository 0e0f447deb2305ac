/* Values: 16 bytes, a tag and either an immediate or a counted object. A Value is borrowed unless
 * something says that it owns: variables, frame slots, tuples and records own theirs. What an evaluation
 * returns belongs to the pool (see base/object.h). */
#ifndef DBX_LANG_VALUE_H
#define DBX_LANG_VALUE_H

#include "base/object.h"
#include "base/text.h"

typedef enum Tag {
    TAG_UNSET,                        /* a variable without a value yet; never seen by programs */
    TAG_NONE, TAG_BOOL, TAG_NUMBER,
    /* objects from here on */
    TAG_STRING, TAG_TENSOR, TAG_TUPLE, TAG_RECORD, TAG_FUNCTION, TAG_RANGE,
    TAG_VARIABLE                      /* a parameter or a buffer */
} Tag;

typedef struct Value {
    uint64_t tag;                     /* a Tag; a whole word so that a Value travels in two registers */
    union {
        double number;
        bool boolean;
        Object *object;
        void *any;
    } as;
} Value;

static inline bool value_is_object(Value v) { return v.tag >= TAG_STRING; }
/* Tuples and records have leaves, which arithmetic and derivatives go to. */
static inline bool value_is_structure(Value v) { return v.tag == TAG_TUPLE || v.tag == TAG_RECORD; }
static inline Value value_number(double x) { return (Value){TAG_NUMBER, {.number = x}}; }
static inline Value value_bool(bool b) { return (Value){TAG_BOOL, {.boolean = b}}; }
static inline Value value_none(void) { return (Value){TAG_NONE, {.any = NULL}}; }
static inline Value value_object(Tag tag, void *object) { return (Value){tag, {.any = object}}; }

static inline Value value_retain(Value v)
{
    if (value_is_object(v))
        object_retain(v.as.object);
    return v;
}
static inline void value_release(Value v)
{
    if (value_is_object(v))
        object_release(v.as.object);
}

/* ---- tuples ----
 *
 * Several tuples may share one store: each is a prefix of it. A tuple that reaches to the store's end can be
 * appended to in place, because the shorter ones do not see what comes after them; so `t = append(t, v)` takes
 * constant time on average without anybody's value changing. */

typedef struct TupleStore {
    Object object;
    Value *items;                     /* owned values */
    uint32_t used, capacity;
} TupleStore;

typedef struct Tuple {
    Object object;
    TupleStore *store;
    uint32_t count;
} Tuple;

Tuple *tuple_new(uint32_t count, const Value *items);
Tuple *tuple_append(Tuple *tuple, Value item);
static inline const Value *tuple_items(const Tuple *t) { return t->store->items; }

/* ---- records: ordered fields ---- */

typedef struct Field {
    String *key;
    Value value;
} Field;

typedef struct Record {
    Object object;
    Field *fields;
    uint32_t count, capacity;
    uint32_t *index;                  /* hash table of positions + 1, only for many fields */
    uint32_t index_size;              /* a power of two, or 0 */
} Record;

Record *record_new(uint32_t capacity);
/* A copy that shares nothing but the values. */
Record *record_copy(const Record *record);
/* Only on a record that nobody else can see. */
void record_set(Record *record, String *key, Value value);
/* NULL when there is no such field. */
Field *record_find(const Record *record, const String *key);
Field *record_find_text(const Record *record, const char *key);

/* ---- ranges: lazy whole numbers ---- */

typedef struct Range {
    Object object;
    double start, stop, step;         /* stop as it was given: for showing */
    int64_t count;
} Range;

Range *range_new(double start, double stop, double step);
static inline double range_at(const Range *r, int64_t i) { return r->start + r->step * (double)i; }

#endif
