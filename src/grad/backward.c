#include "grad/backward.h"
#include "grad/inputs.h"
#include "grad/rules.h"

#include <string.h>

/* A walk is planned first: the part of the graph that the outputs depend on, in an order in which inputs come before
 * what is made from them, with the position of every tracked input noted. Planning runs no rule, so the marks in
 * the nodes are its own; afterwards only the plan is used, and walks may be nested. The walk is an object, so that a
 * throw gives back the cotangents that it holds. */

typedef struct Step {
    GradTensor *node;                 /* owned */
    union {
        GradTensor *one;              /* cotangent or tangent so far; owned, NULL for none */
        TensorList *many;             /* of a bundle: one per result */
    } sum;
    uint32_t first_input;             /* in Walk.inputs */
    bool wanted;                      /* leads to something whose gradient is asked for */
    bool keep;                        /* asked for itself */
    bool barrier;                     /* a target: the walk does not go on to what it was made from */
} Step;

typedef struct Walk {
    Object object;
    Step *steps;
    uint32_t *inputs;                 /* positions of the tracked inputs, step after step */
    size_t count, capacity, input_count, input_capacity;
} Walk;

static void walk_destroy(Object *self)
{
    Walk *w = (Walk *)self;
    for (size_t i = 0; i < w->count; i++) {
        object_release(w->steps[i].node);
        object_release(w->steps[i].sum.one);
    }
    mem_free(w->steps, w->capacity * sizeof *w->steps + 1);
    mem_free(w->inputs, w->input_capacity * sizeof *w->inputs + 1);
}

static const ObjectType walk_type = {"walk", walk_destroy};

/* ---- planning ---- */

/* The tracked inputs of a node; none of a leaf. */
static InputCursor inputs_of_node(const GradTensor *node)
{
    return node->op == NULL ? (InputCursor){0} : inputs_of(node->op, gt_args(node), gt_numbers(node));
}

static Step *add_step(Walk *w, GradTensor *node)
{
    assert(w->count < w->capacity);
    node->object.link.visit.index = (uint32_t)w->count;
    w->steps[w->count] = (Step){.node = object_retain(node)};
    return &w->steps[w->count++];
}

/* Nodes still to be looked at: a stack of its own, so that depth never uses that of C. Few graphs are so wide that the
 * array inside does not do. */
enum { NODES_INSIDE = 64 };

typedef struct NodeStack {
    GradTensor *inside[NODES_INSIDE], **at;
    size_t count, capacity;
} NodeStack;

#define EMPTY_NODE_STACK(stack) {.at = (stack).inside, .capacity = NODES_INSIDE}

/* True for the first to ask in an epoch. */
static bool mark_once(GradTensor *node, uint32_t epoch)
{
    bool first = node->object.link.visit.mark != epoch;
    node->object.link.visit.mark = epoch;
    return first;
}

static void push_node(NodeStack *s, GradTensor *node)
{
    if (s->count == s->capacity) {
        GradTensor **wider = scratch(2 * s->capacity * sizeof *wider);
        memcpy(wider, s->at, s->capacity * sizeof *wider);
        s->at = wider;
        s->capacity *= 2;
    }
    s->at[s->count++] = node;
}

/* What a plan leads to, and how large it will be. */
typedef struct PlanRequest {
    int64_t outputs;
    GradTensor *const *ys;
    uint32_t epoch;                   /* the mark of nodes that the walk has met */
    size_t nodes, inputs;             /* counted by count_uses */
} PlanRequest;

static bool is_marked(const PlanRequest *r, const GradTensor *node)
{
    return node->object.link.visit.mark == r->epoch;
}

/* The step of a node, or NULL where it has none (yet): its `index` may be a count of uses, so the step must agree. */
static Step *step_of(const Walk *w, const GradTensor *node)
{
    size_t i = node->object.link.visit.index;
    return i < w->count && w->steps[i].node == node ? &w->steps[i] : NULL;
}

static bool is_barrier(const Walk *w, const GradTensor *node)
{
    const Step *step = step_of(w, node);
    return step != NULL && step->barrier;
}

static void mark_node(PlanRequest *r, NodeStack *stack, GradTensor *node)
{
    node->object.link.visit.mark = r->epoch;
    node->object.link.visit.index = 0;
    r->nodes++;
    push_node(stack, node);
}

