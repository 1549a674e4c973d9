/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/create.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/domain.h"
#include "core/sampler.h"
#include "stubdom-launch/stubdom.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

static void stop(struct stubdom_create *op, const char *why)
{
    if (op->stopping)
        return;
    op->stopping = true;
    op->died = why;
    libxl_ao_abort(op->libxl, &op->how);
}

static void create_aborted(struct ao *ao, int rc)
{
    stop(CONTAINER_OF(ao, struct stubdom_create, ao), NULL);
}

static void tell(struct stubdom_create *op, const char *text)
{
    if (op->progress)
        op->progress(op, text);
}

/* ---- what happens in xenstore meanwhile ---- */

/* Is domid the guest that is being started here? Others may start at the same time. */
static bool is_ours(struct stubdom_create *op, uint32_t domid)
{
    char name[XLX_NAME_MAX];
    struct xs_handle *xs;

    if (ctx_xs(op->ao.ctx, &xs))
        return false;
    domain_name(op->ao.ctx, xs, domid, name);
    return !strcmp(name, op->name);
}

/* Once: a node that was there before its watch may be seen twice. */
static void tell_step(struct stubdom_create *op, unsigned step, const char *text)
{
    if (op->steps & 1u << step)
        return;
    op->steps |= 1u << step;
    tell(op, text);
}

static void step_reached(struct stubdom_create *op, const char *path)
{
    const char *node;
    uint32_t owner, other;

    node = path_below_device_model(path, &owner, &other);
    if (!node)
        return;
    if (owner == 0 && other == op->stub_domid) {
        if (!strcmp(node, "qmp-proxy-state"))
            tell_step(op, 0, "QMP proxy runs");
        else if (!strcmp(node, "state"))
            tell_step(op, 1, "console server runs, booting the stub domain");
    } else if (owner == op->stub_domid && other == op->seen_domid) {
        if (!strcmp(node, "state"))
            tell_step(op, 2, "QEMU runs");
        else if (!strcmp(node, "exit"))
            stop(op, "QEMU or the stub domain's init ended before QEMU was ready");
    }
}

static void dom0_wrote(struct store_watch *watch, const char *path)
{
    step_reached(CONTAINER_OF(watch, struct stubdom_create, dom0s), path);
}

static void stub_domain_wrote(struct store_watch *watch, const char *path)
{
    step_reached(CONTAINER_OF(watch, struct stubdom_create, stubs), path);
}

/* What was written before it was watched. */
static void look_at(struct stubdom_create *op, uint32_t owner, uint32_t domid, const char *node)
{
    struct xs_handle *xs;
    GC_SCOPE(gc);
    const char *path = path_device_model(gc, owner, domid, node);
    char *value;

    if (!ctx_xs(op->ao.ctx, &xs) && !store_read(gc, xs, XBT_NULL, path, STORE_VALUE_MAX, &value))
        step_reached(op, path);
}

static void cannot_watch(struct stubdom_create *op, int rc)
{
    if (rc)
        LOG(op->ao.ctx, WARN, "cannot watch the start in xenstore: %s: libxl's own time-outs have to do",
            error_text(rc));
}

/* A watch's path has no slash at its end. */
static char *folder_of(struct gc *gc, uint32_t owner, uint32_t domid)
{
    char *path = path_device_model(gc, owner, domid, "");

    path[strlen(path) - 1] = 0;
    return path;
}

/* libxl has noted the stub domain with its guest. */
static void device_model_noted(struct store_watch *watch, const char *path)
{
    struct stubdom_create *op = CONTAINER_OF(watch, struct stubdom_create, guest);
    GC_SCOPE(gc);
    int rc;

    if (op->stub_domid || stubdom_of_guest(op->ao.ctx, op->seen_domid, &op->stub_domid))
        return;
    tell(op, "stub domain built, connecting it");
    stub_consoles_start(&op->consoles, op->ao.ctx, op->stub_domid);
    rc = store_watch_start(op->watcher, &op->dom0s, folder_of(gc, 0, op->stub_domid), dom0_wrote);
    if (!rc)
        rc = store_watch_start(op->watcher, &op->stubs, folder_of(gc, op->stub_domid, op->seen_domid),
                               stub_domain_wrote);
    cannot_watch(op, rc);
    look_at(op, 0, op->stub_domid, "qmp-proxy-state");
    look_at(op, 0, op->stub_domid, "state");
    look_at(op, op->stub_domid, op->seen_domid, "state");
    look_at(op, op->stub_domid, op->seen_domid, "exit");
}

