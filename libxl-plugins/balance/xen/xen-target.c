/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Targets as the balancer sets them: often, for domains that it knows, and never over somebody else's. One target costs seven messages to xenstored: start and end of the transaction, two reads (is it still as expected, and
 * still ours?), three writes (target, /vm's copy, the record that it was us).
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "balance/xen/host-xen.h"
#include "balloon/limit.h"
#include "balloon/owner.h"
#include "balloon/sizes.h"
#include "balloon/target-node.h"
#include "balloon/target.h"
#include "base/cleanup.h"

static struct host_xen *xen_of(struct host *host)
{
    return CONTAINER_OF(host, struct host_xen, host);
}

int xen_target_own(struct host_xen *x, const struct xen_domain *d, uint64_t *own_memkb)
{
    return owner_read(x->xs, XBT_NULL, d->domid, d->domain->uuid, own_memkb);
}

void xen_target_forget(struct host_xen *x, uint32_t domid)
{
    owner_forget(x->xs, XBT_NULL, domid);
}

int xen_target_get(struct host *host, uint32_t domid, uint64_t *target_memkb)
{
    return target_node_read(xen_of(host)->xs, XBT_NULL, domid, target_memkb);
}

int xen_target_accept(struct host *host, uint32_t domid, uint64_t target_memkb)
{
    struct host_xen *x = xen_of(host);
    struct xen_domain *d = xen_domain_find(x, domid);
    int rc;

    if (!d)
        return ERROR_DOMAIN_NOTFOUND;
    rc = owner_write(x->xs, XBT_NULL, domid, d->domain->uuid, target_memkb);
    if (rc)
        LOGD(x->ctx, ERROR, domid, "cannot record its target: %s", strerror(errno));
    return rc;
}

/* Their target has its limit from them. Ours may have been lowered right after that: then they could not reach it. */
static void raise_limit_of_theirs(struct host_xen *x, const struct xen_domain *d)
{
    uint64_t target_memkb, belongs_memkb;
    xc_domaininfo_t info;

    if (!d->domid || target_node_read(x->xs, XBT_NULL, d->domid, &target_memkb) ||
        xc_domain_getinfolist(x->xc, d->domid, 1, &info) != 1 || info.domain != d->domid)
        return;
    belongs_memkb = limit_of_libxl_memkb(target_memkb, d->videoram_memkb);
    if (info.max_pages < belongs_memkb / MEM_PAGE_KB && limit_set(x->ctx, d->domid, belongs_memkb))
        LOGD(x->ctx, WARN, d->domid, "its limit could not be brought in line with its target: %s", strerror(errno));
}

int xen_target_disown(struct host *host, uint32_t domid)
{
    struct host_xen *x = xen_of(host);
    const struct xen_domain *d = xen_domain_find(x, domid);

    if (d)
        raise_limit_of_theirs(x, d);
    return xen_target_accept(host, domid, 0);
}

void xen_target_mend_limit(struct host_xen *x, struct xen_domain *d, uint64_t target_memkb, uint64_t limit_memkb)
{
    uint64_t belongs_memkb = limit_of_libxl_memkb(target_memkb, d->videoram_memkb);

    if (d->domid && limit_memkb > belongs_memkb)
        limit_set(x->ctx, d->domid, belongs_memkb);
}

int xen_limit_set(struct host *host, uint32_t domid, uint64_t limit_memkb)
{
    struct host_xen *x = xen_of(host);
    int rc;

    if (!xen_domain_find(x, domid))
        return ERROR_DOMAIN_NOTFOUND;
    /* dom0's limit belongs to who started the host. */
    rc = domid ? limit_set(x->ctx, domid, limit_memkb) : 0;
    if (rc == ERROR_FAIL)
        LOGD(x->ctx, WARN, domid, "its limit of %" PRIu64 " KiB could not be set: %s", limit_memkb, strerror(errno));
    return rc;
}

int xen_target_set(struct host *host, uint32_t domid, uint64_t expected_memkb, uint64_t target_memkb,
                   uint64_t limit_memkb)
{
    struct host_xen *x = xen_of(host);
    struct xen_domain *d = xen_domain_find(x, domid);
    struct target_change change = {
        .target = {.domid = domid, .size_memkb = target_memkb, .flags = XLX_MEM_EXACT_NODE | XLX_MEM_FORCE},
        .owner = TARGET_OF_MEMD,
        .limit = !domid        ? TARGET_LIMIT_KEPT
                 : limit_memkb ? TARGET_LIMIT_GIVEN
                               : TARGET_LIMIT_LIBXL,
        .limit_memkb = limit_memkb,
        .has_expected = true,
        .expected_memkb = expected_memkb,
        .has_sizes = true,
        .quiet = true,
    };
    int rc;

    if (!d)
        return ERROR_DOMAIN_NOTFOUND;
    change.videoram_memkb = d->videoram_memkb;
    rc = target_change(x->ctx, &change);
    if (!rc && d->domain->target_watched)
        d->echoes++;
    if (rc)
        d->failed_ms = ev_clock_ms();
    if (rc == ERROR_FAIL || rc == ERROR_TIMEDOUT)
        LOGD(x->ctx, WARN, domid, "its target of %" PRIu64 " KiB could not be set: %s", target_memkb,
             rc == ERROR_TIMEDOUT ? "other programs change it too fast" : strerror(errno));
    return rc;
}
