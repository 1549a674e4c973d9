/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon/settle.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/domain.h"
#include "core/sized.h"
#include "balloon/follow.h"
#include "balloon/info.h"
#include "balloon/rearm.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

/* Sampling: closely while something is about to settle, seldom while nothing moves. */
#define LOOK_CLOSE_MS 50
#define LOOK_MOVING_MS 100
#define LOOK_STUCK_MS 500
/* A host with less than this free has none to give. */
#define HOST_FULL_MEMKB 1024

static const struct follow_rules rules = {
    .passing_ms = LOOK_CLOSE_MS,
    .rest_ms = 400,
    .stuck_ms = MEM_STUCK_MS,
    .rearm_wait_ms = MEM_STUCK_MS,
    .rearm_most_ms = 20000,
};

struct mem_settle_domain {
    struct follow follow;
    bool known; /* its offset has been read, and it is followed */
};

static void mem_settle_done(struct mem_settle *op, int rc);

/* ---- a look at all domains has arrived ---- */

static void begin(struct mem_settle *op, const struct xlx_mem_follow *f, struct mem_settle_domain *d,
                  const xc_domaininfo_t *xen, uint64_t now_ms)
{
    struct xlx_mem_info info = {0};
    struct xs_handle *xs;

    mem_info_from_xen(xen, &info);
    if (ctx_xs(op->ao.ctx, &xs) || mem_info_from_store(op->ao.ctx, xs, &info))
        info.offset_memkb = offset_usual_kb(info.type);
    follow_start(&d->follow, &rules, f->target_memkb, offset_of_info(&info), now_ms);
    d->known = true;
}

static void settled(struct mem_settle *op, uint32_t domid, struct follow *follow)
{
    rearm_end(op->ao.ctx, domid, follow);
    if (follow_take_offset(follow))
        offset_note(op->ao.ctx, domid, follow->offset.kb);
}

/* A re-arm that was half done at the last look ends with this one. */
static void stuck(struct mem_settle *op, struct xlx_mem_follow *f, struct follow *follow, uint64_t now_ms)
{
    if (rearm_is_half_done(follow))
        rearm_end(op->ao.ctx, f->domid, follow);
    else if (follow_rearm_due(follow, now_ms))
        f->rearmed += rearm_begin(op->ao.ctx, f->domid, follow);
}

static void judge(struct mem_settle *op, struct xlx_mem_follow *f, struct mem_settle_domain *d,
                  const xc_domaininfo_t *xen, uint64_t now_ms)
{
    struct follow *follow = &d->follow;
    bool paused;

    if (!xen || xen->flags & XEN_DOMINF_dying) {
        f->state = XLX_MEM_GONE;
        return;
    }
    if (!d->known)
        begin(op, f, d, xen, now_ms);
    paused = xen->flags & XEN_DOMINF_paused;
    switch (follow_look(follow, xen->tot_pages * MEM_PAGE_KB, now_ms)) {
    case FOLLOW_SETTLED:
        settled(op, f->domid, follow);
        f->state = XLX_MEM_SETTLED;
        break;
    case FOLLOW_MOVING:
        f->state = paused ? XLX_MEM_PAUSED : XLX_MEM_MOVING;
        if (!paused)
            rearm_end(op->ao.ctx, f->domid, follow);
        break;
    case FOLLOW_STUCK:
        f->state = paused ? XLX_MEM_PAUSED : XLX_MEM_STUCK;
        if (!paused)
            stuck(op, f, follow, now_ms);
        break;
    }
    f->actual_memkb = follow_actual_memkb(follow);
    f->rate_kb_per_s = follow->rate_kb_per_s;
    f->left_ms = follow->left_ms;
}

static uint64_t next_look_ms(const struct mem_settle *op)
{
    uint64_t interval_ms = LOOK_STUCK_MS;

    for (size_t i = 0; i < op->asked.count; i++) {
        const struct xlx_mem_follow *f = &op->asked.follows[i];

        const struct follow *follow = &op->domains[i].follow;

        if (rearm_is_half_done(follow) && interval_ms > LOOK_MOVING_MS)
            interval_ms = LOOK_MOVING_MS;
        if (f->state != XLX_MEM_MOVING)
            continue;
        if (f->left_ms < 1000 ||
            offset_is_possible(&follow->offset, offset_measure_kb(follow->held_memkb, f->target_memkb)))
            return LOOK_CLOSE_MS;
        interval_ms = LOOK_MOVING_MS;
    }
    return interval_ms;
}

static void domains_sampled(struct sampler_client *client, int rc, const xc_domaininfo_t *infos, size_t count,
                            uint64_t now_ms)
{
    struct mem_settle *op = CONTAINER_OF(client, struct mem_settle, sampler);
    size_t open = 0;

    if (rc) {
        mem_settle_done(op, rc);
        return;
    }
    for (size_t i = 0; i < op->asked.count; i++) {
        struct xlx_mem_follow *f = &op->asked.follows[i];

        if (f->state == XLX_MEM_SETTLED || f->state == XLX_MEM_GONE)
            continue;
        judge(op, f, &op->domains[i], sampler_find(infos, count, f->domid), now_ms);
        open += f->state != XLX_MEM_SETTLED && f->state != XLX_MEM_GONE;
    }
    if (op->asked.progress && !op->asked.progress(op->asked.arg, op->asked.follows, op->asked.count))
        mem_settle_done(op, ERROR_ABORTED);
    else if (!open)
        mem_settle_done(op, 0);
    else
        sampler_interval(&op->sampler, next_look_ms(op));
}

