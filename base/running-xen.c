/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/running-xen.h"

#include <stdio.h>

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
