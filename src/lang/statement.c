/* Statements. Each drains the pool down to where it was when it began: a statement's temporaries do not
 * outlive it. */
#include "lang/eval.h"

#include "lang/display.h"
#include "lang/failure.h"
#include "lang/place.h"
#include "lang/resolve.h"
#include "lang/sequence.h"

static const Value completed = {COMPLETED, {.any = NULL}};
static const Value breaking = {BREAKING, {.any = NULL}};
static const Value continuing = {CONTINUING, {.any = NULL}};
static const Value returning = {RETURNING, {.any = NULL}};

static Value run_expression(Frame *frame, Node *node)
{
    PoolMark mark = pool_mark();
    Value v = evaluate(frame, node->as.expression.value);
    if (frame->function == NULL && session()->echo && !node->as.expression.silent)
        display_echo(v);
    pool_drain(mark);
    return completed;
}

static Value run_assign(Frame *frame, Node *node)
{
    PoolMark mark = pool_mark();
    assign_target(frame, node->as.assign.target, evaluate(frame, node->as.assign.value));
    pool_drain(mark);
    return completed;
}

/* name = expression, where the name is a local: the commonest assignment. */
static Value run_assign_local(Frame *frame, Node *node)
{
    Value *place = &frame->slots[node->as.assign.target->as.name.slot];
    PoolMark mark = pool_mark();
    Value v = evaluate(frame, node->as.assign.value), old = *place;
    *place = value_retain(v);
    value_release(old);
    pool_drain(mark);
    return completed;
}

/* name = name + expression. */
static Value run_assign_sum(Frame *frame, Node *node)
{
    Node *sum = node->as.assign.value;
    PoolMark mark = pool_mark();
    if (!grow_string(frame, sum, sum->as.binary.operation, node->as.assign.target, sum->as.binary.right))
        return run_assign(frame, node);
    pool_drain(mark);
    return completed;
}

static Value run_assign_local_sum(Frame *frame, Node *node)
{
    const Value *place = &frame->slots[node->as.assign.target->as.name.slot];
    return place->tag == TAG_STRING ? run_assign_sum(frame, node) : run_assign_local(frame, node);
}

static Value run_augment(Frame *frame, Node *node)
{
    PoolMark mark = pool_mark();
    augment_target(frame, node);
    pool_drain(mark);
    return completed;
}

/* name op= expression for a local that holds a number. */
static Value run_augment_local(Frame *frame, Node *node)
{
    Value *place = &frame->slots[node->as.augment.target->as.name.slot];
    if (place->tag == TAG_NUMBER) {
        PoolMark mark = pool_mark();
        Value v = evaluate(frame, node->as.augment.value);
        if (v.tag == TAG_NUMBER && place->tag == TAG_NUMBER) {
            pool_drain(mark);
            switch (node->as.augment.op) {
            case OPERATOR_ADD: place->as.number += v.as.number; return completed;
            case OPERATOR_SUB: place->as.number -= v.as.number; return completed;
            case OPERATOR_MUL: place->as.number *= v.as.number; return completed;
            case OPERATOR_DIV: place->as.number /= v.as.number; return completed;
            default: break;
            }
        }
        frame->at = node;
        place_store(place, binary_operation(frame, node, node->as.augment.op, node->as.augment.operation, *place, v));
        pool_drain(mark);
        return completed;
    }
    return run_augment(frame, node);
}

static Value run_define(Frame *frame, Node *node)
{
    PoolMark mark = pool_mark();
    assign_target(frame, node->as.define.name, evaluate(frame, node->as.define.function));
    pool_drain(mark);
    return completed;
}

static Value run_block(Frame *frame, Node *node)
{
    Node **at = node->as.list.at, **end = at + node->as.list.count;
    for (; at < end; at++) {
        Value v = evaluate(frame, *at);
        if (v.tag != COMPLETED)
            return v;
    }
    return completed;
}

static bool condition(Frame *frame, Node *test)
{
    PoolMark mark = pool_mark();
    bool yes = evaluate_truth(frame, test);
    pool_drain(mark);
    return yes;
}

static Value run_if(Frame *frame, Node *node)
{
    if (condition(frame, node->as.cond.test))
        return evaluate(frame, node->as.cond.yes);
    return node->as.cond.no == NULL ? completed : evaluate(frame, node->as.cond.no);
}

/* An interrupt that comes between two rounds is the loop's, not what ran before it. */
static inline void poll_in_loop(Frame *frame, Node *node)
{
    if (__builtin_expect(interrupt_flag != INTERRUPT_NONE, 0)) {
        frame->at = node;
        interrupt_throw();
    }
}

static Value run_while(Frame *frame, Node *node)
{
    while (condition(frame, node->as.loop.test)) {
        poll_in_loop(frame, node);
        Value v = evaluate(frame, node->as.loop.body);
        if (v.tag == BREAKING)
            break;
        if (v.tag == RETURNING)
            return v;
    }
    return completed;
}

static Sequence loop_sequence(Frame *frame, Node *node, Value items)
{
    Sequence sequence;
    frame->at = node->as.each.items;
    if (sequence_open(&sequence, items))
        return sequence;
    if (items.tag == TAG_NUMBER || items.tag == TAG_TENSOR || items.tag == TAG_VARIABLE)
        error_throw_hint(ERROR_TYPE, "for i in range(n) counts", "a single number cannot be walked");
    error_throw(ERROR_TYPE, "%s cannot be walked", value_described(items));
}

static void set_loop_variable(Frame *frame, Node *target, Value item)
{
    if (target->kind == NODE_NAME && target->as.name.where == WHERE_LOCAL) {
        Value *place = &frame->slots[target->as.name.slot], old = *place;
        *place = value_retain(item);
        value_release(old);
    } else {
        assign_target(frame, target, item);
    }
}

