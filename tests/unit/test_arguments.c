/* Bad arguments of every public operation and built-in, made up from the kinds and names of its parameters. Each
 * gives an error of a fitting kind that names what was called, the argument and the shapes, and the place of the
 * call, or else a result; and it leaves nothing behind. */
#include "ops_support.h"

/* By ArgKind: an argument that is fine, and some that are not, in order of what is wrong with them. */
enum { BAD_MOST = 7 };
static const struct { const char *good, *bad[BAD_MOST]; } arguments_of[] = {
    [ARG_TENSOR] = {"[[2, 1], [1, 3]]", {"\"text\"", "none", "sin", "{a: 1}", "(1, 2)", "range(3)"}},
    [ARG_TENSORS] = {"([1, 2], [3, 4])", {"\"text\"", "none", "sin", "{a: 1}", "(1, \"text\")", "(none,)", "3"}},
    [ARG_NUMBER] = {"1", {"\"text\"", "none", "sin", "{a: 1}", "(1,)", "[1, 2]"}},
    [ARG_INTEGER] = {"1", {"\"text\"", "none", "sin", "{a: 1}", "[1, 2]", "1.5", "nan"}},
    [ARG_FLAG] = {"true", {"\"text\"", "none", "sin", "{a: 1}", "(1, 2)", "[true, false]"}},
    [ARG_AXES] = {"0", {"\"text\"", "sin", "{a: 1}", "[0, 1]", "0.5", "(0, \"text\")", "(0, none)"}},
    [ARG_SHAPE] = {"(2, 2)", {"\"text\"", "none", "sin", "{a: 1}", "(1.5, 2)", "nan"}},
    [ARG_INTS] = {"1", {"\"text\"", "none", "sin", "{a: 1}", "1.5", "(1, \"text\")", "inf"}},
    [ARG_DTYPE] = {"\"float32\"", {"\"float99\"", "3", "sin", "{a: 1}", "[1, 2]"}},
    [ARG_TEXT] = {"\"ij\"", {"3", "none", "sin", "{a: 1}", "[1, 2]"}},
    [ARG_NUMBER_OR_TEXT] = {"2", {"{a: 1}", "none", "sin", "[1, 2]", "(1, 2)"}},
};

static const char *const own_kinds = "type shape index value domain memory limit";

/* A built-in of the same name stands before some operations (concat joins tuples too). */
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

/* ---- parameters ---- */

typedef struct ParameterText {
    char name[32];
    bool optional, rest, none;        /* none: it is the default, and so no mistake */
} ParameterText;

/* Parameter i of a usage text; false when there are no more. */
static bool read_parameter(const char *usage, int i, ParameterText *p)
{
    const char *at = strchr(usage, '(') + 1;
    for (; i > 0; i--) {
        for (int depth = 0; (*at != ',' && *at != ')') || depth > 0; at++)
            depth += (*at == '(') - (*at == ')');
        if (*at++ == ')')
            return false;
    }
    at += strspn(at, " ");
    p->rest = strncmp(at, "...", 3) == 0;
    at += p->rest ? 3 : 0;
    size_t length = strcspn(at, ",=)");
    snprintf(p->name, sizeof p->name, "%.*s", (int)length, at);
    p->optional = at[length] == '=';
    p->none = strncmp(at + length, "=none", 5) == 0;
    return length > 0;
}

static ParameterText parameter_of(const Op *op, int i)
{
    ParameterText p;
    assert_true(read_parameter(op->usage, i, &p));
    return p;
}

static void append(char *text, size_t room, const char *format, ...) PRINTF_LIKE(3, 4);
static void append(char *text, size_t room, const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, room - used, format, args);
    va_end(args);
}

/* A call with the arguments that must be there. Argument `bad`, where it is one, stands there too, and so does
 * `also`; the others are fine. */
static void call_with(const Op *op, int bad, const char *argument, int also, const char *other, char *text, size_t room)
{
    snprintf(text, room, "%s(", name_of(op));
    for (int i = 0; i < op->arg_count; i++) {
        ParameterText p = parameter_of(op, i);
        const char *value = i == bad ? argument : i == also ? other : arguments_of[op->args[i]].good;
        bool several = op->args[i] == ARG_TENSORS && p.rest && *value == '(';
        if (p.optional && (i == bad || i == also))
            append(text, room, "%s=%s, ", p.name, value);
        else if (!p.optional)
            append(text, room, "%s%s, ", several ? "..." : "", value);
    }
    append(text, room, ")");
}

