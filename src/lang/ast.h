/* The syntax tree. The parser builds it without judging it; `resolve` turns names into slots in place;
 * `eval` walks it. Nodes live in the chunk's arena and die with it; functions made from a chunk keep it.
 *
 * A node carries the function that evaluates it. `resolve` sets it from the node's kind, and evaluation
 * may replace it by one specialised to what it has seen. */
#ifndef DBX_LANG_AST_H
#define DBX_LANG_AST_H

#include "lang/source.h"
#include "lang/value.h"

typedef enum NodeKind {
    /* expressions */
    NODE_NUMBER,      /* number */
    NODE_STRING,      /* text */
    NODE_FSTRING,     /* list: NODE_STRING and NODE_FORMAT parts */
    NODE_FORMAT,      /* format: one {expression:spec} of an f-string */
    NODE_TRUE, NODE_FALSE, NODE_NONE,
    NODE_NAME,        /* name */
    NODE_TENSOR,      /* list: elements of [ ... ] */
    NODE_TUPLE,       /* list: elements, NODE_SPREAD among them */
    NODE_RECORD,      /* list: NODE_FIELD_INIT */
    NODE_FIELD_INIT,  /* init */
    NODE_UNARY,       /* unary: + - */
    NODE_BINARY,      /* binary: arithmetic, comparison, `in` */
    NODE_AND, NODE_OR, /* binary */
    NODE_NOT,         /* unary */
    NODE_COND,        /* cond: c ? a : b */
    NODE_FUNCTION,    /* function: lambda, fn(...) = e, fn(...) { } */
    NODE_CALL,        /* call */
    NODE_METHOD,      /* method: x.name(args) */
    NODE_SPREAD,      /* unary.operand: ...t among arguments and tuple elements */
    NODE_NAMED,       /* named: name = e among arguments */
    NODE_INDEX,       /* index: x[subscripts] */
    NODE_SLICE,       /* slice: a:b:c as a subscript, parts may be NULL */
    NODE_ELLIPSIS,    /* ... as a subscript */
    NODE_FIELD,       /* field: x.name */
    NODE_PRIME,       /* unary.operand: x' */
    /* statements */
    NODE_EXPRESSION,  /* expression */
    NODE_ASSIGN,      /* assign: target = value; a target is NAME, INDEX, FIELD or TUPLE of these */
    NODE_AUGMENT,     /* augment: target op= value */
    NODE_DEFINE,      /* define: f(x) = e and fn f(x) { } */
    NODE_IF, NODE_WHILE, NODE_FOR,
    NODE_BREAK, NODE_CONTINUE,
    NODE_RETURN,      /* unary.operand or NULL */
    NODE_GLOBAL,      /* list: NODE_NAME */
    NODE_NOGRAD,      /* unary.operand: a block */
    NODE_TRY,
    NODE_BLOCK,       /* list: statements */
    NODE_KINDS
} NodeKind;

/* Unary and binary operators, in the order of the table of their spellings (ast.c). */
typedef enum Operator {
    OPERATOR_ADD, OPERATOR_SUB, OPERATOR_MUL, OPERATOR_DIV, OPERATOR_FLOOR_DIV, OPERATOR_MOD,
    OPERATOR_MATMUL, OPERATOR_POW,
    OPERATOR_EQ, OPERATOR_NE, OPERATOR_LT, OPERATOR_LE, OPERATOR_GT, OPERATOR_GE,
    OPERATOR_IN,
    OPERATOR_NEG, OPERATOR_POS,
    OPERATORS
} Operator;
const char *operator_text(Operator op);

typedef struct Node Node;
struct Frame;
typedef Value NodeEval(struct Frame *frame, Node *node);

typedef struct NodeList {
    Node **at;
    uint32_t count;
} NodeList;

/* A parameter of a function: `x`, `x = default`, `...rest`. */
typedef struct ParamNode {
    String *name;
    Node *initial;                    /* default, or NULL */
    bool rest;
    Span span;
} ParamNode;

struct FunctionCode;                  /* what resolve makes of a function: see resolve.h */

struct Node {
    NodeEval *eval;
    NodeKind kind;
    Span span;
    union {
        double number;
        String *text;
        NodeList list;
        struct { String *name; uint32_t slot; uint8_t where; void *cell; } name;            /* see resolve.h */
        struct { Operator op; Node *operand; const void *operation; } unary;
        struct { Operator op; Node *left, *right; Span op_span; const void *operation; } binary;
        struct { Node *test, *yes, *no; } cond;             /* also NODE_IF: blocks; no may be NULL or a NODE_IF */
        struct { Node *value; String *spec; } format;       /* spec NULL when there is none */
        struct { String *key; Node *value; } init;          /* { key: value } */
        struct { String *name; Node *value; Span name_span; } named;
        struct {
            String *name;                                   /* NULL for an anonymous function */
            ParamNode *params; uint32_t param_count;
            Node *body;                                     /* an expression, or a NODE_BLOCK */
            String *doc;                                    /* the ## lines above, or NULL */
            bool is_statement;                              /* part of a NODE_DEFINE */
            struct FunctionCode *code;
        } function;
        struct { Node *callee; NodeList args; } call;       /* args: expressions, NODE_SPREAD, NODE_NAMED */
        struct {
            Node *object; String *name; NodeList args; Span name_span;
            Node *function;                                 /* a NODE_NAME that resolve makes */
        } method;
        struct { Node *object; NodeList subscripts; } index;
        struct { Node *start, *stop, *step; } slice;
        struct { Node *object; String *name; Span name_span; } field;
        struct { Node *value; bool silent; } expression;    /* silent: ended by ; */
        struct { Node *target, *value; } assign;
        struct { Node *target, *value; Operator op; Span op_span; const void *operation; } augment;
        struct { Node *name, *function; } define;           /* name: NODE_NAME; function: NODE_FUNCTION */
        struct { Node *test, *body; } loop;                 /* while */
        struct { Node *target, *items, *body; } each;       /* for */
        struct { Node *body, *name, *handler; } attempt;    /* try body catch name handler */
    } as;
};

/* Calls visit for each child, in source order; see children.c. */
void node_children(Node *node, void (*visit)(Node *child, void *context), void *context);

/* One parsed text. */
typedef struct Chunk {
    Object object;
    Source *source;
    struct Arena *arena;              /* every node, list and string of the tree */
    Node *body;                       /* NODE_BLOCK */
} Chunk;

/* Memory that is freed all at once; strings given to it are released with it. */
typedef struct Arena Arena;
Arena *arena_new(void);               /* owned by the pool; an Object */
void *arena_alloc(Arena *arena, size_t size);   /* zeroed */
String *arena_keep(Arena *arena, String *string);

#endif
