/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_PACE_H
#define XLX_BALLOON_PACE_H

/*
 * How fast a domain's actual moves, judged over the last seconds. A pure calculation: times are the caller's, in
 * milliseconds of any monotonic clock; zeros are a pace that has seen nothing.
 */

#include <stdint.h>

#define PACE_POINTS 16
#define PACE_SPACING_MS 200 /* points closer than that replace each other: the window is about three seconds */

struct pace {
    struct {
        uint64_t ms, kb;
    } points[PACE_POINTS]; /* a ring; the newest is points[(first + count - 1) % PACE_POINTS] */
    unsigned first, count;
    uint64_t changed_ms; /* when the value was last seen different */
};

void pace_note(struct pace *p, uint64_t now_ms, uint64_t kb);
/* For how long the value has been the same; 0 before the first note. */
uint64_t pace_rest_ms(const struct pace *p, uint64_t now_ms);
/* Mean speed in either direction over the window. */
uint64_t pace_rate_kb_per_s(const struct pace *p, uint64_t now_ms);
/* At that speed, in that direction; UINT64_MAX: never (standing still, or moving away). */
uint64_t pace_left_ms(const struct pace *p, uint64_t now_ms, uint64_t goal_kb);

#endif