static void call_text(const Op *op, int bad, const char *argument, char *text, size_t room)
{
    call_with(op, bad, argument, -1, NULL, text, room);
}

/* ---- what must hold of a call ---- */

/* Runs the call some times; false when it succeeded, which is well too. Nothing may stay behind, and an error must be
 * of one of the kinds, begin with the name of what was called and show the place of the call. */
static bool fails(const char *name, const char *call, const char *kinds)
{
    size_t alive[2];
    char start[48];
    bool ok = false;
    for (int i = 0; i < 3; i++) {
        ok = run("%s", call);
        alive[i & 1] = host->runtime->live_objects;
    }
    if (alive[0] != alive[1])
        complain("\n    %s: objects stay behind", call);
    if (ok)
        return false;
    snprintf(start, sizeof start, "error: %s: ", name);
    if (strncmp(error_line(), start, strlen(start)) != 0)
        complain("\n    %s: does not name %s: %s", call, name, error_line());
    if (strstr(kinds, session_error_kind(host)) == NULL)
        complain("\n    %s: kind %s: %s", call, session_error_kind(host), error_line());
    if (strstr(session_error(host), "<test>:1:1") == NULL)
        complain("\n    %s: not its place: %s", call, session_error(host));
    return true;
}

/* The call must fail, and its message contain this text too. */
static void expect_error(const Op *op, const char *call, const char *kinds, const char *also)
{
    if (!fails(name_of(op), call, kinds))
        complain("\n    %s: no error", call);
    else if (strstr(error_line(), also) == NULL)
        complain("\n    %s: no %s: %s", call, also, error_line());
}

/* ---- wrong types, counts and names ---- */

static void test_wrong_types(void **state)
{
    const Op *op = *state;
    char call[256];
    for (int i = 0; i < op->arg_count && !is_covered(op); i++)
        for (int k = 0; k < BAD_MOST && arguments_of[op->args[i]].bad[k] != NULL; k++) {
            ParameterText p = parameter_of(op, i);
            const char *bad = arguments_of[op->args[i]].bad[k];
            if ((p.none && strcmp(bad, "none") == 0) || (p.rest && strcmp(bad, "3") == 0))
                continue;                      /* no mistakes */
            call_text(op, i, bad, call, sizeof call);
            expect_error(op, call, "type", p.name);
        }
    conclude();
}

static void test_wrong_counts_and_names(void **state)
{
    const Op *op = *state;
    char call[256];
    bool rest = false;
    if (is_covered(op))
        return;
    call_text(op, -1, "", call, sizeof call);
    snprintf(call + strlen(call) - 1, 16, "bogus=1)");
    expect_error(op, call, "type", "bogus");
    snprintf(call, sizeof call, "%s(", name_of(op));
    for (int i = 0; i < op->arg_count; i++) {
        ParameterText p = parameter_of(op, i);
        if (!p.optional && !p.rest) {          /* so far it is missing */
            append(call, sizeof call, ")");
            expect_error(op, call, "type", p.name);
            call[strlen(call) - 1] = '\0';
        }
        rest |= p.rest;
        append(call, sizeof call, "%s,", arguments_of[op->args[i]].good);
        if (!p.rest) {
            size_t length = strlen(call);
            append(call, sizeof call, "%s=%s)", p.name, arguments_of[op->args[i]].good);
            if (!rest)
                expect_error(op, call, "type", "given twice");
            call[length] = '\0';
        }
    }
    append(call, sizeof call, "1)");
    if (!rest)
        expect_error(op, call, "type", "argument");
    conclude();
}

/* ---- axes, sizes, shapes, dtypes ---- */

static void test_bad_axes(void **state)
{
    const Op *op = *state;
    char call[256];
    for (int i = 0; i < op->arg_count; i++) {
        if (strcmp(parameter_of(op, i).name, "axis") != 0)
            continue;
        call_text(op, i, "7", call, sizeof call);
        expect_error(op, call, "index", "7");
        call_text(op, i, "-8", call, sizeof call);
        expect_error(op, call, "index", "-8");
        call_text(op, i, "0.5", call, sizeof call);
        expect_error(op, call, "type", "axis");
        call_text(op, i, "(0, 0)", call, sizeof call);
        if (strcmp(name_of(op), "roll") != 0)  /* which rolls once more, as in NumPy */
            expect_error(op, call, "type index value", "ax");
        call_text(op, i, "4e18", call, sizeof call);
        expect_error(op, call, "index", "4000000000000000000");
    }
    conclude();
}

