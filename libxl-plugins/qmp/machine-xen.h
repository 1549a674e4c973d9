/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_QMP_MACHINE_XEN_H
#define XLX_QMP_MACHINE_XEN_H

/*
 * A Xen domain as a machine. While no client has finished negotiation it costs nothing: no watch, no sample. With one
 * it watches the domain's memory nodes and is sampled once a second; faster after a change of target until the guest
 * has settled or no longer moves.
 */

#include "core/service.h"
#include "qmp/machine.h"

struct machine_xen;

struct machine_xen_options {
    const char *path; /* of the socket */
    uid_t owner;
    gid_t group;
    bool no_floor; /* take any size, as QEMU does, also one that kills the guest */
};

/* Opens the monitor. Logs. */
int machine_xen_new(struct xlx_ctx *ctx, const struct service_domain *domain, const struct machine_xen_options *options,
                    struct machine_xen **machine);
/* Ends its clients' connections. */
void machine_xen_free(struct machine_xen *machine);
void machine_xen_renamed(struct machine_xen *machine, const char *name);
/* reason: one of SHUTDOWN_* of xen/sched.h. */
void machine_xen_shut_down(struct machine_xen *machine, unsigned reason);
/* It vanished without having shut down. */
void machine_xen_destroyed(struct machine_xen *machine);

#endif
