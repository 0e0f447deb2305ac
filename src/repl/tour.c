#include "repl/tour.h"

#include "base/runtime.h"
#include "lib/embedded.h"
#include "repl/block.h"
#include "repl/editor.h"
#include "repl/style.h"
#include "repl/terminal.h"
#include "repl/wrap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tour's text is a program: a step begins with a line "## Step 1 of 10: title"; comment lines under it
 * explain; and the rest are inputs, to be given one by one. */
static const char step_mark[] = "## Step ";

typedef struct Step {
    const char *title;                /* up to the line's end */
    const char *text;                 /* behind the title */
    const char *end;
} Step;

static const char *next_line(const char *text)
{
    const char *newline = strchr(text, '\n');
    return newline != NULL ? newline + 1 : text + strlen(text);
}

static bool begins_step(const char *text)
{
    return strncmp(text, step_mark, sizeof step_mark - 1) == 0;
}

/* Step `number`, counted from 1; false behind the last. */
static bool find_step(int number, Step *step)
{
    const char *at = embedded_tour[0].text;
    int found = 0;
    for (; *at != '\0'; at = next_line(at))
        if (begins_step(at) && ++found == number)
            break;
    if (*at == '\0')
        return false;
    step->title = at + 3;
    step->text = step->end = next_line(at);
    while (*step->end != '\0' && !begins_step(step->end))
        step->end = next_line(step->end);
    return true;
}

static void put_explanation(Buf *out, const Step *step, bool color)
{
    Buf *words = buf_new();
    buf_printf(out, "\n%s%.*s%s\n", color ? style_codes[STYLE_HEADING] : "",
               (int)strcspn(step->title, "\n"), step->title, color ? style_codes[STYLE_PLAIN] : "");
    for (const char *line = step->text; line < step->end && *line == '#'; line = next_line(line))
        buf_add(words, line + 1, (size_t)(next_line(line) - line - 1));
    wrap_put(out, buf_text(words), words->bytes, 0, terminal_size().columns - 1);
}

/* Input `number` of a step, counted from 0, added to out; false behind the last. */
static bool find_input(const Step *step, int number, Buf *out)
{
    for (const char *line = step->text; line < step->end; ) {
        const char *end = next_line(line);
        if (*line == '#' || *line == '\n') {
            line = end;
            continue;
        }
        while (end < step->end && !block_is_complete(line, (size_t)(end - 1 - line)))
            end = next_line(end);
        if (number-- == 0) {
            buf_add(out, line, (size_t)(end - 1 - line));
            return true;
        }
        line = end;
    }
    return false;
}

/* ---- with a reader ---- */

static void leave(Repl *r, const char *words)
{
    r->touring = false;
    fputs(words, stdout);
    fflush(stdout);
}

void tour_go_on(Repl *r)
{
    Step step;
    r->next->bytes = 0;
    while (r->touring && find_step(r->tour_step, &step)) {
        if (r->tour_input == 0) {
            Buf *out = buf_new();
            put_explanation(out, &step, r->options->color);
            fputs(buf_text(out), stdout);
            fflush(stdout);
        }
        if (find_input(&step, r->tour_input++, r->next))
            return;
        r->tour_step++;
        r->tour_input = 0;
    }
    if (r->touring) {
        r->tour_step = 1;
        leave(r, "\nThat was the tour. help and :help know the rest; Ctrl-D leaves.\n");
        r->over |= r->options->tour;
    }
}

void tour_leave(Repl *r)
{
    /* The input that was not given is offered again. */
    r->tour_input -= r->tour_input > 0;
    leave(r, "The tour is left; :tour goes on with it.\n");
    r->over |= r->options->tour;
}

void run_tour(Repl *r, const char *argument)
{
    Step step;
    int number = atoi(argument);
    if (*argument != '\0' && !find_step(number, &step)) {
        puts("The tour has no such step; :tour 1 begins at the first.");
        return;
    }
    if (number > 0 || r->tour_step == 0) {
        r->tour_step = number > 0 ? number : 1;
        r->tour_input = 0;
    }
    r->touring = true;
    puts("Enter runs the line that is offered, which you may change. Ctrl-C leaves.");
}

/* ---- without one ---- */

typedef struct Show {
    Session *session;
    Step step;
    Buf *text;
    bool ok;
} Show;

static void show_input(Show *show)
{
    for (const char *line = buf_text(show->text); *line != '\0'; line = next_line(line))
        printf("%s%.*s\n", line == buf_text(show->text) ? editor_prompt : editor_continuation,
               (int)strcspn(line, "\n"), line);
    if (!session_run(show->session, buf_text(show->text), "<tour>", RUN_ECHO)) {
        fflush(stdout);
        fputs(session_error(show->session), stderr);
        show->ok = false;
    }
}

static void show_step(void *data)
{
    Show *show = data;
    Buf *out = buf_new();
    put_explanation(out, &show->step, false);
    fputs(buf_text(out), stdout);
    for (int i = 0;; i++) {
        show->text = buf_new();
        if (!find_input(&show->step, i, show->text))
            return;
        show_input(show);
    }
}

int tour_show(Session *s)
{
    Show show = {.session = s, .ok = true};
    Entry entry = session_enter(s);
    for (int number = 1; show.ok && find_step(number, &show.step); number++) {
        PoolMark mark = pool_mark();
        show.ok &= error_protect(show_step, &show);
        pool_drain(mark);
    }
    session_leave(entry);
    return show.ok ? 0 : 1;
}
