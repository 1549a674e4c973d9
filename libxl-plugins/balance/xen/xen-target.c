/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing a target as the balancer does: often, for domains it knows, and never over somebody else's. Seven messages to
 * xenstored: the transaction's start and end, one read (is it still as expected?), three writes (target, /vm's copy,
 * the mark that it was us), and one read back. balloon/target.c is the form for people, with libxl's checks and texts.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "balance/xen/host-xen.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

#define PAGE_KB 4
#define EXTRA_MEMKB XEN_TARGET_EXTRA_MEMKB

struct setting {
    struct host_xen *xen;
    struct xen_domain *domain;
    uint64_t expected_memkb, target_memkb;
    uint64_t limit_memkb; /* 0: libxl's for the target */
};

static int write_own(struct gc *gc, xs_transaction_t t, const struct xen_domain *d, uint64_t target_memkb)
{
    return store_printf(gc, d->xen->xs, t, path_target_owner(gc, d->domid), "%" PRIu64 " %s", target_memkb, d->uuid);
}

int xen_target_own(struct host_xen *x, const struct xen_domain *d, uint64_t *own_memkb)
{
    char *text, uuid[XLX_UUID_LEN] = "";
    GC_SCOPE(gc);
    int rc;

    rc = store_read(gc, x->xs, XBT_NULL, path_target_owner(gc, d->domid), 80, &text);
    if (rc)
        return rc;
    if (sscanf(text, "%" SCNu64 " %36s", own_memkb, uuid) != 2 || strcmp(uuid, d->uuid))
        return ERROR_NOTFOUND;
    return 0;
}

void xen_target_forget(struct host_xen *x, uint32_t domid)
{
    GC_SCOPE(gc);

    store_remove(x->xs, XBT_NULL, path_target_owner(gc, domid));
}

int xen_target_get(struct host *host, uint32_t domid, uint64_t *target_memkb)
{
    struct host_xen *x = CONTAINER_OF(host, struct host_xen, host);
    GC_SCOPE(gc);

    return store_read_u64(gc, x->xs, XBT_NULL, path_in_domain(gc, domid, NODE_MEMORY_TARGET), PLAN_MEMKB_MAX,
                          target_memkb);
}

int xen_target_accept(struct host *host, uint32_t domid, uint64_t target_memkb)
{
    struct host_xen *x = CONTAINER_OF(host, struct host_xen, host);
    struct xen_domain *d = xen_domain_find(x, domid);
    GC_SCOPE(gc);
    int rc;

    if (!d)
        return ERROR_DOMAIN_NOTFOUND;
    rc = write_own(gc, XBT_NULL, d, target_memkb);
    if (rc)
        LOGD(x->ctx, ERROR, domid, "cannot record its target: %s", strerror(errno));
    return rc;
}

int xen_target_disown(struct host *host, uint32_t domid)
{
    return xen_target_accept(host, domid, 0);
}

/* ---- the hypervisor ---- */

static int enforce(const struct setting *s, uint64_t limit_memkb)
{
    /* dom0's limit belongs to who started the host. */
    if (!s->domain->domid || !xc_domain_setmaxmem(s->xen->xc, s->domain->domid, limit_memkb))
        return 0;
    return error_of_errno(errno) == ERROR_DOMAIN_NOTFOUND ? ERROR_DOMAIN_NOTFOUND : ERROR_FAIL;
}

static int set_limit(const struct setting *s, uint64_t target_memkb)
{
    bool ours = target_memkb == s->target_memkb && s->limit_memkb;

    return enforce(s, ours ? s->limit_memkb : target_memkb + s->domain->videoram_memkb + EXTRA_MEMKB);
}

static int set_pod_target(const struct setting *s)
{
    uint64_t target = s->target_memkb + EXTRA_MEMKB;

    if (!s->domain->domid || s->domain->type == LIBXL_DOMAIN_TYPE_PV)
        return 0;
    /* Xen refuses one above the limit. */
    if (s->limit_memkb && target > s->limit_memkb)
        target = s->limit_memkb;
    if (!xc_domain_set_pod_target(s->xen->xc, s->domain->domid, target / PAGE_KB, NULL, NULL, NULL))
        return 0;
    return error_of_errno(errno) == ERROR_DOMAIN_NOTFOUND ? ERROR_DOMAIN_NOTFOUND : ERROR_FAIL;
}

