#include "repl/complete.h"

#include "base/runtime.h"
#include "lang/display.h"
#include "lang/function.h"
#include "lang/parse.h"
#include "lang/property.h"
#include "lang/session.h"
#include "lib/row.h"
#include "repl/commands.h"
#include "repl/latex.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the text before the cursor ---- */

typedef struct Token {
    TokenClass class;
    Span span;
} Token;

typedef struct Context {
    const char *text;
    size_t point;
    Token *tokens;                    /* all that end before the word; pool */
    uint32_t count;
    bool in_string;                   /* of the last token, which is not closed */
    bool in_comment;
    Candidates found;
} Context;

static bool is_name_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
        || (uint8_t)c >= 0x80;
}

static bool token_is(const Context *c, uint32_t i, const char *text)
{
    const Token *t = &c->tokens[i];
    size_t bytes = t->span.end - t->span.start;
    return i < c->count && bytes == strlen(text) && memcmp(c->text + t->span.start, text, bytes) == 0;
}

static void scan_tokens(Context *c)
{
    uint32_t capacity = 0;
    TokenScan *scan = token_scan_new(c->text, c->point);
    Token t;
    while ((t.class = token_scan_next(scan, &t.span)) != TOKEN_CLASS_END) {
        if (t.class == TOKEN_CLASS_ERROR && t.span.end == t.span.start)
            break;
        c->in_comment = t.class == TOKEN_CLASS_COMMENT && t.span.end == c->point;
        if (t.class == TOKEN_CLASS_COMMENT)
            continue;
        if (c->count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            Token *wider = scratch(mem_product(capacity, sizeof *wider));
            if (c->count > 0)
                memcpy(wider, c->tokens, c->count * sizeof *wider);
            c->tokens = wider;
        }
        c->tokens[c->count++] = t;
    }
    const Token *last = c->count > 0 ? &c->tokens[c->count - 1] : NULL;
    c->in_string = last != NULL && last->class == TOKEN_CLASS_ERROR && c->text[last->span.start] == '"'
        && last->span.end == c->point;
}

/* The word at the cursor is no token of its context. */
static void take_word(Context *c)
{
    c->found.start = c->point;
    while (c->found.start > 0 && is_name_byte(c->text[c->found.start - 1]))
        c->found.start--;
    while (c->count > 0 && c->tokens[c->count - 1].span.end > c->found.start)
        c->count--;
}

/* Fields, properties and named arguments come before what there is everywhere. */
enum { RANK_NEAR, RANK_FAR };

static void offer_ranked(Context *c, const char *text, Value value, int rank)
{
    Candidates *f = &c->found;
    size_t bytes = c->point - f->start;
    if (strncmp(text, c->text + f->start, bytes) != 0)
        return;
    if (f->count == f->capacity) {
        f->capacity = f->capacity ? 2 * f->capacity : 64;
        Candidate *wider = scratch(mem_product(f->capacity, sizeof *wider));
        if (f->count > 0)
            memcpy(wider, f->at, f->count * sizeof *wider);
        f->at = wider;
    }
    f->at[f->count++] = (Candidate){text, value, rank};
}

static void offer(Context *c, const char *text, Value value)
{
    offer_ranked(c, text, value, RANK_FAR);
}

static const Value unset = {TAG_UNSET, {.any = NULL}};

/* ---- values, looked up and not computed ---- */

static Value value_of_name(const Context *c, const Token *t)
{
    const char *name = c->text + t->span.start;
    size_t bytes = t->span.end - t->span.start;
    const Cell *cell = table_find(&session()->main->cells, name, bytes);
    if (cell != NULL && cell->value.tag != TAG_UNSET)
        return cell->value;
    cell = table_find(&session()->builtins, name, bytes);
    return cell != NULL ? cell->value : unset;
}

