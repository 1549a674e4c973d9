/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_FLOOR_H
#define XLX_BALLOON_FLOOR_H

#include <stdint.h>

/*
 * The least target that a guest may be set to without force: its floor (xlx_mem_floor_memkb), but growing is a help also
 * below that, and a guest that has nothing to give needs no floor. All in KiB: static_max_memkb, target_memkb (the target
 * that stands), actual_memkb (what the guest holds without its offset; whole pages count). docs/memory-floor.md.
 */
uint64_t floor_least_memkb(uint64_t static_max_memkb, uint64_t target_memkb, uint64_t actual_memkb);

#endif
