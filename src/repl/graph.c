#include "repl/graph.h"

#include "base/runtime.h"

#include <string.h>

enum { MOST_LINES = 60 };

typedef struct Graph {
    Buf *out;
    const GradTensor *shown[MOST_LINES];
    int lines;
    bool cut;
} Graph;

/* The variable of the top level that holds the tensor, or NULL; `ans` only where no other does. */
static const char *name_of(const GradTensor *x)
{
    const CellTable *cells = &session()->main->cells;
    const char *name = NULL;
    for (uint32_t i = 0; i < cells->size; i++) {
        const Cell *cell = cells->slots[i];
        if (cell == NULL || (cell->value.tag != TAG_TENSOR && cell->value.tag != TAG_VARIABLE))
            continue;
        if (value_tensor(cell->value) == x && (name == NULL || strcmp(name, "ans") == 0))
            name = cell->name->text;
    }
    return name;
}

static bool is_shown(const Graph *g, const GradTensor *x)
{
    for (int i = 0; i < g->lines; i++)
        if (g->shown[i] == x)
            return true;
    return false;
}

/* One line: what made the tensor, or which leaf or constant it is. False when its inputs need not follow. */
static bool put_node(Graph *g, const GradTensor *x)
{
    const char *name = name_of(x);
    bool again = x->op != NULL && is_shown(g, x);
    g->shown[g->lines++] = x;
    if (name != NULL)
        buf_printf(g->out, "%s: ", name);
    buf_puts(g->out, x->op != NULL ? op_name_text(x->op) : gt_tracked(x) ? "parameter" : "constant");
    buf_printf(g->out, "  %s %s%s\n", dtype_name(gt_dtype(x)), shape_text(x->t.ndim, tensor_shape(&x->t)),
               again ? "  (as above)" : "");
    return x->op != NULL && !again;
}

/* Appends the tensors in argument i of the call. */
static void add_inputs(TensorList *inputs, const OpCall *c, int i)
{
    const TensorList *list = c->op->args[i] == ARG_TENSORS ? c->args[i].tensors : NULL;
    if (c->op->args[i] == ARG_TENSOR && (c->numbers >> i & 1) == 0 && c->args[i].tensor != NULL)
        inputs->at[inputs->count++] = object_retain(c->args[i].tensor);
    for (int64_t k = 0; list != NULL && k < list->count; k++)
        if (list->at[k] != NULL)
            inputs->at[inputs->count++] = object_retain(list->at[k]);
}

/* The tensors that the node depends on, in order. */
static TensorList *inputs_of(GradTensor *x)
{
    OpCall c = call_of(x);
    int64_t most = OP_MAX_ARGS;
    for (int i = 0; i < c.op->arg_count; i++)
        most += c.op->args[i] == ARG_TENSORS ? c.args[i].tensors->count : 0;
    TensorList *inputs = tensor_list_new(most, NULL);
    inputs->count = 0;
    for (int i = 0; i < c.op->arg_count; i++)
        add_inputs(inputs, &c, i);
    return inputs;
}

/* The depth is bounded by the number of lines. */
static void put_tree(Graph *g, GradTensor *x, const char *indent)
{
    if (!put_node(g, x))
        return;
    TensorList *inputs = inputs_of(x);
    for (int64_t i = 0; i < inputs->count && !g->cut; i++) {
        bool last = i + 1 == inputs->count;
        g->cut = g->lines == MOST_LINES;
        if (g->cut)
            return;
        buf_printf(g->out, "%s%s", indent, last ? "└─ " : "├─ ");
        put_tree(g, inputs->at[i], string_format("%s%s", indent, last ? "   " : "│  ")->text);
    }
}

void graph_show(Buf *out, Value v)
{
    GradTensor *x = value_tensor(v);
    Graph g = {.out = out};
    if (x == NULL || !gt_tracked(x)) {
        buf_puts(out, "Nothing was recorded for this value: it depends on no parameter.\n");
        return;
    }
    put_tree(&g, x, "");
    if (g.cut)
        buf_puts(out, "... and more\n");
}
