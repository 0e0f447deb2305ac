/* Checks generated from the rows of the operations: every public one, and the language around it.
 *
 * A row brings its own cases in `check`, lines such as "x[2, 3] w[3]: matmul(x, w)"; for elementwise operations
 * they are made up here. Each line becomes a function of its inputs, which are drawn as the row's `sample` says, and
 * its derivatives, layouts, dtypes and slices are compared with what they have to agree with. The seeds are fixed.
 *
 * The mathematics of a comparison is written in dbx itself (`prelude`), and gives pairs of numbers that must be close. */
#include "grad/op.h"
#include "lang/session.h"
#include "support.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define OP(name) extern const Op op_##name;
#include "op_list.h"
#undef OP

enum { MAX_INPUTS = 4, MAX_NDIM = 4, MAX_SIZE = 4096 };

static Session *host;
static char complaints[8192];

/* ---- the comparisons, in dbx ---- */

static const char prelude[] =
    "h = 3e-4\n"
    "fn dots(a, b) { s = 0; for i in range(len(a)) { s = s + sum(a[i] * b[i]) }; return s }\n"
    /* The derivative of g at 0, by central differences over five points. */
    "slope(g) = (8 * (g(h) - g(-h)) - (g(2 * h) - g(-2 * h))) / (12 * h)\n"
    "noise(x) = 2 * rand(x.shape) - 1\n"
    "fn first_order(F, X) {\n"
    "    y = F(X); C = noise(y); V = map(noise, X)\n"
    "    value, tangent = jvp(F, X, V)\n"
    "    same, pullback = vjp(F, X)\n"
    "    g = pullback(C)\n"
    "    for i in range(len(X)) { assert(g[i].shape == X[i].shape, f\"input {i} has gradient of shape {g[i].shape}\") }\n"
    "    assert(tangent.shape == y.shape, f\"the tangent has shape {tangent.shape}, the result {y.shape}\")\n"
    "    assert(allclose(value, y, rtol=1e-13) and allclose(same, y, rtol=1e-13), \"the value differs inside of jvp or vjp\")\n"
    "    exact = sum(tangent * C)\n"
    "    return [slope(t -> sum(F(X + t * V) * C)), exact, dots(g, V), exact]\n"
    "}\n"
    "fn second_order(F, X) {\n"
    "    C = noise(F(X)); V = map(noise, X); U = map(noise, X)\n"
    "    G = grad(Y -> sum(F(Y) * C))\n"
    "    exact = dots(jvp(G, X, V)[1], U)\n"
    "    return [slope(t -> dots(G(X + t * V), U)), exact, dots(grad(Y -> dots(G(Y), U))(X), V), exact]\n"
    "}\n"
    /* The same elements, as views with other strides: reversed, and transposed where there is more than one axis. */
    "strided(x) = flip(transpose(transpose(flip(x)) + 0))\n"
    "spread(x) = (x.ndim == 0) ? x : repeat(x, 2, axis=-1)[..., ::2]\n"
    "fn pairs(a, b) { return stack((a.flatten(), b.flatten()), axis=1).flatten() }\n"
    "fn layouts(F, X) {\n"
    "    y = F(X); r = pairs(F(map(strided, X)), y)\n"
    "    return concat((r, pairs(F(map(spread, X)), y)))\n"
    "}\n"
    "fn gradient_layouts(F, X) {\n"
    "    C = noise(F(X)); G = grad(Y -> sum(F(Y) * C))\n"
    "    g = G(X); r = zeros(0)\n"
    "    for f in (strided, spread) {\n"
    "        a = G(map(f, X))\n"
    "        for i in range(len(X)) { r = concat((r, pairs(a[i], g[i]))) }\n"
    "    }\n"
    "    return r\n"
    "}\n"
    "fn numbers(F, X) {\n"
    "    y = F(X); r = zeros(0)\n"
    "    for i in range(3) { r = concat((r, [F(map(x -> item(x[i]), X)), y[i]])) }\n"
    "    return r\n"
    "}\n"
    /* A vector long enough to be computed late and in blocks, against a piece of it. */
    "long(F, X) = pairs(F(map(x -> tile(x, 1111), X))[1500:1530], tile(F(X), 10))\n"
    "fn slices(f, X, Y) {\n"
    "    a, b = f(...X), f(...Y)\n"
    "    both = vmap(f)(...map(stack, zip(X, Y)))\n"
    "    return concat((pairs(both[0], a), pairs(both[1], b)))\n"
    "}\n"
    "fn attempt(F, X) { try { return F(X) } catch e { return e } }\n"
    /* The result in a dtype against that in float64, where that is defined. */
    "fn typed(F, X, name) {\n"
    "    T = map(x -> x.to(name), X)\n"
    "    a = attempt(F, T); b = attempt(F, map(x -> x.to(\"float64\"), T))\n"
    "    if type(a) == \"record\" {\n"
    "        assert(a.kind in (\"type\", \"value\", \"domain\", \"index\"), f\"kind {a.kind}: {a.message}\")\n"
    "        assert(name != \"float32\" or type(b) == \"record\", f\"float32 alone fails: {a.message}\")\n"
    "        return zeros(0)\n"
    "    }\n"
    "    if type(b) == \"record\" { return zeros(0) }\n"
    "    a = tensor(a); b = tensor(b)\n"
    "    assert(a.shape == b.shape, f\"shape {a.shape} instead of {b.shape}\")\n"
    "    d = a.dtype; a = a.to(\"float64\"); b = b.to(\"float64\")\n"
    "    if d == \"uint8\" { b = b % 256 }\n"
    "    if d == \"bool\" { b = (b != 0).to(\"float64\") }\n"
    "    return pairs(where(isfinite(b), a, 0), where(isfinite(b), b, 0))\n"
    "}\n"
    /* Inputs that F was not made for: a value with its gradient, or an error that a user can act on. */
    "fn survives(F, X, constant) {\n"
    "    y = attempt(F, X)\n"
    "    g = (constant or type(y) == \"record\") ? y : attempt(grad(Y -> sum(F(Y))), X)\n"
    "    if type(g) == \"record\" {\n"
    "        assert(g.kind in (\"shape\", \"value\", \"index\", \"domain\"), f\"kind {g.kind}: {g.message}\")\n"
    "    } else if not constant {\n"
    "        for i in range(len(X)) { assert(g[i].shape == X[i].shape, f\"gradient {i} has shape {g[i].shape}\") }\n"
    "    }\n"
    "    return zeros(0)\n"
    "}\n"
    "fn odd_elements(F, X, constant) {\n"
    "    for v in (nan, inf, -inf, 0, 1e308, 5e-324) {\n"
    "        survives(F, map(x -> where(rand(x.shape) < 0.3, v, x), X), constant)\n"
    "        survives(F, map(x -> full(x.shape, v), X), constant)\n"
    "    }\n"
    "    return zeros(0)\n"
    "}\n";

