/* Evaluation of arithmetic and comparison on plain numbers, with nodes specialised to where their operands are. */
#ifndef DBX_LANG_ARITHMETIC_H
#define DBX_LANG_ARITHMETIC_H

#include "lang/eval.h"

/* The function for a resolved NODE_BINARY. */
NodeEval *eval_for_binary(const Node *node);

/* One operator on two numbers; false when it is not defined on numbers. */
bool number_operation(Operator op, double x, double y, Value *result);

#endif
