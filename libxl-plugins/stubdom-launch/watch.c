/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/watch.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "stubdom-launch/stubdom.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

/* A destruction that takes longer than this has failed half-way. */
#define DESTRUCTION_MS_MAX 60000

static void watch_done(struct stubdom_watch *op, int rc)
{
    ev_timer_stop(&op->destruction);
    store_watch_stop(&op->releases);
    store_watch_stop(&op->exit_node);
    ao_complete(&op->ao, rc);
}

static void watch_aborted(struct ao *ao, int rc)
{
    watch_done(CONTAINER_OF(ao, struct stubdom_watch, ao), rc);
}

static void ended(struct stubdom_watch *op, enum stubdom_event event)
{
    op->event = event;
    watch_done(op, 0);
}

/* False: the domain is not there any more. */
static bool get_info(struct xlx_ctx *ctx, uint32_t domid, xc_domaininfo_t *info)
{
    xc_interface *xc;

    return !ctx_xc(ctx, &xc) && xc_domain_getinfolist(xc, domid, 1, info) == 1 && info->domain == domid &&
           !(info->flags & XEN_DOMINF_dying);
}

static unsigned reason_of(const xc_domaininfo_t *info)
{
    return info->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
}

static void stub_domain_gone(struct stubdom_watch *op)
{
    snprintf(op->how_dead, sizeof(op->how_dead), "the stub domain was destroyed");
    ended(op, STUBDOM_DEVICE_MODEL_DEAD);
}

static void destruction_timed_out(struct ev_timer *timer)
{
    stub_domain_gone(CONTAINER_OF(timer, struct stubdom_watch, destruction));
}

static void domain_released(struct store_watch *watch, const char *path)
{
    struct stubdom_watch *op = CONTAINER_OF(watch, struct stubdom_watch, releases);
    xc_domaininfo_t info, stub;

    if (!get_info(op->ao.ctx, op->domid, &info)) {
        ended(op, STUBDOM_GUEST_GONE);
    } else if (info.flags & XEN_DOMINF_shutdown && reason_of(&info) != SHUTDOWN_suspend) {
        op->reason = reason_of(&info);
        ended(op, STUBDOM_GUEST_SHUT_DOWN);
    } else if (!get_info(op->ao.ctx, op->stub_domid, &stub)) {
        /* Who destroys the guest pauses it, then its stub domain goes, and the guest last (libxl__domain_destroy): its
         * release is the next news, and nobody must start it again. */
        if (ev_timer_active(&op->destruction))
            return;
        if (info.flags & XEN_DOMINF_paused)
            ev_timer_start(&op->ao.ctx->loop, &op->destruction, DESTRUCTION_MS_MAX, 0, destruction_timed_out);
        else
            stub_domain_gone(op);
    } else if (stub.flags & XEN_DOMINF_shutdown) {
        snprintf(op->how_dead, sizeof(op->how_dead), "the stub domain has crashed or was shut down");
        ended(op, STUBDOM_DEVICE_MODEL_DEAD);
    }
}

static void exit_node_changed(struct store_watch *watch, const char *path)
{
    struct stubdom_watch *op = CONTAINER_OF(watch, struct stubdom_watch, exit_node);
    struct xs_handle *xs;
    char *value;
    GC_SCOPE(gc);

    if (ctx_xs(op->ao.ctx, &xs) ||
        store_read(gc, xs, XBT_NULL, path_device_model(gc, op->stub_domid, op->domid, "exit"), 64, &value))
        return;
    snprintf(op->how_dead, sizeof(op->how_dead), "QEMU ended: %s",
             stubdom_qemu_state(op->ao.ctx, gc, op->stub_domid, op->domid));
    ended(op, STUBDOM_DEVICE_MODEL_DEAD);
}

int stubdom_watch_start(struct stubdom_watch *op)
{
    struct store_watcher *watcher;
    GC_SCOPE(gc);
    int rc;

    rc = ctx_watcher(op->ao.ctx, &watcher);
    if (rc)
        return rc;
    ao_start(&op->ao, watch_aborted);
    rc = store_watch_start(watcher, &op->releases, WATCH_RELEASE_DOMAIN, domain_released);
    if (!rc)
        rc = store_watch_start(watcher, &op->exit_node, path_device_model(gc, op->stub_domid, op->domid, "exit"),
                               exit_node_changed);
    if (rc) {
        LOGD(op->ao.ctx, ERROR, op->domid, "cannot watch xenstore: %s", error_text(rc));
        store_watch_stop(&op->releases);
        ao_complete_soon(&op->ao, rc);
    }
    return 0;
}
