/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_QMP_PROBE_H
#define XLX_STUBDOM_LAUNCH_QMP_PROBE_H

/* Does the QEMU inside a stub domain answer? Connects to the socket that libxl uses and waits for QMP's greeting. */

#include "core/ao.h"
#include "monitor/connection.h"

#define QMP_PROBE_TIMEOUT_MS 3000

struct qmp_probe {
    /* filled in by the caller */
    struct ao ao;
    uint32_t domid; /* the guest */
    void *owner;    /* the caller's own */

    /* result */
    bool reachable;

    /* private */
    struct connection connection;
};

/* Ends with 0 and the result, after QMP_PROBE_TIMEOUT_MS at the latest, or ERROR_ABORTED. */
void qmp_probe_start(struct qmp_probe *probe);

#endif
