/* Completion as a key: what TAB inserts and lists. */
#include "base/runtime.h"
#include "lib/row.h"
#include "repl/complete.h"
#include "repl/editor.h"
#include "repl/line.h"
#include "repl/terminal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct {
    size_t closed_quote;              /* where completion has closed a string; SIZE_MAX: nowhere */
} tab = {SIZE_MAX};

bool complete_closed_quote(size_t point)
{
    bool is_it = point > 0 && tab.closed_quote == point - 1 && rl_line_buffer[point - 1] == '"';
    tab.closed_quote = SIZE_MAX;
    return is_it;
}

/* ---- inserting ---- */

/* How many bytes all candidates share. */
static size_t common_bytes(const Candidates *c)
{
    const char *first = c->at[0].text;
    size_t bytes = strlen(first);
    for (uint32_t i = 1; i < c->count; i++)
        for (size_t k = 0; k < bytes; k++)
            if (c->at[i].text[k] != first[k])
                bytes = k;
    while (bytes > 0 && ((uint8_t)first[bytes] & 0xc0) == 0x80)
        bytes--;
    return bytes;
}

/* Puts what they share in the place of the word. False when it stands there already. */
static bool insert_common(const Candidates *c)
{
    size_t bytes = common_bytes(c), word = (size_t)rl_point - c->start;
    bool same = bytes == word && memcmp(rl_line_buffer + c->start, c->at[0].text, bytes) == 0;
    bool shorter = bytes < word && c->count > 1;
    if (same || shorter)
        return false;
    rl_begin_undo_group();
    rl_delete_text((int)c->start, rl_point);
    rl_point = (int)c->start;
    rl_insert_text(string_new(c->at[0].text, bytes)->text);
    rl_end_undo_group();
    return true;
}

/* A file name that is whole ends its string; the quote may be typed all the same. */
static void close_file_name(const Candidates *c)
{
    const char *name = c->at[0].text;
    bool folder = *name != '\0' && name[strlen(name) - 1] == '/';
    if (folder || rl_line_buffer[0] == ':' || rl_line_buffer[rl_point] == '"')
        return;
    tab.closed_quote = (size_t)rl_point;
    rl_insert_text("\"");
}

/* ---- listing ---- */

static int list_rows(void)
{
    int rows = terminal_size().rows - 4;
    return rows < 4 ? 4 : rows;
}

static void put_more(Buf *out, uint32_t count)
{
    if (count > 0)
        buf_printf(out, "... and %u more\n", count);
}

static void put_columns(Buf *out, const Candidates *c)
{
    int width = 0, screen = terminal_size().columns, most = list_rows();
    for (uint32_t i = 0; i < c->count; i++) {
        int n = text_width(c->at[i].text, strlen(c->at[i].text)) + 2;
        width = n > width ? n : width;
    }
    uint32_t columns = width < screen ? (uint32_t)(screen / width) : 1;
    uint32_t rows = (c->count + columns - 1) / columns, shown = rows < (uint32_t)most ? rows : (uint32_t)most;
    uint32_t listed = 0;
    for (uint32_t row = 0; row < shown; row++) {
        for (uint32_t column = 0; column < columns; column++) {
            uint32_t i = column * rows + row;
            if (i >= c->count)
                break;
            const char *text = c->at[i].text;
            int blanks = i + rows < c->count ? width - text_width(text, strlen(text)) : 0;
            buf_printf(out, "%s%*s", text, blanks, "");
            listed++;
        }
        buf_putc(out, '\n');
    }
    put_more(out, c->count - listed);
}

/* One line, cut to the terminal's width. */
static void put_line(Buf *out, const Buf *line)
{
    int columns = terminal_size().columns - 1;
    const char *at = buf_text(line), *end = at + line->bytes;
    while (at < end && columns > 0) {
        uint32_t point;
        int n = utf8_decode(at, end, &point);
        if (n <= 0 || point == '\n' || (columns -= utf8_width(point)) < 0)
            break;
        buf_add(out, at, (size_t)n);
        at += n;
    }
    buf_putc(out, '\n');
}

