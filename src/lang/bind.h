/* Binding arguments to parameters. */
#ifndef DBX_LANG_BIND_H
#define DBX_LANG_BIND_H

#include "lang/session.h"

/* Orders `count` arguments on top of the session's stack (from `args`; names[i] NULL for positional) by the
 * parameters of f: afterwards one value per parameter stands there. A missing one has the default of a usage
 * text, or TAG_UNSET where a closure has a default to evaluate. Throws for too many, unknown, repeated and
 * missing arguments. */
void bind_arguments(Function *f, Value *args, String *const *names, uint32_t count);

/* Runs an operation on `count` positional arguments from `args` on, or on as many bound ones as it has parameters. */
Value run_op(Function *f, const Value *args, uint32_t count);
/* Can `count` positional arguments be given to run_op as they are? */
bool op_takes(Function *f, uint32_t count);

#endif
