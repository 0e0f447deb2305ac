/* Parameters, buffers and their gradients. */
#include "grad/backward.h"
#include "lang/property.h"
#include "lib/derivative.h"
#include "ops/rules.h"

static const char needs_leaf[] = "make it with parameter(...), or call attach_grad(x) before the computation";

/* ---- making variables ---- */

/* The argument as a tensor in the dtype asked for, or the default one for numbers. */
static GradTensor *variable_data(Call *call, bool differentiable_only)
{
    Value data = call->args[0];
    Dtype dtype = arg_dtype(call, 1, DTYPES);
    GradTensor *x = arg_tensor(call, 0);
    if (differentiable_only && dtype != DTYPES && !dtype_is_float(dtype))
        call_throw(call, ERROR_TYPE, "a gradient needs float32 or float64, not %s", dtype_name(dtype));
    if (dtype == DTYPES && (data.tag == TAG_NUMBER || gt_weak(x)))
        dtype = grad_state()->default_dtype;
    if (dtype == DTYPES)
        return differentiable_only ? differentiable(function_name(call->self), x) : x;
    return gt_cast(x, dtype);
}

static Value run_parameter(Call *call)
{
    return value_object(TAG_VARIABLE, variable_new(VARIABLE_PARAMETER, gt_detach(variable_data(call, true))));
}

const Builtin builtin_parameter = {
    .usage = "parameter(data, dtype=none)", .section = "gradients", .run = run_parameter,
    .doc = "A tensor with identity that collects a gradient: `p.grad` is none until the first `backward`, "
           "which adds to it. `q = p` names the same parameter. Numbers, bools and integers are converted "
           "to the default float dtype.",
    .errors = "type for strings and for int64 tensors, and when the dtype is not a float.",
    .example = "x = parameter([2, 3, 4])\nbackward(sum(x * x))\nx.grad  #=> [4, 6, 8]",
    .related = "attach_grad buffer backward assign",
};

static Value run_buffer(Call *call)
{
    return value_object(TAG_VARIABLE, variable_new(VARIABLE_BUFFER, gt_detach(variable_data(call, false))));
}

const Builtin builtin_buffer = {
    .usage = "buffer(data, dtype=none)", .section = "gradients", .run = run_buffer,
    .doc = "A tensor with identity and no gradient, for state: `b += 1` and `b[0] = 1` change it in place, "
           "in functions too. Shape and dtype stay what they are.",
    .example = "count = buffer(0)\ntick() = assign(count, count + 1)\ntick()\ntick()\ncount  #=> 2",
    .related = "parameter assign",
};

static Value run_attach_grad(Call *call)
{
    Value x = call->args[0];
    Variable *v = x.as.any;
    GradTensor *data = arg_tensor(call, 0);
    if (x.tag != TAG_VARIABLE || v->kind == VARIABLE_BUFFER) {
        data = gt_weak(data) || x.tag == TAG_NUMBER || x.tag == TAG_BOOL ? gt_cast(data, grad_state()->default_dtype)
                                                                         : differentiable("attach_grad", data);
        v = variable_new(VARIABLE_PARAMETER, gt_detach(data));
    }
    v->overwrite = true;
    variable_set_grad(v, gt_zeros_like(gt_detach(v->value)));
    return value_object(TAG_VARIABLE, v);
}

const Builtin builtin_attach_grad = {
    .usage = "attach_grad(x)", .section = "gradients", .run = run_attach_grad, .by_reference = true,
    .doc = "Turns the tensor in the variable x into a leaf whose gradient starts at zeros. Each `backward` "
           "overwrites the gradient, where it would add to that of a `parameter`.",
    .errors = "type when x is not a variable.",
    .example = "x = arange(4)\nattach_grad(x)\nbackward(2 * dot(x, x))\nx.grad  #=> [0, 4, 8, 12]",
    .related = "parameter backward zero_grad",
};

/* ---- backward ---- */

/* What changes a gradient needs elements: asking for those of a mapped tensor makes vmap evaluate one slice after the
 * other. */
static GradTensor *with_elements(GradTensor *x)
{
    if (gt_batch(x) != 0)
        tensor_data(&x->t);
    return x;
}

static Value run_backward(Call *call)
{
    GradTensor *y = with_elements(arg_tensor(call, 0)), *seed = NULL;
    if (arg_given(call, 1)) {
        seed = with_elements(arg_tensor(call, 1));
        if (seed->t.size == 1 && y->t.size == 1)
            seed = t_reshape(seed, y->t.ndim, tensor_shape(&y->t));
        if (!shape_equal(seed->t.ndim, tensor_shape(&seed->t), y->t.ndim, tensor_shape(&y->t)))
            call_throw(call, ERROR_SHAPE, "the seed has shape %s, but y has %s",
                       shape_text(seed->t.ndim, tensor_shape(&seed->t)), shape_text(y->t.ndim, tensor_shape(&y->t)));
        seed = gt_cast(seed, gt_dtype(y));
    }
    backward(y, seed, arg_flag(call, 2));
    return value_none();
}

