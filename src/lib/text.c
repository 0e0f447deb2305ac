/* Functions on strings. Positions and lengths are in code points, but what only searches and cuts works on
 * bytes, which is right in UTF-8. */
#include "base/runtime.h"
#include "lib/sequence.h"
#include "ops/rules.h"

#include <locale.h>
#include <string.h>
#include <wctype.h>

static bool is_space(uint32_t point)
{
    return point == ' ' || (point >= 9 && point <= 13) || point == 0x85 || point == 0xa0 || point == 0x1680
        || (point >= 0x2000 && point <= 0x200a) || point == 0x2028 || point == 0x2029 || point == 0x202f
        || point == 0x205f || point == 0x3000;
}

static bool in_set(uint32_t point, const String *set)
{
    const char *end = set->text + set->bytes;
    uint32_t member;
    for (const char *at = set->text; at < end; at += utf8_decode(at, end, &member))
        if (utf8_decode(at, end, &member), member == point)
            return true;
    return false;
}

/* Where `part` is found in [at, end), or NULL. */
static const char *find_part(const char *at, const char *end, const String *part)
{
    return memmem(at, (size_t)(end - at), part->text, part->bytes);
}

/* ---- split and join ---- */

static Value split_spaces(const String *text)
{
    const char *end = text->text + text->bytes, *word = NULL;
    PoolMark mark = pool_mark();
    Tuple *out = tuple_new(0, NULL);
    uint32_t point;
    int length;
    for (const char *at = text->text; at < end; at += length) {
        length = utf8_decode(at, end, &point);
        if (is_space(point) && word != NULL) {
            out = collect(out, value_string(string_new(word, (size_t)(at - word))), mark);
            word = NULL;
        } else if (!is_space(point) && word == NULL) {
            word = at;
        }
    }
    if (word != NULL)
        out = collect(out, value_string(string_new(word, (size_t)(end - word))), mark);
    return value_object(TAG_TUPLE, out);
}

static Value split_by(const String *text, const String *separator)
{
    const char *at = text->text, *end = at + text->bytes, *found;
    PoolMark mark = pool_mark();
    Tuple *out = tuple_new(0, NULL);
    for (; (found = find_part(at, end, separator)) != NULL; at = found + separator->bytes)
        out = collect(out, value_string(string_new(at, (size_t)(found - at))), mark);
    return value_object(TAG_TUPLE, collect(out, value_string(string_new(at, (size_t)(end - at))), mark));
}

static Value run_split(Call *call)
{
    Value x = call->args[0];
    if (x.tag != TAG_STRING) {
        if (value_tensor(x) == NULL)
            arg_error(call, 0, "a string or a tensor");
        if (!arg_given(call, 1))
            call_throw(call, ERROR_TYPE,
                       "`n_or_sizes` must say how to split a tensor: a number of parts, or their sizes");
        return call_value(value_object(TAG_FUNCTION, function_op(&op_split)), 3, call->args, NULL);
    }
    int which = arg_given(call, 3) ? 3 : 1;
    if (!arg_given(call, which))
        return split_spaces(x.as.any);
    if (call->args[which].tag != TAG_STRING)
        call_throw(call, ERROR_TYPE, "a string is split at a `separator`, which must be a string, not %s",
                   value_described(call->args[which]));
    if (arg_string(call, which)->bytes == 0)
        error_throw_hint(ERROR_VALUE, "map(c -> c, text) gives the characters",
                         "split: the separator is empty");
    return split_by(x.as.any, call->args[which].as.any);
}