/* Notes in each node's `index` how many times it is an input of others. */
static void count_uses(const Walk *w, PlanRequest *r)
{
    NodeStack stack = EMPTY_NODE_STACK(stack);
    for (int64_t i = 0; i < r->outputs; i++)
        if (gt_tracked(r->ys[i]) && !is_marked(r, r->ys[i]))
            mark_node(r, &stack, r->ys[i]);
    while (stack.count > 0) {
        InputCursor cursor = inputs_of_node(stack.at[--stack.count]);
        GradTensor *input;
        while ((input = next_input(&cursor)) != NULL) {
            r->inputs++;
            if (!is_marked(r, input))
                mark_node(r, &stack, input);
            else if (is_barrier(w, input))
                continue;
            input->object.link.visit.index++;
        }
    }
}

enum { PLACED = UINT32_MAX };

static void place_node(NodeStack *stack, GradTensor *node)
{
    node->object.link.visit.index = (uint32_t)PLACED;
    push_node(stack, node);
}

/* A node is placed when everything made from it is (Kahn 1962); a chain of a million takes a stack of one. */
static void place_nodes(Walk *w, const PlanRequest *r)
{
    NodeStack stack = EMPTY_NODE_STACK(stack);
    for (int64_t i = 0; i < r->outputs; i++)
        if (gt_tracked(r->ys[i]) && !is_barrier(w, r->ys[i]) && r->ys[i]->object.link.visit.index == 0)
            place_node(&stack, r->ys[i]);
    size_t barriers = w->count;
    while (stack.count > 0) {
        GradTensor *node = stack.at[--stack.count], *input;
        InputCursor cursor = inputs_of_node(node);
        add_step(w, node);
        while ((input = next_input(&cursor)) != NULL)
            if (!is_barrier(w, input) && --input->object.link.visit.index == 0)
                place_node(&stack, input);
    }
    for (size_t i = barriers, j = w->count; i < j; i++) {       /* outputs first becomes inputs first */
        Step step = w->steps[--j];
        w->steps[j] = w->steps[i];
        w->steps[i] = step;
        w->steps[j].node->object.link.visit.index = (uint32_t)j;
        w->steps[i].node->object.link.visit.index = (uint32_t)i;
    }
}

static void plan_inputs(Walk *w)
{
    for (size_t i = 0; i < w->count; i++) {
        InputCursor cursor = inputs_of_node(w->steps[i].node);
        GradTensor *input;
        w->steps[i].first_input = (uint32_t)w->input_count;
        while (!w->steps[i].barrier && (input = next_input(&cursor)) != NULL)
            w->inputs[w->input_count++] = input->object.link.visit.index;
    }
}

static size_t input_end(const Walk *w, size_t i)
{
    return i + 1 < w->count ? w->steps[i + 1].first_input : w->input_count;
}

static void plan_barriers(Walk *w, int64_t count, GradTensor *const *at, uint32_t epoch)
{
    for (int64_t i = 0; i < count; i++)
        if (mark_once(at[i], epoch))
            add_step(w, at[i])->barrier = true;
}

/* Targets and stops come first and are not walked through; they do not depend on each other. */
static Walk *plan(int64_t outputs, GradTensor *const *ys, int64_t targets, GradTensor *const *at,
                  const TensorList *stops)
{
    Walk *w = object_new_zeroed(&walk_type, sizeof *w);
    PoolMark mark = pool_mark();
    PlanRequest r = {outputs, ys, ++grad_state()->epoch, 0, 0};
    size_t barriers = (size_t)targets + (stops != NULL ? (size_t)stops->count : 0);
    w->steps = mem_alloc(mem_product(barriers, sizeof *w->steps) + 1);
    w->capacity = barriers;
    plan_barriers(w, targets, at, r.epoch);
    if (stops != NULL)
        plan_barriers(w, stops->count, stops->at, r.epoch);
    count_uses(w, &r);
    if (w->count + r.nodes >= PLACED || r.inputs >= PLACED)
        error_throw(ERROR_LIMIT, "the recorded graph has too many operations");
    w->steps = mem_realloc(w->steps, barriers * sizeof *w->steps + 1, (w->count + r.nodes) * sizeof *w->steps + 1);
    w->capacity = w->count + r.nodes;
    w->inputs = mem_alloc(r.inputs * sizeof *w->inputs + 1);
    w->input_capacity = r.inputs;
    place_nodes(w, &r);
    plan_inputs(w);
    pool_drain(mark);
    return w;
}

/* The position of a node in the plan just made, or SIZE_MAX. */
static size_t position(const Walk *w, const GradTensor *node)
{
    const Step *step = step_of(w, node);
    return step != NULL ? (size_t)(step - w->steps) : SIZE_MAX;
}

