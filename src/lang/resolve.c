#include "lang/resolve.h"

#include "lang/eval.h"

#include <string.h>

/* One function being resolved. A name is looked for among its locals, then in the functions around it, whose value
 * is then captured on the way in, and is otherwise a global of the module. */
typedef struct Scope {
    struct Scope *outer;
    Node *function;
    FunctionCode *code;
    Record *locals;                   /* a local's slot is the position of its name */
    Record *globals;                  /* declared by `global` */
    Record *captured;                 /* the names of `captures`, in their order */
    CaptureSource *captures;
    uint32_t capture_capacity;
} Scope;

typedef struct Resolver {
    Chunk *chunk;
    Module *module;
    Scope *scope;                     /* innermost; NULL at top level. On the C stack */
    uint32_t loops;                   /* around the node, within its function */
    uint32_t nested;                  /* operations around the node */
} Resolver;

static void resolve_node(Node *node, void *context);

/* A set of names in the order they were added: a record whose values mean nothing. NULL is the empty one, so
 * that a scope makes only those that it needs. */
static bool find_name(const Record *names, const String *name, uint32_t *at)
{
    const Field *field = names != NULL ? record_find(names, name) : NULL;
    if (field != NULL)
        *at = (uint32_t)(field - names->fields);
    return field != NULL;
}

static uint32_t name_count(const Record *names)
{
    return names != NULL ? names->count : 0;
}

static void add_name(Record **names, String *name)
{
    if (*names == NULL)
        *names = record_new(0);
    record_set(*names, name, value_none());
}

static void add_local(Scope *scope, String *name)
{
    uint32_t at;
    if (!find_name(scope->globals, name, &at))
        add_name(&scope->locals, name);
}

/* ---- locals: what a function assigns ---- */

static void add_target(Scope *scope, Node *target)
{
    if (target->kind == NODE_NAME)
        add_local(scope, target->as.name.name);
    else if (target->kind == NODE_TUPLE)
        for (uint32_t i = 0; i < target->as.list.count; i++)
            add_target(scope, target->as.list.at[i]);
}

/* Runs while the parameters are the only locals. */
static void declare_global(Scope *scope, const Node *node)
{
    uint32_t at;
    String *name = node->as.name.name;
    if (find_name(scope->locals, name, &at))
        throw_at(scope->code->chunk->source, node->span, ERROR_SYNTAX, NULL, "`%s` is a parameter and cannot be global",
                 name->text);
    add_name(&scope->globals, name);
}

static void declare_globals(Node *node, void *context)
{
    Scope *scope = context;
    stack_check();
    if (node->kind == NODE_FUNCTION)
        return;
    if (node->kind == NODE_GLOBAL)
        for (uint32_t i = 0; i < node->as.list.count; i++)
            declare_global(scope, node->as.list.at[i]);
    node_children(node, declare_globals, scope);
}

static void collect_locals(Node *node, void *context)
{
    Scope *scope = context;
    stack_check();
    switch (node->kind) {
    case NODE_FUNCTION:
        return;
    case NODE_ASSIGN:
        add_target(scope, node->as.assign.target);
        break;
    case NODE_FOR:
        add_target(scope, node->as.each.target);
        break;
    case NODE_TRY:
        add_target(scope, node->as.attempt.name);
        break;
    case NODE_DEFINE:
        add_target(scope, node->as.define.name);
        return;
    default:
        break;
    }
    node_children(node, collect_locals, scope);
}

/* ---- names ---- */

static uint32_t capture_index(Scope *scope, String *name, bool *found);

/* Where the enclosing function has the value to capture. */
static bool capture_source(Scope *outer, String *name, CaptureSource *source)
{
    bool found;
    source->name = name;
    source->from_local = outer != NULL && find_name(outer->locals, name, &source->index);
    if (source->from_local)
        return true;
    if (outer == NULL)
        return false;
    source->index = capture_index(outer, name, &found);
    return found;
}

/* The list grows in scratch, so that a throw gives it back. */
static uint32_t add_capture(Scope *scope, CaptureSource source)
{
    uint32_t count = name_count(scope->captured);
    if (count == scope->capture_capacity) {
        uint32_t wider = count > 0 ? count * 2 : 8;
        CaptureSource *moved = scratch(mem_product(wider, sizeof *moved));
        if (count > 0)
            memcpy(moved, scope->captures, count * sizeof *moved);
        scope->captures = moved;
        scope->capture_capacity = wider;
    }
    scope->captures[count] = source;
    add_name(&scope->captured, source.name);
    return count;
}

