/* The drivers of the parser: they draw tokens, give them their values and push them. */
#include "lang/parse.h"

#include "lang/syntax.h"

#include "parser.h"

#include <string.h>

static void chunk_destroy(Object *self)
{
    Chunk *chunk = (Chunk *)self;
    object_release(chunk->source);
    object_release(chunk->arena);
}

static const ObjectType chunk_type = {"chunk", chunk_destroy};

static Parser *parser_new(Source *source)
{
    Parser *p = scratch_zeroed(sizeof *p);
    p->source = source;
    p->lexer = lexer_new(source->text, source->bytes);
    p->arena = arena_new();
    p->token.kind = p->previous.kind = p->before.kind = TOKEN_NEWLINE;
    return p;
}

/* Draws the next token that the grammar is to see. */
static void next_token(Parser *p)
{
    p->before = p->previous;
    p->previous = p->token;
    p->inside = p->lexer->brackets[p->lexer->depth];
    do
        p->token = lexer_next(p->lexer);
    while (p->token.kind == TOKEN_COMMENT || p->token.kind == TOKEN_BLANK);
    if (token_begins_statement(p->previous.kind))
        p->first = p->token;
}

static SYNTAX_STYPE token_value(Parser *p)
{
    Span span = p->token.span;
    const char *text = p->source->text + span.start;
    size_t bytes = span.end - span.start;
    SYNTAX_STYPE value = {0};

    switch (p->token.kind) {
    case TOKEN_NUMBER:
        value.number = literal_number(text, bytes);
        break;
    case TOKEN_NAME:
        value.text = build_intern(p, text, bytes);
        break;
    case TOKEN_STRING:
        span = (Span){span.start + 1, span.end - 1};
        value.text = arena_keep(p->arena, literal_string(p->source, span, false));
        break;
    case TOKEN_FSTRING_TEXT:
        value.text = arena_keep(p->arena, literal_string(p->source, span, true));
        break;
    case TOKEN_FSTRING_SPEC:
        value.text = arena_keep(p->arena, string_new(text + 1, bytes - 1));
        break;
    default:
        break;
    }
    return value;
}

/* Pushes the token; false when the parser has come to its end. */
static bool push_token(Parser *p, syntax_pstate *state)
{
    interrupt_poll();
    if (p->token.kind == TOKEN_BAD)
        syntax_bad_token(p);
    SYNTAX_STYPE value = token_value(p);
    Span span = p->token.span;

    return syntax_push_parse(state, p->token.kind, &value, &span, p) == YYPUSH_MORE;
}

/* At the end of the text: whether more text could finish what it began. Every token so far was accepted, so
 * an open bracket or a last token that cannot end a statement is all there is to look for. */
static bool unfinished(const Parser *p)
{
    return p->lexer->depth > 0
        || !(token_ends_statement(p->previous.kind) || token_begins_statement(p->previous.kind));
}

/* NUL is refused in strings and comments too: a file that holds one is no text. */
static void check_encoding(Source *source)
{
    size_t invalid = utf8_invalid(source->text, source->bytes), nul = strlen(source->text);

    if (nul < source->bytes && nul < invalid)
        throw_at(source, (Span){(uint32_t)nul, (uint32_t)nul + 1}, ERROR_SYNTAX, "in a string it is written \\0",
                 "unexpected character U+0000");
    if (invalid != SIZE_MAX)
        throw_at(source, (Span){(uint32_t)invalid, (uint32_t)invalid + 1}, ERROR_SYNTAX, NULL,
                 "the text is not valid UTF-8: byte 0x%02x", (unsigned char)source->text[invalid]);
}

static Chunk *parse_source(Source *source, bool interactive)
{
    PoolMark mark = pool_mark();
    Chunk *chunk = NULL;

    check_encoding(source);
    Parser *p = parser_new(source);
    syntax_pstate *state = syntax_pstate_new();
    do
        next_token(p);
    while (!(interactive && p->token.kind == TOKEN_END && unfinished(p)) && push_token(p, state));

    if (p->body != NULL) {
        chunk = object_new_zeroed(&chunk_type, sizeof *chunk);
        chunk->source = object_retain(source);
        chunk->arena = object_retain(p->arena);
        chunk->body = p->body;
    }
    return pool_drain_except(mark, chunk);
}

Chunk *parse(Source *source)
{
    return parse_source(source, false);
}

Chunk *parse_interactive(Source *source)
{
    return parse_source(source, true);
}

/* What may follow */

