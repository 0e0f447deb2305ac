#include "lang/source.h"

#include <string.h>

static void source_destroy(Object *self)
{
    Source *source = (Source *)self;
    object_release(source->name);
    object_release(source->directory);
}

static const ObjectType source_type = {"source", source_destroy};

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
    const char *end = source->text + (offset < source->bytes ? offset : source->bytes);
    const char *line_start = source->text, *at;
    Place place = {source->first_line, 1};

    while ((at = memchr(line_start, '\n', (size_t)(end - line_start))) != NULL) {
        place.line++;
        line_start = at + 1;
    }
    for (at = line_start; at < end; place.column++) {
        uint32_t point;
        int length = utf8_decode(at, end, &point);
        at += length > 0 ? length : 1;      /* an invalid byte counts as one */
    }
    return place;
}
