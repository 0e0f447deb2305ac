/* Functions over sequences: map, filter, reduce, scan. */
#include "base/runtime.h"
#include "lib/sequence.h"
#include "ops/rules.h"

/* `xs.map(f)` is map(xs, f): the function may stand behind the sequence. The call with the two in the
 * documented order. */
static Call function_first(const Call *call, Value arranged[2])
{
    Call ordered = *call;
    bool behind = call->args[0].tag != TAG_FUNCTION && call->args[1].tag == TAG_FUNCTION;
    arranged[0] = call->args[behind];
    arranged[1] = call->args[!behind];
    ordered.args = arranged;
    return ordered;
}

/* The same where the sequences are a `...rest`, and one of them is the function. */
static Call function_first_of_many(const Call *call, Value arranged[2])
{
    const Tuple *rest = call->args[1].as.any;
    Call ordered = *call;
    if (rest->count != 1 || call->args[0].tag == TAG_FUNCTION || tuple_items(rest)[0].tag != TAG_FUNCTION)
        return ordered;
    arranged[0] = tuple_items(rest)[0];
    arranged[1] = value_object(TAG_TUPLE, tuple_new(1, call->args));
    ordered.args = arranged;
    return ordered;
}

static Value run_map(Call *call)
{
    Value arranged[2];
    Call ordered = function_first_of_many(call, arranged);
    Value f = arg_function(&ordered, 0);
    uint32_t count = ((Tuple *)ordered.args[1].as.any)->count;
    Value *items = scratch(count * sizeof *items + 1);
    Sequence *xs = scratch(count * sizeof *xs + 1);
    int64_t shortest = INT64_MAX;
    if (count == 0)
        call_throw(call, ERROR_TYPE, "the argument `xs` is missing");
    for (uint32_t i = 0; i < count; i++) {
        xs[i] = arg_sequence_in(&ordered, 1, i);
        if (xs[i].count < shortest)
            shortest = xs[i].count;
    }
    PoolMark mark = pool_mark();
    Tuple *out = tuple_new(0, NULL);
    for (int64_t k = 0; k < shortest; k++) {
        for (uint32_t i = 0; i < count; i++)
            items[i] = sequence_item(&xs[i], k);
        out = collect(out, call_value(f, count, items, NULL), mark);
    }
    return value_object(TAG_TUPLE, out);
}

const Builtin builtin_map = {
    .usage = "map(f, ...xs)", .section = "structures",
    .doc = "The tuple of f(x) for each x of a tuple, a range, a string, a tensor's first axis or a record's "
           "keys. With several sequences, of f(x, y) for their items side by side, to the end of the "
           "shortest. xs.map(f) means the same.",
    .errors = "type when f is not a function or xs cannot be walked.",
    .example = "map(x -> x^2, range(4))  #=> (0, 1, 4, 9)\n"
               "map((x, y) -> x + y, (1, 2), (10, 20))  #=> (11, 22)",
    .related = "filter reduce scan vmap zip",
    .run = run_map,
};

static Value run_filter(Call *call)
{
    Value arranged[2];
    Call ordered = function_first(call, arranged);
    Value f = arg_function(&ordered, 0);
    Sequence xs = arg_sequence(&ordered, 1);
    PoolMark mark = pool_mark();
    Tuple *out = tuple_new(0, NULL);
    for (int64_t k = 0; k < xs.count; k++) {
        Value item = sequence_item(&xs, k);
        if (value_truth(call_value1(f, item)))
            out = collect(out, item, mark);
        else
            out = pool_drain_except(mark, out);
    }
    return value_object(TAG_TUPLE, out);
}

const Builtin builtin_filter = {
    .usage = "filter(f, xs)", .section = "structures",
    .doc = "The tuple of those items x of a sequence for which f(x) is true. xs.filter(f) means the same.",
    .errors = "type when f is not a function, xs cannot be walked, or f gives what is neither true nor "
              "false.",
    .example = "filter(x -> x % 2 == 0, range(7))  #=> (0, 2, 4, 6)",
    .related = "map reduce masked_select",
    .run = run_filter,
};

/* Drains the pool, but the value stays alive, owned by it. */
static Value keep_only(PoolMark mark, Value v)
{
    if (value_is_object(v))
        pool_drain_except(mark, v.as.object);
    else
        pool_drain(mark);
    return v;
}

static Value run_reduce(Call *call)
{
    Value arranged[2];
    Call ordered = function_first(call, arranged);
    Value f = arg_function(&ordered, 0);
    Sequence xs = arg_sequence(&ordered, 1);
    bool started = arg_given(call, 2);
    if (!started && xs.count == 0)
        error_throw_hint(ERROR_VALUE, "give the value to start with: reduce(f, xs, init)",
                         "reduce: `xs` is empty");
    PoolMark mark = pool_mark();
    Value pair[2] = {started ? call->args[2] : sequence_item(&xs, 0), value_none()};
    if (value_is_object(pair[0]))
        pool_keep(pair[0].as.object);
    for (int64_t k = started ? 0 : 1; k < xs.count; k++) {
        interrupt_poll();
        pair[1] = sequence_item(&xs, k);
        pair[0] = keep_only(mark, call_value(f, 2, pair, NULL));
    }
    return pair[0];
}

