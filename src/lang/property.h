/* Properties of values: shape ndim size dtype grad requires_grad T; and what has identity. */
#ifndef DBX_LANG_PROPERTY_H
#define DBX_LANG_PROPERTY_H

#include "lang/eval.h"

/* x.name for what is no record field: throws when there is no such property. */
Value property_read(Value x, const String *name);
/* There is no such field; suggests the nearest. */
_Noreturn void throw_no_field(const Record *record, const String *name);
/* Throws: properties cannot be assigned to, with a hint what to do instead. */
_Noreturn void property_write(Value x, const String *name, Value v);
/* The names of properties, NULL-terminated. */
extern const char *const property_names[];

/* Does an in-place form (augmented or indexed assignment) update this variable, rather than rebind its name? */
bool variable_updates(const Variable *variable);
/* Gives it a new value; numbers and other values are converted to its dtype, throws for what is not numeric. */
void variable_assign_value(Variable *variable, Value v);
/* The first step of that, which may throw: what the variable would then hold (see variable_next). */
GradTensor *variable_next_value(Variable *variable, Value v);
/* The gradient of a variable or of a tensor that keeps one; none otherwise. */
Value gradient_of(Value x);

#endif
