/* What the unit tests share: a runtime for each test, and checks that say what text or error was expected. */
#ifndef DBX_TESTS_UNIT_SUPPORT_H
#define DBX_TESTS_UNIT_SUPPORT_H

#include "base/runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline int runtime_setup(void **state)
{
    (void)state;
    rt = runtime_new();
    if (rt != NULL)
        stack_measure();
    return rt == NULL;
}

/* A test that leaves an object behind fails. */
static inline int runtime_teardown(void **state)
{
    (void)state;
    pool_drain(0);
    size_t left = rt->live_objects;
    runtime_free(rt);
    rt = NULL;
    return left != 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, runtime_setup, runtime_teardown)

/* body(data) throws an error of this kind whose message contains the text. */
static inline void assert_throws(void (*body)(void *data), void *data, ErrorKind kind, const char *text)
{
    if (error_protect(body, data))
        fail_msg("no error; expected one with '%s'", text);
    assert_string_equal(error_kind_name(rt->error.kind), error_kind_name(kind));
    if (strstr(rt->error.message, text) == NULL)
        fail_msg("the error is '%s', expected one with '%s'", rt->error.message, text);
}

/* Runs body(data) with its first, second, third, ... allocation failing, until it needs no more. Each
 * failure must be an error of kind memory that leaves no object behind. */
static inline void assert_survives_failing_allocations(void (*body)(void *data), void *data)
{
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        size_t objects = rt->live_objects;
        PoolMark mark = pool_mark();
        mem_fail_after(n);
        done = error_protect(body, data);
        mem_fail_after(0);
        if (!done)
            assert_int_equal(rt->error.kind, ERROR_MEMORY);
        pool_drain(mark);
        assert_int_equal(rt->live_objects, objects);
    }
}

#endif
