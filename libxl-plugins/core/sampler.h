/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_SAMPLER_H
#define XLX_CORE_SAMPLER_H

/*
 * The one place that polls. Xen has no event for "a domain's page count changed", so whoever waits for one joins the
 * sampler, which asks for all domains in one hypercall and hands the answer to every client: at the shortest interval
 * that any of them wants at the moment, and not at all when there is none.
 */

#include <sys/queue.h>
#include <xenctrl.h>

#include "core/ctx.h"

#define SAMPLER_INTERVAL_MIN_MS 20

struct sampler_client {
    /* infos: all domains, ascending domid; now_ms: monotonic. Valid during the call. The client may leave, or change
     * its interval, from within. rc != 0: the hypervisor did not answer (logged); infos is empty. */
    void (*sampled)(struct sampler_client *client, int rc, const xc_domaininfo_t *infos, size_t count, uint64_t now_ms);

    /* private */
    uint64_t interval_ms;
    uint64_t due_ms;
    struct sampler *sampler;
    LIST_ENTRY(sampler_client) entry;
};

/* Zeros are Idle. The first sample comes after interval_ms (0: on the next turn of the loop, then at the minimum). */
int sampler_join(struct xlx_ctx *ctx, struct sampler_client *client, uint64_t interval_ms,
                 void (*sampled)(struct sampler_client *, int, const xc_domaininfo_t *, size_t, uint64_t));
/* Changes how often the client wants to be asked; its next sample comes at most interval_ms from now. No effect on one
 * that has left. */
void sampler_interval(struct sampler_client *client, uint64_t interval_ms);
void sampler_leave(struct sampler_client *client);

/* One look at all domains now, outside the clients' rhythm. infos is in the pool. Logs. */
int sampler_look(struct xlx_ctx *ctx, struct gc *gc, xc_domaininfo_t **infos, size_t *count);

/* The same, for one who has a rhythm of his own: the clients get the answer, too, on the next turn of the loop, and need
 * none of their own at that time. */
int sampler_look_shared(struct xlx_ctx *ctx, struct gc *gc, xc_domaininfo_t **infos, size_t *count);

/* The entry of a domain in such a list, or NULL. */
const xc_domaininfo_t *sampler_find(const xc_domaininfo_t *infos, size_t count, uint32_t domid);

#endif
