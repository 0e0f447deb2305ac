/* The derivative of one recorded call, from its row. */
#include "grad/backward.h"
#include "grad/inputs.h"
#include "grad/rules.h"

#include <string.h>

OpCall call_of(GradTensor *out)
{
    return (OpCall){.op = out->op, .args = gt_args(out), .numbers = gt_numbers(out), .out = out};
}

/* In the shape and dtype of the tensor it is the cotangent or tangent of. */
static GradTensor *fit(GradTensor *g, GradTensor *x)
{
    g = gt_sum_to(g, x->t.ndim, tensor_shape(&x->t));
    return gt_dtype(g) == gt_dtype(x) ? g : gt_cast(g, gt_dtype(x));
}

/* g times a factor of the call. An argument that is the factor may be a number, which needs no tensor. */
static GradTensor *times_factor(const OpCall *c, OpFactor *factor, GradTensor *g)
{
    int at = factor == factor_left ? 0 : factor == factor_right ? 1 : -1;
    if (factor == factor_one)
        return g;
    if (factor == factor_minus_one)
        return gt_neg(g);
    const Op *times = c->op->cuts ? &op_cut : &op_scale;
    if (at < 0 || !(c->numbers >> at & 1))
        return op_call2(times, g, factor(c));
    Arg args[OP_MAX_ARGS] = {{.tensor = g}, c->args[at]};
    return op_call(times, args, 1u << 1);
}

/* Is the derivative said by factors? */
static bool has_factors(const Op *op)
{
    return op->kernel[DTYPE_FLOAT64] != NULL && op->vjp == NULL;
}

GradTensor *call_vjp(const OpCall *c, int i, GradTensor *g)
{
    GradTensor *x = c->args[i].tensor;
    if (!has_factors(c->op)) {
        g = c->op->vjp(c, i, g);
        return g == NULL ? NULL : fit(g, x);
    }
    OpFactor *factor = c->op->factor[i];
    return factor == factor_zero ? NULL : fit(times_factor(c, factor, g), x);
}

/* ---- tangents ---- */

static GradTensor *sum_of(GradTensor *a, GradTensor *b)
{
    return a == NULL ? b : b == NULL ? a : gt_add(a, b);
}

static GradTensor *elementwise_jvp(const OpCall *c, GradTensor *const *tangents)
{
    GradTensor *sum = NULL;
    for (int i = 0; i < c->op->arg_count; i++) {
        OpFactor *factor = c->op->factor[i];
        GradTensor *t = tangents[i];
        if (t == NULL || factor == factor_zero)
            continue;
        t = times_factor(c, factor, t);
        sum = sum_of(sum, gt_expand(gt_cast(t, gt_dtype(c->out)), c->out->t.ndim, tensor_shape(&c->out->t)));
    }
    return sum;
}

static GradTensor *zero_tangent(GradTensor *x, GradTensor *tangent)
{
    return tangent != NULL ? tangent : gt_zeros_like(x);
}

/* The operation itself on the tangents, zeros for those that there are not. */
static GradTensor *joint_jvp(const OpCall *c, GradTensor *const *tangents, TensorList *const *lists)
{
    Arg args[OP_MAX_ARGS] = {{0}};
    for (int i = 0; i < c->op->arg_count; i++) {
        args[i] = c->args[i];
        if (c->op->constant_args >> i & 1)
            continue;
        if (c->op->args[i] == ARG_TENSOR && (c->numbers >> i & 1 || args[i].tensor != NULL))
            args[i].tensor = zero_tangent(call_in(c, i), tangents[i]);
        if (c->op->args[i] != ARG_TENSORS)
            continue;
        args[i].tensors = tensor_list_new(c->args[i].tensors->count, NULL);
        for (int64_t k = 0; k < args[i].tensors->count; k++) {
            GradTensor *tangent = lists[i] != NULL ? lists[i]->at[k] : NULL;
            args[i].tensors->at[k] = object_retain(zero_tangent(c->args[i].tensors->at[k], tangent));
        }
    }
    uint32_t numbers = c->numbers & c->op->constant_args;
    return op_call(c->op, args, numbers);
}

static GradTensor *each_jvp(const OpCall *c, GradTensor *const *tangents)
{
    GradTensor *sum = NULL;
    for (int i = 0; i < c->op->arg_count; i++) {
        if (c->op->args[i] != ARG_TENSOR || tangents[i] == NULL)
            continue;
        Arg args[OP_MAX_ARGS];
        memcpy(args, c->args, (size_t)c->op->arg_count * sizeof *args);
        args[i].tensor = tangents[i];
        sum = sum_of(sum, op_call(c->op, args, c->numbers));
    }
    return sum;
}

