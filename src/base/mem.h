/* Memory. Every byte that a session owns comes from here, so that limits, leak counts and failing
 * allocations can be enforced in one place. An allocation never returns NULL: it throws an error of
 * kind `memory`. Blocks up to MEM_SLAB_MAX bytes come from slabs, larger ones from a pool of
 * 64-byte aligned size classes that keeps freed pages, because the first touch of fresh memory costs
 * far more than reuse. Sizes are passed back on release; there are no block headers. */
#ifndef DBX_BASE_MEM_H
#define DBX_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MEM_ALIGN = 64, MEM_SLAB_MAX = 512 };

/* `size` bytes, uninitialised; aligned to 16 bytes, to MEM_ALIGN when larger than MEM_SLAB_MAX. */
void *mem_alloc(size_t size);
void *mem_alloc_zeroed(size_t size);
/* Grows or shrinks a block, moving it when needed. */
void *mem_realloc(void *block, size_t old_size, size_t new_size);
/* Gives a block back; `size` is the size it was asked for with. NULL is allowed. */
void mem_free(void *block, size_t size);

/* Would that many bytes more stay within the limit? For callers who can say in the error what the bytes are for, which
 * mem_alloc cannot. */
bool mem_fits(size_t size);
/* a * b, or an error of kind `memory` when the product does not fit. */
size_t mem_product(size_t a, size_t b);

/* Bytes handed out and not given back, and the largest that number has been since the last reset. */
size_t mem_in_use(void);
size_t mem_peak(void);
void mem_reset_peak(void);
/* 0 means no limit. mem_set_limit returns the limit before. */
size_t mem_limit(void);
size_t mem_set_limit(size_t bytes);
/* For tests: the n-th allocation from now on fails, and only that one; 0 switches it off. Returns what was left of the
 * n before, which is 0 when that allocation has failed. */
uint64_t mem_fail_after(uint64_t n);

/* Grows the array so that one more element fits: VEC_PUSH(items, count, capacity, value). */
#define VEC_PUSH(items, count, capacity, value) \
    do { \
        if ((count) == (capacity)) { \
            size_t wider = (capacity) ? (size_t)(capacity) * 2 : 8; \
            (items) = mem_realloc((items), (size_t)(capacity) * sizeof *(items), \
                                  mem_product(wider, sizeof *(items))); \
            (capacity) = (__typeof__(capacity))wider; \
        } \
        (items)[(count)++] = (value); \
    } while (0)

#endif
