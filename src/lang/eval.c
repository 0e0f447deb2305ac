#include "lang/eval.h"

#include "lang/arithmetic.h"
#include "lang/display.h"
#include "lang/failure.h"
#include "lang/indexing.h"
#include "lang/place.h"
#include "lang/property.h"
#include "lang/resolve.h"

/* Expressions. A value that an evaluation returns belongs to the pool, or to the variable it was read from: locals
 * cannot change while an expression of their frame is evaluated; globals can, so what is read from them is kept. */

/* ---- names ---- */

static _Noreturn void throw_unset(Frame *frame, Node *node)
{
    frame->at = node;
    error_throw_hint(ERROR_NAME, "a name that a function assigns is local to it: use `global` to reach an outer one",
                     "the local variable `%s` has no value yet", node->as.name.name->text);
}

static Value eval_local(Frame *frame, Node *node)
{
    Value v = frame->slots[node->as.name.slot];
    if (__builtin_expect(v.tag == TAG_UNSET, 0))
        throw_unset(frame, node);
    return v;
}

static _Noreturn void throw_captured_unset(Frame *frame, Node *node)
{
    frame->at = node;
    error_throw_hint(ERROR_NAME, "a function takes the values of outer locals when it is made; one that calls itself "
                     "is written fn f(x) { ... }",
                     "`%s` had no value yet when this function was made", node->as.name.name->text);
}

static Value eval_capture(Frame *frame, Node *node)
{
    Value v = frame->function->captures[node->as.name.slot];
    if (__builtin_expect(v.tag == TAG_UNSET, 0))
        throw_captured_unset(frame, node);
    return v;
}

static Value eval_self(Frame *frame, Node *node)
{
    (void)node;
    return value_object(TAG_FUNCTION, frame->function);
}

static Value eval_global(Frame *frame, Node *node)
{
    const Cell *cell = node->as.name.cell;
    if (__builtin_expect(cell->value.tag == TAG_NUMBER, 1))
        return cell->value;
    if (cell->value.tag != TAG_UNSET) {
        if (value_is_object(cell->value))
            pool_keep(cell->value.as.object);
        return cell->value;
    }
    if (cell->builtin.tag == TAG_UNSET) {
        frame->at = node;
        throw_unknown_name(cell->name);
    }
    return cell->builtin;
}

/* ---- literals ---- */

static Value eval_number(Frame *frame, Node *node)
{
    (void)frame;
    return value_number(node->as.number);
}

static Value eval_string(Frame *frame, Node *node)
{
    (void)frame;
    return value_string(node->as.text);
}

static Value eval_true(Frame *frame, Node *node)
{
    (void)frame;
    (void)node;
    return value_bool(true);
}

static Value eval_false(Frame *frame, Node *node)
{
    (void)frame;
    (void)node;
    return value_bool(false);
}

static Value eval_none(Frame *frame, Node *node)
{
    (void)frame;
    (void)node;
    return value_none();
}

static Value eval_fstring(Frame *frame, Node *node)
{
    Buf *text = buf_new();
    for (uint32_t i = 0; i < node->as.list.count; i++) {
        Node *part = node->as.list.at[i];
        if (part->kind == NODE_STRING) {
            buf_add(text, part->as.text->text, part->as.text->bytes);
            continue;
        }
        Value v = evaluate(frame, part->as.format.value);
        frame->at = part;
        const String *spec = part->as.format.spec;
        display_formatted(text, v, spec == NULL ? "" : spec->text, spec == NULL ? 0 : spec->bytes);
    }
    return value_string(buf_string(text));
}

void throw_stack_full(void)
{
    error_throw(ERROR_LIMIT, "too many values under way");
}

/* Values under way are kept on the session's stack, so that errors and callees find them there. */
static inline void push(Value v)
{
    Session *s = session();
    if (s->top == s->stack_end)
        throw_stack_full();
    *s->top++ = value_retain(v);
}

static inline void pop_to(Value *mark)
{
    Session *s = session();
    while (s->top > mark)
        value_release(*--s->top);
}

/* Pushes the elements, spreading ...t. */
static void push_spread(Frame *frame, Node *node)
{
    Value v = evaluate(frame, node->as.unary.operand);
    frame->at = node;
    if (v.tag != TAG_TUPLE)
        error_throw(ERROR_TYPE, "`...` spreads a tuple, not %s", value_described(v));
    const Tuple *t = v.as.any;
    for (uint32_t i = 0; i < t->count; i++)
        push(tuple_items(t)[i]);
}

static Value eval_tuple(Frame *frame, Node *node)
{
    Value *mark = session()->top;
    for (uint32_t i = 0; i < node->as.list.count; i++) {
        Node *item = node->as.list.at[i];
        if (item->kind == NODE_SPREAD)
            push_spread(frame, item);
        else
            push(evaluate(frame, item));
    }
    Tuple *t = tuple_new((uint32_t)(session()->top - mark), mark);
    pop_to(mark);
    return value_object(TAG_TUPLE, t);
}

