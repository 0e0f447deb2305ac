#include "base/runtime.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Small blocks: one free list per multiple of 16 bytes, filled from chunks that are kept until the session ends.
 * Large blocks: four size classes per power of two, each with a list of blocks given back.
 * Under AddressSanitizer every block is its own malloc, so that misuse is seen. */

#if defined(__SANITIZE_ADDRESS__)
enum { POOLED = 0 };
#else
enum { POOLED = 1 };
#endif

enum {
    SLAB_STEP = 16,
    SLAB_CLASSES = MEM_SLAB_MAX / SLAB_STEP,
    CHUNK_BYTES = 64 * 1024,
    LARGE_CLASSES = 4 * 56
};

/* Blocks given back are kept up to this many bytes. */
static const size_t KEPT_MAX = (size_t)1 << 30;

typedef struct FreeBlock {
    struct FreeBlock *next;
} FreeBlock;

struct Memory {
    size_t in_use, peak, limit, kept;
    size_t ease;                      /* see set_ease */
    uint64_t fail_after;
    FreeBlock *slabs[SLAB_CLASSES];
    FreeBlock *large[LARGE_CLASSES];
    FreeBlock *chunks;
    char *chunk_at, *chunk_end;
};

/* The class of a large block, and through `bytes` the size of the blocks of that class. */
static unsigned large_class(size_t size, size_t *bytes)
{
    unsigned power = 63 - (unsigned)__builtin_clzl(size - 1);
    size_t quarter = (size_t)1 << (power - 2);
    size_t steps = (size - 1) / quarter + 1;          /* 5 to 8 quarters of 2^power */
    *bytes = steps * quarter;
    return 4 * power + (unsigned)(steps - 5);
}

static void give_back_kept(Memory *m)
{
    for (unsigned i = 0; i < LARGE_CLASSES; i++) {
        while (m->large[i] != NULL) {
            FreeBlock *block = m->large[i];
            m->large[i] = block->next;
            free(block);
        }
    }
    m->kept = 0;
}

static _Noreturn void out_of_memory(Memory *m, size_t size)
{
    if (m->limit != 0 && size > m->limit - (m->in_use < m->limit ? m->in_use : m->limit))
        error_throw(ERROR_MEMORY, "%zu more bytes do not fit the memory limit of %zu bytes (%zu in use)",
                    size, m->limit, m->in_use);
    error_throw(ERROR_MEMORY, "out of memory: no %zu bytes to be had", size);
}

/* Up to `ease` bytes in use, an allocation may skip count_in: it passes neither the peak, which would have to be noted,
 * nor the limit, and no allocation is to fail. To be called when one of these three changes. */
static void set_ease(Memory *m)
{
    m->ease = m->fail_after != 0 ? 0 : m->limit != 0 && m->limit < m->peak ? m->limit : m->peak;
}

static inline bool is_within_limit(const Memory *m, size_t size)
{
    return m->limit == 0 || (size <= m->limit && m->in_use <= m->limit - size);
}

static void count_in(Memory *m, size_t size)
{
    if (m->fail_after != 0 && --m->fail_after == 0)
        out_of_memory(m, size);
    if (!is_within_limit(m, size))
        out_of_memory(m, size);
    if (m->limit != 0 && m->kept > m->limit - m->in_use - size)
        give_back_kept(m);
    m->in_use += size;
    if (m->in_use > m->peak)
        m->peak = m->in_use;
    set_ease(m);
}

static void *system_block(Memory *m, size_t size, size_t counted)
{
    void *block = size <= SIZE_MAX / 2 ? aligned_alloc(MEM_ALIGN, (size + MEM_ALIGN - 1) & ~(size_t)(MEM_ALIGN - 1))
                                       : NULL;
    if (block == NULL && m->kept > 0) {
        give_back_kept(m);
        return system_block(m, size, counted);
    }
    if (block == NULL) {
        m->in_use -= counted;
        out_of_memory(m, size);
    }
    return block;
}

/* The class of a small block, and the size of the blocks of a class. */
static size_t slab_class(size_t size) { return (size - 1) / SLAB_STEP; }
static size_t slab_bytes(size_t class) { return (class + 1) * SLAB_STEP; }

static void *slab_alloc(Memory *m, size_t class)
{
    FreeBlock *block = m->slabs[class];
    if (block != NULL) {
        m->slabs[class] = block->next;
        return block;
    }
    size_t size = slab_bytes(class);
    if ((size_t)(m->chunk_end - m->chunk_at) < size) {
        FreeBlock *chunk = system_block(m, CHUNK_BYTES, size);
        chunk->next = m->chunks;
        m->chunks = chunk;
        m->chunk_at = (char *)chunk + SLAB_STEP;
        m->chunk_end = (char *)chunk + CHUNK_BYTES;
    }
    void *fresh = m->chunk_at;
    m->chunk_at += size;
    return fresh;
}

