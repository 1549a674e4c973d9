/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/looks.h"

#include "agent/protocol.h"
#include "base/least.h"

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static uint64_t available_of(const struct look *look)
{
    return least(look->available_bytes, look->total_bytes);
}

static uint64_t used_of(const struct look *look)
{
    return look->total_bytes - available_of(look);
}

uint64_t looks_headroom(uint64_t used_bytes)
{
    return most(used_bytes / 100 * AGENT_HEADROOM_PERCENT, AGENT_HEADROOM_LEAST_BYTES);
}

static uint64_t step_of(uint64_t used_bytes)
{
    return most(looks_headroom(used_bytes) / AGENT_RISE_PART, AGENT_CHANGE_BYTES);
}

/* Over less than the shortest pause a rise says nothing: the kernel's own counters lag that much. */
static void measure_rise(struct looks *l, uint64_t used, uint64_t now_ms)
{
    uint64_t passed_ms = now_ms - l->rise_from_ms;

    if (passed_ms < AGENT_LOOK_MIN_MS)
        return;
    if (used > l->rise_from_bytes + AGENT_CHANGE_BYTES)
        l->rise_bytes_per_s = most(l->rise_bytes_per_s, (used - l->rise_from_bytes) * 1000 / passed_ms);
    l->rise_from_ms = now_ms;
    l->rise_from_bytes = used;
}

/* How long what is available lasts at least, down to the headroom; that grows with what is used. */
static uint64_t lasts_ms(const struct looks *l, uint64_t used, uint64_t available)
{
    uint64_t headroom = looks_headroom(used), rise = most(l->rise_bytes_per_s, AGENT_RISE_LEAST_BYTES_PER_S);
    uint64_t room = available > headroom ? available - headroom : 0;

    return room / (100 + AGENT_HEADROOM_PERCENT) * 100 / (rise / 1000);
}

/* Returns whether something has moved. */
static bool find_pause(struct looks *l, uint64_t used, uint64_t available)
{
    uint64_t least_move = most(looks_headroom(used) / AGENT_STILL_PART, AGENT_CHANGE_BYTES);
    bool moved = !l->looked || distance(used, l->moved_used_bytes) >= least_move ||
                 distance(available, l->moved_available_bytes) >= least_move;

    if (moved) {
        l->moved_used_bytes = used;
        l->moved_available_bytes = available;
    }
    l->pause_ms = moved ? lasts_ms(l, used, available) : l->pause_ms * 2;
    l->pause_ms = least(most(l->pause_ms, AGENT_LOOK_MIN_MS), AGENT_LOOK_MAX_MS);
    return moved;
}

static bool worth_a_report(const struct looks *l, uint64_t used, uint64_t available)
{
    bool need = available < looks_headroom(used);
    uint64_t step = step_of(used);

    if (!l->told)
        return need;
    return (need && !l->told_need) || used >= l->told_used_bytes + step ||
           (need && available + step <= l->told_available_bytes);
}

struct look_verdict looks_decide(struct looks *l, const struct look *look)
{
    uint64_t used = used_of(look), available = available_of(look);
    struct look_verdict verdict;

    if (!l->looked) {
        l->rise_from_ms = look->now_ms;
        l->rise_from_bytes = used;
    }
    measure_rise(l, used, look->now_ms);
    verdict.moved = find_pause(l, used, available);
    verdict.again_ms = l->pause_ms;
    verdict.report = worth_a_report(l, used, available);
    l->looked = true;
    if (verdict.report && l->told && look->now_ms - l->told_ms < AGENT_RISE_GAP_MS) {
        verdict.report = false;
        verdict.again_ms = least(verdict.again_ms, l->told_ms + AGENT_RISE_GAP_MS - look->now_ms);
    }
    return verdict;
}

void looks_told(struct looks *l, const struct look *look)
{
    l->told = true;
    l->told_ms = look->now_ms;
    l->told_used_bytes = used_of(look);
    l->told_available_bytes = available_of(look);
    l->told_need = l->told_available_bytes < looks_headroom(l->told_used_bytes);
}

void looks_wake(struct looks *l)
{
    l->pause_ms = 0;
}
