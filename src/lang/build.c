#include "lang/build.h"

#include "lang/report.h"

#include "base/runtime.h"

#include <string.h>

enum { MOST_PARAMS = 255 };

/* Names */

static bool is_name(const String *name, const char *text, size_t bytes, uint32_t hash)
{
    return string_hash(name) == hash && name->bytes == bytes && memcmp(name->text, text, bytes) == 0;
}

/* Where the name is in the table, or the empty place where it belongs. */
static String **name_slot(String **names, uint32_t capacity, const char *text, size_t bytes, uint32_t hash)
{
    uint32_t i = hash & (capacity - 1);

    while (names[i] != NULL && !is_name(names[i], text, bytes, hash))
        i = (i + 1) & (capacity - 1);
    return &names[i];
}

static void widen_names(Parser *p)
{
    uint32_t wider = p->name_capacity ? p->name_capacity * 2 : 64;
    String **names = scratch_zeroed(mem_product(wider, sizeof(String *)));

    for (uint32_t i = 0; i < p->name_capacity; i++)
        if (p->names[i] != NULL)
            *name_slot(names, wider, p->names[i]->text, p->names[i]->bytes, string_hash(p->names[i])) = p->names[i];
    p->names = names;
    p->name_capacity = wider;
}

String *build_intern(Parser *p, const char *text, size_t bytes)
{
    if (p->name_count * 2 >= p->name_capacity)
        widen_names(p);
    uint32_t hash = text_hash(text, bytes);
    String **slot = name_slot(p->names, p->name_capacity, text, bytes, hash);
    if (*slot == NULL) {
        *slot = arena_keep(p->arena, string_new(text, bytes));
        p->name_count++;
    }
    return *slot;
}

/* Lists */

uint32_t build_begin(Parser *p)
{
    return p->pending_count;
}

void build_push(Parser *p, Node *node)
{
    if (p->pending_count == p->pending_capacity) {
        uint32_t wider = p->pending_capacity ? p->pending_capacity * 2 : 64;
        Node **pending = scratch(mem_product(wider, sizeof(Node *)));
        if (p->pending_count > 0)
            memcpy(pending, p->pending, p->pending_count * sizeof(Node *));
        p->pending = pending;
        p->pending_capacity = wider;
    }
    p->pending[p->pending_count++] = node;
}

static NodeList take(Parser *p, uint32_t begin)
{
    NodeList list = {NULL, p->pending_count - begin};

    if (list.count > 0) {
        list.at = arena_alloc(p->arena, list.count * sizeof(Node *));
        memcpy(list.at, p->pending + begin, list.count * sizeof(Node *));
    }
    p->pending_count = begin;
    return list;
}

/* Nodes */

static Node *node_new(Parser *p, NodeKind kind, Span span)
{
    Node *node = arena_alloc(p->arena, sizeof *node);
    node->kind = kind;
    node->span = span;
    return node;
}

Node *build_leaf(Parser *p, NodeKind kind, Span span)
{
    return node_new(p, kind, span);
}

Node *build_list(Parser *p, NodeKind kind, uint32_t begin, Span span)
{
    Node *node = node_new(p, kind, span);
    node->as.list = take(p, begin);
    return node;
}

/* Keys are looked up in a table of their own, because a file of data may be one record of many. */
static void check_keys(Parser *p, const NodeList *fields)
{
    uint32_t capacity = 8;

    while (capacity < 2 * fields->count)
        capacity *= 2;
    String **keys = scratch_zeroed(mem_product(capacity, sizeof(String *)));
    for (uint32_t i = 0; i < fields->count; i++) {
        const Node *field = fields->at[i];
        String *key = field->as.init.key, **slot = name_slot(keys, capacity, key->text, key->bytes, string_hash(key));
        if (*slot != NULL)
            throw_at(p->source, field->span, ERROR_SYNTAX, NULL, "the record has two fields `%s`", key->text);
        *slot = key;
    }
}

Node *build_record(Parser *p, uint32_t begin, Span span)
{
    Node *node = build_list(p, NODE_RECORD, begin, span);
    check_keys(p, &node->as.list);
    return node;
}

Node *build_number(Parser *p, double number, Span span)
{
    Node *node = node_new(p, NODE_NUMBER, span);
    node->as.number = number;
    return node;
}

Node *build_name(Parser *p, String *name, Span span)
{
    Node *node = node_new(p, NODE_NAME, span);
    node->as.name.name = name;
    return node;
}

Node *build_text(Parser *p, NodeKind kind, String *text, Span span)
{
    Node *node = node_new(p, kind, span);
    node->as.text = text;
    return node;
}