static Value eval_record(Frame *frame, Node *node)
{
    Record *r = record_new(node->as.list.count);
    for (uint32_t i = 0; i < node->as.list.count; i++) {
        Node *init = node->as.list.at[i];
        record_set(r, init->as.init.key, evaluate(frame, init->as.init.value));
    }
    return value_object(TAG_RECORD, r);
}

/* ---- operators ---- */

static Value eval_unary(Frame *frame, Node *node)
{
    Value v = evaluate(frame, node->as.unary.operand);
    if (v.tag == TAG_NUMBER)
        return node->as.unary.op == OPERATOR_NEG ? value_number(-v.as.number) : v;
    return unary_operation(frame, node, node->as.unary.op, node->as.unary.operation, v);
}

/* Truth of a condition, with the place of an error. */
static inline bool truth(Frame *frame, Node *node)
{
    Value v = evaluate(frame, node);
    if (__builtin_expect(v.tag == TAG_BOOL, 1))
        return v.as.boolean;
    frame->at = node;
    return value_truth(v);
}

bool evaluate_truth(Frame *frame, Node *node)
{
    return truth(frame, node);
}

static Value eval_and(Frame *frame, Node *node)
{
    return value_bool(truth(frame, node->as.binary.left) && truth(frame, node->as.binary.right));
}

static Value eval_or(Frame *frame, Node *node)
{
    return value_bool(truth(frame, node->as.binary.left) || truth(frame, node->as.binary.right));
}

static Value eval_not(Frame *frame, Node *node)
{
    return value_bool(!truth(frame, node->as.unary.operand));
}

static Value eval_cond(Frame *frame, Node *node)
{
    return evaluate(frame, truth(frame, node->as.cond.test) ? node->as.cond.yes : node->as.cond.no);
}

static Value eval_prime(Frame *frame, Node *node)
{
    Value v = evaluate(frame, node->as.unary.operand);
    frame->at = node;
    return prime_operation(v);
}

/* ---- functions and calls ---- */

static Value eval_function(Frame *frame, Node *node)
{
    FunctionCode *code = node->as.function.code;
    Function *f = function_closure(code);
    for (uint32_t i = 0; i < code->capture_count; i++) {
        const CaptureSource *from = &code->captures[i];
        Value v = from->from_local ? frame->slots[from->index] : frame->function->captures[from->index];
        f->captures[i] = value_retain(v);
    }
    f->chunk = object_retain(code->chunk);
    return value_object(TAG_FUNCTION, f);
}

static inline bool is_simple(const NodeList *args)
{
    for (uint32_t i = 0; i < args->count; i++)
        if (args->at[i]->kind == NODE_SPREAD || args->at[i]->kind == NODE_NAMED)
            return false;
    return true;
}

enum { NAMES_MOST = 64 };

/* Pushes the arguments of a call; names[i] is set for the named ones. False when none is named: then `names`
 * may be shorter than what a spread has pushed. A list literal of plain numbers takes the dtype of the call,
 * when it has one. */
static bool push_arguments(Frame *frame, const NodeList *args, const Value *mark, String **names)
{
    Dtype dtype = DTYPES;
    const Node *dtype_node = NULL;
    Value dtype_value = value_none();
    bool named = false;
    for (uint32_t i = 0; i < args->count && dtype_node == NULL; i++) {
        Node *arg = args->at[i];
        if (arg->kind != NODE_NAMED || !string_is(arg->as.named.name, "dtype"))
            continue;
        dtype_node = arg;
        dtype_value = evaluate(frame, arg->as.named.value);
        if (dtype_value.tag == TAG_STRING)
            dtype = dtype_named(((String *)dtype_value.as.any)->text);
    }
    for (uint32_t i = 0; i < args->count; i++) {
        Node *arg = args->at[i];
        Node *value = arg->kind == NODE_NAMED ? arg->as.named.value : arg;
        if (arg->kind == NODE_SPREAD)
            push_spread(frame, arg);
        else if (arg == dtype_node)
            push(dtype_value);
        else
            push(value->kind == NODE_TENSOR && dtype != DTYPES ? tensor_literal(frame, value, dtype)
                                                               : evaluate(frame, value));
        named |= arg->kind == NODE_NAMED;
        if (named && session()->top - mark > NAMES_MOST) {
            frame->at = arg;
            error_throw(ERROR_LIMIT, "a call with named arguments takes at most %d", NAMES_MOST);
        }
        if (arg->kind == NODE_NAMED)
            names[session()->top - mark - 1] = arg->as.named.name;
    }
    return named;
}

