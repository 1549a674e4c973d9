/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/policy/health.h"

#include "balloon/sizes.h"

static void begin(struct health *h, uint64_t actual_memkb, uint64_t target_memkb, uint64_t now_ms)
{
    enum health_way way = actual_memkb > target_memkb ? HEALTH_GIVING : HEALTH_TAKING;

    /* A target that only moved on, the same way, does not hide that nothing happens. */
    if (!h->moving || way != h->way) {
        h->rearmed = 0;
        h->slow = false;
        h->still_since_ms = now_ms;
        h->last_memkb = h->window_memkb = actual_memkb;
        h->last_at_ms = h->window_at_ms = now_ms;
    }
    h->moving = true;
    h->way = way;
    h->target_memkb = target_memkb;
}

static enum health_verdict recover(struct health_side *side)
{
    bool was = side->state != HEALTH_WELL;

    side->state = HEALTH_WELL;
    return was ? HEALTH_RECOVERED : HEALTH_NOTHING;
}

static enum health_verdict moved(struct health *h, uint64_t by_kb, uint64_t now_ms)
{
    struct health_side *side = &h->sides[h->way];

    h->still_since_ms = now_ms;
    side->proved_kb += by_kb;
    if (side->state == HEALTH_WELL) {
        /* A few pages after a re-arm are the try that fails again. */
        if (side->proved_kb >= HEALTH_PROVED_KB)
            h->rearmed = 0;
        return HEALTH_NOTHING;
    }
    return side->proved_kb >= HEALTH_PROVED_KB ? recover(side) : HEALTH_NOTHING;
}

static enum health_verdict stood_still(struct health *h, uint64_t now_ms)
{
    struct health_side *side = &h->sides[h->way];

    h->still_since_ms = now_ms;
    /* A probe has moved the target already. */
    if (side->state == HEALTH_WELL && h->rearmed < HEALTH_REARMS) {
        h->rearmed++;
        side->proved_kb = 0;
        return HEALTH_REARM;
    }
    side->state = HEALTH_STUCK;
    side->rate_known = true;
    side->rate_kb_per_s = 0;
    side->backoff_ms = side->backoff_ms ? side->backoff_ms * 2 : HEALTH_BACKOFF_LEAST_MS;
    if (side->backoff_ms > HEALTH_BACKOFF_MOST_MS)
        side->backoff_ms = HEALTH_BACKOFF_MOST_MS;
    side->probe_at_ms = now_ms + side->backoff_ms;
    h->moving = false;
    return HEALTH_GAVE_UP;
}

static void measure(struct health *h, uint64_t actual_memkb, uint64_t now_ms)
{
    struct health_side *side = &h->sides[h->way];
    uint64_t passed_ms = now_ms - h->window_at_ms, rate;
    uint64_t way_kb = h->way == HEALTH_GIVING ? h->window_memkb - actual_memkb : actual_memkb - h->window_memkb;

    if (passed_ms < HEALTH_WINDOW_MS)
        return;
    if ((int64_t)way_kb < 0)
        way_kb = 0;
    rate = way_kb * 1000 / passed_ms;
    side->rate_kb_per_s = side->rate_known ? (side->rate_kb_per_s + rate) / 2 : rate;
    side->rate_known = true;
    h->window_memkb = actual_memkb;
    h->window_at_ms = now_ms;
}

bool health_reconsider(struct health *h, enum health_way way)
{
    struct health_side *side = &h->sides[way];

    if (side->state != HEALTH_STUCK)
        return false;
    side->state = HEALTH_WELL;
    side->rate_known = false;
    h->rearmed = 0;
    return true;
}

/* Nobody waits for a stuck guest; should it move by itself after all, it is taken for well. */
static enum health_verdict look_at_stuck(struct health *h, enum health_way way, uint64_t actual_memkb)
{
    uint64_t by_kb = way == HEALTH_GIVING ? h->last_memkb - actual_memkb : actual_memkb - h->last_memkb;

    h->moving = h->slow = false;
    if (h->way == way && (int64_t)by_kb >= MEM_PAGE_KB) {
        h->last_memkb = actual_memkb;
        health_reconsider(h, way);
        return HEALTH_RECOVERED;
    }
    if (h->way != way || (int64_t)by_kb < 0) {
        h->way = way;
        h->last_memkb = actual_memkb;
    }
    return HEALTH_NOTHING;
}