const Builtin builtin_backward = {
    .usage = "backward(y, seed=none, create_graph=false)", .section = "gradients", .run = run_backward,
    .doc = "Adds the gradient of y to every parameter that y depends on (a leaf made by `attach_grad` is "
           "overwritten). A y that is not a scalar counts as sum(y) unless a seed, its cotangent, is given. "
           "Of one element, both may have any shape. backward may be run again on the same y. With "
           "create_graph the gradients can be differentiated themselves.",
    .errors = "value when y depends on no parameter; shape when the seed does not have the shape of y.",
    .example = "x = parameter([1, 2])\nbackward(x^2, seed=[1, 10])\nx.grad  #=> [2, 40]",
    .related = "parameter grad zero_grad retain_grad",
};

/* ---- reading and setting gradients ---- */

static GradTensor *tracked(Call *call, int i)
{
    GradTensor *x = with_elements(arg_tensor(call, i));
    if (!gt_tracked(x))
        error_throw_hint(ERROR_TYPE, needs_leaf, "%s: this tensor is not tracked, so it has no gradient",
                         function_name(call->self));
    return x;
}

static Value run_grad(Call *call)
{
    if (call->args[0].tag == TAG_FUNCTION)
        return gradient_function(call->args[0], call->args[1]);
    if (value_tensor(call->args[0]) == NULL)
        arg_error(call, 0, "a function or a tracked tensor");
    if (call->args[0].tag != TAG_VARIABLE)
        tracked(call, 0);
    return gradient_of(call->args[0]);
}

const Builtin builtin_grad = {
    .usage = "grad(f, argnum=0)", .section = "derivatives", .run = run_grad,
    .doc = "Of a function: the function that computes its gradient with respect to the argument at position "
           "argnum, or to several for a tuple of positions. The gradient has the structure of the argument. "
           "Of a tensor: its gradient, as x.grad.",
    .errors = "shape when the function's result is not a scalar: f' is the gradient of its sum, jacobian(f, "
              "x) has all the derivatives. type for an argument that is neither a function nor a tracked "
              "tensor.",
    .example = "f(x, y) = x^2 * y\ngrad(f)(3, 2)  #=> 12\ngrad(f, argnum=(0, 1))(3, 2)  #=> (12, 9)",
    .related = "value_and_grad jacobian hessian backward",
};

static void zero_gradient(Value x)
{
    GradTensor *t = value_tensor(x);
    Variable *v = x.as.any;
    if (x.tag == TAG_VARIABLE && v->kind == VARIABLE_PARAMETER) {
        variable_set_grad(v, gt_zeros_like(gt_detach(v->value)));
    } else if (x.tag == TAG_TENSOR && t->home != NULL && t->home->type == &retained_type) {
        Retained *kept = (Retained *)t->home;
        object_release(kept->grad);
        kept->grad = object_retain(gt_zeros_like(gt_detach(t)));
    }
}

static Value zero_leaf(Value leaf, void *context)
{
    if (leaf.tag == TAG_FUNCTION) {
        const Function *f = leaf.as.any;
        for (uint32_t i = 0; i < f->capture_count; i++)
            structure_map(f->captures[i], zero_leaf, context);
    }
    zero_gradient(leaf);
    return leaf;
}

static Value run_zero_grad(Call *call)
{
    const Tuple *xs = arg_tuple(call, 0);
    for (uint32_t i = 0; i < xs->count; i++) {
        Value x = tuple_items(xs)[i];
        bool can = value_is_structure(x) || x.tag == TAG_FUNCTION || x.tag == TAG_VARIABLE
                || (x.tag == TAG_TENSOR && gt_tracked(x.as.any));
        if (!can)
            error_throw_hint(ERROR_TYPE, needs_leaf, value_is_numeric(x) ? "%s that is not tracked has no gradient"
                                                                         : "%s has no gradient", value_described(x));
    }
    for (uint32_t i = 0; i < xs->count; i++)
        structure_map(tuple_items(xs)[i], zero_leaf, NULL);
    return value_none();
}

const Builtin builtin_zero_grad = {
    .usage = "zero_grad(...xs)", .section = "gradients", .run = run_zero_grad,
    .doc = "Sets gradients to zeros: those of parameters, of all parameters in tuples and records, and of "
           "those that functions capture.",
    .errors = "type for a tensor that is not tracked.",
    .example = "x = parameter([1, 2])\nbackward(sum(x))\nzero_grad(x)\nx.grad  #=> [0, 0]",
    .related = "parameter backward set_grad",
};

static void keep_gradient(GradTensor *x, GradTensor *grad)
{
    if (x->home == NULL) {
        Retained *kept = object_new(&retained_type, sizeof *kept);
        kept->grad = NULL;
        x->home = object_retain(kept);
    }
    if (x->home->type == &retained_type && grad != NULL) {
        Retained *kept = (Retained *)x->home;
        object_release(kept->grad);
        kept->grad = object_retain(grad);
    }
}

