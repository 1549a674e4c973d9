/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon/target.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "core/domain.h"
#include "balloon/floor.h"
#include "balloon/info.h"
#include "balloon/limit.h"
#include "balloon/offset.h"
#include "balloon/owner.h"
#include "balloon/target-node.h"
#include "core/xen-version.h"
#include "core/sized.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

struct setting {
    struct xlx_ctx *ctx;
    xc_interface *xc;
    struct gc *gc;
    struct target_change *change;
    struct xlx_mem_target *target; /* of change */
    char uuid[XLX_UUID_LEN];
    libxl_domain_type type;
    uint64_t held_memkb, limit_memkb; /* as the hypervisor had them before; UINT64_MAX: no limit */
    uint64_t static_max_memkb, videoram_memkb;

    /* as they were when the transaction's body last ran */
    char *old_vm_memory; /* of /vm/<uuid>/memory; NULL: there was none */
    bool had_owner;
    uint64_t old_own_memkb;

    bool looked;                        /* the body has run: */
    uint64_t first_memkb;               /* the target that belonged to limit_memkb */
    uint64_t new_limit_memkb;           /* that goes with the new target */
    bool limit_set, pod_set, committed; /* what has been done, and is undone after a failure */
};

#define SAY(s, ...)                                                                                                    \
    do {                                                                                                               \
        if (!(s)->change->quiet)                                                                                       \
            LOGD((s)->ctx, ERROR, (s)->target->domid, __VA_ARGS__);                                                    \
    } while (0)

/* ---- steps at the hypervisor ---- */

static int set_limit(struct setting *s, uint64_t limit_memkb)
{
    int rc;

    if (s->change->limit == TARGET_LIMIT_KEPT)
        return 0;
    rc = limit_set(s->ctx, s->target->domid, limit_memkb);
    if (rc)
        SAY(s, "the hypervisor refused the limit of %" PRIu64 " KiB: %s", limit_memkb, strerror(errno));
    else
        s->limit_set = true;
    return rc;
}

static int set_pod_target(struct setting *s, uint64_t target_memkb, uint64_t limit_memkb)
{
    int rc;

    rc = limit_set_pod(s->ctx, s->target->domid, s->type, limit_pod_memkb(target_memkb, limit_memkb));
    if (rc)
        SAY(s, "the hypervisor refused the populate-on-demand target: %s", strerror(errno));
    else
        s->pod_set = true;
    return rc;
}

/* ---- what stands in xenstore ---- */

static int read_size(struct setting *s, struct xs_handle *xs, xs_transaction_t t, const char *node, uint64_t *memkb)
{
    const char *path = path_in_domain(s->gc, s->target->domid, node);
    int rc;

    rc = store_read_u64(s->gc, xs, t, path, MEM_LIMIT_MEMKB, memkb);
    if (s->change->quiet)
        return rc == ERROR_NOTFOUND ? ERROR_DOMAIN_NOTFOUND : rc;
    if (rc == ERROR_NOTFOUND)
        SAY(s, "%s is missing in xenstore: the domain was not made by xl or is dying", path);
    else if (rc == ERROR_INVAL)
        SAY(s, "%s holds no number: write a size in KiB there with xenstore-write", path);
    else if (rc)
        SAY(s, "cannot read %s: %s", path, strerror(errno));
    return rc ? ERROR_FAIL : 0;
}

/* libxl takes a videoram that is no number ("-1" of dom0less domains) for one; here it is none. */
static int read_sizes(struct setting *s, struct xs_handle *xs, xs_transaction_t t)
{
    int rc;

    s->static_max_memkb = MEM_LIMIT_MEMKB;
    s->videoram_memkb = s->change->videoram_memkb;
    if (s->change->has_sizes)
        return 0;
    rc = read_size(s, xs, t, NODE_MEMORY_STATIC_MAX, &s->static_max_memkb);
    if (rc)
        return rc;
    rc = store_read_u64(s->gc, xs, t, path_in_domain(s->gc, s->target->domid, NODE_MEMORY_VIDEORAM), MEM_LIMIT_MEMKB,
                        &s->videoram_memkb);
    if (rc == ERROR_NOTFOUND || rc == ERROR_INVAL)
        s->videoram_memkb = rc = 0;
    s->old_vm_memory = NULL;
    if (!rc)
        rc = store_read(s->gc, xs, t, path_vm(s->gc, s->uuid, "memory"), STORE_VALUE_MAX, &s->old_vm_memory);
    if (rc && rc != ERROR_NOTFOUND) {
        SAY(s, "cannot read its memory nodes in xenstore: %s", strerror(errno));
        return ERROR_FAIL;
    }
    return 0;
}

