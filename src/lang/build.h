/* Private to the front end: what the grammar's actions call to build the tree. */
#ifndef DBX_LANG_BUILD_H
#define DBX_LANG_BUILD_H

#include "lang/ast.h"
#include "lang/token.h"

typedef struct Params {
    ParamNode *at;
    uint32_t count;
} Params;

typedef struct Parser {
    Source *source;
    Lexer *lexer;
    Arena *arena;
    Node *body;                       /* the result */
    /* Lists under construction. An inner list is finished before the next element of the outer one is
     * pushed, so all of them share one stack; a list is known by where it begins. */
    Node **pending;
    uint32_t pending_count, pending_capacity;
    /* Open-addressed table of the names seen, so that each is one String. */
    String **names;
    uint32_t name_count, name_capacity;
    /* For messages: the token being pushed, the two before it, and the first of its statement. */
    Token token, previous, before, first;
    Bracket inside;                   /* the innermost one around the token */
} Parser;

/* The one String of this name in the tree. */
String *build_intern(Parser *p, const char *text, size_t bytes);

uint32_t build_begin(Parser *p);
void build_push(Parser *p, Node *node);
/* A node of a kind whose content is a list, made of what was pushed since `begin`. */
Node *build_list(Parser *p, NodeKind kind, uint32_t begin, Span span);
Node *build_record(Parser *p, uint32_t begin, Span span);

Node *build_leaf(Parser *p, NodeKind kind, Span span);
Node *build_number(Parser *p, double number, Span span);
Node *build_name(Parser *p, String *name, Span span);
Node *build_text(Parser *p, NodeKind kind, String *text, Span span);
Node *build_format(Parser *p, Node *value, String *spec, Span span);
Node *build_init(Parser *p, String *key, Node *value, Span span);
Node *build_named(Parser *p, String *name, Span name_span, Node *value, Span span);

/* A node whose content is one operand, which may be NULL for `return`. */
Node *build_operand(Parser *p, NodeKind kind, Node *operand, Span span);
Node *build_unary(Parser *p, Operator op, Node *operand, Span span);
Node *build_binary(Parser *p, NodeKind kind, Operator op, Node *left, Node *right, Span op_span, Span span);
/* Throws: comparisons do not chain. */
Node *build_chain(Parser *p, Node *comparison, Span op_span, Node *right);
Node *build_cond(Parser *p, NodeKind kind, Node *test, Node *yes, Node *no, Span span);
/* A parenthesised expression is the expression itself, unless it is a tuple. */
Node *build_parenthesised(Node *node, Span span);

/* A call, or the method call that `x.name(...)` is. */
Node *build_call(Parser *p, Node *callee, Span callee_span, uint32_t args, Span span);
Node *build_index(Parser *p, Node *object, uint32_t subscripts, Span span);
Node *build_slice(Parser *p, Node *start, Node *stop, Node *step, Span colon, Span span);
Node *build_field(Parser *p, Node *object, String *name, Span name_span, Span span);

/* Parameters out of a list of arguments, or out of what stands before `->`. */
Params *build_params(Parser *p, uint32_t begin);
Params *build_lambda_params(Parser *p, Node *left);
Node *build_function(Parser *p, const Params *params, Node *body, Span span);

Node *build_expression(Parser *p, Node *value, Span span);
Node *build_silent(Node *statement);
/* Checks the left side of `=`; its parameters when it is that of a definition, else NULL. */
Params *build_target(Parser *p, Node *target);
Node *build_assign(Parser *p, Node *target, const Params *params, Node *value, Span span);
Node *build_augment(Parser *p, Node *target, Operator op, Node *value, Span op_span, Span span);
Node *build_define(Parser *p, String *name, Span name_span, const Params *params, Node *body, Span span);
Node *build_while(Parser *p, Node *test, Node *body, Span span);
Node *build_for(Parser *p, Node *target, Node *items, Node *body, Span span);
Node *build_try(Parser *p, Node *body, Node *name, Node *handler, Span span);

#endif
