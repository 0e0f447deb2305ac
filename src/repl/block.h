/* What editing needs to know of a program text: its brackets, its lines and their indentation. */
#ifndef DBX_REPL_BLOCK_H
#define DBX_REPL_BLOCK_H

#include "lang/source.h"

enum { BLOCK_INDENT = 2 };

/* What was typed, as errors name it. */
Source *block_source(const char *text, size_t bytes);

/* Does the text want more lines? Text that is wrong does not: the error is shown when it is run. */
bool block_is_complete(const char *text, size_t bytes);

/* Where the line that holds `offset` begins and ends. */
size_t block_line_start(const char *text, size_t offset);
size_t block_line_end(const char *text, size_t bytes, size_t offset);
/* Blanks at the beginning of the line that holds `offset`. */
size_t block_indentation(const char *text, size_t offset);

/* Blanks that a line begun at the end of the text wants: a step for each line that leaves a bracket open. */
size_t block_next_indentation(const char *text, size_t bytes);

/* The bracket that the one which ends the text closes, or SIZE_MAX. */
size_t block_opening(const char *text, size_t bytes);

#endif
