/* The scanner: characters to tokens. Brackets, newlines and f-strings are put in order by lang/token.c. */
#include "lang/token.h"

#include "parser.h"

/*!re2c
re2c:yyfill:enable = 0;
re2c:define:YYCTYPE = "unsigned char";
re2c:define:YYCURSOR = cursor;
re2c:define:YYMARKER = marker;
re2c:define:YYCTXMARKER = context;

digits = [0-9] ("_"? [0-9])*;
exponent = [eE] [+-]? digits;
fraction = (digits "." digits | "." digits) exponent? | digits "."? exponent;
hex = "0" [xX] [0-9a-fA-F] ("_"? [0-9a-fA-F])*;

/* Every code point above ASCII is a letter, except white space, controls, format and bidirectional
 * controls, non-characters, and the punctuation and operator signs that are often pasted for ASCII ones. */
blank_point = [\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000];
control_point = [\x80-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u202a-\u202e]
    | [\u2060-\u206f\ufeff\ufff0-\uffff\U000e0000-\U000e0fff];
sign_point = [\xa1\xab\xac\xb7\xbb\xbf\xd7\xf7\u2010-\u2027\u2030-\u205e\u2212\u2215\u2217\u2219]
    | [\u2223\u2225\u2227\u2228\u2236\u2260\u2264\u2265\u22c5\u3001-\u3003\u3008-\u3011]
    | [\uff01-\uff0f\uff1a-\uff20\uff3b-\uff3e\uff40\uff5b-\uff65];
letter = [a-zA-Z_] | ([\x80-\U0010ffff] \ (blank_point | control_point | sign_point));
name = letter (letter | [0-9])*;
*/

/* The rest of a comment. NUL is a character like others there, unless it is the end of the text. */
static int scan_comment(Lexer *lexer)
{
    while (lexer->cursor < lexer->limit && *lexer->cursor != '\n')
        lexer->cursor++;
    return TOKEN_COMMENT;
}

/* The rest of a plain string, behind the opening quote. Escapes are judged when it is decoded. */
static int scan_string(Lexer *lexer)
{
    const unsigned char *cursor = (const unsigned char *)lexer->cursor, *marker = cursor;

    for (;;) {
        const unsigned char *start = cursor;
        /*!re2c
        "\""                { lexer->cursor = (const char *)cursor; return TOKEN_STRING; }
        "\\" [^\n\x00]      { continue; }
        [^"\\\n\x00]+       { continue; }
        "\n" | "\x00"       { if (*start == 0 && (const char *)start < lexer->limit)
                                  continue;
                              lexer->cursor = (const char *)start;
                              lexer->problem = PROBLEM_STRING;
                              return TOKEN_BAD; }
        *                   { continue; }
        */
    }
}

static int bad(Lexer *lexer, Problem problem)
{
    lexer->problem = problem;
    return TOKEN_BAD;
}

/* `1.` is a number, but in `1.sum()` and `1...` the point is not the number's. */
static void take_point(Lexer *lexer)
{
    const unsigned char *cursor = (const unsigned char *)lexer->cursor, *marker = cursor;

    /*!re2c
    "." (letter | ".")   { return; }
    "."                  { lexer->cursor = (const char *)cursor; return; }
    *                    { return; }
    */
}