static void spread_wanted(Walk *w)
{
    for (size_t i = 0; i < w->count; i++)
        for (size_t k = w->steps[i].first_input; k < input_end(w, i) && !w->steps[i].wanted; k++)
            w->steps[i].wanted = w->steps[w->inputs[k]].wanted;
}

/* ---- backward ---- */

/* A sum that only this walk can see is added to in place; otherwise, or when it must be recorded, a new one is made. */
static void add_to_sum(GradTensor **sum, GradTensor *g)
{
    if (*sum == NULL) {
        *sum = object_retain(g);
    } else if ((*sum)->object.refs == 1 && !gt_tracked(*sum) && !gt_tracked(g) && gt_batch(*sum) == 0
               && gt_batch(g) == 0) {
        tensor_add_into(&(*sum)->t, &g->t);
    } else {
        GradTensor *added = object_retain(gt_add(*sum, g));
        object_release(*sum);
        *sum = added;
    }
}

static void add_cotangent(Walk *w, size_t to, GradTensor *g)
{
    if (g != NULL)
        add_to_sum(&w->steps[to].sum.one, g);
}

static void add_picked(Walk *w, size_t bundle, int64_t k, GradTensor *g)
{
    Step *step = &w->steps[bundle];
    if (step->sum.many == NULL)
        step->sum.many = object_retain(tensor_list_new(step->node->op->outputs, NULL));
    add_to_sum(&step->sum.many->at[k], g);
}

/* Passes the cotangent of step i on to the elements of list argument a, the first tracked of which is input `next`;
 * returns the input behind them. */
static size_t step_back_list(Walk *w, size_t i, int a, size_t next)
{
    OpCall c = call_of(w->steps[i].node);
    const TensorList *list = c.args[a].tensors;
    GradTensor **all = NULL;
    if (c.op->vjp_all != NULL) {
        all = scratch_zeroed((size_t)list->count * sizeof *all + 1);
        c.op->vjp_all(&c, a, w->steps[i].sum.one, all);
    }
    for (int64_t k = 0; k < list->count; k++) {
        if (!gt_tracked(list->at[k]))
            continue;
        size_t to = w->inputs[next++];
        if (w->steps[to].wanted)
            add_cotangent(w, to, all != NULL ? all[k] : c.op->vjp_list(&c, a, k, w->steps[i].sum.one));
    }
    return next;
}

/* Passes the cotangent of step i on to its inputs. */
static void step_back(Walk *w, size_t i)
{
    GradTensor *node = w->steps[i].node;
    const Op *op = node->op;
    OpCall c = call_of(node);
    size_t next = w->steps[i].first_input;
    if (op == &op_pick) {
        add_picked(w, w->inputs[next], c.args[1].integer, w->steps[i].sum.one);
        return;
    }
    FOR_MASK(a, op->tensor_args & ~(op->constant_args | c.numbers)) {
        if (c.args[a].tensor == NULL || !gt_tracked(c.args[a].tensor))
            continue;
        size_t to = w->inputs[next++];
        if (w->steps[to].wanted)
            add_cotangent(w, to, op->outputs > 0 ? op->vjp_many(&c, (int)a, w->steps[i].sum.many->at)
                                                 : call_vjp(&c, (int)a, w->steps[i].sum.one));
    }
    FOR_MASK(a, op->list_args & ~op->constant_args)
        next = step_back_list(w, i, (int)a, next);
}

/* From the outputs, whose cotangents are set, down to everything wanted. */
static void run_back(Walk *w, bool create_graph, bool consume)
{
    bool recording = grad_state()->recording;
    grad_state()->recording = create_graph;
    for (size_t i = w->count; i-- > 0;) {
        Step *step = &w->steps[i];
        PoolMark mark = pool_mark();
        interrupt_poll();
        if (step->wanted && !step->barrier && step->sum.one != NULL && step->node->op != NULL)
            step_back(w, i);
        step = &w->steps[i];
        if (!step->keep) {
            object_release(step->sum.one);
            step->sum.one = NULL;
        }
        if (consume) {
            if (step->node->object.refs <= 2 && step->node->op != NULL && !step->keep)
                gt_forget_history(step->node);
            object_release(step->node);
            step->node = NULL;
        }
        pool_drain(mark);
    }
    grad_state()->recording = recording;
}

static void seed_output(Walk *w, GradTensor *y, GradTensor *seed)
{
    size_t i = position(w, y);
    if (i == SIZE_MAX)
        return;
    if (seed == NULL)
        seed = gt_ones_like(y);
    add_cotangent(w, i, seed);
}

