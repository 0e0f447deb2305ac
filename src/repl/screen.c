#include "repl/screen.h"

#include "base/runtime.h"
#include "repl/style.h"
#include "repl/terminal.h"

#include <stdio.h>
#include <string.h>

enum {
    CELL_BYTES = 22,                  /* a character with its combining marks; more of them are not shown */
    TAB_COLUMNS = 4,
    LEAST_COLUMNS = 8,
    REPLACEMENT = 0xfffd
};

/* One column. The second column of a wide character has no bytes. */
typedef struct Cell {
    char text[CELL_BYTES];
    uint8_t bytes, style;
} Cell;

typedef struct Picture {
    Cell *cells;                      /* rows x columns */
    size_t capacity;
    int *counts;                      /* columns in use of each row */
    size_t counts_capacity;
    int rows, columns;
    int top;                          /* the row of the block that is shown first */
    int cursor_row, cursor_column;    /* of the terminal's cursor; the row counts from `top` */
} Picture;

/* There is one terminal, which shows one block. */
static struct {
    Picture shown, next;
} screen;

/* ---- layout ---- */

typedef struct Layout {
    Picture *picture;
    bool storing;                     /* the second time over the text, when `top` is known */
    int row, column;                  /* where the next character goes */
    int cursor_row, cursor_column;
    int visited_row, visited_column;  /* the row is -1 when nothing is visited */
} Layout;

static Cell *cell_at(const Picture *p, int row, int column)
{
    return &p->cells[(size_t)row * (size_t)p->columns + (size_t)column];
}

/* The cell to store in, or NULL when its row is not shown. */
static Cell *visible_cell(const Layout *l, int column)
{
    const Picture *p = l->picture;
    int row = l->row - p->top;
    if (!l->storing || row < 0 || row >= p->rows || column < 0)
        return NULL;
    if (p->counts[row] <= column)
        p->counts[row] = column + 1;
    return cell_at(p, row, column);
}

static void put_character(Layout *l, const char *text, size_t bytes, int width, Style style)
{
    if (width == 0) {
        Cell *before = visible_cell(l, l->column - 1);
        while (before != NULL && before->bytes == 0 && before > l->picture->cells)
            before--;
        if (before != NULL && before->bytes + bytes <= CELL_BYTES) {
            memcpy(before->text + before->bytes, text, bytes);
            before->bytes = (uint8_t)(before->bytes + bytes);
        }
        return;
    }
    if (l->column + width > l->picture->columns) {
        l->row++;
        l->column = 0;
    }
    for (int i = 0; i < width; i++) {
        Cell *cell = visible_cell(l, l->column++);
        if (cell == NULL)
            continue;
        memset(cell, 0, sizeof *cell);
        cell->style = (uint8_t)style;
        if (i == 0) {
            memcpy(cell->text, text, bytes);
            cell->bytes = (uint8_t)bytes;
        }
    }
}

/* Prompts of Readline's searches may hold marks around what takes no room. */
static void put_prompt(Layout *l, const char *prompt, Style style)
{
    const char *end = prompt + strlen(prompt);
    uint32_t point;
    for (int n; prompt < end; prompt += n) {
        n = utf8_decode(prompt, end, &point);
        if (n <= 0)
            n = 1;
        else if (point >= ' ')
            put_character(l, prompt, (size_t)n, utf8_width(point), style);
    }
}

/* Puts the character at `at`; controls as ^X, tabs as blanks. Returns its length in bytes. */
static size_t put_point(Layout *l, const char *at, const char *end, Style style)
{
    uint32_t point;
    int n = utf8_decode(at, end, &point);
    if (n <= 0 || (point >= 0x80 && point < 0xa0)) {
        char text[4];
        put_character(l, text, (size_t)utf8_encode(REPLACEMENT, text), 1, style);
        return n <= 0 ? 1 : (size_t)n;
    }
    if (point == '\t') {
        for (int i = 0; i < TAB_COLUMNS; i++)
            put_character(l, " ", 1, 1, style);
    } else if (point < ' ' || point == 0x7f) {
        char shown = (char)(point ^ 0x40);
        put_character(l, "^", 1, 1, style);
        put_character(l, &shown, 1, 1, style);
    } else {
        put_character(l, at, (size_t)n, utf8_width(point), style);
    }
    return (size_t)n;
}

