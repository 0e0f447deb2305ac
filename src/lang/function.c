#include "lang/function.h"

#include <stdlib.h>
#include <string.h>

/* ---- function values ---- */

static void function_destroy(Object *self)
{
    Function *f = (Function *)self;
    for (uint32_t i = 0; i < f->capture_count; i++)
        value_release(f->captures[i]);
    object_release(f->signature);
    object_release(f->defaults);
    object_release(f->chunk);
}

static const ObjectType function_type = {"function", function_destroy};

static Function *function_new(FunctionKind kind, uint32_t captures)
{
    Function *f = object_new_zeroed(&function_type, sizeof *f + captures * sizeof *f->captures);
    f->kind = kind;
    f->capture_count = captures;
    return f;
}

Function *function_closure(FunctionCode *code)
{
    Function *f = function_new(FUNCTION_CLOSURE, code->capture_count);
    f->as.code = code;
    return f;
}

Function *function_op(const Op *op)
{
    Function *f = function_new(FUNCTION_OP, 0);
    f->as.op = op;
    return f;
}

Function *function_builtin(const Builtin *builtin)
{
    return native_function(builtin, 0, NULL);
}

Function *native_function(const Builtin *builtin, uint32_t count, const Value *captures)
{
    Function *f = function_new(FUNCTION_BUILTIN, count);
    f->as.builtin = builtin;
    for (uint32_t i = 0; i < count; i++)
        f->captures[i] = value_retain(captures[i]);
    return f;
}

const char *function_row_usage(const Function *f)
{
    return f->kind == FUNCTION_OP ? f->as.op->usage : f->as.builtin->usage;
}

const char *function_name(const Function *f)
{
    if (f->kind == FUNCTION_CLOSURE) {
        const String *name = f->as.code->node->as.function.name;
        return name != NULL ? name->text : "a function without a name";
    }
    const char *usage = function_row_usage(f);
    return string_new(usage, strcspn(usage, "("))->text;
}

/* ---- signatures ---- */

static void signature_destroy(Object *self)
{
    Signature *s = (Signature *)self;
    for (uint32_t i = 0; i < s->count; i++) {
        object_release(s->at[i].name);
        value_release(s->at[i].initial);
    }
}

static const ObjectType signature_type = {"signature", signature_destroy};

static Signature *signature_new(uint32_t count)
{
    Signature *s = object_new_zeroed(&signature_type, sizeof *s + count * sizeof *s->at);
    s->count = count;
    return s;
}

/* A default in a usage text: none, true, false, a number, inf, pi, "text" or (). */
static Value parse_default(const char *text, size_t bytes)
{
    String *s = string_new(text, bytes);
    char *end;
    if (string_is(s, "none"))
        return value_none();
    if (string_is(s, "true") || string_is(s, "false"))
        return value_bool(text[0] == 't');
    if (string_is(s, "()"))
        return value_object(TAG_TUPLE, tuple_new(0, NULL));
    if (text[0] == '"') {
        Buf *plain = buf_new();
        for (size_t i = 1; i + 1 < bytes; i++) {
            if (text[i] == '\\' && i + 2 < bytes)
                buf_putc(plain, text[++i] == 'n' ? '\n' : text[i] == 't' ? '\t' : text[i]);
            else
                buf_putc(plain, text[i]);
        }
        return value_string(buf_string(plain));
    }
    double x = strtod(s->text, &end);
    assert(*end == '\0' && "a default in a usage text");
    return value_number(x);
}

/* The text of one parameter ends at a comma outside of quotes and brackets. */
static size_t parameter_length(const char *at)
{
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0;; i++) {
        char c = at[i];
        if (c == '\0')
            return i;
        if (c == '"' && (i == 0 || at[i - 1] != '\\'))
            quoted = !quoted;
        if (quoted)
            continue;
        if (c == '(')
            depth++;
        if ((c == ')' && depth-- == 0) || (c == ',' && depth == 0))
            return i;
    }
}

static void parse_parameter(Parameter *p, const char *at, size_t bytes)
{
    p->rest = bytes > 3 && memcmp(at, "...", 3) == 0;
    if (p->rest) {
        at += 3;
        bytes -= 3;
    }
    const char *equals = memchr(at, '=', bytes);
    size_t name = equals != NULL ? (size_t)(equals - at) : bytes;
    p->name = object_retain(string_new(at, name));
    p->has_default = equals != NULL;
    p->initial = equals != NULL ? value_retain(parse_default(equals + 1, bytes - name - 1)) : value_none();
}

static Signature *signature_of_usage(const char *usage)
{
    const char *at = strchr(usage, '(');
    uint32_t count = 0;
    assert(at != NULL && "a usage text without parameters");
    const char *first = at + 1;
    for (const char *p = first; *p != ')' && *p != '\0'; count++) {
        p += parameter_length(p);
        p += strspn(p, ", ");
    }
    Signature *s = signature_new(count);
    const char *p = first;
    for (uint32_t i = 0; i < count; i++) {
        size_t bytes = parameter_length(p);
        parse_parameter(&s->at[i], p, bytes);
        p += bytes;
        p += strspn(p, ", ");
    }
    return s;
}

static Signature *signature_of_code(const FunctionCode *code)
{
    Signature *s = signature_new(code->param_count);
    for (uint32_t i = 0; i < code->param_count; i++) {
        const ParamNode *from = &code->node->as.function.params[i];
        s->at[i].name = object_retain(from->name);
        s->at[i].has_default = from->initial != NULL;
        s->at[i].initial = value_none();
        s->at[i].rest = from->rest;
    }
    return s;
}

Signature *function_signature(Function *f)
{
    if (f->signature == NULL) {
        Signature *s = f->kind == FUNCTION_CLOSURE ? signature_of_code(f->as.code)
                     : signature_of_usage(function_row_usage(f));
        while (s->rest < s->count && !s->at[s->rest].rest)
            s->rest++;
        for (uint32_t i = 0; i < s->count; i++)
            if (!s->at[i].has_default && !s->at[i].rest)
                s->required = i + 1;
        f->signature = object_retain(s);
    }
    return f->signature;
}

String *function_usage(Function *f)
{
    if (f->kind != FUNCTION_CLOSURE)
        return string_of(function_row_usage(f));
    Buf *out = buf_new();
    const Node *node = f->as.code->node;
    const char *text = f->chunk->source->text;
    buf_printf(out, "%s(", node->as.function.name != NULL ? function_name(f) : "");
    for (uint32_t i = 0; i < node->as.function.param_count; i++) {
        const ParamNode *p = &node->as.function.params[i];
        buf_printf(out, "%s%s%s", i > 0 ? ", " : "", p->rest ? "..." : "", p->name->text);
        if (p->initial != NULL) {
            buf_putc(out, '=');
            buf_add(out, text + p->initial->span.start, p->initial->span.end - p->initial->span.start);
        }
    }
    buf_putc(out, ')');
    return buf_string(out);
}
