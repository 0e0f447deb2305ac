/* The command: options, then over to a script or the REPL. */
#include "lang/check.h"
#include "lang/format.h"
#include "lang/session.h"
#include "lib/reference.h"
#include "repl/manual.h"
#include "repl/repl.h"
#include "repl/tour.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static const char version[] = "0.1.0";

enum { EXIT_DONE = 0, EXIT_SCRIPT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

typedef enum Action {
    ACTION_DEFAULT, ACTION_CODE, ACTION_INTERACTIVE, ACTION_CHECK, ACTION_FORMAT, ACTION_TOUR, ACTION_DOC,
    ACTION_REFERENCE, ACTION_TEST_DOCS, ACTION_MANUAL, ACTION_COMPLETION
} Action;

typedef struct Command {
    Action action;
    const char *operand;              /* of -e, -i, --doc, --completion */
    SessionOptions session;
    bool quiet, sandbox;
    const char *color;                /* "auto", "always", "never" */
    double timeout;
    char **rest;                      /* what follows the options */
    int rest_count;
} Command;

/* What getopt calls an option: its letter, or else one of these. */
enum {
    OPTION_SEED = 256, OPTION_DTYPE, OPTION_THREADS, OPTION_MEMORY, OPTION_TIMEOUT, OPTION_SANDBOX,
    OPTION_COLOR, OPTION_CHECK, OPTION_DOC, OPTION_TOUR, OPTION_REFERENCE, OPTION_TEST_DOCS, OPTION_MANUAL,
    OPTION_COMPLETION
};

static const UsageRow usages[] = {
    {"dbx", "read, evaluate, print; or run standard input when it is no terminal"},
    {"dbx FILE [ARG...]", "run a script; its arguments are in args"},
    {"dbx -e CODE", "run CODE, showing expressions"},
    {"dbx -i FILE", "run a script, then go on interactively"},
    {"dbx --check FILE...", "look for errors without running"},
    {"dbx fmt FILE...", "rewrite programs in the one style; - formats standard input"},
    {"dbx --doc NAME", "show the documentation of a name"},
    {NULL, NULL}
};

static const OptionRow options[] = {
    {'e', NULL, "CODE", "run CODE, showing expressions", 'e', false},
    {'i', NULL, "FILE", "run FILE, then go on interactively", 'i', false},
    {0, "check", NULL, "look for errors in the files, and run nothing", OPTION_CHECK, false},
    {0, "doc", "NAME", "show the documentation of a name", OPTION_DOC, false},
    {0, "tour", NULL, "take the tour of the language", OPTION_TOUR, false},
    {'q', "quiet", NULL, "no greeting", 'q', false},
    {0, "seed", "N", "start of the random numbers", OPTION_SEED, false},
    {0, "dtype", "float32|float64", "default dtype", OPTION_DTYPE, false},
    {0, "threads", "N", "threads for large tensors", OPTION_THREADS, false},
    {0, "max-memory", "SIZE", "limit on memory, such as 300M or 1G", OPTION_MEMORY, false},
    {0, "timeout", "SECONDS", "limit on time", OPTION_TIMEOUT, false},
    {0, "sandbox", NULL, "no files outside of the script's folder", OPTION_SANDBOX, false},
    {0, "color", "auto|always|never", "colours; auto: on a terminal that has them", OPTION_COLOR, false},
    {'h', "help", NULL, "this text", 'h', false},
    {'V', "version", NULL, "the version", 'V', false},
    {0, "reference", NULL, "the page of all functions", OPTION_REFERENCE, true},
    {0, "test-docs", NULL, "run the examples of all functions", OPTION_TEST_DOCS, true},
    {0, "manual", NULL, "the manual page", OPTION_MANUAL, true},
    {0, "completion", "bash|zsh", "the completion of a shell", OPTION_COMPLETION, true},
    {0, NULL, NULL, NULL, 0, false}
};

enum { OPTION_ROWS = sizeof options / sizeof *options };

static const Manual manual = {version, usages, options};

static void complain(const char *format, va_list args)
{
    char *text = error_text(format, args);
    fprintf(stderr, "dbx: %s\n", text != NULL ? text : "out of memory");
    free(text);
}

static _Noreturn void usage_error(const char *format, ...) PRINTF_LIKE(1, 2);
static _Noreturn void usage_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(format, args);
    va_end(args);
    fputs("Try dbx --help.\n", stderr);
    exit(EXIT_USAGE);
}