static void domain_introduced(struct store_watch *watch, const char *path)
{
    struct stubdom_create *op = CONTAINER_OF(watch, struct stubdom_create, introductions);
    xc_domaininfo_t *infos;
    size_t count;
    GC_SCOPE(gc);

    if (op->seen_domid || sampler_look(op->ao.ctx, gc, &infos, &count))
        return;
    for (size_t i = 0; i < count && !op->seen_domid; i++) {
        if (infos[i].domain && is_ours(op, infos[i].domain))
            op->seen_domid = infos[i].domain;
    }
    if (op->seen_domid)
        cannot_watch(op, store_watch_start(op->watcher, &op->guest,
                                           path_in_domain(gc, op->seen_domid, NODE_DEVICE_MODEL_DOMID),
                                           device_model_noted));
}

/* A stub domain whose kernel has panicked is shut down with its reason. */
static void domain_released(struct store_watch *watch, const char *path)
{
    struct stubdom_create *op = CONTAINER_OF(watch, struct stubdom_create, releases);
    xc_domaininfo_t info;
    xc_interface *xc;

    if (!op->stub_domid || ctx_xc(op->ao.ctx, &xc))
        return;
    if (xc_domain_getinfolist(xc, op->stub_domid, 1, &info) != 1 || info.domain != op->stub_domid ||
        info.flags & XEN_DOMINF_dying)
        stop(op, "the stub domain was destroyed");
    else if (info.flags & XEN_DOMINF_shutdown)
        stop(op, "the stub domain has crashed");
}

/* ---- start and end ---- */

static void watches_off(struct stubdom_create *op)
{
    store_watch_stop(&op->introductions);
    store_watch_stop(&op->releases);
    store_watch_stop(&op->guest);
    store_watch_stop(&op->dom0s);
    store_watch_stop(&op->stubs);
    stub_consoles_stop(&op->consoles);
}

static void create_done(struct stubdom_create *op, int rc)
{
    watches_off(op);
    if (!rc && !op->stub_domid)
        stubdom_of_guest(op->ao.ctx, op->domid, &op->stub_domid);
    if (!rc)
        tell(op, "device model is ready");
    /* libxl's word for a start that was stopped varies with the step it was in, and it may have come to its end before
     */
    if (op->stopping)
        rc = op->died ? ERROR_FAIL : ERROR_ABORTED;
    ao_complete(&op->ao, rc);
}

static void libxl_called_back(libxl_ctx *libxl, int rc, void *for_callback)
{
    create_done(for_callback, rc);
}

int stubdom_create_start(struct stubdom_create *op)
{
    int rc;

    op->domid = op->stub_domid = op->seen_domid = 0;
    op->died = NULL;
    op->steps = 0;
    op->stopping = false;
    rc = ctx_libxl(op->ao.ctx, &op->libxl);
    if (!rc)
        rc = ctx_watcher(op->ao.ctx, &op->watcher);
    if (rc)
        return rc;
    op->how = (libxl_asyncop_how){.callback = libxl_called_back, .u.for_callback = op};
    ao_start(&op->ao, create_aborted);
    rc = store_watch_start(op->watcher, &op->introductions, WATCH_INTRODUCE_DOMAIN, domain_introduced);
    if (!rc)
        rc = store_watch_start(op->watcher, &op->releases, WATCH_RELEASE_DOMAIN, domain_released);
    if (rc) {
        LOG(op->ao.ctx, ERROR, "cannot watch xenstore: %s", error_text(rc));
    } else {
        tell(op, "building the guest");
        rc = libxl_domain_create_new(op->libxl, op->config, &op->domid, &op->how, NULL);
    }
    if (rc) {
        watches_off(op);
        ao_complete_soon(&op->ao, rc);
    }
    return 0;
}
