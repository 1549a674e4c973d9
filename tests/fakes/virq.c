/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fakes/virq.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <xenevtchn.h>

#define PORT 17

struct xenevtchn_handle {
    int pipe[2]; /* readable while an interrupt is pending */
};

static struct xenevtchn_handle *bound;
static bool is_taken;
static unsigned unmasked;

void fake_virq_taken(bool taken)
{
    is_taken = taken;
}

void fake_virq_raise(void)
{
    if (bound && write(bound->pipe[1], "", 1) != 1)
        abort();
}

unsigned fake_virq_unmasked(void)
{
    return unmasked;
}

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
    struct xenevtchn_handle *h = calloc(1, sizeof(*h));

    if (!h || pipe2(h->pipe, O_CLOEXEC | O_NONBLOCK))
        abort();
    return h;
}

int xenevtchn_close(xenevtchn_handle *h)
{
    if (bound == h)
        bound = NULL;
    close(h->pipe[0]);
    close(h->pipe[1]);
    free(h);
    return 0;
}

int xenevtchn_fd(xenevtchn_handle *h)
{
    return h->pipe[0];
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *h, unsigned int virq)
{
    if (is_taken) {
        errno = EEXIST;
        return -1;
    }
    bound = h;
    return PORT;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *h)
{
    char byte;

    return read(h->pipe[0], &byte, 1) == 1 ? PORT : -1;
}

int xenevtchn_unmask(xenevtchn_handle *h, evtchn_port_t port)
{
    if (port != PORT)
        abort();
    unmasked++;
    return 0;
}
