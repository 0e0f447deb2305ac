/* Private to the front end: tokens, and the layer between the generated scanner and the grammar.
 *
 * The scanner (grammar/lexer.re) knows characters only. This layer keeps the stack of open brackets, and
 * with it decides what the grammar should not have to: whether a newline ends a statement, whether a brace
 * opens a block or a record, and where the expressions inside an f-string begin and end. */
#ifndef DBX_LANG_TOKEN_H
#define DBX_LANG_TOKEN_H

#include "lang/source.h"

typedef enum Problem {
    PROBLEM_CHARACTER,                /* a control, or a character that has no use */
    PROBLEM_SIGN,                     /* punctuation that is not of this language */
    PROBLEM_SPACE,                    /* white space other than blanks and tabs */
    PROBLEM_NUMBER,                   /* a malformed number, or a name glued to one */
    PROBLEM_OPERATOR,                 /* an operator of some other language */
    PROBLEM_STRING                    /* a string without its closing quote */
} Problem;

typedef enum BracketKind {
    BRACKET_NONE,                     /* of the stack's bottom: the top level */
    BRACKET_PAREN, BRACKET_SQUARE, BRACKET_RECORD, BRACKET_BLOCK,
    BRACKET_FSTRING,                  /* the text of an f-string */
    BRACKET_HOLE                      /* an {expression} of an f-string */
} BracketKind;

typedef struct Bracket {
    BracketKind kind;
    uint32_t offset;                  /* where it was opened */
    uint32_t questions;               /* `?` inside a hole that have not met their `:` */
} Bracket;

/* `kind` is one of the parser's token kinds. TOKEN_COMMENT and TOKEN_BLANK (a newline that means nothing)
 * are not for the grammar, and TOKEN_BAD is an error that `problem` tells about. */
typedef struct Token {
    int kind;
    Span span;
} Token;

typedef struct Lexer {
    const char *text, *limit;         /* *limit is NUL */
    const char *start, *cursor;       /* of the token just scanned */
    int previous;                     /* the last token that means something */
    Problem problem;
    uint32_t left_open;               /* where the string of PROBLEM_STRING begins */
    Bracket *brackets;                /* [0] is the bottom */
    uint32_t depth, capacity;         /* depth: number of open brackets */
    uint32_t fstrings;                /* how many of them are f-strings */
} Lexer;

/* `text` must stay, with a NUL at text[bytes]. */
Lexer *lexer_new(const char *text, size_t bytes);
Token lexer_next(Lexer *lexer);

/* Whether a newline after the token ends the statement. */
bool token_ends_statement(int kind);
/* Whether a statement begins behind the token. */
bool token_begins_statement(int kind);

/* The generated scanner: what stands at the cursor, with start and cursor moved around it. */
int lexer_scan(Lexer *lexer);
int lexer_scan_fstring(Lexer *lexer);   /* inside the text of an f-string */
int lexer_scan_spec(Lexer *lexer);      /* behind the colon of a hole */

#endif
