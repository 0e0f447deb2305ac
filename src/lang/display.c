#include "lang/display.h"

#include "base/runtime.h"
#include "lang/parse.h"
#include "tensor/show.h"

#include <string.h>

/* Containers are shown recursively; how deep is limited by the C stack alone, which is checked. */

static ShowOptions show_options(bool one_line)
{
    return (ShowOptions){.precision = session()->precision, .width = one_line ? 0 : session()->width,
                         .threshold = 1000, .one_line = one_line};
}

static void display_quoted(Buf *out, const String *s)
{
    buf_putc(out, '"');
    for (size_t i = 0; i < s->bytes; i++) {
        char c = s->text[i];
        switch (c) {
        case '\n': buf_puts(out, "\\n"); break;
        case '\t': buf_puts(out, "\\t"); break;
        case '\r': buf_puts(out, "\\r"); break;
        case '\0': buf_puts(out, "\\0"); break;
        case '"': buf_puts(out, "\\\""); break;
        case '\\': buf_puts(out, "\\\\"); break;
        default:
            if ((uint8_t)c < 0x20 || c == 0x7f)
                buf_printf(out, "\\u{%x}", (unsigned)(uint8_t)c);
            else
                buf_putc(out, c);
        }
    }
    buf_putc(out, '"');
}

static void display_nested(Buf *out, Value v);

static void display_tuple(Buf *out, const Tuple *t)
{
    stack_check();
    buf_putc(out, '(');
    for (uint32_t i = 0; i < t->count; i++) {
        if (i > 0)
            buf_puts(out, ", ");
        display_nested(out, tuple_items(t)[i]);
    }
    buf_puts(out, t->count == 1 ? ",)" : ")");
}

/* A key stands without quotes where the lexer reads it as a name, so that the record reads back. */
bool display_bare_key(const String *key)
{
    PoolMark mark = pool_mark();
    Span span;
    bool bare = token_scan_next(token_scan_new(key->text, key->bytes), &span) == TOKEN_CLASS_NAME && span.start == 0
        && span.end == key->bytes;
    pool_drain(mark);
    return bare;
}

static void display_key(Buf *out, const String *key)
{
    if (display_bare_key(key))
        buf_puts(out, key->text);
    else
        display_quoted(out, key);
    buf_puts(out, ": ");
}

static void display_record(Buf *out, const Record *r)
{
    stack_check();
    buf_putc(out, '{');
    for (uint32_t i = 0; i < r->count; i++) {
        if (i > 0)
            buf_puts(out, ", ");
        display_key(out, r->fields[i].key);
        display_nested(out, r->fields[i].value);
    }
    buf_putc(out, '}');
}

static void display_range(Buf *out, const Range *r)
{
    buf_puts(out, "range(");
    show_number(out, r->start);
    buf_puts(out, ", ");
    show_number(out, r->stop);
    if (r->step != 1) {
        buf_puts(out, ", ");
        show_number(out, r->step);
    }
    buf_putc(out, ')');
}

/* What print and repr show alike; false for the others. */
static bool display_common(Buf *out, Value v)
{
    switch (v.tag) {
    case TAG_NONE:
        buf_puts(out, "none");
        return true;
    case TAG_BOOL:
        buf_puts(out, v.as.boolean ? "true" : "false");
        return true;
    case TAG_NUMBER:
        show_number(out, v.as.number);
        return true;
    case TAG_TUPLE:
        display_tuple(out, v.as.any);
        return true;
    case TAG_RECORD:
        display_record(out, v.as.any);
        return true;
    case TAG_FUNCTION:
        buf_printf(out, "<function %s>", function_usage(v.as.any)->text);
        return true;
    case TAG_RANGE:
        display_range(out, v.as.any);
        return true;
    default:
        return false;
    }
}

/* Inside a container: strings quoted, tensors on one line. */
static void display_nested(Buf *out, Value v)
{
    if (v.tag == TAG_STRING) {
        display_quoted(out, v.as.any);
    } else if (!display_common(out, v)) {
        ShowOptions options = show_options(true);
        show_tensor(out, &value_tensor(v)->t, &options, 0);
    }
}

void display_value(Buf *out, Value v)
{
    if (v.tag == TAG_STRING) {
        const String *s = v.as.any;
        buf_add(out, s->text, s->bytes);
    } else if (!display_common(out, v)) {
        ShowOptions options = show_options(false);
        show_tensor(out, &value_tensor(v)->t, &options, 0);
    }
}

static void display_tensor_repr(Buf *out, Value v)
{
    GradTensor *x = value_tensor(v);
    const char *name = "Tensor(";
    if (gt_weak(x)) {                 /* a number on its way through a derivative */
        display_value(out, v);
        return;
    }
    if (v.tag == TAG_VARIABLE)
        name = ((Variable *)v.as.any)->kind == VARIABLE_PARAMETER ? "Parameter(" : "Buffer(";
    ShowOptions options = show_options(false);
    buf_puts(out, name);
    show_tensor(out, &x->t, &options, (int)strlen(name));
    buf_printf(out, ", shape=%s, dtype=%s", shape_text(x->t.ndim, tensor_shape(&x->t)), dtype_name(gt_dtype(x)));
    const Op *op = x->op == &op_pick ? gt_args(x)[0].tensor->op : x->op;     /* one of several results */
    if (op != NULL)
        buf_printf(out, ", grad_fn=%s", op_name_text(op));
    buf_putc(out, ')');
}