/* Does the planned graph reach beyond the targets, or may a rule in it? */
static bool is_nested(const Walk *w)
{
    for (size_t i = 0; i < w->count; i++) {
        const Step *step = &w->steps[i];
        const Op *op = step->node->op;
        if (step->barrier == (op != NULL) || (op != NULL && op->depends_freely))
            return true;
    }
    return false;
}

void gradients_within(int64_t outputs, GradTensor *const *ys, GradTensor *const *seeds, int64_t count,
                      GradTensor *const *targets, GradTensor **out, GraphUse use, const TensorList *stops)
{
    PoolMark mark = pool_mark();
    TensorList *results = tensor_list_new(count, NULL);
    size_t *at = scratch((size_t)count * sizeof *at);
    Walk *w = plan(outputs, ys, count, targets, stops);
    if (use == GRAPH_NESTED)
        use = is_nested(w) ? GRAPH_RECORD : GRAPH_CONSUME;
    for (int64_t k = 0; k < count; k++) {
        at[k] = position(w, targets[k]);
        w->steps[at[k]].wanted = w->steps[at[k]].keep = true;
    }
    spread_wanted(w);
    for (int64_t k = 0; k < outputs; k++)
        seed_output(w, ys[k], seeds != NULL ? seeds[k] : NULL);
    run_back(w, use == GRAPH_RECORD, use == GRAPH_CONSUME);
    for (int64_t k = 0; k < count; k++)
        results->at[k] = object_retain_any(w->steps[at[k]].sum.one);
    pool_drain_except(mark, results);
    memcpy(out, results->at, (size_t)count * sizeof *out);
}

void gradients_of(int64_t outputs, GradTensor *const *ys, GradTensor *const *seeds, int64_t count,
                  GradTensor *const *targets, GradTensor **out, GraphUse use)
{
    gradients_within(outputs, ys, seeds, count, targets, out, use, NULL);
}

static Variable *leaf_variable(const GradTensor *node)
{
    return node->home != NULL && node->home->type == &home_type ? ((Home *)node->home)->variable : NULL;
}

static bool keeps_gradient(const GradTensor *node)
{
    return node->home != NULL && node->home->type == &retained_type;
}

/* Only when the whole walk has succeeded are gradients stored. A variable may have several leaves in a graph, one per
 * value it had; an attached gradient is overwritten by the first of them. */
static void store_gradients(Walk *w, bool create_graph)
{
    PoolMark mark = pool_mark();
    for (size_t i = 0; i < w->count; i++) {
        Variable *v = leaf_variable(w->steps[i].node);
        if (v != NULL && v->overwrite && w->steps[i].sum.one != NULL)
            variable_set_grad(v, NULL);
    }
    bool recording = grad_state()->recording;
    grad_state()->recording = create_graph;
    for (size_t i = 0; i < w->count; i++) {
        GradTensor *g = w->steps[i].sum.one;
        Variable *v = leaf_variable(w->steps[i].node);
        if (g == NULL)
            continue;
        tensor_settle(&g->t);
        if (v != NULL) {
            add_to_sum(&v->grad, g);
        } else if (keeps_gradient(w->steps[i].node)) {
            Retained *kept = (Retained *)w->steps[i].node->home;
            add_to_sum(&kept->grad, gt_detach(g));
        }
    }
    grad_state()->recording = recording;
    pool_drain(mark);
}

void backward(GradTensor *y, GradTensor *seed, bool create_graph)
{
    if (!gt_tracked(y))
        error_throw_hint(ERROR_VALUE, "nothing was recorded: use parameter(...) or attach_grad(x) before the "
                         "computation, and compute outside of nograd",
                         "this value does not depend on any parameter");
    PoolMark mark = pool_mark();
    Walk *w = plan(1, &y, 0, NULL, NULL);
    for (size_t i = 0; i < w->count; i++) {
        const GradTensor *node = w->steps[i].node;
        w->steps[i].keep = leaf_variable(node) != NULL || keeps_gradient(node);
        w->steps[i].wanted = w->steps[i].keep;
    }
    spread_wanted(w);
    seed_output(w, y, seed);
    run_back(w, create_graph, false);
    store_gradients(w, create_graph);
    pool_drain(mark);
}

/* ---- forward ---- */

