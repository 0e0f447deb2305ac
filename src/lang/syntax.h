/* Private to the front end: what is said about a text that is not a program. */
#ifndef DBX_LANG_SYNTAX_H
#define DBX_LANG_SYNTAX_H

#include "lang/build.h"
#include "lang/report.h"

enum { SYNTAX_TOKENS = 96 };          /* room for all token kinds */

struct syntax_pstate;
/* The token kinds that may come next, and how many they are (in parser.y); room for SYNTAX_TOKENS. */
int syntax_may_follow(struct syntax_pstate *state, Parser *p, int *expected);

/* p->token does not fit; one of the `expected` kinds would. */
_Noreturn void syntax_unexpected(Parser *p, const int *expected, int count);
/* p->token is TOKEN_BAD. */
_Noreturn void syntax_bad_token(Parser *p);

double literal_number(const char *text, size_t bytes);
/* The text of a string between its quotes, with the escapes undone; in an f-string `{{` and `}}` too. */
String *literal_string(Source *source, Span inside, bool fstring);

#endif
