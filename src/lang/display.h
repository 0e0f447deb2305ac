/* Values as text. */
#ifndef DBX_LANG_DISPLAY_H
#define DBX_LANG_DISPLAY_H

#include "lang/session.h"

/* As print shows it: strings bare, tensors as nested lists. */
void display_value(Buf *out, Value v);
/* As the REPL echoes it: text that, where the language has a literal for it, can be pasted back. */
void display_repr(Buf *out, Value v);
/* Is it a name, so that it stands as a key without quotes, and behind a point? */
bool display_bare_key(const String *key);
/* In an f-string: a number format for what is one number, else the text of print, padded by the spec. */
void display_formatted(Buf *out, Value v, const char *spec, size_t bytes);
/* Echoes the value of an expression and keeps it as `ans`; none is not shown. */
void display_echo(Value v);

#endif
