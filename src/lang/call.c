/* Calling: closures, operations and built-ins. Arguments stand on the session's stack; so do the slots of a
 * frame, and an error finds there what it must give back. */
#include "lang/bind.h"
#include "lang/eval.h"

enum {
    /* What must be left of the C stack for a call: more than base's own reserve, so that the error can name the
     * depth. */
    CALL_RESERVE = 256 * 1024
};

static _Noreturn void throw_depth(uint32_t depth)
{
    error_throw_unnamed(ERROR_LIMIT, "is there a recursion that never ends?",
                        "calls are nested %u deep, which is too deep", depth);
}

static inline void release_to(Session *s, const Value *mark)
{
    while (s->top > mark) {
        s->top--;
        if (value_is_object(*s->top))
            object_release(s->top->as.object);
    }
}

/* Extends the arguments to the slots of a frame. */
static inline void open_slots(Session *s, Value *slots, uint32_t given, uint32_t slot_count)
{
    if (__builtin_expect(s->stack_end - slots < (ptrdiff_t)slot_count, 0))
        throw_depth(s->depth);
    for (uint32_t i = given; i < slot_count; i++)
        slots[i] = (Value){TAG_UNSET, {.any = NULL}};
    s->top = slots + slot_count;
}

/* The body in a frame whose arguments are in place. Defaults of missing ones are evaluated in the frame, so that
 * they see the parameters before them. */
static inline Value run_frame(Session *s, Function *f, Value *slots, bool defaults)
{
    FunctionCode *code = f->as.code;
    Node *body = code->node->as.function.body;
    Frame frame = {.caller = s->frame, .slots = slots, .function = f, .module = code->module, .at = body};
    PoolMark mark = pool_mark();
    Value result;
    if (__builtin_expect((char *)__builtin_frame_address(0) < rt->stack_limit + CALL_RESERVE, 0))
        throw_depth(s->depth);
    interrupt_poll();
    s->depth++;
    s->frame = &frame;
    for (uint32_t i = 0; defaults && i < code->param_count; i++)
        if (slots[i].tag == TAG_UNSET)
            slots[i] = value_retain(evaluate(&frame, code->node->as.function.params[i].initial));
    if (code->is_expression)
        result = evaluate(&frame, body);
    else
        result = evaluate(&frame, body).tag == RETURNING ? frame.result : value_none();
    s->frame = frame.caller;
    s->depth--;
    if (__builtin_expect(value_is_object(result), 0)) {
        object_retain(result.as.object);
        release_to(s, slots);
        pool_drain(mark);
        pool_add(result.as.object);
    } else {
        release_to(s, slots);
        if (rt->pool_count != mark)
            pool_drain(mark);
    }
    return result;
}

Value call_plain_closure(Session *s, Function *f, Value *slots)
{
    open_slots(s, slots, f->as.code->param_count, f->as.code->slot_count);
    return run_frame(s, f, slots, false);
}

static Value call_closure(Session *s, Function *f, Value *args, String *const *names, uint32_t count)
{
    if (names == NULL && is_plain_closure(f, count))
        return call_plain_closure(s, f, args);
    bind_arguments(f, args, names, count);
    open_slots(s, args, f->as.code->param_count, f->as.code->slot_count);
    return run_frame(s, f, args, true);
}

/* Notes f as what errors name, and gives what they named before: to be noted again behind the call. */
static inline Subject enter_subject(Session *s, const Function *f)
{
    Subject outer = s->subject;
    s->subject = (Subject){f, s->frame};
    return outer;
}

static Value call_builtin(Session *s, Function *f, Value *args, String *const *names, uint32_t count)
{
    Call call = {.self = f, .args = args, .count = (int)count, .names = names};
    if (!f->as.builtin->forwards) {
        bind_arguments(f, args, names, count);
        call.count = (int)function_signature(f)->count;
    }
    if (__builtin_expect((char *)__builtin_frame_address(0) < rt->stack_limit + CALL_RESERVE, 0))
        throw_depth(s->depth);
    /* What stands for another function leaves the name to that. */
    Subject outer = enter_subject(s, f->as.builtin->forwards ? NULL : f);
    Value v = f->as.builtin->run(&call);
    s->subject = outer;
    return v;
}

/* Operations on plain numbers alone are frequent and need no tensors. */
static bool call_on_numbers(const Function *f, const Value *args, uint32_t count, Value *result)
{
    const Op *op = f->as.op;
    double x[ELEMENTWISE_MAX_INPUTS];
    if (op->kernel[DTYPE_FLOAT64] == NULL || op->dtypes == DTYPES_COMPARE || op->forward != NULL || op->compose != NULL
        || count != op->arg_count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (args[i].tag != TAG_NUMBER || op->args[i] != ARG_TENSOR)
            return false;
        x[i] = args[i].as.number;
    }
    *result = value_number(op_number(op, x));
    return true;
}

static Value call_op(Session *s, Function *f, Value *args, String *const *names, uint32_t count)
{
    Value result;
    if (names == NULL && count > 0 && call_on_numbers(f, args, count, &result))
        return result;
    if (names != NULL || !op_takes(f, count)) {
        bind_arguments(f, args, names, count);
        count = f->as.op->arg_count;
    }
    Subject outer = enter_subject(s, f);
    result = run_op(f, args, count);
    s->subject = outer;
    return result;
}

Value call_function(Function *f, Value *args, String *const *names, uint32_t count)
{
    Session *s = session();
    switch (f->kind) {
    case FUNCTION_CLOSURE:
        return call_closure(s, f, args, names, count);
    case FUNCTION_OP:
        return call_op(s, f, args, names, count);
    default:
        return call_builtin(s, f, args, names, count);
    }
}

Value call_value(Value callee, uint32_t count, const Value *args, String *const *names)
{
    Session *s = session();
    Value *mark = s->top;
    if (callee.tag != TAG_FUNCTION)
        throw_not_callable(callee);
    if (s->stack_end - mark < (ptrdiff_t)count)
        throw_depth(s->depth);
    for (uint32_t i = 0; i < count; i++)
        *s->top++ = value_retain(args[i]);
    pool_keep(callee.as.object);
    Value v = call_function(callee.as.any, mark, names, count);
    release_to(s, mark);
    return v;
}
