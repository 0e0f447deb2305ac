/* What is said about a text that is not a program: what is wrong, what was expected, and, where the habit of
 * some other language shows, how the thing is written here. */
#include "lang/syntax.h"

#include "parser.h"

#include <string.h>

typedef struct Advice {
    const char *text;
    const char *hint;
} Advice;

static const char block_hint[] = "a block stands in braces that open on the same line: if c { ... }";
static const char function_hint[] = "a function is written f(x) = e, or fn f(x) { ... }";
static const char import_hint[] = "a file is imported by m = import(\"path.dbx\"); mathematics is built in";
static const char lambda_hint[] = "a function without a name is x -> e, or fn(x, y) = e";
static const char variable_hint[] = "a variable needs no declaration: x = 1";
static const char else_if_hint[] = "write } else if c {";
static const char catch_hint[] = "write try { ... } catch err { ... }, with catch on the line of the brace";
static const char class_hint[] = "there are no classes: a record or a function that captures holds state";
static const char raise_hint[] = "an error is raised by error(\"text\")";
static const char quote_hint[] = "a string stands in double quotes: \"text\"";
static const char end_hint[] = "a block ends with }";
static const char line_hint[] = "an expression goes on in the next line after an operator or inside ( )";

/* Names that other languages have as keywords, by what they mean right before the token that does not fit. */
static const Advice before_advice[] = {
    {"def", function_hint}, {"function", function_hint}, {"func", function_hint}, {"fun", function_hint},
    {"import", import_hint}, {"from", import_hint}, {"using", import_hint}, {"include", import_hint},
    {"require", import_hint}, {"lambda", lambda_hint},
    {"let", variable_hint}, {"var", variable_hint}, {"const", variable_hint}, {"local", variable_hint},
    {"nonlocal", "write global for a name of the file; a function gives its results by return"},
    {"int", variable_hint}, {"float", variable_hint}, {"double", variable_hint},
    {"class", class_hint}, {"struct", class_hint}, {"type", class_hint},
    {"raise", raise_hint}, {"throw", raise_hint},
    {"with", "recording is turned off by nograd { ... }"},
    {"elif", else_if_hint}, {"elsif", else_if_hint}, {"elseif", else_if_hint},
    {"except", catch_hint}, {"finally", catch_hint},
    {"switch", "write if ... else if ..."}, {"match", "write if ... else if ..."},
    {"case", "write if ... else if ..."},
    {"do", block_hint}, {"begin", block_hint}, {"then", block_hint}, {"until", "write while not c { ... }"},
    {"end", end_hint}, {"repeat", "write while true { ... break ... }"},
    {"del", "a value is freed when nothing names it any more"},
};

/* The same by what they mean as the token that does not fit. */
static const Advice at_advice[] = {
    {"is", "use == to compare"}, {"isnot", "use != to compare"},
    {"elif", else_if_hint}, {"elsif", else_if_hint}, {"elseif", else_if_hint},
    {"except", catch_hint}, {"finally", catch_hint}, {"rescue", catch_hint},
    {"do", block_hint}, {"then", block_hint}, {"begin", block_hint}, {"as", "write name = value"},
    {"end", end_hint}, {"endif", end_hint}, {"endfor", end_hint}, {"endwhile", end_hint},
    {"endfunction", end_hint}, {"fi", end_hint}, {"done", end_hint},
    {"mod", "the remainder is a % b"}, {"div", "whole division is a // b"},
    {"xor", "write logical_xor(a, b), or a != b"}, {"when", "write if"}, {"unless", "write if not"},
};

