/* From one kind of value to another. */
#include "base/runtime.h"
#include "lang/display.h"
#include "lib/numeral.h"
#include "lang/sequence.h"
#include "ops/rules.h"

#include <string.h>

static Value run_type(Call *call)
{
    return value_text(value_type_name(call->args[0]));
}

const Builtin builtin_type = {
    .usage = "type(x)", .section = "structures",
    .doc = "What kind of value x is: \"number\", \"bool\", \"string\", \"none\", \"tensor\", \"tuple\", "
           "\"record\", \"function\" or \"range\". A parameter and a buffer are tensors.",
    .example = "type(2), type([2]), type(sin)  #=> number tensor function",
    .related = "repr str",
    .run = run_type,
};

/* ---- text ---- */

static Value run_str(Call *call)
{
    Buf *out = buf_new();
    display_value(out, call->args[0]);
    return value_string(buf_string(out));
}

const Builtin builtin_str = {
    .usage = "str(x)", .section = "text",
    .doc = "The text that print writes for x.",
    .example = "str([1, 2]) + \"!\"  #=> [1, 2]!",
    .related = "repr format number print",
    .run = run_str,
};

static Value run_repr(Call *call)
{
    Buf *out = buf_new();
    display_repr(out, call->args[0]);
    return value_string(buf_string(out));
}

const Builtin builtin_repr = {
    .usage = "repr(x)", .section = "text",
    .doc = "The text by which the REPL shows x: strings in quotes, tensors with shape and dtype.",
    .example = "repr(\"a\")  #=> \"a\"\nrepr([1, 2])  #=> Tensor([1, 2], shape=[2], dtype=float32)",
    .related = "str format",
    .run = run_repr,
};

static Value run_format(Call *call)
{
    const String *spec = arg_string(call, 1);
    Buf *out = buf_new();
    display_formatted(out, call->args[0], spec->text, spec->bytes);
    return value_string(buf_string(out));
}

const Builtin builtin_format = {
    .usage = "format(x, spec=\"\")", .section = "text",
    .doc = "The text of x in a format, as in f\"{x:spec}\": "
           "[[fill]align][sign][0][width][,][.precision][type] with alignment < > ^ and type d e f g or %. "
           "One-element tensors count as numbers; other values are padded.",
    .errors = "value when the format is not one.",
    .example = "format(pi, \".3f\")  #=> 3.142\n"
               "format(0.25, \".0%\")  #=> 25%\n"
               "format(\"ab\", \">5\") + \"|\"  #=> ab|",
    .related = "str repr print",
    .run = run_format,
};

/* ---- numbers ---- */

/* A number that a derivative is being taken by is a tensor inside, and stays what it is. */
static bool is_number(Value v)
{
    return v.tag == TAG_NUMBER
        || (v.tag == TAG_TENSOR && gt_weak(v.as.any) && gt_dtype(v.as.any) != DTYPE_BOOL);
}

static Value run_number(Call *call)
{
    Value v = call->args[0];
    double x;
    if (is_number(v))
        return v;
    if (value_is_numeric(v))
        return value_number(arg_number(call, 0));
    if (v.tag != TAG_STRING)
        arg_error(call, 0, "a string, a bool, a number or a one-element tensor");
    const String *text = v.as.any;
    if (strlen(text->text) != text->bytes || !numeral_read(text->text, &x)) {
        Buf *shown = buf_new();
        display_repr(shown, v);
        call_throw(call, ERROR_VALUE, "%s is not a number", buf_text(shown));
    }
    return value_number(x);
}

const Builtin builtin_number = {
    .usage = "number(x)", .section = "text",
    .doc = "The number that a string, a bool or a one-element tensor says.",
    .errors = "value when a string is not a number; type for a tensor of several elements and for other "
              "values.",
    .example = "number(\"1.5\") + number(true)  #=> 2.5",
    .related = "item str",
    .run = run_number,
};

static Value run_item(Call *call)
{
    if (is_number(call->args[0]) || call->args[0].tag == TAG_BOOL)
        return call->args[0];
    GradTensor *x = value_tensor(call->args[0]);
    if (x == NULL)
        arg_error(call, 0, "a one-element tensor");
    if (x->t.size != 1)
        call_throw(call, ERROR_SHAPE, "`x` must have one element, not shape %s",
                   shape_text(x->t.ndim, tensor_shape(&x->t)));
    double element = tensor_item(&x->t);
    return gt_dtype(x) == DTYPE_BOOL ? value_bool(element != 0) : value_number(element);
}

const Builtin builtin_item = {
    .usage = "item(x)", .section = "structures",
    .doc = "The element of a one-element tensor as a plain number, or as a bool when the tensor's dtype is "
           "bool. No gradient flows through it.",
    .errors = "shape when x has more or fewer elements than one; type when it is no tensor.",
    .example = "item([[2.5]]) * 2  #=> 5",
    .related = "number detach",
    .run = run_item,
};