/* ---- random inputs ---- */

typedef struct Input {
    char name[16];
    int ndim;
    int64_t shape[MAX_NDIM], size;
    Sample sample;
} Input;

/* One line: its inputs and its expression. */
typedef struct Line {
    Input inputs[MAX_INPUTS];
    int count;
    char text[512];
} Line;

static uint64_t state_of_draws;

/* xorshift64* (Vigna 2016) */
static double draw_uniform(void)
{
    state_of_draws ^= state_of_draws >> 12;
    state_of_draws ^= state_of_draws << 25;
    state_of_draws ^= state_of_draws >> 27;
    return (double)(state_of_draws * UINT64_C(2685821657736338717) >> 11) * 0x1p-53;
}

/* Every line has draws of its own, so that a new row changes no other's. */
static void seed_draws(const char *text)
{
    state_of_draws = UINT64_C(14695981039346656037);
    for (; *text != '\0'; text++)
        state_of_draws = (state_of_draws ^ (unsigned char)*text) * UINT64_C(1099511628211);
}

static bool near_kink(const Sample *s, double x)
{
    for (int i = 0; i < s->kink_count; i++)
        if (fabs(x - s->kinks[i]) < 0.05)
            return true;
    return false;
}

/* A multiple of 1/256, so that float32 holds it too. */
static double draw(const Sample *s)
{
    bool plain = s->low == 0 && s->high == 0;
    double low = plain ? -2 : s->low, high = plain ? 2 : s->high, x;
    do {
        x = low + (high - low) * draw_uniform();
        x = s->integer ? round(x) : round(x * 256) / 256;
    } while (near_kink(s, x) || x < low || x > high);
    return x;
}

