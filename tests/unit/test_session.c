/* Embedding: sessions through dbx.h, their independence, and what is left of them when memory runs out. */
#include "support.h"

#include "dbx.h"
#include "lang/session.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

/* ---- helpers ---- */

static Session *open_session(void)
{
    SessionOptions options = {.seeded = true, .seed = 1, .threads = 1};
    Session *s = session_new(&options);
    assert_non_null(s);
    return s;
}

/* Frees the session, which must leave no object behind. */
static void close_session(Session *s)
{
    assert_int_equal(session_free_counting(s), 0);
    assert_null(rt);
}

static void runs(Session *s, const char *text)
{
    if (!session_run(s, text, "<test>", RUN_SCRIPT))
        fail_msg("%s", session_error(s));
    assert_string_equal(session_error(s), "");
    assert_string_equal(session_error_kind(s), "");
}

static void fails(Session *s, const char *text, const char *kind, const char *part)
{
    assert_false(session_run(s, text, "<test>", RUN_SCRIPT));
    assert_string_equal(session_error_kind(s), kind);
    if (strstr(session_error(s), part) == NULL)
        fail_msg("the error is '%s', expected one with '%s'", session_error(s), part);
}

static double number(Session *s, const char *name)
{
    double x = NAN;
    if (!session_number(s, name, &x))
        fail_msg("%s", session_error(s));
    return x;
}

/* What a session has printed. */
typedef struct Printed {
    char text[256];
    size_t bytes;
    bool full;                        /* refuses more */
    Session *other;                   /* runs when something is printed */
} Printed;

static bool take_output(void *to, const char *text, size_t bytes)
{
    Printed *p = to;
    if (p->full || bytes > sizeof p->text - 1 - p->bytes)
        return false;
    memcpy(p->text + p->bytes, text, bytes);
    p->bytes += bytes;
    if (p->other != NULL)
        runs(p->other, "count = count + 1");
    return true;
}

/* ---- values in and out ---- */

static void test_values_go_in_and_out(void **state)
{
    (void)state;
    Session *s = open_session();
    const int64_t shape[2] = {2, 3};
    const double given[6] = {1, 2, 3, 4, 5, 6};
    double taken[6] = {0}, result;
    size_t count = 0;
    assert_true(session_set_number(s, "k", 3));
    assert_true(session_set_tensor(s, "x", 2, shape, given));
    runs(s, "y = k * x; f(a, b) = a^b; slope = (t -> t^2)'(3)");
    assert_true(session_tensor(s, "y", taken, 4, &count));
    assert_int_equal(count, 6);
    assert_true(taken[3] == 12 && taken[4] == 0);         /* no more than there is room for */
    assert_true(session_call(s, "f", 2, (double[]){2, 10}, &result));
    assert_true(result == 1024);
    assert_true(session_call(s, "sin", 1, (double[]){0}, &result) && result == 0);
    assert_true(number(s, "slope") == 6);
    runs(s, "row = y[1]");
    assert_string_equal(session_text(s, "row"), "[12, 15, 18]");
    close_session(s);
}

static void test_what_is_absent_or_of_another_sort_is_refused(void **state)
{
    (void)state;
    Session *s = open_session();
    const int64_t huge[2] = {INT64_MAX, 2}, negative[1] = {-1}, axes[64] = {0};
    double x, one = 1;
    size_t count;
    runs(s, "t = (1, 2); v = [1, 2]; word = \"w\"; g(a) = (a, a)");
    assert_false(session_number(s, "absent", &x));
    assert_string_equal(session_error_kind(s), "name");
    assert_false(session_number(s, "v", &x));
    assert_false(session_number(s, "word", &x));
    assert_false(session_tensor(s, "t", &x, 1, &count));
    assert_null(session_text(s, "absent"));
    assert_false(session_call(s, "absent", 1, &one, &x));
    assert_false(session_call(s, "v", 1, &one, &x));
    assert_false(session_call(s, "g", 1, &one, &x));
    assert_false(session_call(s, "g", 0, NULL, &x));
    assert_false(session_set_tensor(s, "z", 2, huge, &one));
    assert_false(session_set_tensor(s, "z", 1, negative, &one));
    assert_false(session_set_tensor(s, "z", 64, axes, &one));
    assert_false(session_set_tensor(s, "z", -1, axes, &one));
    assert_false(session_run_file(s, "no/such/file.dbx"));
    assert_string_equal(session_error_kind(s), "io");
    runs(s, "1 + 1");
    close_session(s);
}