/* ---- tensor ---- */

static GradTensor *tensor_from(const Call *call, Value v, Dtype dtype);

static GradTensor *fit(GradTensor *x, Dtype dtype)
{
    if (dtype == DTYPES)
        return x;
    return gt_cast(x, dtype);
}

/* A sequence of plain numbers, written straight into the tensor. */
static GradTensor *vector_of_numbers(const Sequence *xs, Dtype dtype)
{
    GradTensor *out = gt_new(dtype == DTYPES ? grad_state()->default_dtype : dtype, 1, &xs->count);
    char *to = tensor_allocate(&out->t);
    size_t size = dtype_size(gt_dtype(out));
    for (int64_t k = 0; k < xs->count; k++) {
        interrupt_poll();
        dtype_write(gt_dtype(out), to + (size_t)k * size, sequence_item(xs, k).as.number);
    }
    return out;
}

static bool only_numbers(const Sequence *xs)
{
    if (xs->items.tag == TAG_RANGE)
        return true;
    for (int64_t k = 0; k < xs->count; k++)
        if (tuple_items(xs->items.as.any)[k].tag != TAG_NUMBER)
            return false;
    return true;
}

static GradTensor *stacked(const Call *call, const Sequence *xs, Dtype dtype)
{
    TensorList *list = tensor_list_new(xs->count, NULL);
    bool numbers = false, bools = false;
    for (int64_t k = 0; k < xs->count; k++) {
        Value item = sequence_item(xs, k);
        GradTensor *x = tensor_from(call, item, dtype);
        numbers |= item.tag == TAG_NUMBER;
        bools |= item.tag == TAG_BOOL;
        if (numbers && bools && dtype == DTYPES)
            call_throw(call, ERROR_TYPE, "numbers and bools are mixed; dtype= says what they are to become");
        list->at[k] = object_retain(x);
        const Tensor *first = &list->at[0]->t;
        if (!shape_equal(x->t.ndim, tensor_shape(&x->t), first->ndim, tensor_shape(first)))
            call_throw(call, ERROR_SHAPE, "element %lld has shape %s, but element 0 has %s", (long long)k,
                       shape_text(x->t.ndim, tensor_shape(&x->t)), shape_text(first->ndim,
                                                                              tensor_shape(first)));
    }
    Arg args[OP_MAX_ARGS] = {{.tensors = list}, {.integer = 0}};
    return op_call(&op_stack, args, 0);
}

/* What v stands for, in a dtype when one is given. Numbers stay weak without one, so that a tuple of them
 * and of tensors gets its dtype from the tensors. */
static GradTensor *tensor_from(const Call *call, Value v, Dtype dtype)
{
    stack_check();
    if (v.tag == TAG_TUPLE || v.tag == TAG_RANGE) {
        Sequence xs;
        sequence_open(&xs, v);
        return only_numbers(&xs) ? vector_of_numbers(&xs, dtype) : stacked(call, &xs, dtype);
    }
    GradTensor *x = value_tensor(v);
    if (x == NULL)
        call_throw(call, ERROR_TYPE, "a tensor is made of numbers, bools and tensors, not of %s%s",
                   value_described(v),
                   v.tag == TAG_STRING ? "; number(text) reads one" : "");
    return fit(x, dtype);
}

static Value run_tensor(Call *call)
{
    Dtype dtype = arg_dtype(call, 1, DTYPES);
    GradTensor *x = tensor_from(call, call->args[0], dtype);
    if (gt_weak(x))
        x = gt_cast(x, grad_state()->default_dtype);
    Value v = value_object(TAG_TENSOR, x);
    return arg_flag(call, 2) ? call_value1(builtin_cell("parameter")->value, v) : v;
}

const Builtin builtin_tensor = {
    .usage = "tensor(x, dtype=none, requires_grad=false)", .section = "create",
    .doc = "A tensor of what x holds: a number gives a 0-d tensor, a tuple or a range of numbers a vector, "
           "a tuple of tensors or of tuples of equal shape is stacked along a new first axis, a tensor "
           "gives itself. The dtype is that of the tensors in x, else the default one, unless another is "
           "given. Gradients flow through it. With requires_grad=true the result is a parameter.",
    .errors = "type when there is something else than numbers, bools and tensors in x, or no dtype of that "
              "name; shape when the parts have different shapes.",
    .example = "tensor((1, 2, 3))  #=> [1, 2, 3]\n"
               "repr(tensor(0.1, dtype=\"float64\"))  #=> Tensor(0.1, shape=[], dtype=float64)",
    .related = "parameter to zeros stack",
    .run = run_tensor,
};
