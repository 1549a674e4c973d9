/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon/actual.h"

/* Beside its video memory, what a fresh HVM guest may hold more than its target: 1 MiB when it was built with less than
 * its maximum (libxl__get_targetmem_fudge, Xen 4.17), and what the domain builder adds. */
#define FRESH_SLACK_MEMKB 1280

static int64_t measure_kb(const struct actual *a)
{
    return offset_measure_kb(a->last_memkb, a->target_memkb);
}

uint64_t actual_ram_memkb(uint64_t static_max_memkb, uint64_t videoram_memkb)
{
    return videoram_memkb < static_max_memkb ? static_max_memkb - videoram_memkb : static_max_memkb;
}

static void take_offset(struct actual *a)
{
    if (!a->offset.calibrated && offset_is_possible(measure_kb(a)))
        a->offset.kb = measure_kb(a);
}

void actual_init(struct actual *a, const struct actual_guest *guest, uint64_t now_ms)
{
    int64_t videoram_memkb = (int64_t)guest->videoram_memkb;
    int64_t most = videoram_memkb ? videoram_memkb + FRESH_SLACK_MEMKB : OFFSET_MAX_KB;
    int64_t distance;

    *a = (struct actual){
        .target_memkb = guest->target_memkb,
        .ram_memkb = actual_ram_memkb(guest->static_max_memkb, guest->videoram_memkb),
        .offset = guest->offset,
        .ceiling_memkb = UINT64_MAX,
        .last_memkb = guest->held_memkb,
        .still_since = now_ms,
    };
    distance = measure_kb(a);
    a->fresh = guest->fresh && distance >= -FRESH_SLACK_MEMKB && distance <= most;
    a->built_memkb = guest->target_memkb;
    if (videoram_memkb && (a->fresh || (distance >= videoram_memkb && distance <= videoram_memkb + FRESH_SLACK_MEMKB)))
        a->ceiling_memkb = guest->target_memkb;
    else
        take_offset(a);
}

void actual_runs(struct actual *a)
{
    if (!a->fresh)
        return;
    a->fresh = false;
    if (a->ceiling_memkb == UINT64_MAX)
        take_offset(a);
}

void actual_set_target(struct actual *a, uint64_t target_memkb)
{
    if (a->target_memkb == target_memkb)
        return;
    a->target_memkb = target_memkb;
    a->stirred = false;
    if (a->ceiling_memkb < target_memkb)
        a->ceiling_memkb = target_memkb;
}

static uint64_t at_most(uint64_t memkb, uint64_t most_memkb)
{
    return memkb < most_memkb ? memkb : most_memkb;
}

uint64_t actual_look(struct actual *a, uint64_t held_memkb, uint64_t now_ms, bool *calibrated)
{
    int64_t size;

    *calibrated = false;
    if (held_memkb != a->last_memkb) {
        a->last_memkb = held_memkb;
        a->still_since = now_ms;
        a->stirred = !a->fresh;
    }
    if (a->fresh)
        return at_most(a->built_memkb, a->ram_memkb);
    /* One that has not moved at all is paused, or has no driver: what is left is no offset. */
    if (a->stirred && a->ceiling_memkb == UINT64_MAX && now_ms - a->still_since >= ACTUAL_STILL_MS &&
        offset_is_possible(measure_kb(a)) && measure_kb(a) != a->offset.kb) {
        a->offset.kb = measure_kb(a);
        *calibrated = a->offset.calibrated = true;
    }
    size = (int64_t)held_memkb - a->offset.kb;
    if (size < 0)
        size = 0;
    if ((uint64_t)size <= a->ceiling_memkb)
        a->ceiling_memkb = UINT64_MAX;
    else
        size = (int64_t)a->ceiling_memkb;
    return at_most((uint64_t)size, a->ram_memkb);
}

bool actual_settled(const struct actual *a)
{
    return offset_is_settled(&a->offset, a->last_memkb, a->target_memkb);
}
