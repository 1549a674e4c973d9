/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_LIFECYCLE_H
#define XLX_STUBDOM_LAUNCH_LIFECYCLE_H

/*
 * A guest's life after its start: waits for its end and does what its configuration says (on_poweroff, on_reboot,
 * on_crash, on_watchdog, on_soft_reset). A dead device model counts as a crash of the guest: the guest hangs at its
 * next access to an emulated device.
 */

#include "core/ctx.h"

/*
 * Runs the loop until the guest is gone for good (0), preserved (0), the caller is interrupted (ERROR_ABORTED: the
 * guest lives on), or something cannot be done (logged).
 */
int stubdom_lifecycle(struct xlx_ctx *ctx, uint32_t domid, uint32_t stub_domid);

/*
 * The same in a process of its own, detached, as xl does: "xl-ext stubdom-monitor DOMID" with its output in
 * /var/log/xen/xl-ext-GUEST.log. Logs.
 */
int stubdom_lifecycle_detach(struct xlx_ctx *ctx, uint32_t domid, const char *name);

#endif
