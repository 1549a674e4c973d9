/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/init/bridge.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <libxenvchan.h>
#include <xenstore.h>

#include "base/cleanup.h"
#include "stubdom/init/report.h"

/* Values of the ring's cli_live; the first three are libxenvchan's, the last one is this server's
 * mark. */
enum { CLIENT_GONE = 0, CLIENT_NEW = 1, CLIENT_NEVER = 2, CLIENT_NOTICED = 3 };

#define RING_FROM_CLIENT_BYTES 4096
#define RING_TO_CLIENT_BYTES 16384 /* QEMU's answers are longer than its commands */

struct buffer {
    char data[4096];
    size_t used;
};

static struct {
    char path[96];
    const struct qmp_socket *socket;
    struct libxenvchan *vchan; /* NULL in NONE */
    int qmp_fd;                /* -1 unless CONNECTED */
    bool connected;
    struct buffer to_qemu, to_client;
} bridge = {.qmp_fd = -1};

static int publish(void)
{
    bridge.vchan = libxenvchan_server_init(NULL, 0, bridge.path, RING_FROM_CLIENT_BYTES, RING_TO_CLIENT_BYTES);
    if (!bridge.vchan) {
        report("cannot offer the QMP channel at %s: %s", bridge.path, strerror(errno));
        return -1;
    }
    bridge.vchan->blocking = 0;
    bridge.vchan->server_persist = 0;
    return 0;
}

static void unpublish(void)
{
    struct xs_handle *xs = xs_open(0);

    if (!xs || !xs_rm(xs, XBT_NULL, bridge.path))
        report("cannot take %s out of xenstore: %s", bridge.path, strerror(errno));
    if (xs)
        xs_close(xs);
}

static void forget_client(void)
{
    if (bridge.qmp_fd >= 0)
        close(bridge.qmp_fd);
    bridge.qmp_fd = -1;
    bridge.connected = false;
    bridge.to_qemu.used = bridge.to_client.used = 0;
}

static int client_left(void)
{
    forget_client();
    libxenvchan_close(bridge.vchan);
    bridge.vchan = NULL;
    return publish();
}

/* A QEMU that does not take the connection, since it hangs and enough of them wait already, is no reason to serve
 * nobody any more: this client is sent away and may come again. */
static int client_came(void)
{
    bridge.connected = true;
    bridge.qmp_fd = qmp_socket_connect(bridge.socket);
    return bridge.qmp_fd < 0 ? client_left() : 0;
}

/* Another client on the ring of the one before: what either side has not read yet belongs to the
 * old conversation. */
static int client_was_replaced(void)
{
    forget_client();
    bridge.vchan->write.shr->prod = bridge.vchan->write.shr->cons;
    bridge.vchan->read.shr->cons = bridge.vchan->read.shr->prod;
    return client_came();
}

static void shift(struct buffer *buffer, size_t n)
{
    buffer->used -= n;
    memmove(buffer->data, buffer->data + n, buffer->used);
}

/* Move what can be moved without waiting. Returns false when the conversation has broken. */
static bool pump_to_qemu(void)
{
    struct buffer *b = &bridge.to_qemu;

    for (;;) {
        ssize_t r;

        if (!b->used) {
            int n = libxenvchan_read(bridge.vchan, b->data, sizeof(b->data));

            if (n <= 0)
                return true; /* -1: the client has gone, which follow_client sees */
            b->used = (size_t)n;
        }
        r = write(bridge.qmp_fd, b->data, b->used);
        if (r < 0)
            return errno == EAGAIN || errno == EINTR;
        shift(b, (size_t)r);
    }
}

static bool pump_to_client(void)
{
    struct buffer *b = &bridge.to_client;

    for (;;) {
        int n;

        if (!b->used) {
            ssize_t r = read(bridge.qmp_fd, b->data, sizeof(b->data));

            if (r < 0)
                return errno == EAGAIN || errno == EINTR;
            if (r == 0)
                return false;
            b->used = (size_t)r;
        }
        n = libxenvchan_write(bridge.vchan, b->data, b->used);
        if (n <= 0)
            return true; /* full: the client's reading wakes us; or gone */
        shift(b, (size_t)n);
    }
}

static int follow_client(void)
{
    uint8_t *live = &bridge.vchan->ring->cli_live;
    bool is_new = __sync_bool_compare_and_swap(live, CLIENT_NEW, CLIENT_NOTICED);

    if (is_new && bridge.connected)
        return client_was_replaced();
    if (is_new) {
        unpublish();
        return client_came();
    }
    if (__atomic_load_n(live, __ATOMIC_ACQUIRE) != CLIENT_GONE)
        return 0;
    if (bridge.connected)
        pump_to_qemu(); /* its last words, sent in the moment before it left */
    else
        unpublish(); /* it came and left unseen, and what it said must not be taken for the next one's */
    return client_left();
}

int bridge_start(uint32_t domid, uint32_t guest_domid, const struct qmp_socket *socket)
{
    snprintf(bridge.path, sizeof(bridge.path), "/local/domain/%u/device-model/%u/qmp-vchan", domid, guest_domid);
    bridge.socket = socket;
    return publish();
}

void bridge_prepare(struct pollfd fds[BRIDGE_POLL_FDS])
{
    fds[0] = (struct pollfd){.fd = -1};
    fds[1] = (struct pollfd){.fd = bridge.qmp_fd};
    if (bridge.vchan)
        fds[0] = (struct pollfd){.fd = libxenvchan_fd_for_select(bridge.vchan), .events = POLLIN};
    if (!bridge.to_client.used)
        fds[1].events |= POLLIN;
    if (bridge.to_qemu.used)
        fds[1].events |= POLLOUT;
    if (!fds[1].events)
        fds[1].fd = -1; /* that QEMU has gone would be reported again and again */
}

int bridge_dispatch(const struct pollfd fds[BRIDGE_POLL_FDS])
{
    if (!bridge.vchan)
        return -1;
    if (fds[0].revents && libxenvchan_wait(bridge.vchan)) {
        report("the QMP channel's event channel failed: %s", strerror(errno));
        return -1;
    }
    if (follow_client())
        return -1;
    if (bridge.qmp_fd >= 0 && (!pump_to_qemu() || !pump_to_client())) {
        /* QEMU closed the connection: so does this side, and the client may come again */
        return client_left();
    }
    return 0;
}
