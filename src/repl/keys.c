#include "repl/keys.h"

#include "base/runtime.h"
#include "repl/block.h"
#include "repl/complete.h"
#include "repl/editor.h"
#include "repl/line.h"
#include "repl/screen.h"
#include "repl/terminal.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

static struct {
    size_t closed_bracket;
    bool searching;                   /* up and down search the history */
} keys = {SIZE_MAX, false};

size_t keys_closed_bracket(void)
{
    size_t offset = keys.closed_bracket;
    keys.closed_bracket = SIZE_MAX;
    return offset;
}

/* Readline must not be left by a throw. What fails for lack of memory is as if no key had been pressed. */
static int protect(void (*body)(void *), void *data)
{
    if (!error_protect(body, data))
        rl_ding();
    return 0;
}

/* ---- where the cursor is ---- */

static size_t point(void) { return (size_t)rl_point; }
static size_t line_start(void) { return block_line_start(rl_line_buffer, point()); }
static size_t line_end(void) { return block_line_end(rl_line_buffer, (size_t)rl_end, point()); }
static bool in_first_line(void) { return line_start() == 0; }
static bool in_last_line(void) { return line_end() == (size_t)rl_end; }

static bool only_blanks_before(void)
{
    size_t start = line_start();
    return start + strspn(rl_line_buffer + start, " \t") >= point();
}

/* ---- Return ---- */

static void insert_blanks(size_t count)
{
    char *blanks = scratch(count + 1);
    memset(blanks, ' ', count);
    blanks[count] = '\0';
    rl_insert_text(blanks);
}

static void delete_blank_before(void)
{
    rl_delete_text(rl_point - 1, rl_point);
    rl_point--;
}

/* A new line, indented unless more input waits: then it is being pasted, and has its own indentation. */
static void open_line(void *data)
{
    (void)data;
    bool pasting = terminal_pending();
    size_t blanks = pasting ? 0 : block_next_indentation(rl_line_buffer, point());
    rl_begin_undo_group();
    while (!pasting && !only_blanks_before() && rl_line_buffer[rl_point - 1] == ' ')
        delete_blank_before();
    rl_insert_text("\n");
    while (!pasting && rl_point < rl_end && rl_line_buffer[rl_point] == ' ')
        rl_delete_text(rl_point, rl_point + 1);
    insert_blanks(blanks);
    rl_end_undo_group();
}

static int key_newline(int count, int key)
{
    (void)count, (void)key;
    return protect(open_line, NULL);
}

static int accept_block(void)
{
    editor_leave_block();
    rl_point = rl_end;
    return rl_newline(1, '\n');
}

static int key_return(int count, int key)
{
    if (editor_is_complete(rl_line_buffer, (size_t)rl_end))
        return accept_block();
    return key_newline(count, key);
}

/* ---- brackets ---- */

/* A bracket that begins its line stands under the line that opened it. */
static void align_closing(size_t opening)
{
    size_t start = line_start(), wanted = block_indentation(rl_line_buffer, opening);
    size_t blanks = point() - 1 - start;
    if (blanks == wanted)
        return;
    rl_delete_text((int)start, rl_point - 1);
    rl_point = (int)start;
    insert_blanks(wanted);
    rl_point++;
}

static void close_bracket(void *data)
{
    const int *key = data;
    bool first = only_blanks_before() && !in_first_line();
    rl_begin_undo_group();
    rl_insert(1, *key);
    size_t opening = block_opening(rl_line_buffer, point());
    if (opening != SIZE_MAX && first) {
        align_closing(opening);
        opening = block_opening(rl_line_buffer, point());
    }
    rl_end_undo_group();
    const char *blink = rl_variable_value("blink-matching-paren");
    if (blink != NULL && strcmp(blink, "on") == 0)
        keys.closed_bracket = opening;
}

static int key_close(int count, int key)
{
    return count == 1 && !terminal_pending() ? protect(close_bracket, &key) : rl_insert(count, key);
}

/* ---- moving in a block, and beyond it in the history ---- */

static void move_to_column(size_t start, size_t column)
{
    size_t end = block_line_end(rl_line_buffer, (size_t)rl_end, start);
    const char *text = rl_line_buffer;
    size_t at = start;
    for (; at < end && column > 0; column--)
        do
            at++;
        while (at < end && ((unsigned char)text[at] & 0xc0) == 0x80);
    rl_point = (int)at;
}

