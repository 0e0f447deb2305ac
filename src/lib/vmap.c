/* vmap: a function evaluated on all slices of its arguments at once (see grad/batch.h), or, where it looks
 * at elements, on one slice after the other. */
#include "grad/batch.h"
#include "lang/indexing.h"
#include "lib/derivative.h"
#include "ops/rules.h"

typedef struct Mapping {
    const Call *call;
    Value f, axes;
    int64_t size;                     /* of the mapped axis; -1 while it is not known */
    Value *args;                      /* the mapped axis of every mapped tensor in front */
    bool *mapped;                     /* which arguments are */
    Value out;                        /* what the function returned */
} Mapping;

/* ---- arguments ---- */

/* The axis of argument i, or false for an argument that is passed whole. */
static bool axis_of(const Mapping *m, int i, int64_t *axis)
{
    Value given = m->axes;
    if (given.tag == TAG_TUPLE) {
        const Tuple *t = given.as.any;
        if (t->count != (uint32_t)m->call->count)
            error_throw(ERROR_TYPE, "vmap: there are %u axes for %d argument%s", t->count, m->call->count,
                        m->call->count == 1 ? "" : "s");
        given = tuple_items(t)[i];
        if (given.tag == TAG_NONE)
            return false;
    }
    *axis = given.tag == TAG_NONE ? 0 : (int64_t)given.as.number;
    return true;
}

typedef struct Fronting {
    Mapping *m;
    int argument;
    int64_t axis;
} Fronting;

static Value bring_to_front(Value leaf, void *context)
{
    const Fronting *f = context;
    GradTensor *x = value_tensor(leaf);
    int order[TENSOR_MAX_NDIM], n = 0;
    if (x == NULL)
        return leaf;
    if (x->t.ndim == 0)
        error_throw_hint(ERROR_SHAPE, "pass it whole: vmap(f, axes=(0, none))",
                         "vmap: argument %d is a %s, which has no axis to map over", f->argument,
                         leaf.tag == TAG_TENSOR || leaf.tag == TAG_VARIABLE ? "0-d tensor" : "number");
    int64_t axis = f->axis < 0 ? f->axis + x->t.ndim : f->axis;
    if (axis < 0 || axis >= x->t.ndim)
        error_throw(ERROR_INDEX, "vmap: axis %lld is out of range for argument %d of shape %s", (long long)f->axis,
                    f->argument, shape_text(x->t.ndim, tensor_shape(&x->t)));
    int64_t size = tensor_shape(&x->t)[axis];
    if (f->m->size >= 0 && f->m->size != size)
        error_throw(ERROR_SHAPE, "vmap: the mapped axes have different sizes: %lld, and %lld in argument %d",
                    (long long)f->m->size, (long long)size, f->argument);
    f->m->size = size;
    order[n++] = (int)axis;
    for (int i = 0; i < x->t.ndim; i++)
        if (i != axis)
            order[n++] = i;
    return value_object(TAG_TENSOR, axis == 0 ? x : t_permute(x, order));
}

static Mapping mapping_of(const Call *call)
{
    Mapping m = {.call = call, .f = call->self->captures[0], .axes = call->self->captures[1], .size = -1};
    m.args = scratch((size_t)call->count * sizeof *m.args + 1);
    m.mapped = scratch_zeroed((size_t)call->count * sizeof *m.mapped + 1);
    for (int i = 0; i < call->count; i++) {
        Fronting fronting = {&m, i, 0};
        m.mapped[i] = axis_of(&m, i, &fronting.axis);
        m.args[i] = m.mapped[i] ? structure_map(call->args[i], bring_to_front, &fronting) : call->args[i];
    }
    if (m.size < 0)
        error_throw(ERROR_TYPE, "vmap: no argument has an axis to map over");
    return m;
}

static _Noreturn void throw_unstackable(Value leaf)
{
    error_throw(ERROR_TYPE, "vmap: the function returns %s, which cannot be stacked", value_described(leaf));
}

/* ---- all slices at once ---- */

static Value slice_leaf(Value leaf, void *context)
{
    const uint32_t *level = context;
    if (leaf.tag != TAG_TENSOR)
        return leaf;
    GradTensor *x = leaf.as.any;
    return value_object(TAG_TENSOR, batch_slice(batch_of(x), gt_batch(x) | *level));
}

static Value stack_leaf(Value leaf, void *context)
{
    const uint32_t *level = context;
    GradTensor *x = value_tensor(leaf);
    if (x == NULL)
        throw_unstackable(leaf);
    if (gt_weak(x) && gt_dtype(x) != DTYPE_BOOL)
        x = gt_cast(x, grad_state()->default_dtype);
    return value_object(TAG_TENSOR, batch_slice(batch_over(x, *level), gt_batch(x) & ~*level));
}

static void run_at_once(void *data)
{
    Mapping *m = data;
    uint32_t levels = batch_levels(), level = batch_open(m->size, 0);
    Value *args = scratch((size_t)m->call->count * sizeof *args + 1);
    for (int i = 0; i < m->call->count; i++)
        args[i] = m->mapped[i] ? structure_map(m->args[i], slice_leaf, &level) : m->args[i];
    m->out = structure_map(call_value(m->f, (uint32_t)m->call->count, args, m->call->names), stack_leaf, &level);
    grad_state()->levels = levels;
}

