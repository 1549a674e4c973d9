/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sets a domain's memory target. The checks are those of libxl_set_memory_target (Xen 4.17, libxl_mem.c); the order of
 * the steps is squeezed's: a grower's limit is raised before it is told, a shrinker is told before its limit is
 * lowered. libxl itself is not used: it lowers the limit first, waits without limit for a lock, parses the domain's
 * whole configuration for each call and reports success when its commit fails.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "core/domain.h"
#include "balloon/balloon.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

struct setting {
    struct xlx_ctx *ctx;
    xc_interface *xc;
    struct gc *gc;
    struct xlx_mem_target *target;
    char uuid[XLX_UUID_LEN];
    libxl_domain_type type;
    uint64_t actual_memkb, limit_memkb; /* as the hypervisor had them before */
    uint64_t static_max_memkb, videoram_memkb;
    char *old_vm_memory;                /* of /vm/<uuid>/memory; NULL: there was none */
    char *old_owner;                    /* of path_target_owner; NULL: memd does not know the domain */
    bool limit_set, pod_set, committed; /* what has been done, and is undone after a failure */
    int body_rc;                        /* of the last run of the transaction's body, which logs itself */
};

/* ---- steps at the hypervisor ---- */

static uint64_t limit_for(const struct setting *s, uint64_t target_memkb)
{
    return target_memkb + s->videoram_memkb + MEM_EXTRA_MEMKB;
}

static int set_limit(struct setting *s, uint64_t limit_memkb)
{
    if (xc_domain_setmaxmem(s->xc, s->target->domid, limit_memkb)) {
        int errno_value = errno;

        LOGD(s->ctx, ERROR, s->target->domid, "the hypervisor refused the limit of %" PRIu64 " KiB: %s", limit_memkb,
             strerror(errno_value));
        return error_of_errno(errno_value) == ERROR_DOMAIN_NOTFOUND ? ERROR_DOMAIN_NOTFOUND : ERROR_FAIL;
    }
    s->limit_set = true;
    return 0;
}

/* Populate-on-demand: the cache of a guest whose driver does not run yet must follow. */
static int set_pod_target(struct setting *s, uint64_t target_memkb)
{
    if (!s->target->domid || s->type == LIBXL_DOMAIN_TYPE_PV)
        return 0;
    if (xc_domain_set_pod_target(s->xc, s->target->domid, (target_memkb + MEM_EXTRA_MEMKB) / MEM_PAGE_KB, NULL, NULL,
                                 NULL)) {
        int errno_value = errno;

        LOGD(s->ctx, ERROR, s->target->domid, "the hypervisor refused the populate-on-demand target: %s",
             strerror(errno_value));
        return error_of_errno(errno_value) == ERROR_DOMAIN_NOTFOUND ? ERROR_DOMAIN_NOTFOUND : ERROR_FAIL;
    }
    s->pod_set = true;
    return 0;
}

/* ---- what stands in xenstore ---- */

static int read_size(struct setting *s, struct xs_handle *xs, xs_transaction_t t, const char *node, uint64_t *memkb)
{
    const char *path = path_in_domain(s->gc, s->target->domid, node);
    int rc;

    rc = store_read_u64(s->gc, xs, t, path, MEM_LIMIT_MEMKB, memkb);
    if (rc == ERROR_NOTFOUND)
        LOGD(s->ctx, ERROR, s->target->domid, "%s is missing in xenstore: the domain was not made by xl or is dying",
             path);
    else if (rc == ERROR_INVAL)
        LOGD(s->ctx, ERROR, s->target->domid, "%s holds no number: write a size in KiB there with xenstore-write",
             path);
    else if (rc)
        LOGD(s->ctx, ERROR, s->target->domid, "cannot read %s: %s", path, strerror(errno));
    return rc ? ERROR_FAIL : 0;
}

/* dom0 has no nodes until the first use: libxl__fill_dom0_memory_info writes what the hypervisor says. */
static int fill_dom0(struct setting *s, struct xs_handle *xs, xs_transaction_t t)
{
    const char *target = path_in_domain(s->gc, 0, NODE_MEMORY_TARGET);
    const char *static_max = path_in_domain(s->gc, 0, NODE_MEMORY_STATIC_MAX);
    uint64_t ignored;
    int rc = 0;

    if (store_read_u64(s->gc, xs, t, target, MEM_LIMIT_MEMKB, &ignored) == ERROR_NOTFOUND)
        rc = store_printf(s->gc, xs, t, target, "%" PRIu64, s->actual_memkb);
    if (!rc && store_read_u64(s->gc, xs, t, static_max, MEM_LIMIT_MEMKB, &ignored) == ERROR_NOTFOUND)
        rc = store_printf(s->gc, xs, t, static_max, "%" PRIu64, s->limit_memkb);
    if (rc)
        LOGD(s->ctx, ERROR, 0, "cannot write its memory nodes: %s", strerror(errno));
    return rc;
}

