/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/qmp-probe.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "core/xen-version.h"
#include "stubdom-launch/stubdom.h"

static void probe_done(struct qmp_probe *probe, int rc)
{
    connection_close(&probe->connection);
    ao_complete(&probe->ao, rc);
}

static void probe_aborted(struct ao *ao, int rc)
{
    struct qmp_probe *probe = CONTAINER_OF(ao, struct qmp_probe, ao);

    /* no answer in time is an answer */
    probe_done(probe, rc == ERROR_TIMEDOUT ? 0 : rc);
}

/*
 * vchan-socket-proxy ends for good when its client closes with something unread, or while it writes. So after the
 * greeting this side only says that it will write no more, and reads on until the proxy has closed.
 */
static void greeted(struct connection *connection)
{
    CONTAINER_OF(connection, struct qmp_probe, connection)->reachable = true;
    connection_finish(connection);
}

static void proxy_left(struct connection *connection)
{
    probe_done(CONTAINER_OF(connection, struct qmp_probe, connection), 0);
}

void qmp_probe_start(struct qmp_probe *probe)
{
    struct xlx_ctx *ctx = probe->ao.ctx;

    probe->reachable = false;
    probe->ao.timeout_ms = QMP_PROBE_TIMEOUT_MS;
    ao_start(&probe->ao, probe_aborted);
    probe->connection = (struct connection){.greeted = greeted, .lost = proxy_left, .may_be_absent = true};
    if (!connection_start(&probe->connection, ctx,
                          gc_printf(probe->ao.gc, XEN_RUN_FOLDER "/qmp-libxl-%u", probe->domid)))
        return;
    connection_close(&probe->connection);
    ao_complete_soon(&probe->ao, 0);
}