static const Advice operator_advice[] = {
    {"&", "write `and` for conditions, logical_and(a, b) element by element"},
    {"&&", "write `and` for conditions, logical_and(a, b) element by element"},
    {"|", "write `or` for conditions, logical_or(a, b) element by element"},
    {"||", "write `or` for conditions, logical_or(a, b) element by element"},
    {"!", "write `not` for conditions, logical_not(a) element by element"},
    {"~", "write `not` for conditions, logical_not(a) element by element"},
    {"&=", "write x = x and y, or x = logical_and(x, y)"},
    {"|=", "write x = x or y, or x = logical_or(x, y)"},
    {"|>", "write x.f() for f(x)"}, {"=>", "a function is written x -> e"},
    {"===", "use == to compare"}, {"!==", "use != to compare"}, {"<>", "use != to compare"},
    {":=", "use = to assign"}, {"..", "a range is range(a, b); `...` spreads or stands for all axes"},
    {"++", "write x += 1"}, {"--", "write x -= 1"},
    {"<<", "write x * 2^n"}, {">>", "write x // 2^n"},
    {".*", "* already works element by element"}, {"./", "/ already works element by element"},
    {".^", "^ already works element by element"}, {".+", "+ already works element by element"},
    {".-", "- already works element by element"}, {".'", "the transpose is x'"},
};

/* Signs that are pasted from formatted text. */
static const Advice sign_advice[] = {
    {"\u00d7", "write *"}, {"\u00b7", "write *"}, {"\u22c5", "write *"}, {"\u2217", "write *"},
    {"\u2219", "write *"}, {"\u00f7", "write /"}, {"\u2215", "write /"}, {"\u2212", "write -"},
    {"\u2010", "write -"}, {"\u2011", "write -"}, {"\u2012", "write -"}, {"\u2013", "write -"},
    {"\u2014", "write -"}, {"\u2264", "write <="}, {"\u2265", "write >="}, {"\u2260", "write !="},
    {"\u2018", quote_hint}, {"\u2019", quote_hint}, {"\u201c", quote_hint}, {"\u201d", quote_hint},
    {"\u201e", quote_hint}, {"\u00ab", quote_hint}, {"\u00bb", quote_hint}, {"\u2032", "write '"},
    {"\u2033", "write ''"}, {"\u2026", "write ..."}, {"\u2227", "write `and`"}, {"\u2228", "write `or`"},
    {"\u00ac", "write `not`"},
};

#define ADVICE(table, text, bytes) find_advice((table), sizeof (table) / sizeof *(table), (text), (bytes))

static const char *find_advice(const Advice *table, size_t count, const char *text, size_t bytes)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(table[i].text) == bytes && memcmp(table[i].text, text, bytes) == 0)
            return table[i].hint;
    return NULL;
}

/* Tokens in words */

static const char *text_of(const Parser *p, Token token)
{
    return p->source->text + token.span.start;
}

static size_t bytes_of(Token token)
{
    return token.span.end - token.span.start;
}

static bool is_keyword(int kind)
{
    return kind >= TOKEN_AND && kind <= TOKEN_WHILE;
}

static bool starts_operand(int kind)
{
    return kind == TOKEN_NAME || kind == TOKEN_NUMBER || kind == TOKEN_STRING || kind == TOKEN_FSTRING_BEGIN
        || kind == TOKEN_TRUE || kind == TOKEN_FALSE || kind == TOKEN_NONE;
}

static bool ends_line(int kind)
{
    return kind == TOKEN_NEWLINE || kind == TOKEN_END;
}

static bool starts_statement(const Parser *p)
{
    return token_begins_statement(p->previous.kind);
}

static bool between_statements(const Parser *p)
{
    return p->inside.kind == BRACKET_NONE || p->inside.kind == BRACKET_BLOCK;
}

/* At most this many bytes of a token are quoted; never half a character. */
static int quoted(const char *text, size_t bytes)
{
    enum { MOST = 40 };

    if (bytes > MOST)
        for (bytes = MOST; ((unsigned char)text[bytes] & 0xc0) == 0x80; bytes--)
            ;
    return (int)bytes;
}

static String *describe(const Parser *p, Token token)
{
    const char *text = text_of(p, token), *word = "";

    switch (token.kind) {
    case TOKEN_END: return string_of("end of input");
    case TOKEN_NEWLINE: return string_of("end of line");
    case TOKEN_STRING: case TOKEN_FSTRING_BEGIN: return string_of("string");
    case TOKEN_FSTRING_END: return string_of("end of the string");
    case TOKEN_FSTRING_SPEC: return string_of("`:`");
    case TOKEN_NAME: word = "name "; break;
    case TOKEN_NUMBER: word = "number "; break;
    default: break;
    }
    return string_format("%s`%.*s`", word, quoted(text, bytes_of(token)), text);
}

