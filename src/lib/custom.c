/* Functions that say how they are differentiated: by a rule of their own, or by being evaluated once more. */
#include "grad/backward.h"
#include "grad/batch.h"
#include "lib/node.h"
#include "tensor/state.h"

#include <string.h>

/* ---- custom_grad ---- */

/* The cotangents of one argument, for its leaves. */
static void take_cotangents(const NodeRule *rule, Value given, Value arg, GradTensor **out)
{
    Leaves leaves = structure_leaves(arg), cotangents = structure_leaves(given);
    if (given.tag != TAG_NONE && cotangents.count != leaves.count)
        error_throw(ERROR_TYPE, "custom_grad: the cotangent of an argument must have its structure: %s, not %s",
                    value_described(arg), value_described(given));
    for (uint32_t i = 0; i < leaves.count; i++) {
        if (leaves.at[i].tag != TAG_TENSOR && leaves.at[i].tag != TAG_VARIABLE)
            continue;
        GradTensor *x = value_tensor(leaves.at[i]);
        GradTensor *g = given.tag == TAG_NONE ? NULL : value_tensor(cotangents.at[i]);
        if (g == NULL && given.tag != TAG_NONE && cotangents.at[i].tag != TAG_NONE)
            error_throw(ERROR_TYPE, "custom_grad: a cotangent must be a tensor, a number or none, not %s",
                        value_described(cotangents.at[i]));
        if (g != NULL && g->t.ndim > 0 && !shape_equal(g->t.ndim, tensor_shape(&g->t), x->t.ndim, tensor_shape(&x->t)))
            error_throw(ERROR_SHAPE, "custom_grad: backward gives a cotangent of shape %s for an argument of shape %s",
                        shape_text(g->t.ndim, tensor_shape(&g->t)), shape_text(x->t.ndim, tensor_shape(&x->t)));
        if (g != NULL && dtype_is_float(gt_dtype(x)))
            *out = node_batch(rule, gt_expand(gt_cast(g, gt_dtype(x)), x->t.ndim, tensor_shape(&x->t)));
        out++;
    }
}

static uint32_t count_tensors(Value arg)
{
    Leaves leaves = structure_leaves(arg);
    uint32_t count = 0;
    for (uint32_t i = 0; i < leaves.count; i++)
        count += leaves.at[i].tag == TAG_TENSOR || leaves.at[i].tag == TAG_VARIABLE;
    return count;
}

/* What backward returned, as one value per argument. */
static const Value *cotangents_of(Value returned, const Value *args, uint32_t count)
{
    const Tuple *t = returned.as.any;
    bool alone = count == 1 && !(returned.tag == TAG_TUPLE && t->count == 1 && args[0].tag != TAG_TUPLE);
    if (alone) {
        Value *one = scratch(sizeof *one);
        *one = returned;
        return one;
    }
    if (returned.tag != TAG_TUPLE || t->count != count)
        error_throw(ERROR_TYPE,
                    "custom_grad: backward must return a tuple of %u cotangents, one for each argument, not %s", count,
                    returned.tag == TAG_TUPLE ? "one of another length" : value_described(returned));
    return tuple_items(t);
}

static void custom_vjp(const OpCall *c, int i, GradTensor *g, GradTensor **out)
{
    (void)i;
    NodeRule rule = node_rule_begin(c, g);
    const Tuple *given = rule.call->args.as.any;
    const Value *args = node_arguments(&rule);
    Value *passed = scratch((size_t)(given->count + 2) * sizeof *passed);
    passed[0] = node_unpack(&rule, g);
    passed[1] = node_unpack(&rule, c->out);
    memcpy(passed + 2, args, given->count * sizeof *passed);
    Value returned = call_value(rule.call->f, given->count + 2, passed, NULL);
    const Value *cotangents = cotangents_of(returned, args, given->count);
    for (uint32_t k = 0; k < given->count; k++) {
        take_cotangents(&rule, cotangents[k], args[k], out);
        out += count_tensors(args[k]);
    }
    node_rule_end(&rule);
}

