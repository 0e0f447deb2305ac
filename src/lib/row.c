#include "lib/row.h"

#include <stdlib.h>
#include <string.h>

static const char *derivative_text(const Op *op)
{
    if (op->derivative != NULL || op->constant == NULL)
        return op->derivative;
    return string_format("none: %s", op->constant)->text;
}

static Row closure_row(Function *f)
{
    const String *doc = f->as.code->node->as.function.doc;
    return (Row){.name = function_name(f), .usage = function_usage(f)->text,
                 .section = f->as.code->module->builtin_scope ? "standard library" : NULL,
                 .doc = doc != NULL ? doc->text : NULL};
}

Row row_of(Value function)
{
    Function *f = function.as.any;
    if (f->kind == FUNCTION_CLOSURE)
        return closure_row(f);
    if (f->kind == FUNCTION_BUILTIN) {
        const Builtin *b = f->as.builtin;
        return (Row){function_name(f), b->usage, b->section, b->doc, b->errors, NULL, b->example, b->related};
    }
    const Op *op = f->as.op;
    return (Row){function_name(f), op->usage, op->section, op->doc, op->errors, derivative_text(op),
                 op->example,
                 op->related};
}

/* Sections in the order of the reference page; others follow. */
static int section_rank(const char *section)
{
    static const char *const order[] = {"create", "elementwise", "reduce", "linear algebra", "shape", "index",
                                        "neural",
                                        "gradients", "derivatives", "structures", "text", "program", "files",
                                        "see", "standard library"};
    enum { SECTIONS = sizeof order / sizeof *order };
    for (int i = 0; i < SECTIONS; i++)
        if (strcmp(order[i], section) == 0)
            return i;
    return SECTIONS;
}

static int compare_rows(const void *a, const void *b)
{
    const Row *left = a, *right = b;
    int by_rank = section_rank(left->section) - section_rank(right->section);
    int by_section = strcmp(left->section, right->section);
    return by_rank != 0 ? by_rank : by_section != 0 ? by_section : strcmp(left->name, right->name);
}

Rows rows_all(void)
{
    const CellTable *table = &session()->builtins;
    Rows rows = {scratch(table->count * sizeof *rows.at + 1), 0};
    for (uint32_t i = 0; i < table->size; i++) {
        const Cell *cell = table->slots[i];
        if (cell == NULL || cell->value.tag != TAG_FUNCTION)
            continue;
        Row row = row_of(cell->value);
        if (row.section != NULL)
            rows.at[rows.count++] = row;
    }
    qsort(rows.at, rows.count, sizeof *rows.at, compare_rows);
    return rows;
}