static uint32_t capture_index(Scope *scope, String *name, bool *found)
{
    uint32_t at;
    CaptureSource source;
    *found = true;
    if (find_name(scope->captured, name, &at))
        return at;
    if (find_name(scope->globals, name, &at) || !capture_source(scope->outer, name, &source)) {
        *found = false;
        return 0;
    }
    return add_capture(scope, source);
}

/* A function knows itself by its own name where that is not a global. */
static bool is_own_name(const Scope *scope, const String *name)
{
    const String *own = scope->function->as.function.name;
    return own != NULL && string_equal(own, name)
        && (scope->outer != NULL || !scope->function->as.function.is_statement);
}

static void resolve_name(Resolver *r, Node *node)
{
    Scope *scope = r->scope;
    String *name = node->as.name.name;
    bool found = false;
    uint32_t at;
    node->as.name.slot = 0;
    if (scope != NULL && find_name(scope->globals, name, &at)) {
        node->as.name.slot = DECLARED_GLOBAL;
    } else if (scope != NULL) {
        if (find_name(scope->locals, name, &node->as.name.slot)) {
            node->as.name.where = WHERE_LOCAL;
            return;
        }
        if (is_own_name(scope, name)) {
            node->as.name.where = WHERE_SELF;
            return;
        }
        node->as.name.slot = capture_index(scope, name, &found);
    }
    node->as.name.where = found ? WHERE_CAPTURE : WHERE_GLOBAL;
    if (!found)
        node->as.name.cell = module_cell(r->module, name);
}

static void note_assigned(Module *module, Node *target)
{
    if (target->kind == NODE_NAME && target->as.name.where == WHERE_GLOBAL) {
        Cell *cell = target->as.name.cell;
        if (cell->assigned == 0)
            cell->assigned = ++module->assigned;
    } else if (target->kind == NODE_TUPLE) {
        for (uint32_t i = 0; i < target->as.list.count; i++)
            note_assigned(module, target->as.list.at[i]);
    }
}

/* ---- functions ---- */

/* What outlives the resolver of a scope goes to where the tree is. */
static void keep_scope(Resolver *r, const Scope *scope)
{
    FunctionCode *code = scope->code;
    code->slot_count = name_count(scope->locals);
    code->slot_names = arena_alloc(r->chunk->arena, code->slot_count * sizeof *code->slot_names);
    for (uint32_t i = 0; i < code->slot_count; i++)
        code->slot_names[i] = scope->locals->fields[i].key;
    code->capture_count = name_count(scope->captured);
    code->captures = arena_alloc(r->chunk->arena, code->capture_count * sizeof *code->captures);
    if (code->capture_count > 0)
        memcpy(code->captures, scope->captures, code->capture_count * sizeof *code->captures);
}

static void resolve_function(Resolver *r, Node *node)
{
    Scope scope = {.outer = r->scope, .function = node};
    FunctionCode *code = arena_alloc(r->chunk->arena, sizeof *code);
    PoolMark mark = pool_mark();
    scope.code = node->as.function.code = code;
    code->node = node;
    code->chunk = r->chunk;
    code->module = r->module;
    code->param_count = node->as.function.param_count;
    code->plain = true;
    code->is_expression = node->as.function.body->kind != NODE_BLOCK;
    for (uint32_t i = 0; i < code->param_count; i++) {
        const ParamNode *p = &node->as.function.params[i];
        add_local(&scope, p->name);
        code->plain &= p->initial == NULL && !p->rest;
    }
    declare_globals(node->as.function.body, &scope);
    collect_locals(node->as.function.body, &scope);
    uint32_t loops = r->loops;
    r->scope = &scope;
    r->loops = 0;
    for (uint32_t i = 0; i < code->param_count; i++)
        if (node->as.function.params[i].initial != NULL)
            resolve_node(node->as.function.params[i].initial, r);
    resolve_node(node->as.function.body, r);
    r->scope = scope.outer;
    r->loops = loops;
    keep_scope(r, &scope);
    if (scope.outer == NULL)          /* a scope inside of another adds to that one's lists */
        pool_drain(mark);
}

