#include "tensor/show.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Python's format specification, "Format Specification Mini-Language" in its library reference:
 * [[fill]align][sign][z][#][0][width][grouping][.precision][type]. */
typedef struct Spec {
    char fill[5];                     /* one code point */
    char align;                       /* one of < > = ^ */
    char sign;                        /* one of + - and space */
    bool no_negative_zero;            /* z */
    bool alternate;                   /* # */
    int width;                        /* 0 when not given */
    char grouping;                    /* one of , _ or 0 */
    int precision;                    /* -1 when not given */
    char type;                        /* 0 when not given */
} Spec;

enum { FORMAT_WIDTH_MAX = 1000000 };

static _Noreturn void bad_spec(const char *spec, size_t bytes, const char *why)
{
    error_throw_hint(ERROR_VALUE,
                     "a format is [[fill]align][sign][#][0][width][,][.precision][type], as in >8.3f",
                     "bad format '%.*s': %s", (int)bytes, spec, why);
}

static bool is_align(char c) { return c == '<' || c == '>' || c == '=' || c == '^'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Digits from *at on; -1 when there are none. */
static int parse_count(const char **at, const char *end, const char *spec, size_t bytes)
{
    int value = -1;
    for (; *at < end && is_digit(**at); (*at)++) {
        value = (value < 0 ? 0 : value * 10) + (**at - '0');
        if (value > FORMAT_WIDTH_MAX)
            bad_spec(spec, bytes, "the width or precision is too large");
    }
    return value;
}

static bool accept(const char **at, const char *end, const char *any, char *found)
{
    if (*at == end || **at == '\0' || strchr(any, **at) == NULL)
        return false;
    *found = *(*at)++;
    return true;
}

/* [[fill]align]; true when there is a fill. The fill is any code point that an align follows. */
static bool parse_align(Spec *s, const char **at, const char *end)
{
    uint32_t point;
    int length = *at < end ? utf8_decode(*at, end, &point) : 0;
    if (length > 0 && *at + length < end && is_align((*at)[length])) {
        memcpy(s->fill, *at, (size_t)length);
        s->fill[length] = '\0';
        s->align = (*at)[length];
        *at += length + 1;
        return true;
    }
    if (*at < end && is_align(**at))
        s->align = *(*at)++;
    return false;
}

static Spec parse_spec(const char *spec, size_t bytes, bool number)
{
    Spec s = {.fill = " ", .precision = -1};
    const char *at = spec, *end = spec + bytes;
    char flag;
    bool filled = parse_align(&s, &at, end);
    accept(&at, end, "+- ", &s.sign);
    s.no_negative_zero = accept(&at, end, "z", &flag);
    s.alternate = accept(&at, end, "#", &flag);
    if (!filled && at < end && *at == '0') {
        at++;
        strcpy(s.fill, "0");
        if (s.align == 0 && number)
            s.align = '=';
    }
    if (s.align == 0)
        s.align = number ? '>' : '<';
    s.width = parse_count(&at, end, spec, bytes);
    accept(&at, end, ",_", &s.grouping);
    if (accept(&at, end, ",_", &flag))
        bad_spec(spec, bytes, "only one of ',' and '_' can group digits");
    if (accept(&at, end, ".", &flag) && (s.precision = parse_count(&at, end, spec, bytes)) < 0)
        bad_spec(spec, bytes, "digits must follow the point");
    accept(&at, end, number ? "deEfFgG%xXbo" : "s", &s.type);
    if (at < end)
        bad_spec(spec, bytes, number ? "the type must be one of d e E f F g G % x X b o"
                                     : "a text's type can only be s");
    return s;
}

static void put_fill(Buf *out, const Spec *s, int64_t times)
{
    for (int64_t i = 0; i < times; i++)
        buf_puts(out, s->fill);
}

/* A number's text in its parts, so that padding and grouping can go between them. */
typedef struct Parts {
    char sign;                        /* 0 for none */
    const char *prefix;               /* 0x, 0b, 0o or nothing */
    const char *digits;               /* those before the point or exponent */
    int64_t count;
    const char *rest;
} Parts;

static int64_t grouped_length(int64_t digits, int group)
{
    return digits + (digits > 0 ? (digits - 1) / group : 0);
}

static void put_grouped(Buf *out, const Parts *p, int64_t zeros, int group, char separator)
{
    int64_t total = p->count + zeros;
    for (int64_t i = 0; i < total; i++) {
        if (i > 0 && separator != 0 && (total - i) % group == 0)
            buf_putc(out, separator);
        buf_putc(out, i < zeros ? '0' : p->digits[i - zeros]);
    }
}

/* Zeros that pad the inside of a grouped number are grouped too, as Python does. */
static void put_parts(Buf *out, const Spec *s, const Parts *p)
{
    bool radix = s->type == 'x' || s->type == 'X' || s->type == 'b' || s->type == 'o';
    int group = s->grouping == 0 ? FORMAT_WIDTH_MAX + 1 : radix ? 4 : 3;
    int64_t fixed = (p->sign != 0) + (int64_t)(strlen(p->prefix) + strlen(p->rest)), zeros = 0;
    if (p->count > 0 && s->align == '=' && strcmp(s->fill, "0") == 0)
        while (fixed + grouped_length(p->count + zeros, group) < s->width)
            zeros++;
    int64_t padding = s->width - fixed - grouped_length(p->count + zeros, group);
    if (padding < 0)
        padding = 0;
    int64_t left = s->align == '>' ? padding : s->align == '^' ? padding / 2 : 0;
    int64_t inside = s->align == '=' ? padding : 0;
    put_fill(out, s, left);
    if (p->sign != 0)
        buf_putc(out, p->sign);
    buf_puts(out, p->prefix);
    put_fill(out, s, inside);
    put_grouped(out, p, zeros, group, s->grouping);
    buf_puts(out, p->rest);
    put_fill(out, s, padding - left - inside);
}

/* The digits of a whole x >= 0 in base 2, 8 or 16. A double is a mantissa and zeros in base 2, so that is
 * where this starts. */
static const char *radix_digits(double x, int bits_each, bool upper)
{
    int exponent;
    uint64_t mantissa = (uint64_t)ldexp(frexp(x, &exponent), 53);
    Buf *out = buf_new();
    int digits = exponent <= 0 ? 1 : (exponent + bits_each - 1) / bits_each;
    for (int i = digits - 1; i >= 0; i--) {
        unsigned digit = 0;
        for (int bit = (i + 1) * bits_each - 1; bit >= i * bits_each; bit--) {
            int place = bit - exponent + 53;             /* of this bit in the mantissa */
            digit = digit * 2 + (place >= 0 && place < 53 ? (unsigned)(mantissa >> place & 1) : 0);
        }
        buf_putc(out, (upper ? "0123456789ABCDEF" : "0123456789abcdef")[digit]);
    }
    return buf_text(out);
}

/* "%.*f" of x >= 0. For few digits the number of units of the last one is found exactly: the product that
 * says how many is rounded, but fma tells by how much, and so what is really halfway and goes to the even. */
static void put_fixed(Buf *out, double x, int precision)
{
    double unit = 1;
    for (int i = 0; i < precision && unit < 1e15; i++)
        unit *= 10;
    double units = x * unit, down = floor(units), part = units - down, error = fma(x, unit, -units);
    if (precision > 15 || !(units < 1e15)) {
        buf_printf(out, "%.*f", precision, x);
        return;
    }
    uint64_t count = (uint64_t)down;
    count += part > 0.5 || (part == 0.5 && (error > 0 || (error == 0 && count % 2 == 1)));
    show_whole(out, count / (uint64_t)unit);
    if (precision == 0)
        return;
    buf_putc(out, '.');
    for (uint64_t rest = count % (uint64_t)unit, digit = (uint64_t)unit / 10; digit > 0; digit /= 10)
        buf_putc(out, (char)('0' + rest / digit % 10));
}

static const char *whole_text(const Spec *s, double x, Parts *p)
{
    static const char prefixes[4][3] = {"0x", "0X", "0b", "0o"};
    static const char types[] = "xXbo";
    static const int bits[] = {4, 4, 1, 3};
    const char *type = strchr(types, s->type);
    if (type == NULL) {
        Buf *out = buf_new();
        put_fixed(out, x, 0);
        return buf_text(out);
    }
    if (s->alternate)
        p->prefix = prefixes[type - types];
    return radix_digits(x, bits[type - types], s->type == 'X');
}

/* `precision` significant digits with their trailing zeros: "%#.*g" as C defines it. Its own in the C
 * library (glibc 2.36) loses the zeros where rounding carries into a new digit. */
static void put_general(Buf *out, double x, int precision, bool upper)
{
    Buf *rounded = buf_new();
    if (precision == 0)
        precision = 1;
    buf_printf(rounded, "%.*e", precision - 1, x);
    const char *e = strchr(buf_text(rounded), 'e');
    int exponent = e != NULL ? atoi(e + 1) : 0;
    if (exponent < -4 || exponent >= precision)
        buf_printf(out, upper ? "%#.*E" : "%#.*e", precision - 1, x);
    else
        buf_printf(out, upper ? "%#.*F" : "%#.*f", precision - 1 - exponent, x);
}

static const char *real_text(const Spec *s, double x)
{
    Buf *out = buf_new();
    int precision = s->precision < 0 ? 6 : s->precision;
    bool plain = !s->alternate;
    if (s->type == 0 && s->precision < 0) {
        show_number(out, x);
        return buf_text(out);
    }
    switch (s->type) {
    case 'e': buf_printf(out, plain ? "%.*e" : "%#.*e", precision, x); break;
    case 'E': buf_printf(out, plain ? "%.*E" : "%#.*E", precision, x); break;
    case 'F': buf_printf(out, plain ? "%.*F" : "%#.*F", precision, x); break;
    case 'f': case '%':
        if (plain)
            put_fixed(out, x, precision);
        else
            buf_printf(out, "%#.*f", precision, x);
        if (s->type == '%')
            buf_putc(out, '%');
        break;
    default:
        if (plain)
            buf_printf(out, s->type == 'G' ? "%.*G" : "%.*g", precision, x);
        else
            put_general(out, x, precision, s->type == 'G');
    }
    return buf_text(out);
}

static bool is_whole_type(char type)
{
    return type != 0 && strchr("dxXbo", type) != NULL;
}

static void check_whole(const Spec *s, double x, const char *spec, size_t bytes)
{
    if (!isfinite(x) || x != floor(x)) {
        Buf *shown = buf_new();
        show_number(shown, x);
        error_throw(ERROR_VALUE, "format code '%c' needs a whole number, not %s", s->type, buf_text(shown));
    }
    if (s->precision >= 0)
        bad_spec(spec, bytes, "a whole number takes no precision");
    if (s->no_negative_zero)
        bad_spec(spec, bytes, "'z' is for real numbers");
    if (s->grouping == ',' && s->type != 'd')
        bad_spec(spec, bytes, "',' groups decimal digits only; use '_'");
}

static bool is_zero_text(const char *text)
{
    return strspn(text, "0.") == strcspn(text, "eE%") || strspn(text, "0.") == strlen(text);
}

void format_number(Buf *out, double x, const char *spec, size_t bytes)
{
    Spec s = parse_spec(spec, bytes, true);
    Parts p = {.prefix = ""};
    bool negative = signbit(x) && !isnan(x);
    if (is_whole_type(s.type)) {
        check_whole(&s, x, spec, bytes);
        negative = x < 0;
        p.digits = whole_text(&s, fabs(x), &p);
        p.count = (int64_t)strlen(p.digits);
        p.rest = "";
    } else {
        p.digits = real_text(&s, fabs(s.type == '%' ? x * 100 : x));
        p.count = (int64_t)strspn(p.digits, "0123456789");
        p.rest = p.digits + p.count;
        if (s.no_negative_zero && is_zero_text(p.digits))
            negative = false;
    }
    p.sign = negative ? '-' : s.sign == '-' ? 0 : s.sign;
    put_parts(out, &s, &p);
}

void format_text(Buf *out, const char *text, size_t bytes, const char *spec, size_t spec_bytes)
{
    Spec s = parse_spec(spec, spec_bytes, false);
    if (s.sign != 0 || s.alternate || s.no_negative_zero || s.grouping != 0 || s.align == '=')
        bad_spec(spec, spec_bytes, "a text takes a fill, an align (< > ^), a width and a precision only");
    int64_t points = 0;
    size_t used = 0;
    while (used < bytes && (s.precision < 0 || points < s.precision)) {
        used++;
        while (used < bytes && ((uint8_t)text[used] & 0xc0) == 0x80)
            used++;
        points++;
    }
    int64_t padding = s.width > points ? s.width - points : 0;
    int64_t left = s.align == '>' ? padding : s.align == '^' ? padding / 2 : 0;
    put_fill(out, &s, left);
    buf_add(out, text, used);
    put_fill(out, &s, padding - left);
}
