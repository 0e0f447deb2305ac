#include "repl/editor.h"

#include "base/runtime.h"
#include "repl/block.h"
#include "repl/commands.h"
#include "repl/complete.h"
#include "repl/keys.h"
#include "repl/line.h"
#include "repl/screen.h"
#include "repl/style.h"
#include "repl/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char editor_prompt[] = "dbx> ", editor_continuation[] = "...> ";

enum { BLINK_MILLISECONDS = 500 };

/* Readline is one a process and calls back without a context, so what is kept beside it is one a process
 * too. */
static struct {
    bool terminal;                    /* standard input is one */
    bool drawing;                     /* screen.c draws, and not Readline */
    bool color;
    bool dirty;                       /* the screen is not up to date */
    bool done;                        /* Readline gave a line, or the end */
    char *line;                       /* malloc'd by Readline; NULL for the end */
} editor;

/* ---- life ---- */

/* The language is written in UTF-8, whatever the locale says. Readline looks at the environment at each
 * line. */
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
static void note_change(void) { editor.dirty = true; }

/* Can the cursor be moved up, and a row be cleared? */
static bool can_draw(void)
{
    const char *term = getenv("TERM");
    return term != NULL && strcmp(term, "dumb") != 0 && isatty(fileno(rl_outstream))
        && rl_get_termcap("up") != NULL && rl_get_termcap("ce") != NULL;
}

/* The user's ~/.inputrc is read by rl_initialize; what is set before it are only defaults. */
void editor_begin(bool color)
{
    use_utf8();
    editor.terminal = isatty(STDIN_FILENO);
    rl_readline_name = "dbx";
    rl_instream = stdin;
    rl_outstream = isatty(STDOUT_FILENO) || !isatty(STDERR_FILENO) ? stdout : stderr;
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_change_environment = 0;
    rl_prep_term_function = keep_terminal;
    rl_deprep_term_function = leave_terminal;
    rl_variable_bind("blink-matching-paren", "on");
    rl_variable_bind("revert-all-at-newline", "on");
    rl_initialize();
    rl_tty_set_echoing(1);
    editor.drawing = editor.terminal && can_draw();
    editor.color = color;
    if (editor.drawing)
        rl_redisplay_function = note_change;
    else
        rl_variable_bind("blink-matching-paren", "off");   /* it would write the prompt again */
    keys_bind(editor.drawing);
    complete_begin();
    if (editor.terminal)
        terminal_begin();
}

void editor_end(void)
{
    if (editor.terminal)
        terminal_end();
    screen_end();
    free(editor.line);
    editor.line = NULL;
}

void editor_set_color(bool color)
{
    editor.color = color;
}

/* ---- drawing ---- */

typedef struct Cursor {
    size_t offset, visited;           /* see View */
} Cursor;

/* The prompt, or what a search of the history says; with the editing mode when ~/.inputrc wants it. */
static const char *shown_prompt(void)
{
    const char *wanted = rl_variable_value("show-mode-in-prompt");
    bool command = rl_get_keymap() == rl_get_keymap_by_name("vi-command");
    const char *mode = rl_editing_mode == 1 ? "emacs-mode-string"
                     : command ? "vi-cmd-mode-string" : "vi-ins-mode-string";
    if (rl_display_prompt != NULL && rl_display_prompt != rl_prompt)
        return rl_display_prompt;
    if (wanted == NULL || strcmp(wanted, "on") != 0)
        return editor_prompt;
    return string_format("%s%s", rl_variable_value(mode), editor_prompt)->text;
}

static void draw(void *data)
{
    const Cursor *cursor = data;
    size_t bytes = (size_t)rl_end;
    View view = {
        .prompt = shown_prompt(), .continuation = editor_continuation,
        .text = rl_line_buffer, .bytes = bytes, .cursor = cursor->offset, .visited = cursor->visited,
        .color = editor.color, .styles = editor.color ? style_source(rl_line_buffer, bytes) : NULL,
    };
    screen_draw(&view);
}

/* Drawing may fail for lack of memory; the next time may go better. */
static void draw_with_cursor(size_t offset, size_t visited)
{
    Cursor cursor = {offset, visited};
    PoolMark mark = pool_mark();
    if (!error_protect(draw, &cursor))
        screen_forget();
    pool_drain(mark);
}