static _Noreturn void file_error(const char *format, ...) PRINTF_LIKE(1, 2);
static _Noreturn void file_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(format, args);
    va_end(args);
    exit(EXIT_USAGE);
}

/* The exit status, once all output is written. A full disk is a failure, a closed pipe is the reader's
 * business. */
static int finish_output(int status, bool said)
{
    bool failed = ferror(stdout) != 0;
    errno = 0;
    failed |= fflush(stdout) != 0;
    failed |= fclose(stdout) != 0;
    if (!failed || errno == EPIPE)
        return status;
    if (!said)
        fprintf(stderr, "dbx: cannot write the output%s%s\n", errno != 0 ? ": " : "",
                errno != 0 ? strerror(errno) : "");
    return status == EXIT_DONE || !said ? EXIT_SCRIPT_FAILED : status;
}

/* ---- option values ---- */

static uint64_t parse_seed(const char *text)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0)
        usage_error("--seed takes a whole number from 0 on, not '%s'", text);
    return n;
}

/* A decimal number, as strtod reads it, which would also take blanks, signs, 0x10, inf and nan. */
static double parse_decimal(const char *text, char **end)
{
    bool decimal = (*text >= '0' && *text <= '9') || *text == '.';
    bool hexadecimal = text[0] == '0' && (text[1] | 0x20) == 'x';
    *end = (char *)text;
    return decimal && !hexadecimal ? strtod(text, end) : NAN;
}

static size_t parse_size(const char *text)
{
    static const char units[] = "KMGT";
    char *end;
    double n = parse_decimal(text, &end);
    const char *unit = *end != '\0' ? strchr(units, *end & ~0x20) : NULL;
    if (end != text && unit != NULL) {
        n *= pow(1024, (double)(unit - units) + 1);
        end++;
    }
    if (*end != '\0' || !(n >= 1) || n > 9e18)
        usage_error("--max-memory takes a size such as 300M or 1G, not '%s'", text);
    return (size_t)n;
}

static double parse_seconds(const char *text)
{
    char *end;
    double n = parse_decimal(text, &end);
    if (*end != '\0' || !(n > 0) || n > 1e9)
        usage_error("--timeout takes a number of seconds above 0, not '%s'", text);
    return n;
}

static int parse_threads(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || n < 1 || n > 1024)
        usage_error("--threads takes a number from 1 to 1024, not '%s'", text);
    return (int)n;
}

static const char *parse_dtype(const char *text)
{
    if (strcmp(text, "float32") != 0 && strcmp(text, "float64") != 0)
        usage_error("--dtype takes float32 or float64, not '%s'", text);
    return text;
}

static const char *parse_color(const char *text)
{
    if (strcmp(text, "auto") != 0 && strcmp(text, "always") != 0 && strcmp(text, "never") != 0)
        usage_error("--color takes auto, always or never, not '%s'", text);
    return text;
}

static void set_action(Command *c, Action action, const char *operand)
{
    if (c->action != ACTION_DEFAULT)
        usage_error("only one of -e, -i, --check, --doc and --tour can be given");
    c->action = action;
    c->operand = operand;
}