/* The cursor stands where the next character of this width will be. */
static void note_cursor(Layout *l, int width)
{
    bool wraps = l->column + width > l->picture->columns;
    l->cursor_row = wraps ? l->row + 1 : l->row;
    l->cursor_column = wraps ? 0 : l->column;
}

static void lay_out(Layout *l, const View *v)
{
    const char *end = v->text + v->bytes;
    l->row = l->column = 0;
    l->visited_row = -1;
    put_prompt(l, v->prompt, STYLE_PROMPT);
    for (const char *at = v->text; at < end;) {
        size_t offset = (size_t)(at - v->text);
        uint32_t point = 0;
        utf8_decode(at, end, &point);
        if (offset == v->cursor)
            note_cursor(l, *at == '\n' ? 1 : point < ' ' ? 1 : utf8_width(point));
        if (offset == v->visited) {
            l->visited_row = l->column < l->picture->columns ? l->row : l->row + 1;
            l->visited_column = l->column < l->picture->columns ? l->column : 0;
        }
        if (*at == '\n') {
            /* A cursor behind a full row needs a row to stand on. */
            if (offset == v->cursor && l->cursor_row > l->row)
                l->row++;
            l->row++;
            l->column = 0;
            put_prompt(l, v->continuation, STYLE_CONTINUATION);
            at++;
        } else {
            at += put_point(l, at, end, v->styles != NULL ? (Style)v->styles[offset] : STYLE_PLAIN);
        }
    }
    if (v->cursor >= v->bytes) {
        note_cursor(l, 1);
        if (l->cursor_row > l->row)
            l->row = l->cursor_row;
    }
}

static void make_room(Picture *p)
{
    size_t cells = (size_t)p->rows * (size_t)p->columns, rows = (size_t)p->rows;
    if (cells > p->capacity) {
        p->cells = mem_realloc(p->cells, p->capacity * sizeof *p->cells, cells * sizeof *p->cells);
        p->capacity = cells;
    }
    if (rows > p->counts_capacity) {
        p->counts = mem_realloc(p->counts, p->counts_capacity * sizeof *p->counts, rows * sizeof *p->counts);
        p->counts_capacity = rows;
    }
    memset(p->cells, 0, cells * sizeof *p->cells);
    memset(p->counts, 0, rows * sizeof *p->counts);
}

static void compose(Picture *p, const View *v, TerminalSize size, int old_top)
{
    Layout l = {.picture = p};
    p->columns = size.columns < LEAST_COLUMNS ? LEAST_COLUMNS : size.columns;
    lay_out(&l, v);
    int rows = l.row + 1;
    p->rows = rows < size.rows ? rows : size.rows;
    p->top = old_top;
    if (p->top > l.cursor_row)
        p->top = l.cursor_row;
    if (p->top < l.cursor_row - p->rows + 1)
        p->top = l.cursor_row - p->rows + 1;
    if (p->top > rows - p->rows)
        p->top = rows - p->rows;
    make_room(p);
    l.storing = true;
    lay_out(&l, v);
    bool visits = l.visited_row >= p->top && l.visited_row < p->top + p->rows;
    p->cursor_row = (visits ? l.visited_row : l.cursor_row) - p->top;
    p->cursor_column = visits ? l.visited_column : l.cursor_column;
}

/* ---- writing the difference ---- */

typedef struct Pen {
    Buf *out;
    int row, column;                  /* of the terminal's cursor; column == columns: it waits to wrap */
    int bottom;                       /* rows that the terminal has for us */
    int columns;
    Style style;
    bool color;
} Pen;

static void move_to(Pen *pen, int row, int column)
{
    if (pen->column >= pen->columns) {
        buf_putc(pen->out, '\r');
        pen->column = 0;
    }
    if (row < pen->row)
        buf_printf(pen->out, "\x1b[%dA", pen->row - row);
    else if (row > pen->row && row < pen->bottom)
        buf_printf(pen->out, "\x1b[%dB", row - pen->row);
    else
        for (; pen->row < row; pen->row++) {
            buf_putc(pen->out, '\n');
            pen->column = 0;
        }
    pen->row = row;
    if (pen->bottom <= row)
        pen->bottom = row + 1;
    if (column < pen->column && column > 0)
        buf_printf(pen->out, "\x1b[%dD", pen->column - column);
    else if (column < pen->column)
        buf_putc(pen->out, '\r');
    else if (column > pen->column)
        buf_printf(pen->out, "\x1b[%dC", column - pen->column);
    pen->column = column;
}

