/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/create.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/domain.h"
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

static void stub_domain_appeared(struct stubdom_create *op, uint32_t domid)
{
    if (op->stub_domid || !is_ours(op, domid) || stubdom_of_guest(op->ao.ctx, domid, &op->stub_domid))
        return;
    op->seen_domid = domid;
    tell(op, "stub domain built, connecting it");
}

static void node_changed(struct store_watch *watch, const char *path)
{
    struct stubdom_create *op = CONTAINER_OF(watch, struct stubdom_create, nodes);
    const char *node;
    uint32_t domid, other;

    node = path_below_domain(path, &domid);
    if (node && !strcmp(node, NODE_DEVICE_MODEL_DOMID)) {
        stub_domain_appeared(op, domid);
        return;
    }
    node = path_below_device_model(path, &domid, &other);
    if (!node || !op->stub_domid)
        return;
    if (domid == 0 && other == op->stub_domid) {
        if (!strcmp(node, "qmp-proxy-state"))
            tell(op, "QMP proxy runs");
        else if (!strcmp(node, "state"))
            tell(op, "console server runs, booting the stub domain");
    } else if (domid == op->stub_domid && other == op->seen_domid) {
        if (!strcmp(node, "state"))
            tell(op, "QEMU runs");
        else if (!strcmp(node, "exit"))
            stop(op, "QEMU or the stub domain's init ended before QEMU was ready");
    }
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

static void create_done(struct stubdom_create *op, int rc)
{
    store_watch_stop(&op->nodes);
    store_watch_stop(&op->releases);
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
    struct store_watcher *watcher;
    int rc;

    op->domid = op->stub_domid = op->seen_domid = 0;
    op->died = NULL;
    op->stopping = false;
    rc = ctx_libxl(op->ao.ctx, &op->libxl);
    if (!rc)
        rc = ctx_watcher(op->ao.ctx, &watcher);
    if (rc)
        return rc;
    op->how = (libxl_asyncop_how){.callback = libxl_called_back, .u.for_callback = op};
    ao_start(&op->ao, create_aborted);
    rc = store_watch_start(watcher, &op->nodes, PATH_DOMAINS, node_changed);
    if (!rc)
        rc = store_watch_start(watcher, &op->releases, WATCH_RELEASE_DOMAIN, domain_released);
    if (rc) {
        LOG(op->ao.ctx, ERROR, "cannot watch xenstore: %s", error_text(rc));
    } else {
        tell(op, "building the guest");
        rc = libxl_domain_create_new(op->libxl, op->config, &op->domid, &op->how, NULL);
    }
    if (rc) {
        store_watch_stop(&op->nodes);
        store_watch_stop(&op->releases);
        ao_complete_soon(&op->ao, rc);
    }
    return 0;
}