/* ---- running ---- */

static void complain(const char *format, ...) PRINTF_LIKE(1, 2);
static void complain(const char *format, ...)
{
    size_t used = strlen(complaints);
    va_list args;
    va_start(args, format);
    vsnprintf(complaints + used, sizeof complaints - used, format, args);
    va_end(args);
}

/* Ends a test: fails with all that was found. */
static void conclude(void)
{
    char text[sizeof complaints];
    memcpy(text, complaints, sizeof text);
    complaints[0] = '\0';
    if (text[0] != '\0')
        fail_msg("%s", text);
}

static bool run(const char *format, ...) PRINTF_LIKE(1, 2);
static bool run(const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return session_run(host, text, "<test>", RUN_SCRIPT);
}

/* The first line of the last error: "error: MESSAGE". */
static const char *error_line(void)
{
    static char line[512];
    snprintf(line, sizeof line, "%.*s", (int)strcspn(session_error(host), "\n"), session_error(host));
    return line;
}

/* Evaluates an expression whose value is a tensor of pairs, which must be close. */
static void compare_pairs(const Line *line, const char *what, double tolerance)
{
    static double pairs[MAX_SIZE];
    size_t count;
    if (!run("result = %s", what)) {
        complain("\n    %s: %s: %s", line->text, what, error_line());
        return;
    }
    if (!session_tensor(host, "result", pairs, MAX_SIZE, &count) || count > MAX_SIZE)
        complain("\n    %s: %s: no tensor of at most %d numbers", line->text, what, MAX_SIZE);
    else
        for (size_t i = 0; i < count; i += 2) {
            double a = pairs[i], b = pairs[i + 1];
            bool close = fabs(a - b) <= tolerance * (1 + fabs(b)) || a == b || (isnan(a) && isnan(b));
            if (!close) {
                complain("\n    %s: %s: number %zu is %.17g, but should be %.17g", line->text, what, i / 2, a, b);
                return;
            }
        }
}

/* ---- lines ---- */

static const char *parse_input(const char *p, Input *in)
{
    size_t length = strcspn(p, "[");
    snprintf(in->name, sizeof in->name, "%.*s", (int)length, p);
    in->ndim = 0;
    in->size = 1;
    p += length + 1;
    while (*p != ']') {
        char *end;
        in->size *= in->shape[in->ndim++] = strtol(p, &end, 10);
        p = end + strspn(end, ", ");
    }
    return p + 1;
}

/* "x[2, 3] w[3]: EXPRESSION" up to the end of the line; gives the next line. */
static const char *parse_line(const Op *op, const char *p, Line *line)
{
    const char *end = p + strcspn(p, "\n");
    snprintf(line->text, sizeof line->text, "%.*s", (int)(end - p), p);
    for (line->count = 0; *p != ':'; line->count++) {
        assert_true(line->count < MAX_INPUTS);
        p = parse_input(p + strspn(p, " "), &line->inputs[line->count]);
    }
    /* The samples go by the order of the names, which need not be that of their appearance. */
    for (int i = 0; i < line->count; i++) {
        int rank = 0;
        for (int k = 0; k < line->count; k++)
            rank += strcmp(line->inputs[k].name, line->inputs[i].name) < 0;
        line->inputs[i].sample = op->sample[rank];
    }
    return *end == '\0' ? end : end + 1;
}

