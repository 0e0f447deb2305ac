#include "lang/source.h"

#include "base/mem.h"
#include "base/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Every so many bytes the place is known, so that an error costs the same wherever it happens: a program may
 * raise and catch as many as it has lines. Marks stand at the first code point from their byte on. */
enum { MARK_EVERY = 256 };

typedef struct SourceMark {
    uint32_t offset, lines, column;   /* lines: before this one */
} SourceMark;

static void source_destroy(Object *self)
{
    Source *source = (Source *)self;
    object_release(source->name);
    object_release(source->directory);
    mem_free(source->marks, source->mark_count * sizeof *source->marks);
}

static const ObjectType source_type = {"source", source_destroy};

/* From a place to the first code point at or behind `offset`. An invalid byte counts as one. */
static SourceMark walk(const Source *source, SourceMark at, uint32_t offset)
{
    const char *end = source->text + source->bytes;
    while (at.offset < offset) {
        const char *text = source->text + at.offset;
        uint32_t point;
        int length = (uint8_t)*text < 0x80 ? 1 : utf8_decode(text, end, &point);
        at.offset += length > 0 ? length : 1;
        at.column++;
        if (*text == '\n') {
            at.lines++;
            at.column = 1;
        }
    }
    return at;
}

static void set_marks(Source *source)
{
    uint32_t count = (uint32_t)(source->bytes / MARK_EVERY);
    SourceMark at = {0, 0, 1};
    source->marks = count > 0 ? mem_alloc(mem_product(count, sizeof *source->marks)) : NULL;
    source->mark_count = count;
    for (uint32_t i = 0; i < count; i++)
        source->marks[i] = at = walk(source, at, (i + 1) * MARK_EVERY);
}

Source *source_new(String *name, String *directory, const char *text, size_t bytes)
{
    static const char mark[] = "\xef\xbb\xbf";

    if (bytes >= 3 && memcmp(text, mark, 3) == 0) {
        text += 3;
        bytes -= 3;
    }
    /* Spans are 32-bit, and so is the size of an object. */
    if (bytes > UINT32_MAX - sizeof(Source) - 1)
        error_throw(ERROR_LIMIT, "the source text is larger than 4 GB");
    Source *source = object_new_zeroed(&source_type, sizeof(Source) + bytes + 1);
    source->name = name != NULL ? object_retain(name) : NULL;
    source->directory = directory != NULL ? object_retain(directory) : NULL;
    source->bytes = bytes;
    source->first_line = 1;
    if (bytes > 0)
        memcpy(source->text, text, bytes);
    set_marks(source);
    return source;
}

Span source_line(const Source *source, uint32_t offset)
{
    uint32_t bytes = (uint32_t)source->bytes;
    uint32_t start = offset < bytes ? offset : bytes;

    while (start > 0 && source->text[start - 1] != '\n')
        start--;
    const char *newline = memchr(source->text + start, '\n', bytes - start);
    uint32_t end = newline != NULL ? (uint32_t)(newline - source->text) : bytes;
    if (end > start && source->text[end - 1] == '\r')
        end--;
    return (Span){start, end};
}

Place source_place(const Source *source, uint32_t offset)
{
    SourceMark at = {0, 0, 1};
    if (offset > source->bytes)
        offset = (uint32_t)source->bytes;
    uint32_t before = offset / MARK_EVERY;
    if (before > 0 && source->marks[before - 1].offset > offset)
        before--;
    if (before > 0)
        at = source->marks[before - 1];
    at = walk(source, at, offset);
    return (Place){source->first_line + at.lines, at.column};
}

/* ---- reading a file ---- */

typedef struct Descriptor {
    Object object;
    int number;                       /* -1 when it could not be opened */
} Descriptor;

static void descriptor_destroy(Object *self)
{
    Descriptor *d = (Descriptor *)self;
    if (d->number >= 0)
        close(d->number);
}

static const ObjectType descriptor_type = {"open file", descriptor_destroy};

String *source_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? string_of(".") : slash == path ? string_of("/") : string_new(path, (size_t)(slash - path));
}

static _Noreturn void throw_unreadable(const char *path)
{
    error_throw(ERROR_IO, "cannot read \"%s\": %s", path, strerror(errno));
}

/* A pipe may keep the reader waiting; interrupts and the limit on time end that. */
static Buf *read_to_end(int descriptor, const char *path)
{
    char block[16384];
    Buf *text = buf_new();
    for (;;) {
        ssize_t n = read(descriptor, block, sizeof block);
        if (n < 0 && errno != EINTR)
            throw_unreadable(path);
        interrupt_poll();
        if (n == 0)
            return text;
        if (n > 0)
            buf_add(text, block, (size_t)n);
    }
}

Source *source_read(const char *path)
{
    PoolMark mark = pool_mark();
    struct stat about;
    Descriptor *d = object_new_zeroed(&descriptor_type, sizeof *d);
    while ((d->number = open(path, O_RDONLY | O_CLOEXEC)) < 0) {
        if (errno != EINTR)
            throw_unreadable(path);
        interrupt_poll();
    }
    if (fstat(d->number, &about) == 0 && S_ISDIR(about.st_mode))
        error_throw(ERROR_IO, "cannot read \"%s\": it is a folder", path);
    Buf *text = read_to_end(d->number, path);
    return pool_drain_except(mark, source_new(string_of(path), source_folder(path), buf_text(text), text->bytes));
}

Source *source_read_operand(const char *path)
{
    PoolMark mark = pool_mark();
    if (strcmp(path, "-") != 0)
        return source_read(path);
    Buf *text = read_to_end(STDIN_FILENO, "<stdin>");
    return pool_drain_except(mark, source_new(string_of("<stdin>"), string_of("."), buf_text(text), text->bytes));
}
