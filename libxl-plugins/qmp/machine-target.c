/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client's request becomes a target, and a guest that gives up on it is asked again. */
#include "balloon/sizes.h"
#include "balloon/target-node.h"
#include "base/cleanup.h"
#include "qmp/machine-xen-private.h"

/* The guest must see both targets: its watch reads the node when its turn comes. */
#define REARM_MS 1000
/* A guest that does not move is asked again after so long, then after twice that, up to the last. */
#define REARM_WAIT_MS 5000
#define REARM_WAIT_MAX_MS 60000

/* ---- asking again ---- */

/* force: below the floor, too. */
static int set_target(struct machine_xen *x, uint64_t size_memkb, bool force)
{
    struct xlx_mem_target target = {
        .domid = x->domid,
        .relation = XLX_MEM_ABSOLUTE,
        .size_memkb = size_memkb,
        .flags = XLX_MEM_EXACT_NODE | XLX_MEM_CLAMP | (force ? XLX_MEM_FORCE : 0),
    };

    return xlx_mem_target_set(x->ctx, &target);
}

static uint64_t a_page_less(const struct machine_xen *x)
{
    return x->request_memkb - (x->request_memkb > MEM_PAGE_KB ? MEM_PAGE_KB : 0);
}

static void rearm_is_due(struct ev_timer *t)
{
    struct machine_xen *x = CONTAINER_OF(t, struct machine_xen, rearm);

    target_node_move(x->ctx, x->domid, a_page_less(x), x->request_memkb);
}

/* A request at the floor is asked again, too: for a moment a page below it. A target that another has set since is
 * left alone. */
static void rearm(struct machine_xen *x)
{
    if (!target_node_move(x->ctx, x->domid, x->request_memkb, a_page_less(x)))
        ev_timer_start(&x->ctx->loop, &x->rearm, REARM_MS, 0, rearm_is_due);
}

void machine_target_seen(struct machine_xen *x, uint64_t target_memkb)
{
    if (ev_timer_active(&x->rearm)) {
        if (target_memkb == a_page_less(x) || target_memkb == x->request_memkb)
            return;
        ev_timer_stop(&x->rearm);
    }
    if (x->actual.target_memkb != target_memkb)
        x->moving_since = machine_xen_now_ms(x);
    if (target_memkb != x->request_memkb)
        x->requested = false;
    actual_set_target(&x->actual, target_memkb);
}

/* QEMU's guest tries for ever. Linux' Xen driver gives up after some tries, and does nothing at all when it is asked
 * for what it has already tried by itself; it only wakes for another number. */
void machine_target_rearm(struct machine_xen *x, uint64_t now_ms)
{
    /* A guest that has been there may go elsewhere. */
    if (x->has_balloon && actual_settled(&x->actual) && !ev_timer_active(&x->rearm))
        x->requested = false;
    if (!x->requested || x->status != MACHINE_RUNNING || !x->has_balloon || ev_timer_active(&x->rearm) ||
        machine_xen_expected_to_move(x, now_ms) || now_ms < x->rearm_at_ms)
        return;
    x->rearm_wait_ms = x->rearm_wait_ms * 2 < REARM_WAIT_MAX_MS ? x->rearm_wait_ms * 2 : REARM_WAIT_MAX_MS;
    x->rearm_at_ms = now_ms + x->rearm_wait_ms;
    rearm(x);
}

/* ---- the request ---- */

static bool gave_up(struct machine_xen *x, uint64_t size_memkb)
{
    return size_memkb == x->actual.target_memkb && x->status == MACHINE_RUNNING && !actual_settled(&x->actual) &&
           !machine_xen_expected_to_move(x, machine_xen_now_ms(x));
}

/* QEMU takes any size and leaves it to the guest to stop short; a Xen guest would die of it. So the request is taken
 * and ends at the least that the guest can live with. */
static uint64_t at_least_floor(struct machine_xen *x, uint64_t size_memkb)
{
    uint64_t floor_memkb = xlx_mem_floor_memkb(x->static_max_memkb);

    if (x->no_floor || size_memkb >= floor_memkb || size_memkb >= x->actual.target_memkb)
        return size_memkb;
    return floor_memkb < x->actual.target_memkb ? floor_memkb : x->actual.target_memkb;
}

int machine_target_balloon(struct machine *m, uint64_t size_bytes)
{
    struct machine_xen *x = machine_xen_of(m);
    uint64_t size_memkb = at_least_floor(x, size_bytes / 1024);
    bool waits_again;
    int rc;

    machine_target_stop(x);
    if (x->disorder)
        target_node_put_in_order(x->ctx, x->domid, x->static_max_memkb, x->actual.target_memkb);
    x->request_memkb = size_memkb;
    x->rearm_wait_ms = REARM_WAIT_MS;
    waits_again = gave_up(x, size_memkb);
    rc = set_target(x, size_memkb, x->no_floor);
    if (!rc && waits_again)
        rearm(x);
    x->requested = !rc;
    if (rc)
        return rc;
    actual_set_target(&x->actual, size_memkb);
    x->moving_since = machine_xen_now_ms(x);
    x->rearm_at_ms = x->moving_since + REARM_WAIT_MS;
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