/* Sizes and counts that nothing holds, or that are less than nothing: refused before anything is done. */
static void test_huge_numbers(void **state)
{
    static const char *const huge[] = {"1e9", "4e18", "9e18", "1e19", "-1", "-1e9", "-9e18", "-1e300"};
    static const char *const lists[] = {"(1e9, 1e9)", "(4e18, 4e18)", "(9e18, 1)", "(-1, 1e10)", "(0, 1e18)", "()"};
    const Op *op = *state;
    char call[256];
    for (int i = 0; i < op->arg_count; i++) {
        ArgKind kind = op->args[i];
        bool list = kind == ARG_SHAPE || kind == ARG_INTS || kind == ARG_AXES;
        if (kind == ARG_TEXT || kind == ARG_DTYPE || kind == ARG_FLAG || kind == ARG_TENSORS)
            continue;
        for (size_t k = 0; k < sizeof huge / sizeof *huge; k++) {
            call_text(op, i, huge[k], call, sizeof call);
            fails(name_of(op), call, own_kinds);
        }
        for (size_t k = 0; k < sizeof lists / sizeof *lists && list; k++) {
            call_text(op, i, lists[k], call, sizeof call);
            fails(name_of(op), call, own_kinds);
        }
    }
    conclude();
}

/* Whatever is said of shapes shows those that are at fault: these or those of the other arguments, [2, 2]. */
static void expect_shapes(const char *call, const char *a, const char *b)
{
    bool first = strstr(error_line(), a) != NULL, second = b == NULL || strstr(error_line(), b) != NULL;
    bool of_one = (first || second) && strstr(error_line(), " must ") != NULL;
    bool of_others = !first && strstr(error_line(), "[2, 2]") != NULL;
    if (strcmp(session_error_kind(host), "shape") == 0 && !(first && second) && !of_one && !of_others)
        complain("\n    %s: not all shapes: %s", call, error_line());
}

static void test_any_shape(void **state)
{
    static const char *const shapes[] = {"[]", "[0]", "[3]", "[2, 3]", "[3, 0]", "[2, 3, 4]", "[1, 2, 3, 4]"};
    const Op *op = *state;
    char call[256], value[32];
    for (int i = 0; i < op->arg_count; i++)
        for (size_t k = 0; k < sizeof shapes / sizeof *shapes && op->args[i] == ARG_TENSOR; k++) {
            snprintf(value, sizeof value, "ones(%.*s)", (int)strlen(shapes[k]) - 2, shapes[k] + 1);
            call_text(op, i, value, call, sizeof call);
            if (fails(name_of(op), call, own_kinds))
                expect_shapes(call, shapes[k], NULL);
        }
    conclude();
}

static void test_shapes_that_do_not_fit(void **state)
{
    static const char *const pairs[][2] = {
        {"[2, 3]", "[4, 5]"}, {"[2, 3]", "[4]"}, {"[7]", "[2, 2]"}, {"[4, 2, 2]", "[5, 2, 2]"}, {"[6]", "[5, 6, 7]"},
    };
    const Op *op = *state;
    char call[256], a[32], b[32];
    for (int i = 0; i + 1 < op->arg_count; i++)
        for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++) {
            if (op->args[i] != ARG_TENSOR || op->args[i + 1] != ARG_TENSOR)
                continue;
            snprintf(a, sizeof a, "ones(%.*s)", (int)strlen(pairs[k][0]) - 2, pairs[k][0] + 1);
            snprintf(b, sizeof b, "ones(%.*s)", (int)strlen(pairs[k][1]) - 2, pairs[k][1] + 1);
            call_with(op, i, a, i + 1, b, call, sizeof call);
            if (fails(name_of(op), call, own_kinds))
                expect_shapes(call, pairs[k][0], pairs[k][1]);
            else if (is_elementwise(op))
                complain("\n    %s: no error", call);
        }
    conclude();
}

static void test_any_dtype(void **state)
{
    const Op *op = *state;
    char call[256], value[64];
    for (int i = 0; i < op->arg_count; i++)
        for (int d = 0; d < DTYPES && op->args[i] == ARG_TENSOR; d++) {
            snprintf(value, sizeof value, "[[2, 1], [1, 3]].to(\"%s\")", dtype_name((Dtype)d));
            call_text(op, i, value, call, sizeof call);
            fails(name_of(op), call, own_kinds);
        }
    conclude();
}

