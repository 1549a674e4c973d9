/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_BALLOON_GUEST_H
#define TESTS_BALLOON_GUEST_H

/* A guest whose balloon follows the target in the fake xenstore, at its own pace and to its own offset. */

#include <stdbool.h>
#include <stdint.h>

struct fake_domain;

struct guest {
    struct fake_domain *domain;
    uint64_t rate_kb_per_s; /* 0: does not move */
    int64_t offset_kb;
    uint64_t stops_at_kb; /* gives up there, until its target changes; 0: never */
    bool asleep;
    uint64_t seen_target_kb, last_ms, changed;
    char target[64];
};

/* From test_calloc. */
struct guest *make_guest(uint32_t domid, const char *type, uint64_t actual_kb, uint64_t target_kb,
                         uint64_t rate_kb_per_s, int64_t offset_kb);
/* The target that stands, in KiB. */
uint64_t target_of(const struct guest *g);

#endif
