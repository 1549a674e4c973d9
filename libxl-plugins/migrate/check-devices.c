/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include <libxl_utils.h>

#include "base/cleanup.h"
#include "core/process-state.h"
#include "core/stubdom-state.h"
#include "migrate/check.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

/* ---- files that the guest needs on the other host ---- */

static void need_path(struct checking *c, const char *path)
{
    for (size_t i = 0; i < c->path_count; i++) {
        if (!strcmp(c->paths[i], path))
            return;
    }
    if (c->path_count == POLICY_PATHS_MAX)
        return;
    if (c->path_count == c->path_capacity) {
        c->path_capacity = c->path_capacity ? c->path_capacity * 2 : 16;
        c->paths = gc_realloc(c->gc, c->paths, c->path_capacity * sizeof(*c->paths));
    }
    c->paths[c->path_count++] = path;
}

/* NULL: there is no path that a look could tell anything about. */
static const char *disk_path(const libxl_device_disk *disk)
{
    return disk->pdev_path && *disk->pdev_path == '/' && !disk->script && !disk->backend_domname && !disk->backend_domid
               ? disk->pdev_path
               : NULL;
}

static char *bridge_path(struct checking *c, const libxl_device_nic *nic)
{
    return nic->bridge && *nic->bridge && !nic->backend_domname && !nic->backend_domid
               ? gc_printf(c->gc, "/sys/class/net/%s", nic->bridge)
               : NULL;
}

/* A device model opens kernel and initramfs again when it starts; other types have theirs in memory. */
static const char *boot_file(struct checking *c, const char *path)
{
    return c->config.b_info.type == LIBXL_DOMAIN_TYPE_HVM && path && *path == '/' ? path : NULL;
}

void check_collect_paths(struct checking *c)
{
    const libxl_domain_config *config = &c->config;
    const char *path;

    if (!c->has_config)
        return;
    for (int i = 0; i < config->num_disks; i++) {
        path = disk_path(&config->disks[i]);
        if (path)
            need_path(c, path);
    }
    for (int i = 0; i < config->num_nics; i++) {
        path = bridge_path(c, &config->nics[i]);
        if (path)
            need_path(c, path);
    }
    path = boot_file(c, config->b_info.kernel);
    if (path)
        need_path(c, path);
    path = boot_file(c, config->b_info.ramdisk);
    if (path)
        need_path(c, path);
}

/* ---- is it there? ---- */

static enum verdict there(struct checking *c, const char *path)
{
    const struct policy_doc *other = c->mc->other;

    for (size_t i = 0; i < other->path_count; i++) {
        if (!strcmp(other->paths[i].path, path))
            return other->paths[i].present ? VERDICT_YES : VERDICT_NO;
    }
    return VERDICT_REMARK;
}

static void check_path(struct checking *c, const char *subject, const char *what, const char *path)
{
    switch (there(c, path)) {
    case VERDICT_YES:
        verdict_add(c, subject, VERDICT_YES, "%s%s is there", what, path);
        break;
    case VERDICT_NO:
        verdict_add(c, subject, VERDICT_NO, "%s%s is not there", what, path);
        break;
    case VERDICT_REMARK:
        verdict_add(c, subject, VERDICT_REMARK,
                    "%s%s: not known whether it is there (ask the host itself, or add --path to the cpu-policy that "
                    "makes the file)",
                    what, path);
        break;
    }
}

void check_disks(struct checking *c)
{
    const libxl_domain_config *config = &c->config;
    size_t before = c->mc->check_count;
    const char *path;

    if (!c->has_config)
        return;
    for (int i = 0; i < config->num_disks; i++) {
        const libxl_device_disk *disk = &config->disks[i];
        const char *name = gc_printf(c->gc, "%s: ", disk->vdev ? disk->vdev : "disk");

        path = disk_path(disk);
        if (path)
            check_path(c, "disks", name, path);
        else if (disk->pdev_path && *disk->pdev_path)
            verdict_add(c, "disks", VERDICT_REMARK, "%s%s comes from %s, which cannot be looked for", name,
                        disk->pdev_path,
                        disk->script                                   ? "a script"
                        : disk->backend_domname || disk->backend_domid ? "another domain"
                                                                       : "the network");
    }
    path = boot_file(c, config->b_info.kernel);
    if (path)
        check_path(c, "disks", "kernel: ", path);
    path = boot_file(c, config->b_info.ramdisk);
    if (path)
        check_path(c, "disks", "ramdisk: ", path);
    if (c->mc->check_count == before)
        verdict_add(c, "disks", VERDICT_YES, "it has none");
}

