/* The base room: memory, objects and the pool, errors, text. */
#include "support.h"

/* ---- memory ---- */

static void test_blocks_are_aligned_and_apart(void **state)
{
    enum { COUNT = 600 };
    char *blocks[COUNT];
    (void)state;
    size_t before = mem_in_use();
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = mem_alloc(i * 7);
        assert_int_equal((uintptr_t)blocks[i] % (i * 7 > MEM_SLAB_MAX ? MEM_ALIGN : 16), 0);
        memset(blocks[i], (int)(i & 0xff), i * 7);
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t k = 0; k < i * 7; k++)
            assert_int_equal((uint8_t)blocks[i][k], i & 0xff);
        mem_free(blocks[i], i * 7);
    }
    assert_int_equal(mem_in_use(), before);
}

static void test_every_size_class_holds_its_sizes(void **state)
{
    (void)state;
    size_t before = mem_in_use();
    for (size_t size = 1; size < (size_t)1 << 26; size += 1 + size / 5) {
        char *block = mem_alloc(size);
        assert_true(mem_in_use() - before >= size);
        assert_true(mem_in_use() - before <= size + size / 4 + 16);      /* little is wasted */
        block[0] = block[size - 1] = 'x';
        mem_free(block, size);
        assert_int_equal(mem_in_use(), before);
    }
}

static void test_realloc_keeps_what_fits(void **state)
{
    (void)state;
    size_t size = 10, before = mem_in_use();
    char *block = mem_alloc(size);
    memcpy(block, "0123456789", size);
    for (; size < 100000; size *= 3) {
        block = mem_realloc(block, size, size * 3);
        assert_memory_equal(block, "0123456789", 10);
    }
    block = mem_realloc(block, size, 4);
    assert_memory_equal(block, "0123", 4);
    mem_free(block, 4);
    assert_int_equal(mem_in_use(), before);
}

static void test_zeroed_memory_is_zero_after_reuse(void **state)
{
    (void)state;
    for (size_t size = 100; size < 100000; size *= 10) {
        mem_free(memset(mem_alloc(size), 1, size), size);
        char *block = mem_alloc_zeroed(size);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(block[i], 0);
        mem_free(block, size);
    }
}

static void alloc_bytes(void *size)
{
    mem_free(mem_alloc(*(size_t *)size), *(size_t *)size);
}

static void product_overflow(void *data)
{
    (void)data;
    mem_product(SIZE_MAX / 2, 3);
}

static void test_what_does_not_fit_is_an_error(void **state)
{
    (void)state;
    size_t before = mem_in_use(), size = SIZE_MAX - 3;
    assert_throws(alloc_bytes, &size, ERROR_MEMORY, "memory");
    size = SIZE_MAX / 8;
    assert_throws(alloc_bytes, &size, ERROR_MEMORY, "memory");
    assert_throws(product_overflow, NULL, ERROR_MEMORY, "cannot be addressed");
    assert_int_equal(mem_in_use(), before);
}

static void test_the_limit_holds(void **state)
{
    (void)state;
    size_t before = mem_in_use(), size = 1 << 20;
    mem_set_limit(before + 2 * size);
    for (int i = 0; i < 10; i++)
        assert_true(error_protect(alloc_bytes, &size));
    size *= 3;
    assert_throws(alloc_bytes, &size, ERROR_MEMORY, "memory limit");
    mem_set_limit(0);
    assert_true(error_protect(alloc_bytes, &size));
    assert_int_equal(mem_in_use(), before);
}

/* Small blocks that were given back are handed out again in short order, which must look at the limit too. */
static void test_the_limit_holds_for_blocks_used_before(void **state)
{
    enum { COUNT = 100, SIZE = 64 };
    void *blocks[COUNT];
    size_t size = SIZE;
    (void)state;
    for (int i = 0; i < COUNT; i++)
        blocks[i] = mem_alloc(SIZE);
    for (int i = 0; i < COUNT; i++)
        mem_free(blocks[i], SIZE);
    size_t before = mem_in_use();
    mem_set_limit(before + SIZE);
    blocks[0] = mem_alloc(SIZE);
    assert_throws(alloc_bytes, &size, ERROR_MEMORY, "memory limit");
    mem_free(blocks[0], SIZE);
    assert_true(error_protect(alloc_bytes, &size));
    mem_set_limit(0);
    assert_int_equal(mem_in_use(), before);
}