/* ---- one after the other ---- */

static Value row_leaf(Value leaf, void *context)
{
    const int64_t *k = context;
    return leaf.tag == TAG_TENSOR ? value_of_tensor(tensor_row(leaf.as.any, *k)) : leaf;
}

static Value call_on_slice(const Mapping *m, int64_t k)
{
    Value *args = scratch((size_t)m->call->count * sizeof *args + 1);
    for (int i = 0; i < m->call->count; i++)
        args[i] = m->mapped[i] ? structure_map(m->args[i], row_leaf, &k) : m->args[i];
    return call_value(m->f, (uint32_t)m->call->count, args, m->call->names);
}

/* Leaf i of every result, stacked. */
static Value stack_leaves(const Leaves *results, int64_t size, uint32_t i)
{
    TensorList *list = tensor_list_new(size, NULL);
    for (int64_t k = 0; k < size; k++) {
        GradTensor *x = value_tensor(results[k].at[i]);
        if (x == NULL)
            throw_unstackable(results[k].at[i]);
        list->at[k] = object_retain(x);
    }
    batch_check_results(list);
    Arg args[OP_MAX_ARGS] = {{.tensors = list}, {.integer = 0}};
    return value_of_tensor(op_call(&op_stack, args, 0));
}

static Value run_one_by_one(const Mapping *m)
{
    Leaves *results = scratch((size_t)m->size * sizeof *results + 1);
    Value first = value_none();
    if (m->size == 0)
        error_throw(ERROR_VALUE, "vmap: a function that looks at elements cannot be mapped over nothing");
    for (int64_t k = 0; k < m->size; k++) {
        Value out = call_on_slice(m, k);
        if (k == 0)
            first = out;
        results[k] = structure_leaves(out);
        if (results[k].count != results[0].count)
            error_throw(ERROR_TYPE, "vmap: the function returns different structures for different slices");
    }
    Value *leaves = scratch((size_t)results[0].count * sizeof *leaves + 1);
    for (uint32_t i = 0; i < results[0].count; i++)
        leaves[i] = stack_leaves(results, m->size, i);
    return structure_rebuild(first, leaves);
}

/* ---- the built-in ---- */

static Value run_mapped(Call *call)
{
    Mapping m = mapping_of(call);
    if (batch_levels() >> (BATCH_MOST - 1) != 0)     /* there are no more levels */
        return run_one_by_one(&m);
    return slices_at_once(run_at_once, &m, LOOK_ELEMENT) ? m.out : run_one_by_one(&m);
}

static const Builtin mapped_row = {.usage = "mapped(...args)", .run = run_mapped, .forwards = true};

static Value whole_axis(const Call *call, Value axis)
{
    GradTensor *x = axis.tag == TAG_BOOL ? NULL : value_tensor(axis);
    double number = x != NULL && x->t.size == 1 ? tensor_item(&x->t) : 0.5;
    if (number != __builtin_trunc(number))
        arg_error(call, 1, "an axis, none, or a tuple of these");
    return value_number(number);
}

static Value run_vmap(Call *call)
{
    Value captures[] = {arg_function(call, 0), call->args[1]};
    if (captures[1].tag == TAG_TUPLE) {
        const Tuple *given = captures[1].as.any;
        Value *axes = scratch((size_t)given->count * sizeof *axes + 1);
        for (uint32_t i = 0; i < given->count; i++)
            axes[i] = tuple_items(given)[i].tag == TAG_NONE ? value_none() : whole_axis(call, tuple_items(given)[i]);
        captures[1] = value_object(TAG_TUPLE, tuple_new(given->count, axes));
    } else if (captures[1].tag != TAG_NONE) {
        captures[1] = whole_axis(call, captures[1]);
    }
    return value_object(TAG_FUNCTION, native_function(&mapped_row, 2, captures));
}

const Builtin builtin_vmap = {
    .usage = "vmap(f, axes=none)", .section = "derivatives", .run = run_vmap,
    .doc = "The function that applies f to every slice of its arguments along their first axis (or the "
           "given axes; none passes an argument whole), and stacks the results. Tuples and records are "
           "sliced leaf by leaf. f is evaluated once, on all slices together; where it looks at elements, "
           "as with item(x) or print(x), or draws random numbers, it is evaluated on one slice after the other, with "
           "the same result; what it did before that look is done once more then.",
    .errors = "type when an `if` or `while` depends on a mapped value; shape when the mapped axes differ in "
              "size or an argument is a number; value when a function that looks at elements is mapped over "
              "nothing.",
    .example = "vmap(x -> x / sum(x))([[1, 3], [2, 2]])  #=> [[0.25, 0.75], [0.5, 0.5]]\n"
               "vmap(dot, axes=(0, none))([[1, 2], [3, 4]], [10, 1])  #=> [12, 34]",
    .related = "map stack where",
};