/* What was expected */

typedef struct Expectation {
    Parser *p;
    bool fits[SYNTAX_TOKENS];
    String *words[4];
    int count;
} Expectation;

static void expect(Expectation *e, String *words)
{
    if (e->count < (int)(sizeof e->words / sizeof *e->words))
        e->words[e->count++] = words;
}

static void expect_sign(Expectation *e, int kind, const char *sign)
{
    if (e->fits[kind])
        expect(e, string_format("`%s`", sign));
}

static void expect_closing(Expectation *e)
{
    static const struct { int kind; const char *open, *close; } brackets[] = {
        [BRACKET_NONE] = {TOKEN_END, "", ""},
        [BRACKET_PAREN] = {TOKEN_PAREN_CLOSE, "(", ")"}, [BRACKET_SQUARE] = {TOKEN_SQUARE_CLOSE, "[", "]"},
        [BRACKET_RECORD] = {TOKEN_BRACE_CLOSE, "{", "}"}, [BRACKET_BLOCK] = {TOKEN_BRACE_CLOSE, "{", "}"},
        [BRACKET_FSTRING] = {TOKEN_FSTRING_END, "", ""}, [BRACKET_HOLE] = {TOKEN_FSTRING_CLOSE, "{", "}"},
    };
    Bracket inside = e->p->inside;

    if (inside.kind != BRACKET_NONE && e->fits[brackets[inside.kind].kind])
        expect(e, string_format("`%s` to close the `%s` at line %u", brackets[inside.kind].close,
                                brackets[inside.kind].open, source_place(e->p->source, inside.offset).line));
}

/* The kinds that fit, as a reader thinks of them: a statement is also an expression, which is also a name;
 * where anything can be added to an expression, "an operator" stands for all that could. */
static void put_in_words(Expectation *e)
{
    const bool *fits = e->fits;
    bool operand = fits[TOKEN_NUMBER], operator = fits[TOKEN_STAR];

    /* At the end of the text an open bracket is what is wrong, unless an operand is missing before that. */
    if (e->p->token.kind == TOKEN_END && (!operand || fits[TOKEN_WHILE])) {
        expect_closing(e);
        if (e->count > 0)
            return;
    }
    if (fits[TOKEN_WHILE])
        expect(e, string_of("a statement"));
    else if (operand)
        expect(e, string_of("an expression"));
    else if (fits[TOKEN_NAME])
        expect(e, string_of("a name"));
    else if (operator && !fits[TOKEN_BLOCK_OPEN])
        expect(e, string_of("an operator"));
    expect_sign(e, TOKEN_BLOCK_OPEN, "{");
    if (!operand && !operator) {
        expect_sign(e, TOKEN_PAREN_OPEN, "(");
        expect_sign(e, TOKEN_ASSIGN, "=");
        expect_sign(e, TOKEN_IN, "in");
        expect_sign(e, TOKEN_CATCH, "catch");
        if (fits[TOKEN_STRING])
            expect(e, string_of("a string"));
    }
    if (e->p->inside.kind != BRACKET_SQUARE)          /* where it would be offered with every subscript */
        expect_sign(e, TOKEN_COLON, ":");
    if (!between_statements(e->p))
        expect_sign(e, TOKEN_COMMA, ",");
    expect_closing(e);
    if (fits[TOKEN_NEWLINE])
        expect(e, string_of("the end of the statement"));
}

static const char *in_words(Expectation *e)
{
    Buf *out = buf_new();

    put_in_words(e);
    for (int i = 0; i < e->count; i++) {
        buf_puts(out, i == 0 ? ", expected " : i == e->count - 1 ? " or " : ", ");
        buf_puts(out, e->words[i]->text);
    }
    return buf_text(out);
}

/* Hints, one function a family of mistakes; each gives NULL when it has nothing to say. */