static void test_wrong_options_give_no_session(void **state)
{
    (void)state;
    assert_null(session_new(&(SessionOptions){.dtype = "int32"}));
    assert_null(session_new(&(SessionOptions){.dtype = "float"}));
    session_free(NULL);
}

/* ---- errors ---- */

static void test_errors_have_a_text_and_a_kind(void **state)
{
    (void)state;
    Session *s = open_session();
    fails(s, "x = (1,\n", "syntax", "<test>");
    fails(s, "siin(1)", "name", "did you mean `sin`?");
    fails(s, "[1, 2] + [1, 2, 3]", "shape", "<test>:1:1");
    fails(s, "f(x) = [1][x]\nf(4)", "index", "in f");
    fails(s, "error(\"mine\")", "user", "mine");
    fails(s, "f(x) = f(x)\nf(1)", "limit", "deep");
    runs(s, "try { error(\"again\") } catch e { kept = e.message }");
    assert_string_equal(session_text(s, "kept"), "again");
    close_session(s);
}

static void test_an_error_restores_the_session(void **state)
{
    (void)state;
    Session *s = open_session();
    fails(s, "x = 1\nnograd { x = 2; error(\"here\") }", "user", "here");
    runs(s, "recording = grad_enabled() ? 1 : 0");
    assert_true(number(s, "recording") == 1 && number(s, "x") == 2);
    fails(s, "vmap(x -> error(\"inside\"))([1, 2])", "user", "inside");
    fails(s, "grad(x -> error(\"inside\"))(1)", "user", "inside");
    runs(s, "p = parameter(2); backward(p * p)");
    runs(s, "slope = p.grad");
    assert_true(number(s, "slope") == 4);
    close_session(s);
}

static void test_exit_ends_a_run_and_not_the_session(void **state)
{
    (void)state;
    Session *s = open_session();
    assert_false(session_run(s, "x = 1; exit(3); x = 2", "<test>", RUN_SCRIPT));
    assert_string_equal(session_error(s), "");
    assert_string_equal(session_error_kind(s), "");
    assert_int_equal(s->exit_status, 3);
    assert_true(number(s, "x") == 1);
    runs(s, "try { error(\"e\") } catch err { x = 5 }");
    assert_true(number(s, "x") == 5);
    close_session(s);
}

static bool interrupt_output(void *to, const char *text, size_t bytes)
{
    (void)to;
    (void)text;
    (void)bytes;
    session_interrupt();
    return true;
}

static void test_an_interrupt_stops_what_runs(void **state)
{
    (void)state;
    Session *s = session_new(&(SessionOptions){.write = interrupt_output});
    fails(s, "n = 0\nprint(1)\nwhile true { n += 1 }", "interrupt", "interrupted");
    fails(s, "while true { try { print(1); while true { } } catch e { seen = e.kind } }", "interrupt", "interrupted");
    runs(s, "n = -1");
    assert_string_equal(session_text(s, "seen"), "interrupt");
    close_session(s);
}

static void on_alarm(int number)
{
    (void)number;
    session_interrupt();
}

static const char endless[] =
    "z = randn(300, 300); f(x) = sum(x * x)\n"
    "while true {\n"
    "  y = z @ z; y[::2] = 1; s = sort(y.T.reshape(90000)) + cumsum(y, axis=0).reshape(90000)\n"
    "  p = parameter(z); backward(sum(sigmoid(p)[1:] * exp(-p[1:] ^ 2)) + f(p))\n"
    "  t = map(x -> (x, [x]), range(200)); U = svd(z[:40, :40]); h = hessian(f, z[0, :5])\n"
    "}\n";
static const char long_check[] = "z = randn(300, 300); gradcheck(x -> sum(x * x), z)";

/* Wherever an interrupt comes, nothing is lost. */
static void test_an_interrupt_leaves_nothing_behind(void **state)
{
    (void)state;
    Session *s = session_new(&(SessionOptions){.threads = 2});
    signal(SIGALRM, on_alarm);
    for (int i = 0; i < 60; i++) {
        struct itimerval timer = {.it_value = {.tv_usec = 100 + 397 * i}};
        setitimer(ITIMER_REAL, &timer, NULL);
        fails(s, i % 3 == 0 ? long_check : endless, "interrupt", "interrupted");
        runs(s, "r = grad_enabled() ? 1 : 0");
        assert_true(number(s, "r") == 1);
    }
    signal(SIGALRM, SIG_DFL);
    close_session(s);
}

/* ---- output ---- */

