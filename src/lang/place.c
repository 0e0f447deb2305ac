#include "lang/place.h"

#include "lang/indexing.h"
#include "lang/property.h"
#include "lang/resolve.h"
#include "lang/sequence.h"

/* An assignment to a part, p.layers[0].W = v, runs in two steps. First everything that may run code of the program
 * is evaluated: the subscripts. Then the place is walked to with plain pointers; every container on the way that
 * somebody else can see is replaced by a copy, so a change is never seen through another name. */

typedef struct PathStep {
    Node *node;                       /* NODE_FIELD or NODE_INDEX */
    Subscripts subscripts;
} PathStep;

enum { PATH_MOST = 64 };

typedef struct Path {
    Node *root;                       /* NODE_NAME */
    PathStep steps[PATH_MOST];        /* from the root outwards */
    uint32_t count;
} Path;

/* The old value may still be read by the expression under way: the pool gets it. */
void place_store(Value *place, Value v)
{
    Value old = *place;
    *place = value_retain(v);
    if (value_is_object(old))
        pool_add(old.as.object);
}

/* ---- names ---- */

static bool may_bind(const Frame *frame, const Node *name)
{
    if (name->as.name.where == WHERE_GLOBAL)
        return frame->function == NULL || name->as.name.slot == DECLARED_GLOBAL;
    return name->as.name.where == WHERE_LOCAL;
}

static Value *name_place(Frame *frame, const Node *name)
{
    switch (name->as.name.where) {
    case WHERE_LOCAL:
        return &frame->slots[name->as.name.slot];
    case WHERE_CAPTURE:
        return &frame->function->captures[name->as.name.slot];
    case WHERE_GLOBAL:
        return &((Cell *)name->as.name.cell)->value;
    default:
        return NULL;
    }
}

static _Noreturn void throw_outer(Frame *frame, Node *name)
{
    frame->at = name;
    error_throw_hint(ERROR_NAME, "declare it with `global`, return the new value, or keep it in a parameter or buffer",
                     "`%s` belongs to an outer scope and cannot be changed here", name->as.name.name->text);
}

/* The place of a root name, with a value in it. */
static Value *root_place(Frame *frame, Node *name)
{
    Value *place = name_place(frame, name);
    if (place == NULL || place->tag == TAG_UNSET)
        evaluate(frame, name);                  /* throws, unless it is a built-in */
    return place == NULL || place->tag == TAG_UNSET ? NULL : place;
}

/* ---- parts ---- */

static void path_of(Frame *frame, Node *target, Path *path)
{
    uint32_t depth = 0;
    Node *at = target;
    for (; at->kind != NODE_NAME; depth++) {
        if ((at->kind != NODE_FIELD && at->kind != NODE_INDEX) || depth == PATH_MOST) {
            frame->at = target;
            error_throw(ERROR_SYNTAX, "this cannot be assigned to");
        }
        at = at->kind == NODE_FIELD ? at->as.field.object : at->as.index.object;
    }
    path->root = at;
    path->count = depth;
    for (at = target; depth-- > 0; at = at->kind == NODE_FIELD ? at->as.field.object : at->as.index.object)
        path->steps[depth] = (PathStep){.node = at};
    for (uint32_t i = 0; i < path->count; i++)
        if (path->steps[i].node->kind == NODE_INDEX)
            path->steps[i].subscripts = evaluate_subscripts(frame, &path->steps[i].node->as.index.subscripts);
}

/* The key by which a step picks a field of a record, or NULL. */
static String *step_key(const PathStep *step)
{
    if (step->node->kind == NODE_FIELD)
        return step->node->as.field.name;
    const Subscripts *s = &step->subscripts;
    return s->count == 1 && s->at[0].kind == SUBSCRIPT_VALUE && s->at[0].value.tag == TAG_STRING ? s->at[0].value.as.any
                                                                                               : NULL;
}