void throw_not_callable(Value callee)
{
    if (callee.tag == TAG_TENSOR || callee.tag == TAG_VARIABLE || callee.tag == TAG_NUMBER)
        error_throw_hint(ERROR_TYPE, "an element is x[i], a product needs `*`", "%s cannot be called",
                         value_described(callee));
    error_throw(ERROR_TYPE, "%s cannot be called", value_described(callee));
}

/* attach_grad(x): the first argument names the variable that takes the result. */
static Value call_by_reference(Frame *frame, Node *node, Function *f, Node *first, Value *mark, String *const *names)
{
    if (first == NULL || (first->kind != NODE_NAME && first->kind != NODE_FIELD && first->kind != NODE_INDEX)) {
        frame->at = first != NULL ? first : node;
        error_throw_hint(ERROR_TYPE, "name the tensor first: x = ...", "%s: the argument must be a variable",
                         function_name(f));
    }
    Value v = call_function(f, mark, names, (uint32_t)(session()->top - mark));
    assign_target(frame, first, v);
    return v;
}

/* Calls with the arguments that stand on the stack from `mark` on. */
static Value call_pushed(Frame *frame, Node *node, Value callee, Node *first, Value *mark, String *const *names)
{
    Value v;
    frame->at = node;
    if (__builtin_expect(callee.tag != TAG_FUNCTION, 0))
        throw_not_callable(callee);
    Function *f = callee.as.any;
    if (f->kind == FUNCTION_BUILTIN && f->as.builtin->by_reference)
        v = call_by_reference(frame, node, f, first, mark, names);
    else
        v = call_function(f, mark, names, (uint32_t)(session()->top - mark));
    pop_to(mark);
    return v;
}

/* A call with named or spread arguments. */
static Value call_general(Frame *frame, Node *node, Value callee, const NodeList *args, Node *first, Value *mark)
{
    String *names[NAMES_MOST] = {NULL};
    bool named = push_arguments(frame, args, mark, names);
    return call_pushed(frame, node, callee, first, mark, named ? names : NULL);
}

static inline Value call_with(Frame *frame, Node *node, Value callee, const NodeList *args, Node *first, Value *mark)
{
    if (!is_simple(args))
        return call_general(frame, node, callee, args, first, mark);
    for (uint32_t i = 0; i < args->count; i++)
        push(evaluate(frame, args->at[i]));
    return call_pushed(frame, node, callee, first, mark, NULL);
}

/* The function of a call. One that a global names stands on the stack while it runs, because the global may get
 * another value meanwhile. */
static inline Value callee_of(Frame *frame, Node *name)
{
    if (name->kind == NODE_NAME && name->as.name.where == WHERE_GLOBAL
        && ((Cell *)name->as.name.cell)->value.tag == TAG_FUNCTION) {
        Value callee = ((Cell *)name->as.name.cell)->value;
        push(callee);
        return callee;
    }
    return evaluate(frame, name);
}

/* Positional arguments alone. They are put where the callee's slots will be. */
static Value eval_plain_call(Frame *frame, Node *node)
{
    const NodeList *args = &node->as.call.args;
    Session *s = session();
    Value *mark = s->top, callee = callee_of(frame, node->as.call.callee), *slots = s->top, v;
    if (__builtin_expect(s->stack_end - slots < (ptrdiff_t)args->count, 0))
        throw_stack_full();
    for (uint32_t i = 0; i < args->count; i++) {
        slots[i] = value_retain(evaluate(frame, args->at[i]));
        s->top = slots + i + 1;
    }
    if (callee.tag == TAG_FUNCTION && is_plain_closure(callee.as.any, args->count)) {
        frame->at = node;
        v = call_plain_closure(s, callee.as.any, slots);
    } else {
        v = call_pushed(frame, node, callee, args->count > 0 ? args->at[0] : NULL, slots, NULL);
    }
    pop_to(mark);
    return v;
}

static Value eval_call(Frame *frame, Node *node)
{
    Value *mark = session()->top, callee = callee_of(frame, node->as.call.callee);
    const NodeList *args = &node->as.call.args;
    Value v = call_general(frame, node, callee, args, args->at[0], session()->top);
    pop_to(mark);
    return v;
}

/* What `name` in x.name(...) calls when x is no record with such a field. */
static Value method_function(Frame *frame, Node *method, Value x)
{
    Node *name = method->as.method.function;
    bool known = name->as.name.where != WHERE_GLOBAL || ((Cell *)name->as.name.cell)->value.tag != TAG_UNSET
              || ((Cell *)name->as.name.cell)->builtin.tag != TAG_UNSET;
    if (known)
        return evaluate(frame, name);
    frame->at = method;
    for (int i = 0; property_names[i] != NULL; i++)
        if (string_is(method->as.method.name, property_names[i]))
            error_throw_hint(ERROR_TYPE, string_format("write x.%s", property_names[i])->text,
                             "`%s` is a property, not a function", property_names[i]);
    if (x.tag == TAG_RECORD)
        throw_no_field(x.as.any, method->as.method.name);
    frame->at = name;
    throw_unknown_name(method->as.method.name);
}

