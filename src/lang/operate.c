/* Operators on values of every type. Which operation an operator means on tensors is in that operation's row
 * (`infix`). */
#include "lang/arithmetic.h"
#include "lang/failure.h"
#include "ops/rules.h"

#include <string.h>

typedef struct Operands {
    Frame *frame;
    Node *node;
    Operator op;
    const Op *operation;
} Operands;

static bool is_comparison(Operator op) { return op >= OPERATOR_EQ && op <= OPERATOR_GE; }

static _Noreturn void throw_operands(const Operands *o, Value left, Value right)
{
    const char *hint = none_hint(left.tag == TAG_NONE ? left : right);
    if (left.tag == TAG_FUNCTION || right.tag == TAG_FUNCTION)
        hint = "a function is called with brackets: f(x)";
    else if (o->op == OPERATOR_ADD && (left.tag == TAG_STRING || right.tag == TAG_STRING))
        hint = "text with values in it is written f\"{x}\"; str(x) makes a string";
    error_throw_hint(ERROR_TYPE, hint, "`%s` is not defined for %s and %s", operator_text(o->op),
                     value_described(left), value_described(right));
}

/* ---- tensors ---- */

static Value tensor_operation(const Operands *o, Value left, Value right)
{
    Arg args[OP_MAX_ARGS];
    uint32_t numbers = 0;
    Value operand[2] = {left, right};
    if (o->operation == NULL)
        throw_operands(o, left, right);
    for (int i = 0; i < 2; i++) {
        if (operand[i].tag == TAG_NUMBER) {
            args[i].number = operand[i].as.number;
            numbers |= 1u << i;
        } else {
            args[i].tensor = value_tensor(operand[i]);
        }
    }
    return value_of_tensor(op_call(o->operation, args, numbers));
}

static double bool_or_number(Value v)
{
    return v.tag == TAG_BOOL ? v.as.boolean : v.as.number;
}

/* Numbers and bools among themselves. */
static bool plain_operation(const Operands *o, Value left, Value right, Value *result)
{
    if ((left.tag != TAG_NUMBER && left.tag != TAG_BOOL) || (right.tag != TAG_NUMBER && right.tag != TAG_BOOL))
        return false;
    return number_operation(o->op, bool_or_number(left), bool_or_number(right), result);
}

/* ---- structures ---- */

static Value structure_operation(const Operands *o, Value left, Value right);

static Value leaf_operation(const Operands *o, Value left, Value right)
{
    if (value_is_structure(left) || value_is_structure(right))
        return structure_operation(o, left, right);
    return binary_operation(o->frame, o->node, o->op, o->operation, left, right);
}

static _Noreturn void throw_structures(const Operands *o, Value left, Value right)
{
    error_throw_hint(ERROR_TYPE, "two tuples need equal lengths, two records the same fields; + on tuples adds leaf "
                     "by leaf, concat(a, b) joins them",
                     "`%s`: %s do not have the same structure", operator_text(o->op),
                     left.tag == right.tag ? string_format("the two %ss", value_type_name(left))->text
                                           : string_format("the %s and the %s", value_type_name(left),
                                                           value_type_name(right))->text);
}

static Value tuple_operation(const Operands *o, Value left, Value right)
{
    const Tuple *shape = left.tag == TAG_TUPLE ? left.as.any : right.as.any;
    Value *items = scratch((size_t)shape->count * sizeof *items + 1);
    if (left.tag == right.tag && ((Tuple *)left.as.any)->count != ((Tuple *)right.as.any)->count)
        throw_structures(o, left, right);
    for (uint32_t i = 0; i < shape->count; i++)
        items[i] = leaf_operation(o, left.tag == TAG_TUPLE ? tuple_items(left.as.any)[i] : left,
                                  right.tag == TAG_TUPLE ? tuple_items(right.as.any)[i] : right);
    return value_object(TAG_TUPLE, tuple_new(shape->count, items));
}

static Value record_operation(const Operands *o, Value left, Value right)
{
    const Record *shape = left.tag == TAG_RECORD ? left.as.any : right.as.any;
    Record *out = record_new(shape->count);
    if (left.tag == right.tag && ((Record *)left.as.any)->count != ((Record *)right.as.any)->count)
        throw_structures(o, left, right);
    for (uint32_t i = 0; i < shape->count; i++) {
        String *key = shape->fields[i].key;
        const Field *other = left.tag == right.tag ? record_find(right.as.any, key) : NULL;
        if (left.tag == right.tag && other == NULL)
            throw_structures(o, left, right);
        Value here = shape->fields[i].value;
        record_set(out, key, leaf_operation(o, left.tag == TAG_RECORD ? here : left,
                                            other != NULL ? other->value : right.tag == TAG_RECORD ? here : right));
    }
    return value_object(TAG_RECORD, out);
}

