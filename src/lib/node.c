#include "lib/node.h"

#include "grad/batch.h"
#include "lib/derivative.h"
#include "ops/index.h"
#include "tensor/state.h"

#include <string.h>

static void node_call_destroy(Object *self)
{
    NodeCall *k = (NodeCall *)self;
    value_release(k->f);
    value_release(k->args);
    value_release(k->names);
    value_release(k->form);
    object_release(k->result);
}

static const ObjectType node_call_type = {"call", node_call_destroy};

static bool is_tensor(Value v) { return v.tag == TAG_TENSOR || v.tag == TAG_VARIABLE; }

/* ---- evaluating ---- */

static Value detached(Value leaf, void *context)
{
    (void)context;
    return is_tensor(leaf) ? value_of_tensor(gt_detach(value_tensor(leaf))) : leaf;
}

NodeEvaluation node_evaluate(Value f, const Call *call, bool watch)
{
    GradState *state = grad_state();
    bool recording = state->recording;
    NodeEvaluation e = {.captured = NULL, .random = *random_state()};
    Value *args = scratch((size_t)call->count * sizeof *args + 1);
    for (int i = 0; i < call->count; i++)
        args[i] = structure_map(call->args[i], detached, NULL);
    state->recording = false;
    Watch *watching = watch ? watch_begin() : NULL;
    e.out = call_value(f, (uint32_t)call->count, args, call->names);
    if (watch)
        e.captured = watch_end(watching);
    state->recording = recording;
    e.out = structure_map(e.out, detached, NULL);
    return e;
}

/* ---- several results in one tensor ---- */

/* The leaves that are tensors or numbers, one after the other in the widest dtype; a result that is no
 * structure is itself. */
static GradTensor *pack(Value out)
{
    GradTensor *packed = NULL;
    Dtype dtype = DTYPE_FLOAT32;
    int64_t size;
    Leaves leaves = structure_leaves(out);
    if (!value_is_structure(out))
        return value_tensor(out);
    for (uint32_t i = 0; i < leaves.count; i++)
        if (value_is_numeric(leaves.at[i]))
            dtype = dtype_promote(dtype, gt_dtype(value_tensor(leaves.at[i])));
    for (uint32_t i = 0; i < leaves.count; i++) {
        if (!value_is_numeric(leaves.at[i]))
            continue;
        GradTensor *x = value_tensor(leaves.at[i]);
        size = x->t.size;
        x = t_reshape(gt_cast(x, dtype), 1, &size);
        packed = packed == NULL ? x : t_concat2(packed, x, 0);
    }
    return packed;
}

typedef struct Unpacking {
    GradTensor *packed;
    int64_t at;
} Unpacking;

static Value unpack_leaf(Value form, void *context)
{
    Unpacking *u = context;
    GradTensor *like = value_tensor(form);
    if (like == NULL)
        return form;
    GradTensor *x = t_part(u->packed, 0, u->at, like->t.size);
    u->at += like->t.size;
    x = gt_cast(t_reshape(x, like->t.ndim, tensor_shape(&like->t)), gt_dtype(like));
    return value_of_tensor(gt_weak(like) ? gt_weaken(x) : x);
}

/* Undoes pack; `form` says how. */
static Value unpack(Value form, GradTensor *packed)
{
    Unpacking u = {packed, 0};
    if (value_is_structure(form))
        return structure_map(form, unpack_leaf, &u);
    return value_of_tensor(gt_weak(value_tensor(form)) ? gt_weaken(packed) : packed);
}

static Value form_of(Value leaf, void *context)
{
    (void)context;
    GradTensor *x = value_tensor(leaf);
    if (x == NULL)
        return leaf;
    GradTensor *form = gt_new(gt_dtype(x), x->t.ndim, tensor_shape(&x->t));
    form->t.state = TENSOR_ABSTRACT;
    form->t.flags |= x->t.flags & GT_WEAK;
    return value_object(TAG_TENSOR, form);
}

/* ---- recording ---- */

GradTensor *node_forward(const OpCall *c)
{
    NodeCall *k = (NodeCall *)c->args[0].object;
    GradTensor *out = call_out(c, gt_dtype(k->result), k->result->t.ndim, tensor_shape(&k->result->t));
    tensor_share(&out->t, &k->result->t);
    out->t.flags |= k->result->t.flags & GT_WEAK;
    object_release(k->result);
    k->result = NULL;
    return out;
}