static Value run_for(Frame *frame, Node *node)
{
    PoolMark mark = pool_mark();
    Sequence walked = loop_sequence(frame, node, evaluate(frame, node->as.each.items));
    Value result = completed;
    pool_keep(walked.items.as.object);        /* the body may give its variable another value */
    PoolMark inside = pool_mark();
    for (int64_t i = 0; i < walked.count; i++) {
        poll_in_loop(frame, node);
        set_loop_variable(frame, node->as.each.target, sequence_item(&walked, i));
        pool_drain(inside);
        Value v = evaluate(frame, node->as.each.body);
        if (v.tag == BREAKING)
            break;
        if (v.tag == RETURNING) {
            result = v;
            break;
        }
    }
    /* What `return` found inside the loop is in the pool above the mark. */
    if (result.tag == RETURNING && value_is_object(frame->result))
        pool_drain_except(mark, frame->result.as.object);
    else
        pool_drain(mark);
    return result;
}

static Value run_break(Frame *frame, Node *node)
{
    (void)frame;
    (void)node;
    return breaking;
}

static Value run_continue(Frame *frame, Node *node)
{
    (void)frame;
    (void)node;
    return continuing;
}

/* The result stays in the pool until the call ends, which knows where the call's pool began. */
static Value run_return(Frame *frame, Node *node)
{
    frame->result = node->as.unary.operand == NULL ? value_none() : evaluate(frame, node->as.unary.operand);
    return returning;
}

static Value run_global(Frame *frame, Node *node)
{
    (void)frame;
    (void)node;
    return completed;
}

static Value run_nograd(Frame *frame, Node *node)
{
    bool recording = grad_state()->recording;
    grad_state()->recording = false;
    Value v = evaluate(frame, node->as.unary.operand);
    grad_state()->recording = recording;
    return v;
}

/* ---- try ---- */

typedef struct Attempt {
    Frame *frame;
    Node *node;
    const ErrorState *caught;         /* NULL while the block itself runs */
    Value result;
} Attempt;

static void run_attempt(void *data)
{
    Attempt *a = data;
    a->result = evaluate(a->frame, a->node);
}

static void run_handler(void *data)
{
    Attempt *a = data;
    PoolMark mark = pool_mark();
    assign_target(a->frame, a->node->as.attempt.name, value_object(TAG_RECORD, error_record(a->caught)));
    pool_drain(mark);
    a->result = evaluate(a->frame, a->node->as.attempt.handler);
}

/* An interrupt or a limit on time is seen by the handler, and raised again when it ends, however it ends.
 * When the next one comes meanwhile, no more handlers run, neither inside of this one nor further out: there
 * may be very many. */
static _Noreturn void handle_final(Session *s, Attempt *attempt, ErrorState *caught)
{
    int reason = rt->interrupted;
    s->handlers_over = true;
    if (session_protect(s, run_handler, attempt) || !error_is_final(&rt->error))
        s->handlers_over = false;
    error_clear(&rt->error);
    rt->error = *caught;
    rt->interrupted = reason;
    error_rethrow();
}

static Value run_try(Frame *frame, Node *node)
{
    Session *s = session();
    Attempt attempt = {frame, node->as.attempt.body, NULL, completed};
    const Frame *catcher = s->catcher;
    s->catcher = frame;
    bool done = session_protect(s, run_attempt, &attempt);
    s->catcher = catcher;
    if (done)
        return attempt.result;
    if (s->exiting || (s->handlers_over && error_is_final(&rt->error)))
        error_rethrow();
    interrupt_poll();
    ErrorState caught = rt->error;
    rt->error = (ErrorState){0};
    attempt.node = node;
    attempt.caught = &caught;
    if (error_is_final(&caught))
        handle_final(s, &attempt, &caught);
    /* The handler is protected too: only so is the caught error freed when it throws. */
    bool ok = session_protect(s, run_handler, &attempt);
    error_clear(&caught);
    if (!ok)
        error_rethrow();
    return attempt.result;
}

/* Is it `name = name + expression`? */
static bool adds_to_name(const Node *node)
{
    const Node *target = node->as.assign.target, *value = node->as.assign.value;
    return target->kind == NODE_NAME && value->kind == NODE_BINARY && value->as.binary.op == OPERATOR_ADD
        && value->as.binary.left->kind == NODE_NAME
        && string_equal(value->as.binary.left->as.name.name, target->as.name.name);
}

NodeEval *eval_for_statement(const Node *node)
{
    static NodeEval *const table[NODE_KINDS] = {
        [NODE_EXPRESSION] = run_expression, [NODE_ASSIGN] = run_assign, [NODE_AUGMENT] = run_augment,
        [NODE_DEFINE] = run_define, [NODE_IF] = run_if, [NODE_WHILE] = run_while, [NODE_FOR] = run_for,
        [NODE_BREAK] = run_break, [NODE_CONTINUE] = run_continue, [NODE_RETURN] = run_return,
        [NODE_GLOBAL] = run_global, [NODE_NOGRAD] = run_nograd, [NODE_TRY] = run_try, [NODE_BLOCK] = run_block,
    };
    const Node *target = node->kind == NODE_ASSIGN ? node->as.assign.target
                       : node->kind == NODE_AUGMENT ? node->as.augment.target : NULL;
    bool local = target != NULL && target->kind == NODE_NAME && target->as.name.where == WHERE_LOCAL;
    if (node->kind == NODE_ASSIGN && adds_to_name(node))
        return local ? run_assign_local_sum : run_assign_sum;
    if (local)
        return node->kind == NODE_ASSIGN ? run_assign_local : run_augment_local;
    return table[node->kind];
}
