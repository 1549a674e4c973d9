/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_LIMIT_H
#define XLX_BALLOON_LIMIT_H

/*
 * What the hypervisor lets a domain hold (max_pages), and the populate-on-demand target, which may not be more. A guest
 * may take up to its limit at any time, by itself. The rules are pure; the two functions at the end are the only place
 * that sets a limit or a populate-on-demand target.
 */

#include <stdint.h>

#include <libxl.h>

struct xlx_ctx;

/* As libxl_set_memory_target sets it: target, video memory and XEN_LIMIT_EXTRA_MEMKB. No other rule gives more. */
uint64_t limit_of_libxl_memkb(uint64_t target_memkb, uint64_t videoram_memkb);
/* The populate-on-demand target that goes with a target and a limit. Xen refuses one above the limit (EINVAL). */
uint64_t limit_pod_memkb(uint64_t target_memkb, uint64_t limit_memkb);

/* Both are silent and keep errno. ERROR_DOMAIN_NOTFOUND: it is gone; ERROR_FAIL: the hypervisor refused. */
int limit_set(struct xlx_ctx *ctx, uint32_t domid, uint64_t limit_memkb);
/* For a guest whose driver does not run yet: its cache of pages follows. Does nothing for dom0 and PV domains, which
 * have none. */
int limit_set_pod(struct xlx_ctx *ctx, uint32_t domid, libxl_domain_type type, uint64_t pod_memkb);

#endif
