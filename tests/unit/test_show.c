/* Numbers and tensors as text. */
#include "tensor/show.h"
#include "tensor_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const ShowOptions plain = {.precision = 6, .threshold = 1000};

static const char *number_text(double x)
{
    Buf *out = buf_new();
    show_number(out, x);
    return buf_text(out);
}

static const char *float_text(float x)
{
    Buf *out = buf_new();
    show_float(out, x);
    return buf_text(out);
}

static const char *tensor_text(const Tensor *t)
{
    Buf *out = buf_new();
    show_tensor(out, t, &plain, 0);
    return buf_text(out);
}

/* ---- numbers ---- */

static void test_whole_numbers_have_no_point(void **state)
{
    (void)state;
    assert_string_equal(number_text(0), "0");
    assert_string_equal(number_text(-0.0), "-0");
    assert_string_equal(number_text(1e15), "1000000000000000");
    assert_string_equal(number_text(-9007199254740993.0), "-9007199254740992");
    assert_string_equal(number_text(1e16), "10000000000000000");
    assert_string_equal(number_text(0x1p60), "1152921504606846976");
    assert_string_equal(number_text(-1e20), "-100000000000000000000");
    assert_string_equal(number_text(1e21), "1e+21");
    assert_string_equal(float_text(1e20f), "1e+20");
    assert_string_equal(number_text(1.5e300), "1.5e+300");
    assert_string_equal(float_text(16777216.0f), "16777216");
}

static void test_the_shortest_text_that_reads_back(void **state)
{
    (void)state;
    assert_string_equal(number_text(0.1), "0.1");
    assert_string_equal(number_text(0.1 + 0.2), "0.30000000000000004");
    assert_string_equal(number_text(1.0 / 3), "0.3333333333333333");
    assert_string_equal(number_text(0.0001), "0.0001");
    assert_string_equal(number_text(0.00001), "1e-05");
    assert_string_equal(number_text(0x1p-44), "5.684341886080802e-14");
    assert_string_equal(number_text(5e-324), "5e-324");
    assert_string_equal(number_text(1.7976931348623157e308), "1.7976931348623157e+308");
    assert_string_equal(float_text(0.1f), "0.1");
    assert_string_equal(float_text(1.0f / 3), "0.33333334");
    assert_string_equal(float_text(1e-45f), "1e-45");
    assert_string_equal(float_text(3.4028235e38f), "3.4028235e+38");
}

static void test_what_is_no_number(void **state)
{
    (void)state;
    assert_string_equal(number_text(NAN), "nan");
    assert_string_equal(number_text(-NAN), "nan");
    assert_string_equal(number_text(INFINITY), "inf");
    assert_string_equal(float_text(-INFINITY), "-inf");
}

static void test_numbers_read_back(void **state)
{
    uint64_t bits = 88172645463325252u;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        double x;
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;      /* Marsaglia's xorshift */
        memcpy(&x, &bits, sizeof x);
        if (isnan(x))
            continue;
        PoolMark mark = pool_mark();
        assert_true(strtod(number_text(x), NULL) == x);
        float y = (float)x;
        assert_true(strtof(float_text(y), NULL) == y);
        pool_drain(mark);
    }
}

/* ---- tensors ---- */

static void test_vectors(void **state)
{
    (void)state;
    assert_string_equal(tensor_text(tensor_of(DTYPE_FLOAT32, SHAPE(3), VALUES(4, 6, 8))), "[4, 6, 8]");
    assert_string_equal(tensor_text(tensor_of(DTYPE_FLOAT32, SHAPE(3), VALUES(1, 10, 100))), "[1, 10, 100]");
    assert_string_equal(tensor_text(tensor_of(DTYPE_FLOAT32, SHAPE(1), VALUES(51200))), "[51200]");
    assert_string_equal(tensor_text(tensor_of(DTYPE_BOOL, SHAPE(2), VALUES(1, 0))), "[true, false]");
    assert_string_equal(tensor_text(tensor_of(DTYPE_FLOAT64, SHAPE(3), VALUES(NAN, INFINITY, -INFINITY))),
                        "[nan, inf, -inf]");
}

static void test_elements_have_six_digits(void **state)
{
    (void)state;
    assert_string_equal(tensor_text(tensor_of(DTYPE_FLOAT32, SHAPE(4), VALUES(0.5, 0.17166667, 1e-7, 0.2))),
                        "[0.5, 0.171667, 1e-07, 0.2]");
    assert_string_equal(tensor_text(tensor_of(DTYPE_FLOAT64, SHAPE(2), VALUES(1234567.8, 0.5))),
                        "[1.23457e+06, 0.5]");
    assert_string_equal(tensor_text(tensor_of(DTYPE_FLOAT64, SHAPE(2), VALUES(0, 0.0001))), "[0, 0.0001]");
}