static int key_up(int count, int key);
static int key_down(int count, int key);

/* Where something stands before the cursor, the history is searched for inputs that begin so. Readline goes
 * on with a search only right after another one. */
static int recall(int count, int key, bool back)
{
    bool again = rl_last_func == key_up || rl_last_func == key_down;
    bool begin = !again && rl_point > 0 && rl_point == rl_end && where_history() == history_length;
    keys.searching = begin || (again && keys.searching);
    if (!keys.searching)
        return back ? rl_get_previous_history(count, key) : rl_get_next_history(count, key);
    if (again)
        rl_last_func = rl_history_search_backward;
    return back ? rl_history_search_backward(count, key) : rl_history_search_forward(count, key);
}

static int key_up(int count, int key)
{
    size_t start = line_start();
    if (in_first_line())
        return recall(count, key, true);
    size_t column = utf8_count(rl_line_buffer + start, point() - start);
    move_to_column(block_line_start(rl_line_buffer, start - 1), column);
    return 0;
}

static int key_down(int count, int key)
{
    size_t start = line_start();
    if (in_last_line())
        return recall(count, key, false);
    size_t column = utf8_count(rl_line_buffer + start, point() - start);
    move_to_column(line_end() + 1, column);
    return 0;
}

static int key_home(int count, int key)
{
    (void)count, (void)key;
    rl_point = (int)line_start();
    return 0;
}

static int key_end(int count, int key)
{
    (void)count, (void)key;
    rl_point = (int)line_end();
    return 0;
}

/* ---- killing up to a line's end or beginning; at the end, the line break ---- */

static int key_kill_line(int count, int key)
{
    if (count < 0 || in_last_line())
        return rl_kill_line(count, key);
    int end = (int)line_end();
    rl_kill_text(rl_point, end == rl_point ? end + 1 : end);
    return 0;
}

static int key_discard_line(int count, int key)
{
    if (in_first_line())
        return rl_unix_line_discard(count, key);
    int start = (int)line_start();
    rl_kill_text(start == rl_point ? start - 1 : start, rl_point);
    rl_point = start == rl_point ? start - 1 : start;
    return 0;
}

/* ---- pasting ---- */

static const char paste_end[] = "\x1b[201~";

/* Reads up to the mark behind what is pasted. False when Ctrl-C ends it. */
static bool read_paste(Buf *text)
{
    const size_t mark = sizeof paste_end - 1;
    for (;;) {
        char c;
        while (!terminal_pending())
            if (!terminal_wait(-1) && interrupt_flag != INTERRUPT_NONE)
                return false;
        if (read(fileno(rl_instream), &c, 1) != 1)
            return false;
        buf_putc(text, c);
        if (text->bytes >= mark && memcmp(text->text + text->bytes - mark, paste_end, mark) == 0) {
            text->bytes -= mark;
            text->text[text->bytes] = '\0';
            return true;
        }
    }
}

/* Line ends of all sorts become line feeds. Readline's line cannot hold a NUL. */
static void clean(Buf *text)
{
    size_t to = 0;
    for (size_t i = 0; i < text->bytes; i++) {
        bool crlf = text->text[i] == '\r' && i + 1 < text->bytes && text->text[i + 1] == '\n';
        if (crlf || text->text[i] == '\0')
            continue;
        text->text[to++] = text->text[i] == '\r' ? '\n' : text->text[i];
    }
    text->bytes = to;
    if (text->text != NULL)
        text->text[to] = '\0';
}

/* Of a session that is pasted, prompts and all, only the inputs are meant. */
static Buf *without_prompts(Buf *text)
{
    const size_t columns = strlen(editor_prompt);
    if (strncmp(buf_text(text), editor_prompt, columns) != 0)
        return text;
    Buf *inputs = buf_new();
    for (const char *line = buf_text(text); *line != '\0';) {
        size_t bytes = strcspn(line, "\n") + 1;
        bool input = strncmp(line, editor_prompt, columns) == 0 || strncmp(line, editor_continuation, columns) == 0;
        if (input)
            buf_printf(inputs, "%.*s\n", (int)(bytes - 1 - columns), line + columns);
        line += line[bytes - 1] == '\n' ? bytes : bytes - 1;
    }
    return inputs;
}

