/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_XEN_BOOT_H
#define XLX_CORE_XEN_BOOT_H

/* What Xen's command line and xl.conf say about memory. */

#include <stdbool.h>
#include <stdint.h>

#include "core/ctx.h"

/* Below so much free memory the hypervisor raises VIRQ_ENOMEM. */
uint64_t low_mem_virq_memkb(struct xlx_ctx *ctx);

/* Whether xl takes memory from dom0 for a domain that it starts, behind everybody's back: no dom0_mem= on Xen's
 * command line, and xl.conf does not say otherwise. */
bool autoballoon_is_on(struct xlx_ctx *ctx);
/* Whether Xen was told how large dom0 is. */
bool dom0_mem_is_given(struct xlx_ctx *ctx);

#endif