static void set_tuple(const Line *line, const char *name)
{
    static double elements[MAX_SIZE];
    char tuple[64] = "";
    for (int i = 0; i < line->count; i++) {
        const Input *in = &line->inputs[i];
        assert_true(in->size <= MAX_SIZE);
        for (int64_t k = 0; k < in->size; k++)
            elements[k] = draw(&in->sample);
        char part[8];
        snprintf(part, sizeof part, "in%d", i);
        assert_true(session_set_tensor(host, part, in->ndim, in->shape, elements));
        snprintf(tuple + strlen(tuple), sizeof tuple - strlen(tuple), "%s,", part);
    }
    assert_true(run("%s = (%s)", name, tuple));
}

/* Defines f of the inputs, F of a tuple of them, and two tuples X and Y to call them with. */
static bool define_line(const Line *line)
{
    char names[80] = "";
    for (int i = 0; i < line->count; i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), i ? ", %s" : "%s", line->inputs[i].name);
    seed_draws(line->text);
    set_tuple(line, "X");
    set_tuple(line, "Y");
    if (run("default_dtype(\"float64\"); seed(%d); f(%s) = %s\nF(t) = f(...t)\n", 1, names,
            strstr(line->text, "]:") + 2))
        return true;
    complain("\n    %s: %s", line->text, error_line());
    return false;
}

static const char *name_of(const Op *op)
{
    static char name[32];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(op->usage, "("), op->usage);
    return name;
}

static bool is_elementwise(const Op *op) { return op->kernel[DTYPE_FLOAT64] != NULL; }

/* The lines for an elementwise operation of 1 to 3 tensors: %s is its name. */
static const char *const made_up[][3] = {
    {"x[2, 3]: %s(x)\nx[]: %s(x)\nx[0]: %s(x)\nx[2, 0]: %s(x)\nx[3, 2]: %s(x.T)\nx[4]: %s(x[::-1])\nx[3, 2]: %s(x[:, 1])\n"},
    {"x[2, 3] y[2, 3]: %s(x, y)\nx[2, 3] y[3]: %s(x, y)\nx[2, 1] y[3]: %s(x, y)\n",
     "x[] y[]: %s(x, y)\nx[3] y[]: %s(x, y)\nx[0] y[0]: %s(x, y)\nx[2, 0] y[]: %s(x, y)\n",
     "x[3, 2] y[3]: %s(x.T, y[::-1])\nx[3, 2] y[3]: %s(x[:, 1], y)\nx[3] y[1]: %s(broadcast_to(x, (2, 3)), y)\n"},
    {"x[2, 3] y[2, 3] z[2, 3]: %s(x, y, z)\nx[2, 1] y[3] z[]: %s(x, y, z)\n",
     "x[] y[] z[]: %s(x, y, z)\nx[0] y[0] z[]: %s(x, y, z)\nx[3] y[] z[2, 3]: %s(x, y, z)\n",
     "x[3, 2] y[3] z[2, 3]: %s(x.T, y[::-1], z)\n"},
};

static const char *lines_of(const Op *op)
{
    static char text[4096];
    int tensors = op_tensor_count(op);
    if (op->check != NULL || !is_elementwise(op) || tensors == 0 || tensors > 3)
        return op->check == NULL ? "" : op->check;
    text[0] = '\0';
    for (int i = 0; i < 3 && made_up[tensors - 1][i] != NULL; i++)
        for (const char *p = made_up[tensors - 1][i]; *p != '\0'; p++) {
            size_t used = strlen(text);
            bool name = p[0] == '%';
            if (name)
                snprintf(text + used, sizeof text - used, "%s", name_of(op));
            else
                snprintf(text + used, sizeof text - used, "%c", *p);
            p += name;
        }
    return text;
}

/* Calls body on each line of the row, defined. */
static void each_line(const Op *op, void (*body)(const Op *op, const Line *line))
{
    Line line;
    for (const char *p = lines_of(op); *p != '\0';) {
        p = parse_line(op, p, &line);
        if (define_line(&line))
            body(op, &line);
    }
    conclude();
}