static const char *block_advice(const Expectation *e)
{
    const Parser *p = e->p;
    int kind = p->token.kind;
    bool before_block = p->previous.kind == TOKEN_ELSE || p->previous.kind == TOKEN_TRY
        || p->previous.kind == TOKEN_NOGRAD;

    if (kind == TOKEN_ELSE && p->before.kind == TOKEN_BRACE_CLOSE && starts_statement(p))
        return "`else` stands on the line of the closing brace before it: } else {";
    if (kind == TOKEN_CATCH && p->before.kind == TOKEN_BRACE_CLOSE && starts_statement(p))
        return "`catch` stands on the line of the closing brace before it: } catch err {";
    if (e->fits[TOKEN_CATCH] || (p->previous.kind == TOKEN_CATCH && kind == TOKEN_RECORD_OPEN))
        return catch_hint;
    if (ends_line(kind) && e->fits[TOKEN_BLOCK_OPEN])
        return block_hint;
    if (kind == TOKEN_COLON && between_statements(p) && (before_block || e->fits[TOKEN_BLOCK_OPEN]))
        return block_hint;
    if (kind == TOKEN_RECORD_OPEN && p->before.kind == TOKEN_NEWLINE)
        return block_hint;
    return NULL;
}

static const char *assign_advice(const Expectation *e)
{
    const Parser *p = e->p;
    int first = p->first.kind;

    if (p->token.kind != TOKEN_ASSIGN)
        return NULL;
    if (first == TOKEN_IF || first == TOKEN_WHILE || first == TOKEN_RETURN
        || p->previous.kind == TOKEN_ASSIGN)
        return "use == to compare";
    if (first == TOKEN_FOR)
        return "write for x in xs { ... }";
    if (first == TOKEN_FN && p->before.kind == TOKEN_FN)
        return function_hint;
    if (p->inside.kind == BRACKET_RECORD)
        return "a record is written {key: value}";
    if (!e->fits[TOKEN_STAR])
        return NULL;
    if (!between_statements(p))
        return "use == to compare; a named argument is name = value";
    return "assignments do not chain: write two, or use == to compare";
}

static const char *colon_advice(const Expectation *e)
{
    const Parser *p = e->p;
    const char *first = text_of(p, p->first);

    if (p->token.kind != TOKEN_COLON)
        return NULL;
    if (between_statements(p)) {
        const char *habit = ADVICE(before_advice, first, bytes_of(p->first));
        if (habit != NULL)
            return habit;
        if (p->previous.kind == TOKEN_NAME && p->first.span.start == p->previous.span.start)
            return "a variable needs no type: x = 1";
    }
    if (p->inside.kind == BRACKET_PAREN && p->previous.kind == TOKEN_NAME)
        return "a parameter needs no type; a named argument is name = value; a range is range(a, b)";
    return "a range is range(a, b); a:b stands inside [ ] only";
}

/* Words and signs where a list, a record or an expression goes on. */
static const char *list_advice(const Expectation *e)
{
    const Parser *p = e->p;
    int kind = p->token.kind;
    bool list = p->inside.kind == BRACKET_PAREN || p->inside.kind == BRACKET_SQUARE
        || p->inside.kind == BRACKET_RECORD;

    if (kind == TOKEN_FOR && list)
        return "write map(x -> e, xs)";
    if (kind == TOKEN_IF && !e->fits[TOKEN_IF])
        return "an expression chooses by c ? a : b";
    if (kind == TOKEN_NOT && e->fits[TOKEN_STAR])
        return "write not (x in y)";
    if (kind == TOKEN_SEMICOLON && p->inside.kind == BRACKET_SQUARE)
        return "a matrix is written row by row: [[1, 2], [3, 4]]";
    if (p->inside.kind == BRACKET_RECORD && (e->fits[TOKEN_COLON] || !e->fits[TOKEN_STAR])
        && !e->fits[TOKEN_NUMBER])
        return "a statement or value that begins with `{` is a record: {key: value}";
    if (list && e->fits[TOKEN_STAR] && (starts_operand(kind) || kind == TOKEN_SQUARE_OPEN))
        return "put a comma between the elements";
    if ((kind == TOKEN_STAR || kind == TOKEN_POWER) && e->fits[TOKEN_NUMBER] && list)
        return "a tuple is spread by ...t";
    if (kind == TOKEN_FSTRING_CLOSE && e->fits[TOKEN_NUMBER])
        return "an expression stands between the braces; a brace itself is written {{ or }}";
    return NULL;
}

