/* Counted objects and the pool: the ownership rule of the whole program.
 *
 * 1. What a function returns belongs to the current pool: it lives until the pool is drained.
 * 2. To keep an object, retain it; to give it up, release it.
 * 3. Only the evaluator and the drivers open and drain pools (POOL_MARK, pool_drain).
 *
 * So an error path costs no lines: unwinding drains the pool. Counting is exact because no cycle can
 * be built. Release is iterative: an object whose count reaches zero is put on a list of the dead,
 * and destroying it may add its parts to the list; depth never uses the C stack. */
#ifndef DBX_BASE_OBJECT_H
#define DBX_BASE_OBJECT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Object Object;

/* One constant per type of object. */
typedef struct ObjectType {
    const char *name;                 /* as `type(x)` shows it */
    void (*destroy)(Object *self);    /* releases the parts; the block itself is freed by the caller. May be NULL */
} ObjectType;

struct Object {
    const ObjectType *type;
    uint32_t refs;
    uint32_t size;                    /* of the block in bytes */
    union {
        Object *next_dead;            /* while on the list of the dead */
        struct { uint32_t mark, index; } visit;   /* for a graph walk's own use while it lives */
    } link;
};

/* A new object of `size` bytes in all, owned by the current pool. Only the header is initialised: fill in
 * every field that `destroy` reads before anything that may throw. */
void *object_new(const ObjectType *type, size_t size);

/* The same, zeroed behind the header. */
void *object_new_zeroed(const ObjectType *type, size_t size);

/* For object_release: destroys an object whose count is zero, and all that dies with it. */
void object_free_dead(Object *first);

static inline void *object_retain(void *object)
{
    ((Object *)object)->refs++;
    return object;
}

/* The same, and NULL for NULL. */
static inline void *object_retain_any(void *object)
{
    return object != NULL ? object_retain(object) : NULL;
}

/* NULL is allowed. */
static inline void object_release(void *object)
{
    Object *o = object;
    if (o != NULL && --o->refs == 0)
        object_free_dead(o);
}

/* Hands one reference that the caller owns to the pool, and returns the object. */
void *pool_add(void *object);
/* A second reference, owned by the pool: for a borrowed object whose owner may change. */
static inline void *pool_keep(void *object) { return pool_add(object_retain(object)); }

/* Marks and draining are in runtime.h: pool_mark, pool_drain. */
typedef size_t PoolMark;
void pool_drain_to(PoolMark mark);
/* Drains, but `object` stays alive, owned by the pool below the mark. NULL is allowed. */
void *pool_drain_except(PoolMark mark, void *object);

/* `size` raw bytes owned by the pool (64-byte aligned when larger than 512). */
void *scratch(size_t size);
void *scratch_zeroed(size_t size);

#endif