static String *key_or_throw(const PathStep *step)
{
    String *key = step_key(step);
    if (key == NULL)
        error_throw(ERROR_TYPE, "a record is indexed by a string");
    return key;
}

/* The value that a step reads. */
static Value step_read(Value object, const PathStep *step)
{
    if (step->node->kind == NODE_INDEX)
        return subscript_read(object, &step->subscripts);
    if (object.tag == TAG_RECORD) {
        const Field *field = record_find(object.as.any, step->node->as.field.name);
        if (field != NULL)
            return field->value;
    }
    return property_read(object, step->node->as.field.name);
}

static Value *tuple_place(const Tuple *t, const PathStep *step)
{
    return &t->store->items[subscript_item(&step->subscripts, t->count, "tuple")];
}

/* The place that a step leads to inside the container at `place`, which becomes the place's own. */
static Value *step_into(Value *place, const PathStep *step)
{
    if (place->tag == TAG_RECORD) {
        Record *r = place->as.any;
        const String *key = key_or_throw(step);
        if (record_find(r, key) == NULL)
            throw_no_field(r, key);
        if (r->object.refs > 1)
            place_store(place, value_object(TAG_RECORD, r = record_copy(r)));
        return &record_find(r, key)->value;
    }
    if (place->tag == TAG_TUPLE && step->node->kind == NODE_INDEX) {
        Tuple *t = place->as.any;
        if (t->object.refs > 1 || t->store->object.refs > 1)
            place_store(place, value_object(TAG_TUPLE, t = tuple_new(t->count, tuple_items(t))));
        return tuple_place(t, step);
    }
    error_throw(ERROR_TYPE, "a part of %s has no parts that can be assigned to", value_described(*place));
}

static bool is_tensor(const Value *place)
{
    return place->tag == TAG_TENSOR || place->tag == TAG_VARIABLE;
}

/* The variable's tensor is changed itself where no graph, no view and nothing else holds it. */
static void write_variable(Variable *variable, const PathStep *step, Value v)
{
    GradTensor *x = variable->value, *given = value_tensor(v);
    bool own = x->object.refs == 1 && given != NULL && gt_batch(given) == 0;
    GradTensor *changed = subscript_write(x, &step->subscripts, v, own);
    if (changed != x)
        variable_assign(variable, changed);
}

static void write_tensor(Value *place, const PathStep *step, Value v)
{
    if (place->tag == TAG_VARIABLE && variable_updates(place->as.any)) {
        write_variable(place->as.any, step, v);
        return;
    }
    GradTensor *x = value_tensor(*place);
    bool own = place->tag == TAG_TENSOR && x->object.refs == 1;
    if (own && element_write(x, &step->subscripts, v))
        return;
    GradTensor *changed = subscript_write(x, &step->subscripts, v, own);
    if (changed != x)
        place_store(place, value_object(TAG_TENSOR, changed));
}

/* The last step: puts v into the container at `place`. */
static void step_write(Value *place, const PathStep *step, Value v)
{
    if (place->tag == TAG_RECORD) {
        Record *r = place->as.any;
        String *key = key_or_throw(step);
        if (r->object.refs > 1)
            place_store(place, value_object(TAG_RECORD, r = record_copy(r)));
        record_set(r, key, v);
    } else if (place->tag == TAG_TUPLE && step->node->kind == NODE_INDEX) {
        place_store(step_into(place, step), v);
    } else if (is_tensor(place) && step->node->kind == NODE_INDEX) {
        write_tensor(place, step, v);
    } else if (step->node->kind == NODE_FIELD) {
        property_write(*place, step->node->as.field.name, v);
    } else {
        error_throw(ERROR_TYPE, "the elements of %s cannot be changed", value_described(*place));
    }
}

/* The variable that a path leads to or through and that is updated itself, so that it needs no place of its own; NULL
 * when there is none. `taken` becomes the number of steps to it. */