const Builtin builtin_reduce = {
    .usage = "reduce(f, xs, init=none)", .section = "structures",
    .doc = "f(...f(f(init, x0), x1)..., xn) over the items of a sequence; without init it starts with the "
           "first item. xs.reduce(f) means the same.",
    .errors = "type when f is not a function or xs cannot be walked; value when xs is empty and there is no "
              "init.",
    .example = "reduce((a, b) -> a * b, range(1, 6))  #=> 120\n"
               "reduce((a, b) -> a + b, (\"x\", \"y\"), \">\")  #=> >xy",
    .related = "scan map sum prod",
    .run = run_reduce,
};

/* ---- scan ---- */

/* Leaf i of the output of every step, stacked; none where all of them are none. */
static Value stack_leaf(const Call *call, uint32_t steps, const Leaves *each, uint32_t i)
{
    Value *column = scratch(steps * sizeof *column);
    const GradTensor *first = value_tensor(each[0].at[i]);
    for (uint32_t k = 0; k < steps; k++) {
        column[k] = each[k].at[i];
        const GradTensor *x = value_tensor(column[k]);
        if ((x == NULL && column[k].tag != TAG_NONE) || (x == NULL) != (first == NULL))
            call_throw(call, ERROR_TYPE,
                       "the output of `f` at step %u is %s, but only numbers and tensors can be stacked",
                       k, value_described(column[k]));
        if (x != NULL && !shape_equal(x->t.ndim, tensor_shape(&x->t), first->t.ndim, tensor_shape(&first->t)))
            call_throw(call, ERROR_SHAPE,
                       "the output of `f` at step %u has shape %s, but the one at step 0 has %s", k,
                       shape_text(x->t.ndim, tensor_shape(&x->t)), shape_text(first->t.ndim,
                                                                              tensor_shape(&first->t)));
    }
    if (first == NULL)
        return value_none();
    Value args[2] = {value_object(TAG_TUPLE, tuple_new(steps, column)), value_number(0)};
    return call_value(value_object(TAG_FUNCTION, function_op(&op_stack)), 2, args, NULL);
}

static Value stack_outputs(const Call *call, const Tuple *outputs)
{
    int64_t nothing = 0;
    if (outputs->count == 0)
        return value_object(TAG_TENSOR, gt_filled(grad_state()->default_dtype, 1, &nothing, 0));
    const Value *output = tuple_items(outputs);
    Leaves *each = scratch(outputs->count * sizeof *each);
    for (uint32_t k = 0; k < outputs->count; k++) {
        if (!structure_same(output[k], output[0]))
            call_throw(call, ERROR_TYPE,
                       "the output of `f` at step %u has another structure than the one at step 0", k);
        each[k] = structure_leaves(output[k]);
    }
    Value *leaves = scratch(each[0].count * sizeof *leaves + 1);
    for (uint32_t i = 0; i < each[0].count; i++)
        leaves[i] = stack_leaf(call, outputs->count, each, i);
    return structure_rebuild(output[0], leaves);
}

static Value run_scan(Call *call)
{
    Value f = arg_function(call, 0), state = call->args[1];
    Sequence xs = arg_sequence(call, 2);
    Tuple *outputs = tuple_new(0, NULL);
    PoolMark mark = pool_mark();
    Tuple *held = NULL;               /* (state, outputs): what outlives a step */
    for (int64_t k = 0; k < xs.count; k++) {
        interrupt_poll();
        Value pair[2] = {state, sequence_item(&xs, k)};
        Value result = call_value(f, 2, pair, NULL);
        if (result.tag != TAG_TUPLE || ((Tuple *)result.as.any)->count != 2)
            call_throw(call, ERROR_TYPE, "`f` must return the tuple (state, output), not %s%s",
                       value_described(result),
                       result.tag == TAG_TUPLE ? " of another length" : "");
        state = tuple_items(result.as.any)[0];
        outputs = tuple_append(outputs, tuple_items(result.as.any)[1]);
        held = tuple_new(2, (Value[]){state, value_object(TAG_TUPLE, outputs)});
        pool_drain_except(mark, held);
    }
    Value both[2] = {state, stack_outputs(call, outputs)};
    return value_object(TAG_TUPLE, tuple_new(2, both));
}

const Builtin builtin_scan = {
    .usage = "scan(f, state, xs)", .section = "structures",
    .doc = "Carries a state along a sequence: f(state, x) returns (state, output) for each item x. The "
           "result is the tuple of the last state and the outputs stacked along a new first axis, leaf by "
           "leaf where an output is a tuple or a record. Gradients flow through all steps. Without items "
           "the outputs are an empty tensor.",
    .errors = "type when f does not return a pair, or an output that is no number or tensor; shape when the "
              "outputs' shapes differ.",
    .example = "scan((s, x) -> (s + x, s * x), 0, [1, 2, 3])  #=> (6, [0, 2, 9])",
    .related = "reduce map cumsum",
    .run = run_scan,
};
