#include "lib/paths.h"

#include "lang/session.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The path after all links, as realpath gives it; NULL, with errno set, where it leads nowhere. */
static String *real_path(const char *path)
{
    char real[PATH_MAX];
    return realpath(path, real) == NULL ? NULL : string_of(real);
}

/* The place of a file that need not be there yet, in a folder that is; NULL with errno set. */
static String *place_of(const char *path)
{
    struct stat about;
    String *real = real_path(path);
    if (real != NULL || errno != ENOENT)
        return real;
    const char *slash = strrchr(path, '/');
    if (lstat(path, &about) == 0 || (slash != NULL && slash[1] == '\0')) {
        errno = ENOENT;               /* a link to nowhere, or a folder that is not there */
        return NULL;
    }
    String *folder = real_path(source_folder(path)->text);
    return folder == NULL ? NULL : path_in(folder, string_of(slash == NULL ? path : slash + 1));
}

static bool is_inside(const String *place, const String *folder)
{
    size_t bytes = folder->bytes == 1 ? 0 : folder->bytes;       /* "/" holds everything */
    return place->bytes >= bytes && memcmp(place->text, folder->text, bytes) == 0
        && (place->bytes == bytes || place->text[bytes] == '/');
}

const char *path_checked_for(const char *who, const String *path, PathUse use)
{
    const char *sandbox = session()->options.sandbox;
    if (path->bytes == 0 || strlen(path->text) != path->bytes)
        error_throw(ERROR_VALUE, "%s: a path is not empty and has no NUL in it", who);
    if (sandbox == NULL)
        return path->text;
    String *folder = real_path(sandbox), *place = place_of(path->text);
    int reason = errno;
    if (folder == NULL)
        error_throw(ERROR_IO, "%s: the sandbox \"%s\" is not there", who, sandbox);
    if (place == NULL)
        error_throw(ERROR_IO, "%s: cannot %s \"%s\": %s", who, use == PATH_READ ? "read" : "write", path->text,
                    strerror(reason));
    if (!is_inside(place, folder))
        error_throw_hint(ERROR_IO, string_format("only files in \"%s\" may be touched", folder->text)->text,
                         "%s: the sandbox does not allow \"%s\"", who, path->text);
    return place->text;
}

const char *path_checked(const Call *call, const String *path, PathUse use)
{
    return path_checked_for(function_name(call->self), path, use);
}

String *path_in(const String *folder, const String *path)
{
    if (folder == NULL || string_is(folder, ".") || path->text[0] == '/')
        return (String *)path;
    bool separated = folder->text[folder->bytes - 1] == '/';
    return string_format("%s%s%s", folder->text, separated ? "" : "/", path->text);
}