/* A tracked tensor that nothing made, to differentiate by. */
static GradTensor *fresh_leaf(GradTensor *like)
{
    GradTensor *u = gt_filled(gt_dtype(like), like->t.ndim, tensor_shape(&like->t), 0);
    u->t.flags |= GT_TRACKED | (like->t.flags & GT_WEAK);
    return u;
}

/* The cotangents that a row's rule gives for the cotangents u of the results, per input: linear in u,
 * whatever the row. */
static void collect_vjps(const OpCall *c, GradTensor *const *u, GradTensor *const *tangents, TensorList *const *lists,
                         TensorList *out, TensorList *seeds)
{
    int64_t n = 0;
    for (int i = 0; i < c->op->arg_count; i++) {
        if (c->op->args[i] == ARG_TENSOR && tangents[i] != NULL) {
            out->at[n] = object_retain_any(c->op->outputs > 0 ? c->op->vjp_many(c, i, u) : call_vjp(c, i, u[0]));
            seeds->at[n++] = object_retain(tangents[i]);
        }
        GradTensor **all = NULL;
        if (lists[i] != NULL && c->op->vjp_all != NULL) {
            all = scratch_zeroed((size_t)lists[i]->count * sizeof *all + 1);
            c->op->vjp_all(c, i, u[0], all);
        }
        for (int64_t k = 0; lists[i] != NULL && k < lists[i]->count; k++) {
            if (lists[i]->at[k] == NULL)
                continue;
            out->at[n] = object_retain_any(all != NULL ? all[k] : c->op->vjp_list(c, i, k, u[0]));
            seeds->at[n++] = object_retain(lists[i]->at[k]);
        }
    }
    out->count = seeds->count = n;
}

/* What the rules' results depend on beside the cotangents. */
static TensorList *tracked_inputs(const OpCall *c, int64_t most)
{
    TensorList *list = tensor_list_new(most, NULL);
    InputCursor inputs = inputs_of(c->op, c->args, c->numbers);
    GradTensor *x;
    for (list->count = 0; (x = next_input(&inputs)) != NULL; list->count++)
        list->at[list->count] = object_retain(x);
    return list;
}

static void swap(TensorList *list, int64_t i, int64_t k)
{
    GradTensor *x = list->at[i];
    list->at[i] = list->at[k];
    list->at[k] = x;
}

/* J t as the gradient of <vjp(u), t> by u: correct for every row, because vjp is linear in u. The walk for
 * it ends at the arguments of the call. */
static void transposed_jvp(const OpCall *c, GradTensor *const *tangents, TensorList *const *lists, int64_t inputs,
                           int outputs, GradTensor *const *results, GradTensor **out)
{
    bool recording = grad_state()->recording;
    GradTensor **u = scratch((size_t)outputs * sizeof *u);
    for (int k = 0; k < outputs; k++)
        u[k] = fresh_leaf(results[k]);
    TensorList *vjps = tensor_list_new(inputs, NULL), *seeds = tensor_list_new(inputs, NULL);
    grad_state()->recording = true;
    collect_vjps(c, u, tangents, lists, vjps, seeds);
    grad_state()->recording = recording;
    int64_t kept = 0;
    for (int64_t i = 0; i < vjps->count; i++) {
        if (vjps->at[i] == NULL || !gt_tracked(vjps->at[i]))
            continue;
        swap(vjps, i, kept);
        swap(seeds, i, kept++);
    }
    gradients_within(kept, vjps->at, seeds->at, outputs, u, out, recording ? GRAPH_RECORD : GRAPH_KEEP,
                     tracked_inputs(c, inputs));
}

static int64_t count_inputs(const OpCall *c, TensorList *const *lists)
{
    int64_t inputs = 0;
    for (int i = 0; i < c->op->arg_count; i++)
        inputs += lists[i] != NULL ? lists[i]->count : 1;
    return inputs;
}

GradTensor *call_jvp(const OpCall *c, GradTensor *const *tangents, TensorList *const *lists)
{
    GradTensor *t = NULL;
    if (c->op->jvp != NULL)
        t = c->op->jvp(c, tangents);
    else if (c->op->linear == LINEAR_EACH)
        t = each_jvp(c, tangents);
    else if (c->op->linear == LINEAR_JOINT)
        t = joint_jvp(c, tangents, lists);
    else if (has_factors(c->op))
        t = elementwise_jvp(c, tangents);
    else
        transposed_jvp(c, tangents, lists, count_inputs(c, lists), 1, &c->out, &t);
    if (t == NULL)
        return NULL;
    t = gt_cast(t, gt_dtype(c->out));
    return gt_expand(t, c->out->t.ndim, tensor_shape(&c->out->t));
}

void call_jvp_many(const OpCall *c, GradTensor *const *tangents, TensorList *const *lists, GradTensor **out)
{
    const TensorList *results = (const TensorList *)c->out->home;
    transposed_jvp(c, tangents, lists, count_inputs(c, lists), c->op->outputs, results->at, out);
}