static void test_output_goes_to_the_callback(void **state)
{
    (void)state;
    Printed printed = {.bytes = 0};
    Session *s = session_new(&(SessionOptions){.write = take_output, .to = &printed});
    runs(s, "print(1, \"a\")");
    assert_true(session_run(s, "[1, 2]\n3;", "<test>", RUN_ECHO));
    assert_string_equal(printed.text, "1 a\nTensor([1, 2], shape=[2], dtype=float32)\n");
    printed.full = true;
    fails(s, "print(2)", "io", "output");
    printed.full = false;
    runs(s, "print(3)");
    close_session(s);
}

static void test_a_callback_may_use_another_session(void **state)
{
    (void)state;
    Printed printed = {.other = open_session()};
    Session *s = session_new(&(SessionOptions){.write = take_output, .to = &printed});
    runs(printed.other, "count = 0");
    runs(s, "for i in range(3) { print(i) }");
    assert_true(number(printed.other, "count") == 3);
    close_session(s);
    close_session(printed.other);
}

/* ---- several sessions ---- */

static void test_sessions_do_not_see_each_other(void **state)
{
    (void)state;
    Session *a = open_session(), *b = session_new(&(SessionOptions){.dtype = "float64", .seeded = true, .seed = 1});
    runs(a, "x = 1; sum = 3; p = parameter([1, 2]); precision(3); default_dtype(\"float64\"); r = rand(1)");
    fails(b, "x", "name", "`x`");
    fails(b, "p.grad", "name", "`p`");
    assert_string_equal(session_error(a), "");
    runs(b, "s = sum([1, 2]); third = 1 / 3; wide = [1].dtype == \"float64\" ? 1 : 0; r = rand(1)");
    assert_true(number(b, "s") == 3 && number(b, "wide") == 1);
    runs(a, "p = parameter([1, 2]); backward(2 * p)");
    runs(b, "p = parameter([1, 2]); g = p.grad == none ? 1 : 0");
    assert_true(number(b, "g") == 1);
    /* Neither advances the other's random stream. */
    runs(a, "default_dtype(\"float32\"); seed(7); a1 = rand(1); a2 = rand(1)");
    runs(b, "default_dtype(\"float32\"); seed(7); a1 = rand(1)");
    runs(a, "rand(100)");
    runs(b, "a2 = rand(1)");
    assert_true(number(a, "a1") == number(b, "a1") && number(a, "a2") == number(b, "a2"));
    close_session(a);
    runs(b, "backward(p * p); x = sum(p.grad)");
    assert_true(number(b, "x") == 6);
    close_session(b);
}

static const char long_script[] =
    "seed(start)\n"
    "f(n) = n < 2 ? n : f(n - 1) + f(n - 2)\n"
    "total = f(15)\n"
    "for i in range(30) {\n"
    "  W = parameter(randn(40, 40))\n"
    "  backward(sum(tanh(W @ W) ^ 2))\n"
    "  total += sum(W.grad)\n"
    "  try { [1, 2] + ones(i + 3) } catch e { total += e.line }\n"
    "}\n"
    "big = randn(300000); total += sum(exp(-big^2) * big)\n"
    "total = item(total)\n";

static void *run_on_thread(void *data)
{
    Session *s = data;
    return session_run(s, long_script, "<thread>", RUN_SCRIPT) ? data : NULL;
}

