/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon/actual.h"

/* Beside its video memory, what a fresh HVM guest may hold more than its target: 1 MiB when it was built with less than
 * its maximum (libxl__get_targetmem_fudge), and what the domain builder adds. */
#define FRESH_SLACK_MEMKB 1280

static const struct follow_rules rules = {
    .passing_ms = 100,
    .rest_ms = ACTUAL_STILL_MS,
    .stuck_ms = ACTUAL_STUCK_MS,
    .rearm_wait_ms = 5000,
    .rearm_most_ms = 60000,
};

uint64_t actual_ram_memkb(uint64_t static_max_memkb, uint64_t videoram_memkb)
{
    return videoram_memkb < static_max_memkb ? static_max_memkb - videoram_memkb : static_max_memkb;
}

/* What it holds beyond its target when it is first seen is the best guess, should it be near. */
static void guess_offset(struct actual *a)
{
    int64_t kb = offset_measure_kb(a->follow.held_memkb, a->follow.target_memkb);

    if (!a->follow.offset.calibrated && offset_is_possible(&a->follow.offset, kb))
        a->follow.offset.kb = kb;
}

void actual_init(struct actual *a, const struct actual_guest *guest, uint64_t now_ms)
{
    int64_t videoram_memkb = (int64_t)guest->videoram_memkb;
    int64_t most = videoram_memkb ? videoram_memkb + FRESH_SLACK_MEMKB : OFFSET_MAX_KB;
    int64_t beyond = offset_measure_kb(guest->held_memkb, guest->target_memkb);

    *a = (struct actual){
        .ram_memkb = actual_ram_memkb(guest->static_max_memkb, guest->videoram_memkb),
        .fresh = guest->fresh && beyond >= -FRESH_SLACK_MEMKB && beyond <= most,
        .built_memkb = guest->target_memkb,
        .ceiling_memkb = UINT64_MAX,
    };
    follow_start(&a->follow, &rules, guest->target_memkb, guest->offset, now_ms);
    follow_look(&a->follow, guest->held_memkb, now_ms);
    if (videoram_memkb && (a->fresh || (beyond >= videoram_memkb && beyond <= videoram_memkb + FRESH_SLACK_MEMKB)))
        a->ceiling_memkb = guest->target_memkb;
    else
        guess_offset(a);
}

void actual_runs(struct actual *a)
{
    if (!a->fresh)
        return;
    a->fresh = false;
    if (a->ceiling_memkb == UINT64_MAX)
        guess_offset(a);
}

void actual_set_target(struct actual *a, uint64_t target_memkb, uint64_t now_ms)
{
    if (target_memkb != a->follow.target_memkb)
        a->was_settled = false;
    follow_target(&a->follow, target_memkb, now_ms);
    if (a->ceiling_memkb < target_memkb)
        a->ceiling_memkb = target_memkb;
}

static uint64_t at_most(uint64_t memkb, uint64_t most_memkb)
{
    return memkb < most_memkb ? memkb : most_memkb;
}

static uint64_t size_now_memkb(struct actual *a)
{
    uint64_t whole_memkb = a->follow.target_memkb / MEM_PAGE_KB * MEM_PAGE_KB;
    uint64_t actual_memkb = follow_actual_memkb(&a->follow);

    /* One that rests near its target, and has not moved for it, may have no driver: it has settled where it reads it only. */
    if (!offset_is_possible(&a->follow.offset, offset_measure_kb(a->follow.held_memkb, a->follow.target_memkb)))
        a->was_settled = false;
    else if (a->follow.state == FOLLOW_SETTLED && (a->follow.moved || actual_memkb == whole_memkb))
        a->was_settled = true;
    return a->was_settled ? whole_memkb : actual_memkb;
}

uint64_t actual_look(struct actual *a, uint64_t held_memkb, uint64_t now_ms, bool *calibrated)
{
    uint64_t size_memkb;

    *calibrated = false;
    follow_look(&a->follow, held_memkb, now_ms);
    if (a->fresh) {
        a->follow.moved = false;
        return at_most(a->built_memkb, a->ram_memkb);
    }
    /* One that has not moved at all is paused, or has no driver: what is left is no offset. */
    if (a->follow.moved && a->follow.state == FOLLOW_SETTLED && a->ceiling_memkb == UINT64_MAX)
        *calibrated = follow_take_offset(&a->follow);
    size_memkb = size_now_memkb(a);
    if (size_memkb <= a->ceiling_memkb)
        a->ceiling_memkb = UINT64_MAX;
    else
        size_memkb = a->ceiling_memkb;
    return at_most(size_memkb, a->ram_memkb);
}

bool actual_settled(const struct actual *a)
{
    return offset_is_settled(&a->follow.offset, a->follow.held_memkb, a->follow.target_memkb);
}
