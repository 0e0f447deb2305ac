#include "repl/manual.h"

#include <string.h>

/* ---- usage ---- */

/* "-q, --quiet" or "--seed N", with room for the longest. */
static void put_option(FILE *to, const OptionRow *o, int columns)
{
    int n = 0;
    if (o->letter != 0)
        n += fprintf(to, "-%c%s", o->letter, o->name != NULL ? ", " : "");
    if (o->name != NULL)
        n += fprintf(to, "--%s", o->name);
    if (o->argument != NULL)
        n += fprintf(to, " %s", o->argument);
    fprintf(to, "%*s", columns > n ? columns - n : 0, "");
}

void manual_usage(FILE *to, const Manual *m)
{
    fputs("usage: dbx [options] [FILE [ARG...]]\n\n", to);
    for (const UsageRow *u = m->usages; u->form != NULL; u++)
        fprintf(to, "  %-22s %s\n", u->form, u->doc);
    fputs("\noptions:\n", to);
    for (const OptionRow *o = m->options; o->doc != NULL; o++) {
        if (o->hidden)
            continue;
        fputs("  ", to);
        put_option(to, o, 26);
        fprintf(to, " %s\n", o->doc);
    }
}

/* ---- the manual page ---- */

/* A hyphen in what is typed must not become a typographic one. */
static void put_escaped(FILE *to, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '-' || *text == '\\')
            fputc('\\', to);
        fputc(*text, to);
    }
}

static void put_page_option(FILE *to, const OptionRow *o)
{
    fputs(".TP\n\\fB", to);
    if (o->letter != 0)
        fprintf(to, "\\-%c%s", o->letter, o->name != NULL ? "\\fR, \\fB" : "");
    if (o->name != NULL) {
        fputs("\\-\\-", to);
        put_escaped(to, o->name);
    }
    fprintf(to, "\\fR%s%s\n", o->argument != NULL ? " " : "", o->argument != NULL ? o->argument : "");
}

static const char page_end[] =
    ".SH EXIT STATUS\n"
    "0 when all went well; 1 when a script failed; 2 for wrong usage or a file that cannot be read; 130 when\n"
    "interrupted; what a script gives to exit(n).\n"
    ".SH ENVIRONMENT\n"
    ".TP\n.B DBX_HISTORY\nThe file that keeps the history of the prompt; empty for none.\n"
    ".TP\n.B NO_COLOR\nWhen set, nothing is coloured unless \\-\\-color says so.\n"
    ".TP\n.BR PAGER \", \" VISUAL \", \" EDITOR\nThe programs that show long texts and edit inputs.\n"
    ".SH FILES\n"
    ".TP\n.I $XDG_CONFIG_HOME/dbx/init.dbx\n"
    "Runs before the first prompt; in ~/.config unless the variable says otherwise.\n"
    ".TP\n.I $XDG_STATE_HOME/dbx/history\n"
    "The history; in ~/.local/state unless the variable says otherwise.\n"
    ".TP\n.I ~/.inputrc\nKeys, as in other programs that use GNU Readline.\n"
    ".SH SEE ALSO\n"
    "Within dbx: help, help(\"operators\"), :help, :tour.\n";

void manual_page(FILE *to, const Manual *m)
{
    fprintf(to, ".TH DBX 1 \"\" \"dbx %s\" \"User Commands\"\n", m->version);
    fputs(".SH NAME\ndbx \\- interactive and scripted differentiable mathematics\n.SH SYNOPSIS\n", to);
    for (const UsageRow *u = m->usages; u->form != NULL; u++) {
        put_escaped(to, u->form);
        fputs(u[1].form != NULL ? "\n.br\n" : "\n", to);
    }
    fputs(".SH DESCRIPTION\nA small language in which everything numeric is a tensor that can carry a gradient,\n"
          "and derivatives are part of the syntax.\n", to);
    for (const UsageRow *u = m->usages; u->form != NULL; u++) {
        fputs(".TP\n.B ", to);
        put_escaped(to, u->form);
        fputc('\n', to);
        put_escaped(to, u->doc);
        fputs(".\n", to);
    }
    fputs(".SH OPTIONS\n", to);
    for (const OptionRow *o = m->options; o->doc != NULL; o++) {
        if (o->hidden)
            continue;
        put_page_option(to, o);
        put_escaped(to, o->doc);
        fputs(".\n", to);
    }
    fputs(page_end, to);
}

