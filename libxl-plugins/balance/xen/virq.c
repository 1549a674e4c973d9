/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "balance/xen/host-xen.h"
#include "base/cleanup.h"

/* VIRQ_ENOMEM: host memory has fallen under the hypervisor's low_mem_virq_limit. One user of a host can bind it. */

static void memory_runs_out(struct ev_fd *f, int fd, short revents)
{
    struct host_xen *x = CONTAINER_OF(f, struct host_xen, virq_fd);
    xenevtchn_port_or_error_t port = xenevtchn_pending(x->evtchn);

    if (port < 0)
        return;
    xenevtchn_unmask(x->evtchn, (evtchn_port_t)port);
    if (x->host.balancer)
        balancer_emergency(x->host.balancer);
}

void virq_start(struct host_xen *x)
{
    x->evtchn = xenevtchn_open(x->ctx->logger, 0);
    if (x->evtchn) {
        x->virq_port = xenevtchn_bind_virq(x->evtchn, VIRQ_ENOMEM);
        if (x->virq_port >= 0 && !fcntl(xenevtchn_fd(x->evtchn), F_SETFL, O_NONBLOCK) &&
            !ev_fd_start(&x->ctx->loop, &x->virq_fd, xenevtchn_fd(x->evtchn), POLLIN, memory_runs_out))
            return;
    }
    LOG(x->ctx, WARN,
        "the hypervisor's word that memory runs out (VIRQ_ENOMEM) goes to another program: %s; "
        "memory that others take is noticed by the timer only",
        strerror(errno));
    virq_stop(x);
}

void virq_stop(struct host_xen *x)
{
    ev_fd_stop(&x->virq_fd);
    if (x->evtchn)
        xenevtchn_close(TAKE_PTR(x->evtchn));
    x->virq_port = -1;
}
