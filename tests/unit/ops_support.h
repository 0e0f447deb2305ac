/* What the tests generated from the rows of the operations share: a session to run the language in,
 * complaints collected until the end of a test, and one test for each row and claim. */
#ifndef DBX_TESTS_UNIT_OPS_SUPPORT_H
#define DBX_TESTS_UNIT_OPS_SUPPORT_H

#include "grad/op.h"
#include "lang/session.h"
#include "support.h"

#include <stdio.h>

#define OP(name) extern const Op op_##name;
#include "op_list.h"
#undef OP

static Session *host;
static char complaints[16384];

static void complain(const char *format, ...) PRINTF_LIKE(1, 2);
static void complain(const char *format, ...)
{
    size_t used = strlen(complaints);
    va_list args;
    va_start(args, format);
    vsnprintf(complaints + used, sizeof complaints - used, format, args);
    va_end(args);
}

/* Ends a test: fails with all that was found. */
static void conclude(void)
{
    static char text[sizeof complaints];
    strcpy(text, complaints);
    complaints[0] = '\0';
    if (text[0] != '\0')
        fail_msg("%s", text);
}

static bool run(const char *format, ...) PRINTF_LIKE(1, 2);
static bool run(const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return session_run(host, text, "<test>", RUN_SCRIPT);
}

/* The first line of the last error: "error: MESSAGE". */
static const char *error_line(void)
{
    static char line[512];
    snprintf(line, sizeof line, "%.*s", (int)strcspn(session_error(host), "\n"), session_error(host));
    return line;
}

static const char *name_of(const Op *op)
{
    static char name[32];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(op->usage, "("), op->usage);
    return name;
}

static bool is_elementwise(const Op *op) { return op->kernel[DTYPE_FLOAT64] != NULL; }

/* ---- one test for each public row and claim ---- */

typedef struct Claim {
    const char *text;                 /* follows the name of the operation */
    CMUnitTestFunction test;          /* of the row in *state */
    bool elementwise;                 /* of elementwise operations only */
} Claim;

static int start_with_memory(size_t bytes)
{
    host = session_new(&(SessionOptions){
        .max_memory = bytes, .threads = 1, .dtype = "float64", .seeded = true, .seed = 1});
    return host == NULL;
}

static int end_session(void **state)
{
    (void)state;
    session_free(host);
    return 0;
}

static int run_claims(const char *group, const Claim *claims, size_t count, CMFixtureFunction start)
{
    static const Op *const rows[] = {
#define OP(name) &op_##name,
#include "op_list.h"
#undef OP
    };
    enum { ROWS = sizeof rows / sizeof *rows, MAX_CLAIMS = 16 };
    static struct CMUnitTest tests[ROWS * MAX_CLAIMS];
    static char names[ROWS * MAX_CLAIMS][80];
    size_t n = 0;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < count && rows[i]->section != NULL; k++) {
            if (claims[k].elementwise && !is_elementwise(rows[i]))
                continue;
            snprintf(names[n], sizeof *names, "%s %s", name_of(rows[i]), claims[k].text);
            tests[n] = (struct CMUnitTest){names[n], claims[k].test, NULL, NULL, (void *)rows[i]};
            n++;
        }
    return _cmocka_run_group_tests(group, tests, n, start, end_session);
}

#endif
