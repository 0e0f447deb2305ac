/* Names of files, and what a sandbox forbids. */
#ifndef DBX_LIB_PATHS_H
#define DBX_LIB_PATHS_H

#include "lang/function.h"

typedef enum PathUse { PATH_READ, PATH_WRITE } PathUse;

/* The path to open: `path` itself, or in a sandbox its place after all links; throws kind io, naming the
 * function, when it lies outside, and kind value when it is no path. */
const char *path_checked(const Call *call, const String *path, PathUse use);
/* The same for who is no function. */
const char *path_checked_for(const char *who, const String *path, PathUse use);

/* Relative to a folder, unless it is absolute; folder NULL or "." for the working directory. */
String *path_in(const String *folder, const String *path);

#endif
