#include "lib/derivative.h"

#include "grad/batch.h"
#include "lang/failure.h"
#include "ops/rules.h"

#include <string.h>

/* ---- slices and batches ---- */

bool slices_at_once(void (*body)(void *), void *data, Look most)
{
    Look before = tensor_state()->looked;
    tensor_state()->looked = LOOK_NONE;
    bool done = session_protect(session(), body, data);
    Look looked = tensor_state()->looked;
    bool again = looked != LOOK_NONE && looked <= most;
    if (!done && (!again || session()->exiting || error_is_final(&rt->error)))
        error_rethrow();
    tensor_state()->looked = before;
    return !again;
}

/* x with its first axes, which belong to `first` and then to `second`, in the order of `wanted_first` and
 * then the rest. */
static GradTensor *reorder(GradTensor *x, uint32_t first, uint32_t second, uint32_t wanted_first,
                           uint32_t wanted_second)
{
    int from[32], order[TENSOR_MAX_NDIM], n = 0;
    uint32_t groups[] = {first, second}, wanted[] = {wanted_first, wanted_second};
    bool same = true;
    for (int g = 0; g < 2; g++)
        for (int level = 0; level < 32; level++)
            if (groups[g] >> level & 1)
                from[level] = n++;
    int at = 0;
    for (int g = 0; g < 2; g++)
        for (int level = 0; level < 32; level++)
            if (wanted[g] >> level & 1)
                order[at++] = from[level];
    for (int i = 0; i < x->t.ndim; i++) {
        if (i >= n)
            order[i] = i;
        same &= order[i] == i;
    }
    return same ? x : t_permute(x, order);
}

GradTensor *graph_slice(GradTensor *x, uint32_t levels)
{
    uint32_t own = gt_batch(x);
    return batch_slice(reorder(batch_of(x), own, levels, own | levels, 0), own | levels);
}

GradTensor *graph_batch(GradTensor *x, uint32_t levels)
{
    uint32_t others = gt_batch(x) & ~levels;
    GradTensor *batch = batch_over(x, levels);
    return batch_slice(reorder(batch, others | levels, 0, others, levels), others);
}

/* ---- evaluating ---- */

GradTensor *differentiable(const char *who, GradTensor *x)
{
    if (gt_weak(x) || dtype_is_float(gt_dtype(x)))
        return x;
    if (gt_dtype(x) == DTYPE_INT64)
        error_throw_hint(ERROR_TYPE, "convert it: x.to(\"float32\")", "%s: an int64 tensor has no gradient", who);
    return gt_cast(x, grad_state()->default_dtype);
}

static Value make_leaf(Value leaf, void *context)
{
    Derivation *d = context;
    GradTensor *x = value_tensor(leaf);
    if (x == NULL)
        error_throw_hint(ERROR_TYPE, "pass it as another argument, or let the function capture it",
                         "%s: there is no derivative with respect to %s", d->who, value_described(leaf));
    if (leaf.tag == TAG_BOOL)
        x = gt_number(leaf.as.boolean);
    x = gt_leaf(differentiable(d->who, x));
    d->sources->at[d->sources->count++] = object_retain(batch_of(x));
    return value_object(TAG_TENSOR, x);
}

Derivation derivation_begin(const char *who, Value in)
{
    Derivation d = {.who = who, .recording = grad_state()->recording};
    d.sources = tensor_list_new(structure_leaves(in).count, NULL);
    d.sources->count = 0;
    d.in = structure_map(in, make_leaf, &d);
    return d;
}

/* The results as tensors, up to what is none. */
static TensorList *tensors_of(Value structure)
{
    Leaves leaves = structure_leaves(structure);
    TensorList *list = tensor_list_new(leaves.count, NULL);
    list->count = 0;
    for (uint32_t i = 0; i < leaves.count && value_is_numeric(leaves.at[i]); i++)
        list->at[list->count++] = object_retain(batch_of(value_tensor(leaves.at[i])));
    return list;
}

void derivation_call(Derivation *d, Value f, uint32_t count, const Value *args, String *const *names)
{
    GradState *state = grad_state();
    uint32_t used = state->levels_used;
    state->recording = true;
    state->levels_used = 0;
    d->out = call_value(f, count, args, names);
    d->levels_used = state->levels_used;
    state->levels_used |= used;
    state->recording = d->recording;
    d->results = tensors_of(d->out);
}

static Value want_number(Value leaf, void *context)
{
    const Derivation *d = context;
    if (!value_is_numeric(leaf))
        error_throw_hint(ERROR_TYPE, leaf.tag == TAG_NONE ? "does it end without `return`?" : NULL,
                         "%s: the function returns %s, which cannot be differentiated", d->who,
                         value_described(leaf));
    return leaf;
}

/* The leaves of the result must be tensors and numbers. */
static void want_numbers(const Derivation *d)
{
    structure_map(d->out, want_number, (void *)d);
}

Derivation derivation_of(const char *who, Value f, Value x)
{
    Derivation d = derivation_begin(who, x);
    derivation_call(&d, f, 1, &d.in, NULL);
    want_numbers(&d);
    return d;
}

