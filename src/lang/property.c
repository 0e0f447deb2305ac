#include "lang/property.h"

#include "lang/failure.h"
#include "ops/rules.h"

const char *const property_names[] = {"shape", "ndim", "size", "dtype", "grad", "requires_grad", "T", NULL};

static Value shape_of(GradTensor *x)
{
    Value items[TENSOR_MAX_NDIM];
    for (int i = 0; i < x->t.ndim; i++)
        items[i] = value_number((double)tensor_shape(&x->t)[i]);
    return value_object(TAG_TUPLE, tuple_new(x->t.ndim, items));
}

Value gradient_of(Value x)
{
    GradTensor *grad = NULL;
    if (x.tag == TAG_VARIABLE)
        grad = ((Variable *)x.as.any)->grad;
    else if (x.tag == TAG_TENSOR && ((GradTensor *)x.as.any)->home != NULL
             && ((GradTensor *)x.as.any)->home->type == &retained_type)
        grad = ((Retained *)((GradTensor *)x.as.any)->home)->grad;
    return grad == NULL ? value_none() : value_object(TAG_TENSOR, pool_keep(grad));
}

static Value shape_property(Value x, GradTensor *t)
{
    (void)x;
    return shape_of(t);
}

static Value ndim_property(Value x, GradTensor *t)
{
    (void)x;
    return value_number(t->t.ndim);
}

static Value size_property(Value x, GradTensor *t)
{
    (void)x;
    return value_number((double)t->t.size);
}

static Value dtype_property(Value x, GradTensor *t)
{
    (void)x;
    return value_text(dtype_name(gt_dtype(t)));
}

static Value grad_property(Value x, GradTensor *t)
{
    if (x.tag != TAG_VARIABLE && !gt_tracked(t))
        error_throw_hint(ERROR_TYPE, "make it with parameter(...), or call attach_grad(x) before the computation",
                         "this tensor is not tracked, so it has no gradient");
    return gradient_of(x);
}

static Value requires_grad_property(Value x, GradTensor *t)
{
    (void)x;
    return value_bool(gt_tracked(t));
}

static Value transposed_property(Value x, GradTensor *t)
{
    (void)x;
    int order[TENSOR_MAX_NDIM];
    for (int i = 0; i < t->t.ndim; i++)
        order[i] = t->t.ndim - 1 - i;
    return value_of_tensor(t->t.ndim < 2 ? t : t_permute(t, order));
}

typedef Value Property(Value x, GradTensor *t);

static Property *find_property(const String *name)
{
    static Property *const properties[] = {shape_property, ndim_property, size_property, dtype_property,
                                           grad_property, requires_grad_property, transposed_property};
    for (int i = 0; property_names[i] != NULL; i++)
        if (string_is(name, property_names[i]))
            return properties[i];
    return NULL;
}

void throw_no_field(const Record *r, const String *name)
{
    Nearest nearest = nearest_begin(name->text);
    for (uint32_t i = 0; i < r->count; i++)
        nearest_offer(&nearest, r->fields[i].key->text);
    if (nearest.best != NULL)
        error_throw_hint(ERROR_NAME, string_format("did you mean `%s`?", nearest.best)->text,
                         "the record has no field `%s`", name->text);
    error_throw(ERROR_NAME, "the record has no field `%s`", name->text);
}

Value property_read(Value x, const String *name)
{
    Property *property = find_property(name);
    if (x.tag == TAG_RECORD)
        throw_no_field(x.as.any, name);
    if (property != NULL && value_is_numeric(x))
        return property(x, value_tensor(x));
    if (x.tag == TAG_NONE)
        error_throw_hint(ERROR_TYPE, none_hint(x), "none has no property `%s`", name->text);
    const char *what = value_described(x);
    const Cell *cell = builtin_cell(name->text);
    if (cell != NULL && property == NULL)
        error_throw_hint(ERROR_NAME, string_format("to call the function, write .%s(...)", name->text)->text,
                         "%s has no property `%s`", what, name->text);
    Nearest nearest = nearest_begin(name->text);
    for (int i = 0; property_names[i] != NULL; i++)
        nearest_offer(&nearest, property_names[i]);
    if (nearest.best != NULL)
        error_throw_hint(ERROR_NAME, string_format("did you mean `%s`?", nearest.best)->text,
                         "%s has no property `%s`", what, name->text);
    error_throw(ERROR_NAME, "%s has no property `%s`", what, name->text);
}

void property_write(Value x, const String *name, Value v)
{
    (void)v;
    if (string_is(name, "grad"))
        error_throw_hint(ERROR_TYPE, "use set_grad(x, g) or zero_grad(x)", "`grad` cannot be assigned to");
    error_throw(ERROR_TYPE, "`%s` of %s cannot be assigned to", name->text, value_described(x));
}

bool variable_updates(const Variable *variable)
{
    return variable->kind == VARIABLE_BUFFER || !grad_state()->recording;
}

GradTensor *variable_next_value(Variable *variable, Value v)
{
    GradTensor *x = value_tensor(v);
    if (x == NULL)
        error_throw(ERROR_TYPE, "%s cannot take %s", variable->kind == VARIABLE_BUFFER ? "a buffer" : "a parameter",
                    value_described(v));
    return variable_next(variable, x);
}

void variable_assign_value(Variable *variable, Value v)
{
    variable_take(variable, variable_next_value(variable, v));
}