/* A property has a value without a computation; a transpose has the type of what is transposed. */
static Value value_of_property(Value x, const String *name)
{
    if (string_is(name, "T"))
        return x;
    for (int i = 0; property_names[i] != NULL; i++)
        if (string_is(name, property_names[i]) && value_is_numeric(x) && !string_is(name, "grad"))
            return property_read(x, name);
    return string_is(name, "grad") ? gradient_of(x) : unset;
}

/* The value of the names and fields that end with token i, such as `model.layers`; unset when it is not
 * known. */
static Value value_of_chain(const Context *c, uint32_t i)
{
    const Token *t = &c->tokens[i];
    if (i >= c->count || t->class != TOKEN_CLASS_NAME)
        return unset;
    if (i < 2 || !token_is(c, i - 1, "."))
        return value_of_name(c, t);
    Value object = value_of_chain(c, i - 2);
    const String *name = string_new(c->text + t->span.start, t->span.end - t->span.start);
    if (object.tag != TAG_RECORD)
        return object.tag == TAG_UNSET ? unset : value_of_property(object, name);
    const Field *field = record_find(object.as.any, name);
    return field != NULL ? field->value : unset;
}

/* ---- after a point ---- */

/* What can be applied to values of a type, by sections of the reference. */
static const struct { Tag tag; const char *sections[10]; } applicable[] = {
    {TAG_TENSOR, {"elementwise", "reduce", "linear algebra", "shape", "index", "neural", "gradients",
                  "structures", "see"}},
    {TAG_STRING, {"text", "structures", "files"}},
    {TAG_TUPLE, {"structures", "gradients", "text"}},
    {TAG_RECORD, {"structures", "gradients"}},
    {TAG_RANGE, {"structures"}},
    {TAG_FUNCTION, {"derivatives", "structures", "program", "see"}},
};

static bool is_applicable(Tag tag, const char *section)
{
    if (tag == TAG_NUMBER || tag == TAG_BOOL || tag == TAG_VARIABLE)
        tag = TAG_TENSOR;
    for (size_t i = 0; i < sizeof applicable / sizeof *applicable; i++)
        for (int k = 0; tag == applicable[i].tag && applicable[i].sections[k] != NULL; k++)
            if (strcmp(applicable[i].sections[k], section) == 0)
                return true;
    return tag == TAG_UNSET && strcmp(section, "create") != 0 && strcmp(section, "program") != 0;
}

/* The type of what ends with token i. */
static Value object_before(const Context *c, uint32_t i)
{
    const Token *t = &c->tokens[i];
    if (token_is(c, i, "none"))
        return value_none();
    if (token_is(c, i, "]"))
        return (Value){TAG_TENSOR, {.any = NULL}};
    if (t->class == TOKEN_CLASS_NUMBER)
        return value_number(0);
    if (t->class == TOKEN_CLASS_STRING)
        return (Value){TAG_STRING, {.any = NULL}};
    return value_of_chain(c, i);
}

static void offer_cells(Context *c, const CellTable *table, bool builtins_only, Tag tag)
{
    for (uint32_t i = 0; i < table->size; i++) {
        const Cell *cell = table->slots[i];
        if (cell == NULL || cell->value.tag == TAG_UNSET)
            continue;
        if (builtins_only) {
            const char *section = cell->value.tag == TAG_FUNCTION ? row_of(cell->value).section : NULL;
            if (section == NULL || !is_applicable(tag, section))
                continue;
        }
        offer(c, cell->name->text, cell->value);
    }
}

static void offer_own_functions(Context *c)
{
    const CellTable *table = &session()->main->cells;
    for (uint32_t i = 0; i < table->size; i++)
        if (table->slots[i] != NULL && table->slots[i]->value.tag == TAG_FUNCTION)
            offer(c, table->slots[i]->name->text, table->slots[i]->value);
}

