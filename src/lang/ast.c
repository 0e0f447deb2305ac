/* The arena that a syntax tree lives in, and the spellings of the operators. */
#include "lang/ast.h"

#include "base/mem.h"

static const char *const operator_texts[OPERATORS] = {
    "+", "-", "*", "/", "//", "%", "@", "^",
    "==", "!=", "<", "<=", ">", ">=",
    "in",
    "-", "+",
};

const char *operator_text(Operator op)
{
    return operator_texts[op];
}

enum { ARENA_FIRST = 1024, ARENA_LARGEST = 256 * 1024 };

/* Blocks are linked so that the newest, which still has room, comes first. */
typedef struct ArenaBlock {
    struct ArenaBlock *older;
    size_t size;                      /* with this header */
} ArenaBlock;

struct Arena {
    Object object;
    ArenaBlock *blocks;
    size_t used, room;                /* of the newest block */
    size_t next_size;
    String **strings;
    size_t string_count, string_capacity;
};

static void arena_destroy(Object *self)
{
    Arena *arena = (Arena *)self;

    for (ArenaBlock *block = arena->blocks, *older; block != NULL; block = older) {
        older = block->older;
        mem_free(block, block->size);
    }
    for (size_t i = 0; i < arena->string_count; i++)
        object_release(arena->strings[i]);
    mem_free(arena->strings, arena->string_capacity * sizeof(String *));
}

static const ObjectType arena_type = {"arena", arena_destroy};

Arena *arena_new(void)
{
    Arena *arena = object_new_zeroed(&arena_type, sizeof(Arena));
    arena->next_size = ARENA_FIRST;
    return arena;
}

/* A block with room for `size` bytes becomes the newest one. Sizes double, so that a line typed into the
 * REPL costs one small block and a large file few large ones. */
static void arena_grow(Arena *arena, size_t size)
{
    size_t block_size = arena->next_size;

    if (block_size < sizeof(ArenaBlock) + size)
        block_size = sizeof(ArenaBlock) + size;
    ArenaBlock *block = mem_alloc_zeroed(block_size);
    block->older = arena->blocks;
    block->size = block_size;
    arena->blocks = block;
    arena->used = sizeof(ArenaBlock);
    arena->room = block_size;
    if (arena->next_size < ARENA_LARGEST)
        arena->next_size *= 2;
}

void *arena_alloc(Arena *arena, size_t size)
{
    enum { ALIGN = 16 };

    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (arena->room - arena->used < size)
        arena_grow(arena, size);
    void *result = (char *)arena->blocks + arena->used;
    arena->used += size;
    return result;
}

String *arena_keep(Arena *arena, String *string)
{
    VEC_PUSH(arena->strings, arena->string_count, arena->string_capacity, string);
    object_retain(string);
    return string;
}
