#include "lib/reference.h"

#include "lib/row.h"
#include "lib/topics.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- one function, for a terminal ---- */

static int page_width(void)
{
    int width = session()->width;
    return width > 40 && width < 100 ? width : 96;
}

/* The words of a text in lines that begin with `indent` spaces; the first line has begun already, at
 * column `column`. */
static void put_wrapped(Buf *out, const char *text, size_t indent, size_t column)
{
    size_t width = (size_t)page_width();
    for (const char *word = text; *word != '\0';) {
        size_t bytes = strcspn(word, " ");
        size_t columns = (size_t)text_width(word, bytes);
        if (column > indent && column + 1 + columns > width) {
            buf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            buf_putc(out, ' ');
            column++;
        }
        buf_add(out, word, bytes);
        column += columns;
        word += bytes + strspn(word + bytes, " ");
    }
    buf_putc(out, '\n');
}

static void put_paragraph(Buf *out, const char *label, const char *text)
{
    if (text == NULL)
        return;
    buf_printf(out, "  %s", label);
    put_wrapped(out, text, *label == '\0' ? 2 : 4, 2 + strlen(label));
}

/* Each line as it is. */
static void put_lines(Buf *out, const char *text, const char *indent)
{
    while (*text != '\0') {
        size_t bytes = strcspn(text, "\n");
        buf_puts(out, indent);
        buf_add(out, text, bytes);
        buf_putc(out, '\n');
        text += bytes + (text[bytes] == '\n');
    }
}

static void put_place(Buf *out, const Function *f)
{
    const Source *source = f->chunk->source;
    if (!f->as.code->module->builtin_scope)
        buf_printf(out, "  Defined in %s, line %u.\n", source->name->text,
                   source_place(source, f->as.code->node->span.start).line);
}

void reference_entry(Buf *out, Value function)
{
    const Function *f = function.as.any;
    Row row = row_of(function);
    buf_printf(out, "%s\n", row.usage);
    if (f->kind == FUNCTION_CLOSURE) {
        put_lines(out, row.doc != NULL ? row.doc : "It has no documentation: `##` lines above it would be.",
                  "  ");
        put_place(out, f);
        return;
    }
    put_paragraph(out, "", row.doc);
    put_paragraph(out, "Errors:", row.errors);
    put_paragraph(out, "Derivative:", row.derivative);
    if (row.example != NULL) {
        buf_puts(out, "  Example:\n");
        put_lines(out, row.example, "    ");
    }
    put_paragraph(out, "See also:", row.related);
}

/* ---- all of them ---- */

void reference_names(Buf *out)
{
    Rows rows = rows_all();
    for (uint32_t i = 0; i < rows.count;) {
        const char *section = rows.at[i].section;
        Buf *names = buf_new();
        for (; i < rows.count && strcmp(rows.at[i].section, section) == 0; i++)
            buf_printf(names, "%s ", rows.at[i].name);
        buf_printf(out, "%s\n  ", section);
        put_wrapped(out, buf_text(names), 2, 2);
    }
}

static void put_related(Buf *out, const char *related)
{
    buf_puts(out, "See also:");
    for (const char *at = related + strspn(related, " "); *at != '\0';) {
        int bytes = (int)strcspn(at, " ");
        buf_printf(out, " [%.*s](#%.*s)", bytes, at, bytes, at);
        at += bytes;
        at += strspn(at, " ");
    }
    buf_puts(out, "\n\n");
}

static void put_markdown(Buf *out, const Row *row)
{
    buf_printf(out, "### <a id=\"%s\"></a>`%s`\n\n%s\n\n", row->name, row->usage,
               row->doc != NULL ? row->doc : "");
    if (row->errors != NULL)
        buf_printf(out, "*Errors:* %s\n\n", row->errors);
    if (row->derivative != NULL)
        buf_printf(out, "*Derivative:* %s\n\n", row->derivative);
    if (row->example != NULL)
        buf_printf(out, "```\n%s\n```\n\n", row->example);
    if (row->related != NULL)
        put_related(out, row->related);
}

