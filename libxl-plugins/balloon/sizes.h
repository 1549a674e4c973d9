/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_SIZES_H
#define XLX_BALLOON_SIZES_H

#include <stdint.h>

/* The hypervisor counts a domain's memory in pages of 4 KiB (XC_PAGE_SIZE of xenctrl.h), on x86 and on Arm. */
#define MEM_PAGE_KB 4
/* No domain is larger: the limit of what is believed when it stands in xenstore. */
#define MEM_LIMIT_MEMKB (UINT64_C(16) << 30)

/* A settled guest is at most this far from its target (offset.h); more is a guest that has stopped on its way. An HVM guest
 * may be further below: without video memory it is built with 64 KiB less than its target, and hvmloader takes more of that
 * where the limit refuses it pages of its own (mem_hole_populate_ram, tools/firmware/hvmloader/util.c). */
#define OFFSET_MIN_KB (-64)
#define OFFSET_HVM_MIN_KB (-256)
#define OFFSET_MAX_KB 256

#endif
