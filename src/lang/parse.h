/* From text to syntax tree. */
#ifndef DBX_LANG_PARSE_H
#define DBX_LANG_PARSE_H

#include "lang/ast.h"

/* Parses a whole text; throws a syntax error with its place. */
Chunk *parse(Source *source);

/* For the REPL: NULL when the text is valid so far but not finished (an open bracket, an operator at the
 * end, an unfinished `if c {`). Throws on an error that more text cannot mend. */
Chunk *parse_interactive(Source *source);

/* What may follow the text before `offset`, for completion and for messages. */
typedef struct Expected {
    bool expression;                  /* an expression may start here */
    bool statement;                   /* a statement may start here */
    const char *keywords[32];         /* keywords that fit, NULL-terminated */
} Expected;
Expected parse_expected(const char *text, size_t bytes);

/* The tokens of a text with their spans, comments included, for highlighting and formatting. Never
 * throws: what is not a token is TOKEN_CLASS_ERROR. */
typedef enum TokenClass {
    TOKEN_CLASS_END, TOKEN_CLASS_NEWLINE, TOKEN_CLASS_COMMENT, TOKEN_CLASS_NUMBER, TOKEN_CLASS_STRING,
    TOKEN_CLASS_NAME, TOKEN_CLASS_KEYWORD, TOKEN_CLASS_OPERATOR, TOKEN_CLASS_BRACKET, TOKEN_CLASS_ERROR
} TokenClass;
typedef struct TokenScan TokenScan;
TokenScan *token_scan_new(const char *text, size_t bytes);   /* owned by the pool */
TokenClass token_scan_next(TokenScan *scan, Span *span);

#endif
