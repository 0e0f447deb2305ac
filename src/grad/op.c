#include "grad/batch.h"

#include <stdio.h>
#include <string.h>

/* ---- rows ---- */

static size_t name_length(const Op *op)
{
    return strcspn(op->usage, "(");
}

String *op_name(const Op *op)
{
    return string_new(op->usage, name_length(op));
}

const char *op_name_text(const Op *op)
{
    return op_name(op)->text;
}

int op_arg_count(const Op *op)
{
    int n = 0;
    while (n < OP_MAX_ARGS && op->args[n] != ARG_END)
        n++;
    return n;
}

int op_tensor_count(const Op *op)
{
    int n = 0;
    for (int i = 0; i < OP_MAX_ARGS && op->args[i] != ARG_END; i++)
        n += op->args[i] == ARG_TENSOR;
    return n;
}

void call_error(const OpCall *c, ErrorKind kind, const char *format, ...)
{
    va_list args;
    Buf *text = buf_new();
    buf_printf(text, "%s: ", op_name_text(c->op));
    va_start(args, format);
    buf_vprintf(text, format, args);
    va_end(args);
    error_throw(kind, "%s", buf_text(text));
}

int call_axis(const OpCall *c, int64_t axis, int ndim)
{
    if (axis < -ndim || axis >= ndim)
        call_error(c, ERROR_INDEX, "axis %lld is out of range for a tensor with %d ax%s", (long long)axis, ndim,
                   ndim == 1 ? "is" : "es");
    return (int)(axis < 0 ? axis + ndim : axis);
}

uint32_t call_axes(const OpCall *c, const IntList *axes, int ndim)
{
    uint32_t mask = 0;
    if (axes == NULL)
        return ndim == 32 ? UINT32_MAX : (1u << ndim) - 1;
    for (int64_t i = 0; i < axes->count; i++) {
        uint32_t bit = 1u << call_axis(c, axes->at[i], ndim);
        if (mask & bit)
            call_error(c, ERROR_INDEX, "axis %lld is given twice", (long long)axes->at[i]);
        mask |= bit;
    }
    return mask;
}

/* ---- arguments and results ---- */

static bool is_number(const OpCall *c, int i)
{
    return c->numbers >> i & 1;
}

GradTensor *call_in(const OpCall *c, int i)
{
    return is_number(c, i) ? gt_number(c->args[i].number) : c->args[i].tensor;
}

static Dtype apply_rule(DtypeRule rule, Dtype dtype)
{
    if (rule == DTYPES_FLOAT && !dtype_is_float(dtype))
        return grad_state()->default_dtype;
    if (rule == DTYPES_NUMERIC && dtype == DTYPE_BOOL)
        return DTYPE_INT64;
    return dtype;
}

/* What is known of the dtypes of the arguments so far. */
typedef struct Promotion {
    Dtype dtype;
    bool any, fraction;               /* a tensor with a say; a number that no integer dtype can hold */
} Promotion;

static void promote_number(Promotion *p, double x)
{
    p->fraction |= x != __builtin_trunc(x) || x - x != 0;
}

static void promote_tensor(Promotion *p, const GradTensor *x)
{
    if (gt_weak(x)) {
        p->fraction = true;
        return;
    }
    p->dtype = p->any ? dtype_promote(p->dtype, gt_dtype(x)) : gt_dtype(x);
    p->any = true;
}

static Dtype promoted(const Promotion *p, DtypeRule rule)
{
    if (!p->any)
        return DTYPE_FLOAT64;
    if (p->fraction && !dtype_is_float(p->dtype))
        return grad_state()->default_dtype;
    return apply_rule(rule, p->dtype);
}

Dtype call_dtype(const OpCall *c)
{
    Promotion p = {DTYPE_BOOL, false, false};
    for (int i = 0; i < OP_MAX_ARGS && c->op->args[i] != ARG_END; i++) {
        if (c->op->constant_args >> i & 1)
            continue;
        if (c->op->args[i] == ARG_TENSORS) {
            for (int64_t k = 0; k < c->args[i].tensors->count; k++)
                promote_tensor(&p, c->args[i].tensors->at[k]);
        } else if (c->op->args[i] == ARG_TENSOR) {
            if (is_number(c, i))
                promote_number(&p, c->args[i].number);
            else if (c->args[i].tensor != NULL)
                promote_tensor(&p, c->args[i].tensor);
        }
    }
    return promoted(&p, c->op->dtypes);
}

/* Notes the arguments of a recorded call in its result. */
static void note_args(const OpCall *c, GradTensor *out)
{
    Arg *to = gt_args(out);
    out->t.flags |= c->numbers << GT_NUMBERS_SHIFT | GT_TRACKED;
    for (int i = 0; i < OP_MAX_ARGS && c->op->args[i] != ARG_END; i++) {
        to[i] = c->args[i];
        if (arg_kind_is_counted(c->op->args[i]) && !is_number(c, i) && to[i].object != NULL)
            object_retain(to[i].object);
    }
    out->op = c->op;
    grad_state()->recorded++;
}

