/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_SERVICE_HISTORY_H
#define XLX_BALANCE_SERVICE_HISTORY_H

/*
 * What memory each domain had in the last hours, and what happened meanwhile; pure, bounded, in memory alone.
 *
 * A domain's record is a ring of steps of the same length for all domains. A step holds four sizes in 16 bits each (to
 * 1/2000 of their value). When the rings of all domains do not fit into the bound any more, those of domains that are
 * gone are dropped, then all steps become twice as long. What is held and the target are those at a step's end; of what
 * is needed a step keeps the most, of what is available the least, so that a short distress is not averaged away.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/gc.h"

#define HISTORY_STEP_MS 10000
#define HISTORY_SPAN_MS (6 * 3600 * UINT64_C(1000))
#define HISTORY_BYTES (4u << 20)
#define HISTORY_NAME_MAX 64

/* The host as a whole: what all domains together hold, are to hold and need, and the host's free memory. */
#define HISTORY_HOST UINT32_MAX

struct history_sizes {
    uint64_t held_memkb, target_memkb, need_memkb, available_memkb;
    bool held_known, target_known, need_known, available_known;
};

/* A domain at a moment. */
struct history_look {
    uint32_t domid;
    const char *uuid; /* empty: it is known by its domid alone */
    const char *name;
    struct history_sizes sizes;
    bool kills_known;
    uint64_t kills; /* processes that its kernel has killed for want of memory so far */
};

enum history_kind {
    HISTORY_START, /* a domain came, */
    HISTORY_END,   /* or went */
    HISTORY_PIN,   /* somebody else set its target */
    HISTORY_KILL,  /* its kernel killed a process for want of memory */
    HISTORY_RESERVATION,
};
extern const char *const history_kind_names[]; /* NULL at the end */

struct history_mark {
    uint64_t age_ms;
    enum history_kind kind;
    uint32_t domid;   /* HISTORY_HOST: none (yet) */
    const char *name; /* as last known, empty when it is not; valid until the next history_look */
    bool size_known;
    uint64_t memkb; /* the reservation's, the target of a pin */
};

struct history_point {
    uint64_t age_ms; /* of the step's end */
    struct history_sizes sizes;
};

struct history;

/* Never uses more than bytes; marks take the smaller part of them. */
struct history *history_new(size_t bytes);
/* NULL is allowed. */
void history_free(struct history *h);

/* The host and all domains there are, as often as HISTORY_STEP_MS asks for: domains that are new get a ring (or their own
 * again, when they are back under the same UUID), starts, ends and kills are marked. now_ms never goes back. */
void history_look(struct history *h, uint64_t now_ms, const struct history_sizes *host,
                  const struct history_look *domains, size_t count);
/* Marks what a look cannot see. */
void history_happened(struct history *h, uint64_t now_ms, enum history_kind kind, uint32_t domid, bool size_known,
                      uint64_t memkb);

/* Of a domain or HISTORY_HOST, oldest first, in the pool; NULL: no such domain has been seen. A step of which nothing is
 * known is there, too. */
struct history_point *history_points(const struct history *h, struct gc *gc, uint32_t domid, uint64_t now_ms,
                                     uint64_t last_ms, size_t *count);
/* Of a domain, or of all. */
struct history_mark *history_marks(const struct history *h, struct gc *gc, uint32_t domid, uint64_t now_ms,
                                   uint64_t last_ms, size_t *count);
uint64_t history_step_ms(const struct history *h);
/* What it uses now. */
size_t history_bytes(const struct history *h);

#endif
