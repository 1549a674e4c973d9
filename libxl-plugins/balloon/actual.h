/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_ACTUAL_H
#define XLX_BALLOON_ACTUAL_H

/*
 * From what the hypervisor counts as a domain's (tot_pages) to the size that a QMP client is told. A settled guest
 * holds its target and a constant offset more; taking the offset off, a settled guest reads exactly what was asked for.
 * Pure: what the sizes are at a time goes in, what is to be told comes out.
 */

#include <stdbool.h>
#include <stdint.h>

#include "balloon/follow.h"

struct actual {
    struct follow follow; /* its target, its offset, and what it holds */
    uint64_t ram_memkb;   /* the most that is told */

    /* A guest that never ran is still being made: its device model takes what it needs. Its size is what it is built
     * for. */
    bool fresh;
    uint64_t built_memkb;
    /* Before an HVM guest's driver runs it holds its video memory too, and gives it back when the driver first runs.
     * That is no change of size: nothing above its first target is told until it has once been there. */
    uint64_t ceiling_memkb; /* UINT64_MAX: none */
    /* It has settled at its present target. What moves it by as little as an offset then is its firmware's or its kernel's
     * own business (its balloon driver starts): no change of size, and its offset once it rests again. */
    bool was_settled;
};

/* How long a guest that is near its target must hold still for what it holds beyond to be its offset. */
#define ACTUAL_STILL_MS 2000
/* A guest that has not moved for so long has stopped (squeezed calls it inactive then). */
#define ACTUAL_STUCK_MS 5000

/* What is known of a guest at first sight, in KiB. */
struct actual_guest {
    uint64_t held_memkb, target_memkb, static_max_memkb, videoram_memkb;
    struct offset offset;
    bool fresh; /* it never ran */
};

/* The size that QEMU calls a machine's memory: video memory is not part of it there, and of static-max here. */
uint64_t actual_ram_memkb(uint64_t static_max_memkb, uint64_t videoram_memkb);

void actual_init(struct actual *a, const struct actual_guest *guest, uint64_t now_ms);

/* It runs, or has run. */
void actual_runs(struct actual *a);

/* Its target is set, or the same as before. */
void actual_set_target(struct actual *a, uint64_t target_memkb, uint64_t now_ms);

/* A look at it. Returns the size to tell in KiB. *calibrated: its offset has just been found, and
 * is worth a note. */
uint64_t actual_look(struct actual *a, uint64_t held_memkb, uint64_t now_ms, bool *calibrated);

/* It holds its target and the offset. */
bool actual_settled(const struct actual *a);

#endif