static int read_owner(struct setting *s, struct xs_handle *xs, xs_transaction_t t)
{
    int rc;

    rc = owner_read(xs, t, s->target->domid, s->uuid, &s->old_own_memkb);
    s->had_owner = !rc;
    if (rc && rc != ERROR_NOTFOUND) {
        SAY(s, "cannot read whose its target is: %s", strerror(errno));
        return rc;
    }
    /* Somebody wished for just what memd had given: their wish it is. */
    return s->change->owner == TARGET_OF_MEMD && s->had_owner && !s->old_own_memkb ? ERROR_INVAL : 0;
}

static int read_nodes(struct setting *s, struct xs_handle *xs, xs_transaction_t t)
{
    struct xlx_mem_target *target = s->target;
    int rc = 0;

    if (!target->domid)
        rc = target_node_fill_dom0(xs, t, s->held_memkb, s->limit_memkb);
    if (rc) {
        SAY(s, "cannot write its memory nodes: %s", strerror(errno));
        return rc;
    }
    rc = read_size(s, xs, t, NODE_MEMORY_TARGET, &target->old_target_memkb);
    if (rc)
        return rc;
    if (!s->looked)
        s->first_memkb = target->old_target_memkb;
    s->looked = true;
    if (s->change->has_expected && target->old_target_memkb != s->change->expected_memkb)
        return ERROR_INVAL;
    rc = read_owner(s, xs, t);
    return rc ? rc : read_sizes(s, xs, t);
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
                SAY(s, "%" PRIu64 " KiB are less than its video memory of %" PRIu64 " KiB", size, s->videoram_memkb);
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

/* As far as can be told without its own offset. */
static uint64_t least_memkb(const struct setting *s)
{
    int64_t actual_memkb = (int64_t)s->held_memkb - offset_usual_kb(s->type);

    return floor_least_memkb(s->static_max_memkb, s->target->old_target_memkb,
                             actual_memkb > 0 ? (uint64_t)actual_memkb : 0);
}

static int check(struct setting *s)
{
    struct xlx_mem_target *t = s->target;

    if (t->new_target_memkb > s->static_max_memkb) {
        SAY(s,
            "a target of %" PRIu64 " KiB is above its static-max of %" PRIu64 " KiB: raise it with mem-max first, or "
            "choose less",
            t->new_target_memkb, s->static_max_memkb);
        return ERROR_INVAL;
    }
    if (!t->domid && t->new_target_memkb < XEN_DOM0_MIN_MEMKB) {
        SAY(s, "dom0 is not set below %d KiB", XEN_DOM0_MIN_MEMKB);
        return ERROR_INVAL;
    }
    t->floor_memkb = xlx_mem_floor_memkb(s->static_max_memkb);
    if (!(t->flags & XLX_MEM_FORCE) && t->new_target_memkb < least_memkb(s)) {
        t->refused_by_floor = true;
        SAY(s,
            "a target of %" PRIu64 " KiB is below %" PRIu64 " KiB, the least that a guest with a static-max of %" PRIu64
            " KiB can live with: choose more, or --force",
            t->new_target_memkb, t->floor_memkb, s->static_max_memkb);
        return ERROR_INVAL;
    }
    return 0;
}

/* The limit that belongs to the new target. */
static uint64_t new_limit(const struct setting *s)
{
    uint64_t most_memkb = limit_of_libxl_memkb(s->target->new_target_memkb, s->videoram_memkb);

    return s->change->limit == TARGET_LIMIT_GIVEN && s->change->limit_memkb < most_memkb ? s->change->limit_memkb
                                                                                         : most_memkb;
}

/* ---- the transaction ---- */

/* Also the target that memd gave it already is somebody's wish from now on. */
static int write_owner(struct setting *s, struct xs_handle *xs, xs_transaction_t t)
{
    if (s->change->owner == TARGET_OF_MEMD)
        return owner_write(xs, t, s->target->domid, s->uuid, s->target->new_target_memkb);
    return s->had_owner ? owner_write(xs, t, s->target->domid, s->uuid, 0) : 0;
}

static int set_nodes(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    struct setting *s = arg;
    uint64_t target_memkb;
    int rc;

    rc = read_nodes(s, xs, t);
    if (!rc)
        rc = compute(s);
    if (!rc)
        rc = check(s);
    if (rc)
        return rc;
    target_memkb = s->target->new_target_memkb;
    s->new_limit_memkb = new_limit(s);
    if (s->new_limit_memkb > s->limit_memkb)
        rc = set_limit(s, s->new_limit_memkb);
    if (!rc)
        rc = set_pod_target(s, target_memkb, s->new_limit_memkb);
    if (rc)
        return rc;
    rc = target_node_write(xs, t, s->target->domid, target_memkb);
    if (!rc)
        rc = store_printf(s->gc, xs, t, path_vm(s->gc, s->uuid, "memory"), "%" PRIu64, target_memkb / 1024);
    if (!rc)
        rc = write_owner(s, xs, t);
    if (rc)
        SAY(s, "cannot write its target to xenstore: %s", strerror(errno));
    return rc;
}

static void not_committed(void *arg, int rc)
{
    struct setting *s = arg;

    SAY(s, "its target could not be committed to xenstore: %s",
        rc == ERROR_TIMEDOUT ? "other programs change it too fast" : strerror(errno));
}

/* The limit belongs to the target that stands in xenstore. Somebody may have set another one since our commit; then the
 * limit is brought in line with theirs, so that no order of two setters leaves a guest that cannot reach its target. */
static int settle_limit(struct setting *s, struct xs_handle *xs, bool *ours)
{
    for (unsigned tries = 0; tries < 8; tries++) {
        uint64_t target_memkb, limit_memkb;
        xc_domaininfo_t info;
        int rc;

        if (xc_domain_getinfolist(s->xc, s->target->domid, 1, &info) != 1 || info.domain != s->target->domid) {
            SAY(s, "it vanished while its target was set");
            return ERROR_DOMAIN_NOTFOUND;
        }
        rc = read_size(s, xs, XBT_NULL, NODE_MEMORY_TARGET, &target_memkb);
        if (rc)
            return rc;
        *ours = s->committed && target_memkb == s->target->new_target_memkb;
        limit_memkb = *ours ? s->new_limit_memkb : limit_of_libxl_memkb(target_memkb, s->videoram_memkb);
        if (s->change->limit == TARGET_LIMIT_KEPT || info.max_pages == limit_memkb / MEM_PAGE_KB)
            return 0;
        rc = set_limit(s, limit_memkb);
        if (rc)
            return rc;
    }
    SAY(s, "other programs keep changing its target; its limit may not fit to it");
    return ERROR_FAIL;
}

/* ---- when a step has failed ---- */

/* The nodes, unless somebody has set another target since: theirs stays, and the limit with it. */
static int restore_nodes(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    struct setting *s = arg;
    const char *vm_memory = path_vm(s->gc, s->uuid, "memory");
    uint32_t domid = s->target->domid;
    uint64_t target_memkb;
    int rc;

    rc = target_node_read(xs, t, domid, &target_memkb);
    if (rc || target_memkb != s->target->new_target_memkb)
        return ERROR_NOTFOUND;
    rc = target_node_write(xs, t, domid, s->target->old_target_memkb);
    if (!rc && s->change->has_sizes)
        rc = store_printf(s->gc, xs, t, vm_memory, "%" PRIu64, s->target->old_target_memkb / 1024);
    else if (!rc)
        rc = s->old_vm_memory ? store_write(xs, t, vm_memory, s->old_vm_memory) : store_remove(xs, t, vm_memory);
    if (!rc && s->had_owner)
        rc = owner_write(xs, t, domid, s->uuid, s->old_own_memkb);
    else if (!rc && s->change->owner == TARGET_OF_MEMD)
        rc = owner_forget(xs, t, domid);
    return rc;
}

/* Somebody was quicker: what was raised for our target is in the way of theirs. */
static bool another_stands(struct setting *s, struct xs_handle *xs)
{
    uint64_t target_memkb;

    return !target_node_read(xs, XBT_NULL, s->target->domid, &target_memkb) && target_memkb != s->first_memkb;
}

/* What has been done is taken back, last first. What this cannot restore has been logged; a limit above the target,
 * which is all that then can be left, is mended by whoever sets the next target. */
static void undo(struct setting *s, struct xs_handle *xs)
{
    int errno_value = errno;
    bool ours;

    if (s->committed && store_transaction(xs, restore_nodes, NULL, s))
        return;
    s->committed = false;
    if (s->limit_set && another_stands(s, xs)) {
        settle_limit(s, xs, &ours);
    } else {
        if (s->pod_set)
            set_pod_target(s, s->first_memkb, s->limit_memkb);
        if (s->limit_set)
            set_limit(s, s->limit_memkb);
    }
    errno = errno_value;
}

/* ---- all of it ---- */

static int look_at_domain(struct setting *s)
{
    uint32_t domid = s->target->domid;
    struct xlx_mem_info known;
    xc_domaininfo_t info;

    if (xc_domain_getinfolist(s->xc, domid, 1, &info) != 1 || info.domain != domid || info.flags & XEN_DOMINF_dying) {
        SAY(s, "there is no such domain any more");
        return ERROR_DOMAIN_NOTFOUND;
    }
    mem_info_from_xen(&info, &known);
    memcpy(s->uuid, known.uuid, sizeof(s->uuid));
    s->type = known.type;
    s->held_memkb = known.actual_memkb;
    s->limit_memkb = known.max_memkb;
    return 0;
}

/* What has been committed, in line with what stands now. A limit that was raised before the commit needs no second look
 * when the target was the expected one: who sets another target after us sets its limit, too. Should our lower limit
 * come after theirs, then who expected a target watches it, and mends the limit when he hears of theirs. */
static int settle(struct setting *s, struct xs_handle *xs)
{
    bool ours;

    if (!s->change->has_expected)
        return settle_limit(s, xs, &ours);
    return s->new_limit_memkb < s->limit_memkb ? set_limit(s, s->new_limit_memkb) : 0;
}

int target_change(struct xlx_ctx *ctx, struct target_change *change)
{
    struct setting s = {.ctx = ctx, .change = change, .target = &change->target};
    struct xs_handle *xs;
    GC_SCOPE(gc);
    int rc;

    change->target.refused_by_floor = false;
    s.gc = gc;
    rc = ctx_xc(ctx, &s.xc);
    if (!rc)
        rc = ctx_xs(ctx, &xs);
    if (!rc)
        rc = look_at_domain(&s);
    if (rc)
        return rc;
    rc = store_transaction(xs, set_nodes, not_committed, &s);
    if (!rc) {
        s.committed = true;
        rc = settle(&s, xs);
    }
    if (rc)
        undo(&s, xs);
    return rc;
}

int xlx_mem_target_set(struct xlx_ctx *ctx, struct xlx_mem_target *target)
{
    struct target_change change = {0};
    int rc;

    rc = sized_take(ctx, &change.target, sizeof(change.target), target,
                    SIZED_UP_TO(struct xlx_mem_target, refused_by_floor));
    if (rc)
        return rc;
    rc = target_change(ctx, &change);
    sized_give(target, &change.target, sizeof(change.target));
    return rc;
}
