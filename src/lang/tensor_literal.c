/* [ ... ]: numbers, bools and equal-shaped tensors become a tensor with a new first axis. */
#include "lang/eval.h"
#include "ops/rules.h"

#include <string.h>

/* ---- plain numbers, nested: filled in directly ---- */

static bool is_plain_number(const Node *node)
{
    if (node->kind == NODE_UNARY && node->as.unary.op == OPERATOR_NEG)
        node = node->as.unary.operand;
    return node->kind == NODE_NUMBER;
}

/* The shape of a literal of nothing but numbers; its ndim, or 0 when it is not one (or is ragged). */
static int plain_shape(const Node *node, int64_t shape[TENSOR_MAX_NDIM], int depth)
{
    int64_t first[TENSOR_MAX_NDIM], other[TENSOR_MAX_NDIM];
    const NodeList *list = &node->as.list;
    int ndim = 1;
    if (depth == TENSOR_MAX_NDIM || list->count == 0)
        return 0;
    shape[0] = list->count;
    for (uint32_t i = 0; i < list->count; i++) {
        const Node *item = list->at[i];
        int inner = item->kind == NODE_TENSOR ? plain_shape(item, i == 0 ? first : other, depth + 1) : 0;
        if (item->kind != NODE_TENSOR ? !is_plain_number(item) : inner == 0)
            return 0;
        if (i > 0 && (inner + 1 != ndim || memcmp(first, other, (size_t)inner * sizeof *first) != 0))
            return 0;
        ndim = inner + 1;
    }
    memcpy(shape + 1, first, (size_t)(ndim - 1) * sizeof *shape);
    return ndim;
}

static char *fill_plain(const Node *node, Dtype dtype, char *to)
{
    for (uint32_t i = 0; i < node->as.list.count; i++) {
        const Node *item = node->as.list.at[i];
        if (item->kind == NODE_TENSOR) {
            to = fill_plain(item, dtype, to);
            continue;
        }
        double x = item->kind == NODE_UNARY ? -item->as.unary.operand->as.number : item->as.number;
        dtype_write(dtype, to, x);
        to += dtype_size(dtype);
    }
    return to;
}

/* ---- other elements ---- */

typedef struct Elements {
    Frame *frame;
    Node *node;
    Value *at;
    uint32_t count;
    bool any_number, any_bool, any_tensor;
    Dtype dtype;                      /* promoted over the tensors that have a say */
    bool any_dtype;
    bool fraction;
} Elements;

static void classify(Elements *e, Value v, uint32_t i)
{
    e->any_number |= v.tag == TAG_NUMBER;
    e->any_bool |= v.tag == TAG_BOOL;
    if (v.tag == TAG_NUMBER)
        e->fraction |= v.as.number != __builtin_trunc(v.as.number);
    if (!value_is_numeric(v)) {
        e->frame->at = e->node->as.list.at[i];
        error_throw_hint(ERROR_TYPE,
                         v.tag == TAG_STRING || v.tag == TAG_TUPLE ? "a tuple (a, b) holds any values" : NULL,
                         "element %u of the tensor is %s, not a number or tensor", i, value_described(v));
    }
    if (v.tag != TAG_TENSOR && v.tag != TAG_VARIABLE)
        return;
    const GradTensor *x = value_tensor(v);
    e->any_tensor = true;
    if (gt_weak(x))
        return;
    e->dtype = e->any_dtype ? dtype_promote(e->dtype, gt_dtype(x)) : gt_dtype(x);
    e->any_dtype = true;
}

static _Noreturn void throw_ragged(const Elements *e, uint32_t i, const GradTensor *x, const GradTensor *first)
{
    e->frame->at = e->node->as.list.at[i];
    error_throw(ERROR_SHAPE, "element %u of the tensor has shape %s, but element 0 has %s", i,
                shape_text(x->t.ndim, tensor_shape(&x->t)), shape_text(first->t.ndim, tensor_shape(&first->t)));
}