GradTensor *call_out(const OpCall *c, Dtype dtype, int ndim, const int64_t *shape)
{
    if (!c->record || !dtype_is_float(dtype))
        return gt_new(dtype, ndim, shape);
    GradTensor *out = gt_new_recorded(dtype, ndim, shape, op_arg_count(c->op));
    note_args(c, out);
    return out;
}

GradTensor *call_view(const OpCall *c, GradTensor *x, int ndim, const int64_t *shape, int64_t offset,
                      const int64_t *strides)
{
    GradTensor *out = call_out(c, gt_dtype(x), ndim, shape);
    tensor_view(&out->t, &x->t, offset, strides);
    return out;
}

/* ---- running ---- */

/* A tracked argument of an operation that may be recorded. */
static inline bool meets(GradTensor *x)
{
    if (!gt_tracked(x))
        return false;
    if (__builtin_expect(grad_state()->watch != NULL, 0))
        watch_note(x);
    return true;
}

/* Does anything that the result depends on want a gradient? */
static bool must_record(const Op *op, const Arg *args, uint32_t numbers)
{
    bool tracked = false;
    if ((!grad_state()->recording && grad_state()->watch == NULL) || op->constant != NULL)
        return false;
    for (int i = 0; i < OP_MAX_ARGS && op->args[i] != ARG_END; i++) {
        if (op->constant_args >> i & 1)
            continue;
        if (op->args[i] == ARG_TENSOR && !(numbers >> i & 1)) {
            if (args[i].tensor != NULL)
                tracked |= meets(args[i].tensor);
        } else if (op->args[i] == ARG_TENSORS) {
            for (int64_t k = 0; k < args[i].tensors->count; k++)
                tracked |= meets(args[i].tensors->at[k]);
        }
    }
    return tracked && grad_state()->recording;
}

static _Noreturn void throw_broadcast(const OpCall *c, const GradTensor *const *in, int count)
{
    int na = in[0]->t.ndim, nb = in[count - 1]->t.ndim;
    const int64_t *a = tensor_shape(&in[0]->t), *b = tensor_shape(&in[count - 1]->t);
    const char *left = shape_text(na, a), *right = shape_text(nb, b);
    if (count == 3)
        call_error(c, ERROR_SHAPE, "shapes %s, %s and %s do not broadcast", left,
                   shape_text(in[1]->t.ndim, tensor_shape(&in[1]->t)), right);
    error_note("left is %s, right is %s", left, right);
    char hint[160] = "";
    for (int i = 1; i <= na && i <= nb && !*hint; i++) {
        long long x = a[na - i], y = b[nb - i];
        if (x == y || x == 1 || y == 1)
            continue;
        if (i == 1)
            snprintf(hint, sizeof hint, "the last axes are %lld and %lld", x, y);
        else
            snprintf(hint, sizeof hint, "counted from the last axis, axis -%d is %lld and %lld", i, x, y);
    }
    /* An operator shows itself in the source line. */
    bool named = c->op->infix == NULL;
    error_throw_hint(ERROR_SHAPE, hint, "%s%sshapes %s and %s do not broadcast", named ? op_name_text(c->op) : "",
                     named ? ": " : "", left, right);
}

static _Noreturn void throw_dtype(const OpCall *c, Dtype dtype)
{
    call_error(c, ERROR_TYPE, "there is no such operation on %s tensors", dtype_name(dtype));
}

/* The shape of an elementwise result: equal shapes and numbers are the common case. */
static int elementwise_shape(const OpCall *c, const GradTensor *const *in, int count, int64_t shape[TENSOR_MAX_NDIM])
{
    int ndim = in[0]->t.ndim;
    memcpy(shape, tensor_shape(&in[0]->t), (size_t)ndim * sizeof *shape);
    for (int i = 1; i < count; i++) {
        const GradTensor *x = in[i];
        if (x->t.ndim == 0 || (ndim == x->t.ndim && memcmp(shape, tensor_shape(&x->t), (size_t)ndim * sizeof *shape) == 0))
            continue;
        ndim = shape_broadcast(ndim, shape, x->t.ndim, tensor_shape(&x->t), shape);
        if (ndim < 0)
            throw_broadcast(c, in, count);
    }
    return ndim;
}

/* A whole number beside integer tensors is one of them, so that it wraps as they do: -1 is 255 in uint8. */
static void make_whole(Tensor *number)
{
    double x;
    memcpy(&x, number->as.cell, sizeof x);
    number->dtype = DTYPE_INT64;
    dtype_write(DTYPE_INT64, number->as.cell, x);
}

