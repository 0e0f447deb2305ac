/* help, doc and source: what the language says about itself. */
#include "lib/reference.h"
#include "lib/row.h"
#include "lib/topics.h"

#include <string.h>

static void write_buf(const Buf *out)
{
    session_write(buf_text(out), out->bytes);
}

static const char overview[] =
    "dbx is a language for differentiable math.\n"
    "\n"
    "  f(x) = sin(x) * exp(-x^2)      a function\n"
    "  f'(0), f''(0.5)                its derivatives\n"
    "  x = parameter([2, 3, 4])       a tensor that collects a gradient\n"
    "  y = sum(x * x); backward(y)    derivatives of y ...\n"
    "  x.grad                         ... are here\n"
    "  x[0], x[1:], x[-1]             elements and parts\n"
    "  fn g(a, b=1) { return a + b }  a function of statements; if, while, for ... in, try ... catch\n"
    "\n"
    "help(sin) explains a function, help(\"solve linear\") searches, source(f) shows code, vars() what\n"
    "there is. "
    "help(\"operators\") explains a topic:\n ";

/* The function that a name stands for where help was called, or TAG_UNSET. */
static Value function_named(String *name)
{
    const Frame *frame = session()->frame;
    const Cell *cell = table_find(&(frame != NULL ? frame->module : session()->main)->cells, name->text,
                                  name->bytes);
    if (cell == NULL || cell->value.tag != TAG_FUNCTION)
        cell = builtin_cell(name->text);
    return cell != NULL && cell->value.tag == TAG_FUNCTION ? cell->value : (Value){TAG_UNSET, {.any = NULL}};
}

static void search(Buf *out, const String *text)
{
    if (reference_search(out, text->text))
        return;
    Nearest nearest = nearest_begin(text->text);
    Rows rows = rows_all();
    for (uint32_t i = 0; i < rows.count; i++)
        nearest_offer(&nearest, rows.at[i].name);
    buf_printf(out, "There is nothing about \"%s\".", text->text);
    if (nearest.best != NULL)
        buf_printf(out, " Did you mean %s?", nearest.best);
    buf_puts(out, " help() lists all functions.\n");
}

static void describe(Buf *out, Value v)
{
    const GradTensor *x = v.tag == TAG_TENSOR || v.tag == TAG_VARIABLE ? value_tensor(v) : NULL;
    if (v.tag == TAG_VARIABLE)
        buf_printf(out, "A %s", ((Variable *)v.as.any)->kind == VARIABLE_PARAMETER ? "parameter" : "buffer");
    else
        buf_printf(out, "A value of type %s", value_type_name(v));
    if (x != NULL)
        buf_printf(out,
                   " of shape %s and dtype %s; it has the properties "
                   "shape ndim size dtype grad requires_grad T",
                   shape_text(x->t.ndim, tensor_shape(&x->t)), dtype_name(gt_dtype(x)));
    buf_puts(out, ". help(f) explains functions.\n");
}

static void put_overview(Buf *out)
{
    buf_puts(out, overview);
    for (const Topic *topic = topics; topic->name != NULL; topic++)
        buf_printf(out, " %s", topic->name);
    buf_puts(out, "\n\n");
    reference_names(out);
}

/* A function's name, a topic, a word of one, or anything else to look for. */
static void put_help_on(Buf *out, String *text)
{
    Value f = function_named(text);
    const Topic *topic = topic_find(text->text);
    if (f.tag == TAG_FUNCTION)
        reference_entry(out, f);
    else if (topic != NULL)
        buf_printf(out, "%s\n", topic->text);
    else
        search(out, text);
}

static Value run_help(Call *call)
{
    Value about = call->args[0];
    Buf *out = buf_new();
    if (about.tag == TAG_STRING)
        put_help_on(out, about.as.any);
    else if (about.tag == TAG_FUNCTION)
        reference_entry(out, about);
    else if (about.tag == TAG_NONE)
        put_overview(out);
    else
        describe(out, about);
    write_buf(out);
    return value_none();
}

const Builtin builtin_help = {
    .usage = "help(about=none)", .section = "program",
    .doc = "Writes the entry of a function: how it is called, what it does, its errors, its derivative and "
           "an example. For a function of a program these are the `##` lines above its definition. "
           "help(\"operators\") explains a topic or a keyword, help(\"any words\") searches all entries, "
           "help() lists topics and functions.",
    .example = "## Doubles.\n"
               "f(x) = 2 * x\n"
               "help(f)  #=> f(x)\n"
               "#=> Doubles.\n"
               "#=> Defined in <example>, line 2.",
    .related = "doc source vars",
    .run = run_help,
};

static Value run_doc(Call *call)
{
    const char *doc = row_of(arg_function(call, 0)).doc;
    return value_text(doc != NULL ? doc : "");
}

const Builtin builtin_doc = {
    .usage = "doc(f)", .section = "program",
    .doc = "What a function's documentation says it does, as a string; empty when there is none.",
    .errors = "type when f is not a function.",
    .example = "doc(starts_with)  #=> Whether the text begins with the prefix.",
    .related = "help source",
    .run = run_doc,
};

static Value run_source(Call *call)
{
    const Function *f = arg_function(call, 0).as.any;
    if (f->kind != FUNCTION_CLOSURE)
        error_throw_hint(ERROR_VALUE, "help(f) explains it",
                         "source: `%s` is built in and has no source in the language",
                         function_name(f));
    Span span = f->as.code->node->span;
    return value_string(string_new(f->chunk->source->text + span.start, span.end - span.start));
}

const Builtin builtin_source = {
    .usage = "source(f)", .section = "program",
    .doc = "The text that defines a function of a program or of the standard library.",
    .errors = "type when f is not a function; value when it is built in.",
    .example = "f(x) = x^2 + 1\nsource(f)  #=> f(x) = x^2 + 1",
    .related = "help doc",
    .run = run_source,
};
