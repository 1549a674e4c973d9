/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/wake.h"

#include "core/libxl-op.h"

bool guest_is_suspended(struct xlx_ctx *ctx, uint32_t domid)
{
    xc_domaininfo_t info;
    xc_interface *xc;

    return !ctx_xc(ctx, &xc) && xc_domain_getinfolist(xc, domid, 1, &info) == 1 && info.domain == domid &&
           info.flags & XEN_DOMINF_shutdown &&
           (info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask) == SHUTDOWN_suspend;
}

void guest_wake(struct xlx_ctx *ctx, uint32_t domid)
{
    struct libxl_op op = {.ao = {.ctx = ctx}, .must_finish = true};
    libxl_ctx *libxl;

    if (!guest_is_suspended(ctx, domid) || ctx_libxl(ctx, &libxl))
        return;
    if (libxl_op_wait(&op, libxl_domain_resume(libxl, domid, 1, libxl_op_how(&op))))
        LOGD(ctx, ERROR, domid, "it was suspended to be written down, and cannot be woken");
    else
        LOGD(ctx, WARN, domid, "it goes on where it was");
}
