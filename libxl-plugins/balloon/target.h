/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_TARGET_H
#define XLX_BALLOON_TARGET_H

/*
 * A domain's memory target, written here and nowhere else: by people (xlx_mem_target_set in xlx.h), by clients of a QMP
 * monitor, by memd.
 *
 * The checks are those of libxl_set_memory_target (libxl_mem.c); the order of the steps is squeezed's: a grower's limit
 * is raised before it is told, a shrinker is told before its limit is lowered. libxl itself is not used: it lowers the
 * limit first, waits without limit for a lock, parses the domain's whole configuration for each call and reports
 * success when its commit fails.
 */

#include <stdbool.h>
#include <stdint.h>

#include "xlx.h"

enum target_owner {
    TARGET_OF_SOMEBODY, /* a wish: where memd has a record of the domain, the record says so from now on */
    TARGET_OF_MEMD,     /* recorded as memd's; ERROR_INVAL when the record says that the target is somebody's wish */
};

enum target_limit {
    TARGET_LIMIT_LIBXL, /* limit_of_libxl_memkb */
    TARGET_LIMIT_GIVEN, /* limit_memkb below, but never above libxl's */
    TARGET_LIMIT_KEPT,  /* not touched */
};

struct target_change {
    struct xlx_mem_target target; /* what is asked for, and the result: as in xlx.h */
    enum target_owner owner;
    enum target_limit limit;
    uint64_t limit_memkb; /* what the domain may hold, KiB */

    /* Only when the target is still this one: ERROR_INVAL when another stands. The caller watches the target, and mends
     * the limit when another is set at the very moment after. */
    bool has_expected;
    uint64_t expected_memkb;

    /* The caller knows both, and that the target lies within static-max: neither is read. */
    bool has_sizes;
    uint64_t videoram_memkb;

    /* Nothing is logged; errno is kept. A target that is missing in xenstore is ERROR_DOMAIN_NOTFOUND then. */
    bool quiet;
};

/*
 * Target, /vm's copy of it, the record of its owner, populate-on-demand target and limit, read back. Errors as
 * xlx_mem_target_set. On an error nothing is changed: what was done is undone, last first, unless somebody else has set
 * a target since; then theirs stands, and with it the limit that belongs to it.
 */
int target_change(struct xlx_ctx *ctx, struct target_change *change);

#endif