static void test_sessions_on_two_threads(void **state)
{
    (void)state;
    enum { THREADS = 2 };
    Session *alone = open_session(), *s[THREADS];
    pthread_t threads[THREADS];
    session_set_number(alone, "start", 5);
    runs(alone, long_script);
    for (int i = 0; i < THREADS; i++) {
        s[i] = open_session();
        session_set_number(s[i], "start", 5);
        assert_int_equal(pthread_create(&threads[i], NULL, run_on_thread, s[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *ok;
        pthread_join(threads[i], &ok);
        assert_non_null(ok);
        assert_true(number(s[i], "total") == number(alone, "total"));
        runs(s[i], "f(18)");                              /* goes on here, on another stack */
        fails(s[i], "h(x) = h(x + 1)\nh(0)", "limit", "deep");
        close_session(s[i]);
    }
    close_session(alone);
}

/* ---- memory that runs out ---- */

static void test_a_session_goes_on_after_its_memory_limit(void **state)
{
    (void)state;
    Session *s = session_new(&(SessionOptions){.max_memory = 20 << 20});
    fails(s, "x = zeros(100000000)", "memory", "limit");
    fails(s, "t = ()\nwhile true { t = append(t, zeros(1000)) }", "memory", "limit");
    runs(s, "try { ones(1e8) } catch e { kind = e.kind }\nt = 0; y = sum(ones(1000))");
    assert_string_equal(session_text(s, "kind"), "memory");
    assert_true(number(s, "y") == 1000);
    fails(s, "s = \"text\"\nwhile true { s = s + s }", "memory", "limit");
    fails(s, "fn f(p) { y = p\n while true { y = y * p } }\nf(parameter(2))", "memory", "limit");
    runs(s, "y = sum(ones(1000))");
    close_session(s);
}

typedef struct Script {
    const char *name, *text;
} Script;

/* Each sets `result`; together they use every part that allocates. */
static const Script scripts[] = {
    {"arithmetic", "x = [[1, 2], [3, 4]]; y = x @ x + x' * 2 - 1; result = item(sum(y[0] ^ 2) + max(y))"},
    {"backward", "p = parameter([1, 2, 3]); y = sum(sin(p) * p ^ 2 + exp(-p)); backward(y); backward(y)\n"
                 "nograd { p -= 0.1 * p.grad }\nresult = item(sum(p))"},
    {"higher order", "f(x) = sin(x) * x ^ 3; r = f'(1) + f''(1) + f'''(1)\n"
                     "h = hessian(v -> sum(v ^ 3), [1, 2]); g = grad(x -> (grad(f)(x)) ^ 2)(2.0)\n"
                     "j = jvp(f, 1.0, 2.0)[1] + vjp(f, 1.0)[1](3.0) + sum(hvp(v -> sum(v ^ 4), [1, 2], [1, 0]))\n"
                     "result = item(r + sum(h) + g + j)"},
    {"closures", "make(k) = x -> x * k\nfn twice(f, n=2, ...rest) { return x -> f(f(x)) + n + rest.len() }\n"
                 "result = twice(make(3), n=1)(2) + map((a, b) -> a * b, (1, 2), (3, 4)).reduce((a, b) -> a + b)"},
    {"structures", "r = {a: 1, b: (2, [3, 4])}; for i in range(40) { r[f\"key {i}\"] = i }\nq = r; q.b[1][0] = 9\n"
                   "t = (); for i in range(40) { t = append(t, (i, r.a)) }\n"
                   "s = r.b * 2 + r.b\nresult = len(r) + len(t) + item(s[1][0] + q.b[1][0])"},
    {"indexing", "x = parameter(arange(12.0).reshape(3, 4)); y = x * 1; y[0] = 7; y[1:, ::2] = [[1], [2]]\n"
                 "y[[0, 2], [1, 1]] += 3; y[y > 6] = 0; backward(sum(y ^ 2)); result = item(sum(x.grad) + sum(y))"},
    {"errors", "n = 0\nfn bad(x) { y = x + 1; return [1, 2] + ones(3) }\n"
               "for i in range(5) {\n"
               "  try { try { bad(i) } catch e { n += e.line; error(e.message + e.hint) } } catch e { n += 1 }\n}\n"
               "try { undefined_thing } catch e { n += len(e.message) > 0 ? 1 : 0 }\nresult = n"},
    {"text", "s = join(split(\"a,b,c\", \",\"), \"-\") + f\"{pi:.3f} {[1, 2]} {(1, none)}\"\n"
             "w = upper(replace(s, \"a\", \"θθ\"))\n"
             "result = len(w) + number(\"2.5\") + len(repr({a: sin, b: x -> x}))"},
    {"linear algebra", "A = [[2, 1], [1, 3]]; U, S, V = svd(A); w, Q = eigh(A); c = cholesky(A)\n"
                       "e = einsum(\"ij,jk->ik\", A, inv(A)); x = solve(A, [1, 2])\n"
                       "g = grad(M -> logdet(M) + sum(svd(M)[1]))(A)\n"
                       "result = item(sum(S) + sum(w) + trace(e) + sum(x) + det(A) + sum(g) + sum(c))"},
    {"vmap", "f(x, k) = sum(sort(x)) * k + (x @ x)\nr = vmap(f, axes=(0, none))([[3, 1], [2, 4]], 2)\n"
             "g = vmap(grad(x -> sum(x ^ 3)))(eye(3)); h = vmap(x -> item(x) > 1 ? x : -x)([0.5, 2])\n"
             "result = item(sum(r) + sum(g) + sum(h))"},
    {"transforms", "c = custom_grad(x -> x ^ 2, (g, o, x) -> 3 * g); k = checkpoint(x -> sum(tanh(x)))\n"
                   "v, d = value_and_grad(x -> c(x[0]) + k(x))([1, 2]); gradcheck(sin, [0.5, 1])\n"
                   "last, outs = scan((s, x) -> (s + x, s * x), 0, [1, 2, 3]); j = jacobian(cumsum, [1, 2, 3])\n"
                   "result = item(v + sum(d) + last + sum(outs) + sum(j))"},
    {"large tensors", "x = parameter(ones(300, 300)); y = sum(sigmoid(x) * tanh(x) + x[::2].sum()); backward(y)\n"
                      "z = concat((x, x)).sort().mean(axis=0); result = item(sum(x.grad) + sum(z))"},
    {"neural", "x = ones(1, 2, 6, 6); w = parameter(ones(3, 2, 3, 3))\n"
               "y = max_pool2d(relu(conv2d(x, w, padding=1)), 2)\n"
               "l = cross_entropy(flatten(y).reshape(9, 3), tensor([0, 1, 2, 0, 1, 2, 0, 1, 2]))\n"
               "backward(l + mse(layer_norm(x), x)); result = item(l + sum(w.grad))"},
};

static void arm(Session *s, uint64_t n)
{
    Entry entry = session_enter(s);
    mem_fail_after(n);
    session_leave(entry);
}

/* How many allocations were left to go when the script ended; 0 when the one that was to fail did. */
static uint64_t disarm(Session *s)
{
    Entry entry = session_enter(s);
    uint64_t left = mem_fail_after(0);
    session_leave(entry);
    return left;
}

static void check_script(const char *name, const char *text)
{
    const uint64_t many = (uint64_t)1 << 40;
    Session *s = open_session();
    runs(s, text);
    double expected = number(s, "result");
    arm(s, many);
    runs(s, text);
    uint64_t used = many - disarm(s);
    assert_true(used > 0);
    for (uint64_t n = 1; n <= used; n += 1 + n / 64) {
        arm(s, n);
        bool ok = session_run(s, text, "<test>", RUN_SCRIPT);
        disarm(s);
        if (!ok && strcmp(session_error_kind(s), "memory") != 0)
            fail_msg("%s, allocation %llu: %s", name, (unsigned long long)n, session_error(s));
        runs(s, "rest = 0; seed(1)");
        runs(s, text);
        if (number(s, "result") != expected)
            fail_msg("%s, allocation %llu: then it gives %g, not %g", name, (unsigned long long)n, number(s, "result"),
                     expected);
    }
    size_t left = session_free_counting(s);
    if (left != 0)
        fail_msg("%s: %zu objects are left", name, left);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        check_script(scripts[i].name, scripts[i].text);
}

static void test_allocations_of_an_import_may_fail(void **state)
{
    (void)state;
    char path[] = "/tmp/dbx-session-XXXXXX", script[128];
    const char code[] = "## doubles\nf(x) = x * 2\ntable = {one: 1}\nfor i in range(3) { table[f\"{i}\"] = i }\n";
    int file = mkstemp(path);
    assert_true(file >= 0 && write(file, code, sizeof code - 1) == sizeof code - 1);
    close(file);
    snprintf(script, sizeof script, "m = import(\"%s\"); result = m.f(3) + len(m.table)", path);
    check_script("import", script);
    /* And where it was not imported before. */
    for (uint64_t n = 1; n < 400; n++) {
        Session *s = open_session();
        arm(s, n);
        bool ok = session_run(s, script, "<test>", RUN_SCRIPT);
        disarm(s);
        assert_true(ok || strcmp(session_error_kind(s), "memory") == 0);
        runs(s, script);
        assert_true(number(s, "result") == 10);
        close_session(s);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_go_in_and_out),
        cmocka_unit_test(test_what_is_absent_or_of_another_sort_is_refused),
        cmocka_unit_test(test_wrong_options_give_no_session),
        cmocka_unit_test(test_errors_have_a_text_and_a_kind),
        cmocka_unit_test(test_an_error_restores_the_session),
        cmocka_unit_test(test_exit_ends_a_run_and_not_the_session),
        cmocka_unit_test(test_an_interrupt_stops_what_runs),
        cmocka_unit_test(test_an_interrupt_leaves_nothing_behind),
        cmocka_unit_test(test_output_goes_to_the_callback),
        cmocka_unit_test(test_a_callback_may_use_another_session),
        cmocka_unit_test(test_sessions_do_not_see_each_other),
        cmocka_unit_test(test_sessions_on_two_threads),
        cmocka_unit_test(test_a_session_goes_on_after_its_memory_limit),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_allocations_of_an_import_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
