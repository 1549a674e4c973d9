/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/running-xen.h"

#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"

char *running_xen(struct gc *gc, const char *root)
{
    unsigned numbers[2] = {0};

    for (int i = 0; i < 2; i++) {
        CLEANUP_FILE FILE *f = fopen(gc_printf(gc, "%s/sys/hypervisor/version/%s", root, i ? "minor" : "major"), "re");

        if (!f || fscanf(f, "%u", &numbers[i]) != 1)
            return NULL;
    }
    return gc_printf(gc, "%u.%u", numbers[0], numbers[1]);
}

char *xen_program(struct gc *gc, const char *xen, const char *name)
{
    /* Debian's, with more than one version side by side; then what Xen's own build makes of prefixes and systems */
    const char *const folders[] = {xen ? gc_printf(gc, "/usr/lib/xen-%s/bin", xen) : "/usr/lib/xen/bin",
                                   "/usr/libexec/xen/bin", "/usr/lib/xen/bin", "/usr/local/libexec/xen/bin",
                                   "/usr/local/lib/xen/bin"};

    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        char *path = gc_printf(gc, "%s/%s", folders[i], name);

        if (!access(path, X_OK))
            return path;
    }
    return NULL;
}