/* Two of the same structure, or one and a number (or what counts as one: a one-element tensor). */
static Value structure_operation(const Operands *o, Value left, Value right)
{
    const GradTensor *x;
    stack_check();
    Value other = value_is_structure(left) ? right : left;
    if (value_is_structure(left) && value_is_structure(right)) {
        if (left.tag != right.tag)
            throw_structures(o, left, right);
    } else if (!value_is_numeric(other)) {
        throw_operands(o, left, right);
    } else if ((x = value_tensor(other))->t.size != 1) {
        error_throw_hint(ERROR_TYPE, "map(v -> v + x, t) works on each item; tensor(t) makes a tensor of numbers",
                         "`%s`: a structure goes with its like or with one number, not with a tensor of shape %s",
                         operator_text(o->op), shape_text(x->t.ndim, tensor_shape(&x->t)));
    }
    return left.tag == TAG_TUPLE || right.tag == TAG_TUPLE ? tuple_operation(o, left, right)
                                                          : record_operation(o, left, right);
}

/* ---- text ---- */

static Value string_operation(const Operands *o, Value left, Value right)
{
    const String *a = left.as.any, *b = right.as.any;
    int order = memcmp(a->text, b->text, a->bytes < b->bytes ? a->bytes : b->bytes);
    if (order == 0)
        order = (a->bytes > b->bytes) - (a->bytes < b->bytes);
    switch (o->op) {
    case OPERATOR_ADD: return value_string(string_concat(a, b));
    case OPERATOR_LT: return value_bool(order < 0);
    case OPERATOR_LE: return value_bool(order <= 0);
    case OPERATOR_GT: return value_bool(order > 0);
    case OPERATOR_GE: return value_bool(order >= 0);
    default: throw_operands(o, left, right);
    }
}

/* ---- in ---- */

static bool text_contains(const String *text, const String *part)
{
    return memmem(text->text, text->bytes, part->text, part->bytes) != NULL;
}

static Value membership(const Operands *o, Value item, Value in)
{
    switch (in.tag) {
    case TAG_TUPLE: {
        const Tuple *t = in.as.any;
        for (uint32_t i = 0; i < t->count; i++)
            if (value_equal(item, tuple_items(t)[i]))
                return value_bool(true);
        return value_bool(false);
    }
    case TAG_RECORD:
        if (item.tag != TAG_STRING)
            error_throw(ERROR_TYPE, "the keys of a record are strings, not %s", value_described(item));
        return value_bool(record_find(in.as.any, item.as.any) != NULL);
    case TAG_STRING:
        if (item.tag != TAG_STRING)
            break;
        return value_bool(text_contains(in.as.any, item.as.any));
    case TAG_RANGE: {
        const Range *r = in.as.any;
        if (item.tag != TAG_NUMBER)
            return value_bool(false);
        double i = (item.as.number - r->start) / r->step;
        return value_bool(i >= 0 && i < (double)r->count && range_at(r, (int64_t)i) == item.as.number);
    }
    case TAG_TENSOR: case TAG_VARIABLE:
        error_throw_hint(ERROR_TYPE, "use any(x == value)", "`in` does not look into tensors");
    default:
        break;
    }
    throw_operands(o, item, in);
}

Value binary_operation(Frame *frame, Node *node, Operator op, const Op *operation, Value left, Value right)
{
    Operands o = {frame, node, op, operation};
    Value result;
    frame->at = node;
    if (op == OPERATOR_IN)
        return membership(&o, left, right);
    if (plain_operation(&o, left, right, &result))
        return result;
    if (value_is_numeric(left) && value_is_numeric(right))
        return tensor_operation(&o, left, right);
    if (op == OPERATOR_EQ || op == OPERATOR_NE)
        return value_bool(value_equal(left, right) == (op == OPERATOR_EQ));
    if (left.tag == TAG_STRING && right.tag == TAG_STRING)
        return string_operation(&o, left, right);
    if ((value_is_structure(left) || value_is_structure(right)) && !is_comparison(op))
        return structure_operation(&o, left, right);
    throw_operands(&o, left, right);
}

/* ---- unary ---- */

static Value negate_leaf(Value v, void *context)
{
    const Operands *o = context;
    return unary_operation(o->frame, o->node, o->op, o->operation, v);
}

Value unary_operation(Frame *frame, Node *node, Operator op, const Op *operation, Value v)
{
    Operands o = {frame, node, op, operation};
    frame->at = node;
    if (value_is_structure(v))
        return structure_map(v, negate_leaf, &o);
    if (!value_is_numeric(v))
        error_throw(ERROR_TYPE, "`%s` is not defined for %s", operator_text(op), value_described(v));
    if (v.tag == TAG_NUMBER || v.tag == TAG_BOOL) {
        double x = bool_or_number(v);
        return value_number(op == OPERATOR_NEG ? -x : x);
    }
    return op == OPERATOR_POS ? v : value_of_tensor(op_call1(operation, value_tensor(v)));
}

Value prime_operation(Value x)
{
    if (x.tag == TAG_FUNCTION)
        return call_value1(session()->prime, x);
    if (!value_is_numeric(x))
        error_throw_hint(ERROR_TYPE, "f' is the derivative of a function, A' the transpose of a tensor",
                         "%s has no prime", value_described(x));
    GradTensor *t = value_tensor(x);
    return t->t.ndim < 2 ? x : value_of_tensor(t_swap(t));
}
