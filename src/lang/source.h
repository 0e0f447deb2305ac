/* A source text and places in it. Spans are byte offsets; lines and columns are computed only when
 * something is reported. */
#ifndef DBX_LANG_SOURCE_H
#define DBX_LANG_SOURCE_H

#include "base/text.h"

typedef struct Span {
    uint32_t start, end;              /* bytes [start, end) */
} Span;

typedef struct Source {
    Object object;
    String *name;                     /* as shown: a path, "<-e>", "<stdin>", "<repl>" */
    String *directory;                /* imports are relative to it */
    size_t bytes;
    uint32_t first_line;              /* number of the first line, 1 for files */
    struct SourceMark *marks;         /* places to count from, see source.c */
    uint32_t mark_count;
    char text[];                      /* NUL-terminated */
} Source;

/* Text as it was read: a byte order mark is skipped, nothing else is changed. */
Source *source_new(String *name, String *directory, const char *text, size_t bytes);

/* A file as a source; throws kind io. As an operand of the command, `-` is standard input. */
Source *source_read(const char *path);
Source *source_read_operand(const char *path);
/* The folder that a path leads to a name in: "." for a name alone. */
String *source_folder(const char *path);

typedef struct Place {
    uint32_t line, column;            /* 1-based; the column counts code points */
} Place;
Place source_place(const Source *source, uint32_t offset);
/* The line that holds `offset`, without its line end. */
Span source_line(const Source *source, uint32_t offset);

#endif