/* ---- start and end ---- */

static void settle_aborted(struct ao *ao, int rc)
{
    mem_settle_done(CONTAINER_OF(ao, struct mem_settle, ao), rc);
}

void mem_settle_start(struct mem_settle *op)
{
    struct xlx_ctx *ctx = op->ao.ctx;
    struct store_watcher *watcher;
    int rc;

    ao_start(&op->ao, settle_aborted);
    op->domains = gc_array(op->ao.gc, op->asked.count, sizeof(*op->domains));
    for (size_t i = 0; i < op->asked.count; i++) {
        op->asked.follows[i].state = XLX_MEM_MOVING;
        op->asked.follows[i].left_ms = UINT64_MAX;
        op->asked.follows[i].rearmed = 0;
    }
    /* The hypervisor is looked at, not xenstore, but without the watcher nobody would notice that xenstored ends. */
    rc = ctx_watcher(ctx, &watcher);
    if (!rc)
        rc = sampler_join(ctx, &op->sampler, 0, domains_sampled);
    if (rc)
        ao_complete_soon(&op->ao, rc);
}

static void mem_settle_done(struct mem_settle *op, int rc)
{
    bool gone = false;

    sampler_leave(&op->sampler);
    for (size_t i = 0; i < op->asked.count; i++) {
        rearm_end(op->ao.ctx, op->asked.follows[i].domid, &op->domains[i].follow);
        gone |= op->asked.follows[i].state == XLX_MEM_GONE;
    }
    if (!rc && gone)
        rc = ERROR_DOMAIN_NOTFOUND;
    ao_complete(&op->ao, rc);
}

int xlx_mem_settle(struct xlx_ctx *ctx, const struct xlx_mem_settle *settle)
{
    struct mem_settle op = {.ao = {.ctx = ctx}};
    int rc;

    rc = sized_take(ctx, &op.asked, sizeof(op.asked), settle, SIZED_UP_TO(struct xlx_mem_settle, arg));
    if (rc)
        return rc;
    op.ao.timeout_ms = settle->timeout_ms ? settle->timeout_ms : 1;
    mem_settle_start(&op);
    return settle->flags & XLX_MEM_INTERRUPTIBLE ? ao_wait(&op.ao) : ao_run(&op.ao);
}

const char *xlx_mem_settle_state_name(enum xlx_mem_settle_state state)
{
    static const char *const names[] = {
        [XLX_MEM_MOVING] = "moving", [XLX_MEM_SETTLED] = "settled", [XLX_MEM_STUCK] = "stuck",
        [XLX_MEM_GONE] = "gone",     [XLX_MEM_PAUSED] = "paused",   [XLX_MEM_UNKNOWN] = "unknown",
    };

    return (size_t)state < ARRAY_LEN(names) ? names[state] : "unknown";
}

/* ---- why not ---- */

static bool host_is_full(struct xlx_ctx *ctx)
{
    xc_physinfo_t host;
    xc_interface *xc;

    return !ctx_xc(ctx, &xc) && !xc_physinfo(xc, &host) && host.free_pages * MEM_PAGE_KB < HOST_FULL_MEMKB;
}

/* Known when mem-max has raised its maximum since. */
static bool holds_what_it_was_booted_with(struct xlx_ctx *ctx, const struct xlx_mem_follow *f)
{
    uint64_t boot_max_memkb;
    struct xs_handle *xs;
    GC_SCOPE(gc);

    return !ctx_xs(ctx, &xs) &&
           !store_read_u64(gc, xs, XBT_NULL, path_in_domain(gc, f->domid, NODE_MEMORY_BOOT_MAX), MEM_LIMIT_MEMKB,
                           &boot_max_memkb) &&
           f->actual_memkb + OFFSET_MAX_KB >= boot_max_memkb;
}

const char *mem_settle_why_not(struct xlx_ctx *ctx, const struct xlx_mem_follow *f, uint64_t first_memkb)
{
    struct xlx_mem_info info;

    switch (f->state) {
    case XLX_MEM_SETTLED:
        return NULL;
    case XLX_MEM_GONE:
        return "the domain is gone";
    case XLX_MEM_PAUSED:
        return "the guest is paused";
    case XLX_MEM_MOVING:
        return ctx->xenstore_lost ? "still moving when xenstored ended" : "still moving when time was up";
    default:
        break;
    }
    if (mem_info_get(ctx, f->domid, &info))
        return "the domain is gone";
    if (info.target_memkb != f->target_memkb)
        return "another program has set another target";
    if (f->actual_memkb < f->target_memkb && host_is_full(ctx))
        return "the host has no free memory";
    if (f->actual_memkb > f->target_memkb)
        return info.actual_memkb == first_memkb ? "the guest does not react: no balloon driver, or not yet booted"
                                                : "the guest cannot free more";
    if (holds_what_it_was_booted_with(ctx, f))
        return "the guest holds all that it was booted with: more it can use only if its kernel adds memory while it "
               "runs, and puts it online";
    return info.actual_memkb == first_memkb ? "the guest does not react: no balloon driver, not yet booted, or it "
                                              "holds all that it was booted with"
                                            : "the guest takes no more";
}