const Op op_custom = {
    .usage = "custom(call, inputs)", NODE_ARGS,
    .doc = "A function whose derivative is a function of the language.",
    .forward = node_forward, .vjp_all = custom_vjp, .depends_freely = true,
};

static Value run_customized(Call *call)
{
    NodeEvaluation evaluation = node_evaluate(call->self->captures[0], call, false);
    return node_record(&op_custom, call->self->captures[1], call, &evaluation);
}

static const Builtin customized_row = {.usage = "custom_gradient(...args)", .run = run_customized, .forwards = true};

static Value run_custom_grad(Call *call)
{
    Value captures[] = {arg_function(call, 0), arg_function(call, 1)};
    return value_object(TAG_FUNCTION, native_function(&customized_row, 2, captures));
}

const Builtin builtin_custom_grad = {
    .usage = "custom_grad(f, backward)", .section = "derivatives", .run = run_custom_grad,
    .doc = "A function that computes f(...args) and is differentiated by backward(g, out, ...args): g is "
           "the cotangent of the result `out`, and what it returns the cotangent of the argument (with "
           "several arguments a tuple, one for each; none is zero). backward must be linear in g. It may be "
           "differentiated itself, which gives higher orders, and is transposed for forward mode. f is not "
           "recorded.",
    .errors = "type or shape, from backward, when the cotangents do not fit the arguments.",
    .example = "cube = custom_grad(x -> x^3, fn(g, out, x) = g * 3 * x^2)\ncube'(2)  #=> 12\ncube''(2)  #=> 12",
    .related = "vjp checkpoint",
};

/* ---- checkpoint ---- */

/* The arguments with fresh leaves in the place of tensors, which are also noted as the first targets. */
typedef struct Replay {
    TensorList *targets;
    int64_t count;
} Replay;

static Value fresh_leaf(Value leaf, void *context)
{
    Replay *replay = context;
    if (leaf.tag != TAG_TENSOR)
        return leaf;
    GradTensor *x = leaf.as.any;
    if (dtype_is_float(gt_dtype(x)))
        x = gt_leaf(x);
    replay->targets->at[replay->count++] = object_retain(batch_of(x));
    return value_object(TAG_TENSOR, x);
}

/* A parameter that the function met, and the value that it has not at the moment: the one then, or the one now. */
typedef struct Recalled {
    Variable *parameter;              /* owned, as is the value */
    GradTensor *other;
} Recalled;

typedef struct Again {
    const NodeRule *rule;
    Replay *replay;
    Recalled *recalled;
    int64_t count;
    Value out;
} Again;

static void exchange_values(const Again *again)
{
    for (int64_t i = 0; i < again->count; i++) {
        Recalled *r = &again->recalled[i];
        GradTensor *value = r->parameter->value;
        r->parameter->value = r->other;
        r->other = value;
    }
}

/* The parameters among the captured tensors that have been given other values since. */
static void recall(Again *again)
{
    const TensorList *inputs = again->rule->inputs;
    for (int64_t i = again->replay->count; i < inputs->count; i++) {
        const Object *home = inputs->at[i]->home;
        Variable *v = home != NULL && home->type == &home_type ? ((const Home *)home)->variable : NULL;
        if (v != NULL && v->value != inputs->at[i])
            again->recalled[again->count++] = (Recalled){object_retain(v), object_retain(inputs->at[i])};
    }
}

static void call_again(void *data)
{
    Again *again = data;
    const NodeCall *k = again->rule->call;
    uint32_t count = ((Tuple *)k->args.as.any)->count;
    const Value *args = node_arguments(again->rule);
    Value *leaves = scratch((size_t)count * sizeof *leaves + 1);
    String **names = scratch_zeroed((size_t)count * sizeof *names + 1);
    for (uint32_t i = 0; k->names.tag == TAG_TUPLE && i < count; i++)
        if (tuple_items(k->names.as.any)[i].tag == TAG_STRING)
            names[i] = tuple_items(k->names.as.any)[i].as.any;
    grad_state()->levels = again->rule->levels;
    for (uint32_t i = 0; i < count; i++)
        leaves[i] = structure_map(args[i], fresh_leaf, again->replay);
    recall(again);
    exchange_values(again);
    *random_state() = k->random;
    grad_state()->recording = true;
    again->out = call_value(k->f, count, leaves, names);
}

