#include "grad/batch.h"
#include "grad/inputs.h"
#include "tensor/reduce.h"

#include <stdio.h>
#include <string.h>

/* ---- rows ---- */

static size_t name_length(const Op *op)
{
    return strcspn(op->usage, "(");
}

const char *op_name_text(const Op *op)
{
    return string_new(op->usage, name_length(op))->text;
}

const char *op_arg_name(const Op *op, int i)
{
    const char *at = op->usage + name_length(op) + 1;
    for (int depth = 0; i > 0; at++) {
        depth += (*at == '(') - (*at == ')');
        i -= *at == ',' && depth == 0;
    }
    at += strspn(at, " .");
    return string_new(at, strcspn(at, ",=)"))->text;
}

static _Noreturn void throw_named(const OpCall *c, ErrorKind kind, const char *hint, const char *format, va_list args)
{
    size_t length;
    Buf *text = buf_new();
    if (error_subject(&length) == NULL)
        buf_printf(text, "%s: ", op_name_text(c->op));
    buf_vprintf(text, format, args);
    error_throw_hint(kind, hint, "%s", buf_text(text));
}

void call_error(const OpCall *c, ErrorKind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    throw_named(c, kind, NULL, format, args);
}

void call_error_hint(const OpCall *c, ErrorKind kind, const char *hint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    throw_named(c, kind, hint, format, args);
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
        return axes_all(ndim);
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

/* What the tensors among the arguments say about the dtype of the result. */
typedef struct Promotion {
    Dtype dtype;                      /* the widest of those that have a say */
    bool any, weak;                   /* is there one that has, one that has none? */
} Promotion;

static inline void promote(Promotion *p, const GradTensor *x)
{
    if (gt_weak(x)) {
        p->weak = true;
        return;
    }
    p->dtype = p->any ? dtype_promote(p->dtype, gt_dtype(x)) : gt_dtype(x);
    p->any = true;
}

/* Is there a number among the arguments that no integer dtype can hold? */
static bool has_fraction(const OpCall *c, const Promotion *p)
{
    FOR_MASK(i, c->op->tensor_args & c->numbers & ~c->op->constant_args)
        if (dtype_needs_float(c->args[i].number))
            return true;
    return p->weak;
}

static Dtype promoted(const OpCall *c, const Promotion *p)
{
    if (!p->any)
        return DTYPE_FLOAT64;
    if (dtype_is_float(p->dtype))
        return p->dtype;
    if (c->op->dtypes == DTYPES_FLOAT || has_fraction(c, p))
        return grad_state()->default_dtype;
    return c->op->dtypes == DTYPES_NUMERIC && p->dtype == DTYPE_BOOL ? DTYPE_INT64 : p->dtype;
}

Dtype call_dtype(const OpCall *c)
{
    const Op *op = c->op;
    Promotion p = {DTYPE_BOOL, false, false};
    FOR_MASK(i, op->tensor_args & ~(op->constant_args | c->numbers))
        if (c->args[i].tensor != NULL)
            promote(&p, c->args[i].tensor);
    FOR_MASK(i, op->list_args & ~op->constant_args)
        for (int64_t k = 0; k < c->args[i].tensors->count; k++)
            promote(&p, c->args[i].tensors->at[k]);
    return promoted(c, &p);
}

/* Notes the arguments of a recorded call in its result. */
static void note_args(const OpCall *c, GradTensor *out)
{
    Arg *to = gt_args(out);
    out->t.flags |= c->numbers << GT_NUMBERS_SHIFT | GT_TRACKED;
    for (int i = 0; i < c->op->arg_count; i++)
        to[i] = c->args[i];
    FOR_MASK(i, c->op->counted_args & ~c->numbers)
        if (to[i].object != NULL)
            object_retain(to[i].object);
    out->op = c->op;
    grad_state()->recorded++;
}

GradTensor *call_out(const OpCall *c, Dtype dtype, int ndim, const int64_t *shape)
{
    if (!c->record || !dtype_is_float(dtype))
        return gt_new(dtype, ndim, shape);
    GradTensor *out = gt_new_recorded(dtype, ndim, shape, c->op->arg_count);
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

GradTensor *call_share(const OpCall *c, Dtype dtype, GradTensor *value)
{
    GradTensor *out = call_out(c, dtype, value->t.ndim, tensor_shape(&value->t));
    out->t.flags |= value->t.flags & GT_WEAK;
    tensor_cast(&out->t, &value->t);
    return out;
}

/* ---- running ---- */

GradTensor *next_element(InputCursor *at)
{
    for (; at->lists != 0; at->lists &= at->lists - 1, at->element = 0) {
        const TensorList *list = at->args[__builtin_ctz(at->lists)].tensors;
        while (at->element < list->count) {
            GradTensor *x = list->at[at->element++];
            if (gt_tracked(x))
                return x;
        }
    }
    return NULL;
}

static void watch_inputs(const OpCall *c)
{
    InputCursor inputs = inputs_of(c->op, c->args, c->numbers);
    GradTensor *x;
    while ((x = next_input(&inputs)) != NULL)
        watch_note(x);
}

bool call_records(const OpCall *c)
{
    const GradState *state = grad_state();
    if (c->op->constant != NULL)
        return false;
    if (state->watch != NULL)
        watch_inputs(c);
    if (!state->recording)
        return false;
    InputCursor inputs = inputs_of(c->op, c->args, c->numbers);
    return next_input(&inputs) != NULL;
}

static _Noreturn void throw_broadcast(const OpCall *c, const Tensor *const *in, int count)
{
    int na = in[0]->ndim, nb = in[count - 1]->ndim;
    const int64_t *a = tensor_shape(in[0]), *b = tensor_shape(in[count - 1]);
    const char *left = shape_text(na, a), *right = shape_text(nb, b);
    if (count == 3)
        call_error(c, ERROR_SHAPE, "shapes %s, %s and %s do not broadcast", left,
                   shape_text(in[1]->ndim, tensor_shape(in[1])), right);
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
    /* Not by call_error: an operator needs no name, it stands in the source line beside the note. */
    error_throw_hint(ERROR_SHAPE, hint, "shapes %s and %s do not broadcast", left, right);
}

void call_broadcast(const OpCall *c, const GradTensor *a, const GradTensor *b)
{
    int64_t joint[TENSOR_MAX_NDIM];
    if (shape_broadcast(a->t.ndim, tensor_shape(&a->t), b->t.ndim, tensor_shape(&b->t), joint) < 0)
        throw_broadcast(c, (const Tensor *[]){&a->t, &b->t}, 2);
}

static _Noreturn void throw_dtype(const OpCall *c, Dtype dtype)
{
    call_error(c, ERROR_TYPE, "there is no such operation on %s tensors", dtype_name(dtype));
}

/* The shape of an elementwise result: that of the input with most axes where the others have it too or are 0-d,
 * else a broadcast one in `joint`. */
static const int64_t *elementwise_shape(const OpCall *c, const Tensor *const *in, int count, int *ndim,
                                        int64_t joint[TENSOR_MAX_NDIM])
{
    const int64_t *shape = tensor_shape(in[0]);
    *ndim = in[0]->ndim;
    for (int i = 1; i < count; i++) {
        const Tensor *x = in[i];
        if (x->ndim == 0 || shape_equal(*ndim, shape, x->ndim, tensor_shape(x)))
            continue;
        if (*ndim > 0) {
            *ndim = shape_broadcast(*ndim, shape, x->ndim, tensor_shape(x), joint);
            if (*ndim < 0)
                throw_broadcast(c, in, count);
            shape = joint;
        } else {
            *ndim = x->ndim;
            shape = tensor_shape(x);
        }
    }
    return shape;
}

/* A number as a 0-d tensor, of the compute dtype where that is a float. A whole one beside integers that wrap is one
 * of them: -1 is 255 in uint8. */
static void place_number(Tensor *t, double x, Dtype compute, bool wraps)
{
    *t = (Tensor){.dtype = DTYPE_FLOAT64, .state = TENSOR_INLINE, .contiguous = true, .size = 1};
    if (compute == DTYPE_FLOAT32) {
        float narrow = (float)x;
        t->dtype = DTYPE_FLOAT32;
        memcpy(t->as.cell, &narrow, sizeof narrow);
    } else if (wraps && dtype_is_integer(compute)) {
        t->dtype = DTYPE_INT64;
        dtype_write(DTYPE_INT64, t->as.cell, x);
    } else {
        memcpy(t->as.cell, &x, sizeof x);
    }
}

/* Can every value of this dtype be compared with x as one of its own? A fraction cannot be, nor 300 as a uint8. */
static bool fits_dtype(double x, Dtype dtype)
{
    char cell[8];
    dtype_write(dtype, cell, x);
    return dtype_read(dtype, cell) == x;
}

/* Two tensors are compared in their promoted dtype; a number beside integers exactly, whatever it is. */
static Dtype comparison_dtype(const OpCall *c, const Promotion *p)
{
    FOR_MASK(i, p->any && !dtype_is_float(p->dtype) ? c->numbers : 0)
        if (!fits_dtype(c->args[i].number, p->dtype))
            return DTYPE_FLOAT64;
    return promoted(c, p);
}

/* Numbers among the inputs stand in 0-d tensors on this frame. */
static GradTensor *elementwise(const OpCall *c)
{
    const Op *op = c->op;
    Tensor numbers[ELEMENTWISE_MAX_INPUTS];
    const Tensor *in[ELEMENTWISE_MAX_INPUTS];
    int64_t joint[TENSOR_MAX_NDIM];
    Promotion p = {DTYPE_BOOL, false, false};
    int count = op->arg_count, ndim;
    assert(count > 0 && op->tensor_args == (1u << count) - 1);
    FOR_MASK(i, op->tensor_args & ~(op->constant_args | c->numbers))
        promote(&p, c->args[i].tensor);
    Dtype compute = op->dtypes == DTYPES_COMPARE ? comparison_dtype(c, &p) : promoted(c, &p);
    if (op->kernel[compute] == NULL)
        throw_dtype(c, compute);
    for (int i = 0; i < count; i++) {
        in[i] = is_number(c, i) ? &numbers[i] : &c->args[i].tensor->t;
        if (is_number(c, i))
            place_number(&numbers[i], c->args[i].number, compute, op->wraps);
    }
    const int64_t *shape = elementwise_shape(c, in, count, &ndim, joint);
    GradTensor *out = call_out(c, op->dtypes == DTYPES_COMPARE ? DTYPE_BOOL : compute, ndim, shape);
    if (!p.any)
        out->t.flags |= GT_WEAK;
    tensor_elementwise(&out->t, op->kernel[compute], compute, count, in);
    return out;
}

GradTensor *op_call(const Op *op, const Arg *args, uint32_t numbers)
{
    GradTensor *mapped;
    if (grad_state()->mapping && batch_call(op, args, numbers, &mapped, NULL))
        return mapped;
    OpCall c = {.op = op, .args = args, .numbers = numbers};
    if (op->compose != NULL)
        return op->compose(&c);
    c.record = call_records(&c);
    return op->forward != NULL ? op->forward(&c) : elementwise(&c);
}

TensorList *op_call_list(const Op *op, const Arg *args, uint32_t numbers)
{
    TensorList *mapped;
    if (grad_state()->mapping && batch_call(op, args, numbers, NULL, &mapped))
        return mapped;
    OpCall c = {.op = op, .args = args, .numbers = numbers};
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
    OpCall c = {.op = op, .args = args, .numbers = numbers};
    if (op->compose_many != NULL) {
        op->compose_many(&c, out);
        return;
    }
    c.record = call_records(&c);
    op->forward_many(&c, out);
    if (!c.record)
        return;
    GradTensor *bundle = call_out(&c, DTYPE_FLOAT64, 0, NULL);
    bundle->home = object_retain(tensor_list_new(op->outputs, out));
    for (int k = 0; k < op->outputs; k++)
        if (dtype_is_float(gt_dtype(out[k])))
            out[k] = pick(bundle, k);
}