/* `x.f(a)` may mean f(x, a): the name is looked up like any other. */
static void resolve_method(Resolver *r, Node *node)
{
    Node *name = arena_alloc(r->chunk->arena, sizeof *name);
    name->kind = NODE_NAME;
    name->span = node->as.method.name_span;
    name->as.name.name = node->as.method.name;
    resolve_name(r, name);
    name->eval = eval_for(name);
    node->as.method.function = name;
}

static void resolve_loop(Resolver *r, Node *node)
{
    r->loops++;
    node_children(node, resolve_node, r);
    r->loops--;
}

/* Statements that leave something must be inside of it. */
static void check_leaving(const Resolver *r, const Node *node)
{
    Source *source = r->chunk->source;
    if (node->kind == NODE_RETURN && r->scope == NULL)
        throw_at(source, node->span, ERROR_SYNTAX, "exit(n) ends a script", "`return` outside of a function");
    if ((node->kind == NODE_BREAK || node->kind == NODE_CONTINUE) && r->loops == 0)
        throw_at(source, node->span, ERROR_SYNTAX, NULL, "`%s` outside of a loop",
                 node->kind == NODE_BREAK ? "break" : "continue");
}

/* What leaves temporaries behind besides its result. */
static bool is_operation(const Node *node)
{
    switch (node->kind) {
    case NODE_BINARY: case NODE_UNARY: case NODE_CALL: case NODE_METHOD: case NODE_INDEX: case NODE_PRIME:
        return true;
    default:
        return false;
    }
}

static void resolve_node(Node *node, void *context)
{
    enum { DRAIN_EVERY = 32 };
    Resolver *r = context;
    bool operation = is_operation(node);
    r->nested += operation;
    stack_check();
    interrupt_poll();
    check_leaving(r, node);
    switch (node->kind) {
    case NODE_WHILE:
    case NODE_FOR:
        resolve_loop(r, node);
        break;
    case NODE_NAME:
        resolve_name(r, node);
        break;
    case NODE_FUNCTION:
        resolve_function(r, node);
        break;
    case NODE_DEFINE:
        node->as.define.function->as.function.is_statement = true;
        node_children(node, resolve_node, r);
        break;
    case NODE_METHOD:
        resolve_method(r, node);
        node_children(node, resolve_node, r);
        break;
    default:
        node_children(node, resolve_node, r);
        break;
    }
    if (node->kind == NODE_ASSIGN)
        note_assigned(r->module, node->as.assign.target);
    else if (node->kind == NODE_FOR)
        note_assigned(r->module, node->as.each.target);
    else if (node->kind == NODE_DEFINE)
        note_assigned(r->module, node->as.define.name);
    else if (node->kind == NODE_TRY)
        note_assigned(r->module, node->as.attempt.name);
    else if (node->kind == NODE_BINARY)
        node->as.binary.operation = session()->binary_ops[node->as.binary.op];
    else if (node->kind == NODE_AUGMENT)
        node->as.augment.operation = session()->binary_ops[node->as.augment.op];
    else if (node->kind == NODE_UNARY)
        node->as.unary.operation = session()->binary_ops[node->as.unary.op];
    node->eval = operation && r->nested % DRAIN_EVERY == 0 ? eval_drained : eval_for(node);
    r->nested -= operation;
}

void resolve(Chunk *chunk, Module *module)
{
    Resolver r = {.chunk = chunk, .module = module};
    PoolMark mark = pool_mark();
    resolve_node(chunk->body, &r);
    pool_drain(mark);
}

/* ---- unknown names ---- */

typedef struct UnknownSearch {
    void (*report)(Node *name, void *context);
    void *context;
} UnknownSearch;

static void search_unknown(Node *node, void *context)
{
    UnknownSearch *s = context;
    if (node->kind == NODE_NAME && node->as.name.where == WHERE_GLOBAL) {
        const Cell *cell = node->as.name.cell;
        if (cell->assigned == 0 && cell->value.tag == TAG_UNSET && cell->builtin.tag == TAG_UNSET)
            s->report(node, s->context);
    }
    node_children(node, search_unknown, s);
}

void resolve_unknown(Chunk *chunk, void (*report)(Node *name, void *context), void *context)
{
    UnknownSearch s = {report, context};
    search_unknown(chunk->body, &s);
}
