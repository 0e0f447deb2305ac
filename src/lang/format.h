/* The one style of programs: `dbx fmt`.
 *
 * Lines stay where they are; what changes is indentation (two blanks for each line that leaves a bracket
 * open), the blanks between tokens, blank lines (at most one), and the column of comments behind code, which
 * is the same for neighbours. */
#ifndef DBX_LANG_FORMAT_H
#define DBX_LANG_FORMAT_H

#include "lang/session.h"

/* Rewrites files; "-" is standard input, written to standard output. Reports what fails; false when
 * something did. */
bool format_files(Session *session, int count, char *const *paths);

#endif
