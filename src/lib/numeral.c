#include "lib/numeral.h"

#include "lang/syntax.h"

#include <math.h>
#include <string.h>

static size_t digits_at(const char *at)
{
    size_t n = 0;
    while ((at[n] >= '0' && at[n] <= '9') || (n > 0 && at[n] == '_' && at[n + 1] >= '0' && at[n + 1] <= '9'))
        n++;
    return n;
}

/* The length of the decimal or hexadecimal number at `at`, 0 for none. */
static size_t literal_length(const char *at)
{
    size_t whole = digits_at(at), n = whole, fraction = 0;
    if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X')) {
        size_t hex = strspn(at + 2, "0123456789abcdefABCDEF");
        return hex == 0 ? 0 : 2 + hex;
    }
    if (at[n] == '.') {
        fraction = digits_at(at + n + 1);
        n += 1 + fraction;
    }
    if (whole + fraction == 0)
        return 0;
    if (at[n] == 'e' || at[n] == 'E') {
        size_t sign = at[n + 1] == '+' || at[n + 1] == '-';
        size_t exponent = digits_at(at + n + 1 + sign);
        n += exponent == 0 ? 0 : 1 + sign + exponent;
    }
    return n;
}

bool numeral_read(const char *text, double *x)
{
    static const char spaces[] = " \t\r\n";
    const char *at = text + strspn(text, spaces);
    bool negative = *at == '-';
    size_t n;
    if (*at == '-' || *at == '+')
        at++;
    if (strncasecmp(at, "inf", 3) == 0 || strncasecmp(at, "nan", 3) == 0) {
        *x = *at == 'i' || *at == 'I' ? (double)INFINITY : (double)NAN;
        n = 3;
    } else {
        n = literal_length(at);
        if (n == 0)
            return false;
        *x = literal_number(at, n);
    }
    if (negative)
        *x = -*x;
    at += n;
    return at[strspn(at, spaces)] == '\0';
}
