/* Errors. One throw, one protect.
 *
 * `error_throw` leaves the running code for the innermost `error_protect`, which gives back everything
 * the failed code had in the pool (see object.h), fills nothing else and returns false. The error itself
 * stays in `rt->error` until the next one. A mistake of the user throws; a mistake of the programmer
 * asserts. */
#ifndef DBX_BASE_ERROR_H
#define DBX_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ErrorKind {
    ERROR_SYNTAX, ERROR_NAME, ERROR_TYPE, ERROR_SHAPE, ERROR_INDEX, ERROR_VALUE, ERROR_DOMAIN,
    ERROR_IO, ERROR_MEMORY, ERROR_INTERRUPT, ERROR_LIMIT, ERROR_USER,
    ERROR_KINDS
} ErrorKind;

/* The name that scripts see in `err.kind`. */
const char *error_kind_name(ErrorKind kind);

#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

/* Throws; the text is formatted as by printf. Does not return. While an operation or a built-in that the user called
 * is under way, the message begins with its name, "sort: ", whatever it calls itself to do its work: nobody else
 * writes it. */
_Noreturn void error_throw(ErrorKind kind, const char *format, ...) PRINTF_LIKE(2, 3);
/* The same with a hint, which is a plain text (NULL for none). */
_Noreturn void error_throw_hint(ErrorKind kind, const char *hint, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* For what no operation is to blame for, such as a time limit: the message begins with no name. */
_Noreturn void error_throw_unnamed(ErrorKind kind, const char *hint, const char *format, ...) PRINTF_LIKE(3, 4);
/* For a program's own texts, which are neither shortened nor given a name. */
_Noreturn void error_throw_whole(ErrorKind kind, const char *hint, const char *message);
/* The name that messages begin with now; NULL: none is put before them. It is `*length` bytes long. */
const char *error_subject(size_t *length);
/* Throws the error in `rt->error` once more, as it is. */
_Noreturn void error_rethrow(void);

/* A text for the next error's note on the operands ("left is [2, 3], right is [4]"), shown beside the
 * underline; cleared by every throw that is caught. Call right before error_throw. */
void error_note(const char *format, ...) PRINTF_LIKE(1, 2);

/* Runs body(data). True when it returned, false when it threw. Whatever body left in the pool is still
 * there when it returned, and given back when it threw. */
bool error_protect(void (*body)(void *data), void *data);

/* The texts of errors, malloc'd and short enough to be read: what they quote may be of any length. NULL when there is
 * no memory, and for NULL. */
char *error_text(const char *format, va_list args);
char *error_text_copy(const char *text);

/* Frees the texts of an error; NULL fields from then on. A caught error is kept by copying the struct and
 * zeroing the original. */
struct ErrorState;
void error_clear(struct ErrorState *error);

#endif
