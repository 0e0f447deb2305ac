/* Stable sorting along an axis. Elements become unsigned keys in whose order they stand (nan last), and
 * keys with their indices are sorted: a few by insertion, more by radix, one byte of the key at a time
 * from the lowest, leaving out bytes that all keys agree on. */
#include "tensor/reduce.h"

#include "base/runtime.h"
#include "tensor/lanes.h"

#include <string.h>

enum { INSERTION_MAX = 48 };

typedef struct Item {
    uint64_t key;
    int64_t index;
} Item;

/* -0 and 0 are equal, so they have one key. The bits of positive numbers ascend with them, those of
 * negative ones descend. */
static uint64_t key_of_float64(double x)
{
    uint64_t bits;
    if (x == 0)
        x = 0;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

/* Descending keys are complements; nan is last either way. */
static uint64_t key_of(Dtype dtype, const char *at, bool descending)
{
    uint64_t key = 0;
    if (dtype_is_float(dtype)) {
        double x = dtype_read(dtype, at);
        if (x != x)
            return UINT64_MAX;
        key = key_of_float64(x);
    } else if (dtype == DTYPE_INT64) {
        key = *(const uint64_t *)(const void *)at ^ (uint64_t)1 << 63;
    } else if (dtype == DTYPE_INT32) {
        key = (uint64_t)(*(const int32_t *)(const void *)at + (int64_t)0x80000000);
    } else {
        key = *(const uint8_t *)at;
    }
    return descending ? ~key : key;
}

static void insertion_sort(Item *items, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        Item moving = items[i];
        int64_t at = i;
        for (; at > 0 && items[at - 1].key > moving.key; at--)
            items[at] = items[at - 1];
        items[at] = moving;
    }
}

/* Sorts by byte `b` of the key, into `to`. */
static void radix_pass(const Item *from, Item *to, int64_t n, int b, const int64_t *counts)
{
    int64_t starts[256], sum = 0;
    for (int i = 0; i < 256; i++) {
        starts[i] = sum;
        sum += counts[i];
    }
    for (int64_t i = 0; i < n; i++)
        to[starts[from[i].key >> 8 * b & 0xff]++] = from[i];
}

/* Returns where the sorted items are: in `items` or in `spare`. */
static Item *radix_sort(Item *items, Item *spare, int64_t n)
{
    int64_t counts[8][256] = {{0}};
    for (int64_t i = 0; i < n; i++) {
        for (int b = 0; b < 8; b++)
            counts[b][items[i].key >> 8 * b & 0xff]++;
    }
    for (int b = 0; b < 8; b++) {
        if (counts[b][items[0].key >> 8 * b & 0xff] == n)
            continue;
        interrupt_poll();
        radix_pass(items, spare, n, b, counts[b]);
        Item *sorted = spare;
        spare = items;
        items = sorted;
    }
    return items;
}

/* One lane: x, values and indices are its first elements; the next are `inner` elements further. */
static void sort_lane(const char *x, Dtype dtype, int64_t n, int64_t inner, bool descending, Item *items,
                      char *values, int64_t *indices)
{
    size_t size = dtype_size(dtype);
    int64_t step = inner * (int64_t)size;
    Item *sorted = items;
    for (int64_t i = 0; i < n; i++)
        items[i] = (Item){key_of(dtype, x + i * step, descending), i};
    if (n <= INSERTION_MAX)
        insertion_sort(items, n);
    else
        sorted = radix_sort(items, items + n, n);
    for (int64_t i = 0; i < n; i++) {
        if (indices != NULL)
            indices[i * inner] = sorted[i].index;
        if (values != NULL)
            memcpy(values + i * step, x + sorted[i].index * step, size);
    }
}

void tensor_sort(Tensor *values, Tensor *indices, const Tensor *x, int axis, bool descending)
{
    Lanes lanes = lanes_of(x, axis);
    const char *data = tensor_contiguous(x, (Dtype)x->dtype);
    char *to = values != NULL ? tensor_allocate(values) : NULL;
    int64_t *places = indices != NULL ? tensor_allocate(indices) : NULL;
    if (x->size == 0)
        return;
    Item *items = scratch(mem_product((size_t)lanes.count, 2 * sizeof *items));
    for (int64_t lane = 0; lane < lanes.outer * lanes.inner; lane++) {
        int64_t first = lane / lanes.inner * lanes.inner * lanes.count + lane % lanes.inner;
        int64_t offset = first * (int64_t)dtype_size((Dtype)x->dtype);
        interrupt_poll();
        sort_lane(data + offset, (Dtype)x->dtype, lanes.count, lanes.inner, descending, items,
                  to == NULL ? NULL : to + offset, places == NULL ? NULL : places + first);
    }
}
