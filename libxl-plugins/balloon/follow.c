/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon/follow.h"

#include "balloon/sizes.h"

static int64_t measure_kb(const struct follow *f)
{
    return offset_measure_kb(f->held_memkb, f->target_memkb);
}

static void rearm_from_start(struct follow *f, uint64_t now_ms)
{
    f->rearm_at_ms = now_ms;
    f->rearm_wait_ms = f->rules->rearm_wait_ms;
}

void follow_start(struct follow *f, const struct follow_rules *rules, uint64_t target_memkb, struct offset offset,
                  uint64_t now_ms)
{
    *f = (struct follow){.rules = rules, .target_memkb = target_memkb, .offset = offset, .left_ms = UINT64_MAX};
    follow_expect(f, now_ms);
}

void follow_expect(struct follow *f, uint64_t now_ms)
{
    f->expected_ms = now_ms;
    f->stuck_memkb = 0;
    rearm_from_start(f, now_ms);
}

void follow_target(struct follow *f, uint64_t target_memkb, uint64_t now_ms)
{
    if (f->target_memkb == target_memkb)
        return;
    f->target_memkb = target_memkb;
    f->moved = false;
    f->state = FOLLOW_MOVING;
    follow_expect(f, now_ms);
}

uint64_t follow_rest_ms(const struct follow *f, uint64_t now_ms)
{
    uint64_t rest_ms = pace_rest_ms(&f->pace, now_ms), expected_ms = now_ms - f->expected_ms;

    return rest_ms < expected_ms ? rest_ms : expected_ms;
}

static bool has_settled(const struct follow *f, uint64_t now_ms)
{
    uint64_t rest_ms = pace_rest_ms(&f->pace, now_ms);
    int64_t kb = measure_kb(f);

    if (!f->offset.calibrated)
        return offset_is_possible(&f->offset, kb) &&
               rest_ms >= (kb == f->offset.kb || !kb ? f->rules->passing_ms : f->rules->rest_ms);
    /* A guest that has not moved at all has no driver, or is paused: what it holds beyond is no new offset. */
    return kb == f->offset.kb || (f->moved && offset_is_possible(&f->offset, kb) && rest_ms >= f->rules->rest_ms);
}

/* It is where it was stuck, but for the page by which a re-arm moves it there and back: the next one has to wait all the
 * same. */
static bool is_rearmed_only(const struct follow *f)
{
    int64_t moved_kb = (int64_t)f->held_memkb - (int64_t)f->stuck_memkb;

    return f->stuck_memkb && moved_kb >= -MEM_PAGE_KB && moved_kb <= MEM_PAGE_KB;
}

enum follow_state follow_look(struct follow *f, uint64_t held_memkb, uint64_t now_ms)
{
    bool first = !f->pace.count;

    f->moved |= !first && held_memkb != f->held_memkb;
    f->held_memkb = held_memkb;
    pace_note(&f->pace, now_ms, held_memkb);
    f->rate_kb_per_s = pace_rate_kb_per_s(&f->pace, now_ms);
    f->left_ms = pace_left_ms(&f->pace, now_ms, (uint64_t)((int64_t)f->target_memkb + f->offset.kb));
    if (has_settled(f, now_ms)) {
        f->state = FOLLOW_SETTLED;
        f->left_ms = 0;
    } else if (follow_rest_ms(f, now_ms) < f->rules->stuck_ms) {
        f->state = FOLLOW_MOVING;
        if (!is_rearmed_only(f))
            rearm_from_start(f, now_ms);
    } else {
        f->state = FOLLOW_STUCK;
        f->stuck_memkb = held_memkb;
    }
    return f->state;
}

uint64_t follow_actual_memkb(const struct follow *f)
{
    int64_t memkb = (int64_t)f->held_memkb - f->offset.kb;

    return memkb > 0 ? (uint64_t)memkb : 0;
}

bool follow_take_offset(struct follow *f)
{
    int64_t kb = measure_kb(f);

    if (f->offset.calibrated && f->offset.kb == kb)
        return false;
    f->offset = (struct offset){kb, true, f->offset.hvm};
    return true;
}

bool follow_rearm_due(struct follow *f, uint64_t now_ms)
{
    if (f->state != FOLLOW_STUCK || now_ms < f->rearm_at_ms)
        return false;
    f->rearm_wait_ms = f->rearm_wait_ms * 2 > f->rules->rearm_most_ms ? f->rules->rearm_most_ms : f->rearm_wait_ms * 2;
    f->rearm_at_ms = now_ms + f->rearm_wait_ms;
    return true;
}

uint64_t rearm_target_memkb(uint64_t target_memkb, bool giving)
{
    if (giving)
        return target_memkb + MEM_PAGE_KB;
    return target_memkb > MEM_PAGE_KB ? target_memkb - MEM_PAGE_KB : target_memkb;
}

uint64_t follow_page_off_memkb(const struct follow *f)
{
    return rearm_target_memkb(f->target_memkb, measure_kb(f) > 0);
}