/* ---- the shells ---- */

static bool takes_file(const OptionRow *o)
{
    return o->argument != NULL && strcmp(o->argument, "FILE") == 0;
}

/* The choices of an argument such as auto|always|never, with blanks between them; nothing for other
 * arguments. */
static void put_choices(FILE *to, const OptionRow *o)
{
    for (const char *c = o->argument; c != NULL && strchr(o->argument, '|') != NULL && *c != '\0'; c++)
        fputc(*c == '|' ? ' ' : *c, to);
}

static void put_bash_case(FILE *to, const OptionRow *o)
{
    fputs("        ", to);
    if (o->letter != 0)
        fprintf(to, "-%c", o->letter);
    if (o->name != NULL)
        fprintf(to, "%s--%s", o->letter != 0 ? "|" : "", o->name);
    fputs(") ", to);
    if (takes_file(o)) {
        fputs("COMPREPLY=($(compgen -f -- \"$word\")) ;;\n", to);
        return;
    }
    fputs("COMPREPLY=($(compgen -W \"", to);
    put_choices(to, o);
    fputs("\" -- \"$word\")) ;;\n", to);
}

static void put_bash(FILE *to, const Manual *m)
{
    fputs("# bash completion for dbx\n"
          "_dbx() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    case $previous in\n", to);
    for (const OptionRow *o = m->options; o->doc != NULL; o++)
        if (o->argument != NULL && !o->hidden)
            put_bash_case(to, o);
    fputs("        *)\n"
          "            if [[ $word == -* ]]; then\n"
          "                COMPREPLY=($(compgen -W \"", to);
    for (const OptionRow *o = m->options; o->doc != NULL; o++) {
        if (o->hidden)
            continue;
        if (o->letter != 0)
            fprintf(to, "-%c ", o->letter);
        if (o->name != NULL)
            fprintf(to, "--%s ", o->name);
    }
    fputs("\" -- \"$word\"))\n"
          "            else\n"
          "                COMPREPLY=($(compgen -f -- \"$word\"))\n"
          "            fi ;;\n"
          "    esac\n"
          "}\n"
          "complete -o filenames -F _dbx dbx\n", to);
}

/* Within single quotes of a shell. */
static void put_quoted(FILE *to, const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '\'')
            fputs("'\\''", to);
        else
            fputc(*text, to);
}

/* One way to write an option for zsh's _arguments. */
static void put_zsh_option(FILE *to, const OptionRow *o, const char *spelling)
{
    fprintf(to, "    '%s[", spelling);
    put_quoted(to, o->doc);
    fputc(']', to);
    if (takes_file(o)) {
        fputs(":file:_files", to);
    } else if (o->argument != NULL && strchr(o->argument, '|') != NULL) {
        fputs(":choice:(", to);
        put_choices(to, o);
        fputc(')', to);
    } else if (o->argument != NULL) {
        fprintf(to, ":%s: ", o->argument);
    }
    fputs("' \\\n", to);
}

static void put_zsh(FILE *to, const Manual *m)
{
    fputs("#compdef dbx\n_arguments -s -S \\\n", to);
    for (const OptionRow *o = m->options; o->doc != NULL; o++) {
        char spelling[64];
        if (o->hidden)
            continue;
        snprintf(spelling, sizeof spelling, "-%c", o->letter);
        if (o->letter != 0)
            put_zsh_option(to, o, spelling);
        snprintf(spelling, sizeof spelling, "--%s", o->name != NULL ? o->name : "");
        if (o->name != NULL)
            put_zsh_option(to, o, spelling);
    }
    fputs("    '*:file:_files'\n", to);
}

bool manual_completion(FILE *to, const Manual *m, const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        put_bash(to, m);
    else if (strcmp(shell, "zsh") == 0)
        put_zsh(to, m);
    else
        return false;
    return true;
}
