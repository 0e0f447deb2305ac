#include "lang/format.h"

#include "lang/parse.h"
#include "lang/token.h"

#include "parser.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEP = 2, COMMENT_GAP = 2 };

typedef struct Nest {
    int kind;                         /* the token that opened it; TOKEN_NEWLINE at the bottom */
    int indent;                       /* of the line that opened it */
    uint32_t questions;               /* `?` that have not met their `:` */
} Nest;

typedef struct Line {
    String *code, *comment;           /* without blanks around them; empty when there is none */
    int indent;
    bool opens, closes;               /* ends with an opening bracket, begins with a closing one */
} Line;

typedef struct Format {
    Source *source;
    Lexer *lexer;
    Nest *nests;                      /* pool; nests[depth] is the innermost */
    uint32_t depth, capacity;
    Line *lines;                      /* pool */
    size_t count, room;
    Line line;                        /* under construction */
    Buf *code;
    int previous;                     /* the last token that means something */
    bool unary;                       /* the previous one is a sign */
    bool ternary;                     /* the colon at hand belongs to a `?` */
} Format;

static Nest *innermost(const Format *f)
{
    return &f->nests[f->depth];
}

/* ---- tokens ---- */

static bool ends_operand(int kind)
{
    return token_ends_statement(kind) && kind != TOKEN_BREAK && kind != TOKEN_CONTINUE
        && kind != TOKEN_RETURN;
}

static bool opens(int kind)
{
    return kind == TOKEN_PAREN_OPEN || kind == TOKEN_SQUARE_OPEN || kind == TOKEN_BLOCK_OPEN
        || kind == TOKEN_RECORD_OPEN;
}

static bool closes(int kind)
{
    return kind == TOKEN_PAREN_CLOSE || kind == TOKEN_SQUARE_CLOSE || kind == TOKEN_BRACE_CLOSE;
}

/* A whole f-string, with the expressions in it, is left as it is written. */
static Token take_fstring(Format *f, Token begin)
{
    Token all = begin;
    int depth = 1;
    while (depth > 0) {
        Token t = lexer_next(f->lexer);
        depth += (t.kind == TOKEN_FSTRING_BEGIN) - (t.kind == TOKEN_FSTRING_END);
        all.span.end = t.span.end;
    }
    all.kind = TOKEN_FSTRING_END;
    return all;
}

/* ---- blanks between tokens ---- */

/* The colon of a record's field, of a slice, or of a choice. */
static bool blank_around_colon(const Format *f, bool behind)
{
    if (f->ternary)
        return true;
    return behind && innermost(f)->kind == TOKEN_RECORD_OPEN;
}

static bool wants_blank(const Format *f, int kind)
{
    int previous = f->previous;
    int around = innermost(f)->kind;
    if (kind == TOKEN_COMMA || kind == TOKEN_SEMICOLON || kind == TOKEN_PAREN_CLOSE
        || kind == TOKEN_SQUARE_CLOSE || kind == TOKEN_PRIME || kind == TOKEN_DOT || kind == TOKEN_POWER)
        return false;
    if (previous == TOKEN_COMMA || previous == TOKEN_SEMICOLON)
        return true;
    if (previous == TOKEN_PAREN_OPEN || previous == TOKEN_SQUARE_OPEN || previous == TOKEN_DOT
        || previous == TOKEN_POWER || previous == TOKEN_ELLIPSIS || previous == TOKEN_RECORD_OPEN || f->unary)
        return false;
    if (kind == TOKEN_BRACE_CLOSE)
        return around == TOKEN_BLOCK_OPEN;
    if (kind == TOKEN_PAREN_OPEN)
        return !ends_operand(previous) && previous != TOKEN_FN;
    if (kind == TOKEN_SQUARE_OPEN)
        return !ends_operand(previous);
    if (kind == TOKEN_COLON)
        return blank_around_colon(f, false);
    if (previous == TOKEN_COLON)
        return blank_around_colon(f, true);
    if (kind == TOKEN_ASSIGN || previous == TOKEN_ASSIGN)
        return around != TOKEN_PAREN_OPEN;
    return true;
}

/* ---- lines ---- */

