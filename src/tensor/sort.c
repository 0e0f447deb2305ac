/* Stable sorting along an axis, or finding the elements of some ranks there. Elements become unsigned keys
 * in whose order they stand (nan last). A word is a key above the element's index: no two are equal, and in
 * the order of the words equal elements keep theirs. Words are sorted, a few by insertion, more by radix,
 * one byte of the key at a time from the lowest, leaving out bytes that all keys agree on. */
#include "tensor/reduce.h"

#include "base/runtime.h"
#include "tensor/lanes.h"
#include "tensor/parallel.h"

#include <string.h>

enum {
    INSERTION_MAX = 40,
    ROUNDS_MAX = 64,                  /* of a selection, before it gives up and sorts */
    TASK = 1 << 14                    /* elements that a thread takes at a time, about */
};

typedef unsigned __int128 Wide;       /* key and index of 64 bits; a narrow word, uint64_t, has 32 of both */

/* ---- keys ---- */

/* `flip` is all ones for descending keys, which are complements; nan is last either way. -0 and 0 are equal,
 * so they have one key. The bits of positive numbers ascend with them, those of negative ones descend. */
#define KEY_OF_FLOAT(name, T, Key) \
    static inline Key name(T x, Key flip) \
    { \
        Key bits, top = (Key)1 << (8 * sizeof(Key) - 1); \
        x = x == 0 ? 0 : x; \
        memcpy(&bits, &x, sizeof bits); \
        bits = bits & top ? ~bits : bits | top; \
        return x != x ? (Key)-1 : bits ^ flip; \
    }

KEY_OF_FLOAT(key_of_float32, float, uint32_t)
KEY_OF_FLOAT(key_of_float64, double, uint64_t)

/* The words of n elements of a lane, `step` apart. */
typedef void MakeWords(const void *x, int64_t n, int64_t step, bool descending, void *words);

#define MAKE_WORDS(name, T, Key, Word, key) \
    static void name(const void *x, int64_t n, int64_t step, bool descending, void *words) \
    { \
        const T *from = x; \
        Word *to = words; \
        Key flip = descending ? (Key)-1 : 0; \
        for (int64_t i = 0; i < n; i++) { \
            T value = from[i * step]; \
            to[i] = (Word)(key) << 8 * sizeof(Key) | (Word)i; \
        } \
    }

MAKE_WORDS(words_of_uint8, uint8_t, uint32_t, uint64_t, (uint8_t)(value ^ flip))
MAKE_WORDS(words_of_int32, uint32_t, uint32_t, uint64_t, value ^ flip ^ (uint32_t)1 << 31)
MAKE_WORDS(words_of_int64, uint64_t, uint64_t, Wide, value ^ flip ^ (uint64_t)1 << 63)
MAKE_WORDS(words_of_float32, float, uint32_t, uint64_t, key_of_float32(value, flip))
MAKE_WORDS(words_of_float64, double, uint64_t, Wide, key_of_float64(value, flip))

/* ---- words ---- */

/* The words of ranks [first, first + count) among n, in order; `spare` has room for n more. Interrupts are
 * looked for where `poll` allows. */
typedef const void *Ranks(void *words, void *spare, int64_t n, int64_t first, int64_t count, bool poll);

/* `least` is Hoare's FIND (CACM 4, 1961): it moves the k least words to the front. The median of three
 * different words is neither the least nor the greatest, so every round leaves out some; the partition has
 * no branch that depends on data. */
