/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xenstore/batch.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>
#include <xenstore_lib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "xenstore/connect.h"
#include "xenstore/store.h"

/* Room for the longest answer, and for all that one connection usually has under way. */
#define CHUNK (2 * XENSTORE_PAYLOAD_MAX)
#define NS_PER_MS UINT64_C(1000000)
#define ANSWERS_LEFT 24
#define NAP_MAX_NS (50 * NS_PER_MS)
#define QUESTIONS_PER_CONNECTION 32
#define CONNECT_MS 1000

/* A connection: every talk->line_count-th question, from its own number on. */
struct line {
    int fd;
    size_t number, left; /* unanswered */
    char *out;           /* all requests */
    size_t out_len, sent;
    char *in; /* what has come and is not a whole message yet */
    size_t in_len;
};

struct talk {
    struct gc *gc;
    struct store_question *questions;
    size_t count, answered;
    bool *done;
    struct line lines[STORE_BATCH_CONNECTIONS];
    size_t line_count;
};

/* ---- connections ---- */

void store_batch_open(struct store_batch *batch, int first, size_t questions)
{
    size_t wanted = questions / QUESTIONS_PER_CONNECTION + 1;

    *batch = (struct store_batch){0};
    if (wanted > STORE_BATCH_CONNECTIONS)
        wanted = STORE_BATCH_CONNECTIONS;
    while (batch->fd_count < wanted) {
        int fd = first >= 0 ? TAKE_FD(first) : store_socket(CONNECT_MS);

        if (fd < 0)
            return;
        batch->fds[batch->fd_count++] = fd;
    }
}

void store_batch_close(struct store_batch *batch)
{
    while (batch->fd_count)
        close(batch->fds[--batch->fd_count]);
}

/* ---- asking ---- */

static void put_requests(const struct talk *t, struct line *l)
{
    size_t at = 0;

    for (size_t i = l->number; i < t->count; i += t->line_count)
        l->out_len += sizeof(struct xsd_sockmsg) + strlen(t->questions[i].path) + 1;
    l->out = gc_alloc(t->gc, l->out_len + 1);
    l->in = gc_alloc(t->gc, CHUNK);
    for (size_t i = l->number; i < t->count; i += t->line_count) {
        size_t len = strlen(t->questions[i].path) + 1;
        struct xsd_sockmsg head = {.type = XS_READ, .req_id = (uint32_t)i, .len = (uint32_t)len};

        memcpy(l->out + at, &head, sizeof(head));
        memcpy(l->out + at + sizeof(head), t->questions[i].path, len);
        at += sizeof(head) + len;
        l->left++;
    }
}

static int fail(int errno_value)
{
    errno = errno_value;
    return ERROR_FAIL;
}

static int send_some(struct line *l)
{
    ssize_t r = send(l->fd, l->out + l->sent, l->out_len - l->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (r >= 0)
        l->sent += (size_t)r;
    return r >= 0 || errno == EAGAIN || errno == EINTR ? 0 : ERROR_FAIL;
}

/* ---- answers ---- */

/* The text of an error as a number of this system; one that nobody knows is an input/output error. */
static int errno_of(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(*xsd_errors); i++) {
        if (len == strlen(xsd_errors[i].errstring) + 1 && !memcmp(text, xsd_errors[i].errstring, len))
            return xsd_errors[i].errnum;
    }
    return EIO;
}

static int take_answer(struct talk *t, struct line *l, const struct xsd_sockmsg *head, const char *body)
{
    struct store_question *q;

    if (head->req_id >= t->count || head->req_id % t->line_count != l->number || t->done[head->req_id])
        return fail(EIO);
    q = &t->questions[head->req_id];
    t->done[head->req_id] = true;
    t->answered++;
    l->left--;
    if (head->type == XS_READ) {
        q->rc = store_text(t->gc, body, head->len, q->max, &q->value);
        return 0;
    }
    q->rc = ERROR_NOTFOUND;
    errno = head->type == XS_ERROR ? errno_of(body, head->len) : EIO;
    return errno == ENOENT ? 0 : ERROR_FAIL;
}