static void test_whole_elements_keep_their_digits(void **state)
{
    (void)state;
    assert_string_equal(tensor_text(tensor_of(DTYPE_FLOAT32, SHAPE(2), VALUES(1234567, -1e10))),
                        "[1234567, -10000000000]");
    assert_string_equal(tensor_text(tensor_of(DTYPE_FLOAT64, SHAPE(2), VALUES(1e15, 1))), "[1e+15, 1]");
    assert_string_equal(tensor_text(tensor_of(DTYPE_INT32, SHAPE(2), VALUES(INT32_MIN, INT32_MAX))),
                        "[-2147483648, 2147483647]");
    Tensor *t = empty_tensor(DTYPE_INT64, SHAPE(2));
    int64_t *data = tensor_allocate(t);
    data[0] = INT64_MIN;
    data[1] = INT64_MAX;
    assert_string_equal(tensor_text(t), "[-9223372036854775808, 9223372036854775807]");
}

static void test_precision_stops_at_that_of_the_dtype(void **state)
{
    ShowOptions fine = {.precision = 20, .threshold = 1000};
    Buf *out = buf_new();
    (void)state;
    show_tensor(out, tensor_of(DTYPE_FLOAT32, SHAPE(2), VALUES(0.1, 1.0 / 3)), &fine, 0);
    show_tensor(out, tensor_of(DTYPE_FLOAT64, SHAPE(2), VALUES(0.1, 1.0 / 3)), &fine, 0);
    fine.precision = 2;
    show_tensor(out, tensor_of(DTYPE_FLOAT64, SHAPE(2), VALUES(0.1, 1.0 / 3)), &fine, 0);
    assert_string_equal(buf_text(out), "[0.1, 0.33333334][0.1, 0.3333333333333333][0.1, 0.33]");
}

static void test_scalars_show_in_full(void **state)
{
    (void)state;
    assert_string_equal(tensor_text(tensor_of(DTYPE_FLOAT32, 0, NULL, VALUES(0.1))), "0.1");
    assert_string_equal(tensor_text(tensor_of(DTYPE_FLOAT64, 0, NULL, VALUES(1.0 / 3))),
                        "0.3333333333333333");
    assert_string_equal(tensor_text(tensor_of(DTYPE_INT64, 0, NULL, VALUES(-7))), "-7");
    assert_string_equal(tensor_text(tensor_of(DTYPE_BOOL, 0, NULL, VALUES(1))), "true");
}

static void test_matrices_align(void **state)
{
    (void)state;
    assert_string_equal(tensor_text(tensor_of(DTYPE_FLOAT32, SHAPE(2, 2), VALUES(1, 2, 3, 40))),
                        "[[1,  2],\n [3, 40]]");
    assert_string_equal(tensor_text(tensor_of(DTYPE_FLOAT32, SHAPE(2, 3), VALUES(-1, 2, 3, 4, -5, 0.5))),
                        "[[-1,  2,   3],\n [4,  -5, 0.5]]");
    assert_string_equal(tensor_text(tensor_of(DTYPE_FLOAT32, SHAPE(2, 1), VALUES(4, 60))), "[[4],\n [60]]");
    assert_string_equal(tensor_text(tensor_of(DTYPE_INT64, SHAPE(2, 2, 2), VALUES(1, 2, 3, 4, 5, 6, 7, 88))),
                        "[[[1,  2],\n  [3,  4]],\n\n [[5,  6],\n  [7, 88]]]");
}

static void test_a_matrix_on_one_line(void **state)
{
    ShowOptions line = {.precision = 6, .threshold = 1000, .one_line = true, .width = 5};
    Buf *out = buf_new();
    (void)state;
    show_tensor(out, tensor_of(DTYPE_FLOAT32, SHAPE(2, 2), VALUES(1, 2, 3, 40)), &line, 0);
    assert_string_equal(buf_text(out), "[[1, 2], [3, 40]]");
}

static void test_views_show_their_elements(void **state)
{
    (void)state;
    Tensor *base = tensor_of(DTYPE_FLOAT32, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6));
    Tensor *turned = empty_tensor(DTYPE_FLOAT32, SHAPE(3, 2));
    Tensor *spread = empty_tensor(DTYPE_FLOAT32, SHAPE(2, 2));
    tensor_view(turned, base, 0, (int64_t[]){1, 3});
    assert_string_equal(tensor_text(turned), "[[1, 4],\n [2, 5],\n [3, 6]]");
    tensor_view(spread, base, 5, (int64_t[]){0, -3});
    assert_string_equal(tensor_text(spread), "[[6, 3],\n [6, 3]]");
}