/* ---- the tests ---- */

static bool is_differentiable(const Op *op)
{
    return op->constant == NULL;
}

/* What stands in the row itself. A missing derivative is a declared fact or a failure. */
static void test_row(void **state)
{
    const Op *op = *state;
    bool rule = op->compose != NULL || op->compose_many != NULL || op->compose_list != NULL || op->vjp != NULL
             || op->vjp_many != NULL || op->vjp_list != NULL || op->vjp_all != NULL || op->jvp != NULL;
    bool factors = is_elementwise(op);
    for (int i = 0; i < op_tensor_count(op); i++)
        factors = factors && op->factor[i] != NULL;
    if (!rule && !factors && op->constant == NULL)
        complain("\n    it has neither a derivative nor a reason why not");
    if (op->constant == NULL && (op->derivative == NULL || op->derivative[0] == '\0'))
        complain("\n    its derivative is not documented");
    if (op->constant == NULL && op_tensor_count(op) > 0 && *lines_of(op) == '\0')
        complain("\n    nothing checks its derivative");
    if (op->doc == NULL || op->doc[0] == '\0')
        complain("\n    it has no doc");
    if (op->example == NULL || strstr(op->example, "#=>") == NULL)
        complain("\n    it has no example that says what comes out");
    conclude();
}

static void line_derivatives(const Op *op, const Line *line)
{
    (void)op;
    size_t count;
    if (!run("y = F(X)") || !run("assert(y.dtype == \"float64\"); finite = tensor(all(isfinite(y)))")) {
        complain("\n    %s: in float64: %s", line->text, error_line());
        return;
    }
    double finite;
    if (!session_tensor(host, "finite", &finite, 1, &count) || finite != 1)
        complain("\n    %s: the value is not finite", line->text);
    compare_pairs(line, "first_order(F, X)", 1e-7);
    compare_pairs(line, "second_order(F, X)", 1e-6);
}

static void test_derivatives(void **state)
{
    if (is_differentiable(*state))
        each_line(*state, line_derivatives);
}

static void line_layouts(const Op *op, const Line *line)
{
    compare_pairs(line, "layouts(F, X)", 1e-12);
    if (is_differentiable(op))
        compare_pairs(line, "gradient_layouts(F, X)", 1e-12);
}

/* The value does not depend on how the inputs lie in memory. */
static void test_layouts(void **state)
{
    each_line(*state, line_layouts);
}

/* Where the shape of a result depends on the data, vmap has no answer. */
static void line_slices(const Op *op, const Line *line)
{
    (void)op;
    if (strstr(line->text, "[0") == NULL)
        compare_pairs(line, "slices(f, X, Y)", 1e-12);
}

static void test_slices(void **state)
{
    each_line(*state, line_slices);
}

/* Elementwise operations on plain numbers, and on vectors that are computed late, give what small tensors give. */
static void test_numbers_and_vectors(void **state)
{
    const Op *op = *state;
    static const char *const inputs[] = {"x[3]", "x[3] y[3]", "x[3] y[3] z[3]"};
    static const char *const arguments[] = {"x", "x, y", "x, y, z"};
    int tensors = op_tensor_count(op);
    char text[128];
    Line line;
    snprintf(text, sizeof text, "%s: %s(%s)", inputs[tensors - 1], name_of(op), arguments[tensors - 1]);
    parse_line(op, text, &line);
    if (define_line(&line)) {
        compare_pairs(&line, "numbers(F, X)", 1e-14);
        compare_pairs(&line, "long(F, X)", 1e-14);
    }
    conclude();
}

static void line_dtypes(const Op *op, const Line *line)
{
    (void)op;
    static const char *const names[] = {"float32", "int32", "int64", "uint8", "bool"};
    for (int i = 0; i < 5; i++) {
        char what[64];
        snprintf(what, sizeof what, "typed(F, X, \"%s\")", names[i]);
        run("default_dtype(\"%s\")", i == 0 ? "float32" : "float64");
        compare_pairs(line, what, i == 0 ? 1e-4 : 1e-12);
    }
    run("default_dtype(\"float64\")");
}

