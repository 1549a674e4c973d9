/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/wake.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/ao.h"
#include "core/libxl-op.h"
#include "core/xl.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

/* libxl takes back what a guest has not agreed to after 60 s, which looks like an agreement. */
#define AGREEMENT_MS_MAX 58000
#define LATE_MS_MAX 300000
#define LATE_LOOK_MS 500

static bool get_info(struct xlx_ctx *ctx, uint32_t domid, xc_domaininfo_t *info)
{
    xc_interface *xc;

    return !ctx_xc(ctx, &xc) && xc_domain_getinfolist(xc, domid, 1, info) == 1 && info->domain == domid;
}

bool guest_is_suspended(struct xlx_ctx *ctx, uint32_t domid)
{
    xc_domaininfo_t info;

    return get_info(ctx, domid, &info) && info.flags & XEN_DOMINF_shutdown &&
           (info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask) == SHUTDOWN_suspend;
}

/* ---- what a guest does while xl has it suspend ---- */

struct suspending {
    struct xlx_ctx *ctx;
    uint32_t domid;
    struct store_watch node, releases;
    bool known;        /* the node, as it was before */
    uint64_t asked_ms; /* when it was first seen to be asked; 0: nobody has seen that */
    bool agreed, suspended;
};

/* libxl writes "suspend" there, the guest the empty value. */
static void node_changed(struct store_watch *watch, const char *path)
{
    struct suspending *s = CONTAINER_OF(watch, struct suspending, node);
    struct xs_handle *xs;
    GC_SCOPE(gc);
    char *value;

    if (ctx_xs(s->ctx, &xs) ||
        store_read(gc, xs, XBT_NULL, path_in_domain(gc, s->domid, NODE_CONTROL_SHUTDOWN), STORE_VALUE_MAX, &value))
        value = NULL;
    if (!s->known)
        s->known = true;
    else if (value && !strcmp(value, "suspend"))
        s->asked_ms = ev_clock_ms(), s->agreed = false;
    else if (value && !*value)
        /* Both may have been written before we looked. */
        s->agreed = !s->asked_ms || ev_clock_ms() - s->asked_ms < AGREEMENT_MS_MAX;
}

/* A guest that stands still is told of like one that has gone. */
static void released(struct store_watch *watch, const char *path)
{
    struct suspending *s = CONTAINER_OF(watch, struct suspending, releases);

    s->suspended |= guest_is_suspended(s->ctx, s->domid);
}

int xl_run_suspending(struct xlx_ctx *ctx, uint32_t domid, char *const *argv, int *exit_status, bool *suspends_yet)
{
    struct suspending s = {.ctx = ctx, .domid = domid};
    struct store_watcher *watcher;
    GC_SCOPE(gc);
    int rc;

    rc = ctx_watcher(ctx, &watcher);
    if (!rc)
        rc = store_watch_start(watcher, &s.releases, WATCH_RELEASE_DOMAIN, released);
    /* The second of the two: a guest is not seen to agree where it would not be seen to suspend. */
    if (!rc)
        rc = store_watch_start(watcher, &s.node, path_in_domain(gc, domid, NODE_CONTROL_SHUTDOWN), node_changed);
    if (rc)
        LOGD(ctx, WARN, domid, "cannot watch how it suspends: %s", error_text(rc));
    rc = xl_run(ctx, argv, exit_status);
    store_watch_stop(&s.node);
    store_watch_stop(&s.releases);
    *suspends_yet = s.agreed && !s.suspended && !guest_is_suspended(ctx, domid);
    return rc;
}

/* ---- one that suspends yet ---- */

struct late {
    struct ao ao;
    uint32_t domid;
    struct ev_timer look;
};

static void late_done(struct late *late, int rc)
{
    ev_timer_stop(&late->look);
    ao_complete(&late->ao, rc);
}

static void late_aborted(struct ao *ao, int rc)
{
    late_done(CONTAINER_OF(ao, struct late, ao), rc);
}

static void late_look(struct ev_timer *timer)
{
    struct late *late = CONTAINER_OF(timer, struct late, look);
    xc_domaininfo_t info;

    if (!get_info(late->ao.ctx, late->domid, &info) || info.flags & (XEN_DOMINF_shutdown | XEN_DOMINF_dying))
        late_done(late, 0);
}

void guest_await_suspension(struct xlx_ctx *ctx, uint32_t domid)
{
    struct late late = {.ao = {.ctx = ctx, .timeout_ms = LATE_MS_MAX}, .domid = domid};

    LOGD(ctx, WARN, domid,
         "it has agreed to suspend, xl does not wait for it any longer, and nobody else would wake it: waiting for it, "
         "%d "
         "minutes at most",
         LATE_MS_MAX / 60000);
    ao_start(&late.ao, late_aborted);
    ev_timer_start(&ctx->loop, &late.look, 0, LATE_LOOK_MS, late_look);
    if (ao_wait(&late.ao))
        LOGD(ctx, WARN, domid, "it has not suspended so far; should it, nobody wakes it");
}

void guest_wake(struct xlx_ctx *ctx, uint32_t domid, bool suspends_yet)
{
    struct libxl_op op = {.ao = {.ctx = ctx}, .must_finish = true};
    libxl_ctx *libxl;

    if (suspends_yet && !guest_is_suspended(ctx, domid))
        guest_await_suspension(ctx, domid);
    if (!guest_is_suspended(ctx, domid) || ctx_libxl(ctx, &libxl))
        return;
    if (libxl_op_wait(&op, libxl_domain_resume(libxl, domid, 1, libxl_op_how(&op))))
        LOGD(ctx, ERROR, domid, "it was suspended to be written down, and cannot be woken");
    else
        LOGD(ctx, WARN, domid, "it goes on where it was");
}
