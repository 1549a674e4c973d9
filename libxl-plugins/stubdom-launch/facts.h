/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_FACTS_H
#define XLX_STUBDOM_LAUNCH_FACTS_H

/* What the rules want to know of this host. */

#include "core/ctx.h"
#include "stubdom-launch/check.h"

/*
 * Gather the facts for a guest with this configuration. stub_domid: the guest's own stub domain when it runs, which has
 * the name by right, else 0. Reads files and xenstore; logs what cannot be reached. Results in the pool.
 */
int stubdom_facts_gather(struct xlx_ctx *ctx, struct gc *gc, const struct json *config, uint32_t stub_domid,
                         struct stubdom_facts *facts);

/* Is the QEMU missing that libxl starts in dom0 for the stub domain's consoles? NULL, or what is missing, a sentence's
 * part. root: "", or where to look instead of "/"; xen: "4.17", or NULL when it is not known. */
const char *stubdom_dom0_qemu_missing(struct gc *gc, const char *root, const char *xen);

#endif