static void find_after_point(Context *c)
{
    Value object = c->count >= 2 ? object_before(c, c->count - 2) : unset;
    if (object.tag == TAG_RECORD) {
        const Record *r = object.as.any;
        for (uint32_t i = 0; i < r->count; i++)
            if (display_bare_key(r->fields[i].key))
                offer_ranked(c, r->fields[i].key->text, r->fields[i].value, RANK_NEAR);
    } else if (object.tag == TAG_UNSET || object.tag == TAG_TENSOR || value_is_numeric(object)) {
        for (int i = 0; property_names[i] != NULL; i++)
            offer_ranked(c, property_names[i], unset, RANK_NEAR);
    }
    if (object.tag == TAG_NONE)
        return;
    offer_cells(c, &session()->builtins, true, (Tag)object.tag);
    offer_own_functions(c);
}

/* ---- in a call ---- */

typedef struct Callee {
    Value function;                   /* TAG_UNSET outside of calls */
    uint32_t open;                    /* the token of its bracket */
    bool method;                      /* x.f(...): the first parameter is taken */
} Callee;

/* The call whose brackets the end of the tokens stands directly in. */
static Callee callee_around(const Context *c)
{
    Callee callee = {unset, 0, false};
    uint32_t depth = 0, i = c->count;
    while (i-- > 0) {
        if (c->tokens[i].class != TOKEN_CLASS_BRACKET)
            continue;
        if (strchr(")]}", c->text[c->tokens[i].span.start]) != NULL)
            depth++;
        else if (depth-- == 0)
            break;
    }
    if (i == UINT32_MAX || i == 0 || !token_is(c, i, "("))
        return callee;
    callee.open = i;
    callee.function = value_of_chain(c, i - 1);
    if (callee.function.tag == TAG_UNSET && i >= 2 && token_is(c, i - 2, ".")) {
        callee.function = value_of_name(c, &c->tokens[i - 1]);
        callee.method = true;
    }
    if (callee.function.tag != TAG_FUNCTION)
        callee.function = unset;
    return callee;
}

static bool is_given(const Context *c, uint32_t open, const String *name)
{
    for (uint32_t i = open + 1; i + 1 < c->count; i++)
        if (token_is(c, i, name->text) && token_is(c, i + 1, "="))
            return true;
    return false;
}

/* How many arguments stand before the cursor without a name. */
static uint32_t positional_arguments(const Context *c, uint32_t open)
{
    uint32_t depth = 0, count = 0;
    bool named = false;
    for (uint32_t i = open + 1; i < c->count; i++) {
        char first = c->text[c->tokens[i].span.start];
        if (c->tokens[i].class == TOKEN_CLASS_BRACKET)
            depth += strchr("([{", first) != NULL ? 1u : -1u;
        named |= depth == 0 && token_is(c, i, "=");
        if (depth == 0 && first == ',') {
            count += !named;
            named = false;
        }
    }
    return count;
}

static void find_named_arguments(Context *c)
{
    Callee callee = callee_around(c);
    if (callee.function.tag == TAG_UNSET)
        return;
    c->found.call = function_usage(callee.function.as.any);
    if (!token_is(c, c->count - 1, "(") && !token_is(c, c->count - 1, ","))
        return;
    const Signature *signature = function_signature(callee.function.as.any);
    uint32_t taken = positional_arguments(c, callee.open) + (callee.method ? 1 : 0);
    for (uint32_t i = taken; i < signature->count; i++) {
        const Parameter *p = &signature->at[i];
        if (!p->rest && !is_given(c, callee.open, p->name))
            offer_ranked(c, string_format("%s=", p->name->text)->text, unset, RANK_NEAR);
    }
}

/* ---- names and keywords ---- */

/* A topic of help may be any name there is, wherever it stands. */
static bool asks_help(const Context *c)
{
    return c->text[0] == '?' || strncmp(c->text, "help ", 5) == 0;
}