int lexer_scan(Lexer *lexer)
{
    const unsigned char *cursor = (const unsigned char *)lexer->cursor, *marker, *context;

#define TAKE(kind) do { lexer->cursor = (const char *)cursor; return (kind); } while (0)
#define REFUSE(problem) do { lexer->cursor = (const char *)cursor; return bad(lexer, (problem)); } while (0)
    for (;;) {
        lexer->start = (const char *)cursor;
        /*!re2c
        [ \t]+              { continue; }
        "\r"? "\n"          { TAKE(TOKEN_NEWLINE); }
        "\r" / "\x00"       { continue; }
        "#"                 { lexer->cursor = (const char *)cursor; return scan_comment(lexer); }
        "\x00"              { if (lexer->start == lexer->limit)
                                  return TOKEN_END;
                              REFUSE(PROBLEM_CHARACTER); }

        "and"               { TAKE(TOKEN_AND); }
        "break"             { TAKE(TOKEN_BREAK); }
        "catch"             { TAKE(TOKEN_CATCH); }
        "continue"          { TAKE(TOKEN_CONTINUE); }
        "else"              { TAKE(TOKEN_ELSE); }
        "false"             { TAKE(TOKEN_FALSE); }
        "fn"                { TAKE(TOKEN_FN); }
        "for"               { TAKE(TOKEN_FOR); }
        "global"            { TAKE(TOKEN_GLOBAL); }
        "if"                { TAKE(TOKEN_IF); }
        "in"                { TAKE(TOKEN_IN); }
        "nograd"            { TAKE(TOKEN_NOGRAD); }
        "none"              { TAKE(TOKEN_NONE); }
        "not"               { TAKE(TOKEN_NOT); }
        "or"                { TAKE(TOKEN_OR); }
        "return"            { TAKE(TOKEN_RETURN); }
        "true"              { TAKE(TOKEN_TRUE); }
        "try"               { TAKE(TOKEN_TRY); }
        "while"             { TAKE(TOKEN_WHILE); }
        name                { TAKE(TOKEN_NAME); }

        digits              { lexer->cursor = (const char *)cursor;
                              take_point(lexer);
                              return TOKEN_NUMBER; }
        fraction | hex      { TAKE(TOKEN_NUMBER); }
        (digits | fraction | hex) (letter | "." [0-9]) (letter | [0-9] | "." [0-9])* {
                              REFUSE(PROBLEM_NUMBER); }

        "\""                { lexer->cursor = (const char *)cursor; return scan_string(lexer); }
        "f\""               { TAKE(TOKEN_FSTRING_BEGIN); }

        "("                 { TAKE(TOKEN_PAREN_OPEN); }
        ")"                 { TAKE(TOKEN_PAREN_CLOSE); }
        "["                 { TAKE(TOKEN_SQUARE_OPEN); }
        "]"                 { TAKE(TOKEN_SQUARE_CLOSE); }
        "{"                 { TAKE(TOKEN_BLOCK_OPEN); }
        "}"                 { TAKE(TOKEN_BRACE_CLOSE); }

        "+"                 { TAKE(TOKEN_PLUS); }
        "-"                 { TAKE(TOKEN_MINUS); }
        "*"                 { TAKE(TOKEN_STAR); }
        "/"                 { TAKE(TOKEN_SLASH); }
        "//"                { TAKE(TOKEN_FLOOR); }
        "%"                 { TAKE(TOKEN_PERCENT); }
        "@"                 { TAKE(TOKEN_AT); }
        "^" | "**"          { TAKE(TOKEN_POWER); }
        "'"                 { TAKE(TOKEN_PRIME); }
        "=="                { TAKE(TOKEN_EQ); }
        "!="                { TAKE(TOKEN_NE); }
        "<"                 { TAKE(TOKEN_LT); }
        "<="                { TAKE(TOKEN_LE); }
        ">"                 { TAKE(TOKEN_GT); }
        ">="                { TAKE(TOKEN_GE); }
        "="                 { TAKE(TOKEN_ASSIGN); }
        "+="                { TAKE(TOKEN_PLUS_ASSIGN); }
        "-="                { TAKE(TOKEN_MINUS_ASSIGN); }
        "*="                { TAKE(TOKEN_STAR_ASSIGN); }
        "/="                { TAKE(TOKEN_SLASH_ASSIGN); }
        "//="               { TAKE(TOKEN_FLOOR_ASSIGN); }
        "%="                { TAKE(TOKEN_PERCENT_ASSIGN); }
        "@="                { TAKE(TOKEN_AT_ASSIGN); }
        "^=" | "**="        { TAKE(TOKEN_POWER_ASSIGN); }
        "->"                { TAKE(TOKEN_ARROW); }
        "?"                 { TAKE(TOKEN_QUESTION); }
        ":"                 { TAKE(TOKEN_COLON); }
        ","                 { TAKE(TOKEN_COMMA); }
        ";"                 { TAKE(TOKEN_SEMICOLON); }
        "."                 { TAKE(TOKEN_DOT); }
        "..."               { TAKE(TOKEN_ELLIPSIS); }

        /* `a--b` and `--2` are arithmetic; with nothing to work on behind them they are C's. */
        ("++" | "--") / [ \t\r]* [\n;)\]},#\x00] {
                              REFUSE(PROBLEM_OPERATOR); }
        ":="                { if (lexer->brackets[lexer->depth].kind == BRACKET_HOLE) {
                                  cursor--;               /* a format that begins with `=` */
                                  TAKE(TOKEN_COLON);
                              }
                              REFUSE(PROBLEM_OPERATOR); }
        "&" | "&&" | "|" | "||" | "|>" | "!" | "~" | "=>" | "===" | "!==" | "<>" | ".." | "&=" | "|="
        | "<<" | ">>" | ".*" | "./" | ".^" | ".+" | ".-" | ".'" {
                              REFUSE(PROBLEM_OPERATOR); }
        sign_point          { REFUSE(PROBLEM_SIGN); }
        blank_point         { REFUSE(PROBLEM_SPACE); }
        [^\x00]             { REFUSE(PROBLEM_CHARACTER); }
        *                   { REFUSE(PROBLEM_CHARACTER); }
        */
    }
}

/* A piece of text up to the next hole or the end, or one of these themselves. */
int lexer_scan_fstring(Lexer *lexer)
{
    const unsigned char *cursor = (const unsigned char *)lexer->cursor, *marker, *start;

    lexer->start = lexer->cursor;
    for (;;) {
        start = cursor;
        bool first = (const char *)start == lexer->start;
        /*!re2c
        "{{" | "}}"         { continue; }
        "\\" [^\n\x00]      { continue; }
        "\\u{" [^"}\n\x00]* "}" { continue; }
        [^"{}\\\n\x00]+     { continue; }
        "{"                 { if (first)
                                  TAKE(TOKEN_FSTRING_OPEN);
                              goto text; }
        "\""                { if (first)
                                  TAKE(TOKEN_FSTRING_END);
                              goto text; }
        "}"                 { if (!first)
                                  goto text;
                              REFUSE(PROBLEM_CHARACTER); }
        "\n" | "\x00"       { if (*start == 0 && (const char *)start < lexer->limit)
                                  continue;
                              lexer->cursor = (const char *)start;
                              return bad(lexer, PROBLEM_STRING); }
        *                   { continue; }
        */
    }
text:
    lexer->cursor = (const char *)start;
    return TOKEN_FSTRING_TEXT;
}

/* Everything up to the brace that ends the hole; the token starts at the colon before it. */
int lexer_scan_spec(Lexer *lexer)
{
    while (lexer->cursor < lexer->limit && *lexer->cursor != '\n' && *lexer->cursor != '"') {
        if (*lexer->cursor == '}')
            return TOKEN_FSTRING_SPEC;
        lexer->cursor++;
    }
    return bad(lexer, PROBLEM_STRING);
}
