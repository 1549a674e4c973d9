/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/init/bridge.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <libxenvchan.h>
#include <xenstore.h>

#include "base/cleanup.h"
#include "stubdom/init/qmp_talk.h"
#include "stubdom/init/report.h"
#include "stubdom/init/save.h"

/* Values of the ring's cli_live; the first three are libxenvchan's, the last one is this server's
 * mark. */
enum { CLIENT_GONE = 0, CLIENT_NEW = 1, CLIENT_NEVER = 2, CLIENT_NOTICED = 3 };

#define RING_FROM_CLIENT_BYTES 4096
#define RING_TO_CLIENT_BYTES 16384 /* QEMU's answers are longer than its commands */

#define READ_BYTES 4096

/* One reading, what was kept of a message before it, and an answer of this side's own fit. */
struct buffer {
    char data[READ_BYTES + QMP_MESSAGE_BYTES_MAX + 1024];
    size_t used;
};

/* The greeting, and the first answer. QEMU does one thing after the other: what was asked of it by an earlier client, a
 * save that nobody waited for maybe, is over by then. */
#define LINES_NEGOTIATED 2

/* QEMU's answer to "save" is waited for from the moment at which the command is passed on; when it says that QEMU has
 * saved, it is held back until the state is in dom0. */
enum saving { SAVING_NOT, SAVING_ASKED, SAVING_HELD };

