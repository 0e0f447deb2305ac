/* Arguments of built-ins, with the checks and the messages. */
#include "lang/failure.h"

#include <math.h>

const char *arg_name(const Call *call, int i)
{
    return function_signature(call->self)->at[i].name->text;
}

void throw_wrong_type(const char *function, const char *name, const char *expected, Value v)
{
    const GradTensor *x = v.tag == TAG_TENSOR || v.tag == TAG_VARIABLE ? value_tensor(v) : NULL;
    const char *what = x == NULL || gt_weak(x) ? value_described(v)
                     : string_format("a tensor of shape %s", shape_text(x->t.ndim, tensor_shape(&x->t)))->text;
    error_throw_hint(ERROR_TYPE, none_hint(v), "%s: `%s` must be %s, not %s", function, name, expected, what);
}

int64_t whole_or_throw(const char *function, const char *name, double x, ErrorKind too_large)
{
    if (x != trunc(x) || x - x != 0)
        error_throw(ERROR_TYPE, "%s: `%s` must be a whole number, not %g", function, name, x);
    if (!(fabs(x) < 9.2e18))
        error_throw(too_large, "%s: %g is too large for `%s`", function, x, name);
    return (int64_t)x;
}

Dtype dtype_or_throw(const char *function, const String *name)
{
    Dtype dtype = dtype_named(name->text);
    if (dtype != DTYPES)
        return dtype;
    Nearest nearest = nearest_begin(name->text);
    for (int d = 0; d < DTYPES; d++)
        nearest_offer(&nearest, dtype_name((Dtype)d));
    error_throw_hint(ERROR_TYPE, nearest.best != NULL ? string_format("did you mean \"%s\"?", nearest.best)->text
                                                      : "there are float32, float64, int32, int64, uint8 and bool",
                     "%s: there is no dtype \"%s\"", function, name->text);
}

void arg_error(const Call *call, int i, const char *expected)
{
    throw_wrong_type(function_name(call->self), arg_name(call, i), expected, call->args[i]);
}

void call_throw(const Call *call, ErrorKind kind, const char *format, ...)
{
    va_list args;
    Buf *text = buf_new();
    buf_printf(text, "%s: ", function_name(call->self));
    va_start(args, format);
    buf_vprintf(text, format, args);
    va_end(args);
    error_throw(kind, "%s", buf_text(text));
}

bool arg_given(const Call *call, int i)
{
    return call->args[i].tag != TAG_NONE;
}

double arg_number(const Call *call, int i)
{
    Value v = call->args[i];
    if (v.tag == TAG_NUMBER)
        return v.as.number;
    GradTensor *x = value_tensor(v);
    if (x == NULL || x->t.size != 1)
        arg_error(call, i, "a number");
    return tensor_item(&x->t);
}

int64_t arg_integer(const Call *call, int i)
{
    double x = arg_number(call, i);
    return whole_or_throw(function_name(call->self), arg_name(call, i), x, ERROR_VALUE);
}

bool arg_flag(const Call *call, int i)
{
    Value v = call->args[i];
    if (v.tag != TAG_BOOL && v.tag != TAG_NUMBER)
        arg_error(call, i, "true or false");
    return value_truth(v);
}

String *arg_string(const Call *call, int i)
{
    if (call->args[i].tag != TAG_STRING)
        arg_error(call, i, "a string");
    return call->args[i].as.any;
}

Tuple *arg_tuple(const Call *call, int i)
{
    if (call->args[i].tag != TAG_TUPLE)
        arg_error(call, i, "a tuple");
    return call->args[i].as.any;
}

Record *arg_record(const Call *call, int i)
{
    if (call->args[i].tag != TAG_RECORD)
        arg_error(call, i, "a record");
    return call->args[i].as.any;
}

Value arg_function(const Call *call, int i)
{
    if (call->args[i].tag != TAG_FUNCTION)
        arg_error(call, i, "a function");
    return call->args[i];
}

GradTensor *arg_tensor(const Call *call, int i)
{
    GradTensor *x = value_tensor(call->args[i]);
    if (x == NULL)
        arg_error(call, i, "a tensor or a number");
    return x;
}

Variable *arg_variable(const Call *call, int i)
{
    if (call->args[i].tag != TAG_VARIABLE)
        arg_error(call, i, "a parameter or a buffer");
    return call->args[i].as.any;
}

Dtype arg_dtype(const Call *call, int i, Dtype otherwise)
{
    if (!arg_given(call, i))
        return otherwise;
    return dtype_or_throw(function_name(call->self), arg_string(call, i));
}
