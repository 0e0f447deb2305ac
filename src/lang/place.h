/* Places that can be assigned to: names, and parts of what they hold. */
#ifndef DBX_LANG_PLACE_H
#define DBX_LANG_PLACE_H

#include "lang/eval.h"

/* target = v for NAME, INDEX, FIELD and TUPLE targets. */
void assign_target(Frame *frame, Node *target, Value v);
/* target op= value */
void augment_target(Frame *frame, Node *statement);
/* Puts v into a place that owns its value. */
void place_store(Value *place, Value v);

/* name = name + more, when the variable holds a string: it grows in its place when nobody else can see it, so
 * that a text built piece by piece takes time in step with its length. False, with nothing evaluated, for
 * other values. `at` is what an error underlines. */
bool grow_string(Frame *frame, Node *at, const Op *operation, Node *name, Node *more);

#endif
