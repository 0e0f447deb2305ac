/* Random numbers: the generator against its published vectors, distributions, independence of threads. */
#include "tensor/state.h"
#include "tensor_support.h"

#include <math.h>

/* From kat_vectors of the authors' Random123 distribution, philox4x32 10. */
static void test_known_answers(void **state)
{
    static const struct {
        uint64_t key, low, high;
        uint32_t expected[4];
    } vectors[] = {
        {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x299f31d0a4093822, 0x85a308d3243f6a88, 0x0370734413198a2e,
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        uint32_t out[4];
        random_block(vectors[i].key, vectors[i].low, vectors[i].high, out);
        assert_memory_equal(out, vectors[i].expected, sizeof out);
    }
}

static void test_a_seed_starts_the_stream_anew(void **state)
{
    Random a, b;
    (void)state;
    random_seed(&a, 0);
    random_seed(&b, 1);
    assert_true(random_bits(&a) == 0xe169c58d6627e8d5);
    uint64_t second = random_bits(&a);
    assert_true(second != 0xe169c58d6627e8d5);
    assert_true(random_bits(&b) != 0xe169c58d6627e8d5);
    random_seed(&a, 0);
    random_bits(&a);
    assert_true(random_bits(&a) == second);
}

typedef void Fill(Random *random, Tensor *out);

static void fill_dice(Random *random, Tensor *out)
{
    random_integers(random, out, 1, 7);
}

static void fill_wide(Random *random, Tensor *out)
{
    random_integers(random, out, INT64_MIN, INT64_MAX);
}

enum { UNIFORM_32, UNIFORM_64, NORMAL_32, NORMAL_64, DICE, SMALL_DICE, WIDE, PERMUTATION, FILLS };

static const struct {
    Fill *fill;
    Dtype dtype;
} fills[FILLS] = {
    [UNIFORM_32] = {random_uniform, DTYPE_FLOAT32}, [UNIFORM_64] = {random_uniform, DTYPE_FLOAT64},
    [NORMAL_32] = {random_normal, DTYPE_FLOAT32}, [NORMAL_64] = {random_normal, DTYPE_FLOAT64},
    [DICE] = {fill_dice, DTYPE_INT64}, [SMALL_DICE] = {fill_dice, DTYPE_UINT8},
    [WIDE] = {fill_wide, DTYPE_INT64}, [PERMUTATION] = {random_permutation, DTYPE_INT64},
};

static Tensor *filled(int which, int64_t size, uint64_t *after)
{
    Random random;
    Tensor *t = empty_vector(fills[which].dtype, size);
    random_seed(&random, 42);
    fills[which].fill(&random, t);
    *after = random.counter;
    return t;
}

static void test_threads_make_no_difference(void **state)
{
    static TensorSession session;
    (void)state;
    rt->tensor = &session;
    for (int which = 0; which < FILLS; which++) {
        uint64_t one_after, more_after;
        int64_t size = 200001;
        parallel_set_threads(1);
        Tensor *one = filled(which, size, &one_after);
        parallel_set_threads(3);
        Tensor *more = filled(which, size, &more_after);
        size_t bytes = (size_t)size * dtype_size(fills[which].dtype);
        assert_memory_equal(tensor_data(one), tensor_data(more), bytes);
        assert_true(one_after == more_after);
    }
    parallel_stop();
    rt->tensor = NULL;
}

static void test_a_shorter_array_is_the_start_of_a_longer_one(void **state)
{
    (void)state;
    for (int which = 0; which < FILLS; which++) {
        for (int64_t size = 0; size < 9; size++) {
            uint64_t after;
            Tensor *whole = filled(which, 100000, &after), *start = filled(which, size, &after);
            assert_true(after <= (uint64_t)(size + 1) / 2);
            for (int64_t i = 0; i < size && which != PERMUTATION; i++)
                assert_true(tensor_at(whole, i) == tensor_at(start, i));
        }
    }
}

/* Mean and variance of a million elements, within five standard errors. */
static void assert_moments(int which, double mean, double variance, double fourth)
{
    enum { COUNT = 1000000 };
    uint64_t after;
    double sum = 0, squares = 0;
    Tensor *t = filled(which, COUNT, &after);
    for (int64_t i = 0; i < COUNT; i++) {
        double deviation = tensor_at(t, i) - mean;
        sum += deviation;
        squares += deviation * deviation;
    }
    assert_true(fabs(sum / COUNT) < 5 * sqrt(variance / COUNT));
    assert_true(fabs(squares / COUNT - variance) < 5 * sqrt((fourth - variance * variance) / COUNT));
}

static void test_moments(void **state)
{
    (void)state;
    assert_moments(UNIFORM_32, 0.5, 1.0 / 12, 1.0 / 80);
    assert_moments(UNIFORM_64, 0.5, 1.0 / 12, 1.0 / 80);
    assert_moments(NORMAL_32, 0, 1, 3);
    assert_moments(NORMAL_64, 0, 1, 3);
    assert_moments(DICE, 3.5, 35.0 / 12, 707.0 / 48);
    assert_moments(SMALL_DICE, 3.5, 35.0 / 12, 707.0 / 48);
}

static void test_uniform_stays_below_one(void **state)
{
    (void)state;
    for (int which = UNIFORM_32; which <= UNIFORM_64; which++) {
        uint64_t after;
        Tensor *t = filled(which, 1000000, &after);
        for (int64_t i = 0; i < t->size; i++)
            assert_true(tensor_at(t, i) >= 0 && tensor_at(t, i) < 1);
    }
}

/* A uniform and a normal array of float64 from one seed see the same bits: normal deviates must have the
 * quantiles of the bits, here checked through the distribution function. */
static void test_normal_inverts_the_distribution(void **state)
{
    uint64_t after;
    (void)state;
    Tensor *uniform = filled(UNIFORM_64, 100000, &after), *normal = filled(NORMAL_64, 100000, &after);
    for (int64_t i = 0; i < uniform->size; i++) {
        double p = tensor_at(uniform, i), back = erfc(-tensor_at(normal, i) / sqrt(2)) / 2;
        assert_true(fabs(back - p) < 1e-15 + 0x1p-52);
    }
}

static void test_integers_meet_their_bounds_evenly(void **state)
{
    uint64_t after;
    int64_t counts[7] = {0};
    (void)state;
    Tensor *t = filled(DICE, 600000, &after);
    for (int64_t i = 0; i < t->size; i++) {
        int64_t side = (int64_t)tensor_at(t, i);
        assert_true(side >= 1 && side <= 6);
        counts[side]++;
    }
    for (int side = 1; side <= 6; side++)
        assert_true(llabs(counts[side] - 100000) < 5 * 289);
}

static void test_a_range_that_is_rejected_often(void **state)
{
    Random random;
    double low = 0;
    (void)state;
    Tensor *t = empty_vector(DTYPE_INT64, 100000);
    random_seed(&random, 1);
    /* a range of 3/8 of 2^64: a quarter of the draws is rejected */
    random_integers(&random, t, INT64_MIN, INT64_MIN / 4);
    for (int64_t i = 0; i < t->size; i++) {
        assert_true(tensor_at(t, i) < (double)(INT64_MIN / 4));
        low += tensor_at(t, i) < (double)(INT64_MIN / 8 * 5) ? 1 : 0;
    }
    assert_true(fabs(low / 100000 - 0.5) < 0.008);
    assert_int_equal(random.counter, 50000);
}

static void test_a_permutation_has_everything_once(void **state)
{
    uint64_t after;
    bool seen[5000] = {false};
    int64_t at_home = 0;
    (void)state;
    Tensor *t = filled(PERMUTATION, 5000, &after);
    for (int64_t i = 0; i < 5000; i++) {
        int64_t value = (int64_t)tensor_at(t, i);
        assert_true(value >= 0 && value < 5000 && !seen[value]);
        seen[value] = true;
        at_home += value == i;
    }
    assert_true(at_home < 10);        /* one is expected */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_known_answers),
        TEST(test_a_seed_starts_the_stream_anew),
        TEST(test_threads_make_no_difference),
        TEST(test_a_shorter_array_is_the_start_of_a_longer_one),
        TEST(test_moments),
        TEST(test_uniform_stays_below_one),
        TEST(test_normal_inverts_the_distribution),
        TEST(test_integers_meet_their_bounds_evenly),
        TEST(test_a_range_that_is_rejected_often),
        TEST(test_a_permutation_has_everything_once),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