void display_repr(Buf *out, Value v)
{
    if (v.tag == TAG_STRING)
        display_quoted(out, v.as.any);
    else if (!display_common(out, v))
        display_tensor_repr(out, v);
}

static _Noreturn void throw_format(Value v, char type)
{
    const GradTensor *x = value_tensor(v);
    error_throw(ERROR_TYPE, "format code '%c' needs one number, not %s%s", type, value_described(v),
                x == NULL ? "" : string_format(" of shape %s", shape_text(x->t.ndim, tensor_shape(&x->t)))->text);
}

/* A bool is formatted as text, `true`, unless the type asks for a number. */
void display_formatted(Buf *out, Value v, const char *spec, size_t bytes)
{
    GradTensor *x = bytes > 0 ? value_tensor(v) : NULL;
    bool number = bytes > 0 && strchr("deEfFgG%xXbo", spec[bytes - 1]) != NULL;
    if (x != NULL && x->t.size == 1 && (number || gt_dtype(x) != DTYPE_BOOL)) {
        format_number(out, tensor_item(&x->t), spec, bytes);
        return;
    }
    if (number)
        throw_format(v, spec[bytes - 1]);
    if (bytes == 0) {
        display_value(out, v);
        return;
    }
    Buf *text = buf_new();
    display_value(text, v);
    format_text(out, buf_text(text), text->bytes, spec, bytes);
}

/* ---- echo ---- */

enum { BLOCK_INDENT = 2 };

static bool fits_in_line(Value v, int column)
{
    Buf *line = buf_new();
    display_nested(line, v);
    return column + text_width(buf_text(line), line->bytes) < session()->width;
}

static void display_in_block(Buf *out, Value v, int indent, int column);

static void begin_block_line(Buf *out, int indent)
{
    buf_printf(out, "\n%*s", indent, "");
}

static void display_tuple_block(Buf *out, const Tuple *t, int indent)
{
    buf_putc(out, '(');
    for (uint32_t i = 0; i < t->count; i++) {
        begin_block_line(out, indent + BLOCK_INDENT);
        display_in_block(out, tuple_items(t)[i], indent + BLOCK_INDENT, indent + BLOCK_INDENT);
        buf_putc(out, ',');
    }
    begin_block_line(out, indent);
    buf_putc(out, ')');
}

static void display_record_block(Buf *out, const Record *r, int indent)
{
    buf_putc(out, '{');
    for (uint32_t i = 0; i < r->count; i++) {
        Buf *key = buf_new();
        display_key(key, r->fields[i].key);
        begin_block_line(out, indent + BLOCK_INDENT);
        buf_add(out, buf_text(key), key->bytes);
        int column = indent + BLOCK_INDENT + text_width(buf_text(key), key->bytes);
        display_in_block(out, r->fields[i].value, indent + BLOCK_INDENT, column);
        if (i + 1 < r->count)
            buf_putc(out, ',');
    }
    begin_block_line(out, indent);
    buf_putc(out, '}');
}

/* A part of a structure that is shown over several lines: what fits stays in one, a tensor is aligned under its first
 * row, which begins at `column`. */
static void display_in_block(Buf *out, Value v, int indent, int column)
{
    stack_check();
    if (v.tag == TAG_TENSOR || v.tag == TAG_VARIABLE) {
        ShowOptions options = show_options(false);
        show_tensor(out, &value_tensor(v)->t, &options, column);
    } else if (v.tag == TAG_RECORD && !fits_in_line(v, column)) {
        display_record_block(out, v.as.any, indent);
    } else if (v.tag == TAG_TUPLE && !fits_in_line(v, column)) {
        display_tuple_block(out, v.as.any, indent);
    } else {
        display_nested(out, v);
    }
}

/* On a terminal, a structure that is too long for a line is shown as an indented block. */
static void display_echo_text(Buf *out, Value v)
{
    bool structure = v.tag == TAG_RECORD || v.tag == TAG_TUPLE;
    if (structure && session()->width > 0 && !fits_in_line(v, 0))
        display_in_block(out, v, 0, 0);
    else
        display_repr(out, v);
}

void display_echo(Value v)
{
    Session *s = session();
    if (v.tag == TAG_NONE)
        return;
    Buf *text = buf_new(), *painted = buf_new();
    display_echo_text(text, v);
    buf_putc(text, '\n');
    if (s->paint != NULL)
        s->paint(painted, buf_text(text), text->bytes);
    else
        painted = text;
    session_write(buf_text(painted), painted->bytes);
    Cell *ans = module_cell(s->main, string_of("ans"));
    Value old = ans->value;
    ans->value = value_retain(v);
    value_release(old);
}