void editor_refresh(void)
{
    editor.dirty = false;
    if (editor.drawing)
        draw_with_cursor((size_t)rl_point, SIZE_MAX);
    else
        rl_forced_update_display();
}

void editor_leave_block(void)
{
    if (editor.drawing) {
        draw_with_cursor((size_t)rl_end, SIZE_MAX);
        screen_leave();
    } else {
        terminal_write("\n", 1);
        rl_on_new_line();
    }
}

/* The cursor visits the bracket that was just closed, until something is typed or half a second is over. */
static void show_closed_bracket(void)
{
    size_t opening = keys_closed_bracket();
    if (!editor.drawing || opening == SIZE_MAX || terminal_pending())
        return;
    draw_with_cursor((size_t)rl_point, opening);
    terminal_wait(BLINK_MILLISECONDS);
    editor.dirty = true;
}

/* What is pasted or typed ahead is taken in before anything is drawn. */
static void bring_up_to_date(void)
{
    if (terminal_was_stopped()) {
        screen_forget();
        editor.dirty = true;
    }
    show_closed_bracket();
    if (editor.dirty && editor.drawing && !terminal_pending())
        editor_refresh();
}

/* ---- reading ---- */

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
    if (editor.drawing)
        draw_with_cursor((size_t)rl_end, SIZE_MAX);
    rl_callback_sigcleanup();
    rl_free_line_state();
    rl_callback_handler_remove();
    rl_replace_line("", 0);
    if (!timeout)
        terminal_write("^C", 2);
    if (editor.drawing)
        screen_leave();
    else
        terminal_write("\n", 1);
    return timeout ? READ_TIMEOUT : READ_DROPPED;
}

static ReadResult read_line(const char *line_prompt, const char *first)
{
    TerminalSize size = terminal_size();
    free(editor.line);
    editor.line = NULL;
    editor.done = false;
    rl_callback_handler_install(line_prompt, take_line);
    if (first != NULL)
        rl_insert_text(first);
    if (first != NULL && !editor.drawing)
        rl_redisplay();
    editor.dirty = true;
    while (!editor.done) {
        bring_up_to_date();
        if (interrupt_flag != INTERRUPT_NONE)
            return drop_line();
        if (terminal_wait(-1)) {
            rl_callback_read_char();
        } else if (terminal_size().columns != size.columns || terminal_size().rows != size.rows) {
            size = terminal_size();
            rl_resize_terminal();
            editor.dirty = true;
        }
    }
    /* Some of Readline's functions end a line by themselves. */
    if (editor.drawing && screen_is_shown())
        screen_leave();
    else if (editor.line == NULL)
        terminal_write("\n", 1);
    return editor.line != NULL ? READ_TEXT : READ_END;
}

/* A line of what is no terminal. */
static ReadResult read_plain_line(void)
{
    size_t capacity = 0;
    free(editor.line);
    editor.line = NULL;
    ssize_t bytes = getline(&editor.line, &capacity, stdin);
    if (interrupt_flag != INTERRUPT_NONE)
        return interrupt_flag == INTERRUPT_TIMEOUT ? READ_TIMEOUT : READ_INTERRUPTED;
    if (bytes < 0)
        return READ_END;
    editor.line[strcspn(editor.line, "\r\n")] = '\0';
    return READ_TEXT;
}

bool editor_is_complete(const char *text, size_t bytes)
{
    return command_is(text) || block_is_complete(text, bytes);
}

ReadResult editor_read(Buf *text, const char *first)
{
    ReadResult result;
    do {
        const char *line_prompt = text->bytes == 0 ? editor_prompt : editor_continuation;
        result = editor.terminal ? read_line(line_prompt, first) : read_plain_line();
        if (result == READ_END && !editor.terminal && text->bytes > 0)
            return READ_TEXT;
        if (result != READ_TEXT)
            return result;
        if (text->bytes > 0)
            buf_putc(text, '\n');
        buf_puts(text, editor.line);
    } while (!editor.drawing && !editor_is_complete(buf_text(text), text->bytes));
    return READ_TEXT;
}
