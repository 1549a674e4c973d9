/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/balloon/guest.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/fakes/clock.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

uint64_t target_of(const struct guest *g)
{
    return strtoull(fake_store_get(g->target), NULL, 10);
}

static void move(struct fake_domain *d)
{
    struct guest *g = d->arg;
    uint64_t now = fake_clock_ms(), target_kb = target_of(g), goal_kb, step;

    if (target_kb != g->seen_target_kb) {
        g->changed += g->seen_target_kb != 0;
        g->seen_target_kb = target_kb;
        if (g->asleep)
            g->stops_at_kb = 0; /* its second try works */
        g->asleep = false;
    }
    goal_kb = (uint64_t)((int64_t)target_kb + g->offset_kb) / 4 * 4;
    step = g->rate_kb_per_s * (now - g->last_ms) / 1000 / 4 * 4;
    if (!step)
        return;
    g->last_ms = now;
    if (g->asleep || d->flags & XEN_DOMINF_paused)
        return;
    if (d->actual_kb > goal_kb)
        d->actual_kb -= d->actual_kb - goal_kb < step ? d->actual_kb - goal_kb : step;
    else
        d->actual_kb += goal_kb - d->actual_kb < step ? goal_kb - d->actual_kb : step;
    if (g->stops_at_kb && d->actual_kb <= g->stops_at_kb) {
        d->actual_kb = g->stops_at_kb;
        g->asleep = true;
    }
}

struct guest *make_guest(uint32_t domid, const char *type, uint64_t actual_kb, uint64_t target_kb,
                         uint64_t rate_kb_per_s, int64_t offset_kb)
{
    struct guest *g = test_calloc(1, sizeof(*g));
    char path[64], text[32];

    g->domain = fake_xen_domain(domid, actual_kb, actual_kb + 1024);
    fake_xen_type(g->domain, type);
    g->domain->look = move;
    g->domain->arg = g;
    g->rate_kb_per_s = rate_kb_per_s;
    g->offset_kb = offset_kb;
    g->last_ms = fake_clock_ms();
    snprintf(path, sizeof(path), "/libxl/%u/type", domid);
    fake_store_set(path, type);
    snprintf(g->target, sizeof(g->target), "/local/domain/%u/memory/target", domid);
    snprintf(text, sizeof(text), "%" PRIu64, target_kb);
    fake_store_set(g->target, text);
    return g;
}
