/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_INFO_H
#define XLX_BALLOON_INFO_H

/* What is known of a domain's memory, from its two sources; xlx_mem_info_get and xlx_mem_list (xlx.h) ask both. */

#include <xenctrl.h>

#include "balloon/sizes.h"
#include "core/ctx.h"

/* What the hypervisor knows, into info. */
void mem_info_from_xen(const xc_domaininfo_t *xen, struct xlx_mem_info *info);
/* What xenstore knows; the other part must be there already. Logs. */
int mem_info_from_store(struct xlx_ctx *ctx, struct xs_handle *xs, struct xlx_mem_info *info);
/* xlx_mem_info_get, without a look at info's size. */
int mem_info_get(struct xlx_ctx *ctx, uint32_t domid, struct xlx_mem_info *info);

enum mem_info_want {
    MEM_INFO_ALL,
    MEM_INFO_STATE, /* no video memory, and an offset only where the guest's state depends on it */
};
/* xlx_mem_list, without a size, for who may not want all. */
int mem_list(struct xlx_ctx *ctx, enum mem_info_want want, struct xlx_mem_info **infos, size_t *count);

#endif