static void take_option(Command *c, int option)
{
    switch (option) {
    case 'q': c->quiet = true; break;
    case 'e': set_action(c, ACTION_CODE, optarg); break;
    case 'i': set_action(c, ACTION_INTERACTIVE, optarg); break;
    case OPTION_CHECK: set_action(c, ACTION_CHECK, NULL); break;
    case OPTION_DOC: set_action(c, ACTION_DOC, optarg); break;
    case OPTION_REFERENCE: set_action(c, ACTION_REFERENCE, NULL); break;
    case OPTION_TEST_DOCS: set_action(c, ACTION_TEST_DOCS, NULL); break;
    case OPTION_TOUR: set_action(c, ACTION_TOUR, NULL); break;
    case OPTION_MANUAL: set_action(c, ACTION_MANUAL, NULL); break;
    case OPTION_COMPLETION: set_action(c, ACTION_COMPLETION, optarg); break;
    case OPTION_SEED: c->session.seeded = true; c->session.seed = parse_seed(optarg); break;
    case OPTION_DTYPE: c->session.dtype = parse_dtype(optarg); break;
    case OPTION_THREADS: c->session.threads = parse_threads(optarg); break;
    case OPTION_MEMORY: c->session.max_memory = parse_size(optarg); break;
    case OPTION_TIMEOUT: c->timeout = parse_seconds(optarg); break;
    case OPTION_SANDBOX: c->sandbox = true; break;
    case OPTION_COLOR: c->color = parse_color(optarg); break;
    case 'h':
        manual_usage(stdout, &manual);
        exit(finish_output(EXIT_DONE, false));
    case 'V':
        printf("dbx %s\n", version);
        exit(finish_output(EXIT_DONE, false));
    default: break;
    }
}

/* The table as getopt wants it: letters for the short ones, rows for the long ones. */
static void tell_getopt(char *letters, struct option *rows)
{
    *letters++ = '+';                 /* options of a script are not ours */
    *letters++ = ':';
    for (const OptionRow *row = options; row->doc != NULL; row++) {
        if (row->letter != 0)
            *letters++ = (char)row->letter;
        if (row->letter != 0 && row->argument != NULL)
            *letters++ = ':';
        int argument = row->argument != NULL ? required_argument : no_argument;
        if (row->name != NULL)
            *rows++ = (struct option){row->name, argument, NULL, row->id};
    }
    *letters = '\0';
    *rows = (struct option){NULL, 0, NULL, 0};
}

/* How many long options the text behind the dashes may be short for. */
static int count_long_options(const char *text)
{
    int count = 0;
    size_t bytes = strcspn(text, "=");
    for (const OptionRow *row = options; row->doc != NULL; row++)
        count += row->name != NULL && strncmp(row->name, text, bytes) == 0;
    return count;
}

/* What getopt gives back: ':' for a missing value, '?' for other mistakes. */
static _Noreturn void refuse_option(int mistake, const char *given, int letter)
{
    bool is_long = strncmp(given, "--", 2) == 0;
    int named = (int)strcspn(given, "=");
    if (mistake == ':' && is_long)
        usage_error("%s wants a value", given);
    if (mistake == ':')
        usage_error("-%c wants a value", letter);
    if (!is_long)
        usage_error("there is no option -%c", letter);
    int count = count_long_options(given + 2);
    if (count == 0)
        usage_error("there is no option %.*s", named, given);
    if (count > 1)
        usage_error("%.*s is short for more than one option", named, given);
    usage_error("%.*s takes no value", named, given);
}

static void parse_command(Command *c, int argc, char **argv)
{
    char letters[2 * OPTION_ROWS + 3];
    struct option rows[OPTION_ROWS + 1];
    int option, index = 0;
    tell_getopt(letters, rows);
    opterr = 0;
    while ((option = getopt_long(argc, argv, letters, rows, &index)) != -1) {
        if (option == ':' || option == '?')
            refuse_option(option, argv[optind - 1], optopt);
        take_option(c, option);
    }
    c->rest = argv + optind;
    c->rest_count = argc - optind;
    if (c->action == ACTION_DEFAULT && c->rest_count > 1 && strcmp(c->rest[0], "fmt") == 0) {
        c->action = ACTION_FORMAT;
        c->rest++;
        c->rest_count--;
    }
    if (c->action == ACTION_CHECK && c->rest_count == 0)
        usage_error("--check takes the files to look at");
    if (c->action == ACTION_DEFAULT && c->rest_count == 1 && strcmp(c->rest[0], "fmt") == 0
        && access(c->rest[0], F_OK) != 0)
        usage_error("fmt takes the files to format");
}