/* What an operator, a quote or a point means where a statement or expression begins. */
static const char *sign_advice_of(const Expectation *e)
{
    const Parser *p = e->p;
    int kind = p->token.kind;
    char next = p->source->text[p->token.span.end];

    if (kind == TOKEN_PRIME || (p->previous.kind == TOKEN_PRIME && next == '\''))
        return quote_hint;
    if (p->previous.kind == TOKEN_DOT && is_keyword(kind))
        return "a field whose name is a keyword is read by r[\"name\"]";
    if (is_keyword(kind) && e->fits[TOKEN_NAME] && !e->fits[TOKEN_WHILE])
        return e->fits[TOKEN_NUMBER] ? NULL : "this is a keyword and cannot be a name";
    if (!starts_statement(p))
        return NULL;
    switch (kind) {
    case TOKEN_FLOOR: case TOKEN_SLASH: case TOKEN_PERCENT:
        return "a comment begins with #";
    case TOKEN_DOT: case TOKEN_STAR: case TOKEN_POWER: case TOKEN_AND: case TOKEN_OR: case TOKEN_QUESTION:
    case TOKEN_COLON: case TOKEN_EQ: case TOKEN_NE: case TOKEN_LT: case TOKEN_GT: case TOKEN_LE:
    case TOKEN_GE:
        return line_hint;
    case TOKEN_AT:
        return "there are no decorators: write f = decorator(f)";
    default:
        return NULL;
    }
}

/* `print x`: the call that was meant. */
static const char *call_advice(const Parser *p)
{
    const char *name = text_of(p, p->previous), *argument = text_of(p, p->token);

    return string_format("call it: %.*s(%.*s%s)", quoted(name, bytes_of(p->previous)), name,
                         quoted(argument, bytes_of(p->token)), argument,
                         p->token.kind == TOKEN_FSTRING_BEGIN ? "...\"" : "")->text;
}

/* Two operands side by side, and other languages' keywords. */
static const char *word_advice(const Expectation *e)
{
    const Parser *p = e->p;
    Token token = p->token, previous = p->previous;
    const char *hint = NULL;
    bool name_before = previous.kind == TOKEN_NAME;
    bool word_after = starts_operand(token.kind) || is_keyword(token.kind) || ends_line(token.kind)
        || token.kind == TOKEN_BLOCK_OPEN;

    if (token.kind == TOKEN_NAME)
        hint = ADVICE(at_advice, text_of(p, token), bytes_of(token));
    if (hint == NULL && name_before && word_after)
        hint = ADVICE(before_advice, text_of(p, previous), bytes_of(previous));
    if (hint == NULL && p->first.kind == TOKEN_NAME && token.kind == TOKEN_BLOCK_OPEN)
        hint = ADVICE(before_advice, text_of(p, p->first), bytes_of(p->first));
    if (hint == NULL && p->first.kind == TOKEN_NAME && token.kind == TOKEN_BLOCK_OPEN
        && previous.kind == TOKEN_PAREN_CLOSE)
        return "a function of statements begins with fn: fn f(x) { ... }";
    if (hint != NULL || !starts_operand(token.kind))
        return hint;
    if (token.kind == TOKEN_NUMBER && *text_of(p, token) == '.')
        return "an element is read by x[0]";
    if (token.kind == TOKEN_STRING && previous.kind == TOKEN_STRING)
        return "a string stands in one pair of quotes, on one line; \\n is a new line";
    if (name_before && previous.span.start == p->first.span.start)
        return call_advice(p);
    return NULL;
}

static const char *hint_for(const Expectation *e)
{
    static const char *(*const advisers[])(const Expectation *) = {
        block_advice, assign_advice, list_advice, sign_advice_of, word_advice, colon_advice,
    };

    for (size_t i = 0; i < sizeof advisers / sizeof *advisers; i++) {
        const char *hint = advisers[i](e);
        if (hint != NULL)
            return hint;
    }
    return NULL;
}