/* x.f(a): a field that is called, or f(x, a). */
static Value eval_method(Frame *frame, Node *node)
{
    Node *object = node->as.method.object;
    Value x = evaluate(frame, object), *mark = session()->top;
    if (x.tag == TAG_RECORD) {
        const Field *field = record_find(x.as.any, node->as.method.name);
        if (field != NULL) {
            pool_keep(x.as.object);
            return call_with(frame, node, field->value, &node->as.method.args, NULL, mark);
        }
    }
    Value f = method_function(frame, node, x);
    push(x);
    return call_with(frame, node, f, &node->as.method.args, object, mark);
}

static Value eval_field(Frame *frame, Node *node)
{
    Value x = evaluate(frame, node->as.field.object);
    if (x.tag == TAG_RECORD) {
        const Field *field = record_find(x.as.any, node->as.field.name);
        if (field != NULL)
            return field->value;
    }
    frame->at = node;
    return property_read(x, node->as.field.name);
}

enum { ELEMENT_MOST = 4 };

/* x[i, j] of numbers is read directly. What is not that simple is evaluated again as subscripts: only names and
 * numbers are looked at here, whose evaluation does nothing else. */
static Value index_element(Frame *frame, const NodeList *nodes, GradTensor *x)
{
    Value indices[ELEMENT_MOST];
    if (nodes->count > ELEMENT_MOST)
        return (Value){TAG_UNSET, {.any = NULL}};
    for (uint32_t i = 0; i < nodes->count; i++) {
        Node *node = nodes->at[i];
        if (node->kind != NODE_NUMBER && node->kind != NODE_NAME)
            return (Value){TAG_UNSET, {.any = NULL}};
        indices[i] = evaluate(frame, node);
    }
    return element_read(x, indices, nodes->count);
}

static Value eval_index(Frame *frame, Node *node)
{
    Value x = evaluate(frame, node->as.index.object);
    if (x.tag == TAG_TENSOR) {
        Value element = index_element(frame, &node->as.index.subscripts, x.as.any);
        if (element.tag != TAG_UNSET)
            return element;
    }
    Subscripts subscripts = evaluate_subscripts(frame, &node->as.index.subscripts);
    frame->at = node;
    return subscript_read(x, &subscripts);
}

static Value eval_tensor(Frame *frame, Node *node)
{
    return tensor_literal(frame, node, DTYPES);
}

static Value eval_misplaced(Frame *frame, Node *node)
{
    frame->at = node;
    error_throw(ERROR_SYNTAX, "this cannot stand here");
}

static NodeEval *eval_for_name(const Node *node)
{
    static NodeEval *const table[] = {
        [WHERE_LOCAL] = eval_local, [WHERE_CAPTURE] = eval_capture, [WHERE_SELF] = eval_self,
        [WHERE_GLOBAL] = eval_global,
    };
    return table[node->as.name.where];
}

NodeEval *eval_for(const Node *node)
{
    static NodeEval *const table[NODE_KINDS] = {
        [NODE_NUMBER] = eval_number, [NODE_STRING] = eval_string, [NODE_FSTRING] = eval_fstring,
        [NODE_TRUE] = eval_true, [NODE_FALSE] = eval_false, [NODE_NONE] = eval_none,
        [NODE_TENSOR] = eval_tensor, [NODE_TUPLE] = eval_tuple, [NODE_RECORD] = eval_record,
        [NODE_UNARY] = eval_unary, [NODE_AND] = eval_and, [NODE_OR] = eval_or, [NODE_NOT] = eval_not,
        [NODE_COND] = eval_cond, [NODE_FUNCTION] = eval_function, [NODE_CALL] = eval_call,
        [NODE_METHOD] = eval_method, [NODE_INDEX] = eval_index, [NODE_FIELD] = eval_field,
        [NODE_PRIME] = eval_prime,
    };
    if (node->kind == NODE_NAME)
        return eval_for_name(node);
    if (node->kind == NODE_BINARY)
        return eval_for_binary(node);
    if (node->kind == NODE_CALL && is_simple(&node->as.call.args))
        return eval_plain_call;
    if (node->kind >= NODE_EXPRESSION)
        return eval_for_statement(node);
    return table[node->kind] != NULL ? table[node->kind] : eval_misplaced;
}

Value eval_drained(Frame *frame, Node *node)
{
    PoolMark mark = pool_mark();
    Value v = eval_for(node)(frame, node);
    if (value_is_object(v))
        pool_drain_except(mark, v.as.object);
    else
        pool_drain(mark);
    return v;
}