static int read_nodes(struct setting *s, struct xs_handle *xs, xs_transaction_t t)
{
    struct xlx_mem_target *target = s->target;
    int rc;

    if (!target->domid) {
        rc = fill_dom0(s, xs, t);
        if (rc)
            return rc;
    }
    rc = read_size(s, xs, t, NODE_MEMORY_TARGET, &target->old_target_memkb);
    if (!rc)
        rc = read_size(s, xs, t, NODE_MEMORY_STATIC_MAX, &s->static_max_memkb);
    if (rc)
        return rc;
    /* libxl takes a videoram that is no number ("-1" of dom0less domains) for one; here it is none. */
    rc = store_read_u64(s->gc, xs, t, path_in_domain(s->gc, target->domid, NODE_MEMORY_VIDEORAM), MEM_LIMIT_MEMKB,
                        &s->videoram_memkb);
    if (rc == ERROR_NOTFOUND || rc == ERROR_INVAL) {
        s->videoram_memkb = 0;
        rc = 0;
    }
    s->old_vm_memory = NULL;
    if (!rc)
        rc = store_read(s->gc, xs, t, path_vm(s->gc, s->uuid, "memory"), STORE_VALUE_MAX, &s->old_vm_memory);
    s->old_owner = NULL;
    if (!rc || rc == ERROR_NOTFOUND)
        rc = store_read(s->gc, xs, t, path_target_owner(s->gc, target->domid), STORE_VALUE_MAX, &s->old_owner);
    if (rc && rc != ERROR_NOTFOUND) {
        LOGD(s->ctx, ERROR, target->domid, "cannot read its memory nodes in xenstore: %s", strerror(errno));
        return ERROR_FAIL;
    }
    return 0;
}

/* ---- what the target shall be ---- */

static int compute(struct setting *s)
{
    struct xlx_mem_target *t = s->target;
    uint64_t size = t->size_memkb > MEM_LIMIT_MEMKB ? MEM_LIMIT_MEMKB : t->size_memkb;

    switch (t->relation) {
    case XLX_MEM_GROW:
        t->new_target_memkb = t->old_target_memkb + size;
        break;
    case XLX_MEM_SHRINK:
        t->new_target_memkb = size > t->old_target_memkb ? 0 : t->old_target_memkb - size;
        break;
    case XLX_MEM_ABSOLUTE:
        if (!(t->flags & XLX_MEM_EXACT_NODE)) {
            if (size < s->videoram_memkb) {
                LOGD(s->ctx, ERROR, t->domid, "%" PRIu64 " KiB are less than its video memory of %" PRIu64 " KiB", size,
                     s->videoram_memkb);
                return ERROR_INVAL;
            }
            size -= s->videoram_memkb;
        }
        t->new_target_memkb = size;
        break;
    }
    if (t->new_target_memkb > s->static_max_memkb && t->flags & XLX_MEM_CLAMP)
        t->new_target_memkb = s->static_max_memkb;
    return 0;
}

static int check(struct setting *s)
{
    struct xlx_mem_target *t = s->target;

    if (t->new_target_memkb > s->static_max_memkb) {
        LOGD(s->ctx, ERROR, t->domid,
             "a target of %" PRIu64 " KiB is above its static-max of %" PRIu64 " KiB: raise it with mem-max first, or "
             "choose less",
             t->new_target_memkb, s->static_max_memkb);
        return ERROR_INVAL;
    }
    if (!t->domid && t->new_target_memkb < MEM_DOM0_FLOOR_MEMKB) {
        LOGD(s->ctx, ERROR, 0, "dom0 is not set below %d KiB", MEM_DOM0_FLOOR_MEMKB);
        return ERROR_INVAL;
    }
    t->floor_memkb = xlx_mem_floor_memkb(s->static_max_memkb);
    /* Growing is a help even when it stays below the floor. */
    if (!(t->flags & XLX_MEM_FORCE) && t->new_target_memkb < t->floor_memkb &&
        t->new_target_memkb < t->old_target_memkb) {
        t->refused_by_floor = true;
        LOGD(s->ctx, ERROR, t->domid,
             "a target of %" PRIu64 " KiB is below %" PRIu64
             " KiB, the least that a guest with a static-max of %" PRIu64 " KiB can live with: choose more, or --force",
             t->new_target_memkb, t->floor_memkb, s->static_max_memkb);
        return ERROR_INVAL;
    }
    return 0;
}

static bool grows(const struct setting *s)
{
    return limit_for(s, s->target->new_target_memkb) > s->limit_memkb;
}

/* ---- the transaction ---- */

static int set_nodes(struct setting *s, struct xs_handle *xs, xs_transaction_t t)
{
    uint32_t domid = s->target->domid;
    int rc;

    rc = read_nodes(s, xs, t);
    if (!rc)
        rc = compute(s);
    if (!rc)
        rc = check(s);
    if (rc)
        return rc;
    if (grows(s)) {
        rc = set_limit(s, limit_for(s, s->target->new_target_memkb));
        if (rc)
            return rc;
    }
    rc = set_pod_target(s, s->target->new_target_memkb);
    if (rc)
        return rc;
    rc = store_printf(s->gc, xs, t, path_in_domain(s->gc, domid, NODE_MEMORY_TARGET), "%" PRIu64,
                      s->target->new_target_memkb);
    if (!rc)
        rc = store_printf(s->gc, xs, t, path_vm(s->gc, s->uuid, "memory"), "%" PRIu64,
                          s->target->new_target_memkb / 1024);
    /* Also the target that memd gave it already is somebody's wish from now on. */
    if (!rc && s->old_owner)
        rc = store_printf(s->gc, xs, t, path_target_owner(s->gc, domid), "0 %s", s->uuid);
    if (rc)
        LOGD(s->ctx, ERROR, domid, "cannot write its target to xenstore: %s", strerror(errno));
    return rc;
}

