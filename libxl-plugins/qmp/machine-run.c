/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libxl.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "qmp/machine-xen-private.h"

/* An unpause may outlive its machine, when it cannot be aborted. */
struct unpause {
    libxl_asyncop_how how;
    struct machine_xen *machine; /* NULL: gone */
    struct monitor_call *call;
    bool in_call, done; /* libxl may be done before its function returns */
    int rc;
};

enum machine_status machine_run_status(const xc_domaininfo_t *info)
{
    if (info->flags & (XEN_DOMINF_shutdown | XEN_DOMINF_dying)) {
        switch ((info->flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask) {
        case SHUTDOWN_suspend:
            return MACHINE_SUSPENDED;
        case SHUTDOWN_crash:
            return MACHINE_PANICKED;
        default:
            return MACHINE_SHUTDOWN;
        }
    }
    if (!(info->flags & XEN_DOMINF_paused))
        return MACHINE_RUNNING;
    /* Built and not let run yet, as a QEMU that was started with -S. */
    return info->cpu_time ? MACHINE_PAUSED : MACHINE_PRELAUNCH;
}

bool machine_run_stopped(enum machine_status status)
{
    return status == MACHINE_PAUSED || status == MACHINE_PRELAUNCH;
}

static void fail(struct monitor_call *call, struct machine_xen *x, const char *what, int errno_value)
{
    LOGD(x->ctx, ERROR, x->domid, "cannot %s it: %s", what, strerror(errno_value));
    monitor_call_fail(call, MONITOR_GENERIC, "Cannot %s the domain: %s", what, strerror(errno_value));
}

/* Frees u. */
static void unpause_done(struct unpause *u)
{
    struct monitor_call *call = u->call;

    if (u->machine) {
        u->machine->unpause = NULL;
        if (!u->rc)
            machine_xen_look_now(u->machine);
    }
    if (u->rc)
        monitor_call_fail(call, MONITOR_GENERIC, "Cannot let the domain run: %s", error_text(u->rc));
    free(u);
}

static void unpaused(libxl_ctx *libxl, int rc, void *for_callback)
{
    struct unpause *u = for_callback;
    struct monitor_call *call = u->call;

    u->rc = rc;
    u->done = true;
    if (u->in_call)
        return;
    unpause_done(u);
    monitor_call_done(call);
}

/* The device model of an HVM guest may wait, too: libxl knows. */
static void unpause_hvm(struct machine_xen *x, struct monitor_call *call)
{
    struct unpause *u = calloc(1, sizeof(*u));
    libxl_ctx *libxl;
    int rc;

    if (!u)
        abort();
    *u = (struct unpause){.machine = x, .call = call, .in_call = true};
    u->how = (libxl_asyncop_how){.callback = unpaused, .u.for_callback = u};
    x->unpause = u;
    rc = ctx_libxl(x->ctx, &libxl);
    if (!rc)
        rc = libxl_domain_unpause(libxl, x->domid, &u->how);
    u->in_call = false;
    if (rc) {
        u->rc = rc;
        unpause_done(u);
    } else if (u->done) {
        unpause_done(u);
    } else {
        monitor_call_defer(call);
    }
}

void machine_run(struct machine *m, bool run, struct monitor_call *call)
{
    struct machine_xen *x = machine_xen_of(m);
    xc_interface *xc;

    machine_xen_look_now(x);
    /* The hypervisor counts pauses; a second stop is none in QEMU. */
    if ((run ? !machine_run_stopped(x->status) : x->status != MACHINE_RUNNING) || x->unpause)
        return;
    if (ctx_xc(x->ctx, &xc)) {
        monitor_call_fail(call, MONITOR_GENERIC, "The hypervisor cannot be reached");
        return;
    }
    if (run && x->domain->type == LIBXL_DOMAIN_TYPE_HVM) {
        unpause_hvm(x, call);
        return;
    }
    if (run ? xc_domain_unpause(xc, x->domid) : xc_domain_pause(xc, x->domid))
        fail(call, x, run ? "unpause" : "pause", errno);
    else
        machine_xen_look_now(x);
}

void machine_run_stop(struct machine_xen *x)
{
    struct unpause *u = TAKE_PTR(x->unpause);
    libxl_asyncop_how how;

    if (!u)
        return;
    u->machine = NULL;
    /* libxl gives a device model that hangs a minute, and its context cannot be freed before. Aborting frees u. */
    how = u->how;
    libxl_ao_abort(x->ctx->libxl, &how);
}
