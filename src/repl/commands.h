/* What is typed at the prompt and is no language: `:vars`, `?sum` and the others. */
#ifndef DBX_REPL_COMMANDS_H
#define DBX_REPL_COMMANDS_H

#include "lang/session.h"
#include "repl/repl.h"

/* The state of the loop, as far as commands see it. */
typedef struct Repl {
    Session *session;
    const ReplOptions *options;
    Buf *program;                     /* the inputs that ran without an error, for :save; owned */
    Buf *next;                        /* stands at the next prompt, to be edited; owned, empty for none */
    int tour_step;                    /* of the tour, from 1; 0 before it began */
    int tour_input;                   /* of the step, to be offered next, from 0 */
    bool touring;
    size_t memory_limit;              /* of what is evaluated; 0 for none */
    bool over;
    int status;
} Repl;

/* Does a line begin with the sign of a command? */
bool command_begins(const char *line);
/* Is the input a command? `help` and `quit` by themselves are too, unless a program gave them another meaning. */
bool command_is(const char *text);
/* Runs it. Errors are shown. */
void command_run(Repl *repl, const char *text);
/* The names of the commands, for completion; NULL behind the last. */
const char *command_name(int i);

/* What `:set` sets, with NULL for the name behind the last. */
enum { SETTING_VALUES = 2 };
typedef struct Setting {
    const char *name, *doc;
    void (*set)(Repl *repl, const char *value);
    const char *values[SETTING_VALUES];       /* all there are; NULL for many */
} Setting;
extern const Setting settings[];

/* ---- what the loop offers ---- */

/* Runs a text as if it had been typed, and shows its error. Ctrl-C interrupts it. False on an error. */
bool repl_evaluate(Repl *repl, const char *text, size_t bytes);
/* Says why error_protect gave false. */
void repl_tell_error(void);
/* What ran without an error belongs to the program that :save writes. */
void repl_note(Repl *repl, const char *text, size_t bytes);
/* Runs body in the session, where Ctrl-C interrupts it; its error is shown. */
bool repl_attempt(Repl *repl, void (*body)(void *), void *data);
/* Writes a text, through a pager when it does not fit on the screen. */
void repl_page(const Buf *text);

#endif
