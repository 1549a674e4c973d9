/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon/pace.h"

static unsigned newest(const struct pace *p)
{
    return (p->first + p->count - 1) % PACE_POINTS;
}

void pace_note(struct pace *p, uint64_t now_ms, uint64_t kb)
{
    if (!p->count || p->points[newest(p)].kb != kb)
        p->changed_ms = now_ms;
    /* The newest point follows the present until it is far enough from the one before. */
    if (p->count >= 2) {
        unsigned before = (p->first + p->count - 2) % PACE_POINTS;

        if (p->points[newest(p)].ms - p->points[before].ms < PACE_SPACING_MS) {
            p->points[newest(p)].ms = now_ms;
            p->points[newest(p)].kb = kb;
            return;
        }
    }
    if (p->count == PACE_POINTS)
        p->first = (p->first + 1) % PACE_POINTS;
    else
        p->count++;
    p->points[newest(p)].ms = now_ms;
    p->points[newest(p)].kb = kb;
}

uint64_t pace_rest_ms(const struct pace *p, uint64_t now_ms)
{
    return p->count ? now_ms - p->changed_ms : 0;
}

uint64_t pace_rate_kb_per_s(const struct pace *p, uint64_t now_ms)
{
    uint64_t from, to, ms;

    if (p->count < 2)
        return 0;
    from = p->points[p->first].kb;
    to = p->points[newest(p)].kb;
    ms = now_ms - p->points[p->first].ms;
    return ms ? (from > to ? from - to : to - from) * 1000 / ms : 0;
}

uint64_t pace_left_ms(const struct pace *p, uint64_t now_ms, uint64_t goal_kb)
{
    uint64_t rate = pace_rate_kb_per_s(p, now_ms), from, to;

    if (!p->count)
        return UINT64_MAX;
    to = p->points[newest(p)].kb;
    if (to == goal_kb)
        return 0;
    from = p->points[p->first].kb;
    if (!rate || (goal_kb > to) != (to > from))
        return UINT64_MAX;
    return (goal_kb > to ? goal_kb - to : to - goal_kb) * 1000 / rate;
}
