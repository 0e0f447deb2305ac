#include "repl/history.h"

#include "base/runtime.h"
#include "repl/line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_ENTRIES = 10000 };

/* ---- the file's place ---- */

/* NULL when there is none. */
static const char *history_path(void)
{
    const char *own = getenv("DBX_HISTORY"), *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (own != NULL)
        return *own != '\0' ? own : NULL;
    if (state != NULL && *state == '/')
        return string_format("%s/dbx/history", state)->text;
    if (home != NULL && *home == '/')
        return string_format("%s/.local/state/dbx/history", home)->text;
    return NULL;
}

static void make_folders(const char *path)
{
    String *copy = string_of(path);
    for (char *slash = strchr(copy->text + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(copy->text, 0700);
        *slash = '/';
    }
}

/* ---- an open, locked file ---- */

typedef struct File {
    Object object;
    int descriptor;                   /* -1 when it could not be opened */
} File;

static void file_destroy(Object *self)
{
    File *f = (File *)self;
    if (f->descriptor >= 0)
        close(f->descriptor);
}

static const ObjectType file_type = {"history file", file_destroy};

/* Another session may have put a new file in the place of the one that was waited for. */
static bool is_current(int descriptor, const char *path)
{
    struct stat opened, named;
    return fstat(descriptor, &opened) == 0 && stat(path, &named) == 0 && opened.st_dev == named.st_dev
        && opened.st_ino == named.st_ino;
}

static File *open_locked(const char *path)
{
    File *f = object_new(&file_type, sizeof *f);
    for (;;) {
        f->descriptor = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (f->descriptor < 0)
            return f;
        while (flock(f->descriptor, LOCK_EX) != 0 && errno == EINTR)
            ;
        if (is_current(f->descriptor, path))
            return f;
        close(f->descriptor);
    }
}

static void read_all(Buf *text, int descriptor)
{
    char block[16384];
    ssize_t n;
    lseek(descriptor, 0, SEEK_SET);
    while ((n = read(descriptor, block, sizeof block)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            buf_add(text, block, (size_t)n);
}

static bool write_all(int descriptor, const Buf *text)
{
    size_t done = 0;
    while (done < text->bytes) {
        ssize_t n = write(descriptor, text->text + done, text->bytes - done);
        if (n < 0 && errno != EINTR)
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* ---- entries as text ---- */

static void put_entry(Buf *out, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        buf_putc(out, text[i]);
        if (text[i] == '\n')
            buf_putc(out, '\t');
    }
    buf_putc(out, '\n');
}

/* The bytes of the first entry in the text, its last line end included. */
static size_t entry_bytes(const char *text, size_t bytes)
{
    const char *end = text + bytes, *at = text;
    do {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline != NULL ? newline + 1 : end;
    } while (at < end && *at == '\t');
    return (size_t)(at - text);
}

/* What was given, without the tabs. */
static const char *entry_text(const char *entry, size_t bytes)
{
    Buf *out = buf_new();
    if (bytes > 0 && entry[bytes - 1] == '\n')
        bytes--;
    for (size_t i = 0; i < bytes; i++)
        if (entry[i] != '\t' || i == 0 || entry[i - 1] != '\n')
            buf_putc(out, entry[i]);
    return buf_text(out);
}

/* ---- reading ---- */

static void load(void *data)
{
    const char *path = history_path();
    (void)data;
    if (path == NULL)
        return;
    make_folders(path);
    File *f = open_locked(path);
    if (f->descriptor < 0)
        return;
    Buf *text = buf_new();
    read_all(text, f->descriptor);
    for (size_t at = 0, n; at < text->bytes; at += n) {
        n = entry_bytes(text->text + at, text->bytes - at);
        add_history(entry_text(text->text + at, n));
    }
}

void history_begin(void)
{
    PoolMark mark = pool_mark();
    using_history();
    stifle_history(MOST_ENTRIES);
    error_protect(load, NULL);
    pool_drain(mark);
}

void history_end(void)
{
    rl_clear_history();
}

/* ---- writing ---- */

/* The old text without the entry, and without the oldest entries when there are too many; NULL when nothing
 * has to go. */
static Buf *without_entry(const Buf *old, const Buf *entry)
{
    size_t count = 0;
    bool found = false;
    for (size_t at = 0, n; at < old->bytes; at += n, count++) {
        n = entry_bytes(old->text + at, old->bytes - at);
        found |= n == entry->bytes && memcmp(old->text + at, entry->text, n) == 0;
    }
    if (!found && count < MOST_ENTRIES + MOST_ENTRIES / 10)
        return NULL;
    Buf *kept = buf_new();
    for (size_t at = 0, n; at < old->bytes; at += n, count--) {
        n = entry_bytes(old->text + at, old->bytes - at);
        if (count < MOST_ENTRIES && (n != entry->bytes || memcmp(old->text + at, entry->text, n) != 0))
            buf_add(kept, old->text + at, n);
    }
    return kept;
}

/* Under the lock of the old file, which lasts until the new one has taken its place. */
static void replace_file(const char *path, const Buf *text)
{
    char *real = realpath(path, NULL);        /* the file behind a link */
    String *target = string_of(real != NULL ? real : path);
    free(real);
    const char *temporary = string_format("%s.%ld", target->text, (long)getpid())->text;
    File *f = object_new(&file_type, sizeof *f);
    f->descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (f->descriptor < 0 || !write_all(f->descriptor, text) || rename(temporary, target->text) != 0)
        unlink(temporary);
}

static void store(void *data)
{
    const char *path = history_path();
    if (path == NULL)
        return;
    File *f = open_locked(path);
    if (f->descriptor < 0)
        return;
    Buf *old = buf_new(), *entry = data;
    read_all(old, f->descriptor);
    /* A last line without an end was cut off; it must not swallow the new entry. */
    if (old->bytes > 0 && old->text[old->bytes - 1] != '\n') {
        buf_putc(old, '\n');
        if (write(f->descriptor, "\n", 1) != 1)
            return;
    }
    Buf *kept = without_entry(old, entry);
    if (kept != NULL) {
        buf_add(kept, entry->text, entry->bytes);
        replace_file(path, kept);
        return;
    }
    write_all(f->descriptor, entry);
}

static void remember(void *data)
{
    const Buf *text = data;
    Buf *entry = buf_new();
    const char *given = buf_text(text);
    for (int i = history_length - 1; i >= 0; i--)
        if (strcmp(history_get(history_base + i)->line, given) == 0)
            free_history_entry(remove_history(i));
    add_history(given);
    put_entry(entry, given, text->bytes);
    store(entry);
}

/* Blanks around an input are no part of it. */
void history_remember(const char *text, size_t bytes)
{
    PoolMark mark = pool_mark();
    while (bytes > 0 && strchr(" \t\n", text[bytes - 1]) != NULL)
        bytes--;
    size_t blanks = strspn(text, " \t\n");
    if (blanks < bytes) {
        Buf *trimmed = buf_new();
        buf_add(trimmed, text + blanks, bytes - blanks);
        error_protect(remember, trimmed);
    }
    pool_drain(mark);
}

const char *history_last(void)
{
    return history_length > 0 ? history_get(history_base + history_length - 1)->line : "";
}

void history_show(Buf *out, int count)
{
    int first = count > 0 && count < history_length ? history_length - count : 0;
    for (int i = first; i < history_length; i++)
        buf_printf(out, "%5d  %s\n", i + 1, history_get(history_base + i)->line);
}
