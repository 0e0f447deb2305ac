/* Files as modules. */
#ifndef DBX_LIB_MODULE_H
#define DBX_LIB_MODULE_H

#include "lang/session.h"

/* The top-level names that have a value, with it, in the order of the alphabet. */
Record *module_record(const Module *module);

#endif
