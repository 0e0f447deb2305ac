/* Built-ins about the running program: output, errors, clocks, settings. */
#include "lang/display.h"
#include "lib/module.h"
#include "tensor/state.h"

#include <string.h>
#include <time.h>

/* ---- output ---- */

static Value run_print(Call *call)
{
    const Tuple *values = call->args[0].as.any;
    const String *separator = arg_string(call, 1), *end = arg_string(call, 2);
    Buf *out = buf_new();
    for (uint32_t i = 0; i < values->count; i++) {
        if (i > 0)
            buf_add(out, separator->text, separator->bytes);
        display_value(out, tuple_items(values)[i]);
    }
    buf_add(out, end->text, end->bytes);
    session_write(buf_text(out), out->bytes);
    return value_none();
}

const Builtin builtin_print = {
    .usage = "print(...values, sep=\" \", end=\"\\n\")", .section = "program",
    .doc = "Writes the values to standard output, with sep between them and end behind: strings bare, "
           "tensors as nested lists. precision(n) sets how many digits elements show.",
    .errors = "type when sep or end is not a string; io when the output cannot be written.",
    .example = "print(1, \"a\", [1, 2])  #=> 1 a [1, 2]\nprint(1, 2, sep=\", \", end=\".\")  #=> 1, 2.",
    .related = "str repr format precision",
    .run = run_print,
};

/* ---- errors ---- */

static const char *field_text(const Record *r, const char *key)
{
    const Field *field = record_find_text(r, key);
    return field != NULL && field->value.tag == TAG_STRING ? ((String *)field->value.as.any)->text : "";
}

static ErrorKind kind_named(const char *name)
{
    for (ErrorKind kind = 0; kind < ERROR_KINDS; kind++)
        if (strcmp(error_kind_name(kind), name) == 0)
            return kind;
    return ERROR_USER;
}

static Value run_error(Call *call)
{
    Value what = call->args[0];
    const char *hint = arg_given(call, 1) ? arg_string(call, 1)->text : NULL;
    if (what.tag == TAG_RECORD && record_find_text(what.as.any, "message") != NULL) {
        const char *kept = field_text(what.as.any, "hint");
        if (hint == NULL && *kept != '\0')
            hint = kept;
        error_throw_whole(kind_named(field_text(what.as.any, "kind")), hint, field_text(what.as.any, "message"));
    }
    if (what.tag != TAG_STRING)
        arg_error(call, 0, "a string, or the record of a caught error");
    error_throw_whole(ERROR_USER, hint, ((String *)what.as.any)->text);
}

const Builtin builtin_error = {
    .usage = "error(message, hint=none)", .section = "program",
    .doc = "Raises an error of kind \"user\". Given the record of a caught error it raises that again, with "
           "its message, hint and kind.",
    .errors = "always; type when the message is not a string.",
    .example = "try { error(\"no data\") } catch err { print(err.kind, err.message) }  #=> user no data",
    .related = "assert",
    .run = run_error,
};

static Value run_assert(Call *call)
{
    if (!value_is_numeric(call->args[0]))
        arg_error(call, 0, "a bool, a number or a one-element tensor");
    if (!value_truth(call->args[0]))
        error_throw_whole(ERROR_USER, NULL, arg_string(call, 1)->text);
    return value_none();
}

const Builtin builtin_assert = {
    .usage = "assert(condition, text=\"the assertion does not hold\")", .section = "program",
    .doc = "Raises an error of kind \"user\" with the text unless the condition is true.",
    .errors = "user when the condition is false; type or value when it is neither true nor false.",
    .example = "try { assert(1 > 2, \"math works\") } catch err { print(err.message) }  #=> math works",
    .related = "error allclose",
    .run = run_assert,
};

static Value run_exit(Call *call)
{
    int64_t status = arg_integer(call, 0);
    if (status < 0 || status > 255)
        call_throw(call, ERROR_VALUE, "`status` must be from 0 to 255, not %lld", (long long)status);
    session()->exiting = true;
    session()->exit_status = (int)status;
    error_throw(ERROR_USER, "exit(%d)", (int)status);
}