/* The tensors among the arguments as batches over all levels, and what was captured. */
static TensorList *node_inputs(Value args, uint32_t levels, const TensorList *captured)
{
    Leaves leaves = structure_leaves(args);
    TensorList *inputs = tensor_list_new(leaves.count + (captured != NULL ? captured->count : 0), NULL);
    int64_t n = 0;
    for (uint32_t i = 0; i < leaves.count; i++)
        if (is_tensor(leaves.at[i]))
            inputs->at[n++] = object_retain(batch_over(value_tensor(leaves.at[i]), levels));
    for (int64_t i = 0; captured != NULL && i < captured->count; i++)
        inputs->at[n++] = object_retain(captured->at[i]);
    inputs->count = n;
    return inputs;
}

static bool any_tracked(const TensorList *inputs)
{
    for (int64_t i = 0; i < inputs->count; i++)
        if (gt_tracked(inputs->at[i]))
            return true;
    return false;
}

static Value names_of(const Call *call)
{
    Value *names = scratch((size_t)call->count * sizeof *names + 1);
    if (call->names == NULL)
        return value_none();
    for (int i = 0; i < call->count; i++)
        names[i] = call->names[i] != NULL ? value_string(call->names[i]) : value_none();
    return value_object(TAG_TUPLE, tuple_new((uint32_t)call->count, names));
}

Value node_record(const Op *op, Value f, const Call *call, const NodeEvaluation *e)
{
    uint32_t levels = batch_levels();
    Value tuple = value_object(TAG_TUPLE, tuple_new((uint32_t)call->count, call->args));
    TensorList *inputs = node_inputs(tuple, levels, e->captured);
    GradTensor *packed = any_tracked(inputs) && grad_state()->recording ? pack(e->out) : NULL;
    if (packed == NULL || !dtype_is_float(gt_dtype(packed)))
        return e->out;
    NodeCall *k = object_new_zeroed(&node_call_type, sizeof *k);
    k->f = value_retain(f);
    k->args = value_retain(tuple);
    k->names = value_retain(names_of(call));
    k->form = value_retain(structure_map(e->out, form_of, NULL));
    k->result = object_retain(gt_detach(batch_over(packed, levels)));
    k->random = e->random;
    k->levels = levels;
    batch_sizes(levels, k->sizes);
    Arg args[OP_MAX_ARGS] = {{.object = &k->object}, {.tensors = inputs}};
    return unpack(k->form, batch_slice(op_call(op, args, 0), levels));
}

/* ---- rules ---- */

/* Where the cotangent is a slice of a level with the number of one of the node's own (two vmaps, one after
 * the other), the node's levels take other numbers. */
NodeRule node_rule_begin(const OpCall *c, const GradTensor *g)
{
    const NodeCall *k = (const NodeCall *)c->args[0].object;
    NodeRule rule = {.call = k, .inputs = c->args[1].tensors, .outer = batch_levels(), .levels = k->levels};
    if (gt_batch(g) & k->levels)
        while ((rule.outer | gt_batch(g)) & rule.levels)
            rule.levels <<= 1;
    if (rule.levels >= 1u << BATCH_MOST)
        error_throw(ERROR_LIMIT, "vmap: at most %d can be nested", BATCH_MOST);
    batch_reopen(rule.levels, k->sizes);
    return rule;
}

void node_rule_end(const NodeRule *rule)
{
    grad_state()->levels = rule->outer;
}

static GradTensor *node_slice(const NodeRule *rule, GradTensor *x) { return graph_slice(x, rule->levels); }
GradTensor *node_batch(const NodeRule *rule, GradTensor *x) { return graph_batch(x, rule->levels); }

typedef struct NextInput {
    const NodeRule *rule;
    int64_t at;
} NextInput;

static Value next_input(Value leaf, void *context)
{
    NextInput *next = context;
    return is_tensor(leaf) ? value_of_tensor(node_slice(next->rule, next->rule->inputs->at[next->at++])) : leaf;
}

const Value *node_arguments(const NodeRule *rule)
{
    NextInput next = {rule, 0};
    const Tuple *t = structure_map(rule->call->args, next_input, &next).as.any;
    return tuple_items(t);
}

Value node_unpack(const NodeRule *rule, GradTensor *packed)
{
    return unpack(rule->call->form, node_slice(rule, packed));
}
