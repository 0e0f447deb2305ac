#include "ops/window.h"

#include <limits.h>

void window_pair(const OpCall *c, const char *name, const IntList *list, int64_t least, int64_t *down, int64_t *right)
{
    if (list->count != 1 && list->count != 2)
        call_error(c, ERROR_VALUE, "%s must be one whole number or two, but there are %lld", name,
                   (long long)list->count);
    *down = list->at[0];
    *right = list->at[list->count - 1];
    if (*down < least || *right < least || *down > INT_MAX || *right > INT_MAX)
        call_error(c, ERROR_VALUE, "%s must be at least %lld and fit 32 bits, not %lld", name, (long long)least,
                   (long long)(*down < least || *down > INT_MAX ? *down : *right));
}
