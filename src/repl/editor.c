#include "repl/editor.h"

#include "base/runtime.h"
#include "lang/parse.h"
#include "repl/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/readline.h>

static const char prompt[] = "dbx> ", continuation[] = "...> ";

/* Readline is one a process and calls back without a context, so its state here is one a process too. */
static struct {
    bool done;                        /* Readline gave a line, or the end */
    char *line;                       /* malloc'd by Readline; NULL for the end */
} editor;

/* The language is written in UTF-8, whatever the locale says. Readline looks at the environment at each line. */
static void use_utf8(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
        setenv("LC_ALL", "C.UTF-8", 1);
        setlocale(LC_CTYPE, "C.UTF-8");
    }
}

static void keep_terminal(int meta) { (void)meta; }
static void leave_terminal(void) { }

void editor_begin(bool color)
{
    (void)color;
    use_utf8();
    rl_readline_name = "dbx";
    rl_instream = stdin;
    rl_outstream = isatty(STDOUT_FILENO) || !isatty(STDERR_FILENO) ? stdout : stderr;
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_change_environment = 0;
    rl_prep_term_function = keep_terminal;
    rl_deprep_term_function = leave_terminal;
    rl_initialize();
    terminal_begin();
}

void editor_end(void)
{
    terminal_end();
}

/* ---- one line ---- */

static void take_line(char *line)
{
    editor.line = line;
    editor.done = true;
    rl_callback_handler_remove();
}

static ReadResult drop_line(void)
{
    bool timeout = interrupt_flag == INTERRUPT_TIMEOUT;
    interrupt_flag = INTERRUPT_NONE;
    rl_callback_sigcleanup();
    rl_free_line_state();
    rl_callback_handler_remove();
    terminal_write("^C\n", 3);
    return timeout ? READ_TIMEOUT : READ_DROPPED;
}

static ReadResult read_line(const char *shown_prompt)
{
    editor.done = false;
    rl_callback_handler_install(shown_prompt, take_line);
    while (!editor.done) {
        if (interrupt_flag != INTERRUPT_NONE)
            return drop_line();
        if (terminal_wait(-1))
            rl_callback_read_char();
    }
    return editor.line == NULL ? READ_END : READ_TEXT;
}

/* ---- a block ---- */

typedef struct Completeness {
    const Buf *text;
    bool complete;
} Completeness;

static void parse_block(void *data)
{
    Completeness *c = data;
    c->complete = parse_interactive(source_new(string_of("<repl>"), string_of("."), buf_text(c->text),
                                               c->text->bytes)) != NULL;
}

/* Text that is wrong is complete: the error is shown when it is run. */
static bool is_complete(const Buf *text)
{
    Completeness c = {text, true};
    PoolMark mark = pool_mark();
    if (!error_protect(parse_block, &c))
        c.complete = true;
    pool_drain(mark);
    return c.complete;
}

static bool is_command(const char *text)
{
    text += strspn(text, " \t");
    return *text == ':' || *text == '?';
}

ReadResult editor_read(Buf *text, const char *first)
{
    (void)first;
    ReadResult result;
    do {
        result = read_line(text->bytes == 0 ? prompt : continuation);
        if (result != READ_TEXT)
            return result;
        if (text->bytes > 0)
            buf_putc(text, '\n');
        buf_puts(text, editor.line);
        free(editor.line);
    } while (!is_command(buf_text(text)) && !is_complete(text));
    return READ_TEXT;
}
