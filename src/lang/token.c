#include "lang/token.h"

#include "base/mem.h"

#include "parser.h"

#include <string.h>

static const Bracket *top_of(const Lexer *lexer)
{
    return &lexer->brackets[lexer->depth];
}

static void open_bracket(Lexer *lexer, BracketKind kind, uint32_t offset)
{
    if (lexer->depth + 1 == lexer->capacity) {
        Bracket *wider = scratch(mem_product((size_t)lexer->capacity * 2, sizeof(Bracket)));
        memcpy(wider, lexer->brackets, lexer->capacity * sizeof(Bracket));
        lexer->brackets = wider;
        lexer->capacity *= 2;
    }
    lexer->brackets[++lexer->depth] = (Bracket){kind, offset, 0};
    lexer->fstrings += kind == BRACKET_FSTRING;
}

/* A bracket that closes nothing leaves the stack as it is: the grammar will refuse it. */
static void close_bracket(Lexer *lexer, BracketKind kind)
{
    if (top_of(lexer)->kind != kind)
        return;
    lexer->fstrings -= kind == BRACKET_FSTRING;
    lexer->depth--;
}

Lexer *lexer_new(const char *text, size_t bytes)
{
    enum { FIRST_CAPACITY = 32 };

    Lexer *lexer = scratch_zeroed(sizeof *lexer);
    lexer->text = lexer->start = lexer->cursor = text;
    lexer->limit = text + bytes;
    lexer->previous = TOKEN_NEWLINE;
    lexer->brackets = scratch_zeroed(FIRST_CAPACITY * sizeof(Bracket));
    lexer->capacity = FIRST_CAPACITY;
    return lexer;
}

static bool ends_expression(int kind)
{
    switch (kind) {
    case TOKEN_NAME: case TOKEN_NUMBER: case TOKEN_STRING: case TOKEN_FSTRING_END:
    case TOKEN_TRUE: case TOKEN_FALSE: case TOKEN_NONE:
    case TOKEN_PAREN_CLOSE: case TOKEN_SQUARE_CLOSE: case TOKEN_BRACE_CLOSE: case TOKEN_PRIME:
        return true;
    default:
        return false;
    }
}

bool token_ends_statement(int kind)
{
    return ends_expression(kind) || kind == TOKEN_BREAK || kind == TOKEN_CONTINUE || kind == TOKEN_RETURN;
}

bool token_begins_statement(int kind)
{
    return kind == TOKEN_NEWLINE || kind == TOKEN_SEMICOLON || kind == TOKEN_BLOCK_OPEN;
}

static bool opens_block(int previous)
{
    return ends_expression(previous) || previous == TOKEN_ELSE || previous == TOKEN_TRY
        || previous == TOKEN_NOGRAD;
}

/* The colon of `{value:spec}`, unless it belongs to a `c ? a : b` that stands directly in the hole. */
static int scan_colon(Lexer *lexer)
{
    Bracket *hole = &lexer->brackets[lexer->depth];

    if (hole->kind != BRACKET_HOLE)
        return TOKEN_COLON;
    if (hole->questions > 0) {
        hole->questions--;
        return TOKEN_COLON;
    }
    return lexer_scan_spec(lexer);
}

/* An f-string does not end on its line: the line end is yet to come. */
static int string_left_open(Lexer *lexer)
{
    lexer->cursor = lexer->start;
    lexer->problem = PROBLEM_STRING;
    return TOKEN_BAD;
}

/* After a string without an end, its line end and what follows are read as if it had one. */
static void leave_fstrings(Lexer *lexer)
{
    uint32_t i = lexer->depth;

    while (lexer->brackets[i].kind != BRACKET_FSTRING)
        i--;
    lexer->left_open = lexer->brackets[i].offset;
    for (; lexer->fstrings > 0; lexer->depth--)
        lexer->fstrings -= top_of(lexer)->kind == BRACKET_FSTRING;
}

static int scan_newline(Lexer *lexer)
{
    BracketKind inside = top_of(lexer)->kind;

    if (lexer->fstrings > 0)
        return string_left_open(lexer);
    bool statements = inside == BRACKET_NONE || inside == BRACKET_BLOCK;
    return statements && token_ends_statement(lexer->previous) ? TOKEN_NEWLINE : TOKEN_BLANK;
}

/* Keeps the stack of brackets, and settles what the character alone does not. */
static int settle(Lexer *lexer, int kind, uint32_t offset)
{
    switch (kind) {
    case TOKEN_PAREN_OPEN: open_bracket(lexer, BRACKET_PAREN, offset); break;
    case TOKEN_SQUARE_OPEN: open_bracket(lexer, BRACKET_SQUARE, offset); break;
    case TOKEN_FSTRING_BEGIN: open_bracket(lexer, BRACKET_FSTRING, offset); break;
    case TOKEN_FSTRING_OPEN: open_bracket(lexer, BRACKET_HOLE, offset); break;
    case TOKEN_BLOCK_OPEN:
        if (!opens_block(lexer->previous))
            kind = TOKEN_RECORD_OPEN;
        open_bracket(lexer, kind == TOKEN_BLOCK_OPEN ? BRACKET_BLOCK : BRACKET_RECORD, offset);
        break;
    case TOKEN_PAREN_CLOSE: close_bracket(lexer, BRACKET_PAREN); break;
    case TOKEN_SQUARE_CLOSE: close_bracket(lexer, BRACKET_SQUARE); break;
    case TOKEN_FSTRING_END: close_bracket(lexer, BRACKET_FSTRING); break;
    case TOKEN_BRACE_CLOSE:
        if (top_of(lexer)->kind == BRACKET_HOLE)
            kind = TOKEN_FSTRING_CLOSE;
        if (top_of(lexer)->kind >= BRACKET_RECORD)
            close_bracket(lexer, top_of(lexer)->kind);
        break;
    case TOKEN_QUESTION: lexer->brackets[lexer->depth].questions++; break;
    case TOKEN_COLON: kind = scan_colon(lexer); break;
    case TOKEN_NEWLINE: kind = scan_newline(lexer); break;
    case TOKEN_END:
        if (lexer->fstrings > 0)
            kind = string_left_open(lexer);
        break;
    default: break;
    }
    return kind;
}

Token lexer_next(Lexer *lexer)
{
    int kind = top_of(lexer)->kind == BRACKET_FSTRING ? lexer_scan_fstring(lexer) : lexer_scan(lexer);
    uint32_t offset = (uint32_t)(lexer->start - lexer->text);

    kind = settle(lexer, kind, offset);
    lexer->left_open = offset;
    if (kind == TOKEN_BAD && lexer->problem == PROBLEM_STRING && lexer->fstrings > 0)
        leave_fstrings(lexer);
    if (kind != TOKEN_COMMENT && kind != TOKEN_BLANK)
        lexer->previous = kind;
    return (Token){kind, {offset, (uint32_t)(lexer->cursor - lexer->text)}};
}