static void push_line(Format *f)
{
    if (f->count == f->room) {
        Line *wider = scratch(mem_product(f->room = f->room ? 2 * f->room : 64, sizeof *wider));
        if (f->count > 0)
            memcpy(wider, f->lines, f->count * sizeof *wider);
        f->lines = wider;
    }
    f->line.code = buf_string(f->code);
    if (f->line.comment == NULL)
        f->line.comment = string_of("");
    f->line.opens = f->code->bytes > 0 && opens(f->previous);
    f->lines[f->count++] = f->line;
    f->line = (Line){NULL, NULL, 0, false, false};
    f->code->bytes = 0;
}

/* Indentation of a line that begins with this token. A line that goes on with a statement without a bracket
 * is a step further in than the statement. */
static int indent_of(const Format *f, int kind)
{
    const Nest *nest = innermost(f);
    bool statement = f->depth == 0 || nest->kind == TOKEN_BLOCK_OPEN;
    if (closes(kind) && f->depth > 0)
        return nest->indent;
    int indent = f->depth > 0 ? nest->indent + STEP : 0;
    bool goes_on = statement && f->previous != TOKEN_NEWLINE && f->previous != TOKEN_SEMICOLON
        && f->previous != TOKEN_BLOCK_OPEN;
    return goes_on ? indent + STEP : indent;
}

static void begin_line(Format *f, int kind)
{
    f->line.indent = indent_of(f, kind);
    f->line.closes = closes(kind);
}

static void open_nest(Format *f, int kind)
{
    if (f->depth + 1 == f->capacity) {
        Nest *wider = scratch(mem_product((size_t)f->capacity * 2, sizeof *wider));
        memcpy(wider, f->nests, f->capacity * sizeof *wider);
        f->nests = wider;
        f->capacity *= 2;
    }
    f->nests[++f->depth] = (Nest){kind, f->line.indent, 0};
}

static void keep_nests(Format *f, int kind)
{
    if (opens(kind))
        open_nest(f, kind);
    else if (closes(kind) && f->depth > 0)
        f->depth--;
    else if (kind == TOKEN_QUESTION)
        innermost(f)->questions++;
}

/* The closing brackets that a line begins with stand together: each belongs to its own opening line. */
static void put_token(Format *f, Token t)
{
    bool first = f->code->bytes == 0;
    bool leading = !first && f->line.closes && closes(t.kind) && closes(f->previous);
    if (t.kind == TOKEN_FSTRING_BEGIN)
        t = take_fstring(f, t);
    if (t.kind == TOKEN_COLON) {
        f->ternary = innermost(f)->questions > 0;
        innermost(f)->questions -= f->ternary;
    }
    if (first)
        begin_line(f, t.kind);
    else if (leading && f->depth > 0)
        f->line.indent = innermost(f)->indent;
    else
        f->line.closes &= closes(t.kind) || f->code->bytes > 0;
    if (!first && wants_blank(f, t.kind))
        buf_putc(f->code, ' ');
    buf_add(f->code, f->source->text + t.span.start, t.span.end - t.span.start);
    f->unary = (t.kind == TOKEN_PLUS || t.kind == TOKEN_MINUS) && !ends_operand(f->previous);
    keep_nests(f, t.kind);
    f->previous = t.kind;
}

static void put_comment(Format *f, Token t)
{
    const char *text = f->source->text + t.span.start;
    size_t bytes = t.span.end - t.span.start;
    while (bytes > 0 && strchr(" \t\r", text[bytes - 1]) != NULL)
        bytes--;
    if (f->code->bytes == 0)
        f->line.indent = indent_of(f, TOKEN_COMMENT);
    f->line.comment = string_new(text, bytes);
}

static void read_lines(Format *f)
{
    for (;;) {
        Token t = lexer_next(f->lexer);
        if (t.kind == TOKEN_COMMENT) {
            put_comment(f, t);
        } else if (t.kind == TOKEN_NEWLINE || t.kind == TOKEN_BLANK) {
            push_line(f);
            if (t.kind == TOKEN_NEWLINE)
                f->previous = TOKEN_NEWLINE;
        } else if (t.kind == TOKEN_END) {
            push_line(f);
            return;
        } else {
            put_token(f, t);
        }
    }
}