/* Every dtype gives what float64 gives, or an error that says so. */
static void test_dtypes(void **state)
{
    each_line(*state, line_dtypes);
}

/* The input with one axis longer, empty, or gone, or with one more axis in front. */
static bool odd_shape(Input *in, int which)
{
    int axis = which / 3;
    if (axis > in->ndim || (axis == in->ndim && (which % 3 > 0 || in->ndim == MAX_NDIM)))
        return false;
    if (axis == in->ndim) {
        memmove(in->shape + 1, in->shape, sizeof *in->shape * in->ndim++);
        in->shape[0] = 2;
    } else if (which % 3 == 0) {
        in->shape[axis]++;
    } else if (which % 3 == 1) {
        in->shape[axis] = 0;
    } else {
        memmove(in->shape + axis, in->shape + axis + 1, sizeof *in->shape * (--in->ndim - axis));
    }
    in->size = 1;
    for (int i = 0; i < in->ndim; i++)
        in->size *= in->shape[i];
    return true;
}

static void line_odd_inputs(const Op *op, const Line *line)
{
    const char *constant = op->constant == NULL ? "false" : "true";
    char what[64];
    for (int i = 0; i < line->count; i++)
        for (int which = 0; which <= 3 * MAX_NDIM; which++) {
            Line odd = *line;
            if (!odd_shape(&odd.inputs[i], which))
                continue;
            set_tuple(&odd, "Z");
            snprintf(what, sizeof what, "survives(F, Z, %s)", constant);
            compare_pairs(&odd, what, 0);
        }
    snprintf(what, sizeof what, "odd_elements(F, X, %s)", constant);
    compare_pairs(line, what, 0);
}

/* Shapes that do not fit, and elements that are no numbers to compute with. */
static void test_odd_inputs(void **state)
{
    each_line(*state, line_odd_inputs);
}

static void test_promotion(void **state)
{
    static const char *const names[] = {"float32", "float64", "int32", "int64", "uint8", "bool"};
    const Op *op = *state;
    const char *given = op_tensor_count(op) == 1 ? "x" : op_tensor_count(op) == 2 ? "x, x" : "x, x, x";
    if (op->compose != NULL)
        return;                       /* those have rules of their own: where, pow, clip */
    for (int i = 0; i < 6; i++) {
        bool is_float = i < 2, is_bool = i == 5;
        const char *want = op->dtypes == DTYPES_COMPARE ? "bool"
                         : op->dtypes == DTYPES_FLOAT && !is_float ? "float64"
                         : op->dtypes == DTYPES_NUMERIC && is_bool ? "int64" : names[i];
        run("default_dtype(\"float64\"); x = ones(2, dtype=\"%s\")", names[i]);
        if (!run("d = %s(%s).dtype", name_of(op), given))
            complain("\n    of %s: %s", names[i], error_line());
        else if (strcmp(session_text(host, "d"), want) != 0)
            complain("\n    of %s it is %s, not %s", names[i], session_text(host, "d"), want);
    }
    conclude();
}

/* ---- bad arguments ---- */

/* By ArgKind: an argument that is fine, and two that are not. */
static const struct { const char *good, *bad[2]; } arguments_of[] = {
    [ARG_TENSOR] = {"[[2, 1], [1, 3]]", {"\"text\"", "{a: 1}"}},
    [ARG_TENSORS] = {"([1, 2], [3, 4])", {"\"text\"", "(1, \"text\")"}},
    [ARG_NUMBER] = {"1", {"\"text\"", "[1, 2]"}},
    [ARG_INTEGER] = {"1", {"\"text\"", "1.5"}},
    [ARG_FLAG] = {"true", {"\"text\"", "(1, 2)"}},
    [ARG_AXES] = {"0", {"\"text\"", "0.5"}},
    [ARG_SHAPE] = {"(2, 2)", {"\"text\"", "(1.5, 2)"}},
    [ARG_INTS] = {"1", {"\"text\"", "1.5"}},
    [ARG_DTYPE] = {"\"float32\"", {"\"float99\"", "3"}},
    [ARG_TEXT] = {"\"ij\"", {"3", "none"}},
    [ARG_NUMBER_OR_TEXT] = {"2", {"{a: 1}", "[1, 2]"}},
};

