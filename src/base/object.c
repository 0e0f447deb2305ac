#include "base/runtime.h"

#include <string.h>

static void pool_grow(Runtime *r)
{
    size_t wider = r->pool_capacity * 2;
    r->pool = mem_realloc(r->pool, r->pool_capacity * sizeof *r->pool, wider * sizeof *r->pool);
    r->pool_capacity = wider;
}

/* The pool always has a free slot: it is grown after an object was added, so that an object whose pool
 * cannot grow is already where unwinding finds it. */
static inline void *pool_push(Runtime *r, Object *o)
{
    r->pool[r->pool_count++] = o;
    if (__builtin_expect(r->pool_count == r->pool_capacity, 0))
        pool_grow(r);
    return o;
}

void *object_new(const ObjectType *type, size_t size)
{
    Runtime *r = rt;
    if (size > UINT32_MAX)
        error_throw(ERROR_MEMORY, "out of memory: an object of %zu bytes is too large", size);
    Object *o = mem_alloc(size);
    o->type = type;
    o->refs = 1;
    o->size = (uint32_t)size;
    o->link.next_dead = NULL;
    r->live_objects++;
    if (__builtin_expect(r->pool_count + 1 == r->pool_capacity, 0))
        memset(o + 1, 0, size - sizeof *o);      /* growing may throw, and then `destroy` reads it */
    return pool_push(r, o);
}

void *object_new_zeroed(const ObjectType *type, size_t size)
{
    Object *o = object_new(type, size);
    memset(o + 1, 0, size - sizeof *o);
    return o;
}

void object_free_dead(Object *first)
{
    Runtime *r = rt;
    first->link.next_dead = r->dead;
    r->dead = first;
    if (r->freeing)
        return;                       /* the loop below, further up the stack, gets to it */
    r->freeing = true;
    do {
        Object *o = r->dead;
        r->dead = o->link.next_dead;
        if (o->type->destroy != NULL)
            o->type->destroy(o);
        r->live_objects--;
        mem_free(o, o->size);
    } while (r->dead != NULL);
    r->freeing = false;
}

void *pool_add(void *object)
{
    return pool_push(rt, object);
}

void pool_drain_to(PoolMark mark)
{
    Runtime *r = rt;
    while (r->pool_count > mark)
        object_release(r->pool[--r->pool_count]);
}

void *pool_drain_except(PoolMark mark, void *object)
{
    if (object == NULL) {
        pool_drain(mark);
        return NULL;
    }
    object_retain(object);
    pool_drain(mark);
    return pool_add(object);
}

/* Raw bytes: a small object that owns one block. */
typedef struct Scratch {
    Object object;
    void *block;
    size_t size;
} Scratch;

static void scratch_destroy(Object *self)
{
    Scratch *s = (Scratch *)self;
    mem_free(s->block, s->size);
}

static const ObjectType scratch_type = {"scratch", scratch_destroy};

void *scratch(size_t size)
{
    Scratch *s = object_new_zeroed(&scratch_type, sizeof *s);
    s->block = mem_alloc(size);
    s->size = size;
    return s->block;
}

void *scratch_zeroed(size_t size)
{
    return memset(scratch(size), 0, size);
}
