/* A call of a function of the language as one node of the graph: what custom_grad and checkpoint record. */
#ifndef DBX_LIB_NODE_H
#define DBX_LIB_NODE_H

#include "lang/session.h"
#include "tensor/random.h"

/* What the node keeps of the call, beside its tensor arguments: those are the leaves of `args`, in order,
 * and then what else the function depends on. */
typedef struct NodeCall {
    Object object;
    Value f, args;                    /* args: the tuple of the arguments as they came */
    Value names;                      /* of the arguments, none for a positional one: a tuple, or none when all are */
    Value form;                       /* the result's structure; its leaves have shape and dtype but no elements */
    GradTensor *result;               /* until the node is made */
    uint32_t levels;                  /* of vmap, which all arguments are slices of */
    int64_t sizes[BATCH_MOST];
    Random random;                    /* the stream before the call */
} NodeCall;

typedef struct NodeEvaluation {
    Value out;                        /* detached */
    TensorList *captured;             /* tracked tensors that f met beside its arguments; NULL when not asked for */
    Random random;
} NodeEvaluation;

/* Calls f without recording. */
NodeEvaluation node_evaluate(Value f, const Call *call, bool watch);
/* The result as a node made by this operation, which depends on the tensors in the call's arguments and on
 * the captured ones; the plain result when none of them is tracked. `f` is what the node needs to
 * differentiate. */
Value node_record(const Op *op, Value f, const Call *call, const NodeEvaluation *evaluation);

/* A rule of the node under way: the levels of its vmaps are open while it runs. */
typedef struct NodeRule {
    const NodeCall *call;
    const TensorList *inputs;
    uint32_t outer, levels;           /* open around it, and the node's own */
} NodeRule;

/* For cotangent g of the node. */
NodeRule node_rule_begin(const OpCall *c, const GradTensor *g);
void node_rule_end(const NodeRule *rule);
/* The arguments of the call, as the function saw them: the slices of the node's own tensors. */
const Value *node_arguments(const NodeRule *rule);
/* A tensor like the node's result (or its cotangent) in the form of the function's result. */
Value node_unpack(const NodeRule *rule, GradTensor *packed);
/* x, which is like what the function saw, as the graph has it. */
GradTensor *node_batch(const NodeRule *rule, GradTensor *x);

/* The node's tensor arguments stand in one list, behind the object. */
#define NODE_ARGS OP_ARGS(ARG_OBJECT, ARG_TENSORS)
GradTensor *node_forward(const OpCall *c);

#endif