Node *build_format(Parser *p, Node *value, String *spec, Span span)
{
    Node *node = node_new(p, NODE_FORMAT, span);
    node->as.format.value = value;
    node->as.format.spec = spec;
    return node;
}

Node *build_init(Parser *p, String *key, Node *value, Span span)
{
    Node *node = node_new(p, NODE_FIELD_INIT, span);
    node->as.init.key = key;
    node->as.init.value = value;
    return node;
}

Node *build_named(Parser *p, String *name, Span name_span, Node *value, Span span)
{
    Node *node = node_new(p, NODE_NAMED, span);
    node->as.named.name = name;
    node->as.named.name_span = name_span;
    node->as.named.value = value;
    return node;
}

Node *build_operand(Parser *p, NodeKind kind, Node *operand, Span span)
{
    Node *node = node_new(p, kind, span);
    node->as.unary.operand = operand;
    return node;
}

Node *build_unary(Parser *p, Operator op, Node *operand, Span span)
{
    Node *node = build_operand(p, NODE_UNARY, operand, span);
    node->as.unary.op = op;
    return node;
}

Node *build_binary(Parser *p, NodeKind kind, Operator op, Node *left, Node *right, Span op_span, Span span)
{
    Node *node = node_new(p, kind, span);
    node->as.binary.op = op;
    node->as.binary.left = left;
    node->as.binary.right = right;
    node->as.binary.op_span = op_span;
    return node;
}

/* The hint spells the comparison out when it is short enough to read. */
Node *build_chain(Parser *p, Node *comparison, Span op_span, Node *right)
{
    enum { READABLE = 60 };

    const char *text = p->source->text;
    uint32_t start = comparison->span.start, end = right->span.end;
    uint32_t middle = comparison->as.binary.op_span.end;
    const char *hint = "join two comparisons with `and`";

    while (text[middle] == ' ')
        middle++;
    if (end - start <= READABLE && memchr(text + start, '\n', end - start) == NULL)
        hint = string_format("write %.*s and %.*s", (int)(comparison->span.end - start), text + start,
                             (int)(end - middle), text + middle)->text;
    throw_at(p->source, op_span, ERROR_SYNTAX, hint, "comparisons do not chain");
}

Node *build_cond(Parser *p, NodeKind kind, Node *test, Node *yes, Node *no, Span span)
{
    Node *node = node_new(p, kind, span);
    node->as.cond.test = test;
    node->as.cond.yes = yes;
    node->as.cond.no = no;
    return node;
}

Node *build_parenthesised(Node *node, Span span)
{
    if (node->kind == NODE_TUPLE)
        node->span = span;
    return node;
}

Node *build_call(Parser *p, Node *callee, Span callee_span, uint32_t args, Span span)
{
    /* `(x.f)(a)` calls the value of a field; only `x.f(a)` is a method call. */
    bool method = callee->kind == NODE_FIELD && callee->span.start == callee_span.start;
    Node *node = node_new(p, method ? NODE_METHOD : NODE_CALL, span);

    if (method) {
        node->as.method.object = callee->as.field.object;
        node->as.method.name = callee->as.field.name;
        node->as.method.name_span = callee->as.field.name_span;
        node->as.method.args = take(p, args);
    } else {
        node->as.call.callee = callee;
        node->as.call.args = take(p, args);
    }
    return node;
}

Node *build_index(Parser *p, Node *object, uint32_t subscripts, Span span)
{
    Node *node = node_new(p, NODE_INDEX, span);
    node->as.index.object = object;
    node->as.index.subscripts = take(p, subscripts);
    return node;
}

Node *build_slice(Parser *p, Node *start, Node *stop, Node *step, Span colon, Span span)
{
    /* A missing part has no place of its own; the span must not reach back to the token before it. */
    Node *node = node_new(p, NODE_SLICE, (Span){start != NULL ? span.start : colon.start, span.end});
    node->as.slice.start = start;
    node->as.slice.stop = stop;
    node->as.slice.step = step;
    return node;
}

Node *build_field(Parser *p, Node *object, String *name, Span name_span, Span span)
{
    Node *node = node_new(p, NODE_FIELD, span);
    node->as.field.object = object;
    node->as.field.name = name;
    node->as.field.name_span = name_span;
    return node;
}

/* Parameters */

static ParamNode param_of(Parser *p, const Node *node)
{
    static const char hint[] = "a parameter is a name, name = default, or ...name";
    const Node *rest;

    switch (node->kind) {
    case NODE_NAME:
        return (ParamNode){.name = node->as.name.name, .span = node->span};
    case NODE_NAMED:
        return (ParamNode){.name = node->as.named.name, .initial = node->as.named.value, .span = node->span};
    case NODE_SPREAD:
        rest = node->as.unary.operand;
        if (rest->kind == NODE_NAME)
            return (ParamNode){.name = rest->as.name.name, .rest = true, .span = node->span};
        break;
    default:
        break;
    }
    throw_at(p->source, node->span, ERROR_SYNTAX, hint, "this is not a parameter");
}

