#include "repl/commands.h"

#include "base/runtime.h"
#include "lib/paths.h"
#include "repl/editor.h"
#include "repl/history.h"
#include "repl/measure.h"
#include "repl/screens.h"
#include "repl/style.h"
#include "repl/terminal.h"
#include "repl/tour.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Command {
    const char *name, *arguments, *doc;
    void (*run)(Repl *repl, const char *argument);
} Command;

/* ---- about the session ---- */

static void say(const char *format, ...) PRINTF_LIKE(1, 2);
static void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    fflush(stdout);
}

/* A whole number of at least 1, with nothing behind it; 0 for other texts. */
static int count_of(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);
    return *text >= '1' && *text <= '9' && *end == '\0' && n <= INT_MAX ? (int)n : 0;
}

static void run_history(Repl *r, const char *argument)
{
    Buf *out = buf_new();
    (void)r;
    if (*argument != '\0' && count_of(argument) == 0) {
        say(":history takes how many inputs to show\n");
        return;
    }
    history_show(out, count_of(argument));
    repl_page(out);
}

static void run_clear(Repl *r, const char *argument)
{
    (void)r, (void)argument;
    terminal_clear();
}

/* Names lose their values; code that refers to them finds the built-ins of the same name again. */
static void run_reset(Repl *r, const char *argument)
{
    (void)argument;
    const CellTable *cells = &r->session->main->cells;
    for (uint32_t i = 0; i < cells->size; i++) {
        Cell *cell = cells->slots[i];
        if (cell == NULL)
            continue;
        Value old = cell->value;
        cell->value = (Value){TAG_UNSET, {.any = NULL}};
        value_release(old);
    }
    r->program->bytes = 0;
    say("All variables are gone; the history stays.\n");
}

static void run_quit(Repl *r, const char *argument)
{
    (void)argument;
    r->over = true;
}

/* ---- settings ---- */

/* A setting that the language has too: the program that :save writes needs it as well. */
static void set_by(Repl *r, const String *statement)
{
    if (repl_evaluate(r, statement->text, statement->bytes))
        repl_note(r, statement->text, statement->bytes);
}

static void set_precision(Repl *r, const char *value)
{
    int digits = count_of(value);
    if (digits == 0)
        say(":set precision takes a number of digits\n");
    else
        set_by(r, string_format("precision(%d);", digits));
}

static void set_dtype(Repl *r, const char *value)
{
    if (strcmp(value, "float32") != 0 && strcmp(value, "float64") != 0)
        say(":set dtype takes float32 or float64\n");
    else
        set_by(r, string_format("default_dtype(\"%s\");", value));
}

static void set_color(Repl *r, const char *value)
{
    bool on = strcmp(value, "on") == 0;
    if (!on && strcmp(value, "off") != 0) {
        say(":set color takes on or off\n");
        return;
    }
    editor_set_color(on);
    r->session->color_errors = on;
    r->session->paint = on ? style_put_source : NULL;
}

const Setting settings[] = {
    {"precision", "significant digits of printed elements", set_precision, {NULL}},
    {"dtype", "of new tensors: float32 or float64", set_dtype, {"float32", "float64"}},
    {"color", "on or off", set_color, {"on", "off"}},
    {NULL, NULL, NULL, {NULL}}
};

static void run_set(Repl *r, const char *argument)
{
    size_t bytes = strcspn(argument, " =");
    for (const Setting *s = settings; s->name != NULL; s++)
        if (strlen(s->name) == bytes && memcmp(s->name, argument, bytes) == 0) {
            s->set(r, argument + bytes + strspn(argument + bytes, " ="));
            return;
        }
    if (bytes > 0)
        say("There is no setting %.*s.\n", (int)bytes, argument);
    say("Settings:\n");
    for (const Setting *s = settings; s->name != NULL; s++)
        say("  :set %-10s %s\n", s->name, s->doc);
    say("Now precision is %d and dtype %s.\n", r->session->precision,
        dtype_name(grad_state()->default_dtype));
}

/* ---- files ---- */

/* The path that a command is given: it may stand in quotes, and begin with ~/. */
static const String *path_of(const char *argument)
{
    size_t bytes = strlen(argument);
    const char *home = getenv("HOME");
    if (bytes >= 2 && argument[0] == '"' && argument[bytes - 1] == '"')
        argument = string_new(argument + 1, bytes - 2)->text;
    if (strncmp(argument, "~/", 2) == 0 && home != NULL)
        argument = string_format("%s%s", home, argument + 1)->text;
    return string_of(argument);
}

typedef struct Loading {
    Repl *repl;
    const char *argument;
} Loading;

static void load_file(void *data)
{
    const Loading *l = data;
    Source *source = source_read(path_checked_for(":load", path_of(l->argument), PATH_READ));
    run_text(session()->main, source, false);
    repl_note(l->repl, source->text, source->bytes);
}

static void run_load(Repl *r, const char *argument)
{
    if (*argument == '\0')
        say(":load takes the path of a program\n");
    else
        repl_attempt(r, load_file, &(Loading){r, argument});
}

typedef struct Saving {
    const Buf *program;
    const char *argument;
} Saving;

static void save_file(void *data)
{
    const Saving *s = data;
    const char *path = path_checked_for(":save", path_of(s->argument), PATH_WRITE);
    FILE *file = fopen(path, "w");
    bool ok = file != NULL && fwrite(buf_text(s->program), 1, s->program->bytes, file) == s->program->bytes;
    if (file != NULL && fclose(file) != 0)
        ok = false;
    if (!ok)
        error_throw(ERROR_IO, "cannot write \"%s\": %s", path, strerror(errno));
    say("The session's program is in %s.\n", path);
}