/* ---- xenstore ---- */

static int write_nodes(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    const struct setting *s = arg;
    GC_SCOPE(gc);
    const char *path = path_in_domain(gc, s->domain->domid, NODE_MEMORY_TARGET);
    uint64_t now;
    int rc;

    rc = store_read_u64(gc, xs, t, path, PLAN_MEMKB_MAX, &now);
    if (rc == ERROR_NOTFOUND)
        return ERROR_DOMAIN_NOTFOUND;
    if (rc)
        return rc;
    if (now != s->expected_memkb)
        return ERROR_INVAL;
    rc = store_printf(gc, xs, t, path, "%" PRIu64, s->target_memkb);
    if (!rc)
        rc = store_printf(gc, xs, t, path_vm(gc, s->domain->uuid, "memory"), "%" PRIu64, s->target_memkb / 1024);
    if (!rc)
        rc = write_own(gc, t, s->domain, s->target_memkb);
    return rc;
}

/* The limit belongs to the target that stands: should it be somebody else's, who was quicker, then so is the limit. */
static int settle(const struct setting *s)
{
    uint64_t now;
    int rc;

    rc = xen_target_get(&s->xen->host, s->domain->domid, &now);
    if (rc)
        return rc == ERROR_NOTFOUND ? ERROR_DOMAIN_NOTFOUND : rc;
    if (now == s->target_memkb)
        return 0;
    set_limit(s, now);
    return ERROR_INVAL;
}

static int set(const struct setting *s)
{
    bool lowers = s->target_memkb < s->expected_memkb;
    int rc;

    if (!lowers) {
        rc = set_limit(s, s->target_memkb);
        if (rc)
            return rc;
    }
    rc = set_pod_target(s);
    if (!rc)
        rc = store_transaction(s->xen->xs, write_nodes, (void *)s);
    if (!rc) {
        if (store_watch_active(&s->domain->target_watch))
            s->domain->echoes++;
        if (lowers)
            rc = set_limit(s, s->target_memkb);
        return rc ? rc : settle(s);
    }
    /* Nothing was committed: the limit goes back to what belongs to the target that stands. */
    if (!lowers && rc == ERROR_INVAL)
        settle(s);
    else if (!lowers)
        set_limit(s, s->expected_memkb);
    return rc;
}

void xen_target_mend_limit(struct host_xen *x, struct xen_domain *d, uint64_t target_memkb, uint64_t limit_memkb)
{
    struct setting s = {x, d, target_memkb, target_memkb, 0};

    if (d->domid && limit_memkb > target_memkb + d->videoram_memkb + EXTRA_MEMKB)
        set_limit(&s, target_memkb);
}

int xen_limit_set(struct host *host, uint32_t domid, uint64_t limit_memkb)
{
    struct host_xen *x = CONTAINER_OF(host, struct host_xen, host);
    struct setting s = {.xen = x, .domain = xen_domain_find(x, domid)};
    int rc;

    if (!s.domain)
        return ERROR_DOMAIN_NOTFOUND;
    rc = enforce(&s, limit_memkb);
    if (rc == ERROR_FAIL)
        LOGD(x->ctx, WARN, domid, "its limit of %" PRIu64 " KiB could not be set: %s", limit_memkb, strerror(errno));
    return rc;
}

int xen_target_set(struct host *host, uint32_t domid, uint64_t expected_memkb, uint64_t target_memkb,
                   uint64_t limit_memkb)
{
    struct host_xen *x = CONTAINER_OF(host, struct host_xen, host);
    struct setting s = {x, xen_domain_find(x, domid), expected_memkb, target_memkb, limit_memkb};
    int rc;

    if (!s.domain)
        return ERROR_DOMAIN_NOTFOUND;
    rc = set(&s);
    if (rc == ERROR_FAIL || rc == ERROR_TIMEDOUT)
        LOGD(x->ctx, WARN, domid, "its target of %" PRIu64 " KiB could not be set: %s", target_memkb,
             rc == ERROR_TIMEDOUT ? "other programs change it too fast" : strerror(errno));
    return rc;
}
