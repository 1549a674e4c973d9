/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_BALLOON_H
#define XLX_BALLOON_BALLOON_H

/* What the files of this plugin share; other plugins use xlx.h. */

#include <xenctrl.h>

#include "core/ctx.h"

/* Room that libxl adds to every limit it sets: LIBXL_MAXMEM_CONSTANT of libxl_internal.h, Xen 4.17. */
#define MEM_EXTRA_MEMKB 1024
/* LIBXL_MIN_DOM0_MEM, the same. */
#define MEM_DOM0_FLOOR_MEMKB 131072
#define MEM_PAGE_KB 4
/* No domain is larger: the limit of what is believed when it stands in xenstore. */
#define MEM_LIMIT_MEMKB (UINT64_C(16) << 30)

/* A settled guest is at most this far from its target; more is a guest that has stopped on its way. */
#define MEM_OFFSET_MIN_KB (-64)
#define MEM_OFFSET_MAX_KB 256

/* The usual offset of a settled Linux guest of that type, in KiB. */
int64_t mem_usual_offset_kb(libxl_domain_type type);

/* What xenstore knows of a domain's memory, into info; info->domid is set. The rest comes from mem_info_from_xen. */
int mem_info_from_store(struct xlx_ctx *ctx, struct xs_handle *xs, struct xlx_mem_info *info);
void mem_info_from_xen(const xc_domaininfo_t *xen, struct xlx_mem_info *info);

/* Writes the calibrated offset of a domain that was seen settled. Failures are logged as warnings only. */
void mem_offset_store(struct xlx_ctx *ctx, uint32_t domid, int64_t offset_memkb);

extern const struct xlx_command cmd_mem_info, cmd_mem_list, cmd_mem_max, cmd_mem_set, cmd_mem_watch;

#endif
