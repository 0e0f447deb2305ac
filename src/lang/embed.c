/* Reading, setting and calling from C: the part of dbx.h that goes by names. */
#include "lang/display.h"
#include "lang/session.h"

#include <stdlib.h>
#include <string.h>

typedef struct Exchange {
    Session *session;
    const char *name;
    double *numbers;
    const double *given;
    const int64_t *shape;
    size_t capacity, *count;
    int ndim, arguments;
    char *text;
} Exchange;

static Value named_value(const Exchange *e)
{
    const Cell *cell = table_find(&e->session->main->cells, e->name, strlen(e->name));
    if (cell == NULL || cell->value.tag == TAG_UNSET)
        error_throw(ERROR_NAME, "`%s` is not defined", e->name);
    return cell->value;
}

static void set_value(const Exchange *e, Value v)
{
    Cell *cell = module_cell(e->session->main, string_of(e->name));
    Value old = cell->value;
    cell->value = value_retain(v);
    value_release(old);
}

static double one_number(const char *name, Value v)
{
    const GradTensor *x = value_tensor(v);
    if (x == NULL || x->t.size != 1)
        error_throw(ERROR_TYPE, "`%s` is not one number", name);
    return tensor_item(&x->t);
}

static void read_number(void *data)
{
    Exchange *e = data;
    *e->numbers = one_number(e->name, named_value(e));
}

static void read_tensor(void *data)
{
    Exchange *e = data;
    const GradTensor *x = value_tensor(named_value(e));
    if (x == NULL)
        error_throw(ERROR_TYPE, "`%s` is not a tensor", e->name);
    *e->count = (size_t)x->t.size;
    const double *from = tensor_contiguous(&x->t, DTYPE_FLOAT64);
    for (size_t i = 0; i < *e->count && i < e->capacity; i++)
        e->numbers[i] = from[i];
}

static void read_text(void *data)
{
    Exchange *e = data;
    Buf *out = buf_new();
    display_value(out, named_value(e));
    e->text = strdup(buf_text(out));
}

static void write_number(void *data)
{
    Exchange *e = data;
    set_value(e, value_number(*e->given));
}

static void write_tensor(void *data)
{
    Exchange *e = data;
    if (e->ndim < 0 || e->ndim > TENSOR_MAX_NDIM)
        error_throw(ERROR_SHAPE, "a tensor has 0 to %d axes, not %d", TENSOR_MAX_NDIM, e->ndim);
    for (int i = 0; i < e->ndim; i++)
        if (e->shape[i] < 0)
            error_throw(ERROR_SHAPE, "axis %d cannot have size %lld", i, (long long)e->shape[i]);
    GradTensor *x = gt_new(DTYPE_FLOAT64, e->ndim, e->shape);
    memcpy(tensor_allocate(&x->t), e->given, (size_t)x->t.size * sizeof *e->given);
    set_value(e, value_object(TAG_TENSOR, x));
}

static void call_by_name(void *data)
{
    Exchange *e = data;
    const Cell *cell = module_cell(e->session->main, string_of(e->name));
    Value f = cell->value.tag != TAG_UNSET ? cell->value : cell->builtin;
    Value *args = scratch((size_t)e->arguments * sizeof *args + 1);
    if (f.tag == TAG_UNSET)
        error_throw(ERROR_NAME, "`%s` is not defined", e->name);
    for (int i = 0; i < e->arguments; i++)
        args[i] = value_number(e->given[i]);
    *e->numbers = one_number(e->name, call_value(f, (uint32_t)e->arguments, args, NULL));
}

bool session_number(Session *s, const char *name, double *value)
{
    Exchange e = {.session = s, .name = name, .numbers = value};
    return session_attempt(s, read_number, &e);
}

bool session_tensor(Session *s, const char *name, double *elements, size_t capacity, size_t *count)
{
    Exchange e = {.session = s, .name = name, .numbers = elements, .capacity = capacity, .count = count};
    return session_attempt(s, read_tensor, &e);
}

const char *session_text(Session *s, const char *name)
{
    Exchange e = {.session = s, .name = name};
    bool ok = session_attempt(s, read_text, &e);
    free(s->text);
    s->text = ok ? e.text : NULL;
    return s->text;
}

bool session_set_number(Session *s, const char *name, double value)
{
    Exchange e = {.session = s, .name = name, .given = &value};
    return session_attempt(s, write_number, &e);
}

bool session_set_tensor(Session *s, const char *name, int ndim, const int64_t *shape, const double *elements)
{
    Exchange e = {.session = s, .name = name, .ndim = ndim, .shape = shape, .given = elements};
    return session_attempt(s, write_tensor, &e);
}

bool session_call(Session *s, const char *function, int count, const double *arguments, double *result)
{
    Exchange e = {.session = s, .name = function, .arguments = count, .given = arguments, .numbers = result};
    return session_attempt(s, call_by_name, &e);
}