/* The function once more, recorded, with the random stream and the parameters as they were, so that dropout
 * drops the same and an update since changes nothing. Levels of others do not matter to it. */
static Value evaluate_again(const NodeRule *rule, Replay *replay)
{
    GradState *state = grad_state();
    bool recording = state->recording;
    uint32_t levels = batch_levels();
    Random now = *random_state();
    Again again = {.rule = rule, .replay = replay};
    again.recalled = scratch((size_t)rule->inputs->count * sizeof *again.recalled + 1);
    bool done = session_protect(session(), call_again, &again);
    exchange_values(&again);
    for (int64_t i = 0; i < again.count; i++) {
        object_release(again.recalled[i].parameter);
        object_release(again.recalled[i].other);
    }
    *random_state() = now;
    if (!done)
        error_rethrow();
    state->recording = recording;
    state->levels = levels;
    return again.out;
}

/* The tensors of a structure as the graph has them. */
static TensorList *batches(const NodeRule *rule, Value structure)
{
    Leaves leaves = structure_leaves(structure);
    TensorList *list = tensor_list_new(leaves.count, NULL);
    list->count = 0;
    for (uint32_t i = 0; i < leaves.count; i++)
        if (value_is_numeric(leaves.at[i]))
            list->at[list->count++] = object_retain(node_batch(rule, value_tensor(leaves.at[i])));
    return list;
}

static void checkpoint_vjp(const OpCall *c, int i, GradTensor *g, GradTensor **out)
{
    (void)i;
    NodeRule rule = node_rule_begin(c, g);
    bool recording = grad_state()->recording;
    Replay replay = {tensor_list_new(rule.inputs->count, NULL), 0};
    TensorList *ys = batches(&rule, evaluate_again(&rule, &replay));
    TensorList *seeds = batches(&rule, node_unpack(&rule, g));
    for (int64_t k = replay.count; k < rule.inputs->count; k++)
        replay.targets->at[k] = object_retain(rule.inputs->at[k]);
    if (ys->count != seeds->count)
        error_throw(ERROR_VALUE, "checkpoint: the function gave another result when it was evaluated again");
    node_rule_end(&rule);
    gradients_of(ys->count, ys->at, seeds->at, rule.inputs->count, replay.targets->at, out,
                 recording ? GRAPH_RECORD : GRAPH_KEEP);
}

const Op op_checkpoint = {
    .usage = "checkpoint(call, inputs)", NODE_ARGS,
    .doc = "A function of the language that is evaluated again to be differentiated.",
    .forward = node_forward, .vjp_all = checkpoint_vjp,
};

static Value run_checkpointed(Call *call)
{
    Value f = call->self->captures[0];
    NodeEvaluation evaluation = node_evaluate(f, call, true);
    return node_record(&op_checkpoint, f, call, &evaluation);
}

static const Builtin checkpointed_row = {.usage = "checkpointed(...args)", .run = run_checkpointed, .forwards = true};

static Value run_checkpoint(Call *call)
{
    Value f = arg_function(call, 0);
    return value_object(TAG_FUNCTION, native_function(&checkpointed_row, 1, &f));
}

const Builtin builtin_checkpoint = {
    .usage = "checkpoint(f)", .section = "derivatives", .run = run_checkpoint,
    .doc = "A function with the value and the gradients of f that stores only its arguments and evaluates f "
           "again inside of `backward`: less memory for more time. Gradients flow to what f captures too. "
           "Random numbers are the same both times.",
    .example = "f = checkpoint(x -> sin(sin(x)))\nf'(0)  #=> 1",
    .related = "custom_grad backward",
};