/* Numbers and bools stand beside one another: points to the first that is not what came before it. */
static _Noreturn void throw_mixed(const Elements *e)
{
    uint32_t first = 0, i = 0;
    while (e->at[first].tag != TAG_NUMBER && e->at[first].tag != TAG_BOOL)
        first++;
    for (i = first + 1; e->at[i].tag != (e->at[first].tag == TAG_BOOL ? TAG_NUMBER : TAG_BOOL); i++)
        ;
    e->frame->at = e->node->as.list.at[i];
    error_throw(ERROR_TYPE, "element %u of the tensor is %s, but element %u is %s", i, value_described(e->at[i]), first,
                value_described(e->at[first]));
}

static Value stacked(const Elements *e, Dtype dtype)
{
    TensorList *list = tensor_list_new(e->count, NULL);
    Dtype number_dtype = !dtype_is_float(e->dtype) && e->fraction ? grad_state()->default_dtype : e->dtype;
    for (uint32_t i = 0; i < e->count; i++) {
        Value v = e->at[i];
        GradTensor *x = v.tag == TAG_NUMBER && e->any_dtype ? gt_scalar(number_dtype, v.as.number) : value_tensor(v);
        list->at[i] = object_retain(x);
        if (!shape_equal(x->t.ndim, tensor_shape(&x->t), list->at[0]->t.ndim, tensor_shape(&list->at[0]->t)))
            throw_ragged(e, i, x, list->at[0]);
    }
    Arg args[OP_MAX_ARGS] = {{.tensors = list}, {.integer = 0}};
    GradTensor *out = op_call(&op_stack, args, 0);
    if (dtype == DTYPES && !e->any_dtype)
        dtype = grad_state()->default_dtype;
    if (dtype != DTYPES)
        out = gt_cast(out, dtype);
    return value_object(TAG_TENSOR, out);
}

static Value of_numbers(const Elements *e, Dtype dtype)
{
    int64_t count = e->count;
    GradTensor *x = gt_new(dtype, 1, &count);
    char *to = tensor_allocate(&x->t);
    for (uint32_t i = 0; i < e->count; i++) {
        Value v = e->at[i];
        dtype_write(dtype, to + i * dtype_size(dtype), v.tag == TAG_BOOL ? v.as.boolean : v.as.number);
    }
    return value_object(TAG_TENSOR, x);
}

static Value of_elements(Elements *e, Dtype dtype)
{
    for (uint32_t i = 0; i < e->count; i++)
        classify(e, e->at[i], i);
    if (e->any_bool && e->any_number)
        throw_mixed(e);
    e->frame->at = e->node;
    if (e->any_tensor)
        return stacked(e, dtype);
    return of_numbers(e, dtype != DTYPES ? dtype : e->any_bool ? DTYPE_BOOL : grad_state()->default_dtype);
}

Value tensor_literal(Frame *frame, Node *node, Dtype dtype)
{
    int64_t shape[TENSOR_MAX_NDIM];
    int ndim = plain_shape(node, shape, 0);
    Dtype plain = dtype != DTYPES ? dtype : grad_state()->default_dtype;
    if (ndim > 0) {
        GradTensor *x = gt_new(plain, ndim, shape);
        fill_plain(node, plain, tensor_allocate(&x->t));
        return value_object(TAG_TENSOR, x);
    }
    stack_check();
    Elements e = {.frame = frame, .node = node, .count = node->as.list.count};
    e.at = scratch(e.count * sizeof *e.at + 1);
    for (uint32_t i = 0; i < e.count; i++) {
        Node *item = node->as.list.at[i];
        if (item->kind == NODE_SPREAD) {
            frame->at = item;
            error_throw_hint(ERROR_TYPE, "stack(t) makes a tensor of a tuple", "`...` cannot stand in a tensor");
        }
        e.at[i] = item->kind == NODE_TENSOR ? tensor_literal(frame, item, dtype) : evaluate(frame, item);
    }
    return of_elements(&e, dtype);
}
