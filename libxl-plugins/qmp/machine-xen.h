/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_QMP_MACHINE_XEN_H
#define XLX_QMP_MACHINE_XEN_H

/*
 * A Xen domain as a machine. While no client has finished negotiation it costs nothing: no message, no sample. With one
 * it follows the domain's memory nodes and is sampled once a second; faster after a change of target until the guest
 * has settled or no longer moves.
 */

#include "core/service.h"
#include "qmp/machine.h"

struct machine_xen;

struct machine_xen_options {
    const char *path; /* of the socket */
    uid_t owner;
    gid_t group;
    const struct monitor_kind *kind; /* NULL: that of QEMU 7.2 */
    bool no_floor;                   /* take any size, as QEMU does, also one that kills the guest */
};

/* Opens the monitor. The record must outlive the machine. Logs. */
int machine_xen_new(struct xlx_ctx *ctx, const struct service_domain *domain, const struct machine_xen_options *options,
                    struct machine_xen **machine);
/* Ends its clients' connections. */
void machine_xen_free(struct machine_xen *machine);
/* Its target or its static-max was written. */
void machine_xen_written(struct machine_xen *machine);
/* reason: one of SHUTDOWN_* of xen/sched.h. */
void machine_xen_shut_down(struct machine_xen *machine, unsigned reason);
/* It vanished without having shut down. */
void machine_xen_destroyed(struct machine_xen *machine);

#endif