void derivation_want_tensor(const Derivation *d)
{
    if (value_is_structure(d->out))
        error_throw_hint(ERROR_TYPE, "pick the part to differentiate, as in x -> f(x)[0], or use jvp, vjp or jacobian, "
                         "which take such functions",
                         "%s: the function returns %s, which has no single derivative", d->who,
                         value_described(d->out));
    want_numbers(d);
}

void derivation_want_scalar(const Derivation *d)
{
    derivation_want_tensor(d);
    GradTensor *y = value_tensor(d->out);
    if (y->t.size != 1)
        error_throw_hint(ERROR_SHAPE, "f' is the gradient of the sum of the elements; jacobian(f, x) has the "
                         "derivative of each of them",
                         "%s: the function must return a scalar, not a tensor of shape %s", d->who,
                         shape_text(y->t.ndim, tensor_shape(&y->t)));
}

/* ---- tangents and cotangents ---- */

TensorList *derivation_match(const Derivation *d, const char *what, Value given, Value form, const TensorList *nodes)
{
    Leaves leaves = structure_leaves(given), forms = structure_leaves(form);
    TensorList *list = tensor_list_new(nodes->count, NULL);
    if (!structure_same(given, form))
        error_throw_hint(ERROR_TYPE, "two tuples need equal lengths, two records the same fields",
                         "%s: the %s must have the structure of what it belongs to: %s, not %s", d->who, what,
                         value_described(form), form.tag == given.tag ? "a different one" : value_described(given));
    for (uint32_t i = 0; i < leaves.count; i++) {
        GradTensor *x = value_tensor(leaves.at[i]), *like = value_tensor(forms.at[i]);
        if (x == NULL)
            error_throw(ERROR_TYPE, "%s: the %s must be made of tensors and numbers, not of %s", d->who, what,
                        value_described(leaves.at[i]));
        if (!shape_equal(x->t.ndim, tensor_shape(&x->t), like->t.ndim, tensor_shape(&like->t)))
            error_throw(ERROR_SHAPE, "%s: the %s has shape %s, but what it belongs to has shape %s", d->who, what,
                        shape_text(x->t.ndim, tensor_shape(&x->t)), shape_text(like->t.ndim, tensor_shape(&like->t)));
        x = graph_batch(x, gt_batch(like));
        x = gt_weak(nodes->at[i]) ? gt_weaken(x) : gt_cast(x, gt_dtype(nodes->at[i]));
        list->at[i] = object_retain(x);
    }
    return list;
}

static bool others_beside(const Derivation *d, int64_t count, GradTensor *const *ys, bool derivative)
{
    return d->recording && depends_on_others(count, ys, d->sources->count, d->sources->at, derivative);
}

bool derivation_nested(const Derivation *d)
{
    return others_beside(d, d->results->count, d->results->at, true);
}

/* Must a walk be recorded? */
static bool is_nested(const Derivation *d, int64_t count, GradTensor *const *given)
{
    bool tracked = false;
    for (int64_t i = 0; i < count; i++)
        tracked |= given[i] != NULL && gt_tracked(given[i]);
    return (d->recording && tracked) || derivation_nested(d);
}

void derivation_push(const Derivation *d, GradTensor *const *tangents, GradTensor **out)
{
    grad_state()->recording = is_nested(d, d->sources->count, tangents);
    pushforward(d->sources->count, d->sources->at, tangents, d->results->count, d->results->at, out);
    grad_state()->recording = d->recording;
    derivation_prune(d, d->results->count, out);
}

void derivation_pull(const Derivation *d, GradTensor *const *cotangents, GradTensor **out)
{
    GraphUse use = is_nested(d, d->results->count, cotangents) ? GRAPH_RECORD : GRAPH_KEEP;
    gradients_of(d->results->count, d->results->at, cotangents, d->sources->count, d->sources->at, out, use);
    derivation_prune(d, d->sources->count, out);
}

typedef struct NextGradient {
    GradTensor *const *at;
} NextGradient;

static Value gradient_value(Value leaf, void *context)
{
    NextGradient *next = context;
    GradTensor *g = *next->at++, *like = value_tensor(leaf);
    if (gt_weak(like)) {
        if (g == NULL)
            return value_number(0);
        g = gt_weaken(g);
    } else if (g == NULL) {
        return value_object(TAG_TENSOR, gt_zeros_like(like));
    }
    return value_of_tensor(graph_slice(g, gt_batch(like)));
}

Value derivation_value(Value form, GradTensor *const *gradients)
{
    NextGradient next = {gradients};
    return structure_map(form, gradient_value, &next);
}

/* ---- leaving ---- */

static Value detached_leaf(Value leaf, void *context)
{
    (void)context;
    return leaf.tag == TAG_TENSOR ? value_of_tensor(gt_detach(leaf.as.any)) : leaf;
}

Value derivation_result(const Derivation *d)
{
    if (others_beside(d, d->results->count, d->results->at, false))
        return d->out;
    return structure_map(d->out, detached_leaf, NULL);
}

void derivation_prune(const Derivation *d, int64_t count, GradTensor **gradients)
{
    for (int64_t i = 0; i < count; i++)
        if (gradients[i] != NULL && gt_tracked(gradients[i])
            && !others_beside(d, 1, &gradients[i], false))
            gradients[i] = gt_detach(gradients[i]);
}