#define SORT_WORDS(width, Word) \
    static void insertion_sort_##width(Word *words, int64_t n) \
    { \
        for (int64_t i = 1; i < n; i++) { \
            Word moving = words[i]; \
            int64_t at = i; \
            for (; at > 0 && words[at - 1] > moving; at--) \
                words[at] = words[at - 1]; \
            words[at] = moving; \
        } \
    } \
    static inline uint8_t byte_##width(Word word, int b) \
    { \
        return (uint8_t)(word >> (4 * sizeof(Word) + 8 * (size_t)b)); \
    } \
    static void radix_pass_##width(const Word *from, Word *to, int64_t n, int b, int64_t *counts) \
    { \
        int64_t start = 0; \
        for (int i = 0; i < 256; i++) { \
            int64_t count = counts[i]; \
            counts[i] = start; \
            start += count; \
        } \
        for (int64_t i = 0; i < n; i++) \
            to[counts[byte_##width(from[i], b)]++] = from[i]; \
    } \
    static Word *sort_##width(Word *words, Word *spare, int64_t n, bool poll) \
    { \
        enum { BYTES = sizeof(Word) / 2 }; \
        if (n <= INSERTION_MAX) { \
            insertion_sort_##width(words, n); \
            return words; \
        } \
        int64_t counts[BYTES][256] = {{0}}; \
        for (int64_t i = 0; i < n; i++) { \
            for (int b = 0; b < BYTES; b++) \
                counts[b][byte_##width(words[i], b)]++; \
        } \
        for (int b = 0; b < BYTES; b++) { \
            if (counts[b][byte_##width(words[0], b)] == n) \
                continue; \
            if (poll) \
                interrupt_poll(); \
            radix_pass_##width(words, spare, n, b, counts[b]); \
            Word *sorted = spare; \
            spare = words; \
            words = sorted; \
        } \
        return words; \
    } \
    static inline Word middle_##width(Word a, Word b, Word c) \
    { \
        Word low = a < b ? a : b, high = a < b ? b : a; \
        return c < low ? low : c > high ? high : c; \
    } \
    static void least_##width(Word *words, Word *spare, int64_t n, int64_t k, bool poll) \
    { \
        for (int round = 0; round < ROUNDS_MAX && n > INSERTION_MAX && k > 0 && k < n; round++) { \
            Word pivot = middle_##width(words[n / 7], words[n / 2], words[n - 1 - n / 5]); \
            int64_t below = 0; \
            if (poll) \
                interrupt_poll(); \
            for (int64_t i = 0; i < n; i++) { \
                Word word = words[i]; \
                words[i] = words[below]; \
                words[below] = word; \
                below += word <= pivot; \
            } \
            bool inside = k < below; \
            words += inside ? 0 : below; \
            k -= inside ? 0 : below; \
            n = inside ? below : n - below; \
        } \
        if (k > 0 && k < n) \
            memmove(words, sort_##width(words, spare, n, poll), (size_t)n * sizeof *words); \
    } \
    static const void *ranks_##width(void *at, void *spare, int64_t n, int64_t first, int64_t count, bool poll) \
    { \
        Word *words = at; \
        if (count > n / 4) \
            return sort_##width(words, spare, n, poll) + first; \
        least_##width(words, spare, n, first + count, poll); \
        least_##width(words, spare, first + count, first, poll); \
        return sort_##width(words + first, spare, count, poll); \
    }

SORT_WORDS(narrow, uint64_t)
SORT_WORDS(wide, Wide)

/* ---- lanes ---- */

/* Where the words' elements go: their indices, or they themselves, `step` apart. */
typedef void Spread(const void *words, int64_t n, int64_t step, const void *x, void *out);

#define SPREAD(name, T, Word, value) \
    static void name(const void *words, int64_t n, int64_t step, const void *x, void *out) \
    { \
        const Word *from = words; \
        const T *elements = x; \
        T *to = out; \
        (void)elements; \
        for (int64_t i = 0; i < n; i++) { \
            int64_t index = (int64_t)(from[i] & (((Word)1 << 4 * sizeof(Word)) - 1)); \
            to[i * step] = value; \
        } \
    }

SPREAD(indices_of_narrow, int64_t, uint64_t, index)
SPREAD(indices_of_wide, int64_t, Wide, index)
SPREAD(bytes_of_narrow, uint8_t, uint64_t, elements[index * step])
SPREAD(values_of_narrow, uint32_t, uint64_t, elements[index * step])
SPREAD(values_of_wide, uint64_t, Wide, elements[index * step])

typedef struct Sorter {
    size_t word;
    MakeWords *make;
    Ranks *ranks;
    Spread *values, *indices;
} Sorter;

static const Sorter sorters[DTYPES] = {
    {sizeof(uint64_t), words_of_uint8, ranks_narrow, bytes_of_narrow, indices_of_narrow},
    {sizeof(uint64_t), words_of_uint8, ranks_narrow, bytes_of_narrow, indices_of_narrow},
    {sizeof(uint64_t), words_of_int32, ranks_narrow, values_of_narrow, indices_of_narrow},
    {sizeof(Wide), words_of_int64, ranks_wide, values_of_wide, indices_of_wide},
    {sizeof(uint64_t), words_of_float32, ranks_narrow, values_of_narrow, indices_of_narrow},
    {sizeof(Wide), words_of_float64, ranks_wide, values_of_wide, indices_of_wide},
};

typedef struct Sorting {
    const Sorter *sorter;
    Lanes lanes;                      /* of x */
    int64_t lane_count, batch;        /* all lanes, and those of a task */
    int64_t first, count;             /* ranks */
    bool descending;
    size_t size;                      /* of an element */
    const char *x;
    char *values;                     /* NULL when nobody wants them */
    int64_t *indices;                 /* likewise */
    char *words;                      /* twice a lane of them for each thread */
} Sorting;

/* Whether one lane is all there is: then the session's own thread sorts it, and can be interrupted. */
static bool is_alone(const Sorting *s)
{
    return s->lane_count == 1;
}

static void sort_lane(const Sorting *s, int64_t lane, int thread)
{
    int64_t outer = lane / s->lanes.inner, column = lane % s->lanes.inner, n = s->lanes.count, step = s->lanes.inner;
    size_t lane_bytes = (size_t)n * s->sorter->word;
    const char *x = s->x + (outer * n * step + column) * (int64_t)s->size;
    char *words = s->words + 2 * lane_bytes * (size_t)thread;
    int64_t to = outer * s->count * step + column;
    s->sorter->make(x, n, step, s->descending, words);
    const void *found = s->sorter->ranks(words, words + lane_bytes, n, s->first, s->count, is_alone(s));
    if (s->indices != NULL)
        s->sorter->indices(found, s->count, step, NULL, s->indices + to);
    if (s->values != NULL)
        s->sorter->values(found, s->count, step, x, s->values + to * (int64_t)s->size);
}

static void sort_task(const void *job, int64_t task, int thread)
{
    const Sorting *s = job;
    int64_t end = (task + 1) * s->batch < s->lane_count ? (task + 1) * s->batch : s->lane_count;
    for (int64_t lane = task * s->batch; lane < end; lane++)
        sort_lane(s, lane, thread);
}

void tensor_sort(Tensor *values, Tensor *indices, const Tensor *x, int axis, bool descending, int64_t first)
{
    const Tensor *result = values != NULL ? values : indices;
    Sorting s = {
        .sorter = &sorters[x->dtype], .lanes = lanes_of(x, axis), .first = first, .count = result->dims[axis],
        .descending = descending, .size = dtype_size((Dtype)x->dtype),
    };
    assert(first >= 0 && first + s.count <= s.lanes.count);
    s.x = tensor_contiguous(x, (Dtype)x->dtype);
    s.values = values != NULL ? tensor_allocate(values) : NULL;
    s.indices = indices != NULL ? tensor_allocate(indices) : NULL;
    if (result->size == 0)
        return;
    if (s.sorter->word == sizeof(uint64_t) && s.lanes.count > UINT32_MAX)
        error_throw(ERROR_LIMIT, "%lld elements are too many to sort", (long long)s.lanes.count);
    s.lane_count = s.lanes.outer * s.lanes.inner;
    s.batch = TASK / s.lanes.count + 1;
    size_t bytes = mem_product((size_t)s.lanes.count, 2 * s.sorter->word);
    if (is_alone(&s)) {
        s.words = scratch(bytes);
        sort_lane(&s, 0, 0);
        return;
    }
    s.words = scratch(mem_product(bytes, (size_t)parallel_threads(x->size)));
    parallel_run((s.lane_count - 1) / s.batch + 1, x->size, sort_task, &s);
}
