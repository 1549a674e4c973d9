/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "qmp/machine-xen-private.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

static void reported(struct guest_follow *follow, const struct guest_stats *stats, int64_t when_s)
{
    struct machine_xen *x = CONTAINER_OF(follow, struct machine_xen, follow);

    /* QEMU keeps the last report of a driver that is unloaded, and forgets what a report no longer has. */
    if (!stats->at_ms)
        return;
    for (unsigned i = 0; i < AGENT_STAT_NR; i++)
        x->stats.values[i] = guest_stats_has(stats, i) ? stats->values[i] : MACHINE_STAT_UNSET;
    x->stats.last_update = when_s;
}

static void poll_is_due(struct ev_timer *t)
{
    guest_follow_ask(&CONTAINER_OF(t, struct machine_xen, stats_poll)->follow);
}

/* QEMU asks the guest at each interval, and its answer is new even when nothing has changed; an agent keeps such a
 * report to itself unless asked. With no client to see it nobody asks. */
static void arrange_polls(struct machine_xen *x)
{
    uint64_t interval_ms = (uint64_t)x->stats_interval * 1000;

    ev_timer_stop(&x->stats_poll);
    if (x->followed && x->stats_interval && x->stats_interval <= AGENT_INTERVAL_MAX_S && x->follow.reports)
        ev_timer_start(&x->ctx->loop, &x->stats_poll, interval_ms, interval_ms, poll_is_due);
}

static void follow_guest(struct machine_xen *x)
{
    if (!x->stats_interval)
        guest_follow_stop(&x->follow);
    else if (x->follow.reports)
        guest_follow_interval(&x->follow, x->stats_interval);
    else
        guest_follow_start(x->ctx, &x->follow, x->domid, x->stats_interval, reported);
    arrange_polls(x);
}

void machine_stats_init(struct machine_xen *x)
{
    for (unsigned i = 0; i < AGENT_STAT_NR; i++)
        x->stats.values[i] = MACHINE_STAT_UNSET;
}

void machine_stats_follow(struct machine_xen *x, bool clients)
{
    uint64_t seconds;
    GC_SCOPE(gc);

    if (clients && !x->stats_interval_known) {
        /* What a client asked a memd for that has been killed since. */
        x->stats_interval_known = true;
        if (!store_read_u64(gc, x->xs, XBT_NULL, path_in_domain(gc, x->domid, NODE_QMP_STATS_INTERVAL), UINT32_MAX,
                            &seconds)) {
            x->stats_interval = (uint32_t)seconds;
            follow_guest(x);
        }
    }
    arrange_polls(x);
}

void machine_stats_stop(struct machine_xen *x)
{
    ev_timer_stop(&x->stats_poll);
    guest_follow_stop(&x->follow);
}

void machine_stats_get(struct machine *m, struct machine_stats *stats)
{
    *stats = machine_xen_of(m)->stats;
}

uint32_t machine_stats_interval(struct machine *m)
{
    return machine_xen_of(m)->stats_interval;
}

void machine_stats_set_interval(struct machine *m, uint32_t seconds)
{
    struct machine_xen *x = machine_xen_of(m);
    GC_SCOPE(gc);
    const char *path = path_in_domain(gc, x->domid, NODE_QMP_STATS_INTERVAL);

    x->stats_interval = seconds;
    if (seconds ? store_printf(gc, x->xs, XBT_NULL, path, "%u", seconds) : store_remove(x->xs, XBT_NULL, path))
        LOGD(x->ctx, WARN, x->domid, "cannot keep its interval of statistics in xenstore: %s", strerror(errno));
    follow_guest(x);
}