/* A pasted text that ends its last line is run at once, as if it had been typed; else it waits for Return. */
static void paste(void *data)
{
    bool *run = data;
    Buf *text = buf_new();
    if (!read_paste(text))
        return;
    clean(text);
    text = without_prompts(text);
    bool ended = text->bytes > 0 && text->text[text->bytes - 1] == '\n';
    rl_insert_text(buf_text(text));
    *run = ended && rl_point == rl_end && editor_is_complete(rl_line_buffer, (size_t)rl_end);
    if (!*run)
        return;
    while (rl_end > 0 && rl_line_buffer[rl_end - 1] == '\n') {
        rl_delete_text(rl_end - 1, rl_end);
        rl_point = rl_end;
    }
}

static int key_paste(int count, int key)
{
    (void)count, (void)key;
    bool run = false;
    protect(paste, &run);
    return run ? accept_block() : 0;
}

/* The mark behind what Ctrl-C has cut off. */
static int key_paste_end(int count, int key)
{
    (void)count, (void)key;
    return 0;
}

/* ---- others ---- */

static int key_clear_screen(int count, int key)
{
    (void)count, (void)key;
    terminal_clear();
    screen_forget();
    editor_refresh();
    return 0;
}

/* TAB indents where a line begins, and completes elsewhere. */
static int key_tab(int count, int key)
{
    bool again = rl_last_func == key_tab;
    if (only_blanks_before() && !(again && rl_point == 0)) {
        rl_insert_text("  " + (point() - line_start()) % BLOCK_INDENT);
        return 0;
    }
    return complete_key(count, key, again);
}

/* A quote typed behind the one that completion has put there is that one. */
static int key_quote(int count, int key)
{
    return count == 1 && complete_closed_quote(point()) ? 0 : rl_insert(count, key);
}

/* ---- binding ---- */

/* Gives the keys of `old` to `new`, in one of Readline's maps of keys. */
static void replace(Keymap map, rl_command_func_t *old, rl_command_func_t *new)
{
    char **sequences = rl_invoking_keyseqs_in_map(old, map);
    for (int i = 0; sequences != NULL && sequences[i] != NULL; i++) {
        rl_bind_keyseq_in_map(sequences[i], new, map);
        rl_free(sequences[i]);
    }
    rl_free(sequences);
}

static void bind_inserting(Keymap map, int key, rl_command_func_t *new)
{
    const char sequence[] = {(char)key, '\0'};
    if (rl_function_of_keyseq(sequence, map, NULL) == rl_insert)
        rl_bind_key_in_map(key, new, map);
}

void keys_bind(bool blocks)
{
    static const char *const maps[] = {"emacs-standard", "vi-insert", "vi-command"};
    static const struct { rl_command_func_t *old, *new; } functions[] = {
        {rl_newline, key_return}, {rl_insert_close, key_close}, {rl_bracketed_paste_begin, key_paste},
        {rl_get_previous_history, key_up}, {rl_get_next_history, key_down}, {rl_beg_of_line, key_home},
        {rl_end_of_line, key_end}, {rl_kill_line, key_kill_line}, {rl_unix_line_discard, key_discard_line},
        {rl_clear_screen, key_clear_screen}, {rl_clear_display, key_clear_screen}, {rl_complete, key_tab},
    };
    for (size_t m = 0; m < sizeof maps / sizeof *maps; m++) {
        Keymap map = rl_get_keymap_by_name(maps[m]);
        for (size_t i = 0; blocks && i < sizeof functions / sizeof *functions; i++)
            replace(map, functions[i].old, functions[i].new);
        for (const char *c = ")]}"; blocks && *c != '\0'; c++)
            bind_inserting(map, *c, key_close);
        bind_inserting(map, '"', key_quote);
        if (blocks)
            rl_bind_keyseq_in_map("\\e[201~", key_paste_end, map);
    }
    if (blocks)
        rl_bind_keyseq_in_map("\\e\\C-m", key_newline, rl_get_keymap_by_name("emacs-standard"));
    else
        replace(rl_get_keymap_by_name("emacs-standard"), rl_complete, key_tab);
}