/* Numbers among the inputs stand in 0-d tensors on this frame. */
static GradTensor *elementwise(const OpCall *c)
{
    const Op *op = c->op;
    GradTensor numbers[ELEMENTWISE_MAX_INPUTS];
    const GradTensor *in[ELEMENTWISE_MAX_INPUTS];
    const Tensor *tensors[ELEMENTWISE_MAX_INPUTS];
    int64_t shape[TENSOR_MAX_NDIM];
    Promotion p = {DTYPE_BOOL, false, false};
    int count = 0;
    for (; count < ELEMENTWISE_MAX_INPUTS && op->args[count] == ARG_TENSOR; count++) {
        if (is_number(c, count)) {
            GradTensor *x = &numbers[count];
            x->t = (Tensor){.dtype = DTYPE_FLOAT64, .state = TENSOR_INLINE, .contiguous = true, .size = 1};
            memcpy(x->t.as.cell, &c->args[count].number, sizeof(double));
            promote_number(&p, c->args[count].number);
            in[count] = x;
        } else {
            in[count] = c->args[count].tensor;
            if (!(op->constant_args >> count & 1))
                promote_tensor(&p, in[count]);
        }
        tensors[count] = &in[count]->t;
    }
    Dtype compute = promoted(&p, op->dtypes);
    if (op->kernel[compute] == NULL)
        throw_dtype(c, compute);
    for (int i = 0; i < count && op->wraps && dtype_is_integer(compute); i++)
        if (is_number(c, i))
            make_whole(&numbers[i].t);
    int ndim = elementwise_shape(c, in, count, shape);
    GradTensor *out = call_out(c, op->dtypes == DTYPES_COMPARE ? DTYPE_BOOL : compute, ndim, shape);
    if (!p.any)
        out->t.flags |= GT_WEAK;
    tensor_elementwise(&out->t, op->kernel[compute], compute, count, tensors);
    return out;
}

GradTensor *op_call(const Op *op, const Arg *args, uint32_t numbers)
{
    GradTensor *mapped;
    if (grad_state()->mapping && batch_call(op, args, numbers, &mapped, NULL))
        return mapped;
    OpCall c = {.op = op, .args = args, .numbers = numbers, .record = must_record(op, args, numbers)};
    if (op->compose != NULL)
        return op->compose(&c);
    return op->forward != NULL ? op->forward(&c) : elementwise(&c);
}

TensorList *op_call_list(const Op *op, const Arg *args, uint32_t numbers)
{
    TensorList *mapped;
    if (grad_state()->mapping && batch_call(op, args, numbers, NULL, &mapped))
        return mapped;
    OpCall c = {.op = op, .args = args, .numbers = numbers, .record = must_record(op, args, numbers)};
    return op->compose_list(&c);
}

GradTensor *op_call1(const Op *op, GradTensor *x)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = x}};
    return op_call(op, args, 0);
}

GradTensor *op_call2(const Op *op, GradTensor *x, GradTensor *y)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.tensor = y}};
    return op_call(op, args, 0);
}

GradTensor *op_call3(const Op *op, GradTensor *x, GradTensor *y, GradTensor *z)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = x}, {.tensor = y}, {.tensor = z}};
    return op_call(op, args, 0);
}

/* ---- several results ----
 *
 * A recorded call of several results is a bundle: a node without data of its own that holds the call's
 * arguments, and whose `home` is the list of plain results. Each result that the caller gets is
 * `pick(bundle, k)`, which shares the data of plain result k. */

static GradTensor *pick(GradTensor *bundle, int k)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = bundle}, {.integer = k}};
    OpCall c = {.op = &op_pick, .args = args, .record = true};
    const GradTensor *plain = ((TensorList *)bundle->home)->at[k];
    GradTensor *out = call_out(&c, gt_dtype(plain), plain->t.ndim, tensor_shape(&plain->t));
    tensor_share(&out->t, &plain->t);
    return out;
}

GradTensor *call_result(const OpCall *c, int k)
{
    return pick(c->out, k);
}

void op_call_many(const Op *op, const Arg *args, uint32_t numbers, GradTensor **out)
{
    if (grad_state()->mapping && batch_call(op, args, numbers, out, NULL))
        return;
    OpCall c = {.op = op, .args = args, .numbers = numbers, .record = must_record(op, args, numbers)};
    if (op->compose_many != NULL) {
        op->compose_many(&c, out);
        return;
    }
    op->forward_many(&c, out);
    if (!c.record)
        return;
    GradTensor *bundle = call_out(&c, DTYPE_FLOAT64, 0, NULL);
    bundle->home = object_retain(tensor_list_new(op->outputs, out));
    for (int k = 0; k < op->outputs; k++)
        if (dtype_is_float(gt_dtype(out[k])))
            out[k] = pick(bundle, k);
}
