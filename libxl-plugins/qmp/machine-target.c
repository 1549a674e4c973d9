/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client's request becomes a target, and a guest that gives up on it is asked again. */
#include "balloon/floor.h"
#include "balloon/rearm.h"
#include "balloon/target-node.h"
#include "base/cleanup.h"
#include "qmp/machine-xen-private.h"

/* The guest must see both targets: its watch reads the node when its turn comes. */
#define REARM_MS 1000

/* ---- asking again ---- */

static int set_target(struct machine_xen *x, uint64_t size_memkb)
{
    struct xlx_mem_target target = {
        .size = sizeof(target),
        .domid = x->domid,
        .relation = XLX_MEM_ABSOLUTE,
        .size_memkb = size_memkb,
        .flags = XLX_MEM_EXACT_NODE | XLX_MEM_CLAMP | (x->no_floor ? XLX_MEM_FORCE : 0),
    };

    return xlx_mem_target_set(x->ctx, &target);
}

static void rearm_is_due(struct ev_timer *t)
{
    struct machine_xen *x = CONTAINER_OF(t, struct machine_xen, rearm);

    rearm_end(x->ctx, x->domid, &x->actual.follow);
}

static void rearm(struct machine_xen *x)
{
    if (rearm_begin(x->ctx, x->domid, &x->actual.follow))
        ev_timer_start(&x->ctx->loop, &x->rearm, REARM_MS, 0, rearm_is_due);
}

void machine_target_seen(struct machine_xen *x, uint64_t target_memkb)
{
    struct follow *follow = &x->actual.follow;

    if (rearm_is_half_done(follow)) {
        if (target_memkb == follow->page_off_memkb || target_memkb == follow->target_memkb)
            return;
        ev_timer_stop(&x->rearm);
        follow->page_off_memkb = 0;
    }
    if (target_memkb != x->request_memkb)
        x->requested = false;
    actual_set_target(&x->actual, target_memkb, ev_clock_ms());
}

/* QEMU's guest tries for ever. Linux' Xen driver gives up after some tries, and does nothing at all when it is asked
 * for what it has already tried by itself; it only wakes for another number. */
void machine_target_rearm(struct machine_xen *x, uint64_t now_ms)
{
    if (!x->has_balloon || rearm_is_half_done(&x->actual.follow))
        return;
    /* A guest that has been there may go elsewhere. */
    if (actual_settled(&x->actual))
        x->requested = false;
    if (x->requested && x->status == MACHINE_RUNNING && follow_rearm_due(&x->actual.follow, now_ms))
        rearm(x);
}

/* ---- the request ---- */

static bool gave_up(struct machine_xen *x, uint64_t size_memkb)
{
    return size_memkb == x->actual.follow.target_memkb && x->status == MACHINE_RUNNING && !actual_settled(&x->actual) &&
           !machine_xen_expected_to_move(x, ev_clock_ms());
}

/* QEMU takes any size and leaves it to the guest to stop short; a Xen guest would die of it. So the request is taken
 * and ends at the least that the guest can live with. */
static uint64_t at_least_floor(struct machine_xen *x, uint64_t size_memkb)
{
    uint64_t least_memkb =
        floor_least_memkb(x->static_max_memkb, x->actual.follow.target_memkb, follow_actual_memkb(&x->actual.follow));

    return x->no_floor || size_memkb >= least_memkb ? size_memkb : least_memkb;
}

int machine_target_balloon(struct machine *m, uint64_t size_bytes)
{
    struct machine_xen *x = machine_xen_of(m);
    uint64_t size_memkb = at_least_floor(x, size_bytes / 1024);
    uint64_t now_ms;
    bool again;
    int rc;

    machine_target_stop(x);
    if (x->disorder)
        target_node_put_in_order(x->ctx, x->domid, x->static_max_memkb, x->actual.follow.target_memkb);
    x->request_memkb = size_memkb;
    again = gave_up(x, size_memkb);
    rc = set_target(x, size_memkb);
    if (!rc && again)
        rearm(x);
    x->requested = !rc;
    if (rc)
        return rc;
    now_ms = ev_clock_ms();
    actual_set_target(&x->actual, size_memkb, now_ms);
    follow_expect(&x->actual.follow, now_ms);
    machine_xen_adapt_sampling(x);
    return 0;
}

void machine_target_stop(struct machine_xen *x)
{
    if (!ev_timer_active(&x->rearm))
        return;
    ev_timer_stop(&x->rearm);
    rearm_is_due(&x->rearm);
}