void syntax_unexpected(Parser *p, const int *expected, int count)
{
    Expectation e = {.p = p};
    Span span = p->token.span;
    int kind = p->token.kind;
    bool closes = kind == TOKEN_PAREN_CLOSE || kind == TOKEN_SQUARE_CLOSE || kind == TOKEN_BRACE_CLOSE;

    for (int i = 0; i < count; i++)
        e.fits[expected[i]] = true;
    /* What is missing at the end of a line is missing right behind the last token. */
    if (ends_line(kind))
        span.start = span.end = p->previous.span.end;
    if (closes && p->inside.kind == BRACKET_NONE)
        throw_at(p->source, span, ERROR_SYNTAX, NULL, "unexpected %s: no bracket is open here",
                 describe(p, p->token)->text);
    const char *words = in_words(&e), *hint = hint_for(&e);
    throw_at(p->source, span, ERROR_SYNTAX, hint, "unexpected %s%s", describe(p, p->token)->text, words);
}

/* Tokens that are none */

static _Noreturn void bad_string(Parser *p)
{
    const Lexer *lexer = p->lexer;
    bool in_hole = p->inside.kind != BRACKET_FSTRING && p->source->text[lexer->left_open] == 'f';

    throw_at(p->source, (Span){lexer->left_open, p->token.span.end}, ERROR_SYNTAX,
             in_hole ? "a { in an f-string opens an expression, which } ends; a brace itself is written {{"
                     : "a string ends on its line, with \"; \\n is a new line",
             "the string is not closed");
}

static _Noreturn void bad_number(Parser *p)
{
    const char *text = text_of(p, p->token), *hint = NULL;
    size_t bytes = bytes_of(p->token), digits = 0;
    while (digits < bytes && strchr("0123456789._", text[digits]) != NULL)
        digits++;
    bool point = memchr(text + digits, '.', bytes - digits) != NULL;

    if (text[0] == '0' && digits == 1 && strchr("xXbBoO", text[1]) != NULL)
        hint = "numbers are decimal, or hexadecimal as 0xff";
    else if (text[digits - 1] == '_' || (digits < bytes && text[digits] == '_'))
        hint = "an underscore stands between two digits";
    else if (digits < bytes && !point)
        hint = string_format("to multiply write %.*s * %.*s", (int)digits, text,
                             quoted(text + digits, bytes - digits), text + digits)->text;
    throw_at(p->source, p->token.span, ERROR_SYNTAX, hint, "malformed number `%.*s`", quoted(text, bytes),
             text);
}

static _Noreturn void bad_character(Parser *p)
{
    const char *text = text_of(p, p->token), *hint;
    uint32_t point;
    int length = utf8_decode(text, p->lexer->limit, &point);

    if (length <= 0)
        throw_at(p->source, p->token.span, ERROR_SYNTAX, NULL, "the text is not valid UTF-8");
    if (point == '}')
        throw_at(p->source, p->token.span, ERROR_SYNTAX, "write }} for a brace in an f-string",
                 "unexpected `}` in an f-string");
    if (point > 0x20 && point < 0x7f)
        throw_at(p->source, p->token.span, ERROR_SYNTAX, point == '\\' ? line_hint : NULL,
                 "unexpected character `%c`", (int)point);
    if (p->lexer->problem == PROBLEM_SIGN)
        throw_at(p->source, p->token.span, ERROR_SYNTAX, ADVICE(sign_advice, text, bytes_of(p->token)),
                 "unexpected character `%.*s` (U+%04X)", length, text, point);
    hint = p->lexer->problem == PROBLEM_SPACE ? "this is a space of another kind: write a plain one"
                                              : "control characters may stand in strings and comments only";
    throw_at(p->source, p->token.span, ERROR_SYNTAX, hint, "unexpected character U+%04X", point);
}

void syntax_bad_token(Parser *p)
{
    const char *text = text_of(p, p->token);
    size_t bytes = bytes_of(p->token);

    switch (p->lexer->problem) {
    case PROBLEM_STRING:
        bad_string(p);
    case PROBLEM_NUMBER:
        bad_number(p);
    case PROBLEM_OPERATOR:
        throw_at(p->source, p->token.span, ERROR_SYNTAX, ADVICE(operator_advice, text, bytes),
                 "there is no operator `%.*s`", (int)bytes, text);
    case PROBLEM_CHARACTER: case PROBLEM_SIGN: case PROBLEM_SPACE:
        break;
    }
    bad_character(p);
}