/* Who has come all the way is tried again as soon as any other; who stopped half-way, after ever longer pauses. */
static enum health_verdict arrive(struct health_side *side)
{
    side->backoff_ms = 0;
    return recover(side);
}

/* It is where a probe wanted it, whether or not it was seen on its way. */
static enum health_verdict end_probation(struct health *h, uint64_t actual_memkb)
{
    struct health_side *giving = &h->sides[HEALTH_GIVING], *taking = &h->sides[HEALTH_TAKING];

    if (giving->state == HEALTH_PROBATION && actual_memkb + HEALTH_PROVED_KB <= giving->probed_from_kb)
        return arrive(giving);
    if (taking->state == HEALTH_PROBATION && actual_memkb >= taking->probed_from_kb + HEALTH_PROVED_KB)
        return arrive(taking);
    return HEALTH_NOTHING;
}

enum health_verdict health_look(struct health *h, uint64_t actual_memkb, uint64_t target_memkb, uint64_t now_ms)
{
    uint64_t left_kb = actual_memkb > target_memkb ? actual_memkb - target_memkb : target_memkb - actual_memkb;
    enum health_verdict verdict = HEALTH_NOTHING;
    enum health_way way;
    uint64_t by_kb, rate;

    h->left_ms = UINT64_MAX;
    if (left_kb <= HEALTH_NEAR_KB) {
        verdict = end_probation(h, actual_memkb);
        if (verdict == HEALTH_NOTHING && h->moving && h->sides[h->way].state != HEALTH_STUCK)
            verdict = arrive(&h->sides[h->way]);
        h->moving = h->slow = false;
        return verdict;
    }
    way = actual_memkb > target_memkb ? HEALTH_GIVING : HEALTH_TAKING;
    if (h->sides[way].state == HEALTH_STUCK)
        return look_at_stuck(h, way, actual_memkb);
    if (!h->moving || target_memkb != h->target_memkb)
        begin(h, actual_memkb, target_memkb, now_ms);
    by_kb = h->way == HEALTH_GIVING ? h->last_memkb - actual_memkb : actual_memkb - h->last_memkb;
    h->last_memkb = actual_memkb;
    h->last_at_ms = now_ms;
    measure(h, actual_memkb, now_ms);
    if ((int64_t)by_kb >= MEM_PAGE_KB)
        verdict = moved(h, by_kb, now_ms);
    else if (now_ms - h->still_since_ms >= HEALTH_STILL_MS)
        verdict = stood_still(h, now_ms);
    rate = h->sides[h->way].rate_kb_per_s;
    if (h->moving && rate)
        h->left_ms = left_kb * 1000 / rate;
    if (!h->moving || h->left_ms < HEALTH_SLOW_MS / 3)
        h->slow = false;
    else if (h->left_ms > HEALTH_SLOW_MS && h->sides[h->way].rate_known)
        h->slow = true;
    return verdict;
}

void health_pause(struct health *h, uint64_t actual_memkb, uint64_t now_ms)
{
    h->left_ms = UINT64_MAX;
    if (!h->moving)
        return;
    h->still_since_ms = now_ms;
    h->last_memkb = h->window_memkb = actual_memkb;
    h->last_at_ms = h->window_at_ms = now_ms;
}

bool health_probe_due(struct health *h, enum health_way way, uint64_t actual_memkb, uint64_t now_ms)
{
    struct health_side *side = &h->sides[way];

    if (side->state != HEALTH_STUCK || now_ms < side->probe_at_ms)
        return false;
    side->state = HEALTH_PROBATION;
    side->proved_kb = 0;
    side->probed_from_kb = actual_memkb;
    return true;
}

uint64_t health_can_give(const struct health *h, uint64_t within_ms, bool by_rate)
{
    const struct health_side *side = &h->sides[HEALTH_GIVING];

    if (side->state != HEALTH_WELL)
        return 0;
    if (!side->rate_known || !(by_rate || (h->slow && h->way == HEALTH_GIVING)))
        return UINT64_MAX;
    return side->rate_kb_per_s * within_ms / 1000;
}
