/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The limit of a domain that is being restored, or comes from another host, whoever has that done. libxl sets it by the
 * target that the guest had when it was saved. A guest that held more then (it was on its way down, or would not give) has
 * more pages than fit below that limit: libxl gives up with "Failed to populate physmap", and what was saved cannot be
 * restored at all. How many pages will come nobody says. So until all have come the limit is as high as the host allows:
 * the guest does not run meanwhile, and takes nothing by itself.
 *
 * memd that ends meanwhile leaves it so, for the guest's sake; it is put right when the guest is balanced.
 */
#include <inttypes.h>

#include "balance/xen/host-xen.h"
#include "balloon/limit.h"
#include "balloon/sizes.h"
#include "base/error.h"

/* 0: it is not there any more. */
static uint64_t limit_of(struct host_xen *x, uint32_t domid)
{
    xc_domaininfo_t info;

    if (xc_domain_getinfolist(x->xc, domid, 1, &info) != 1 || info.domain != domid || info.flags & XEN_DOMINF_dying)
        return 0;
    return info.max_pages * MEM_PAGE_KB;
}

void xen_restore_begun(struct host_xen *x, uint32_t domid, struct xen_restore *r)
{
    uint64_t limit = limit_of(x, domid), most;

    if (!limit || !x->host.balancer)
        return;
    most = balancer_could_hold_memkb(x->host.balancer, domid) / MEM_PAGE_KB * MEM_PAGE_KB;
    if (most <= limit || limit_set(x->ctx, domid, most))
        return;
    *r = (struct xen_restore){.libxl_memkb = limit, .ours_memkb = most};
    LOGD(x->ctx, INFO, domid, "its memory is being read: it may be %" PRIu64 " MiB, whatever its target is",
         most / 1024);
}

void xen_restore_ended(struct host_xen *x, uint32_t domid, const struct xen_restore *r)
{
    /* Who has set another since knows better. */
    if (!r->ours_memkb || limit_of(x, domid) != r->ours_memkb)
        return;
    if (limit_set(x->ctx, domid, r->libxl_memkb))
        LOGD(x->ctx, WARN, domid, "its limit stays at %" PRIu64 " MiB", r->ours_memkb / 1024);
}