/* ---- built-ins ---- */

#define BUILTIN(name) extern const Builtin builtin_##name;
#include "builtin_list.h"
#undef BUILTIN

/* Those that write or end something, or whose errors are their caller's. */
static bool may_be_tried(const Builtin *b)
{
    static const char *const left_out[] = {"exit(", "error(", "print(", "help(", "import("};
    if (b->section == NULL || strcmp(b->section, "files") == 0 || strcmp(b->section, "see") == 0)
        return false;
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
        if (strncmp(b->usage, left_out[i], strlen(left_out[i])) == 0)
            return false;
    return true;
}

static void expect_of_builtin(const char *name, const char *call, const char *also)
{
    if (!fails(name, call, own_kinds))
        complain("\n    %s: no error", call);
    else if (strstr(error_line(), also) == NULL)
        complain("\n    %s: no %s: %s", call, also, error_line());
}

static void try_counts_and_names(const char *name, const char *usage)
{
    char call[256];
    ParameterText p;
    bool rest = false;
    snprintf(call, sizeof call, "%s(", name);
    for (int i = 0; read_parameter(usage, i, &p); i++) {
        rest |= p.rest;
        if (!p.optional && !p.rest && strcmp(name, "attach_grad") != 0) {
            append(call, sizeof call, ")");
            expect_of_builtin(name, call, p.name);
            call[strlen(call) - 1] = '\0';
        }
        append(call, sizeof call, "\"text\", ");
    }
    append(call, sizeof call, "1)");
    if (!rest)
        expect_of_builtin(name, call, "argument");
    snprintf(call, sizeof call, "%s(bogus=1)", name);
    expect_of_builtin(name, call, "argument");
}

/* The same odd value in place of all arguments, for every number of them. */
static void try_odd_values(const char *name, const char *usage)
{
    static const char *const odd[] = {
        "\"text\"", "none", "true", "-1", "1.5", "nan", "1e300", "sin", "(x -> x)", "{a: 1}", "(1, \"b\")", "()",
        "[1, 2]", "zeros(0)", "parameter([1, 2])", "[[1, 2], [3, 4]].to(\"int32\")", "range(3)",
    };
    char call[512];
    ParameterText p;
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
        snprintf(call, sizeof call, "%s(", name);
        for (int i = 0; read_parameter(usage, i, &p); i++) {
            append(call, sizeof call, "%s, ", odd[k]);
            append(call, sizeof call, ")");
            run("%s", call);
            bool silent = session_error_kind(host)[0] == '\0';
            bool named = strstr(error_line(), name) != NULL || strstr(error_line(), "sin: ") != NULL
                      || strstr(error_line(), "a function without a name: ") != NULL;
            if (!silent && (strcmp(session_error_kind(host), "user") != 0) && !named)
                complain("\n    %s: does not name %s: %s", call, name, error_line());
            call[strlen(call) - 1] = '\0';
        }
    }
}

static void test_builtins(void **state)
{
    static const Builtin *const rows[] = {
#define BUILTIN(name) &builtin_##name,
#include "builtin_list.h"
#undef BUILTIN
    };
    char name[32];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!may_be_tried(rows[i]))
            continue;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(rows[i]->usage, "("), rows[i]->usage);
        try_counts_and_names(name, rows[i]->usage);
        try_odd_values(name, rows[i]->usage);
    }
    conclude();
}

/* Little memory, so that what is too large is refused at once. */
static int start_small_session(void **state)
{
    (void)state;
    return start_with_memory(64 << 20);
}

int main(void)
{
    static const Claim claims[] = {
        {"refuses wrong types", test_wrong_types, false},
        {"refuses wrong counts and names", test_wrong_counts_and_names, false},
        {"refuses bad axes", test_bad_axes, false},
        {"refuses numbers that are too large or too small", test_huge_numbers, false},
        {"takes or refuses any shape", test_any_shape, false},
        {"refuses shapes that do not fit", test_shapes_that_do_not_fit, false},
        {"takes or refuses any dtype", test_any_dtype, false},
    };
    static const struct CMUnitTest builtins[] = {cmocka_unit_test(test_builtins)};
    int failed = run_claims("arguments", claims, sizeof claims / sizeof *claims, start_small_session);
    return failed + cmocka_run_group_tests_name("arguments of built-ins", builtins, start_small_session, end_session);
}
