/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_FOLLOW_H
#define XLX_BALLOON_FOLLOW_H

/*
 * Does a guest get to its target? Judged from looks at what it holds, and pure: times are the caller's, in milliseconds
 * of any monotonic clock. Who follows brings its own patience (struct follow_rules).
 *
 *   Moving  --holds target and offset, or rests near its target--> Settled
 *   Moving  --has not moved for stuck_ms--> Stuck --moves--> Moving
 *   Settled --moves away, or gets another target--> Moving
 *
 * Linux's balloon driver gives up after four failed tries and then sleeps until its target changes
 * (drivers/xen/balloon.c, BP_ECANCELED); writing the same target again does nothing. A stuck guest is therefore
 * re-armed: its target is moved by a page and put back (balloon/rearm.h), at once and then less and less often.
 */

#include <stdbool.h>
#include <stdint.h>

#include "balloon/offset.h"
#include "balloon/pace.h"

enum follow_state { FOLLOW_MOVING, FOLLOW_SETTLED, FOLLOW_STUCK };

struct follow_rules {
    uint64_t passing_ms; /* so long it rests where guests of its type do, not just passing by */
    uint64_t rest_ms;    /* so long it rests near its target for what it holds beyond to be its offset */
    uint64_t stuck_ms;   /* so long without a move is stuck */
    uint64_t rearm_wait_ms, rearm_most_ms; /* to the second re-arm of a guest that stays stuck; the wait doubles */
};

struct follow {
    const struct follow_rules *rules;
    uint64_t target_memkb; /* of the node */
    struct offset offset;

    /* of the last look */
    enum follow_state state;
    uint64_t held_memkb;    /* as the hypervisor counts */
    uint64_t rate_kb_per_s; /* mean of the last seconds */
    uint64_t left_ms;       /* at that rate; UINT64_MAX: never */
    bool moved;             /* since it got its target */

    /* private */
    struct pace pace;
    uint64_t expected_ms; /* something made it move then */
    uint64_t rearm_at_ms, rearm_wait_ms;
    uint64_t stuck_memkb;    /* it was last stuck holding this; 0: it was not since it was expected to move */
    uint64_t page_off_memkb; /* balloon/rearm.h: where the target stands while a re-arm is half done; 0: none is */
};

void follow_start(struct follow *f, const struct follow_rules *rules, uint64_t target_memkb, struct offset offset,
                  uint64_t now_ms);
/* It gets another target; the same one again changes nothing. */
void follow_target(struct follow *f, uint64_t target_memkb, uint64_t now_ms);
/* It has a reason to move from now on: it was let run, or asked again. */
void follow_expect(struct follow *f, uint64_t now_ms);

enum follow_state follow_look(struct follow *f, uint64_t held_memkb, uint64_t now_ms);

/* What it holds, comparable with a target. */
uint64_t follow_actual_memkb(const struct follow *f);
/* For how long it has not moved although it might have. */
uint64_t follow_rest_ms(const struct follow *f, uint64_t now_ms);
/* It has settled beyond its target by another offset than the one that is known. That one is taken; returns whether it
 * differs or was not calibrated, which is worth a note (offset_note). */
bool follow_take_offset(struct follow *f);

/* It is stuck, and time to re-arm it. True once; the next time is later. */
bool follow_rearm_due(struct follow *f, uint64_t now_ms);
/* The target that wakes a guest which is to give, or to take: one page off, towards where the guest is. Neither limit nor
 * host memory can stand against that. */
uint64_t rearm_target_memkb(uint64_t target_memkb, bool giving);
uint64_t follow_page_off_memkb(const struct follow *f);

#endif