static void test_the_peak_is_remembered(void **state)
{
    (void)state;
    mem_reset_peak();
    size_t size = 1 << 16, before = mem_peak();
    alloc_bytes(&size);
    assert_true(mem_peak() >= before + size);
    mem_reset_peak();
    assert_int_equal(mem_peak(), mem_in_use());
}

/* ---- objects and the pool ---- */

typedef struct Link {
    Object object;
    struct Link *next;
} Link;

static void link_destroy(Object *self)
{
    object_release(((Link *)self)->next);
}

static const ObjectType link_type = {"link", link_destroy};

/* The new link owns `next`. */
static Link *link_new(Link *next)
{
    Link *link = object_new_zeroed(&link_type, sizeof *link);
    link->next = next == NULL ? NULL : object_retain(next);
    return link;
}

static void test_the_pool_owns_what_is_new(void **state)
{
    (void)state;
    PoolMark mark = pool_mark();
    Link *kept = object_retain(link_new(NULL));
    link_new(NULL);
    assert_int_equal(rt->live_objects, 2);
    pool_drain(mark);
    assert_int_equal(rt->live_objects, 1);
    object_release(kept);
    assert_int_equal(rt->live_objects, 0);
}

static void test_drain_except_hands_one_down(void **state)
{
    (void)state;
    PoolMark outer = pool_mark();
    link_new(NULL);
    PoolMark inner = pool_mark();
    for (int i = 0; i < 1000; i++)
        link_new(NULL);
    Link *result = pool_drain_except(inner, link_new(NULL));
    assert_int_equal(rt->live_objects, 2);
    assert_int_equal(result->object.refs, 1);
    pool_drain(outer);
    assert_int_equal(rt->live_objects, 0);
}

static void test_a_long_chain_is_released_without_the_stack(void **state)
{
    (void)state;
    PoolMark mark = pool_mark();
    Link *chain = NULL;
    for (int i = 0; i < 1000000; i++)
        chain = pool_drain_except(mark, link_new(chain));
    assert_int_equal(rt->live_objects, 1000000);
    pool_drain(mark);
    assert_int_equal(rt->live_objects, 0);
}

/* ---- errors ---- */

static void throw_with_links(void *count)
{
    for (int i = 0; i < *(int *)count; i++)
        link_new(NULL);
    error_throw_hint(ERROR_SHAPE, "mend it", "no %s at %d", "shape", 7);
}

static void test_a_throw_gives_back_what_the_body_had(void **state)
{
    (void)state;
    int count = 1000;
    Link *before = link_new(NULL);
    assert_throws(throw_with_links, &count, ERROR_SHAPE, "no shape at 7");
    assert_string_equal(rt->error.hint, "mend it");
    assert_int_equal(rt->live_objects, 1);
    assert_int_equal(before->object.refs, 1);
}

static void protect_and_rethrow(void *data)
{
    assert_false(error_protect(throw_with_links, data));
    error_rethrow();
}

static void test_an_error_can_be_thrown_once_more(void **state)
{
    (void)state;
    int count = 3;
    assert_throws(protect_and_rethrow, &count, ERROR_SHAPE, "no shape at 7");
}

static void make_links(void *data)
{
    (void)data;
    link_new(NULL);
}

static void test_a_body_that_returns_keeps_its_pool(void **state)
{
    (void)state;
    assert_true(error_protect(make_links, NULL));
    assert_int_equal(rt->live_objects, 1);
}

static void throw_noted(void *data)
{
    error_note("left is %s", (char *)data);
    error_throw(ERROR_TYPE, "odd");
}

static void test_a_note_belongs_to_the_next_error_only(void **state)
{
    int count = 1;
    (void)state;
    assert_throws(throw_noted, "[2]", ERROR_TYPE, "odd");
    assert_string_equal(rt->error.note, "left is [2]");
    assert_throws(throw_with_links, &count, ERROR_SHAPE, "no shape");
    assert_null(rt->error.note);
}

static void poll(void *data)
{
    (void)data;
    interrupt_poll();
}

