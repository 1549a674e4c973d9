/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Commands of xl that fail for a guest whose device model runs in a Linux stub domain, some of them only
 * after they have begun: saving stops the guest's devices before QEMU finds that it has nowhere to write its state.
 */
#include <string.h>

#include "base/cleanup.h"
#include "stubdom-launch/stubdom.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

static const char no_save[] =
    "the state of a QEMU in a stub domain cannot be saved (QEMU has no way to write it out of there); shut the "
    "guest down and start it again, or run its device model in dom0";
static const char no_cd[] =
    "libxl cannot change the disc of a guest whose device model runs in a stub domain; attach the image as a "
    "disk, or run the device model in dom0";

/* migrate is not among them: the plugin of that name looks at the device model among much else. */
static const struct {
    const char *command, *reason;
    const char *with_value; /* letters of options that take a value */
} refused[] = {
    {"save", no_save, ""},
    {"remus", no_save, "is"},
    {"cd-insert", no_cd, ""},
    {"cd-eject", no_cd, ""},
};

/* The first argument that is no option, or NULL. */
static const char *domain_argument(int argc, char **argv, const char *with_value)
{
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-')
            return argv[i];
        if (argv[i][1] && argv[i][1] != '-' && !argv[i][2] && strchr(with_value, argv[i][1]))
            i++;
    }
    return NULL;
}

static bool has_linux_stub_domain(struct xlx_ctx *ctx, uint32_t domid)
{
    uint32_t stub_domid;
    struct xs_handle *xs;
    char *version;
    GC_SCOPE(gc);

    return !stubdom_of_guest(ctx, domid, &stub_domid) && !ctx_xs(ctx, &xs) &&
           !store_read(gc, xs, XBT_NULL, path_libxl_dm_version(gc, domid), 64, &version) &&
           !strcmp(version, "qemu_xen");
}

int stubdom_check_xl(struct xlx_ctx *ctx, int argc, char **argv)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        const char *domain;
        uint32_t domid;

        if (strcmp(argv[0], refused[i].command))
            continue;
        domain = domain_argument(argc, argv, refused[i].with_value);
        /* without domain or without Xen: xl says what is wrong */
        if (!domain || xlx_why_no_dom0())
            return XLX_EXIT_DONE;
        if (xlx_domain_find(ctx, domain, &domid))
            return XLX_EXIT_FAILED;
        if (!has_linux_stub_domain(ctx, domid))
            return XLX_EXIT_DONE;
        LOGD(ctx, ERROR, domid, "%s: %s", argv[0], refused[i].reason);
        return XLX_EXIT_REFUSED;
    }
    return XLX_EXIT_DONE;
}
