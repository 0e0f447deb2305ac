/* The standard library's source files, embedded by the build (scripts/embed.awk) from scripts/std. */
#ifndef DBX_LIB_EMBEDDED_H
#define DBX_LIB_EMBEDDED_H

#include <stddef.h>

typedef struct EmbeddedFile {
    const char *name;                 /* "std/NAME.dbx"; NULL behind the last file */
    const char *text;
    size_t bytes;
} EmbeddedFile;

extern const EmbeddedFile embedded_files[];

#endif
