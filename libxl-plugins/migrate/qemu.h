/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MIGRATE_QEMU_H
#define XLX_MIGRATE_QEMU_H

/* Asks the device model of a domain one thing through libxl, which owns its monitor. */

#include "core/ao.h"

/* The longest that a device model may take to answer. */
#define QEMU_ANSWER_MS 10000

/*
 *   Idle --qemu_ask_start--> Asked --answered--> Idle, done()
 *                            Asked --abort or time-out--> libxl told to give up --answered--> Idle, done()
 */
struct qemu_ask {
    struct ao ao; /* ao.timeout_ms set by qemu_ask_start when 0 */
    /* filled in by the caller */
    uint32_t domid;
    const char *command; /* of the human monitor, for example "info migrate" */

    /* result: from malloc, the caller's to free; NULL after an error */
    char *output;

    /* private */
    libxl_ctx *libxl;
    libxl_asyncop_how how;
    int rc;
};

void qemu_ask_start(struct qemu_ask *ask);

/* The reasons in the answer to "info migrate" for which QEMU refuses to be saved, joined by "; ", in the pool; NULL:
 * there are none. QEMU 7.2, hmp_info_migrate. */
char *qemu_blocked_reasons(struct gc *gc, const char *info_migrate);

#endif
