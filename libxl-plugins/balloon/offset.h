/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_OFFSET_H
#define XLX_BALLOON_OFFSET_H

/*
 * What a settled guest holds beyond its target: constant for each guest, and another one for each type. It is measured
 * when a guest rests near its target, noted in xenstore (memory/memory-offset), and taken off whenever what a guest
 * holds is compared with a target. One rule for all who ask.
 */

#include <stdbool.h>
#include <stdint.h>

#include <libxl.h>

#include "balloon/sizes.h"

struct xlx_ctx;
struct xlx_mem_info;

struct offset {
    int64_t kb;
    bool calibrated; /* measured; else the usual one of its type */
    bool hvm;        /* of an HVM guest: what is possible differs */
};

/* Of a settled Linux guest of that type, in KiB. */
int64_t offset_usual_kb(libxl_domain_type type);
/* KiB that it holds beyond the target; guests take the whole pages of one. */
int64_t offset_measure_kb(uint64_t held_memkb, uint64_t target_memkb);
/* What was measured may be the offset of that guest, settled. */
bool offset_is_possible(const struct offset *offset, int64_t kb);
/* It holds its target and the offset; while that is not calibrated: what may be one. */
bool offset_is_settled(const struct offset *offset, uint64_t held_memkb, uint64_t target_memkb);

/* The offset of a domain that holds held_memkb, as far as that tells it: calibrated when it stands just where guests of
 * its type do. Else its note in xenstore (NODE_MEMORY_OFFSET) may say more: *may_be_noted, never of dom0. */
struct offset offset_guess(uint32_t domid, libxl_domain_type type, uint64_t held_memkb, bool has_target,
                           uint64_t target_memkb, bool *may_be_noted);
/* As the information on a domain has it. */
struct offset offset_of_info(const struct xlx_mem_info *info);
/* What the note says; nonsense changes nothing. */
void offset_take_note(struct offset *offset, const char *note);
#define OFFSET_NOTE_MAX 32 /* bytes */

/* Notes the offset of a domain that was seen settled. dom0's is not kept. A failure is only logged, as a warning. */
void offset_note(struct xlx_ctx *ctx, uint32_t domid, int64_t kb);

#endif
