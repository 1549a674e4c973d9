/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "tests/sim/world.h"

#define TRACE_MS 500

void guests_show(const struct world *w)
{
    static const char *const kinds[] = {"instant", "rate", "creep", "stuck", "giveup", "floor", "driverless"};
    static const char *const agents[] = {"honest", "none", "high", "low", "wild", "flip"};

    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        const struct guest *g = &w->guests[i];

        printf("# %s: %s%s%s%s%s%s at %.1f MiB/s, agent %s%s%s%s%s%s (%s), %s%s%s, start %u, min %u, max %u, "
               "static-max %u, "
               "used %u/%u MiB, "
               "weight %u, lent %d MiB\n",
               g->name, g->hostile ? "hostile, " : "", kinds[g->kind], g->ways & WAY_SLACK ? ", slack" : "",
               g->ways & WAY_KEEPS ? ", keeps" : "", g->ways & WAY_DECLINES ? ", declines" : "",
               g->ways & WAY_DAWDLES ? ", dawdles" : "", (double)g->rate_kb_s / 1024, agents[g->agent],
               g->manners & MANNER_SPAM ? ", spam" : "", g->manners & MANNER_MINUTE ? ", minute" : "",
               g->manners & MANNER_FADES ? ", fades" : "", g->manners & MANNER_ENDS ? ", ends" : "",
               g->manners & MANNER_MUTE ? ", mute" : "", guest_agent_kinds[guest_agent_of(g)].name,
               g->managed ? "managed" : "alone", g->fixed ? ", fixed" : "", g->state == GUEST_LIVE ? "" : ", absent",
               (unsigned)(g->start_memkb / MIB), (unsigned)(g->min_memkb / MIB), (unsigned)(g->max_memkb / MIB),
               (unsigned)(g->static_max_memkb / MIB), (unsigned)(g->used_memkb / MIB), (unsigned)(g->burst_memkb / MIB),
               (unsigned)g->weight, g->lend_memkb == NEVER ? -1 : (int)(g->lend_memkb / MIB));
    }
}

void guests_trace(struct world *w)
{
    if (!w->options->trace || w->now_ms < w->trace_at_ms)
        return;
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        const struct guest *g = &w->guests[i];

        if (g->state == GUEST_LIVE)
            fprintf(w->options->trace, "%.1f %s %.1f %.1f %.1f\n", (double)w->now_ms / 1000, g->name,
                    (double)g->held_memkb / MIB, (double)g->target_memkb / MIB, (double)g->used_memkb / MIB);
    }
    w->trace_at_ms = w->now_ms + TRACE_MS;
}