static void run_save(Repl *r, const char *argument)
{
    if (*argument == '\0')
        say(":save takes the path of the program to write\n");
    else
        repl_attempt(r, save_file, &(Saving){r->program, argument});
}

/* The last input, or the text that is given, goes through the editor to the next prompt. */
static void run_edit(Repl *r, const char *argument)
{
    const char *editor = getenv("VISUAL") != NULL ? getenv("VISUAL") : getenv("EDITOR");
    editor = editor != NULL && *editor != '\0' ? editor : "vi";
    char path[] = "/tmp/dbx-XXXXXX.dbx";
    int descriptor = mkstemps(path, 4);
    FILE *file = descriptor >= 0 ? fdopen(descriptor, "w+") : NULL;
    if (file == NULL) {
        say("cannot make a file to edit: %s\n", strerror(errno));
        return;
    }
    fputs(*argument != '\0' ? argument : history_last(), file);
    fclose(file);
    const char *command = string_format("%s %s", editor, path)->text;
    if (terminal_run(command, NULL, 0) == 0) {
        const Source *edited = source_read(path);
        r->next->bytes = 0;
        buf_add(r->next, edited->text, edited->bytes);
        while (r->next->bytes > 0 && strchr("\n ", r->next->text[r->next->bytes - 1]) != NULL)
            r->next->text[--r->next->bytes] = '\0';
    } else {
        say("the editor `%s` failed\n", editor);
    }
    unlink(path);
}

/* ---- the table ---- */

static void run_help(Repl *r, const char *argument);

static const Command commands[] = {
    {"help", "[NAME]", "this list, or what is known about a name", run_help},
    {"tour", "[STEP]", "the language in ten short steps", run_tour},
    {"vars", "", "the variables, with type, shape, dtype and size", run_vars},
    {"type", "EXPRESSION", "type, shape and dtype of a value", run_type},
    {"time", "EXPRESSION", "how long it takes, and what it needs", run_time},
    {"graph", "[EXPRESSION]", "the operations recorded for a value", run_graph},
    {"load", "FILE", "run a program here", run_load},
    {"save", "FILE", "write this session as a program", run_save},
    {"edit", "[TEXT]", "edit the last input, or the text, with $EDITOR", run_edit},
    {"history", "[COUNT]", "earlier inputs", run_history},
    {"set", "[NAME VALUE]", "settings", run_set},
    {"clear", "", "clear the screen", run_clear},
    {"reset", "", "forget all variables", run_reset},
    {"quit", "", "leave, as Ctrl-D does", run_quit},
    {NULL, NULL, NULL, NULL}
};

static const Command *find_command(const char *name, size_t bytes)
{
    for (const Command *c = commands; c->name != NULL; c++)
        if (strlen(c->name) == bytes && memcmp(c->name, name, bytes) == 0)
            return c;
    if (bytes == 1 && (*name == 'q' || *name == 'h'))
        return find_command(*name == 'q' ? "quit" : "help", 4);
    return NULL;
}

static void put_command(Buf *out, const Command *c)
{
    buf_printf(out, "  :%-8s %-14s %s\n", c->name, c->arguments, c->doc);
}

static void run_help(Repl *r, const char *argument)
{
    Buf *out = buf_new();
    const Command *asked = *argument == ':' ? find_command(argument + 1, strlen(argument + 1)) : NULL;
    if (*argument != '\0' && asked == NULL) {
        screens_topic(r, argument);
        return;
    }
    for (const Command *c = commands; c->name != NULL && asked == NULL; c++)
        put_command(out, c);
    if (asked != NULL)
        put_command(out, asked);
    else
        buf_puts(out, "\n  ?sum explains a function, ?\"words\" searches, help shows where to begin.\n");
    repl_page(out);
}

const char *command_name(int i)
{
    return commands[i].name;
}

bool command_begins(const char *line)
{
    line += strspn(line, " \t");
    return *line == ':' || *line == '?';
}

bool command_is(const char *text)
{
    return command_begins(text) || screens_asked(text + strspn(text, " \t"));
}

static void run_named(Repl *r, const char *text)
{
    size_t bytes = strcspn(text, " \t\n");
    const Command *c = find_command(text, bytes);
    const char *argument = text + bytes + strspn(text + bytes, " \t\n");
    if (c != NULL && *c->arguments == '\0' && *argument != '\0') {
        say(":%s takes no argument\n", c->name);
        return;
    }
    if (c != NULL) {
        c->run(r, argument);
        return;
    }
    const char *name = string_new(text, bytes)->text;
    Nearest nearest = nearest_begin(name);
    for (c = commands; c->name != NULL; c++)
        nearest_offer(&nearest, c->name);
    say("There is no command :%s.", name);
    if (nearest.best != NULL)
        say(" Did you mean :%s?", nearest.best);
    say(" :help lists them.\n");
}

typedef struct Input {
    Repl *repl;
    const char *text;
} Input;

static void run_protected(void *data)
{
    const Input *input = data;
    const char *text = input->text + strspn(input->text, " \t");
    size_t bytes = strlen(text);
    while (bytes > 0 && strchr(" \t\n", text[bytes - 1]) != NULL)
        bytes--;
    text = string_new(text, bytes)->text;
    if (*text == ':')
        run_named(input->repl, text + 1);
    else if (*text == '?')
        screens_topic(input->repl, text + 1 + strspn(text + 1, " \t"));
    else
        screens_answer(input->repl, text);
}

void command_run(Repl *r, const char *text)
{
    Input input = {r, text};
    PoolMark mark = pool_mark();
    if (!error_protect(run_protected, &input))
        repl_tell_error();
    pool_drain(mark);
}
