#include "grad/batch.h"

#include <stdlib.h>
#include <string.h>

/* ---- lists ---- */

static const ObjectType int_list_type = {"list of whole numbers", NULL};

IntList *int_list_new(int64_t count, const int64_t *at)
{
    size_t bytes = (size_t)count * sizeof *at;
    IntList *list = object_new(&int_list_type, sizeof *list + bytes);
    list->count = count;
    if (at == NULL)
        memset(list->at, 0, bytes);
    else
        memcpy(list->at, at, bytes);
    return list;
}

static void tensor_list_destroy(Object *self)
{
    TensorList *list = (TensorList *)self;
    for (int64_t i = 0; i < list->count; i++)
        object_release(list->at[i]);
}

static const ObjectType tensor_list_type = {"list of tensors", tensor_list_destroy};

TensorList *tensor_list_new(int64_t count, GradTensor *const *at)
{
    TensorList *list = object_new_zeroed(&tensor_list_type, sizeof *list + (size_t)count * sizeof *at);
    list->count = count;
    for (int64_t i = 0; at != NULL && i < count; i++)
        list->at[i] = object_retain_any(at[i]);
    return list;
}

/* ---- tensors ---- */

void gt_forget_history(GradTensor *x)
{
    Arg *args = gt_args(x);
    if (x->op == NULL)
        return;
    FOR_MASK(i, x->op->counted_args & ~gt_numbers(x))
        object_release(args[i].object);
    x->op = NULL;
}

static void grad_tensor_destroy(Object *self)
{
    GradTensor *x = (GradTensor *)self;
    gt_forget_history(x);
    object_release(x->home);
    tensor_clear(&x->t);
}

const ObjectType grad_tensor_type = {"tensor", grad_tensor_destroy};

GradTensor *gt_new_recorded(Dtype dtype, int ndim, const int64_t *shape, int count)
{
    size_t bytes = sizeof(GradTensor) + tensor_dims_bytes(ndim) + (size_t)count * sizeof(Arg);
    GradTensor *x = object_new(&grad_tensor_type, bytes);
    x->op = NULL;
    x->home = NULL;
    x->t.state = TENSOR_EMPTY;
    x->t.flags = grad_state()->inside << GT_INSIDE_SHIFT;
    tensor_init(&x->t, dtype, ndim, shape);
    return x;
}

GradTensor *gt_new(Dtype dtype, int ndim, const int64_t *shape)
{
    return gt_new_recorded(dtype, ndim, shape, 0);
}

GradTensor *gt_scalar(Dtype dtype, double value)
{
    GradTensor *x = gt_new(dtype, 0, NULL);
    tensor_fill(&x->t, value);
    return x;
}

GradTensor *gt_number(double value)
{
    GradTensor *x = gt_scalar(DTYPE_FLOAT64, value);
    x->t.flags |= GT_WEAK;
    return x;
}

GradTensor *gt_filled(Dtype dtype, int ndim, const int64_t *shape, double value)
{
    GradTensor *x = gt_new(dtype, ndim, shape);
    tensor_fill(&x->t, value);
    return x;
}

GradTensor *gt_integers(int64_t count, const int64_t *at)
{
    GradTensor *x = gt_new(DTYPE_INT64, 1, &count);
    memcpy(tensor_allocate(&x->t), at, (size_t)count * sizeof *at);
    return x;
}

GradTensor *gt_detach(GradTensor *x)
{
    if (!gt_tracked(x) && x->home == NULL)
        return x;
    if (gt_batch(x) != 0)
        return batch_slice(gt_detach(batch_of(x)), gt_batch(x));
    GradTensor *y = gt_new(gt_dtype(x), x->t.ndim, tensor_shape(&x->t));
    tensor_share(&y->t, &x->t);
    y->t.flags |= x->t.flags & GT_WEAK;
    return y;
}

static GradTensor *filled_like(const GradTensor *x, double value)
{
    GradTensor *y = gt_filled(gt_dtype(x), x->t.ndim, tensor_shape(&x->t), value);
    y->t.flags |= x->t.flags & GT_WEAK;
    return y;
}

GradTensor *gt_zeros_like(GradTensor *x) { return filled_like(x, 0); }
GradTensor *gt_ones_like(GradTensor *x) { return filled_like(x, 1); }

/* ---- variables ---- */

static void variable_destroy(Object *self)
{
    Variable *v = (Variable *)self;
    if (v->home != NULL)
        v->home->variable = NULL;
    object_release(v->home);
    object_release(v->value);
    object_release(v->grad);
}

const ObjectType variable_type = {"parameter", variable_destroy};
const ObjectType home_type = {"home of a gradient", NULL};

static void retained_destroy(Object *self)
{
    object_release(((Retained *)self)->grad);
}

const ObjectType retained_type = {"kept gradient", retained_destroy};

