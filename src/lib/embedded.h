/* Source files that the build embeds in the program (scripts/embed.awk). */
#ifndef DBX_LIB_EMBEDDED_H
#define DBX_LIB_EMBEDDED_H

#include <stddef.h>

typedef struct EmbeddedFile {
    const char *name;                 /* "std/NAME.dbx"; NULL behind the last file */
    const char *text;
    size_t bytes;
} EmbeddedFile;

extern const EmbeddedFile embedded_files[];      /* scripts/std */
extern const EmbeddedFile embedded_tour[];       /* scripts/demos/tour.dbx */

#endif