/* The tangents of the inputs of step i as call_jvp wants them; false when there are none. */
static bool gather_tangents(const Walk *w, size_t i, GradTensor **tangents, TensorList **lists)
{
    const GradTensor *node = w->steps[i].node;
    const Arg *args = gt_args(node);
    size_t next = w->steps[i].first_input;
    bool any = false;
    memset(tangents, 0, OP_MAX_ARGS * sizeof *tangents);
    memset(lists, 0, OP_MAX_ARGS * sizeof *lists);
    FOR_MASK(a, node->op->tensor_args & ~(node->op->constant_args | gt_numbers(node))) {
        if (args[a].tensor == NULL || !gt_tracked(args[a].tensor))
            continue;
        tangents[a] = w->steps[w->inputs[next++]].sum.one;
        any |= tangents[a] != NULL;
    }
    FOR_MASK(a, node->op->list_args & ~node->op->constant_args) {
        lists[a] = tensor_list_new(args[a].tensors->count, NULL);
        for (int64_t k = 0; k < lists[a]->count; k++) {
            if (!gt_tracked(args[a].tensors->at[k]))
                continue;
            GradTensor *t = w->steps[w->inputs[next++]].sum.one;
            lists[a]->at[k] = object_retain_any(t);
            any |= t != NULL;
        }
    }
    return any;
}

static void step_forward(Walk *w, size_t i)
{
    GradTensor *node = w->steps[i].node, *tangents[OP_MAX_ARGS];
    TensorList *lists[OP_MAX_ARGS];
    OpCall c = call_of(node);
    if (node->op == &op_pick) {
        const TensorList *many = w->steps[w->inputs[w->steps[i].first_input]].sum.many;
        GradTensor *t = many != NULL ? many->at[c.args[1].integer] : NULL;
        w->steps[i].sum.one = object_retain_any(t);
        return;
    }
    if (!gather_tangents(w, i, tangents, lists))
        return;
    if (node->op->outputs > 0) {
        TensorList *many = tensor_list_new(node->op->outputs, NULL);
        GradTensor **out = scratch_zeroed((size_t)many->count * sizeof *out);
        call_jvp_many(&c, tangents, lists, out);
        for (int64_t k = 0; k < many->count; k++)
            many->at[k] = object_retain_any(out[k]);
        w->steps[i].sum.many = object_retain(many);
    } else {
        GradTensor *t = call_jvp(&c, tangents, lists);
        w->steps[i].sum.one = object_retain_any(t);
    }
}

void pushforward(int64_t count, GradTensor *const *sources, GradTensor *const *tangents, int64_t outputs,
                 GradTensor *const *ys, GradTensor **out)
{
    PoolMark mark = pool_mark();
    TensorList *results = tensor_list_new(outputs, NULL);
    size_t *at = scratch((size_t)outputs * sizeof *at);
    Walk *w = plan(outputs, ys, count, sources, NULL);
    for (int64_t k = 0; k < outputs; k++)
        at[k] = gt_tracked(ys[k]) ? position(w, ys[k]) : SIZE_MAX;
    for (int64_t k = 0; k < count; k++)
        add_cotangent(w, position(w, sources[k]), tangents[k]);
    for (size_t i = 0; i < w->count; i++) {
        PoolMark step = pool_mark();
        interrupt_poll();
        if (!w->steps[i].barrier && w->steps[i].node->op != NULL)
            step_forward(w, i);
        pool_drain(step);
    }
    for (int64_t k = 0; k < outputs; k++)
        if (at[k] != SIZE_MAX)
            results->at[k] = object_retain_any(w->steps[at[k]].sum.one);
    pool_drain_except(mark, results);
    memcpy(out, results->at, (size_t)outputs * sizeof *out);
}

/* Ends at the first leaf. A source that is a node of another level is walked through: what is below it are leaves of
 * that level. */
static bool reaches_leaf(GradTensor *root, uint32_t epoch, bool derivative)
{
    NodeStack stack = EMPTY_NODE_STACK(stack);
    if (gt_tracked(root) && mark_once(root, epoch))
        push_node(&stack, root);
    while (stack.count > 0) {
        GradTensor *node = stack.at[--stack.count], *input;
        InputCursor cursor = inputs_of_node(node);
        if (node->op == NULL || (derivative && node->op->depends_freely))
            return true;
        while ((input = next_input(&cursor)) != NULL)
            if (mark_once(input, epoch))
                push_node(&stack, input);
    }
    return false;
}

bool depends_on_others(int64_t outputs, GradTensor *const *ys, int64_t count, GradTensor *const *sources,
                       bool derivative)
{
    PoolMark mark = pool_mark();
    uint32_t epoch = ++grad_state()->epoch;
    bool found = false;
    for (int64_t k = 0; k < count; k++)
        if (sources[k]->op == NULL)
            sources[k]->object.link.visit.mark = epoch;
    for (int64_t k = 0; k < outputs && !found; k++)
        found = reaches_leaf(ys[k], epoch, derivative);
    pool_drain(mark);
    return found;
}
