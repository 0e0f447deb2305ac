#include "repl/terminal.h"

#include "base/runtime.h"
#include "repl/line.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* A process has one terminal, and its signal handlers find it here. */
static struct {
    struct termios found, editing;    /* the modes before and during editing */
    bool taken;                       /* between terminal_begin and terminal_end */
    volatile sig_atomic_t active;     /* the modes of editing are set */
    volatile sig_atomic_t stopped;
    bool bracketed_paste;
    pthread_t thread;                 /* that waits for input */
    sigset_t blocked, waiting;        /* signal masks: usually, and while input is waited for */
} terminal;

static const char paste_on[] = "\x1b[?2004h", paste_off[] = "\x1b[?2004l";

void terminal_write(const char *text, unsigned long bytes)
{
    int fd = fileno(rl_outstream);
    while (bytes > 0) {
        ssize_t n = write(fd, text, bytes);
        if (n < 0 && errno == EAGAIN) {
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            return;
        } else if (n > 0) {
            text += n;
            bytes -= (unsigned long)n;
        }
    }
}

void terminal_clear(void)
{
    static const char clear[] = "\x1b[H\x1b[2J";
    terminal_write(clear, sizeof clear - 1);
}

/* These two are async-signal-safe. */
static void set_editing(void)
{
    tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal.editing);
    if (terminal.bracketed_paste)
        terminal_write(paste_on, sizeof paste_on - 1);
    terminal.active = 1;
}

static void set_found(void)
{
    if (!terminal.active)
        return;
    terminal.active = 0;
    if (terminal.bracketed_paste)
        terminal_write(paste_off, sizeof paste_off - 1);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal.found);
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

/* The system gives a signal to any thread that does not block it, also to one that helps with tensors. */
static bool hand_over(int number)
{
    if (pthread_equal(pthread_self(), terminal.thread))
        return false;
    pthread_kill(terminal.thread, number);
    return true;
}

static void on_interrupt(int number)
{
    if (!hand_over(number))
        interrupt_raise(INTERRUPT_SIGNAL);
}

/* It only has to end the wait for input. */
static void on_resize(int number)
{
    hand_over(number);
}

/* The signal's own effect, with the terminal as it was found. */
static void die_of(int number)
{
    set_found();
    handle(number, SIG_DFL);
    raise(number);
}

static void on_stop(int number)
{
    int error = errno;
    sigset_t stop, before;
    if (hand_over(number))
        return;
    bool active = terminal.active;
    set_found();
    handle(number, SIG_DFL);
    raise(number);
    sigemptyset(&stop);
    sigaddset(&stop, number);
    pthread_sigmask(SIG_UNBLOCK, &stop, &before);   /* the process stops here */
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    handle(number, on_stop);
    if (active)
        set_editing();
    terminal.stopped = 1;
    errno = error;
}

/* The signals that are let in only where they are looked for. */
static const int waited_for[] = {SIGINT, SIGWINCH, SIGTSTP};

static void take_signals(void)
{
    terminal.thread = pthread_self();
    pthread_sigmask(SIG_BLOCK, NULL, &terminal.waiting);
    terminal.blocked = terminal.waiting;
    for (size_t i = 0; i < sizeof waited_for / sizeof *waited_for; i++) {
        sigdelset(&terminal.waiting, waited_for[i]);
        sigaddset(&terminal.blocked, waited_for[i]);
    }
    terminal_block();
    handle(SIGINT, on_interrupt);
    handle(SIGWINCH, on_resize);
    handle(SIGTSTP, on_stop);
    handle(SIGTERM, die_of);
    handle(SIGHUP, die_of);
    handle(SIGQUIT, die_of);
}

/* As Readline itself would set them: characters one by one, unechoed, Return told from line feed. */
static void compute_modes(void)
{
    tcgetattr(STDIN_FILENO, &terminal.found);
    terminal.editing = terminal.found;
    terminal.editing.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    terminal.editing.c_lflag |= ISIG;
    terminal.editing.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IXON);
    terminal.editing.c_cc[VMIN] = 1;
    terminal.editing.c_cc[VTIME] = 0;
    terminal.editing.c_cc[VLNEXT] = _POSIX_VDISABLE;
    terminal.editing.c_cc[VDISCARD] = _POSIX_VDISABLE;
}

