/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_SETTLE_H
#define XLX_BALLOON_SETTLE_H

/*
 * Operation: follow domains until they have settled.
 *
 *   each domain:  Moving --actual is target + offset--> Settled
 *                 Moving --no progress for long--> Stuck --progress--> Moving
 *                 Stuck  --one page off, then back (re-armed)--> Stuck
 *                 any    --vanished--> Gone
 *   the operation: Running --all Settled or Gone | time is up | aborted--> done
 *
 * How a domain is judged, and what a re-arm is: balloon/follow.h.
 */

#include "core/ao.h"
#include "core/sampler.h"

struct mem_settle_domain;

struct mem_settle {
    struct ao ao; /* caller: ctx, done, timeout_ms (required) */

    /* filled in by the caller; the follows stay the caller's, and results are kept up to date in them */
    struct xlx_mem_settle asked;

    /* private */
    struct mem_settle_domain *domains;
    struct sampler_client sampler;
    uint64_t started_ms;
};

/* Whatever goes wrong, also at the start, is what done is told. */
void mem_settle_start(struct mem_settle *op);

/* What kept a guest from its target, as far as it can be seen from here: the end of a sentence; NULL: it is there.
 * first_memkb: what the hypervisor counted as the domain's before the wait. */
const char *mem_settle_why_not(struct xlx_ctx *ctx, const struct xlx_mem_follow *follow, uint64_t first_memkb);

/* A guest that has not moved for so long is called stuck, and re-armed. */
#define MEM_STUCK_MS 3000

#endif