const Builtin builtin_exit = {
    .usage = "exit(status=0)", .section = "program",
    .doc = "Ends the program with an exit status; no `catch` stops it.",
    .errors = "value when the status is not from 0 to 255.",
    .example = "try { exit(256) } catch err { print(err.message) }\n"
               "#=> exit: `status` must be from 0 to 255, not 256",
    .related = "error",
    .run = run_exit,
};

/* ---- clocks ---- */

static Value seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return value_number((double)now.tv_sec + (double)now.tv_nsec * 1e-9);
}

static Value run_time(Call *call)
{
    (void)call;
    return seconds_of(CLOCK_REALTIME);
}

static Value run_clock(Call *call)
{
    (void)call;
    return seconds_of(CLOCK_MONOTONIC);
}

const Builtin builtin_time = {
    .usage = "time()", .section = "program",
    .doc = "Unix time: seconds since the beginning of 1970, with a fraction.",
    .example = "time() > 1.7e9  #=> true",
    .related = "clock",
    .run = run_time,
};

const Builtin builtin_clock = {
    .usage = "clock()", .section = "program",
    .doc = "Seconds on a clock that never jumps, to measure durations with.",
    .example = "t = clock(); clock() - t < 60  #=> true",
    .related = "time",
    .run = run_clock,
};

/* ---- variables ---- */

static Value run_vars(Call *call)
{
    const Frame *frame = session()->frame;
    (void)call;
    return value_object(TAG_RECORD, module_record(frame != NULL ? frame->module : session()->main));
}

const Builtin builtin_vars = {
    .usage = "vars()", .section = "program",
    .doc = "The top-level variables and functions of this file or of the REPL, as a record in the order in "
           "which the text first assigns them.",
    .example = "b = 2; a = 1; vars()  #=> {b: 2, a: 1}",
    .related = "keys help",
    .run = run_vars,
};

/* ---- settings ---- */

static Value run_seed(Call *call)
{
    random_seed(random_state(), (uint64_t)arg_integer(call, 0));
    return value_none();
}

const Builtin builtin_seed = {
    .usage = "seed(n)", .section = "create",
    .doc = "Starts the stream of random numbers afresh from a whole number. Equal seeds give equal numbers "
           "on every machine and for every number of threads.",
    .errors = "type when n is not a whole number.",
    .example = "seed(1); a = rand(3); seed(1); array_equal(a, rand(3))  #=> true",
    .related = "rand randn randint permutation",
    .run = run_seed,
};

static Value run_default_dtype(Call *call)
{
    Dtype *current = &grad_state()->default_dtype, dtype = arg_dtype(call, 0, DTYPES);
    if (dtype == DTYPES)
        return value_text(dtype_name(*current));
    if (!dtype_is_float(dtype))
        call_throw(call, ERROR_VALUE, "the default is \"float32\" or \"float64\", not \"%s\"",
                   dtype_name(dtype));
    *current = dtype;
    return value_none();
}

const Builtin builtin_default_dtype = {
    .usage = "default_dtype(name=none)", .section = "create",
    .doc = "Sets the dtype of tensors that are made without naming one, \"float32\" or \"float64\"; without "
           "an argument it gives the name of the one in effect.",
    .errors = "type when there is no dtype of that name; value when it is not a float.",
    .example = "default_dtype(\"float64\"); [1, 2].dtype  #=> float64\ndefault_dtype()  #=> float64",
    .related = "tensor to",
    .run = run_default_dtype,
};

static Value run_precision(Call *call)
{
    if (!arg_given(call, 0))
        return value_number(session()->precision);
    int64_t n = arg_integer(call, 0);
    if (n < 1 || n > 17)
        call_throw(call, ERROR_VALUE, "`n` must be from 1 to 17, not %lld", (long long)n);
    session()->precision = (int)n;
    return value_none();
}

const Builtin builtin_precision = {
    .usage = "precision(n=none)", .section = "program",
    .doc = "Sets how many significant digits the elements of tensors show, 6 at the start; without an "
           "argument it gives the number in effect.",
    .errors = "value when n is not from 1 to 17.",
    .example = "precision(3); print([pi, 1])  #=> [3.14, 1]",
    .related = "print format",
    .run = run_precision,
};
