/* The table of built-ins, collected from their definitions by the Makefile. */
#include "lang/session.h"

#define BUILTIN(name) extern const Builtin builtin_##name;
#include "builtin_list.h"
#undef BUILTIN

const Builtin *const all_builtins[] = {
#define BUILTIN(name) &builtin_##name,
#include "builtin_list.h"
#undef BUILTIN
    NULL
};