/* ---- writing ---- */

static bool is_blank(const Line *line)
{
    return line->code->bytes == 0 && line->comment->bytes == 0;
}

static int code_width(const Line *line)
{
    return line->indent + text_width(line->code->text, line->code->bytes);
}

static bool has_both(const Line *line)
{
    return line->code->bytes > 0 && line->comment->bytes > 0;
}

/* Blank lines stay, one where there were several, and none at the edges of the text and of a bracket. */
static bool keeps_blank(const Format *f, size_t i, bool written)
{
    size_t next = i;
    while (next < f->count && is_blank(&f->lines[next]))
        next++;
    return written && next < f->count && !f->lines[i - 1].opens && !f->lines[next].closes
        && !is_blank(&f->lines[i - 1]);
}

/* The column of the comments behind the code of the lines from `from` on that will be neighbours. */
static int comment_column(const Format *f, size_t from)
{
    int column = 0;
    for (size_t i = from; i < f->count; i++) {
        const Line *line = &f->lines[i];
        if (is_blank(line) && !keeps_blank(f, i, true))
            continue;
        if (!has_both(line))
            break;
        if (code_width(line) > column)
            column = code_width(line);
    }
    return column + COMMENT_GAP;
}

static String *write_lines(const Format *f)
{
    Buf *out = buf_new();
    int column = 0;
    bool aligned = false;             /* `column` is that of the line before */
    for (size_t i = 0; i < f->count; i++) {
        const Line *line = &f->lines[i];
        if (is_blank(line)) {
            if (keeps_blank(f, i, out->bytes > 0)) {
                buf_putc(out, '\n');
                aligned = false;
            }
            continue;
        }
        buf_printf(out, "%*s", line->indent, "");
        buf_add(out, line->code->text, line->code->bytes);
        if (has_both(line)) {
            if (!aligned)
                column = comment_column(f, i);
            buf_printf(out, "%*s", column - code_width(line), "");
        }
        buf_add(out, line->comment->text, line->comment->bytes);
        buf_putc(out, '\n');
        aligned = has_both(line);
    }
    return buf_string(out);
}

/* Throws for a text that does not parse. */
static String *format_source(Source *source)
{
    enum { FIRST_CAPACITY = 32 };
    PoolMark mark = pool_mark();
    parse(source);                    /* throws for what is no program */
    Format f = {.source = source, .lexer = lexer_new(source->text, source->bytes), .code = buf_new(),
                .nests = scratch(FIRST_CAPACITY * sizeof(Nest)), .capacity = FIRST_CAPACITY,
                .previous = TOKEN_NEWLINE};
    f.nests[0] = (Nest){TOKEN_NEWLINE, 0, 0};
    read_lines(&f);
    return pool_drain_except(mark, write_lines(&f));
}

/* ---- files ---- */

/* A new file takes the place of the old one in one step. */
static void replace_file(const char *path, const String *text)
{
    const char *temporary = string_format("%s.%ld", path, (long)getpid())->text;
    struct stat about;
    FILE *file = fopen(temporary, "wx");
    bool ok = file != NULL && stat(path, &about) == 0 && fchmod(fileno(file), about.st_mode & 07777) == 0
        && fwrite(text->text, 1, text->bytes, file) == text->bytes;
    if (file != NULL && fclose(file) != 0)
        ok = false;
    if (!ok || rename(temporary, path) != 0) {
        int error = errno;
        unlink(temporary);
        error_throw(ERROR_IO, "cannot write \"%s\": %s", path, strerror(error));
    }
}

static void format_file(void *data)
{
    const char *path = data;
    bool standard = strcmp(path, "-") == 0;
    Source *source = source_read_operand(path);
    String *text = format_source(source);
    if (standard)
        session_write(text->text, text->bytes);
    else if (text->bytes != source->bytes || memcmp(text->text, source->text, text->bytes) != 0)
        replace_file(path, text);
}

bool format_files(Session *s, int count, char *const *paths)
{
    bool ok = true;
    for (int i = 0; i < count && !session_was_interrupted(s); i++)
        if (!session_attempt(s, format_file, paths[i])) {
            fputs(session_error(s), stderr);
            ok = false;
        }
    return ok;
}
