/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * save-helper ARGUMENT...: what libxl runs in the place of its libxl-save-helper when $LIBXL_SAVE_HELPER names this
 * (tools/libs/light/libxl_save_callout.c, run_helper). It becomes Xen's own helper, with superpages.so in front of libxenctrl
 * where that is of use: at a restore, by a Xen whose library knows 4 KiB pages only.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/running-xen.h"

#define RESTORES "--restore-domain" /* the helper's first argument */
#define PRELOADED XLX_LIBDIR "/xl-ext/superpages.so"
/* From here on libxenguest keeps superpages by itself (xg_sr_restore.c, populate_small_superpage). */
#define KEPT_BY_XEN_MAJOR 4u
#define KEPT_BY_XEN_MINOR 21u

/* A version that is not known is left alone. */
static bool loses_superpages(const char *xen)
{
    unsigned major, minor;

    return xen && sscanf(xen, "%u.%u", &major, &minor) == 2 &&
           (major < KEPT_BY_XEN_MAJOR || (major == KEPT_BY_XEN_MAJOR && minor < KEPT_BY_XEN_MINOR));
}

static void preload(struct gc *gc)
{
    const char *others = getenv("LD_PRELOAD");

    /* the linker would complain of one that is not there, for each restore */
    if (!access(PRELOADED, R_OK))
        setenv("LD_PRELOAD", others && *others ? gc_printf(gc, PRELOADED ":%s", others) : PRELOADED, 1);
}

int main(int argc, char **argv)
{
    GC_SCOPE(gc);
    const char *xen = running_xen(gc, ""), *helper = xen_program(gc, xen, XEN_SAVE_HELPER);

    if (!helper) {
        fprintf(stderr, "xl-ext's save-helper: Xen's libxl-save-helper is not there: unset LIBXL_SAVE_HELPER\n");
        return 127;
    }
    if (argc > 1 && !strcmp(argv[1], RESTORES) && loses_superpages(xen))
        preload(gc);
    /* Who looks for the program that restores a domain (memd) knows it by this. */
    argv[0] = (char *)helper;
    execv(helper, argv);
    fprintf(stderr, "xl-ext's save-helper: cannot run %s: %s\n", helper, strerror(errno));
    return 127;
}