void terminal_begin(void)
{
    const char *paste = rl_variable_value("enable-bracketed-paste"), *term = getenv("TERM");
    bool dumb = term == NULL || strcmp(term, "dumb") == 0;
    terminal.bracketed_paste = !dumb && paste != NULL && strcmp(paste, "on") == 0;
    compute_modes();
    terminal.taken = true;
    take_signals();
    set_editing();
}

void terminal_end(void)
{
    set_found();
    terminal_unblock();
    terminal.taken = false;
}

/* ---- other programs ---- */

static _Noreturn void run_command(const char *command, int input)
{
    static const int numbers[] = {SIGINT, SIGWINCH, SIGTSTP, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        handle(numbers[i], SIG_DFL);
    terminal_unblock();
    if (input >= 0)
        dup2(input, STDIN_FILENO);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

/* A Ctrl-C that was meant for the other program waits, blocked, and is taken back. */
static void forget_interrupts(void)
{
    sigset_t interrupts;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    while (sigtimedwait(&interrupts, NULL, &(struct timespec){0, 0}) == SIGINT)
        ;
}

int terminal_run(const char *command, const char *input, unsigned long bytes)
{
    FILE *file = input != NULL ? tmpfile() : NULL;
    int status = -1;
    bool given = file != NULL && fwrite(input, 1, bytes, file) == bytes && fseek(file, 0, SEEK_SET) == 0;
    if (input != NULL && !given) {
        if (file != NULL)
            fclose(file);
        return -1;
    }
    set_found();
    pid_t child = fork();
    if (child == 0)
        run_command(command, file != NULL ? fileno(file) : -1);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    forget_interrupts();
    set_editing();
    if (file != NULL)
        fclose(file);
    return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- waiting ---- */

void terminal_unblock(void)
{
    if (terminal.taken)
        pthread_sigmask(SIG_SETMASK, &terminal.waiting, NULL);
}

void terminal_block(void)
{
    if (terminal.taken)
        pthread_sigmask(SIG_SETMASK, &terminal.blocked, NULL);
}

/* As long as there is input, ppoll does not let signals in. */
static bool let_signals_in(void)
{
    sigset_t pending;
    bool some = false;
    sigpending(&pending);
    for (size_t i = 0; i < sizeof waited_for / sizeof *waited_for; i++)
        some |= sigismember(&pending, waited_for[i]) == 1;
    if (!some)
        return false;
    terminal_unblock();
    terminal_block();
    return true;
}

bool terminal_wait(int milliseconds)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    if (let_signals_in())
        return false;
    /* What was typed behind Ctrl-C may be there already, and Readline would take all of it at once. */
    return ppoll(&input, 1, milliseconds < 0 ? NULL : &time, &terminal.waiting) > 0 && !let_signals_in()
        && interrupt_flag == INTERRUPT_NONE;
}

bool terminal_pending(void)
{
    int bytes = 0;
    return ioctl(STDIN_FILENO, FIONREAD, &bytes) == 0 && bytes > 0;
}

bool terminal_was_stopped(void)
{
    bool stopped = terminal.stopped;
    terminal.stopped = 0;
    return stopped;
}

static int size_from_environment(const char *name, int otherwise)
{
    const char *text = getenv(name);
    int n = text != NULL ? atoi(text) : 0;
    return n > 0 ? n : otherwise;
}

TerminalSize terminal_size(void)
{
    struct winsize size = {0};
    int fd = rl_outstream != NULL ? fileno(rl_outstream) : STDOUT_FILENO;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return (TerminalSize){size_from_environment("COLUMNS", 80), size_from_environment("LINES", 24)};
    return (TerminalSize){size.ws_col, size.ws_row > 0 ? size.ws_row : 24};
}
