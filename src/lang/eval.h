/* Evaluation. Every node is evaluated by the function it carries; statements return how they ended as a Value whose
 * tag is one of Completion. */
#ifndef DBX_LANG_EVAL_H
#define DBX_LANG_EVAL_H

#include "lang/session.h"

typedef enum Completion { COMPLETED = 0, BREAKING = 100, CONTINUING, RETURNING } Completion;

static inline Value evaluate(Frame *frame, Node *node) { return node->eval(frame, node); }

/* The evaluation function for a node's kind (and, for names and arithmetic, its operands): set by resolve. */
NodeEval *eval_for(const Node *node);
NodeEval *eval_for_statement(const Node *node);
/* The same for a part of a deep expression that gives back its temporaries at once: they would live until the
 * statement ends, all the sums that 100,000 `+` go through. */
Value eval_drained(Frame *frame, Node *node);
/* A condition; throws, with its place, for what is neither true nor false. */
bool evaluate_truth(Frame *frame, Node *node);

/* [ ... ] with elements of this dtype; DTYPES: what the elements give. */
Value tensor_literal(Frame *frame, Node *node, Dtype dtype);

/* Any binary operator on any values: arithmetic over structures, strings, comparison. `node` is what an error
 * underlines. */
Value binary_operation(Frame *frame, Node *node, Operator op, const Op *operation, Value left, Value right);
Value unary_operation(Frame *frame, Node *node, Operator op, const Op *operation, Value operand);
/* x' */
Value prime_operation(Value x);

/* ---- calling (call.c) ---- */

/* A closure that takes just so many positional arguments, which then are its first slots. */
static inline bool is_plain_closure(const Function *f, uint32_t count)
{
    return f->kind == FUNCTION_CLOSURE && f->as.code->plain && f->as.code->param_count == count;
}
/* Calls it; its arguments stand on the session's stack from `slots` on. */
Value call_plain_closure(Session *s, Function *f, Value *slots);
/* The same for any closure, operation or built-in; names[i] is NULL for a positional argument, and names where all
 * are. */
Value call_function(Function *f, Value *args, String *const *names, uint32_t count);

_Noreturn void throw_stack_full(void);
_Noreturn void throw_not_callable(Value callee);

#endif