static void find_names(Context *c)
{
    Expected expected = parse_expected(c->text, asks_help(c) ? 0 : c->found.start);
    bool nothing = !expected.expression && expected.keywords[0] == NULL;
    for (int i = 0; expected.keywords[i] != NULL; i++)
        offer(c, expected.keywords[i], unset);
    /* When the text before is wrong, nothing is expected, and help is welcome all the more. */
    if (!expected.expression && !nothing)
        return;
    for (uint32_t i = 0; i < c->count; i++) {
        Span span = c->tokens[i].span;
        if (c->tokens[i].class == TOKEN_CLASS_NAME && (i == 0 || !token_is(c, i - 1, ".")))
            offer(c, string_new(c->text + span.start, span.end - span.start)->text, unset);
    }
    offer_cells(c, &session()->main->cells, false, TAG_UNSET);
    offer_cells(c, &session()->builtins, false, TAG_UNSET);
}

/* The keys of a record, in the string of `model["`. */
static void find_keys(Context *c)
{
    if (c->count < 3 || !token_is(c, c->count - 2, "["))
        return;
    Value object = value_of_chain(c, c->count - 3);
    c->found.start = c->tokens[c->count - 1].span.start + 1;
    const Record *r = object.tag == TAG_RECORD ? object.as.any : NULL;
    for (uint32_t i = 0; r != NULL && i < r->count; i++)
        offer(c, r->fields[i].key->text, r->fields[i].value);
}

/* ---- files ---- */

static bool takes_file(const Context *c, uint32_t string)
{
    static const char *const names[] = {"load", "save", "import", "read_text", "write_text", "read_csv",
                                        "write_csv", "file"};
    if (string < 2 || strchr("(=,", c->text[c->tokens[string - 1].span.start]) == NULL)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (uint32_t k = string - 1; k-- > 0 && !token_is(c, k + 1, "\n");)
            if (token_is(c, k, names[i]) && (token_is(c, k + 1, "(") || token_is(c, k + 1, "=")))
                return true;
    return false;
}

typedef struct Folder {
    Object object;
    DIR *stream;
} Folder;

static void folder_destroy(Object *self)
{
    Folder *f = (Folder *)self;
    if (f->stream != NULL)
        closedir(f->stream);
}

static const ObjectType folder_type = {"folder", folder_destroy};

/* The names in the folder of the path that begins at `path` and ends at the cursor. */
static void find_files(Context *c, size_t path)
{
    size_t slash = c->point;
    while (slash > path && c->text[slash - 1] != '/')
        slash--;
    c->found.start = slash;
    c->found.files = true;
    const char *name = slash > path ? string_new(c->text + path, slash - path)->text : "./";
    Folder *f = object_new_zeroed(&folder_type, sizeof *f);
    f->stream = opendir(name);
    for (struct dirent *entry; f->stream != NULL && (entry = readdir(f->stream)) != NULL;) {
        struct stat about;
        if (entry->d_name[0] == '.' && (slash == c->point || c->text[slash] != '.'))
            continue;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        const char *path_of_entry = string_format("%s%s", name, entry->d_name)->text;
        bool is_folder = stat(path_of_entry, &about) == 0 && S_ISDIR(about.st_mode);
        offer(c, string_format("%s%s", entry->d_name, is_folder ? "/" : "")->text, unset);
    }
}

/* ---- LaTeX names ---- */

static bool find_latex(Context *c)
{
    size_t start = c->point;
    while (start > 0 && (is_name_byte(c->text[start - 1]) || strchr("^+-", c->text[start - 1]) != NULL))
        start--;
    if (start == 0 || c->text[start - 1] != '\\')
        return false;
    c->found.start = start - 1;
    for (const LatexName *n = latex_names; n->name != NULL; n++) {
        size_t bytes = c->point - start;
        if (strlen(n->name) == bytes && memcmp(n->name, c->text + start, bytes) == 0) {
            c->found.at = scratch(sizeof *c->found.at);
            c->found.at[0] = (Candidate){n->letter, unset, RANK_NEAR};
            c->found.count = 1;
            return true;
        }
        offer(c, string_format("\\%s", n->name)->text, unset);
    }
    return true;
}