/* A built-in of the same name stands before some operations (concat joins tuples too), and has arguments of its own. */
static bool is_covered(const Op *op)
{
    static const char *const builtins[] = {
#define BUILTIN(name) #name,
#include "builtin_list.h"
#undef BUILTIN
    };
    for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
        if (strcmp(builtins[i], name_of(op)) == 0)
            return true;
    return false;
}

/* Name of parameter i, and whether it may be left out. */
static bool parameter(const Op *op, int i, char *name, size_t room)
{
    const char *p = strchr(op->usage, '(') + 1;
    for (; i > 0; i--) {
        int depth = 0;
        for (; *p != ',' || depth > 0; p++)
            depth += (*p == '(') - (*p == ')');
        p++;
    }
    p += strspn(p, " .");
    size_t length = strcspn(p, ",=)");
    snprintf(name, room, "%.*s", (int)length, p);
    return p[length] == '=';
}

/* "NAME(" and the arguments, all but the given one fine; only those that must be there, and that one by name. */
static void call_text(const Op *op, int bad, const char *argument, char *text, size_t room)
{
    char name[32];
    snprintf(text, room, "%s(", name_of(op));
    for (int i = 0; i < op_arg_count(op); i++) {
        bool optional = parameter(op, i, name, sizeof name);
        const char *value = i == bad ? argument : arguments_of[op->args[i]].good;
        const char *spread = op->args[i] == ARG_TENSORS && strstr(op->usage, "...") != NULL && *value == '(' ? "..." : "";
        size_t used = strlen(text);
        if (optional && i == bad)
            snprintf(text + used, room - used, "%s=%s, ", name, value);
        else if (!optional)
            snprintf(text + used, room - used, "%s%s, ", spread, value);
    }
    snprintf(text + strlen(text), room - strlen(text), ")");
}

/* The call must fail, name the operation and what else is given, and leave nothing behind. */
static void expect_error(const Op *op, const char *call, const char *kinds, const char *also)
{
    size_t alive[2];
    for (int i = 0; i < 3; i++) {
        if (run("%s", call)) {
            complain("\n    %s: no error", call);
            return;
        }
        alive[i & 1] = host->runtime->live_objects;
    }
    const char *kind = session_error_kind(host);
    /* That shapes do not broadcast is said without a name of what may have been written as an operator. */
    bool named = strstr(error_line(), name_of(op)) != NULL || (op->infix != NULL && strcmp(kind, "shape") == 0);
    if (strstr(kinds, kind) == NULL || !named || strstr(error_line(), also) == NULL)
        complain("\n    %s: kind %s: %s", call, kind, error_line());
    if (alive[0] != alive[1])
        complain("\n    %s: objects stay behind", call);
}

static void test_wrong_types(void **state)
{
    const Op *op = *state;
    char call[256], name[32];
    for (int i = 0; i < op_arg_count(op) && !is_covered(op); i++)
        for (int k = 0; k < 2; k++) {
            bool optional = parameter(op, i, name, sizeof name);
            const char *bad = arguments_of[op->args[i]].bad[k];
            if (optional && strcmp(bad, "none") == 0)
                continue;
            call_text(op, i, bad, call, sizeof call);
            expect_error(op, call, "type value", name);
        }
    conclude();
}

