/* Checks generated from the rows of all public operations: values, derivatives, layouts, dtypes.
 *
 * A row brings its own cases in `check`, lines such as "x[2, 3] w[3]: matmul(x, w)"; for elementwise
 * operations they are made up here. Each line becomes a function of its inputs, which are drawn as the row's
 * `sample` says from fixed seeds, and is compared with what it has to agree with. The mathematics of that is
 * written in dbx itself (comparisons.dbx), and gives pairs of numbers that must be close. */
#include "ops_support.h"

#include <math.h>

enum { MAX_INPUTS = 4, MAX_NDIM = 4, MAX_SIZE = 4096 };

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

/* ---- comparing ---- */

/* Evaluates an expression whose value is a tensor of pairs, which must be close, and finite if so told. */
static void compare_pairs(const Line *line, const char *what, double tolerance, bool finite)
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
            if (!close || (finite && !isfinite(b))) {
                complain("\n    %s: %s: number %zu is %.17g, but should be %.17g", line->text, what, i / 2,
                         a, b);
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
        char part[16];
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
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s,", line->inputs[i].name);
    seed_draws(line->text);
    set_tuple(line, "X");
    set_tuple(line, "Y");
    if (run("default_dtype(\"float64\"); seed(1); f(%s) = %s\nF(t) = f(...t)\n", names,
            strstr(line->text, "]:") + 2))
        return true;
    complain("\n    %s: %s", line->text, error_line());
    return false;
}

/* The lines for an elementwise operation of 1 to 3 tensors: %s is its name. */
static const char *const made_up[][3] = {
    {"x[2, 3]: %s(x)\nx[]: %s(x)\nx[0]: %s(x)\nx[2, 0]: %s(x)\n",
     "x[3, 2]: %s(x.T)\nx[4]: %s(x[::-1])\nx[3, 2]: %s(x[:, 1])\n"},
    {"x[2, 3] y[2, 3]: %s(x, y)\nx[2, 3] y[3]: %s(x, y)\nx[2, 1] y[3]: %s(x, y)\n",
     "x[] y[]: %s(x, y)\nx[3] y[]: %s(x, y)\nx[0] y[0]: %s(x, y)\nx[2, 0] y[]: %s(x, y)\n",
     "x[3, 2] y[3]: %s(x.T, y[::-1])\nx[3, 2] y[3]: %s(x[:, 1], y)\n"
     "x[3] y[1]: %s(broadcast_to(x, (2, 3)), y)\n"},
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

static bool is_differentiable(const Op *op) { return op->constant == NULL; }

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
    compare_pairs(line, "first_order(F, X)", 1e-7, true);
    compare_pairs(line, "second_order(F, X)", 1e-6, true);
}

static void test_derivatives(void **state)
{
    if (is_differentiable(*state))
        each_line(*state, line_derivatives);
}

static void line_layouts(const Op *op, const Line *line)
{
    compare_pairs(line, "layouts(F, X)", 1e-12, false);
    if (is_differentiable(op))
        compare_pairs(line, "gradient_layouts(F, X)", 1e-12, false);
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
        compare_pairs(line, "slices(f, X, Y)", 1e-12, false);
}

static void test_slices(void **state)
{
    each_line(*state, line_slices);
}

/* On plain numbers, and on vectors that are computed late, the results are those of small tensors. */
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
        compare_pairs(&line, "numbers(F, X)", 1e-14, false);
        compare_pairs(&line, "long(F, X)", 1e-14, false);
    }
    conclude();
}

static void line_dtypes(const Op *op, const Line *line)
{
    static const char *const names[] = {"float32", "int32", "int64", "uint8", "bool"};
    for (int i = 0; i < 5; i++) {
        char what[64];
        snprintf(what, sizeof what, "typed(F, X, \"%s\")", names[i]);
        run("default_dtype(\"%s\")", i == 0 ? "float32" : "float64");
        compare_pairs(line, what, i == 0 ? 1e-4 : 1e-12, false);
    }
    run("default_dtype(\"float64\")");
    if (is_differentiable(op))
        compare_pairs(line, "typed_gradient(F, X)", 1e-3, true);
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
            compare_pairs(&odd, what, 0, false);
        }
    snprintf(what, sizeof what, "odd_elements(F, X, %s)", constant);
    compare_pairs(line, what, 0, false);
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

/* ---- all of them ---- */

static int start(void **state)
{
    (void)state;
    return start_with_memory(0) || !session_run_file(host, "tests/unit/comparisons.dbx");
}

int main(void)
{
    static const Claim claims[] = {
        {"has a full row", test_row, false},
        {"has the right derivatives", test_derivatives, false},
        {"does not mind layouts", test_layouts, false},
        {"maps over slices", test_slices, false},
        {"agrees on numbers and long vectors", test_numbers_and_vectors, true},
        {"agrees in all dtypes", test_dtypes, false},
        {"survives odd inputs", test_odd_inputs, false},
        {"promotes dtypes", test_promotion, true},
    };
    return run_claims("operations", claims, sizeof claims / sizeof *claims, start);
}
