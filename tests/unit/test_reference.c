/* Values and gradients against those that PyTorch computed: tests/reference/reference.txt, whose format
 * stands in make_reference.py beside it. Each case runs through dbx.h, as in a program that embeds dbx. */
#include "dbx.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_CASES = 8192, MAX_INPUTS = 6, MAX_NDIM = 8, MAX_SIZE = 4096, MAX_LINE = 65536 };

static const char path[] = "tests/reference/reference.txt";

typedef struct Array {
    int ndim;
    int64_t shape[MAX_NDIM];
    size_t count;
    double at[MAX_SIZE];
} Array;

typedef struct Case {
    char *line;                       /* of the file */
    char name[96];
} Case;

static Case cases[MAX_CASES];
static Session *host;

/* ---- reading a line ---- */

/* Numbers up to the end of the field. */
static void read_elements(const char *p, Array *array)
{
    char *end;
    for (array->count = 0;; p = end) {
        double value = strtod(p, &end);
        if (end == p)
            return;
        assert_true(array->count < MAX_SIZE);
        array->at[array->count++] = value;
    }
}

/* "[2,3] 1 2 3 4 5 6" */
static void read_array(const char *p, Array *array)
{
    array->ndim = 0;
    for (p++; *p != ']';) {
        char *end;
        array->shape[array->ndim++] = strtol(p, &end, 10);
        p = end + (*end == ',');
    }
    read_elements(p + 1, array);
}

/* The next field of the line, ended by NUL; NULL at the end. */
static char *next_field(char **rest)
{
    char *field = *rest, *end = field == NULL ? NULL : strstr(field, " | ");
    *rest = end == NULL ? NULL : end + 3;
    if (end != NULL)
        *end = '\0';
    return field;
}

/* ---- running ---- */

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!session_run(host, text, "<case>", RUN_SCRIPT))
        fail_msg("%s\n%s", text, session_error(host));
}

/* (a k + b) mod m, centred and divided: the weights that the file's gradients belong to. */
static void set_weights(const char *name, const Array *like, int a, int b, int m, double divisor)
{
    static double weights[MAX_SIZE];
    for (size_t k = 0; k < like->count; k++)
        weights[k] = ((double)((a * (int)k + b) % m) - m / 2.0) / divisor;
    assert_true(session_set_tensor(host, name, like->ndim, like->shape, weights));
}

/* Relative to each element, and to the largest one at a thousandth of the tolerance; `noise` is what remains
 * of sums that cancel. */
static void compare(const char *what, const Array *want, double tolerance, double noise)
{
    static double got[MAX_SIZE];
    char shape[128] = "(";
    size_t count, used = 1;
    if (!session_tensor(host, what, got, MAX_SIZE, &count))
        fail_msg("%s", session_error(host));
    for (int i = 0; i < want->ndim; i++)
        used += (size_t)snprintf(shape + used, sizeof shape - used, i > 0 ? ", %lld" : "%lld",
                                 (long long)want->shape[i]);
    snprintf(shape + used, sizeof shape - used, want->ndim == 1 ? ",)" : ")");
    run("shape = tensor(%s).shape", what);
    assert_string_equal(session_text(host, "shape"), shape);
    double largest = 1e3 * noise / tolerance;
    for (size_t i = 0; i < count; i++)
        if (isfinite(want->at[i]) && fabs(want->at[i]) > largest)
            largest = fabs(want->at[i]);
    for (size_t i = 0; i < count; i++) {
        double a = got[i], b = want->at[i];
        bool same = a == b || (isnan(a) && isnan(b));
        if (!same && !(fabs(a - b) <= tolerance * fabs(b) + 1e-3 * tolerance * largest))
            fail_msg("%s, element %zu is %.17g, but should be %.17g", what, i, a, b);
    }
}

/* What is being differentiated by: the inputs but the constant ones, as the tuple X. */
typedef struct Inputs {
    char names[64], arguments[128], tuple[64], weights[64];
    Array *arrays[MAX_INPUTS];        /* of the differentiable ones */
    int count;
} Inputs;