static Value *path_variable(Frame *frame, const Path *path, uint32_t *taken)
{
    Value *at = root_place(frame, path->root);
    for (uint32_t i = 0; i < path->count && at != NULL; i++) {
        const PathStep *step = &path->steps[i];
        if (at->tag == TAG_VARIABLE) {
            *taken = i;
            return variable_updates(at->as.any) ? at : NULL;
        }
        Field *field = at->tag == TAG_RECORD && step_key(step) != NULL ? record_find(at->as.any, step_key(step)) : NULL;
        if (field != NULL)
            at = &field->value;
        else if (at->tag == TAG_TUPLE && step->node->kind == NODE_INDEX)
            at = tuple_place(at->as.any, step);
        else
            return NULL;
    }
    return NULL;
}

/* Writes v by the steps from `i` on into the container at `place`. A part of a tensor has no place: it is read, changed
 * and written back. */
static void steps_write(Value *place, const Path *path, uint32_t i, Value v)
{
    for (; i + 1 < path->count; i++) {
        const PathStep *step = &path->steps[i];
        if (is_tensor(place) && step->node->kind == NODE_INDEX) {
            PoolMark mark = pool_mark();
            Value part = step_read(*place, step);
            Tuple *holder = tuple_new(1, &part);
            steps_write(&holder->store->items[0], path, i + 1, v);
            part = holder->store->items[0];
            pool_drain_except(mark, value_is_object(part) ? part.as.object : NULL);
            step_write(place, step, part);
            return;
        }
        place = step_into(place, step);
    }
    step_write(place, &path->steps[i], v);
}

/* Where writing through a path begins, `taken` steps from its root. */
static Value *path_start(Frame *frame, const Path *path, uint32_t *taken)
{
    Value *place = path_variable(frame, path, taken);
    if (place != NULL)
        return place;
    *taken = 0;
    if (!may_bind(frame, path->root) || (place = root_place(frame, path->root)) == NULL)
        throw_outer(frame, path->root);
    return place;
}

/* The container that the last step picks from, which may be changed. */
static Value *path_container(Frame *frame, const Path *path)
{
    uint32_t i;
    Value *place = path_start(frame, path, &i);
    for (; i + 1 < path->count; i++)
        place = step_into(place, &path->steps[i]);
    return place;
}

static void path_write(Frame *frame, const Path *path, Value v)
{
    uint32_t taken;
    Value *place = path_start(frame, path, &taken);
    steps_write(place, path, taken, v);
}

static Value path_read(Frame *frame, const Path *path)
{
    Value v = evaluate(frame, path->root);
    for (uint32_t i = 0; i < path->count; i++)
        v = step_read(v, &path->steps[i]);
    return v;
}

/* ---- assignment ---- */

/* What `for` walks comes apart, but a record: its keys are seldom what is meant. */
static void assign_tuple(Frame *frame, Node *target, Value v)
{
    uint32_t wanted = target->as.list.count;
    Sequence s;
    frame->at = target;
    if (v.tag == TAG_RECORD || !sequence_open(&s, v))
        error_throw(ERROR_TYPE, "%s does not come apart into %u variables", value_described(v), wanted);
    if (s.count != wanted)
        error_throw(ERROR_VALUE, "%u variable%s cannot take %lld value%s", wanted, wanted == 1 ? "" : "s",
                    (long long)s.count, s.count == 1 ? "" : "s");
    if (value_is_object(s.items))
        pool_keep(s.items.as.object);
    for (uint32_t i = 0; i < wanted; i++)
        assign_target(frame, target->as.list.at[i], sequence_item(&s, i));
}

void assign_target(Frame *frame, Node *target, Value v)
{
    Path path;
    switch (target->kind) {
    case NODE_NAME:
        if (!may_bind(frame, target))
            throw_outer(frame, target);
        place_store(name_place(frame, target), v);
        break;
    case NODE_TUPLE:
        assign_tuple(frame, target, v);
        break;
    default:
        path_of(frame, target, &path);
        frame->at = target;
        path_write(frame, &path, v);
        break;
    }
}