static void test_empty_tensors(void **state)
{
    (void)state;
    assert_string_equal(tensor_text(tensor_of(DTYPE_FLOAT32, SHAPE(0), NULL)), "[]");
    assert_string_equal(tensor_text(tensor_of(DTYPE_FLOAT32, SHAPE(0, 3), NULL)), "[]");
    assert_string_equal(tensor_text(tensor_of(DTYPE_FLOAT32, SHAPE(2, 0), NULL)), "[[], []]");
    assert_string_equal(tensor_text(tensor_of(DTYPE_FLOAT32, SHAPE(5000, 0), NULL)),
                        "[[], [], [], ..., [], [], []]");
}

static Tensor *counting(int ndim, const int64_t *shape)
{
    Tensor *t = empty_tensor(DTYPE_FLOAT32, ndim, shape);
    float *data = tensor_allocate(t);
    for (int64_t i = 0; i < t->size; i++)
        data[i] = (float)i;
    return t;
}

static void test_many_elements_are_summarised(void **state)
{
    (void)state;
    assert_string_equal(tensor_text(counting(SHAPE(1001))), "[0, 1, 2, ..., 998, 999, 1000]");
    assert_string_equal(tensor_text(counting(SHAPE(501, 2))),
                        "[[0,       1],\n [2,       3],\n [4,       5],\n ...,\n"
                        " [996,   997],\n [998,   999],\n [1000, 1001]]");
    assert_string_equal(tensor_text(counting(SHAPE(2, 600))),
                        "[[0,     1,   2, ...,  597,  598,  599],\n [600, 601, 602, ..., 1197, 1198, 1199]]");
    assert_non_null(strstr(tensor_text(counting(SHAPE(1000))), " 500,"));
}

static void test_long_rows_wrap(void **state)
{
    ShowOptions narrow = {.precision = 6, .threshold = 1000, .width = 20};
    Buf *out = buf_new();
    (void)state;
    show_tensor(out, counting(SHAPE(12)), &narrow, 7);
    assert_string_equal(buf_text(out), "[0, 1, 2, 3,\n        4, 5, 6, 7,\n        8, 9, 10,\n        11]");
}

static void show_again(void *tensor)
{
    tensor_text(tensor);
}

static void test_showing_survives_failing_allocations(void **state)
{
    (void)state;
    assert_survives_failing_allocations(show_again, counting(SHAPE(4, 5)));
}

/* ---- formats; the expected texts are Python's ---- */

static void test_formats_of_numbers(void **state)
{
    static const struct {
        double x;
        const char *spec, *expected;
    } rows[] = {
        {2.0, "d", "2"},
        {1234567.0, ",d", "1,234,567"},
        {-255.0, "#x", "-0xff"},
        {255.0, "08b", "11111111"},
        {1.1805916207174113e+21, "x", "400000000000000000"},
        {1e+300, ".3e", "1.000e+300"},
        {3.14159, ".2f", "3.14"},
        {-0.0, ".1f", "-0.0"},
        {0.5, "%", "50.000000%"},
        {0.12345, ".1%", "12.3%"},
        {1234.5678, ",.2f", "1,234.57"},
        {1234567.891, "_.1f", "1_234_567.9"},
        {1234.0, "010,d", "00,001,234"},
        {-1234.0, "012,.1f", "-0,001,234.0"},
        {42.0, "+d", "+42"},
        {42.0, " d", " 42"},
        {42.0, "*^10d", "****42****"},
        {42.0, "<6d", "42    "},
        {3.5, ">8.2f", "    3.50"},
        {-3.5, "=8.2f", "-   3.50"},
        {3.5, "x=+9.2f", "+xxxx3.50"},
        {INFINITY, "08.2f", "00000inf"},
        {NAN, "+.1f", "+nan"},
        {-INFINITY, "F", "-INF"},
        {1e-10, "g", "1e-10"},
        {1234567.0, "g", "1.23457e+06"},
        {100.0, "#.3g", "100."},
        {1000000.0, ".0e", "1e+06"},
        {2.5, ".0f", "2"},
        {0.5, "#.0f", "0."},
        {9999999.5, "#.7G", "1.000000E+07"},
        {65535.0, "_X", "FFFF"},
        {8.0, "#o", "0o10"},
        {-0.04, "z.1f", "0.0"},
        {12.0, "é>5d", "ééé12"},
        {0.1, "", "0.1"}, {2, "5", "    2"}, {2.5, "<5", "2.5  "}, {1234, ",", "1,234"},
        {3.14159, ".3", "3.14"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Buf *out = buf_new();
        format_number(out, rows[i].x, rows[i].spec, strlen(rows[i].spec));
        assert_string_equal(buf_text(out), rows[i].expected);
    }
}

/* Halfway cases, neighbours of short decimals, and few and many places. */
static void test_fixed_places_are_those_of_printf(void **state)
{
    uint64_t bits = 88172645463325252u;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char spec[8], expected[400];
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        double x = (double)(bits >> 44) / (i % 2 == 0 ? 64 : 1000);
        x = i % 3 == 0 ? nextafter(x, i % 5 == 0 ? 0 : INFINITY) : x * (i % 7 == 0 ? 1e9 : 1);
        int places = (int)(bits >> 33) % (i % 11 == 0 ? 18 : 5);
        PoolMark mark = pool_mark();
        Buf *out = buf_new();
        snprintf(spec, sizeof spec, ".%df", places);
        snprintf(expected, sizeof expected, "%.*f", places, x);
        format_number(out, x, spec, strlen(spec));
        assert_string_equal(buf_text(out), expected);
        pool_drain(mark);
    }
}

