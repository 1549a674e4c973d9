/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_AGENT_LOOKS_H
#define XLX_AGENT_LOOKS_H

/*
 * When the agent looks at the guest's memory again, and whether what it saw is worth a report. A pure function of what
 * it saw and when: it reads no clock and calls nothing, so the simulator's guests decide by it as real ones do. Its
 * constants (AGENT_HEADROOM_*, AGENT_LOOK_*, AGENT_RISE_*) stand in agent/protocol.h.
 *
 * Used is total less available. While use or what is available moves, the next look comes after the shortest time in
 * which the guest could use up what is available down to its headroom, at the highest rise that was seen in it. While
 * both stand still each pause is twice the one before, up to AGENT_LOOK_MAX_MS.
 *
 * A look is worth a report when available has fallen below the headroom, when use has risen by a step since the last
 * report, or when available has fallen by a step while it is below the headroom; at most one in AGENT_RISE_GAP_MS.
 */

#include <stdbool.h>
#include <stdint.h>

/* What one look saw. */
struct look {
    uint64_t total_bytes;
    uint64_t available_bytes; /* more than total counts as total */
    uint64_t now_ms;          /* of a clock that never goes back */
};

/* What is remembered of earlier looks; zeros: nothing yet. */
struct looks {
    bool looked;
    uint64_t pause_ms;
    /* the last look at which use or what is available had moved */
    uint64_t moved_used_bytes, moved_available_bytes;
    /* since when, and from where, a rise is measured */
    uint64_t rise_from_ms, rise_from_bytes;
    uint64_t rise_bytes_per_s; /* the highest that was seen, 0: none */
    /* the last report */
    bool told;
    bool told_need; /* available was below the headroom */
    uint64_t told_ms, told_used_bytes, told_available_bytes;
};

struct look_verdict {
    bool moved;        /* use or what is available, since they were last said to have moved */
    bool report;       /* it is worth a report now */
    uint64_t again_ms; /* time from now to the next look, AGENT_LOOK_MIN_MS to AGENT_LOOK_MAX_MS; shorter only when a
                        * report waits for its gap */
};

/* Of what should a guest that uses so much always have left: bytes. */
uint64_t looks_headroom(uint64_t used_bytes);

/* Takes in one look, whatever it was taken for, and decides. */
struct look_verdict looks_decide(struct looks *looks, const struct look *look);

/* A report of what this look saw has been written, for whatever reason. */
void looks_told(struct looks *looks, const struct look *look);

/* Something else than a look says that memory is on the move: the next pause is the shortest. */
void looks_wake(struct looks *looks);

#endif
