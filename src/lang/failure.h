/* Errors as the language sees them. */
#ifndef DBX_LANG_FAILURE_H
#define DBX_LANG_FAILURE_H

#include "lang/eval.h"

/* Fills the place of the error being thrown from the frames of the session; Runtime.on_throw. */
void failure_note_place(Runtime *runtime);

/* The name of the operation or built-in under way that the running frame has called; Runtime.subject. */
const char *failure_subject(const Runtime *runtime, size_t *length);

/* "`foo` is not defined", with the nearest known name. */
_Noreturn void throw_unknown_name(const String *name);
/* The same for a place in a text that is not run. */
_Noreturn void throw_unknown_at(Source *source, Span span, const String *name);

/* What to say when a value is none that should not be: a hint, NULL for other values. */
const char *none_hint(Value v);

/* {message, hint, kind, file, line, column} */
Record *error_record(const ErrorState *error);
/* Interrupts and timeouts: no handler ends them. */
bool error_is_final(const ErrorState *error);

#endif
