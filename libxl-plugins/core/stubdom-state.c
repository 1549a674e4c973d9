/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/stubdom-state.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/process-state.h"
#include "core/xen-version.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

#define VALUE_BYTES_MAX 256
/* A packed state has a few KB; a QEMU with all that can be had a few hundred. */
#define FREE_BYTES_MIN ((uint64_t)4 << 20)

/* What a stub domain writes is foreign. */
static bool is_printable(const char *text)
{
    for (; *text; text++) {
        if (*text < ' ' || *text > '~')
            return false;
    }
    return true;
}

/* ---- what the stub domain says ---- */

static char *why_not_by_init(struct gc *gc, struct xs_handle *xs, uint32_t domid, uint32_t stub_domid)
{
    char *value;

    if (store_read(gc, xs, XBT_NULL, path_device_model(gc, stub_domid, domid, STUBDOM_STATE_SAVE), VALUE_BYTES_MAX,
                   &value))
        return gc_printf(gc,
                         "the image of its stub domain %u cannot save (it is older; build it again with 'xl-ext "
                         "stubdom-build' and start the guest anew)",
                         stub_domid);
    if (!strcmp(value, STUBDOM_STATE_FORMAT))
        return NULL;
    if (!is_printable(value))
        return gc_printf(gc, "its stub domain %u says something that cannot be read", stub_domid);
    if (!strncmp(value, "no: ", 4))
        return gc_printf(gc, "its stub domain %u says: %s", stub_domid, value + 4);
    return gc_printf(
        gc, "its stub domain %u saves in format %s, and this xl-ext knows format " STUBDOM_STATE_FORMAT " only",
        stub_domid, value);
}

/* ---- the QEMU in dom0 that serves the stub domain's consoles, and its file ---- */

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Where process pid has that file open although it was removed; NULL: nowhere. */
static char *find_removed(struct gc *gc, const char *pid, const char *path)
{
    const char *folder = gc_printf(gc, "/proc/%s/fd", pid), *wanted = gc_printf(gc, "%s (deleted)", path);
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char *found = NULL;

    while (dir && !found && (entry = readdir(dir))) {
        char *link = gc_printf(gc, "%s/%s", folder, entry->d_name), target[256];
        ssize_t len = readlink(link, target, sizeof(target) - 1);

        target[len < 0 ? 0 : len] = '\0';
        if (!strcmp(target, wanted))
            found = link;
    }
    if (dir)
        closedir(dir);
    return found;
}

/* Has process pid the file open that is there under this name? */
static bool has_open(struct gc *gc, const char *pid, const struct stat *file)
{
    const char *folder = gc_printf(gc, "/proc/%s/fd", pid);
    DIR *dir = opendir(folder);
    struct dirent *entry;
    bool found = false;

    while (dir && !found && (entry = readdir(dir))) {
        struct stat st;

        found = !stat(gc_printf(gc, "%s/%s", folder, entry->d_name), &st) && is_same_file(&st, file);
    }
    if (dir)
        closedir(dir);
    return found;
}

static char *why_not_by_space(struct gc *gc)
{
    struct statvfs fs;

    if (statvfs(XEN_LIB_FOLDER, &fs) || (uint64_t)fs.f_bavail * fs.f_frsize >= FREE_BYTES_MIN)
        return NULL;
    return gc_printf(gc, "there is no room in " XEN_LIB_FOLDER " for the state of its QEMU (%" PRIu64 " KB are free)",
                     (uint64_t)fs.f_bavail * fs.f_frsize / 1024);
}

static char *why_not_by_dom0(struct gc *gc, struct xs_handle *xs, uint32_t domid, uint32_t stub_domid,
                             struct stubdom_state_file *file)
{
    struct stat st;
    char *pid;

    if (store_read(gc, xs, XBT_NULL, path_in_domain(gc, stub_domid, NODE_DEVICE_MODEL_PID), 16, &pid) || !*pid ||
        strspn(pid, "0123456789") != strlen(pid))
        return gc_printf(gc, "no QEMU in dom0 serves the consoles of its stub domain %u", stub_domid);
    if (!process_runs(gc, pid))
        return gc_printf(gc, "the QEMU in dom0 that serves the consoles of its stub domain (process %s) %s", pid,
                         process_state(gc, pid) ? "is stopped" : "has died");
    file->path = gc_printf(gc, XEN_LIB_FOLDER "/qemu-save.%" PRIu32, domid);
    file->removed = NULL;
    if (!stat(file->path, &st) && has_open(gc, pid, &st))
        return why_not_by_space(gc);
    file->removed = find_removed(gc, pid, file->path);
    if (file->removed)
        return why_not_by_space(gc);
    return gc_printf(gc, "%s, into which the state of its QEMU goes, is not there any more", file->path);
}

static char *why_not_by_devices(struct gc *gc, struct xs_handle *xs, uint32_t domid)
{
    char *value;

    return store_read(gc, xs, XBT_NULL, path_libxl(gc, domid, NODE_LIBXL_PCI "/0/backend"), VALUE_BYTES_MAX, &value)
               ? NULL
               : gc_strdup(gc, "it has PCI devices of this host, whose state QEMU cannot save");
}

char *stubdom_state_why_not(struct xlx_ctx *ctx, struct gc *gc, uint32_t domid, uint32_t stub_domid,
                            struct stubdom_state_file *file)
{
    struct stubdom_state_file unused;
    struct xs_handle *xs;
    char *why;

    if (ctx_xs(ctx, &xs))
        return gc_strdup(gc, "cannot ask xenstore about its device model");
    why = why_not_by_init(gc, xs, domid, stub_domid);
    if (!why)
        why = why_not_by_devices(gc, xs, domid);
    if (!why)
        why = why_not_by_dom0(gc, xs, domid, stub_domid, file ? file : &unused);
    return why;
}

/* ---- putting back, and what was sent last ---- */

int stubdom_state_put_back(struct xlx_ctx *ctx, uint32_t domid, const struct stubdom_state_file *file)
{
    if (!file->removed)
        return 0;
    unlink(file->path);
    if (!symlink(file->removed, file->path)) {
        LOGD(ctx, WARN, domid, "%s was removed when an earlier save had failed, and is put back", file->path);
        return 0;
    }
    LOGD(ctx, ERROR, domid, "cannot put %s back, which was removed when an earlier save had failed: %s", file->path,
         strerror(errno));
    return ERROR_FAIL;
}

int stubdom_state_last(struct xlx_ctx *ctx, struct gc *gc, uint32_t domid, uint32_t stub_domid, uint32_t *number,
                       uint32_t *crc)
{
    struct xs_handle *xs;
    char *value;
    int rc;

    rc = ctx_xs(ctx, &xs);
    if (!rc)
        rc = store_read(gc, xs, XBT_NULL, path_device_model(gc, stub_domid, domid, STUBDOM_STATE_SAVED),
                        VALUE_BYTES_MAX, &value);
    if (rc)
        return rc;
    return sscanf(value, "%" SCNu32 " %*u %" SCNx32, number, crc) == 2 ? 0 : ERROR_NOTFOUND;
}