/* A value for the variable: of a parameter a leaf of its own, so that the caller's tensor stays what it
 * was. */
static GradTensor *variable_leaf(Variable *v, GradTensor *value)
{
    GradTensor *leaf = gt_new(gt_dtype(value), value->t.ndim, tensor_shape(&value->t));
    tensor_share(&leaf->t, &value->t);
    if (v->kind == VARIABLE_PARAMETER) {
        leaf->home = object_retain(v->home);
        leaf->t.flags |= GT_TRACKED;
    }
    return leaf;
}

Variable *variable_new(VariableKind kind, GradTensor *value)
{
    Variable *v = object_new_zeroed(&variable_type, sizeof *v);
    v->kind = kind;
    Home *home = object_new(&home_type, sizeof *home);
    home->variable = v;
    v->home = object_retain(home);
    v->value = object_retain(variable_leaf(v, value));
    return v;
}

static void check_same_form(const char *what, const GradTensor *old, const GradTensor *value)
{
    if (!shape_equal(old->t.ndim, tensor_shape(&old->t), value->t.ndim, tensor_shape(&value->t)))
        error_throw(ERROR_SHAPE, "%s has shape %s and cannot take %s", what, gt_shape_text(old),
                    gt_shape_text(value));
}

GradTensor *variable_next(Variable *v, GradTensor *value)
{
    const char *what = v->kind == VARIABLE_PARAMETER ? "the parameter" : "the buffer";
    check_same_form(what, v->value, value);
    if (gt_dtype(value) != gt_dtype(v->value) && !gt_weak(value))
        error_throw(ERROR_TYPE, "%s is %s and cannot take %s", what, dtype_name(gt_dtype(v->value)),
                    dtype_name(gt_dtype(value)));
    return variable_leaf(v, gt_cast(gt_detach(value), gt_dtype(v->value)));
}

void variable_take(Variable *v, GradTensor *next)
{
    object_retain(next);
    object_release(v->value);
    v->value = next;
}

void variable_assign(Variable *v, GradTensor *value)
{
    variable_take(v, variable_next(v, value));
}

void variable_set_grad(Variable *v, GradTensor *grad)
{
    if (grad != NULL) {
        check_same_form("the gradient", v->value, grad);
        grad = object_retain(gt_cast(grad, gt_dtype(v->value)));
    }
    object_release(v->grad);
    v->grad = grad;
}

/* ---- watches ---- */

static void watch_destroy(Object *self)
{
    Watch *w = (Watch *)self;
    for (size_t i = 0; i < w->count; i++)
        object_release(w->nodes[i]);
    mem_free(w->nodes, w->capacity * sizeof *w->nodes);
}

static const ObjectType watch_type = {"watch", watch_destroy};

Watch *watch_begin(void)
{
    GradState *state = grad_state();
    Watch *w = object_new_zeroed(&watch_type, sizeof *w);
    if (state->inside == UINT8_MAX)
        error_throw(ERROR_LIMIT, "checkpoints are nested too deep");
    w->outer = state->watch;
    state->watch = w;
    state->inside++;
    return w;
}

void watch_note(GradTensor *x)
{
    GradState *state = grad_state();
    Watch *w = state->watch;
    if (x->t.flags >> GT_INSIDE_SHIFT >= state->inside)
        return;
    if (w->count > 0 && w->nodes[w->count - 1] == x)
        return;
    VEC_PUSH(w->nodes, w->count, w->capacity, x);
    object_retain(x);
}

TensorList *watch_end(Watch *w)
{
    GradState *state = grad_state();
    TensorList *list = tensor_list_new((int64_t)w->count, NULL);
    uint32_t epoch = ++state->epoch;
    list->count = 0;
    for (size_t i = 0; i < w->count; i++) {
        if (w->nodes[i]->object.link.visit.mark == epoch)
            continue;
        w->nodes[i]->object.link.visit.mark = epoch;
        list->at[list->count++] = object_retain(w->nodes[i]);
    }
    state->watch = w->outer;
    state->inside--;
    return list;
}

/* ---- state ---- */

GradContext grad_context(void)
{
    const GradState *s = grad_state();
    return (GradContext){s->recording, s->levels, s->levels_used, s->inside, s->watch};
}

void grad_restore(const GradContext *context)
{
    GradState *s = grad_state();
    s->recording = context->recording;
    s->levels = context->levels;
    s->levels_used = context->levels_used;
    s->inside = context->inside;
    s->watch = context->watch;
}

GradState *grad_state_new(void)
{
    GradState *state = calloc(1, sizeof *state);
    if (state != NULL) {
        state->recording = true;
        state->default_dtype = DTYPE_FLOAT32;
    }
    return state;
}

void grad_state_free(GradState *state)
{
    free(state);
}