static Value run_set_grad(Call *call)
{
    Value x = call->args[0];
    GradTensor *t = tracked(call, 0);
    GradTensor *g = arg_given(call, 1) ? gt_detach(with_elements(arg_tensor(call, 1))) : NULL;
    if (g != NULL && !shape_equal(g->t.ndim, tensor_shape(&g->t), t->t.ndim, tensor_shape(&t->t)))
        call_throw(call, ERROR_SHAPE, "the gradient has shape %s, but the tensor has %s",
                   shape_text(g->t.ndim, tensor_shape(&g->t)), shape_text(t->t.ndim, tensor_shape(&t->t)));
    if (x.tag == TAG_VARIABLE)
        variable_set_grad(x.as.any, g);
    else if (g != NULL)
        keep_gradient(t, gt_cast(g, gt_dtype(t)));
    return value_none();
}

const Builtin builtin_set_grad = {
    .usage = "set_grad(x, g)", .section = "gradients", .run = run_set_grad,
    .doc = "Makes g the gradient of x; none takes it away.",
    .errors = "type when x is not tracked; shape when g does not have the shape of x.",
    .example = "x = parameter([1, 2])\nset_grad(x, [3, 4])\nx.grad  #=> [3, 4]",
    .related = "zero_grad has_grad parameter",
};

static Value run_has_grad(Call *call)
{
    return value_bool(gradient_of(call->args[0]).tag != TAG_NONE);
}

const Builtin builtin_has_grad = {
    .usage = "has_grad(x)", .section = "gradients", .run = run_has_grad,
    .doc = "Is there a gradient in x.grad?",
    .example = "x = parameter([1, 2])\nhas_grad(x)  #=> false\nbackward(sum(x))\nhas_grad(x)  #=> true",
    .related = "set_grad zero_grad",
};

static Value run_retain_grad(Call *call)
{
    GradTensor *x = tracked(call, 0);
    if (call->args[0].tag == TAG_TENSOR)
        keep_gradient(x, NULL);
    return value_none();
}

const Builtin builtin_retain_grad = {
    .usage = "retain_grad(t)", .section = "gradients", .run = run_retain_grad,
    .doc = "Makes `backward` keep the gradient of an intermediate tensor, as t.grad. Parameters keep theirs "
           "anyway.",
    .errors = "type when t is not tracked.",
    .example = "x = parameter([1, 2])\nh = x * x\nretain_grad(h)\nbackward(sum(3 * h))\nh.grad  #=> [3, 3]",
    .related = "parameter backward",
};

/* ---- history ---- */

static Value detach_leaf(Value leaf, void *context)
{
    (void)context;
    return leaf.tag == TAG_TENSOR || leaf.tag == TAG_VARIABLE ? value_of_tensor(gt_detach(value_tensor(leaf))) : leaf;
}

static Value run_detach(Call *call)
{
    if (!value_is_structure(call->args[0]))
        arg_tensor(call, 0);
    return structure_map(call->args[0], detach_leaf, NULL);
}

const Builtin builtin_detach = {
    .usage = "detach(x)", .section = "gradients", .run = run_detach,
    .doc = "The same numbers as a constant, through which no gradient flows. Of a tuple or record: of every "
           "leaf.",
    .example = "x = parameter([1, 2])\ndetach(x * x).requires_grad  #=> false",
    .related = "parameter grad_enabled",
};

static Value run_grad_enabled(Call *call)
{
    (void)call;
    return value_bool(grad_state()->recording);
}

const Builtin builtin_grad_enabled = {
    .usage = "grad_enabled()", .section = "gradients", .run = run_grad_enabled,
    .doc = "Is recording on? It is, except inside `nograd { }`.",
    .example = "grad_enabled()  #=> true",
    .related = "detach backward",
};

/* ---- assign ---- */

static void assign_leaves(Call *call, Value to, Value from)
{
    Leaves places = structure_leaves(to), values = structure_leaves(from);
    GradTensor **next = scratch(places.count * sizeof *next + 1);
    if (places.count != values.count)
        call_throw(call, ERROR_TYPE, "the parameters and the values do not have the same structure");
    for (uint32_t i = 0; i < places.count; i++) {
        if (places.at[i].tag != TAG_VARIABLE)
            call_throw(call, ERROR_TYPE, "`%s` must hold parameters and buffers, not %s", arg_name(call, 0),
                       value_described(places.at[i]));
        next[i] = variable_next_value(places.at[i].as.any, values.at[i]);
    }
    for (uint32_t i = 0; i < places.count; i++)
        variable_take(places.at[i].as.any, next[i]);
}

static Value run_assign(Call *call)
{
    if (value_is_structure(call->args[0]))
        assign_leaves(call, call->args[0], call->args[1]);
    else
        variable_assign_value(arg_variable(call, 0), call->args[1]);
    return value_none();
}

const Builtin builtin_assign = {
    .usage = "assign(p, value)", .section = "gradients", .run = run_assign,
    .doc = "Gives a parameter or buffer another value of the same shape and dtype, in place: every name of "
           "it sees the change. Of a tuple or record of them: each leaf.",
    .errors = "type when p is neither a parameter nor a buffer; shape when the shapes differ.",
    .example = "p = parameter([1, 2])\nq = p\nassign(p, [3, 4])\nq  #=> [3, 4]",
    .related = "parameter buffer",
};