static void add_input(Inputs *in, char *field)
{
    static Array storage[MAX_INPUTS];
    char name[2] = {field[0], '\0'};
    bool constant = field[1] == '!';
    Array *array = &storage[strlen(in->names) / 2];
    assert_true(strlen(in->names) / 2 < MAX_INPUTS);
    read_array(field + 1 + constant, array);
    assert_true(session_set_tensor(host, name, array->ndim, array->shape, array->at));
    sprintf(in->names + strlen(in->names), "%s,", name);
    if (constant) {
        sprintf(in->arguments + strlen(in->arguments), "%s,", name);
        return;
    }
    sprintf(in->arguments + strlen(in->arguments), "t[%d],", in->count);
    sprintf(in->tuple + strlen(in->tuple), "%s,", name);
    sprintf(in->weights + strlen(in->weights), "v%d,", in->count);
    in->arrays[in->count++] = array;
}

/* Gradients, and those of their sum with the weights v. */
static void set_derivatives(const Inputs *in, const Array *result, bool second)
{
    set_weights("c", result, 7, 3, 11, 4);
    run("X = (%s)\nF(t) = f(%s)\nG = grad(t -> sum(F(t) * c))\ng = G(X)", in->tuple, in->arguments);
    if (!second)
        return;
    for (int i = 0; i < in->count; i++) {
        char name[16];
        sprintf(name, "v%d", i);
        set_weights(name, in->arrays[i], 5, 2, 13, 8);
    }
    run("V = (%s)\n"
        "fn along(g) { s = 0; for i in range(len(V)) { s = s + sum(g[i] * V[i]) }; return s }\n"
        "h = grad(t -> along(G(t)))(X)", in->weights);
}

static void compare_gradient(const Inputs *in, const char *field, double tolerance)
{
    static Array want;
    char text[64];
    bool second = field[2] == '\'';
    int i = (int)((strchr(in->tuple, field[0]) - in->tuple) / 2);
    want = *in->arrays[i];
    read_elements(field + 2 + second, &want);
    sprintf(text, "%c%s", field[0], second ? "_second" : "_gradient");
    run("%s = %c[%d]", text, second ? 'h' : 'g', i);
    compare(text, &want, tolerance, 1e-14);
}

/* 1 when the line has gradients, 2 when it has second ones. */
static int order_of(const char *line)
{
    int order = 0;
    while ((line = strstr(line, " | ")) != NULL) {
        line += 3;
        if (line[0] != '\0' && line[1] == '\'')
            order = line[2] == '\'' ? 2 : 1;
    }
    return order;
}

static void test_case(void **state)
{
    static Array result;
    static char copy[MAX_LINE];
    const Case *c = *state;
    Inputs in = {.count = 0};
    double tolerance = 1e-10;
    const char *tol = strstr(c->line, " | tol ");
    int order = order_of(c->line);
    strcpy(copy, c->line);
    char *rest = copy, *text = next_field(&rest), *field;
    if (tol != NULL)
        tolerance = strtod(tol + 7, NULL);
    while ((field = next_field(&rest)) != NULL && field[0] != '=')
        add_input(&in, field);
    assert_non_null(field);
    if (text[0] == '{')
        run("fn f(%s) %s\nresult = f(%s)", in.names, text, in.names);
    else
        run("f(%s) = %s\nresult = f(%s)", in.names, text, in.names);
    read_array(field + 2, &result);
    compare("result", &result, tolerance, 0);
    if (order > 0)
        set_derivatives(&in, &result, order > 1);
    while ((field = next_field(&rest)) != NULL && strncmp(field, "tol ", 4) != 0)
        compare_gradient(&in, field, tolerance);
}

/* ---- all of them ---- */

static int start(void **state)
{
    SessionOptions options = {.threads = 1, .dtype = "float64"};
    (void)state;
    host = session_new(&options);
    return host == NULL;
}

static int finish(void **state)
{
    (void)state;
    session_free(host);
    return 0;
}

int main(void)
{
    static struct CMUnitTest tests[MAX_CASES];
    static char line[MAX_LINE];
    size_t count = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "cannot read %s (it is named from the root of the repository)\n", path);
        return 1;
    }
    for (int number = 1; count < MAX_CASES && fgets(line, sizeof line, file) != NULL; number++) {
        if (line[0] == '#')
            continue;
        Case *c = &cases[count];
        line[strcspn(line, "\n")] = '\0';
        c->line = strdup(line);
        snprintf(c->name, sizeof c->name, "line %d: %.*s", number, (int)(strstr(line, " | ") - line), line);
        tests[count++] = (struct CMUnitTest){c->name, test_case, NULL, NULL, c};
    }
    fclose(file);
    int failed = _cmocka_run_group_tests("reference", tests, count, start, finish);
    for (size_t i = 0; i < count; i++)
        free(cases[i].line);
    return failed;
}
