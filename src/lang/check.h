/* dbx --check: errors that can be found without running. */
#ifndef DBX_LANG_CHECK_H
#define DBX_LANG_CHECK_H

#include "lang/session.h"

/* Parses and resolves each file and reports every bad one on standard error. True when all are well. */
bool check_files(Session *session, int count, char *const *paths);

#endif
