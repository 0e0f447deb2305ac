#include "base/runtime.h"

#include <string.h>

/* The pool always has a free slot: it is grown after an object was added, so that an object whose pool
 * cannot grow is already where unwinding finds it. */
static void *pool_push(Object *o)
{
    assert(rt->pool_count < rt->pool_capacity);
    rt->pool[rt->pool_count++] = o;
    if (rt->pool_count == rt->pool_capacity) {
        size_t wider = rt->pool_capacity * 2;
        rt->pool = mem_realloc(rt->pool, rt->pool_capacity * sizeof *rt->pool, wider * sizeof *rt->pool);
        rt->pool_capacity = wider;
    }
    return o;
}

void *object_new(const ObjectType *type, size_t size)
{
    if (size > UINT32_MAX)
        error_throw(ERROR_MEMORY, "out of memory: an object of %zu bytes is too large", size);
    Object *o = mem_alloc(size);
    o->type = type;
    o->refs = 1;
    o->size = (uint32_t)size;
    o->link.next_dead = NULL;
    rt->live_objects++;
    if (rt->pool_count + 1 == rt->pool_capacity)
        memset(o + 1, 0, size - sizeof *o);      /* growing may throw, and then `destroy` reads it */
    return pool_push(o);
}

void *object_new_zeroed(const ObjectType *type, size_t size)
{
    Object *o = object_new(type, size);
    memset(o + 1, 0, size - sizeof *o);
    return o;
}

void object_free_dead(Object *first)
{
    first->link.next_dead = rt->dead;
    rt->dead = first;
    if (rt->freeing)
        return;                       /* the loop below, further up the stack, gets to it */
    rt->freeing = true;
    while (rt->dead != NULL) {
        Object *o = rt->dead;
        rt->dead = o->link.next_dead;
        if (o->type->destroy != NULL)
            o->type->destroy(o);
        rt->live_objects--;
        mem_free(o, o->size);
    }
    rt->freeing = false;
}

void *pool_add(void *object)
{
    return pool_push(object);
}

void pool_drain_to(PoolMark mark)
{
    while (rt->pool_count > mark)
        object_release(rt->pool[--rt->pool_count]);
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
