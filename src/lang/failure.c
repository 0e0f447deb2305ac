#include "lang/failure.h"

#include "lang/function.h"

#include <stdlib.h>
#include <string.h>

/* ---- places ---- */

static Source *frame_source(const Frame *frame)
{
    const Chunk *chunk = frame->function != NULL ? frame->function->chunk : frame->chunk;
    return chunk != NULL ? chunk->source : NULL;
}

static Span operator_span(const Node *node)
{
    if (node->kind == NODE_BINARY)
        return node->as.binary.op_span;
    if (node->kind == NODE_AUGMENT)
        return node->as.augment.op_span;
    return (Span){0, 0};
}

/* Calls from the innermost outwards; the middle of a long traceback is left out. Nobody sees the calls
 * outside of `last`, where the error will be caught; walking them would make errors slow that are raised
 * again and again, on every level of a recursion. */
static void note_trace(ErrorPlace *place, const Frame *frame, const Frame *last)
{
    uint32_t depth = 0;
    for (const Frame *f = frame; f->caller != NULL && f != last; f = f->caller)
        depth++;
    uint32_t left_out = depth > 2 * TRACE_KEPT ? depth - 2 * TRACE_KEPT : 0;
    place->trace_left_out = left_out;
    for (uint32_t i = 0; i < depth; frame = frame->caller, i++) {
        if (i >= TRACE_KEPT && i < TRACE_KEPT + left_out)
            continue;
        TraceEntry *entry = &place->trace[place->trace_count++];
        const Frame *caller = frame->caller;
        const Function *f = frame->function;
        const Source *file = f == NULL ? frame_source(frame) : NULL;   /* that is being imported */
        String *name = f != NULL ? f->as.code->node->as.function.name : file != NULL ? file->name : NULL;
        entry->function = name != NULL ? object_retain(name) : NULL;
        entry->source = frame_source(caller);
        if (entry->source != NULL && caller->at != NULL) {
            object_retain(entry->source);
            entry->offset = caller->at->span.start;
        } else {
            entry->source = NULL;
        }
    }
}

void failure_note_place(Runtime *runtime)
{
    const Session *s = runtime->session;
    const Frame *frame = s->frame;
    if (frame == NULL || runtime->error.place != NULL)
        return;
    ErrorPlace *place = calloc(1, sizeof *place);
    if (place == NULL)
        return;
    runtime->error.place = place;
    Source *source = frame_source(frame);
    if (source != NULL && frame->at != NULL) {
        place->source = object_retain(source);
        place->span = frame->at->span;
        place->op = operator_span(frame->at);
    }
    note_trace(place, frame, error_is_final(&runtime->error) ? NULL : s->catcher);
}

const char *failure_subject(const Runtime *runtime, size_t *length)
{
    const Session *s = runtime->session;
    const Subject *subject = &s->subject;
    if (subject->function == NULL || subject->frame != s->frame)
        return NULL;
    const char *usage = function_row_usage(subject->function);
    *length = strcspn(usage, "(");
    return usage;
}

/* ---- names ---- */

static void offer_table(Nearest *nearest, const CellTable *table, bool only_set)
{
    for (uint32_t i = 0; i < table->size; i++) {
        const Cell *cell = table->slots[i];
        if (cell != NULL && (!only_set || cell->value.tag != TAG_UNSET))
            nearest_offer(nearest, cell->name->text);
    }
}

/* What people who come from another language write. */
static const char *habit_hint(const char *name)
{
    static const struct { const char *name, *hint; } habits[] = {
        {"True", "write `true`"}, {"False", "write `false`"}, {"None", "write `none`"}, {"null", "write `none`"},
        {"nil", "write `none`"}, {"nothing", "write `none`"}, {"NaN", "write `nan`"}, {"Inf", "write `inf`"},
        {"numpy", "there is nothing to convert: a tensor takes the place of NumPy's arrays"},
        {"cuda", "tensors live in main memory: leave it away"}, {"cpu", "tensors live in main memory: leave it away"},
        {"np", "there is nothing to import: sum(x), zeros(2, 3) and the others are built in"},
        {"torch", "there is nothing to import: sum(x), zeros(2, 3) and the others are built in"},
        {"math", "there is nothing to import: sin(x), pi and the others are built in"},
        {"end", "blocks are written in braces: if c { ... }"}, {"elif", "write `else if`"},
        {"def", "define a function by f(x) = ... or fn f(x) { ... }"},
        {"function", "define a function by f(x) = ... or fn f(x) { ... }"},
        {"quit", "exit() ends a program"}, {"println", "write `print`"}, {"disp", "write `print`"},
        {"printf", "print(f\"...\") formats"},
        {"size", "write x.shape, x.size or len(x)"}, {"length", "write len(x)"}, {"numel", "write x.size"},
        {"array", "write [1, 2, 3] or tensor(...)"}, {"linalg", "inv, det, solve and the others are built in"},
    };
    for (size_t i = 0; i < sizeof habits / sizeof *habits; i++)
        if (strcmp(habits[i].name, name) == 0)
            return habits[i].hint;
    return NULL;
}

/* The hint for an unknown name, or NULL. */
static const char *name_hint(const String *name)
{
    const Session *s = session();
    const Frame *frame = s->frame;
    const char *habit = habit_hint(name->text);
    Nearest nearest = nearest_begin(name->text);
    if (habit != NULL)
        return habit;
    if (frame != NULL && frame->function != NULL) {
        const FunctionCode *code = frame->function->as.code;
        for (uint32_t i = 0; i < code->slot_count; i++)
            nearest_offer(&nearest, code->slot_names[i]->text);
    }
    if (frame != NULL)
        offer_table(&nearest, &frame->module->cells, true);
    offer_table(&nearest, &s->builtins, false);
    return nearest.best == NULL ? NULL : string_format("did you mean `%s`?", nearest.best)->text;
}

void throw_unknown_name(const String *name)
{
    error_throw_hint(ERROR_NAME, name_hint(name), "`%s` is not defined", name->text);
}

void throw_unknown_at(Source *source, Span span, const String *name)
{
    throw_at(source, span, ERROR_NAME, name_hint(name), "`%s` is not defined", name->text);
}

const char *none_hint(Value v)
{
    return v.tag != TAG_NONE ? NULL
        : "a gradient is none until backward(...) has reached its parameter(...), and so is what a function gives "
          "without `return`";
}

/* ---- errors as values ---- */

static Value text_or_empty(const char *text)
{
    return value_text(text != NULL ? text : "");
}

Record *error_record(const ErrorState *error)
{
    const ErrorPlace *place = error->place;
    Record *r = record_new(6);
    record_set(r, string_of("message"), text_or_empty(error->message));
    record_set(r, string_of("hint"), text_or_empty(error->hint));
    record_set(r, string_of("kind"), value_text(error_kind_name(error->kind)));
    if (place != NULL && place->source != NULL) {
        Place at = source_place(place->source, place->span.start);
        record_set(r, string_of("file"), value_string(place->source->name));
        record_set(r, string_of("line"), value_number(at.line));
        record_set(r, string_of("column"), value_number(at.column));
    } else {
        record_set(r, string_of("file"), value_text(""));
        record_set(r, string_of("line"), value_number(0));
        record_set(r, string_of("column"), value_number(0));
    }
    return r;
}

bool error_is_final(const ErrorState *error)
{
    return error->kind == ERROR_INTERRUPT || (error->kind == ERROR_LIMIT && rt->interrupted == INTERRUPT_TIMEOUT);
}