/* ---- all together ---- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(((const Candidate *)a)->text, ((const Candidate *)b)->text);
}

static int compare_ranks(const void *a, const void *b)
{
    int first = ((const Candidate *)a)->rank, second = ((const Candidate *)b)->rank;
    return first != second ? first - second : compare_texts(a, b);
}

/* Of the same text only one stays: one that has a value, if any. */
static void sort_candidates(Candidates *f)
{
    uint32_t kept = 0;
    if (f->count > 0)
        qsort(f->at, f->count, sizeof *f->at, compare_texts);
    for (uint32_t i = 0; i < f->count; i++) {
        bool same = kept > 0 && strcmp(f->at[kept - 1].text, f->at[i].text) == 0;
        if (!same)
            f->at[kept++] = f->at[i];
        else if (f->at[kept - 1].value.tag == TAG_UNSET || f->at[i].rank < f->at[kept - 1].rank)
            f->at[kept - 1] = f->at[i];
    }
    f->count = kept;
    if (kept > 0)
        qsort(f->at, kept, sizeof *f->at, compare_ranks);
}

/* A colon begins the name of a command. */
static bool find_commands(Context *c)
{
    if (c->text[0] != ':' || memchr(c->text, ' ', c->point) != NULL)
        return false;
    c->found.start = 0;
    for (int i = 0; command_name(i) != NULL; i++)
        offer(c, string_format(":%s", command_name(i))->text, unset);
    return true;
}

/* A setting's name, or one of its values. */
static bool find_settings(Context *c)
{
    static const char set[] = ":set ";
    const char *argument = c->text + sizeof set - 1, *end = c->text + c->point;
    if (c->point < sizeof set - 1 || memcmp(c->text, set, sizeof set - 1) != 0)
        return false;
    const char *space = memchr(argument, ' ', (size_t)(end - argument));
    c->found.start = (size_t)((space != NULL ? space + 1 : argument) - c->text);
    for (const Setting *s = settings; s->name != NULL; s++)
        if (space == NULL)
            offer(c, s->name, unset);
        else if (strlen(s->name) == (size_t)(space - argument) && memcmp(s->name, argument, strlen(s->name)) == 0)
            for (int i = 0; i < SETTING_VALUES && s->values[i] != NULL; i++)
                offer(c, s->values[i], unset);
    return true;
}

/* Where the path begins that a command such as `:load` is followed by; 0 for other inputs. */
static size_t command_path(const Context *c)
{
    static const char *const commands[] = {":load ", ":save "};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        size_t bytes = strlen(commands[i]);
        if (c->point >= bytes && memcmp(c->text, commands[i], bytes) == 0)
            return bytes + strspn(c->text + bytes, " ");
    }
    return 0;
}

static void find(Context *c)
{
    size_t path = command_path(c);
    if (path > 0 && path <= c->point) {
        find_files(c, path);
        return;
    }
    if (find_commands(c) || find_settings(c) || find_latex(c))
        return;
    scan_tokens(c);
    if (c->in_comment)
        return;
    if (c->in_string) {
        c->found.start = c->point;
        if (takes_file(c, c->count - 1))
            find_files(c, c->tokens[c->count - 1].span.start + 1);
        else
            find_keys(c);
        return;
    }
    take_word(c);
    if (c->count > 0 && token_is(c, c->count - 1, ".")) {
        find_after_point(c);
        return;
    }
    if (c->count > 0)
        find_named_arguments(c);
    /* Right after a call's bracket its arguments are what is asked for, not all names there are. */
    if (c->found.start < c->point || c->found.count == 0)
        find_names(c);
}

Candidates complete_find(const char *text, size_t point)
{
    Context c = {.text = text, .point = point, .found = {.start = point}};
    find(&c);
    sort_candidates(&c.found);
    return c.found;
}
