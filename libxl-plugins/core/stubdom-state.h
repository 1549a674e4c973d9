/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_STUBDOM_STATE_H
#define XLX_CORE_STUBDOM_STATE_H

/*
 * Whether a guest whose device model runs in a Linux stub domain can be saved and moved. The stub domain's init says so in
 * xenstore; QEMU's state then goes through a console of the stub domain to a QEMU in dom0, which writes the file that
 * libxl reads. docs/stubdom-image.md tells of it.
 */

#include <stdint.h>

#include "core/ctx.h"

/* The format that this xl-ext knows (base/dm-state.h). */
#define STUBDOM_STATE_FORMAT "1"

/* Below the stub domain's device-model/GUEST, written by its init: foreign. */
#define STUBDOM_STATE_SAVE "xl-ext/save"   /* the format, or "no: REASON" */
#define STUBDOM_STATE_SAVED "xl-ext/saved" /* of the last state that was sent: "NUMBER BYTES CRC" */

struct stubdom_state_file {
    char *path; /* from which libxl takes the state, /var/lib/xen/qemu-save.DOMID */
    /* libxl removes the file when a save has failed, and dom0's QEMU writes to the removed one: where it can be reached
     * all the same, /proc/PID/fd/N. NULL: the file is in its place. */
    char *removed;
};

/* NULL: nothing is known against it. Otherwise why not, in the pool: a clause without a full stop. file (may be NULL) is
 * filled in, in the pool, when the answer is NULL. Looks at xenstore and at files only. */
char *stubdom_state_why_not(struct xlx_ctx *ctx, struct gc *gc, uint32_t domid, uint32_t stub_domid,
                            struct stubdom_state_file *file);

/* Puts a file that was removed back in its place, as a link. 0, or ERROR_FAIL, logged. */
int stubdom_state_put_back(struct xlx_ctx *ctx, uint32_t domid, const struct stubdom_state_file *file);

/* The last state that the stub domain has sent. ERROR_NOTFOUND (silent): none. */
int stubdom_state_last(struct xlx_ctx *ctx, struct gc *gc, uint32_t domid, uint32_t stub_domid, uint32_t *number,
                       uint32_t *crc);

#endif
