/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/stubdom.h"

#include <string.h>
#include <sys/stat.h>

#include "core/xen-version.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

#define DOMID_MAX 0x7fef /* below DOMID_FIRST_RESERVED */
#define STATE_BYTES_MAX 64

/* 0: it is not there. */
static int64_t changed_at_ns(const char *path)
{
    struct stat st;

    return stat(path, &st) ? 0 : (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

char *stubdom_log_path(struct gc *gc, const char *guest_name)
{
    char *path = gc_printf(gc, XEN_LOG_FOLDER "/qemu-dm-%s.log", guest_name),
         *moved = gc_printf(gc, XEN_LOG_FOLDER "/qemu-dm-%s--incoming.log", guest_name);

    return changed_at_ns(moved) > changed_at_ns(path) ? moved : path;
}

int stubdom_of_guest(struct xlx_ctx *ctx, uint32_t domid, uint32_t *stub_domid)
{
    struct xs_handle *xs;
    uint64_t value;
    GC_SCOPE(gc);
    int rc;

    rc = ctx_xs(ctx, &xs);
    if (rc)
        return rc;
    rc = store_read_u64(gc, xs, XBT_NULL, path_in_domain(gc, domid, NODE_DEVICE_MODEL_DOMID), DOMID_MAX, &value);
    if (rc || value == 0)
        return ERROR_NOTFOUND;
    *stub_domid = (uint32_t)value;
    return 0;
}

bool stubdom_is_linux(struct xlx_ctx *ctx, uint32_t domid)
{
    uint32_t stub_domid;
    struct xs_handle *xs;
    char *version;
    GC_SCOPE(gc);

    return !stubdom_of_guest(ctx, domid, &stub_domid) && !ctx_xs(ctx, &xs) &&
           !store_read(gc, xs, XBT_NULL, path_libxl_dm_version(gc, domid), STATE_BYTES_MAX, &version) &&
           !strcmp(version, "qemu_xen");
}

/* What the stub domain writes is foreign: printable and short, or not shown. */
static bool is_printable(const char *text)
{
    for (; *text; text++) {
        if (*text < ' ' || *text > '~')
            return false;
    }
    return true;
}

char *stubdom_qemu_state(struct xlx_ctx *ctx, struct gc *gc, uint32_t stub_domid, uint32_t domid)
{
    static const char *const nodes[] = {"exit", "state"};
    struct xs_handle *xs;
    char *value;

    if (ctx_xs(ctx, &xs))
        return gc_strdup(gc, "unknown");
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        char *path = path_device_model(gc, stub_domid, domid, nodes[i]);

        if (!store_read(gc, xs, XBT_NULL, path, STATE_BYTES_MAX, &value) && *value)
            return is_printable(value) ? value : gc_strdup(gc, "unreadable");
    }
    return gc_strdup(gc, "starting");
}