static void check_param(Parser *p, const ParamNode *params, uint32_t i)
{
    const ParamNode *param = &params[i];

    for (uint32_t j = 0; j < i; j++)
        if (params[j].name == param->name)
            throw_at(p->source, param->span, ERROR_SYNTAX, NULL, "there are two parameters `%s`",
                     param->name->text);
    if (i > 0 && params[i - 1].rest)
        throw_at(p->source, params[i - 1].span, ERROR_SYNTAX, NULL, "`...%s` must be the last parameter",
                 params[i - 1].name->text);
    if (i > 0 && params[i - 1].initial != NULL && param->initial == NULL && !param->rest)
        throw_at(p->source, param->span, ERROR_SYNTAX, "put the parameters with defaults last",
                 "parameter `%s` without a default stands behind one with a default", param->name->text);
}

static Params *params_of(Parser *p, Node *const *nodes, uint32_t count)
{
    Params *params = arena_alloc(p->arena, sizeof *params);

    if (count > MOST_PARAMS)
        throw_at(p->source, nodes[MOST_PARAMS]->span, ERROR_LIMIT, NULL,
                 "a function has at most %d parameters", MOST_PARAMS);
    params->count = count;
    if (count > 0)
        params->at = arena_alloc(p->arena, count * sizeof *params->at);
    for (uint32_t i = 0; i < count; i++) {
        params->at[i] = param_of(p, nodes[i]);
        check_param(p, params->at, i);
    }
    return params;
}

Params *build_params(Parser *p, uint32_t begin)
{
    Params *params = params_of(p, p->pending + begin, p->pending_count - begin);
    p->pending_count = begin;
    return params;
}

Params *build_lambda_params(Parser *p, Node *left)
{
    if (left->kind == NODE_TUPLE)
        return params_of(p, left->as.list.at, left->as.list.count);
    if (left->kind == NODE_NAME)
        return params_of(p, &left, 1);
    throw_at(p->source, left->span, ERROR_SYNTAX, "write x -> e, (x, y) -> e or fn(x, y) = e",
             "what stands before `->` is not a parameter");
}

Node *build_function(Parser *p, const Params *params, Node *body, Span span)
{
    Node *node = node_new(p, NODE_FUNCTION, span);
    node->as.function.params = params->at;
    node->as.function.param_count = params->count;
    node->as.function.body = body;
    return node;
}

/* Statements */

/* The line before `at`, which is the start of a line, or an empty span. */
static Span line_before(const char *text, uint32_t at)
{
    uint32_t start = at;

    if (start == 0)
        return (Span){0, 0};
    for (start--; start > 0 && text[start - 1] != '\n'; start--)
        ;
    return (Span){start, at};
}

/* A line of documentation begins with `##`: returns its text, without the sign, one space and the line end.
 * No string holds a raw newline, so a line that begins so is always a comment. */
static bool doc_line(const char *text, Span line, Span *content)
{
    while (line.start < line.end && (text[line.start] == ' ' || text[line.start] == '\t'))
        line.start++;
    if (line.end - line.start < 2 || text[line.start] != '#' || text[line.start + 1] != '#')
        return false;
    line.start += 2;
    if (text[line.start] == ' ')
        line.start++;
    while (line.end > line.start && (text[line.end - 1] == '\n' || text[line.end - 1] == '\r'))
        line.end--;
    *content = line;
    return true;
}

/* The documentation that stands directly above the statement at `start`, or NULL. */
static String *doc_above(Parser *p, uint32_t start)
{
    const char *text = p->source->text;
    Span content, line;
    uint32_t first, at = start;

    while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t'))
        at--;
    if (at == 0 || text[at - 1] != '\n')
        return NULL;
    uint32_t statement = at;
    for (first = at; line = line_before(text, first), doc_line(text, line, &content); )
        first = line.start;
    if (first == statement)
        return NULL;

    Buf *doc = buf_new();
    for (at = first; at < statement; at = line.end) {
        line = (Span){at, at};
        while (text[line.end++] != '\n')
            ;
        doc_line(text, line, &content);
        if (at > first)
            buf_putc(doc, '\n');
        buf_add(doc, text + content.start, content.end - content.start);
    }
    return arena_keep(p->arena, buf_string(doc));
}

Node *build_expression(Parser *p, Node *value, Span span)
{
    Node *node = node_new(p, NODE_EXPRESSION, span);
    node->as.expression.value = value;
    return node;
}

Node *build_silent(Node *statement)
{
    if (statement->kind == NODE_EXPRESSION)
        statement->as.expression.silent = true;
    return statement;
}

