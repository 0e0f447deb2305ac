/* Functions from functions: f', grad, value_and_grad, jvp, vjp. */
#include "grad/batch.h"
#include "lib/derivative.h"

static Value tuple_of(uint32_t count, const Value *items)
{
    return value_object(TAG_TUPLE, tuple_new(count, items));
}

/* ---- gradients ---- */

typedef enum Want { WANT_SUM, WANT_SCALAR, WANT_VALUE_TOO } Want;

/* The position among the arguments of a call of the one that is the `argnum`-th parameter of f. */
static uint32_t find_argument(const char *who, Value f, double argnum, const Call *call)
{
    uint32_t positional = 0, count = (uint32_t)call->count;
    while (positional < count && (call->names == NULL || call->names[positional] == NULL))
        positional++;
    if (argnum < 0)
        argnum += count;
    if (argnum >= 0 && argnum < positional)
        return (uint32_t)argnum;
    const Signature *s = f.tag == TAG_FUNCTION ? function_signature(f.as.any) : NULL;
    for (uint32_t i = positional; i < count && s != NULL && argnum >= 0 && argnum < s->count; i++)
        if (string_equal(call->names[i], s->at[(uint32_t)argnum].name))
            return i;
    error_throw(ERROR_TYPE, "%s: `argnum` is %g, but the call has %u argument%s", who, argnum,
                count, count == 1 ? "" : "s");
}

/* The arguments to differentiate by: one, or the tuple of those in a tuple of positions. */
static Value chosen_arguments(const char *who, Value f, Value argnum, const Call *call)
{
    if (argnum.tag == TAG_NUMBER)
        return call->args[find_argument(who, f, argnum.as.number, call)];
    const Tuple *positions = argnum.as.any;
    Value *chosen = scratch((size_t)positions->count * sizeof *chosen + 1);
    for (uint32_t i = 0; i < positions->count; i++)
        chosen[i] = call->args[find_argument(who, f, tuple_items(positions)[i].as.number, call)];
    return tuple_of(positions->count, chosen);
}

/* The arguments of the call with leaves in the place of the chosen ones. */
static const Value *with_leaves(const char *who, Value f, Value argnum, const Call *call, Value leaves)
{
    Value *args = scratch((size_t)call->count * sizeof *args + 1);
    for (int i = 0; i < call->count; i++)
        args[i] = call->args[i];
    if (argnum.tag == TAG_NUMBER) {
        args[find_argument(who, f, argnum.as.number, call)] = leaves;
        return args;
    }
    const Tuple *positions = argnum.as.any;
    for (uint32_t i = 0; i < positions->count; i++)
        args[find_argument(who, f, tuple_items(positions)[i].as.number, call)] = tuple_items((Tuple *)leaves.as.any)[i];
    return args;
}

static Value gradient(const Call *call, const char *who, Want want)
{
    Value f = call->self->captures[0], argnum = call->self->captures[1];
    Derivation d = derivation_begin(who, chosen_arguments(who, f, argnum, call));
    derivation_call(&d, f, (uint32_t)call->count, with_leaves(who, f, argnum, call, d.in), call->names);
    if (want == WANT_SUM)
        derivation_want_tensor(&d);
    else
        derivation_want_scalar(&d);
    Value value = want == WANT_VALUE_TOO ? derivation_result(&d) : value_none();
    GradTensor **g = scratch((size_t)d.sources->count * sizeof *g + 1);
    gradients_of(1, d.results->at, NULL, d.sources->count, d.sources->at, g,
                 d.recording ? GRAPH_NESTED : GRAPH_CONSUME);
    derivation_prune(&d, d.sources->count, g);
    Value slope = derivation_value(d.in, g);
    return want == WANT_VALUE_TOO ? tuple_of(2, (Value[]){value, slope}) : slope;
}

static Value run_derivative(Call *call) { return gradient(call, "f'", WANT_SUM); }
static Value run_gradient(Call *call) { return gradient(call, "grad", WANT_SCALAR); }
static Value run_value_gradient(Call *call) { return gradient(call, "value_and_grad", WANT_VALUE_TOO); }

/* What the transforms return: native functions that capture f and argnum. */
static const Builtin derivative_row = {.usage = "derivative(...args)", .run = run_derivative, .forwards = true};
static const Builtin gradient_row = {.usage = "gradient(...args)", .run = run_gradient, .forwards = true};
static const Builtin value_gradient_row = {.usage = "value_and_gradient(...args)", .run = run_value_gradient,
                                           .forwards = true};

/* argnum as a number or a tuple of numbers. */
static Value whole_argnum(const char *who, Value argnum)
{
    GradTensor *x = argnum.tag == TAG_BOOL ? NULL : value_tensor(argnum);
    if (x == NULL || x->t.size != 1 || tensor_item(&x->t) != __builtin_trunc(tensor_item(&x->t)))
        error_throw(ERROR_TYPE, "%s: `argnum` must be the position of an argument or a tuple of positions", who);
    return value_number(tensor_item(&x->t));
}

static Value transformed(const Builtin *row, const char *who, Value f, Value argnum)
{
    if (argnum.tag != TAG_TUPLE)
        return value_object(TAG_FUNCTION, native_function(row, 2, (Value[]){f, whole_argnum(who, argnum)}));
    const Tuple *given = argnum.as.any;
    Value *positions = scratch((size_t)given->count * sizeof *positions + 1);
    for (uint32_t i = 0; i < given->count; i++)
        positions[i] = whole_argnum(who, tuple_items(given)[i]);
    return value_object(TAG_FUNCTION, native_function(row, 2, (Value[]){f, tuple_of(given->count, positions)}));
}

