/* What convolution and pooling share: windows over the last two axes, which are height and width. */
#ifndef DBX_OPS_WINDOW_H
#define DBX_OPS_WINDOW_H

#include "grad/op.h"

/* Reads an argument that is a whole number for both directions or one for each, from `least` to what 32 bits hold; else
 * throws kind value and calls it `name`. */
void window_pair(const OpCall *c, const char *name, const IntList *list, int64_t least, int64_t *down, int64_t *right);

#endif
