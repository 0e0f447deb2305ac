#include "lang/arithmetic.h"

#include "lang/resolve.h"

#include <math.h>

/* A binary node first looks whether both operands are numbers. Which function does that depends on where the operands
 * come from: a local variable and a literal are read without a call. Everything else goes to binary_operation. */

/* The floor of the exact quotient, consistent with the remainder below (1 // 0.1 is 9); x / 0 follows IEEE. */
static inline double floored_division(double x, double y)
{
    if (y == 0)
        return x / y;
    double r = fmod(x, y), quotient = (x - r) / y;
    if (r != 0 && (r < 0) != (y < 0))
        quotient -= 1;
    double whole = floor(quotient);
    return quotient - whole > 0.5 ? whole + 1 : whole;
}

/* The remainder with the sign of the divisor. */
static inline double floored_remainder(double x, double y)
{
    double r = fmod(x, y);
    if (r != 0 && (r < 0) != (y < 0))
        r += y;
    else if (r == 0)
        r = copysign(0, y);
    return r;
}

#define NUMBER(e) value_number(e)
#define TRUTH(e) value_bool(e)

/* name, Operator, what it gives for numbers x and y */
#define FAST_OPERATORS(X) \
    X(add, OPERATOR_ADD, NUMBER(x + y)) \
    X(sub, OPERATOR_SUB, NUMBER(x - y)) \
    X(mul, OPERATOR_MUL, NUMBER(x * y)) \
    X(div, OPERATOR_DIV, NUMBER(x / y)) \
    X(floor_div, OPERATOR_FLOOR_DIV, NUMBER(floored_division(x, y))) \
    X(mod, OPERATOR_MOD, NUMBER(floored_remainder(x, y))) \
    X(pow, OPERATOR_POW, NUMBER(y == 2 ? x * x : pow(x, y))) \
    X(eq, OPERATOR_EQ, TRUTH(x == y)) \
    X(ne, OPERATOR_NE, TRUTH(x != y)) \
    X(lt, OPERATOR_LT, TRUTH(x < y)) \
    X(le, OPERATOR_LE, TRUTH(x <= y)) \
    X(gt, OPERATOR_GT, TRUTH(x > y)) \
    X(ge, OPERATOR_GE, TRUTH(x >= y))

bool number_operation(Operator op, double x, double y, Value *result)
{
    switch (op) {
#define X(name, operator, value) case operator: *result = value; return true;
    FAST_OPERATORS(X)
#undef X
    default:
        return false;
    }
}

static inline Value local(const Frame *frame, const Node *node)
{
    return frame->slots[node->as.name.slot];
}

static inline Value literal(const Frame *frame, const Node *node)
{
    (void)frame;
    return value_number(node->as.number);
}

static Value slow(Frame *frame, Node *node, Value left, Value right)
{
    if (__builtin_expect(left.tag == TAG_UNSET, 0))
        left = evaluate(frame, node->as.binary.left);         /* throws: the local has no value */
    if (__builtin_expect(right.tag == TAG_UNSET, 0))
        right = evaluate(frame, node->as.binary.right);
    return binary_operation(frame, node, node->as.binary.op, node->as.binary.operation, left, right);
}

#define DEFINE_EVAL(name, suffix, get_left, get_right, value) \
    static Value name##_##suffix(Frame *frame, Node *node) \
    { \
        Value left = get_left(frame, node->as.binary.left); \
        Value right = get_right(frame, node->as.binary.right); \
        if (__builtin_expect(left.tag == TAG_NUMBER && right.tag == TAG_NUMBER, 1)) { \
            double x = left.as.number, y = right.as.number; \
            return value; \
        } \
        return slow(frame, node, left, right); \
    }

#define X(name, operator, value) \
    DEFINE_EVAL(name, any_any, evaluate, evaluate, value) \
    DEFINE_EVAL(name, local_local, local, local, value) \
    DEFINE_EVAL(name, local_literal, local, literal, value) \
    DEFINE_EVAL(name, literal_local, literal, local, value) \
    DEFINE_EVAL(name, any_literal, evaluate, literal, value) \
    DEFINE_EVAL(name, literal_any, literal, evaluate, value) \
    DEFINE_EVAL(name, any_local, evaluate, local, value) \
    DEFINE_EVAL(name, local_any, local, evaluate, value)
FAST_OPERATORS(X)
#undef X

typedef enum OperandPlace { PLACE_ANY, PLACE_LOCAL, PLACE_LITERAL, OPERAND_PLACES } OperandPlace;

static OperandPlace place(const Node *operand)
{
    if (operand->kind == NODE_NUMBER)
        return PLACE_LITERAL;
    return operand->kind == NODE_NAME && operand->as.name.where == WHERE_LOCAL ? PLACE_LOCAL : PLACE_ANY;
}

static Value any_operator(Frame *frame, Node *node)
{
    Value left = evaluate(frame, node->as.binary.left);
    Value right = evaluate(frame, node->as.binary.right);
    return binary_operation(frame, node, node->as.binary.op, node->as.binary.operation, left, right);
}

NodeEval *eval_for_binary(const Node *node)
{
    static NodeEval *const table[OPERATORS][OPERAND_PLACES][OPERAND_PLACES] = {
#define X(name, operator, value) \
        [operator] = { \
            [PLACE_ANY] = {name##_any_any, name##_any_local, name##_any_literal}, \
            [PLACE_LOCAL] = {name##_local_any, name##_local_local, name##_local_literal}, \
            [PLACE_LITERAL] = {name##_literal_any, name##_literal_local, name##_any_any}, \
        },
        FAST_OPERATORS(X)
#undef X
    };
    NodeEval *eval = table[node->as.binary.op][place(node->as.binary.left)][place(node->as.binary.right)];
    return eval != NULL ? eval : any_operator;
}
