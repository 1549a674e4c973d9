/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xenstore/batch.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <uv.h>
#include <xenstore_lib.h>

#include "base/error.h"
#include "xenstore/store.h"

#define CHUNK 65536
#define NS_PER_MS UINT64_C(1000000)
#define ANSWERS_LEFT 24
#define NAP_MAX_NS (50 * NS_PER_MS)

struct talk {
    struct gc *gc;
    int fd;
    struct store_question *questions;
    size_t count, answered;
    bool *done;
    char *out; /* all requests */
    size_t out_len, sent;
    char *in; /* what has come and is not a whole message yet */
    size_t in_len;
};

static void put_requests(struct talk *t)
{
    size_t at = 0;

    for (size_t i = 0; i < t->count; i++)
        t->out_len += sizeof(struct xsd_sockmsg) + strlen(t->questions[i].path) + 1;
    t->out = gc_alloc(t->gc, t->out_len + 1);
    for (size_t i = 0; i < t->count; i++) {
        size_t len = strlen(t->questions[i].path) + 1;
        struct xsd_sockmsg head = {.type = XS_READ, .req_id = (uint32_t)i, .len = (uint32_t)len};

        memcpy(t->out + at, &head, sizeof(head));
        memcpy(t->out + at + sizeof(head), t->questions[i].path, len);
        at += sizeof(head) + len;
    }
}

static int fail(int errno_value)
{
    errno = errno_value;
    return ERROR_FAIL;
}

static int send_some(struct talk *t)
{
    ssize_t r = send(t->fd, t->out + t->sent, t->out_len - t->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (r >= 0)
        t->sent += (size_t)r;
    return r >= 0 || errno == EAGAIN || errno == EINTR ? 0 : ERROR_FAIL;
}

/* The text of an error as a number of this system; one that nobody knows is an input/output error. */
static int errno_of(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(*xsd_errors); i++) {
        if (len == strlen(xsd_errors[i].errstring) + 1 && !memcmp(text, xsd_errors[i].errstring, len))
            return xsd_errors[i].errnum;
    }
    return EIO;
}

static int take_answer(struct talk *t, const struct xsd_sockmsg *head, const char *body)
{
    struct store_question *q;

    if (head->req_id >= t->count || t->done[head->req_id])
        return fail(EIO);
    q = &t->questions[head->req_id];
    t->done[head->req_id] = true;
    t->answered++;
    if (head->type == XS_READ) {
        q->rc = store_text(t->gc, body, head->len, q->max, &q->value);
        return 0;
    }
    q->rc = ERROR_NOTFOUND;
    errno = head->type == XS_ERROR ? errno_of(body, head->len) : EIO;
    return errno == ENOENT ? 0 : ERROR_FAIL;
}

/* Takes the whole messages out of what has come. */
static int take_answers(struct talk *t)
{
    size_t at = 0;
    int rc = 0;

    while (!rc && t->in_len - at >= sizeof(struct xsd_sockmsg)) {
        struct xsd_sockmsg head;

        memcpy(&head, t->in + at, sizeof(head));
        if (head.len > XENSTORE_PAYLOAD_MAX)
            return fail(EIO);
        if (t->in_len - at - sizeof(head) < head.len)
            break;
        rc = take_answer(t, &head, t->in + at + sizeof(head));
        at += sizeof(head) + head.len;
    }
    memmove(t->in, t->in + at, t->in_len - at);
    t->in_len -= at;
    return rc;
}

static int receive_some(struct talk *t)
{
    ssize_t r = recv(t->fd, t->in + t->in_len, CHUNK - t->in_len, MSG_DONTWAIT);

    if (!r)
        return fail(ECONNRESET);
    if (r < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : ERROR_FAIL;
    t->in_len += (size_t)r;
    return take_answers(t);
}

/*
 * One who is woken for each answer takes the processor from xenstored each time: then a batch takes six times as long
 * where they share one. So xenstored is left time for some answers: half of those that are still to come, but no more than
 * fit into its socket. It waits for room when a quarter of its buffer (208 KiB by default) is taken, and each answer takes
 * two pieces of 768 bytes: 34 answers. The first answers say little of the others: never more is left than half of what
 * has passed.
 */
static void leave_time(const struct talk *t, uint64_t since_ns)
{
    size_t half = (t->count - t->answered) / 2, some = half < ANSWERS_LEFT ? half : ANSWERS_LEFT;
    uint64_t some_ns = t->answered ? since_ns / t->answered * some : 0;
    uint64_t nap_ns = some_ns < since_ns / 2 ? some_ns : since_ns / 2;
    struct timespec nap = {.tv_nsec = (long)(nap_ns < NAP_MAX_NS ? nap_ns : NAP_MAX_NS)};

    if (nap_ns)
        nanosleep(&nap, NULL);
}

/* Both ways at once: xenstored stops reading from one who does not take its answers. */
static int talk(struct talk *t, uint64_t timeout_ms)
{
    uint64_t begin_ns = uv_hrtime(), since_ns = 0;
    int rc = 0;

    while (!rc && t->answered < t->count) {
        struct pollfd p = {.fd = t->fd, .events = (short)(t->sent < t->out_len ? POLLIN | POLLOUT : POLLIN)};

        if (since_ns / NS_PER_MS >= timeout_ms)
            return ERROR_TIMEDOUT;
        if (poll(&p, 1, (int)(timeout_ms - since_ns / NS_PER_MS)) < 0 && errno != EINTR)
            return ERROR_FAIL;
        if (p.revents & POLLOUT)
            rc = send_some(t);
        if (!rc && p.revents & ~POLLOUT)
            rc = receive_some(t);
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
    struct talk t = {.gc = gc, .fd = batch->fd, .questions = questions, .count = count};

    if (batch->fd < 0)
        return one_by_one(batch->xs, gc, questions, count);
    t.done = gc_array(gc, count + 1, sizeof(*t.done));
    t.in = gc_alloc(gc, CHUNK);
    put_requests(&t);
    return talk(&t, timeout_ms);
}