void check_network(struct checking *c)
{
    size_t before = c->mc->check_count;

    if (!c->has_config)
        return;
    for (int i = 0; i < c->config.num_nics; i++) {
        const char *path = bridge_path(c, &c->config.nics[i]);

        if (path)
            check_path(c, "network", "bridge: ", path);
    }
    if (c->mc->check_count == before)
        verdict_add(c, "network", VERDICT_YES, "it needs no bridge");
}

/* ---- what ties a guest to this machine ---- */

void check_passthrough(struct checking *c)
{
    const struct {
        int count;
        const char *what;
    } kinds[] = {
        {c->config.num_pcidevs, "PCI devices"},     {c->config.num_usbdevs, "USB devices"},
        {c->config.num_dtdevs, "platform devices"}, {c->config.num_rdms, "reserved memory of devices"},
        {c->config.num_vtpms, "virtual TPMs"},      {c->config.num_p9s, "shared folders (9pfs)"},
    };
    size_t before = c->mc->check_count;

    if (!c->has_config)
        return;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].count)
            verdict_add(c, "devices", VERDICT_NO, "it uses %s of this host (%d)", kinds[i].what, kinds[i].count);
    }
    if (c->config.b_info.type == LIBXL_DOMAIN_TYPE_HVM && is_set(c->config.b_info.u.hvm.gfx_passthru))
        verdict_add(c, "devices", VERDICT_NO, "it uses the graphics card of this host");
    if (c->mc->check_count == before)
        verdict_add(c, "devices", VERDICT_YES, "it uses no device of this host directly");
}

/* QEMU must stop and write its state when libxl says so. It is not asked for more: a monitor command of libxl that gets
 * no answer can neither time out nor be aborted. */
static void look_at_device_model(struct checking *c)
{
    struct xs_handle *xs;
    char *pid;
    char state;

    if (ctx_xs(c->ctx, &xs) ||
        store_read(c->gc, xs, XBT_NULL, path_in_domain(c->gc, c->mc->domid, NODE_DEVICE_MODEL_PID), 16, &pid) ||
        strspn(pid, "0123456789") != strlen(pid)) {
        verdict_add(c, "model", VERDICT_REMARK, "its device model is not to be found");
        return;
    }
    state = process_state(c->gc, pid);
    if (!state || state == 'Z')
        verdict_add(c, "model", VERDICT_NO, "its device model has died, and must save its state");
    else if (state == 'T' || state == 't')
        verdict_add(c, "model", VERDICT_NO, "its device model is stopped, and must save its state");
    else
        verdict_add(c, "model", VERDICT_YES, "its device model runs in dom0 and can be saved");
}

/* 0: its device model runs in dom0, or it has none. */
static uint32_t stub_domain_of(struct xlx_ctx *ctx, uint32_t domid)
{
    libxl_ctx *libxl;

    return ctx_libxl(ctx, &libxl) ? 0 : libxl_get_stubdom_id(libxl, domid);
}

char *migrate_why_never(struct xlx_ctx *ctx, struct gc *gc, uint32_t domid)
{
    uint32_t stub_domid = stub_domain_of(ctx, domid);
    char *why = stub_domid ? stubdom_state_why_not(ctx, gc, domid, stub_domid, NULL) : NULL;

    return why ? gc_printf(gc, "its device model runs in a stub domain: %s", why) : NULL;
}

int migrate_put_back(struct xlx_ctx *ctx, struct gc *gc, uint32_t domid)
{
    uint32_t stub_domid = stub_domain_of(ctx, domid);
    struct stubdom_state_file file;

    if (!stub_domid || stubdom_state_why_not(ctx, gc, domid, stub_domid, &file))
        return 0; /* against the check, as asked */
    return stubdom_state_put_back(ctx, domid, &file);
}

void check_device_model(struct checking *c)
{
    char *why;

    if (strcmp(c->mc->type, "hvm"))
        return;
    why = migrate_why_never(c->ctx, c->gc, c->mc->domid);
    if (why)
        verdict_add(c, "model", VERDICT_NO, "%s", why);
    else if (stub_domain_of(c->ctx, c->mc->domid))
        verdict_add(c, "model", VERDICT_YES, "its device model runs in a stub domain that can be saved");
    else
        look_at_device_model(c);
}
