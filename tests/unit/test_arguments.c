/* Bad arguments of every public operation, made up from the kinds and names of its parameters: each gives an
 * error that names the operation and the argument, and leaves nothing behind. */
#include "ops_support.h"

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

/* A call with the arguments that must be there, and argument `bad`, where it is one; the others are fine. */
static void call_text(const Op *op, int bad, const char *argument, char *text, size_t room)
{
    char name[32];
    snprintf(text, room, "%s(", name_of(op));
    for (int i = 0; i < op->arg_count; i++) {
        bool optional = parameter(op, i, name, sizeof name);
        const char *value = i == bad ? argument : arguments_of[op->args[i]].good;
        bool several = op->args[i] == ARG_TENSORS && strstr(op->usage, "...") != NULL;
        const char *spread = several && *value == '(' ? "..." : "";
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
    bool named = strstr(error_line(), name_of(op)) != NULL
              || (op->infix != NULL && strcmp(kind, "shape") == 0);
    if (strstr(kinds, kind) == NULL || !named || strstr(error_line(), also) == NULL)
        complain("\n    %s: kind %s: %s", call, kind, error_line());
    if (alive[0] != alive[1])
        complain("\n    %s: objects stay behind", call);
}

static void test_wrong_types(void **state)
{
    const Op *op = *state;
    char call[256], name[32];
    for (int i = 0; i < op->arg_count && !is_covered(op); i++)
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
    for (int i = 0; i <= op->arg_count; i++)
        snprintf(call + strlen(call), sizeof call - strlen(call), "%s,",
                 i < op->arg_count ? arguments_of[op->args[i]].good : "1");
    snprintf(call + strlen(call), sizeof call - strlen(call), ")");
    expect_error(op, call, "type", "argument");
    if (op->arg_count > 0 && !parameter(op, 0, name, sizeof name)) {
        snprintf(call, sizeof call, "%s()", name_of(op));
        expect_error(op, call, "type", name);
    }
    conclude();
}

static void test_bad_axes(void **state)
{
    const Op *op = *state;
    char call[256], name[32];
    for (int i = 0; i < op->arg_count; i++) {
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
    snprintf(call, sizeof call, "%s(ones(2, 3), ones(4)%s)", name_of(op),
             op_tensor_count(op) == 3 ? ", 1" : "");
    expect_error(op, call, "shape", "[2, 3]");
    conclude();
}

int main(void)
{
    static const Claim claims[] = {
        {"refuses wrong types", test_wrong_types, false},
        {"refuses wrong counts and names", test_wrong_counts_and_names, false},
        {"refuses bad axes", test_bad_axes, false},
        {"refuses shapes that do not broadcast", test_shapes_that_do_not_broadcast, true},
    };
    return run_claims("arguments", claims, sizeof claims / sizeof *claims, start_session);
}