/* Takes the whole messages out of what has come. */
static int take_answers(struct talk *t, struct line *l)
{
    size_t at = 0;
    int rc = 0;

    while (!rc && l->in_len - at >= sizeof(struct xsd_sockmsg)) {
        struct xsd_sockmsg head;

        memcpy(&head, l->in + at, sizeof(head));
        if (head.len > XENSTORE_PAYLOAD_MAX)
            return fail(EIO);
        if (l->in_len - at - sizeof(head) < head.len)
            break;
        rc = take_answer(t, l, &head, l->in + at + sizeof(head));
        at += sizeof(head) + head.len;
    }
    memmove(l->in, l->in + at, l->in_len - at);
    l->in_len -= at;
    return rc;
}

static int receive_some(struct talk *t, struct line *l)
{
    ssize_t r = recv(l->fd, l->in + l->in_len, CHUNK - l->in_len, MSG_DONTWAIT);

    if (!r)
        return fail(ECONNRESET);
    if (r < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : ERROR_FAIL;
    l->in_len += (size_t)r;
    return take_answers(t, l);
}

/* ---- all together ---- */

/*
 * One who is woken for each answer takes the processor from xenstored each time: then a batch takes six times as long
 * where they share one. So xenstored is left time for some answers: half of those that are still to come, but no more than
 * fit into its sockets. It waits for room when a quarter of a buffer (208 KiB by default) is taken, and each answer takes
 * two pieces of 768 bytes: 34 answers. The first answers say little of the others: never more is left than half of what
 * has passed.
 */
static void leave_time(const struct talk *t, uint64_t since_ns)
{
    size_t half = (t->count - t->answered) / 2, most = ANSWERS_LEFT * t->line_count, some = half < most ? half : most;
    uint64_t some_ns = t->answered ? since_ns / t->answered * some : 0;
    uint64_t nap_ns = some_ns < since_ns / 2 ? some_ns : since_ns / 2;
    struct timespec nap = {.tv_nsec = (long)(nap_ns < NAP_MAX_NS ? nap_ns : NAP_MAX_NS)};

    if (nap_ns)
        nanosleep(&nap, NULL);
}

/* A connection of which nothing is wanted any more is left alone. */
static struct pollfd wish_of(const struct line *l)
{
    return (struct pollfd){
        .fd = l->left ? l->fd : -1,
        .events = (short)(l->sent < l->out_len ? POLLIN | POLLOUT : POLLIN),
    };
}

/* Both ways at once: xenstored stops reading from one who does not take its answers. */
static int serve_lines(struct talk *t, int timeout_ms)
{
    struct pollfd wishes[STORE_BATCH_CONNECTIONS];
    int rc = 0;

    for (size_t i = 0; i < t->line_count; i++)
        wishes[i] = wish_of(&t->lines[i]);
    if (poll(wishes, t->line_count, timeout_ms) < 0)
        return errno == EINTR ? 0 : ERROR_FAIL;
    for (size_t i = 0; !rc && i < t->line_count; i++) {
        if (wishes[i].revents & POLLOUT)
            rc = send_some(&t->lines[i]);
        if (!rc && wishes[i].revents & ~POLLOUT)
            rc = receive_some(t, &t->lines[i]);
    }
    return rc;
}

static int talk(struct talk *t, uint64_t timeout_ms)
{
    uint64_t begin_ns = uv_hrtime(), since_ns = 0;
    int rc = 0;

    while (!rc && t->answered < t->count) {
        if (since_ns / NS_PER_MS >= timeout_ms)
            return ERROR_TIMEDOUT;
        rc = serve_lines(t, (int)(timeout_ms - since_ns / NS_PER_MS));
        since_ns = uv_hrtime() - begin_ns;
        if (!rc)
            leave_time(t, since_ns);
    }
    return rc;
}

static int one_by_one(struct xs_handle *xs, struct gc *gc, struct store_question *questions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct store_question *q = &questions[i];

        q->rc = store_read(gc, xs, XBT_NULL, q->path, q->max, &q->value);
        if (q->rc == ERROR_FAIL)
            return ERROR_FAIL;
    }
    return 0;
}

int store_batch_read(const struct store_batch *batch, struct gc *gc, struct store_question *questions, size_t count,
                     uint64_t timeout_ms)
{
    struct talk t = {.gc = gc, .questions = questions, .count = count, .line_count = batch->fd_count};

    if (!batch->fd_count)
        return one_by_one(batch->xs, gc, questions, count);
    t.done = gc_array(gc, count + 1, sizeof(*t.done));
    for (size_t i = 0; i < t.line_count; i++) {
        t.lines[i] = (struct line){.fd = batch->fds[i], .number = i};
        put_requests(&t, &t.lines[i]);
    }
    return talk(&t, timeout_ms);
}
