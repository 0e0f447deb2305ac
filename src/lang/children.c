/* The children of a node, in source order: what every walk over the tree shares. */
#include "lang/ast.h"

typedef void Visit(Node *child, void *context);

static void visit_one(Node *node, Visit *visit, void *context)
{
    if (node != NULL)
        visit(node, context);
}

static void visit_list(const NodeList *list, Visit *visit, void *context)
{
    for (uint32_t i = 0; i < list->count; i++)
        visit_one(list->at[i], visit, context);
}

static void visit_function(Node *node, Visit *visit, void *context)
{
    for (uint32_t i = 0; i < node->as.function.param_count; i++)
        visit_one(node->as.function.params[i].initial, visit, context);
    visit_one(node->as.function.body, visit, context);
}

static void visit_statement(Node *node, Visit *visit, void *context)
{
    switch (node->kind) {
    case NODE_EXPRESSION:
        visit_one(node->as.expression.value, visit, context);
        break;
    case NODE_ASSIGN:
        visit_one(node->as.assign.target, visit, context);
        visit_one(node->as.assign.value, visit, context);
        break;
    case NODE_AUGMENT:
        visit_one(node->as.augment.target, visit, context);
        visit_one(node->as.augment.value, visit, context);
        break;
    case NODE_DEFINE:
        visit_one(node->as.define.name, visit, context);
        visit_one(node->as.define.function, visit, context);
        break;
    case NODE_WHILE:
        visit_one(node->as.loop.test, visit, context);
        visit_one(node->as.loop.body, visit, context);
        break;
    case NODE_FOR:
        visit_one(node->as.each.target, visit, context);
        visit_one(node->as.each.items, visit, context);
        visit_one(node->as.each.body, visit, context);
        break;
    case NODE_TRY:
        visit_one(node->as.attempt.body, visit, context);
        visit_one(node->as.attempt.name, visit, context);
        visit_one(node->as.attempt.handler, visit, context);
        break;
    default:
        break;
    }
}

void node_children(Node *node, Visit *visit, void *context)
{
    switch (node->kind) {
    case NODE_FSTRING: case NODE_TENSOR: case NODE_TUPLE: case NODE_RECORD: case NODE_GLOBAL: case NODE_BLOCK:
        visit_list(&node->as.list, visit, context);
        break;
    case NODE_FORMAT:
        visit_one(node->as.format.value, visit, context);
        break;
    case NODE_FIELD_INIT:
        visit_one(node->as.init.value, visit, context);
        break;
    case NODE_UNARY: case NODE_NOT: case NODE_SPREAD: case NODE_PRIME: case NODE_RETURN: case NODE_NOGRAD:
        visit_one(node->as.unary.operand, visit, context);
        break;
    case NODE_BINARY: case NODE_AND: case NODE_OR:
        visit_one(node->as.binary.left, visit, context);
        visit_one(node->as.binary.right, visit, context);
        break;
    case NODE_COND: case NODE_IF:
        visit_one(node->as.cond.test, visit, context);
        visit_one(node->as.cond.yes, visit, context);
        visit_one(node->as.cond.no, visit, context);
        break;
    case NODE_FUNCTION:
        visit_function(node, visit, context);
        break;
    case NODE_CALL:
        visit_one(node->as.call.callee, visit, context);
        visit_list(&node->as.call.args, visit, context);
        break;
    case NODE_METHOD:
        visit_one(node->as.method.object, visit, context);
        visit_one(node->as.method.function, visit, context);
        visit_list(&node->as.method.args, visit, context);
        break;
    case NODE_NAMED:
        visit_one(node->as.named.value, visit, context);
        break;
    case NODE_INDEX:
        visit_one(node->as.index.object, visit, context);
        visit_list(&node->as.index.subscripts, visit, context);
        break;
    case NODE_SLICE:
        visit_one(node->as.slice.start, visit, context);
        visit_one(node->as.slice.stop, visit, context);
        visit_one(node->as.slice.step, visit, context);
        break;
    case NODE_FIELD:
        visit_one(node->as.field.object, visit, context);
        break;
    default:
        visit_statement(node, visit, context);
        break;
    }
}