/* ---- the process ---- */

/* A system call that waits is not taken up again after the handler: what waits looks at the flag. */
static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static void on_interrupt(int number)
{
    (void)number;
    interrupt_raise(INTERRUPT_SIGNAL);
}

static void on_alarm(int number)
{
    (void)number;
    interrupt_raise(INTERRUPT_TIMEOUT);
}

/* The timer goes off again and again, so that a handler of the first does not run for ever. */
static void start_timer(double seconds)
{
    struct itimerval timer = {.it_interval = {.tv_sec = 1}};
    timer.it_value.tv_sec = (time_t)seconds;
    timer.it_value.tv_usec = (suseconds_t)((seconds - floor(seconds)) * 1e6);
    if (timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0)
        timer.it_value.tv_usec = 1;   /* no time at all would be no limit */
    handle(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* Deep recursion in a program is recursion in C. The kernel keeps 128 MiB of address space free for the
 * main stack. */
static void widen_stack(void)
{
    struct rlimit limit;
    const rlim_t wanted = (rlim_t)120 << 20;
    if (getrlimit(RLIMIT_STACK, &limit) != 0 || (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur >= wanted))
        return;
    limit.rlim_cur = limit.rlim_max != RLIM_INFINITY && limit.rlim_max < wanted ? limit.rlim_max : wanted;
    setrlimit(RLIMIT_STACK, &limit);
}

static bool want_color(const Command *c, int descriptor)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    if (strcmp(c->color, "auto") != 0)
        return strcmp(c->color, "always") == 0;
    return isatty(descriptor) && (no_color == NULL || *no_color == '\0') && term != NULL
        && strcmp(term, "dumb") != 0;
}

/* ---- what is run ---- */

/* Without opening it: what a pipe gives can be read only once. */
static void check_readable(const char *path)
{
    struct stat about;
    bool standard = strcmp(path, "-") == 0;
    bool readable = standard ? fstat(STDIN_FILENO, &about) == 0
                             : access(path, R_OK) == 0 && stat(path, &about) == 0;
    if (readable && S_ISDIR(about.st_mode)) {
        readable = false;
        errno = EISDIR;
    }
    if (!readable)
        file_error("cannot read '%s': %s", standard ? "standard input" : path, strerror(errno));
}

/* The exit status of what has told its errors. */
static int finish_files(const Session *s, bool ok)
{
    if (ok)
        return EXIT_DONE;
    return strcmp(session_error_kind(s), "interrupt") == 0 ? EXIT_INTERRUPTED : EXIT_SCRIPT_FAILED;
}

/* The exit status of a run, after its error was shown. */
static int finish_run(Session *s, bool ok)
{
    if (s->exiting)
        return s->exit_status;
    if (ok)
        return EXIT_DONE;
    fflush(stdout);
    if (!s->output_failed || errno != EPIPE)
        fputs(session_error(s), stderr);
    return finish_files(s, ok);
}

static int run_repl(Session *s, const Command *c)
{
    ReplOptions how = {.quiet = c->quiet, .color = want_color(c, STDOUT_FILENO),
                       .tour = c->action == ACTION_TOUR};
    return repl_run(s, &how);
}

static int run_script_or_input(Session *s, const Command *c)
{
    if (c->rest_count == 0 && isatty(STDIN_FILENO))
        return run_repl(s, c);
    return finish_run(s, session_run_operand(s, c->rest_count > 0 ? c->rest[0] : "-"));
}

static int run_action(Session *s, const Command *c)
{
    switch (c->action) {
    case ACTION_CODE:
        return finish_run(s, session_run(s, c->operand, "<-e>", RUN_ECHO));
    case ACTION_INTERACTIVE: {
        int status = finish_run(s, session_run_file(s, c->operand));
        bool late = session_was_interrupted(s) && status != EXIT_INTERRUPTED;
        return s->exiting || late ? status : run_repl(s, c);
    }
    case ACTION_CHECK:
        return finish_files(s, check_files(s, c->rest_count, c->rest));
    case ACTION_DOC:
        return reference_print(s, c->operand) ? EXIT_DONE : EXIT_SCRIPT_FAILED;
    case ACTION_REFERENCE:
        return reference_print(s, NULL) ? EXIT_DONE : EXIT_SCRIPT_FAILED;
    case ACTION_TEST_DOCS:
        return reference_test(s);
    case ACTION_FORMAT:
        return finish_files(s, format_files(s, c->rest_count, c->rest));
    case ACTION_TOUR:
        return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? run_repl(s, c) : tour_show(s);
    default:
        return run_script_or_input(s, c);
    }
}

/* Unreadable files are wrong usage, and said before anything runs. */
static void check_operands(const Command *c)
{
    bool files = c->action == ACTION_CHECK || c->action == ACTION_FORMAT;
    if (c->action == ACTION_INTERACTIVE)
        check_readable(c->operand);
    else if (c->action == ACTION_DEFAULT)
        check_readable(c->rest_count > 0 ? c->rest[0] : "-");
    for (int i = 0; files && i < c->rest_count; i++)
        check_readable(c->rest[i]);
}

/* The folder that a sandboxed run may use. */
static const char *sandbox_folder(const Command *c)
{
    static char folder[4096];
    const char *file = c->action == ACTION_INTERACTIVE ? c->operand
                     : c->action == ACTION_DEFAULT && c->rest_count > 0 ? c->rest[0] : NULL;
    const char *slash = file != NULL ? strrchr(file, '/') : NULL;
    if (slash == NULL)
        return ".";
    snprintf(folder, sizeof folder, "%.*s", slash == file ? 1 : (int)(slash - file), file);
    return folder;
}

/* What needs no session. */
static void write_documents(const Command *c)
{
    if (c->action == ACTION_MANUAL)
        manual_page(stdout, &manual);
    else if (c->action != ACTION_COMPLETION)
        return;
    else if (!manual_completion(stdout, &manual, c->operand))
        usage_error("--completion takes bash or zsh, not '%s'", c->operand);
    exit(finish_output(EXIT_DONE, false));
}

int main(int argc, char **argv)
{
    Command c = {.color = "auto"};
    parse_command(&c, argc, argv);
    write_documents(&c);
    check_operands(&c);
    widen_stack();
    signal(SIGPIPE, SIG_DFL);
    handle(SIGINT, on_interrupt);
    if (isatty(STDOUT_FILENO) || lseek(STDOUT_FILENO, 0, SEEK_CUR) < 0)
        setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    bool script = c.action == ACTION_DEFAULT && c.rest_count > 0;
    c.session.argc = script ? c.rest_count - 1 : c.action == ACTION_DEFAULT ? 0 : c.rest_count;
    c.session.argv = script ? c.rest + 1 : c.rest;
    c.session.sandbox = c.sandbox ? sandbox_folder(&c) : NULL;
    Session *s = session_new(&c.session);
    if (s == NULL) {
        fputs("dbx: there is not enough memory to start\n", stderr);
        return EXIT_SCRIPT_FAILED;
    }
    s->color_errors = want_color(&c, STDERR_FILENO);
    if (c.timeout > 0)
        start_timer(c.timeout);
    int status = run_action(s, &c);
    bool failed = s->output_failed, said = failed || session_was_interrupted(s);
    session_free(s);
    return finish_output(failed && status == EXIT_DONE ? EXIT_SCRIPT_FAILED : status, said);
}