/* Decimals of few digits are found without trying how many it takes. */
static void test_short_decimals_are_shown_as_they_are_written(void **state)
{
    uint64_t bits = 88172645463325252u;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char written[40];
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        int digits = 1 + (int)(bits >> 33) % 15, exponent = (int)(bits >> 40) % 19 - 4;
        double limit = pow(10, digits), whole = fmod((double)(bits >> 12), limit);
        snprintf(written, sizeof written, "%.0fe%d", whole, exponent - digits);
        double x = strtod(written, NULL);
        PoolMark mark = pool_mark();
        const char *text = number_text(x);
        size_t shown = 0;
        for (const char *c = text; *c != '\0' && *c != 'e'; c++)
            shown += *c != '.' && (shown > 0 || *c != '0');
        assert_true(strtod(text, NULL) == x);
        assert_true(x == floor(x) || shown <= (size_t)digits);
        pool_drain(mark);
    }
}

static void test_formats_of_text(void **state)
{
    static const struct {
        const char *text, *spec, *expected;
    } rows[] = {
        {"abc", "", "abc"}, {"abc", "5", "abc  "}, {"abc", ">5s", "  abc"}, {"abc", "*^6", "*abc**"},
        {"été", ".2", "ét"}, {"été", "5.3s", "été  "}, {"abc", "05", "abc00"}, {"数学", ">3", " 数学"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Buf *out = buf_new();
        format_text(out, rows[i].text, strlen(rows[i].text), rows[i].spec, strlen(rows[i].spec));
        assert_string_equal(buf_text(out), rows[i].expected);
    }
}

static void format_half(void *spec)
{
    format_number(buf_new(), 0.5, spec, strlen(spec));
}

static void format_word(void *spec)
{
    format_text(buf_new(), "word", 4, spec, strlen(spec));
}

static void test_bad_formats_are_errors(void **state)
{
    (void)state;
    assert_throws(format_half, "d", ERROR_VALUE, "format code 'd' needs a whole number, not 0.5");
    assert_throws(format_half, "q", ERROR_VALUE, "bad format 'q'");
    assert_throws(format_half, ".f", ERROR_VALUE, "digits must follow the point");
    assert_throws(format_half, "s", ERROR_VALUE, "bad format 's'");
    assert_throws(format_half, ",_f", ERROR_VALUE, "bad format");
    assert_throws(format_half, "99999999999f", ERROR_VALUE, "too large");
    assert_throws(format_word, "d", ERROR_VALUE, "bad format 'd'");
    assert_throws(format_word, "=9", ERROR_VALUE, "bad format");
    assert_throws(format_word, "+9", ERROR_VALUE, "bad format");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_whole_numbers_have_no_point),
        TEST(test_the_shortest_text_that_reads_back),
        TEST(test_what_is_no_number),
        TEST(test_numbers_read_back),
        TEST(test_vectors),
        TEST(test_elements_have_six_digits),
        TEST(test_whole_elements_keep_their_digits),
        TEST(test_precision_stops_at_that_of_the_dtype),
        TEST(test_scalars_show_in_full),
        TEST(test_matrices_align),
        TEST(test_a_matrix_on_one_line),
        TEST(test_views_show_their_elements),
        TEST(test_empty_tensors),
        TEST(test_many_elements_are_summarised),
        TEST(test_long_rows_wrap),
        TEST(test_showing_survives_failing_allocations),
        TEST(test_formats_of_numbers),
        TEST(test_fixed_places_are_those_of_printf),
        TEST(test_short_decimals_are_shown_as_they_are_written),
        TEST(test_formats_of_text),
        TEST(test_bad_formats_are_errors),
    };
    return cmocka_run_group_tests_name("show", tests, NULL, NULL);
}