static struct {
    char path[96];
    const struct qmp_socket *socket;
    struct libxenvchan *vchan; /* NULL in NONE */
    int qmp_fd;                /* -1 unless CONNECTED */
    bool connected;
    struct buffer to_qemu, to_client;
    struct qmp_splitter client_says;
    unsigned lines; /* that QEMU has said on this connection, the greeting among them */
    bool broken;    /* one side asks faster than the other one reads its answers */
    enum saving saving;
    struct qmp_id save_id;
    struct {
        char data[QMP_MESSAGE_BYTES_MAX];
        size_t used;
        bool passing; /* the rest of a line whose beginning went to the client without a look */
    } line;           /* of QEMU's, while its answer is waited for */
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
    bridge.connected = bridge.broken = false;
    bridge.lines = 0;
    bridge.to_qemu.used = bridge.to_client.used = bridge.line.used = 0;
    bridge.line.passing = false;
    bridge.client_says = (struct qmp_splitter){.used = 0};
    if (bridge.saving != SAVING_NOT)
        save_abandon();
    bridge.saving = SAVING_NOT;
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

static void append(struct buffer *buffer, const char *data, size_t len)
{
    if (len > sizeof(buffer->data) - buffer->used) {
        bridge.broken = true;
        return;
    }
    memcpy(buffer->data + buffer->used, data, len);
    buffer->used += len;
}

/* ---- from the client to QEMU ---- */

static void answer_error(const struct qmp_id *id, const char *cause)
{
    char line[512];
    size_t len = qmp_error_line(line, sizeof(line), id, cause);

    report("the guest is not saved: %s", cause);
    append(&bridge.to_client, line, len);
}

/* False: QEMU is not to hear of it, the client has its answer. */
static bool begin_save(const struct qmp_id *id)
{
    const char *cause = NULL;

    if (!*id->text)
        cause = "the command has no id to tell its answer by";
    else if (bridge.lines < LINES_NEGOTIATED || bridge.saving != SAVING_NOT)
        cause = "the command comes before an earlier one was answered";
    if (!cause)
        cause = save_begin();
    if (cause) {
        answer_error(id, cause);
        return false;
    }
    bridge.save_id = *id;
    bridge.saving = SAVING_ASKED;
    return true;
}

/* A whole message: is it to be passed on? */
static bool look_at_message(const char *text, size_t len)
{
    struct qmp_id id;

    switch (qmp_request_of(text, len, &id)) {
    case QMP_REQUEST_SAVE:
        return begin_save(&id);
    case QMP_REQUEST_CONT:
        save_guest_goes_on();
        return true;
    case QMP_REQUEST_OTHER:
        break;
    }
    return true;
}

static void client_said(const char *data, size_t len)
{
    struct qmp_splitter *s = &bridge.client_says;

    while (len) {
        enum qmp_piece piece;
        size_t taken = qmp_splitter_take(s, data, len, &piece);

        data += taken;
        len -= taken;
        if (piece == QMP_PIECE_INCOMPLETE)
            return;
        if (piece == QMP_PIECE_OTHER || look_at_message(s->text, s->used))
            append(&bridge.to_qemu, s->text, s->used);
        s->used = 0;
    }
}

/* Move what can be moved without waiting. Returns false when the conversation has broken. */
static bool pump_to_qemu(void)
{
    struct buffer *b = &bridge.to_qemu;

    for (;;) {
        ssize_t r;

        if (!b->used) {
            char data[READ_BYTES];
            /* answers of this side's own need room */
            int n = bridge.to_client.used > READ_BYTES ? 0 : libxenvchan_read(bridge.vchan, data, sizeof(data));

            if (n <= 0)
                return !bridge.broken; /* -1: the client has gone, which follow_client sees */
            client_said(data, (size_t)n);
            continue;
        }
        r = write(bridge.qmp_fd, b->data, b->used);
        if (r < 0)
            return errno == EAGAIN || errno == EINTR;
        shift(b, (size_t)r);
    }
}

/* ---- from QEMU to the client ---- */

static void pass_line(void)
{
    append(&bridge.to_client, bridge.line.data, bridge.line.used);
    bridge.line.used = 0;
}

/* The answer that was held back, or one that says why the state is not in dom0. */
static void end_save(const char *cause)
{
    bridge.saving = SAVING_NOT;
    if (!cause) {
        pass_line();
        return;
    }
    bridge.line.used = 0;
    answer_error(&bridge.save_id, cause);
}

/* A whole line, while the answer to "save" is waited for. */
static void look_at_line(void)
{
    const char *cause;

    switch (qmp_answer_of(bridge.line.data, bridge.line.used, &bridge.save_id)) {
    case QMP_ANSWER_RETURN:
        cause = save_written();
        if (cause)
            end_save(cause);
        else
            bridge.saving = SAVING_HELD;
        return;
    case QMP_ANSWER_ERROR:
        report("QEMU cannot save its state: %.*s", (int)bridge.line.used, bridge.line.data);
        save_abandon();
        end_save(NULL);
        return;
    case QMP_ANSWER_NONE:
        pass_line();
        return;
    }
}

/* One byte of QEMU's. While nothing is waited for, lines are only followed. */
static void qemu_said(char c)
{
    bool ends = c == '\n';

    if (ends && bridge.lines < LINES_NEGOTIATED)
        bridge.lines++;
    if (bridge.saving != SAVING_ASKED || bridge.line.passing) {
        append(&bridge.to_client, &c, 1);
        bridge.line.passing = !ends;
        return;
    }
    bridge.line.data[bridge.line.used++] = c;
    if (ends) {
        look_at_line();
    } else if (bridge.line.used == sizeof(bridge.line.data)) {
        pass_line(); /* the answer is shorter */
        bridge.line.passing = true;
    }
}

/* Takes what QEMU has said, as much as there is room for; what stands behind the answer to "save" stays in the socket.
 * Returns 1, 0: nothing has come, -1: QEMU has gone. */
static int read_qemu(void)
{
    char data[READ_BYTES], skipped[READ_BYTES];
    ssize_t r = recv(bridge.qmp_fd, data, sizeof(data), MSG_PEEK);
    size_t taken = 0;

    if (r <= 0)
        return r < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
    while (taken < (size_t)r && bridge.saving != SAVING_HELD)
        qemu_said(data[taken++]);
    return recv(bridge.qmp_fd, skipped, taken, 0) == (ssize_t)taken && !bridge.broken ? 1 : -1;
}

static void follow_save(void)
{
    switch (save_progress()) {
    case SAVE_SENT:
        end_save(NULL);
        return;
    case SAVE_FAILED:
        end_save("the QEMU in dom0 that serves the stub domain's consoles does not take the state");
        return;
    case SAVE_SENDING:
        return;
    }
}

static bool pump_to_client(void)
{
    struct buffer *b = &bridge.to_client;

    for (;;) {
        int n;

        if (bridge.saving == SAVING_HELD)
            follow_save();
        if (!b->used && bridge.saving != SAVING_HELD) {
            n = read_qemu();
            if (n <= 0)
                return n == 0;
            continue;
        }
        if (!b->used)
            return true;
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
    if (!bridge.to_client.used && bridge.saving != SAVING_HELD)
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