static void test_wrong_counts_and_names(void **state)
{
    const Op *op = *state;
    char call[256], name[32];
    if (is_covered(op))
        return;
    call_text(op, -1, "", call, sizeof call);
    snprintf(call + strlen(call) - 1, 16, "bogus=1)");
    expect_error(op, call, "type name", "bogus");
    if (strstr(op->usage, "...") != NULL)
        return conclude();
    snprintf(call, sizeof call, "%s(", name_of(op));
    for (int i = 0; i <= op_arg_count(op); i++)
        snprintf(call + strlen(call), sizeof call - strlen(call), "%s,",
                 i < op_arg_count(op) ? arguments_of[op->args[i]].good : "1");
    snprintf(call + strlen(call), sizeof call - strlen(call), ")");
    expect_error(op, call, "type", "argument");
    if (op_arg_count(op) > 0 && !parameter(op, 0, name, sizeof name)) {
        snprintf(call, sizeof call, "%s()", name_of(op));
        expect_error(op, call, "type", name);
    }
    conclude();
}

static void test_bad_axes(void **state)
{
    const Op *op = *state;
    char call[256], name[32];
    for (int i = 0; i < op_arg_count(op); i++) {
        parameter(op, i, name, sizeof name);
        if (strcmp(name, "axis") != 0)
            continue;
        call_text(op, i, "7", call, sizeof call);
        expect_error(op, call, "index", "7");
        call_text(op, i, "-8", call, sizeof call);
        expect_error(op, call, "index", "-8");
    }
    conclude();
}

static void test_shapes_that_do_not_broadcast(void **state)
{
    const Op *op = *state;
    char call[128];
    if (op_tensor_count(op) < 2)
        return;
    snprintf(call, sizeof call, "%s(ones(2, 3), ones(4)%s)", name_of(op), op_tensor_count(op) == 3 ? ", 1" : "");
    expect_error(op, call, "shape", "[2, 3]");
    conclude();
}

/* ---- all of them ---- */

static const Op *const all_ops[] = {
#define OP(name) &op_##name,
#include "op_list.h"
#undef OP
};

static int start(void **state)
{
    SessionOptions options = {.threads = 1, .dtype = "float64", .seeded = true, .seed = 1};
    (void)state;
    host = session_new(&options);
    return host == NULL || !session_run(host, prelude, "<prelude>", RUN_SCRIPT);
}

static int finish(void **state)
{
    (void)state;
    session_free(host);
    return 0;
}

enum { EVERY, ELEMENTWISE };

static const struct { const char *claim; CMUnitTestFunction test; int which; } claims[] = {
    {"has a full row", test_row, EVERY},
    {"has the right derivatives", test_derivatives, EVERY},
    {"does not mind layouts", test_layouts, EVERY},
    {"maps over slices", test_slices, EVERY},
    {"agrees on numbers and long vectors", test_numbers_and_vectors, ELEMENTWISE},
    {"agrees in all dtypes", test_dtypes, EVERY},
    {"survives odd inputs", test_odd_inputs, EVERY},
    {"promotes dtypes", test_promotion, ELEMENTWISE},
    {"refuses wrong types", test_wrong_types, EVERY},
    {"refuses wrong counts and names", test_wrong_counts_and_names, EVERY},
    {"refuses bad axes", test_bad_axes, EVERY},
    {"refuses shapes that do not broadcast", test_shapes_that_do_not_broadcast, ELEMENTWISE},
};

enum { OPS = sizeof all_ops / sizeof *all_ops, CLAIMS = sizeof claims / sizeof *claims };

int main(void)
{
    static struct CMUnitTest tests[OPS * CLAIMS];
    static char names[OPS * CLAIMS][80];
    size_t count = 0;
    for (size_t i = 0; i < OPS; i++)
        for (size_t k = 0; k < CLAIMS && all_ops[i]->section != NULL; k++) {
            if (claims[k].which == ELEMENTWISE && !is_elementwise(all_ops[i]))
                continue;
            snprintf(names[count], sizeof *names, "%s %s", name_of(all_ops[i]), claims[k].claim);
            tests[count] = (struct CMUnitTest){names[count], claims[k].test, NULL, NULL, (void *)all_ops[i]};
            count++;
        }
    return _cmocka_run_group_tests("operations", tests, count, start, finish);
}