const Builtin builtin_split = {
    .usage = "split(x, n_or_sizes=none, axis=0, separator=none)", .section = "shape",
    .doc = "Of a tensor: the tuple of its parts along an axis: n equal ones, or parts of the sizes in a "
           "tuple. Of a string: the tuple of its parts between separators, split(text, \",\"), or without a "
           "separator between white space.",
    .errors = "shape when the axis does not split that way; index when it is out of range; value when the "
              "separator is empty; type when x is neither a tensor nor a string.",
    .example = "split([1, 2, 3, 4], 2)  #=> ([1, 2], [3, 4])\n"
               "split([1, 2, 3, 4], (1, 3))  #=> ([1], [2, 3, 4])\n"
               "split(\"a,b,,c\", \",\")  #=> (\"a\", \"b\", \"\", \"c\")\n"
               "split(\" to  be \")  #=> (\"to\", \"be\")",
    .related = "concat slice join strip",
    .run = run_split,
};

static Value run_join(Call *call)
{
    if (call->args[0].tag == TAG_STRING && call->args[1].tag != TAG_STRING)
        error_throw_hint(ERROR_TYPE, "the separator comes second: join(xs, \", \")",
                         "join: `sep` must be a string, not %s",
                         value_described(call->args[1]));
    Sequence xs = arg_sequence(call, 0);
    const String *separator = arg_string(call, 1);
    Buf *out = buf_new();
    PoolMark mark = pool_mark();
    for (int64_t k = 0; k < xs.count; k++) {
        Value item = sequence_item(&xs, k);
        if (item.tag != TAG_STRING)
            error_throw_hint(ERROR_TYPE, "join(map(str, xs), sep) joins the texts of all kinds of values",
                             "join: item %lld of `xs` is %s, not a string", (long long)k,
                             value_described(item));
        if (k > 0)
            buf_add(out, separator->text, separator->bytes);
        buf_add(out, ((String *)item.as.any)->text, ((String *)item.as.any)->bytes);
        pool_drain(mark);
    }
    return value_string(buf_string(out));
}

const Builtin builtin_join = {
    .usage = "join(xs, sep=\"\")", .section = "text",
    .doc = "The strings of a tuple one behind the other, with the separator between them.",
    .errors = "type when an item is not a string.",
    .example = "join((\"a\", \"b\", \"c\"), \", \")  #=> a, b, c\njoin(map(str, range(3)), \"-\")  #=> 0-1-2",
    .related = "split str format",
    .run = run_join,
};

static Value run_replace(Call *call)
{
    const String *text = arg_string(call, 0), *old = arg_string(call, 1), *new = arg_string(call, 2);
    const char *at = text->text, *end = at + text->bytes, *found;
    Buf *out = buf_new();
    if (old->bytes == 0)
        call_throw(call, ERROR_VALUE, "`old` is empty");
    for (; (found = find_part(at, end, old)) != NULL; at = found + old->bytes) {
        buf_add(out, at, (size_t)(found - at));
        buf_add(out, new->text, new->bytes);
    }
    buf_add(out, at, (size_t)(end - at));
    return value_string(buf_string(out));
}

const Builtin builtin_replace = {
    .usage = "replace(text, old, new)", .section = "text",
    .doc = "The text with every occurrence of `old` replaced by `new`.",
    .errors = "type when an argument is not a string; value when old is empty.",
    .example = "replace(\"a-b-c\", \"-\", \"+\")  #=> a+b+c",
    .related = "split strip",
    .run = run_replace,
};

/* ---- ends ---- */

static bool strips(uint32_t point, const String *set)
{
    return set == NULL ? is_space(point) : in_set(point, set);
}

static Value run_strip(Call *call)
{
    const String *text = arg_string(call, 0), *set = arg_given(call, 1) ? arg_string(call, 1) : NULL;
    const char *start = text->text, *end = start + text->bytes;
    uint32_t point;
    int length;
    while (start < end && (length = utf8_decode(start, end, &point), strips(point, set)))
        start += length;
    while (start < end) {
        const char *last = end - 1;
        while ((*last & 0xc0) == 0x80)
            last--;
        utf8_decode(last, end, &point);
        if (!strips(point, set))
            break;
        end = last;
    }
    return value_string(string_new(start, (size_t)(end - start)));
}