static const char *target_word(const Node *node)
{
    switch (node->kind) {
    case NODE_NUMBER: return "a number";
    case NODE_STRING: case NODE_FSTRING: return "a string";
    case NODE_TRUE: return "`true`";
    case NODE_FALSE: return "`false`";
    case NODE_NONE: return "`none`";
    case NODE_TENSOR: return "a tensor literal";
    case NODE_RECORD: return "a record literal";
    case NODE_FUNCTION: return "a function";
    case NODE_CALL: case NODE_METHOD: return "the result of a call";
    case NODE_PRIME: return "a derivative or transpose";
    case NODE_SPREAD: return "a spread";
    default: return "an expression";
    }
}

static const char *target_hint(const Node *node)
{
    switch (node->kind) {
    case NODE_TENSOR: return "to take a tensor apart write a, b = t";
    case NODE_BINARY: case NODE_AND: case NODE_OR: case NODE_NOT: return "use == to compare";
    case NODE_CALL: case NODE_METHOD: return "a definition is written f(x) = e, with a plain name for f";
    default: return NULL;
    }
}

/* An indexed or field target must lead to a name: what a call gives is a copy that nobody would see. */
static void check_target(Parser *p, const Node *target)
{
    const Node *node = target;

    stack_check();
    if (node->kind == NODE_TUPLE && node->as.list.count > 0) {
        for (uint32_t i = 0; i < node->as.list.count; i++)
            check_target(p, node->as.list.at[i]);
        return;
    }
    while (node->kind == NODE_INDEX || node->kind == NODE_FIELD)
        node = node->kind == NODE_INDEX ? node->as.index.object : node->as.field.object;
    if (node->kind == NODE_NAME)
        return;
    if (node != target)
        throw_at(p->source, target->span, ERROR_SYNTAX, "give it a name first",
                 "cannot assign to a part of %s", target_word(node));
    if (node->kind == NODE_TUPLE)
        throw_at(p->source, target->span, ERROR_SYNTAX, NULL, "cannot assign to an empty tuple");
    throw_at(p->source, target->span, ERROR_SYNTAX, target_hint(node), "cannot assign to %s",
             target_word(node));
}

Params *build_target(Parser *p, Node *target)
{
    if (target->kind == NODE_CALL && target->as.call.callee->kind == NODE_NAME)
        return params_of(p, target->as.call.args.at, target->as.call.args.count);
    check_target(p, target);
    return NULL;
}

Node *build_define(Parser *p, String *name, Span name_span, const Params *params, Node *body, Span span)
{
    Node *node = node_new(p, NODE_DEFINE, span), *function = build_function(p, params, body, span);

    function->as.function.name = name;
    function->as.function.doc = doc_above(p, span.start);
    node->as.define.name = build_name(p, name, name_span);
    node->as.define.function = function;
    return node;
}

Node *build_assign(Parser *p, Node *target, const Params *params, Node *value, Span span)
{
    if (params != NULL) {
        const Node *name = target->as.call.callee;
        return build_define(p, name->as.name.name, name->span, params, value, span);
    }
    Node *node = node_new(p, NODE_ASSIGN, span);
    node->as.assign.target = target;
    node->as.assign.value = value;
    if (target->kind == NODE_NAME && value->kind == NODE_FUNCTION)
        value->as.function.doc = doc_above(p, span.start);
    return node;
}

Node *build_augment(Parser *p, Node *target, Operator op, Node *value, Span op_span, Span span)
{
    if (target->kind == NODE_TUPLE)
        throw_at(p->source, target->span, ERROR_SYNTAX, "update the names one by one",
                 "cannot update several targets by `%s=`", operator_text(op));
    check_target(p, target);
    Node *node = node_new(p, NODE_AUGMENT, span);
    node->as.augment.target = target;
    node->as.augment.value = value;
    node->as.augment.op = op;
    node->as.augment.op_span = op_span;
    return node;
}

Node *build_while(Parser *p, Node *test, Node *body, Span span)
{
    Node *node = node_new(p, NODE_WHILE, span);
    node->as.loop.test = test;
    node->as.loop.body = body;
    return node;
}

Node *build_for(Parser *p, Node *target, Node *items, Node *body, Span span)
{
    Node *node = node_new(p, NODE_FOR, span);
    node->as.each.target = target;
    node->as.each.items = items;
    node->as.each.body = body;
    return node;
}

Node *build_try(Parser *p, Node *body, Node *name, Node *handler, Span span)
{
    Node *node = node_new(p, NODE_TRY, span);
    node->as.attempt.body = body;
    node->as.attempt.name = name;
    node->as.attempt.handler = handler;
    return node;
}
