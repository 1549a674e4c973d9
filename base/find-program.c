/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/find-program.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_OF_ROOT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

char *find_program(struct gc *gc, const char *path, const char *root, const char *name, bool (*fits)(const char *file))
{
    const char *end;

    if (!path)
        path = getenv("PATH");
    if (!path || !*path)
        path = PATH_OF_ROOT;
    for (; *path; path = *end ? end + 1 : end) {
        char *file;

        end = path + strcspn(path, ":");
        file = gc_printf(gc, "%s%.*s/%s", root, (int)(end - path), path, name);
        if (!access(file, X_OK) && (!fits || fits(file)))
            return file;
    }
    return NULL;
}