static void test_an_interrupt_is_thrown_once(void **state)
{
    (void)state;
    interrupt_raise(INTERRUPT_SIGNAL);
    assert_throws(poll, NULL, ERROR_INTERRUPT, "interrupted");
    assert_true(error_protect(poll, NULL));
    interrupt_raise(INTERRUPT_TIMEOUT);
    assert_throws(poll, NULL, ERROR_LIMIT, "time");
}

static void use_memory(void *data)
{
    (void)data;
    Buf *buf = buf_new();
    for (int i = 0; i < 400; i++) {
        buf_printf(buf, "line %d\n", i);
        link_new(link_new(NULL));
        scratch(100);
    }
    string_equal(buf_string(buf), string_format("%s", "x"));
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    assert_survives_failing_allocations(use_memory, NULL);
}

/* ---- text ---- */

static void test_every_code_point_survives(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        char bytes[4];
        uint32_t again;
        if (point == 0xd800)
            point = 0xe000;                     /* surrogates are no code points */
        int length = utf8_encode(point, bytes);
        assert_int_equal(utf8_decode(bytes, bytes + length, &again), length);
        assert_int_equal(again, point);
        assert_int_equal(utf8_decode(bytes, bytes + length - 1, &again), 0);
    }
}

static void test_what_is_not_utf8_is_refused(void **state)
{
    static const char *const bad[] = {
        "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff", "\xe2\x82", "\xc3(",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        String *text = string_format("ok é %s", bad[i]);
        assert_int_equal(utf8_invalid(text->text, text->bytes), 6);
    }
    assert_int_equal(utf8_invalid("θ∇f été", strlen("θ∇f été")), SIZE_MAX);
}

static void test_strings_know_their_code_points(void **state)
{
    (void)state;
    String *text = string_of("θ = ∇f");
    assert_int_equal(text->points, 6);
    assert_true(string_equal(text, string_format("%s = %s", "θ", "∇f")));
    assert_false(string_equal(text, string_of("θ = ∇g")));
    assert_true(string_is(text, "θ = ∇f"));
    assert_int_equal(string_new("a\0b", 3)->points, 3);
}

static void test_width_counts_columns(void **state)
{
    (void)state;
    assert_int_equal(text_width("abc", 3), 3);
    assert_int_equal(text_width("é", 2), 1);
    assert_int_equal(text_width("e\xcc\x81", 3), 1);        /* e and a combining accent */
    assert_int_equal(text_width("数学", 6), 4);
}

static void test_a_misspelling_finds_its_neighbour(void **state)
{
    static const char *const names[] = {"reshape", "reduce", "repeat", "relu"};
    (void)state;
    Nearest near = nearest_begin("reshpae"), far = nearest_begin("zzzzzz");
    for (size_t i = 0; i < 4; i++) {
        nearest_offer(&near, names[i]);
        nearest_offer(&far, names[i]);
    }
    assert_string_equal(near.best, "reshape");
    assert_null(far.best);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_blocks_are_aligned_and_apart),
        TEST(test_every_size_class_holds_its_sizes),
        TEST(test_realloc_keeps_what_fits),
        TEST(test_zeroed_memory_is_zero_after_reuse),
        TEST(test_what_does_not_fit_is_an_error),
        TEST(test_the_limit_holds),
        TEST(test_the_limit_holds_for_blocks_used_before),
        TEST(test_the_peak_is_remembered),
        TEST(test_the_pool_owns_what_is_new),
        TEST(test_drain_except_hands_one_down),
        TEST(test_a_long_chain_is_released_without_the_stack),
        TEST(test_a_throw_gives_back_what_the_body_had),
        TEST(test_an_error_can_be_thrown_once_more),
        TEST(test_a_body_that_returns_keeps_its_pool),
        TEST(test_a_note_belongs_to_the_next_error_only),
        TEST(test_an_interrupt_is_thrown_once),
        TEST(test_every_allocation_may_fail),
        TEST(test_every_code_point_survives),
        TEST(test_what_is_not_utf8_is_refused),
        TEST(test_strings_know_their_code_points),
        TEST(test_width_counts_columns),
        TEST(test_a_misspelling_finds_its_neighbour),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