static int set_in_transaction(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    struct setting *s = arg;

    s->body_rc = set_nodes(s, xs, t);
    return s->body_rc;
}

/* The limit belongs to the target that stands in xenstore. Somebody may have set another one since our commit; then the
 * limit is brought in line with theirs, so that no order of two setters leaves a guest that cannot reach its target. */
static int settle_limit(struct setting *s, struct xs_handle *xs)
{
    for (unsigned tries = 0; tries < 8; tries++) {
        xc_domaininfo_t info;
        uint64_t target_memkb;
        int rc;

        rc = read_size(s, xs, XBT_NULL, NODE_MEMORY_TARGET, &target_memkb);
        if (rc)
            return rc;
        if (xc_domain_getinfolist(s->xc, s->target->domid, 1, &info) != 1 || info.domain != s->target->domid) {
            LOGD(s->ctx, ERROR, s->target->domid, "it vanished while its target was set");
            return ERROR_DOMAIN_NOTFOUND;
        }
        if (info.max_pages == limit_for(s, target_memkb) / MEM_PAGE_KB)
            return 0;
        rc = set_limit(s, limit_for(s, target_memkb));
        if (rc)
            return rc;
    }
    LOGD(s->ctx, ERROR, s->target->domid, "other programs keep changing its target; its limit may not fit to it");
    return ERROR_FAIL;
}

/* ---- when a step has failed ---- */

/* The nodes, unless somebody has set another target since: theirs stays, and the limit with it. */
static int restore_nodes(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    struct setting *s = arg;
    const char *vm_memory = path_vm(s->gc, s->uuid, "memory");
    const char *target = path_in_domain(s->gc, s->target->domid, NODE_MEMORY_TARGET);
    uint64_t target_memkb;
    int rc;

    rc = store_read_u64(s->gc, xs, t, target, MEM_LIMIT_MEMKB, &target_memkb);
    if (rc || target_memkb != s->target->new_target_memkb)
        return ERROR_NOTFOUND;
    rc = store_printf(s->gc, xs, t, target, "%" PRIu64, s->target->old_target_memkb);
    if (!rc)
        rc = s->old_vm_memory ? store_write(xs, t, vm_memory, s->old_vm_memory) : store_remove(xs, t, vm_memory);
    if (!rc && s->old_owner)
        rc = store_write(xs, t, path_target_owner(s->gc, s->target->domid), s->old_owner);
    return rc;
}

/* What has been done is taken back, last first. What this cannot restore has been logged; a limit above the target,
 * which is all that then can be left, harms nobody. */
static void undo(struct setting *s, struct xs_handle *xs)
{
    if (s->committed && store_transaction(xs, restore_nodes, s))
        return;
    if (s->pod_set)
        set_pod_target(s, s->target->old_target_memkb);
    if (s->limit_set)
        set_limit(s, s->limit_memkb);
}

/* ---- all of it ---- */

static int look_at_domain(struct setting *s, struct xs_handle *xs)
{
    uint32_t domid = s->target->domid;
    xc_domaininfo_t info;

    if (xc_domain_getinfolist(s->xc, domid, 1, &info) != 1 || info.domain != domid || info.flags & XEN_DOMINF_dying) {
        LOGD(s->ctx, ERROR, domid, "there is no such domain any more");
        return ERROR_DOMAIN_NOTFOUND;
    }
    domain_uuid_text(info.handle, s->uuid);
    s->actual_memkb = info.tot_pages * MEM_PAGE_KB;
    s->limit_memkb = info.max_pages * MEM_PAGE_KB;
    s->type = domain_type(xs, domid);
    return 0;
}

int xlx_mem_target_set(struct xlx_ctx *ctx, struct xlx_mem_target *target)
{
    struct setting s = {.ctx = ctx, .target = target};
    struct xs_handle *xs;
    GC_SCOPE(gc);
    int rc;

    target->refused_by_floor = false;
    s.gc = gc;
    rc = ctx_xc(ctx, &s.xc);
    if (!rc)
        rc = ctx_xs(ctx, &xs);
    if (!rc)
        rc = look_at_domain(&s, xs);
    if (rc)
        return rc;
    rc = store_transaction(xs, set_in_transaction, &s);
    if (rc && !s.body_rc)
        LOGD(ctx, ERROR, target->domid, "its target could not be committed to xenstore: %s",
             rc == ERROR_TIMEDOUT ? "other programs change it too fast" : strerror(errno));
    if (!rc) {
        s.committed = true;
        rc = settle_limit(&s, xs);
    }
    if (rc)
        undo(&s, xs);
    return rc;
}