const Builtin builtin_strip = {
    .usage = "strip(text, chars=none)", .section = "text",
    .doc = "The text without the white space, or without the characters given, at both of its ends.",
    .errors = "type when an argument is not a string.",
    .example = "repr(strip(\"  hi there \"))  #=> \"hi there\"\nstrip(\"--x--\", \"-\")  #=> x",
    .related = "split replace",
    .run = run_strip,
};

static Value run_starts_with(Call *call)
{
    const String *text = arg_string(call, 0), *part = arg_string(call, 1);
    return value_bool(text->bytes >= part->bytes && memcmp(text->text, part->text, part->bytes) == 0);
}

const Builtin builtin_starts_with = {
    .usage = "starts_with(text, prefix)", .section = "text",
    .doc = "Whether the text begins with the prefix.",
    .errors = "type when an argument is not a string.",
    .example = "starts_with(\"tensor\", \"ten\")  #=> true",
    .related = "ends_with",
    .run = run_starts_with,
};

static Value run_ends_with(Call *call)
{
    const String *text = arg_string(call, 0), *part = arg_string(call, 1);
    return value_bool(text->bytes >= part->bytes
                      && memcmp(text->text + text->bytes - part->bytes, part->text, part->bytes) == 0);
}

const Builtin builtin_ends_with = {
    .usage = "ends_with(text, suffix)", .section = "text",
    .doc = "Whether the text ends with the suffix.",
    .errors = "type when an argument is not a string.",
    .example = "ends_with(\"data.csv\", \".csv\")  #=> true",
    .related = "starts_with",
    .run = run_ends_with,
};

/* ---- letters ---- */

/* The locale is made for the call, because what towupper does must not depend on the user's. Where the
 * system has no such locale, letters outside of ASCII stay what they are. */
typedef struct LocaleHold {
    Object object;
    locale_t locale;
} LocaleHold;

static void locale_destroy(Object *self)
{
    LocaleHold *hold = (LocaleHold *)self;
    if (hold->locale != (locale_t)0)
        freelocale(hold->locale);
}

static const ObjectType locale_type = {"locale", locale_destroy};

static wint_t convert_letter(const LocaleHold *hold, uint32_t point, bool upper)
{
    if (hold->locale != (locale_t)0)
        return upper ? towupper_l(point, hold->locale) : towlower_l(point, hold->locale);
    if (upper)
        return point >= 'a' && point <= 'z' ? point - 'a' + 'A' : point;
    return point >= 'A' && point <= 'Z' ? point - 'A' + 'a' : point;
}

static Value convert_letters(const Call *call, bool upper)
{
    const String *text = arg_string(call, 0);
    const char *end = text->text + text->bytes;
    LocaleHold *hold = object_new_zeroed(&locale_type, sizeof *hold);
    Buf *out = buf_new();
    uint32_t point;
    int length;
    hold->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    for (const char *at = text->text; at < end; at += length) {
        length = utf8_decode(at, end, &point);
        buf_put_point(out, (uint32_t)convert_letter(hold, point, upper));
    }
    return value_string(buf_string(out));
}

static Value run_upper(Call *call)
{
    return convert_letters(call, true);
}

static Value run_lower(Call *call)
{
    return convert_letters(call, false);
}

const Builtin builtin_upper = {
    .usage = "upper(text)", .section = "text",
    .doc = "The text in capital letters.",
    .errors = "type when the argument is not a string.",
    .example = "upper(\"dθ/dt\")  #=> DΘ/DT",
    .related = "lower",
    .run = run_upper,
};

const Builtin builtin_lower = {
    .usage = "lower(text)", .section = "text",
    .doc = "The text in small letters.",
    .errors = "type when the argument is not a string.",
    .example = "lower(\"Hello\")  #=> hello",
    .related = "upper",
    .run = run_lower,
};