static const struct { int kind; const char *text; } keywords[] = {
    {TOKEN_FN, "fn"}, {TOKEN_RETURN, "return"}, {TOKEN_IF, "if"}, {TOKEN_ELSE, "else"},
    {TOKEN_WHILE, "while"}, {TOKEN_FOR, "for"}, {TOKEN_IN, "in"}, {TOKEN_BREAK, "break"},
    {TOKEN_CONTINUE, "continue"}, {TOKEN_NOGRAD, "nograd"}, {TOKEN_TRY, "try"}, {TOKEN_CATCH, "catch"},
    {TOKEN_GLOBAL, "global"}, {TOKEN_AND, "and"}, {TOKEN_OR, "or"}, {TOKEN_NOT, "not"},
    {TOKEN_TRUE, "true"}, {TOKEN_FALSE, "false"}, {TOKEN_NONE, "none"},
};

enum { KEYWORDS = sizeof keywords / sizeof *keywords };

typedef struct Prefix {
    const char *text;
    size_t bytes;
    Expected *expected;
} Prefix;

/* The text may end inside an expression of an f-string, which is an error only for a whole text. */
static bool at_end(const Parser *p)
{
    bool in_hole = p->token.kind == TOKEN_BAD && p->lexer->problem == PROBLEM_STRING
        && p->inside.kind != BRACKET_FSTRING;

    return p->token.kind == TOKEN_END || (in_hole && p->token.span.start == p->source->bytes);
}

static void expect_after(void *data)
{
    Prefix *prefix = data;
    Expected *expected = prefix->expected;
    int kinds[SYNTAX_TOKENS];
    bool fits[SYNTAX_TOKENS] = {false};
    uint32_t count = 0;

    Parser *p = parser_new(source_new(NULL, NULL, prefix->text, prefix->bytes));
    syntax_pstate *state = syntax_pstate_new();
    for (next_token(p); !at_end(p); next_token(p))
        push_token(p, state);
    for (int i = syntax_may_follow(state, p, kinds); i-- > 0; )
        fits[kinds[i]] = true;
    expected->expression = fits[TOKEN_NUMBER];
    expected->statement = fits[TOKEN_WHILE];
    for (int i = 0; i < KEYWORDS; i++)
        if (fits[keywords[i].kind])
            expected->keywords[count++] = keywords[i].text;
}

Expected parse_expected(const char *text, size_t bytes)
{
    Expected expected = {0};
    Prefix prefix = {text, bytes, &expected};
    PoolMark mark = pool_mark();

    if (!error_protect(expect_after, &prefix))
        memset(&expected, 0, sizeof expected);
    pool_drain(mark);
    return expected;
}

/* Tokens for highlighting */

struct TokenScan {
    Lexer *lexer;
};

TokenScan *token_scan_new(const char *text, size_t bytes)
{
    TokenScan *scan = scratch(sizeof *scan);
    char *copy = scratch(bytes + 1);

    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    scan->lexer = lexer_new(copy, bytes);
    return scan;
}

static TokenClass class_of(int kind)
{
    switch (kind) {
    case TOKEN_END: return TOKEN_CLASS_END;
    case TOKEN_NEWLINE: case TOKEN_BLANK: return TOKEN_CLASS_NEWLINE;
    case TOKEN_COMMENT: return TOKEN_CLASS_COMMENT;
    case TOKEN_NUMBER: return TOKEN_CLASS_NUMBER;
    case TOKEN_STRING: case TOKEN_FSTRING_BEGIN: case TOKEN_FSTRING_TEXT: case TOKEN_FSTRING_SPEC:
    case TOKEN_FSTRING_END:
        return TOKEN_CLASS_STRING;
    case TOKEN_NAME: return TOKEN_CLASS_NAME;
    case TOKEN_FSTRING_OPEN: case TOKEN_FSTRING_CLOSE: case TOKEN_PAREN_OPEN: case TOKEN_PAREN_CLOSE:
    case TOKEN_SQUARE_OPEN: case TOKEN_SQUARE_CLOSE: case TOKEN_BLOCK_OPEN: case TOKEN_RECORD_OPEN:
    case TOKEN_BRACE_CLOSE:
        return TOKEN_CLASS_BRACKET;
    case TOKEN_BAD: return TOKEN_CLASS_ERROR;
    default: break;
    }
    for (int i = 0; i < KEYWORDS; i++)
        if (keywords[i].kind == kind)
            return TOKEN_CLASS_KEYWORD;
    return TOKEN_CLASS_OPERATOR;
}

TokenClass token_scan_next(TokenScan *scan, Span *span)
{
    Token token = lexer_next(scan->lexer);

    *span = token.span;
    return class_of(token.kind);
}
