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
 * Re-arming: Linux's balloon driver gives up after four failed tries and then sleeps until its target changes
 * (drivers/xen/balloon.c, BP_ECANCELED); writing the same target again does nothing.
 */

#include "core/ao.h"
#include "core/sampler.h"

struct mem_settle_domain;

struct mem_settle {
    struct ao ao; /* caller: ctx, done, timeout_ms (required) */

    /* filled in by the caller */
    struct xlx_mem_follow *follows; /* stays the caller's; results are kept up to date in it */
    size_t count;
    void (*progress)(void *arg, const struct xlx_mem_follow *follows, size_t count); /* may be NULL */
    void *arg;

    /* private */
    struct mem_settle_domain *domains;
    struct sampler_client sampler;
    uint64_t started_ms;
};

/* On an error nothing has been started and done is not called. */
int mem_settle_start(struct mem_settle *op);

/* A guest that has not moved for so long is called stuck, and re-armed. */
#define MEM_STUCK_MS 3000

#endif