static void set_style(Pen *pen, Style style)
{
    if (pen->color && style != pen->style)
        buf_puts(pen->out, style_codes[style]);
    pen->style = style;
}

static void write_row(Pen *pen, const Picture *old, const Picture *new, int row)
{
    static const Cell *const none;
    const Cell *before = row < old->rows ? cell_at(old, row, 0) : none, *after = cell_at(new, row, 0);
    int old_count = row < old->rows ? old->counts[row] : 0, count = new->counts[row];
    int start = 0, end = count;
    while (start < old_count && start < count && memcmp(&before[start], &after[start], sizeof *after) == 0)
        start++;
    if (start == count && count == old_count)
        return;
    if (count == old_count)
        while (end > start && memcmp(&before[end - 1], &after[end - 1], sizeof *after) == 0)
            end--;
    /* Whole characters: a wide one begins in the column before its second. */
    while (start > 0 && ((start < count && after[start].bytes == 0)
                         || (start < old_count && before[start].bytes == 0)))
        start--;
    while (end < count && (after[end].bytes == 0 || before[end].bytes == 0))
        end++;
    move_to(pen, row, start);
    for (int i = start; i < end; i++) {
        if (after[i].bytes > 0)
            set_style(pen, (Style)after[i].style);
        buf_add(pen->out, after[i].text, after[i].bytes);
        pen->column++;
    }
    set_style(pen, STYLE_PLAIN);
    if (count < old_count)
        buf_puts(pen->out, "\x1b[K");
}

/* A terminal that became narrower has broken the rows that do not fit, and its cursor is as many rows further
 * down. The block is drawn afresh from its first row. */
static void take_new_width(Pen *pen, Picture *shown, int columns)
{
    int above = 0;
    for (int row = 0; row < shown->cursor_row; row++)
        above += shown->counts[row] > columns ? (shown->counts[row] - 1) / columns + 1 : 1;
    above += shown->cursor_column / columns;
    buf_putc(pen->out, '\r');
    if (above > 0)
        buf_printf(pen->out, "\x1b[%dA", above);
    buf_puts(pen->out, "\x1b[J");
    shown->rows = shown->cursor_row = shown->cursor_column = 0;
}

void screen_draw(const View *v)
{
    PoolMark mark = pool_mark();
    Picture *shown = &screen.shown, *next = &screen.next;
    TerminalSize size = terminal_size();
    Pen pen = {.out = buf_new(), .color = v->color};
    compose(next, v, size, shown->rows > 0 ? shown->top : 0);
    if (shown->rows > 0 && (shown->columns != next->columns || shown->rows > size.rows))
        take_new_width(&pen, shown, next->columns);
    pen.row = shown->cursor_row;
    pen.column = shown->cursor_column;
    pen.columns = next->columns;
    pen.bottom = shown->rows > 0 ? shown->rows : 1;
    for (int row = 0; row < next->rows; row++)
        write_row(&pen, shown, next, row);
    if (next->rows < shown->rows) {
        move_to(&pen, next->rows, 0);
        buf_puts(pen.out, "\x1b[J");
    }
    move_to(&pen, next->cursor_row, next->cursor_column);
    terminal_write(buf_text(pen.out), pen.out->bytes);
    Picture old = *shown;
    *shown = *next;
    *next = old;
    pool_drain(mark);
}

bool screen_is_shown(void)
{
    return screen.shown.rows > 0;
}

void screen_leave(void)
{
    const Picture *p = &screen.shown;
    char down[32];
    if (p->rows > 0 && p->cursor_row < p->rows - 1) {
        int bytes = snprintf(down, sizeof down, "\x1b[%dB", p->rows - 1 - p->cursor_row);
        terminal_write(down, (unsigned long)bytes);
    }
    terminal_write("\n", 1);
    screen_forget();
}

void screen_forget(void)
{
    screen.shown.rows = screen.shown.cursor_row = screen.shown.cursor_column = screen.shown.top = 0;
}

static void free_picture(Picture *p)
{
    mem_free(p->cells, p->capacity * sizeof *p->cells);
    mem_free(p->counts, p->counts_capacity * sizeof *p->counts);
    memset(p, 0, sizeof *p);
}

void screen_end(void)
{
    free_picture(&screen.shown);
    free_picture(&screen.next);
}