Value gradient_function(Value f, Value argnum)
{
    return transformed(&gradient_row, "grad", f, argnum);
}

static Value run_prime(Call *call)
{
    return transformed(&derivative_row, "f'", arg_function(call, 0), value_number(0));
}

const Builtin builtin_derivative = {
    .usage = "derivative(f)", .section = "derivatives", .run = run_prime, .infix = "'",
    .doc = "The derivative of f with respect to its first argument, written f'. Where arguments or results "
           "are tensors it is the gradient of sum(f(x)), so sin'([0, 1]) works elementwise. f'' is the "
           "second derivative, and so on. The result has the structure of the argument; a function that "
           "does not depend on it has derivative zero.",
    .errors = "type when f returns a tuple, a record or no number at all.",
    .example = "f(x) = x^3\nf'(2)  #=> 12\nf''(2)  #=> 12\nsin'([0, pi])  #=> [1, -1]",
    .related = "grad jacobian jvp vjp",
};

static Value run_value_and_grad(Call *call)
{
    return transformed(&value_gradient_row, "value_and_grad", arg_function(call, 0), call->args[1]);
}

const Builtin builtin_value_and_grad = {
    .usage = "value_and_grad(f, argnum=0)", .section = "derivatives", .run = run_value_and_grad,
    .doc = "The function that computes (f(x), gradient), evaluating f once.",
    .errors = "shape when the function's result is not a scalar.",
    .example = "value_and_grad(x -> sum(x^2))([1, 2])  #=> (5, [2, 4])",
    .related = "grad vjp",
};

/* ---- jvp ---- */

static Value run_jvp(Call *call)
{
    Derivation d = derivation_of("jvp", arg_function(call, 0), call->args[1]);
    TensorList *v = derivation_match(&d, "tangent", call->args[2], d.in, d.sources);
    GradTensor **t = scratch((size_t)d.results->count * sizeof *t + 1);
    Value value = derivation_result(&d);
    derivation_push(&d, v->at, t);
    return tuple_of(2, (Value[]){value, derivation_value(d.out, t)});
}

const Builtin builtin_jvp = {
    .usage = "jvp(f, x, v)", .section = "derivatives", .run = run_jvp,
    .doc = "(f(x), J v): the value and the derivative of f at x in the direction v, in forward mode. x may "
           "be any structure, v has the same; the function may return any structure.",
    .errors = "type or shape when v does not have the structure and shapes of x.",
    .example = "jvp(x -> x^2, [1, 2], [1, 10])  #=> ([1, 4], [2, 40])",
    .related = "vjp hvp jacobian",
};

/* ---- vjp ---- */

static Value tuple_of_nodes(const TensorList *nodes)
{
    Value *items = scratch((size_t)nodes->count * sizeof *items + 1);
    for (int64_t i = 0; i < nodes->count; i++)
        items[i] = value_object(TAG_TENSOR, nodes->at[i]);
    return tuple_of((uint32_t)nodes->count, items);
}

static TensorList *nodes_of(Value tuple)
{
    const Tuple *t = tuple.as.any;
    TensorList *list = tensor_list_new(t->count, NULL);
    for (uint32_t i = 0; i < t->count; i++)
        list->at[i] = object_retain(tuple_items(t)[i].as.any);
    return list;
}

/* The pullback of a derivation: captures in, out, sources, results. */
static Value run_pullback(Call *call)
{
    const Value *captures = call->self->captures;
    Derivation d = {.who = "pullback", .recording = grad_state()->recording, .in = captures[0], .out = captures[1],
                    .sources = nodes_of(captures[2]), .results = nodes_of(captures[3])};
    TensorList *c = derivation_match(&d, "cotangent", call->args[0], d.out, d.results);
    GradTensor **g = scratch((size_t)d.sources->count * sizeof *g + 1);
    derivation_pull(&d, c->at, g);
    return derivation_value(d.in, g);
}

static const Builtin pullback_row = {
    .usage = "pullback(cotangent)", .run = run_pullback,
    .doc = "The transpose of the derivative of f at x, as vjp(f, x) returns it.",
};

static Value run_vjp(Call *call)
{
    Derivation d = derivation_of("vjp", arg_function(call, 0), call->args[1]);
    Value captures[] = {d.in, d.out, tuple_of_nodes(d.sources), tuple_of_nodes(d.results)};
    Value pullback = value_object(TAG_FUNCTION, native_function(&pullback_row, 4, captures));
    return tuple_of(2, (Value[]){derivation_result(&d), pullback});
}

const Builtin builtin_vjp = {
    .usage = "vjp(f, x)", .section = "derivatives", .run = run_vjp,
    .doc = "(f(x), pullback): pullback(c) is the cotangent c of the result, pulled back through the "
           "derivative of f at x, in reverse mode. c has the structure of f(x), pullback(c) that of x. It "
           "may be called any number of times.",
    .errors = "type or shape, from the pullback, when c does not have the structure and shapes of f(x).",
    .example = "y, pullback = vjp(x -> x^2, [1, 2])\npullback([1, 10])  #=> [2, 40]",
    .related = "jvp jacobian backward",
};