static void put_signature(Buf *out, const Candidate *candidate)
{
    Buf *line = buf_new();
    if (candidate->value.tag == TAG_FUNCTION) {
        Row row = row_of(candidate->value);
        buf_puts(line, function_usage(candidate->value.as.any)->text);
        if (row.doc != NULL)
            buf_printf(line, "  %s", row.doc);
    } else {
        buf_puts(line, candidate->text);
        if (candidate->value.tag != TAG_UNSET)
            buf_printf(line, "  %s", value_described(candidate->value));
    }
    put_line(out, line);
}

static void put_signatures(Buf *out, const Candidates *c)
{
    uint32_t most = (uint32_t)list_rows();
    if (c->call != NULL)
        buf_printf(out, "%s\n", c->call->text);
    for (uint32_t i = 0; i < c->count && i < most; i++)
        if (c->call == NULL || c->at[i].value.tag != TAG_UNSET)
            put_signature(out, &c->at[i]);
    put_more(out, c->count > most ? c->count - most : 0);
}

static void list(const Candidates *c, bool signatures)
{
    Buf *out = buf_new();
    if (signatures)
        put_signatures(out, c);
    else
        put_columns(out, c);
    editor_leave_block();
    terminal_write(buf_text(out), out->bytes);
    editor_refresh();
}

/* ---- the key ---- */

static void complete(void *data)
{
    const bool *again = data;
    Candidates c = complete_find(rl_line_buffer, (size_t)rl_point);
    if (c.count == 0) {
        if (c.call != NULL && *again)
            list(&c, true);
        else
            rl_ding();
        return;
    }
    bool inserted = insert_common(&c);
    if (c.count == 1 && c.files)
        close_file_name(&c);
    else if (*again && !inserted)
        list(&c, true);
    else if (c.count > 1)
        list(&c, false);
}

int complete_key(int count, int key, bool again)
{
    (void)count, (void)key;
    PoolMark mark = pool_mark();
    tab.closed_quote = SIZE_MAX;
    if (!error_protect(complete, &again))
        rl_ding();
    pool_drain(mark);
    return 0;
}

/* ---- Readline's own commands ---- */

typedef struct Attempt {
    int start;
    char **matches;
} Attempt;

/* Readline wants what all share first, then each, all malloc'd. */
static void attempt(void *data)
{
    Attempt *a = data;
    Candidates c = complete_find(rl_line_buffer, (size_t)rl_point);
    if (c.count == 0 || c.start != (size_t)a->start)
        return;
    char **matches = calloc(c.count + 2, sizeof *matches);
    if (matches == NULL)
        return;
    matches[0] = strndup(c.at[0].text, common_bytes(&c));
    for (uint32_t i = 0; i < c.count && c.count > 1; i++)
        matches[i + 1] = strdup(c.at[i].text);
    a->matches = matches;
}

static char **give_matches(const char *text, int start, int end)
{
    (void)text, (void)end;
    Attempt a = {start, NULL};
    PoolMark mark = pool_mark();
    error_protect(attempt, &a);
    pool_drain(mark);
    rl_attempted_completion_over = 1;
    rl_completion_append_character = '\0';
    rl_completion_suppress_quote = 1;
    return a.matches;
}

static void list_matches(char **matches, int count, int longest)
{
    editor_leave_block();
    rl_display_match_list(matches, count, longest);
    editor_refresh();
}

void complete_begin(void)
{
    rl_attempted_completion_function = give_matches;
    rl_completion_display_matches_hook = list_matches;
    rl_completer_word_break_characters = " \t\n\"'`@$><=;|&{}()[],.:?+-*/%^!~#";
    rl_basic_quote_characters = "";
}