/* Does `op=` update the variable that a place holds, so that the place keeps it? */
static bool updates_itself(Value old)
{
    return old.tag == TAG_VARIABLE && variable_updates(old.as.any);
}

bool grow_string(Frame *frame, Node *at, const Op *operation, Node *name, Node *more)
{
    Value *place = name_place(frame, name);
    if (place == NULL || place->tag != TAG_STRING || !may_bind(frame, name))
        return false;
    PoolMark mark = pool_mark();
    Value old = *place;
    pool_keep(old.as.object);         /* what is evaluated now may give the variable another value */
    Value v = evaluate(frame, more);
    frame->at = at;
    if (v.tag == TAG_STRING && v.as.object != old.as.object && place->as.object == old.as.object) {
        pool_drain_except(mark, v.as.object);
        if (old.as.object->refs == 1) {
            place->as.any = string_extend(old.as.any, v.as.any);
            return true;
        }
    }
    place_store(place, binary_operation(frame, at, OPERATOR_ADD, operation, old, v));
    return true;
}

static void augment_name(Frame *frame, Node *statement, Node *name)
{
    if (statement->as.augment.op == OPERATOR_ADD
        && grow_string(frame, statement, statement->as.augment.operation, name, statement->as.augment.value))
        return;
    Value old = evaluate(frame, name);
    Value v = evaluate(frame, statement->as.augment.value);
    if (!updates_itself(old) && !may_bind(frame, name))
        throw_outer(frame, name);
    frame->at = statement;
    v = binary_operation(frame, statement, statement->as.augment.op, statement->as.augment.operation, old, v);
    if (updates_itself(old))
        variable_assign_value(old.as.any, v);
    else
        place_store(name_place(frame, name), v);
}

static bool holds_part(Value container, const PathStep *step)
{
    if (container.tag == TAG_RECORD)
        return step_key(step) != NULL && record_find(container.as.any, step_key(step)) != NULL;
    return container.tag == TAG_TUPLE && step->node->kind == NODE_INDEX;
}

/* A string in a record or tuple grows where it stands when nobody else sees it. What was evaluated since the mark
 * may have put something else there. */
static bool grow_part(Frame *frame, const Path *path, Value old, Value more, PoolMark mark)
{
    if (old.tag != TAG_STRING || more.tag != TAG_STRING || old.as.object == more.as.object)
        return false;
    const PathStep *last = &path->steps[path->count - 1];
    Value *place = path_container(frame, path);
    if (!holds_part(*place, last))
        return false;
    place = step_into(place, last);
    if (place->as.any != old.as.any)
        return false;
    pool_drain_except(mark, more.as.object);
    if (old.as.object->refs > 1)
        return false;
    place->as.any = string_extend(old.as.any, more.as.any);
    return true;
}

void augment_target(Frame *frame, Node *statement)
{
    Node *target = statement->as.augment.target;
    Path path;
    if (target->kind == NODE_NAME) {
        augment_name(frame, statement, target);
        return;
    }
    path_of(frame, target, &path);
    frame->at = target;
    PoolMark mark = pool_mark();
    Value old = path_read(frame, &path);
    if (value_is_object(old))
        pool_keep(old.as.object);
    Value v = evaluate(frame, statement->as.augment.value);
    frame->at = statement;
    if (statement->as.augment.op == OPERATOR_ADD && grow_part(frame, &path, old, v, mark))
        return;
    v = binary_operation(frame, statement, statement->as.augment.op, statement->as.augment.operation, old, v);
    if (updates_itself(old)) {
        variable_assign_value(old.as.any, v);
        return;
    }
    /* What was read is let go of, so that the containers on the way are changed in their place and not copied. */
    pool_drain_except(mark, value_is_object(v) ? v.as.object : NULL);
    path_write(frame, &path, v);
}