static size_t counted_size(size_t size)
{
    size_t bytes;
    if (size <= MEM_SLAB_MAX)
        return slab_bytes(slab_class(size + (size == 0)));
    large_class(size, &bytes);
    return bytes;
}

bool mem_fits(size_t size)
{
    return size <= SIZE_MAX / 4 && is_within_limit(rt->memory, counted_size(size));
}

static void *alloc_slowly(Memory *m, size_t size)
{
    if (size > SIZE_MAX / 4)
        out_of_memory(m, size);
    size_t counted = counted_size(size);
    count_in(m, counted);
    if (!POOLED)
        return system_block(m, size, counted);
    if (size <= MEM_SLAB_MAX)
        return slab_alloc(m, slab_class(size));
    size_t bytes;
    unsigned class = large_class(size, &bytes);
    FreeBlock *block = m->large[class];
    if (block == NULL)
        return system_block(m, bytes, counted);
    m->large[class] = block->next;
    m->kept -= bytes;
    return block;
}

/* Most blocks are small ones that were given back before, and no more than there have been at once. */
void *mem_alloc(size_t size)
{
    Memory *m = rt->memory;
    size += size == 0;
    if (POOLED && size <= MEM_SLAB_MAX) {
        size_t class = slab_class(size), in_use = m->in_use + slab_bytes(class);
        FreeBlock *block = m->slabs[class];
        if (block != NULL && in_use <= m->ease) {
            m->slabs[class] = block->next;
            m->in_use = in_use;
            return block;
        }
    }
    return alloc_slowly(m, size);
}

void *mem_alloc_zeroed(size_t size)
{
    return memset(mem_alloc(size), 0, size);
}

static void free_slowly(Memory *m, FreeBlock *dead, size_t size)
{
    size_t counted = counted_size(size);
    m->in_use -= counted;
    if (!POOLED || m->kept + counted > KEPT_MAX) {
        free(dead);
        return;
    }
    unsigned class = large_class(size, &counted);
    dead->next = m->large[class];
    m->large[class] = dead;
    m->kept += counted;
}

void mem_free(void *block, size_t size)
{
    Memory *m = rt->memory;
    FreeBlock *dead = block;
    if (block == NULL)
        return;
    size += size == 0;
    if (!POOLED || size > MEM_SLAB_MAX) {
        free_slowly(m, dead, size);
        return;
    }
    size_t class = slab_class(size);
    dead->next = m->slabs[class];
    m->slabs[class] = dead;
    m->in_use -= slab_bytes(class);
}

void *mem_realloc(void *block, size_t old_size, size_t new_size)
{
    if (POOLED && block != NULL && old_size != 0 && new_size != 0 && counted_size(old_size) == counted_size(new_size))
        return block;
    void *moved = mem_alloc(new_size);
    if (block != NULL) {
        memcpy(moved, block, old_size < new_size ? old_size : new_size);
        mem_free(block, old_size);
    }
    return moved;
}

size_t mem_product(size_t a, size_t b)
{
    size_t product;
    if (__builtin_mul_overflow(a, b, &product))
        error_throw(ERROR_MEMORY, "out of memory: %zu times %zu bytes cannot be addressed", a, b);
    return product;
}

size_t mem_in_use(void) { return rt->memory->in_use; }
size_t mem_peak(void) { return rt->memory->peak; }

void mem_reset_peak(void)
{
    rt->memory->peak = rt->memory->in_use;
    set_ease(rt->memory);
}

size_t mem_limit(void) { return rt->memory->limit; }

size_t mem_set_limit(size_t bytes)
{
    size_t before = rt->memory->limit;
    rt->memory->limit = bytes;
    set_ease(rt->memory);
    return before;
}

uint64_t mem_fail_after(uint64_t n)
{
    uint64_t left = rt->memory->fail_after;
    rt->memory->fail_after = n;
    set_ease(rt->memory);
    return left;
}

/* Without a limit asked for, the machine's memory is the limit: a system that overcommits would otherwise
 * kill the process instead of refusing. */
Memory *memory_new(void)
{
    Memory *m = calloc(1, sizeof *m);
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (m != NULL && pages > 0 && page > 0)
        m->limit = (size_t)pages * (size_t)page;
    return m;
}

void memory_free(Memory *m)
{
    give_back_kept(m);
    while (m->chunks != NULL) {
        FreeBlock *chunk = m->chunks;
        m->chunks = chunk->next;
        free(chunk);
    }
    free(m);
}