static void reference_page(Buf *out)
{
    Rows rows = rows_all();
    buf_puts(out, "# Reference\n\n"
                  "Made by `make docs` from what `help` shows. A parameter with `=` may be left out; "
                  "`x.f(a)` means `f(x, a)`.\n\n"
                  "## The language\n\n");
    for (const Topic *topic = topics; topic->name != NULL; topic++)
        buf_printf(out, "### %c%s\n\n```\n%s\n```\n\n", toupper((unsigned char)*topic->name), topic->name + 1,
                   topic->text);
    for (uint32_t i = 0; i < rows.count; i++) {
        if (i == 0 || strcmp(rows.at[i].section, rows.at[i - 1].section) != 0)
            buf_printf(out, "## %c%s\n\n", toupper((unsigned char)*rows.at[i].section),
                       rows.at[i].section + 1);
        put_markdown(out, &rows.at[i]);
    }
}

/* ---- search ---- */

static bool holds_word(const Row *row, const char *word)
{
    const char *const texts[] = {row->name, row->usage, row->section, row->doc, row->derivative,
                                 row->related};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i] != NULL && strcasestr(texts[i], word) != NULL)
            return true;
    return false;
}

static bool holds_words(const Row *row, const char *text)
{
    for (const char *at = text + strspn(text, " "); *at != '\0';) {
        size_t bytes = strcspn(at, " ");
        if (!holds_word(row, string_new(at, bytes)->text))
            return false;
        at += bytes;
        at += strspn(at, " ");
    }
    return true;
}

/* Up to the first full stop that ends a sentence. */
static size_t first_sentence(const char *doc)
{
    const char *end = strstr(doc, ". ");
    size_t line = strcspn(doc, "\n"), sentence = end != NULL ? (size_t)(end - doc) + 1 : strlen(doc);
    return sentence < line ? sentence : line;
}

static void put_found(Buf *out, const Row *row)
{
    enum { COLUMN = 18 };
    size_t name = (size_t)text_width(row->name, strlen(row->name));
    buf_printf(out, "%s%*s", row->name, name < COLUMN ? (int)(COLUMN - name) : 1, "");
    if (row->doc == NULL)
        buf_putc(out, '\n');
    else
        put_wrapped(out, string_new(row->doc, first_sentence(row->doc))->text, COLUMN, COLUMN);
}

bool reference_search(Buf *out, const char *text)
{
    Rows rows = rows_all();
    bool found = false;
    if (text[strspn(text, " ")] == '\0')
        return false;
    for (int by_name = 1; by_name >= 0; by_name--) {       /* names that hold the text come first */
        for (uint32_t i = 0; i < rows.count; i++) {
            const Row *row = &rows.at[i];
            if ((strcasestr(row->name, text) != NULL) == by_name && holds_words(row, text)) {
                put_found(out, row);
                found = true;
            }
        }
    }
    return found;
}

/* ---- for the command line ---- */

typedef struct Printing {
    const char *name;
    bool found;
} Printing;

static void print_body(void *data)
{
    Printing *p = data;
    Buf *out = buf_new();
    const Cell *cell = p->name != NULL ? builtin_cell(p->name) : NULL;
    p->found = true;
    if (p->name == NULL)
        reference_page(out);
    else if (cell != NULL && cell->value.tag == TAG_FUNCTION)
        reference_entry(out, cell->value);
    else if (topic_find(p->name) != NULL)
        buf_printf(out, "%s\n", topic_find(p->name)->text);
    else
        p->found = reference_search(out, p->name);
    session_write(buf_text(out), out->bytes);
}

bool reference_print(Session *s, const char *name)
{
    Printing printing = {name, false};
    bool written = session_attempt(s, print_body, &printing);
    if (!written)
        fputs(session_error(s), stderr);
    else if (!printing.found)
        fprintf(stderr, "dbx: there is nothing about \"%s\"\n", name);
    return written && printing.found;
}
