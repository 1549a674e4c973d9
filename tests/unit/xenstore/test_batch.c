/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many requests under way together, against a server that answers as xenstored does, or as it must not. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <xenstore_lib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/xenstore.h"
#include "tests/fakes/xenstore-socket.h"
#include "xenstore/batch.h"
#include "xenstore/connect.h"
#include "xenstore/store.h"

#define MANY 1000
#define PLENTY_MS 600000 /* no test waits for that */

static const struct value {
    const char *path, *bytes;
    size_t len;
} values[] = {
    {"/a", "12345678", 8},
    {"/empty", "", 0},
    {"/nul", "1\0002", 3},
};

/* One of a connection each. */
static struct server {
    pthread_t thread;
    size_t piece; /* bytes that are written at a time; 0: all */
    char *out;
    size_t len;
    int fd;
    unsigned connections; /* 0: one */
    unsigned requests;    /* answered when so many have come */
    bool backwards, twice, foreign, others, too_long, other_type, refuses, ends, silent;
} servers[STORE_BATCH_CONNECTIONS];

/* ---- the servers ---- */

static void put(struct server *s, uint32_t type, uint32_t id, const char *bytes, size_t len, size_t said)
{
    struct xsd_sockmsg head = {.type = type, .req_id = id, .len = (uint32_t)said};

    memcpy(s->out + s->len, &head, sizeof(head));
    memcpy(s->out + s->len + sizeof(head), bytes, len);
    s->len += sizeof(head) + len;
}

static void answer(struct server *s, const struct xsd_sockmsg *head, const char *path)
{
    uint32_t id = head->req_id + (s->foreign ? 100000 : s->others);
    unsigned number;

    if (s->refuses) {
        put(s, XS_ERROR, id, "EACCES", 7, 7);
        return;
    }
    if (sscanf(path, "/many/%u", &number) == 1) {
        put(s, XS_READ, id, path + 6, strlen(path + 6), strlen(path + 6));
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        if (!strcmp(values[i].path, path)) {
            put(s, s->other_type ? XS_WRITE : XS_READ, id, values[i].bytes, values[i].len,
                s->too_long ? XENSTORE_PAYLOAD_MAX + 1 : values[i].len);
            return;
        }
    }
    put(s, XS_ERROR, id, "ENOENT", 7, 7);
}

static bool take(const struct server *s, void *bytes, size_t len)
{
    return recv(s->fd, bytes, len, MSG_WAITALL) == (ssize_t)len;
}

static void send_answers(const struct server *s)
{
    for (size_t at = 0; at < s->len;) {
        size_t piece = s->piece && s->piece < s->len - at ? s->piece : s->len - at;
        ssize_t r = send(s->fd, s->out + at, piece, MSG_NOSIGNAL);

        if (r < 0)
            return;
        at += (size_t)r;
    }
}

static void *serve(void *arg)
{
    struct server *s = arg;
    struct request {
        struct xsd_sockmsg head;
        char path[64];
    } *requests = calloc(s->requests + 1, sizeof(*requests));
    unsigned n = 0;

    while (n < s->requests && take(s, &requests[n].head, sizeof(requests[n].head)) &&
           requests[n].head.len <= sizeof(requests[n].path) && take(s, requests[n].path, requests[n].head.len)) {
        if (requests[n].head.type != XS_READ || requests[n].path[requests[n].head.len - 1])
            break;
        n++;
    }
    s->out = malloc((size_t)n * 256 + 1);
    s->len = 0;
    for (unsigned i = 0; i < n && !s->silent; i++) {
        const struct request *r = &requests[s->backwards ? n - 1 - i : i];

        answer(s, &r->head, r->path);
        if (s->twice)
            answer(s, &r->head, r->path);
    }
    if (s->ends)
        s->len /= 2;
    send_answers(s);
    if (s->ends)
        shutdown(s->fd, SHUT_RDWR);
    free(s->out);
    free(requests);
    return NULL;
}

static struct store_batch batch;

/* Serves the next batch, of so many requests. */
static void begin(struct server manner)
{
    unsigned connections = manner.connections ? manner.connections : 1;

    batch = (struct store_batch){.fd_count = connections};
    for (unsigned i = 0; i < connections; i++) {
        int ends[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        servers[i] = manner;
        servers[i].fd = ends[0];
        servers[i].requests = (manner.requests + connections - 1 - i) / connections;
        batch.fds[i] = ends[1];
        assert_int_equal(pthread_create(&servers[i].thread, NULL, serve, &servers[i]), 0);
    }
}

static void end(void)
{
    size_t connections = batch.fd_count;

    store_batch_close(&batch);
    for (size_t i = 0; i < connections; i++) {
        pthread_join(servers[i].thread, NULL);
        close(servers[i].fd);
    }
}

static const struct store_question each_kind[] = {
    {.path = "/a", .max = 8},     {.path = "/a", .max = 7},   {.path = "/none", .max = 8},
    {.path = "/empty", .max = 8}, {.path = "/nul", .max = 8},
};

static void expect_each_kind(const struct store_question *q)
{
    assert_int_equal(q[0].rc, 0);
    assert_string_equal(q[0].value, "12345678");
    assert_int_equal(q[1].rc, ERROR_BUFFERFULL);
    assert_int_equal(q[2].rc, ERROR_NOTFOUND);
    assert_int_equal(q[3].rc, 0);
    assert_string_equal(q[3].value, "");
    assert_int_equal(q[4].rc, ERROR_INVAL);
}

/* ---- tests ---- */

static void every_kind_of_answer_is_what_a_single_read_gives(void **state)
{
    struct store_question q[ARRAY_LEN(each_kind)];
    GC_SCOPE(gc);

    memcpy(q, each_kind, sizeof(q));
    begin((struct server){.requests = ARRAY_LEN(q)});
    assert_int_equal(store_batch_read(&batch, gc, q, ARRAY_LEN(q), PLENTY_MS), 0);
    expect_each_kind(q);
    end();

    fake_store_reset();
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        fake_store_set_bytes(values[i].path, values[i].bytes, values[i].len);
    memcpy(q, each_kind, sizeof(q));
    batch = (struct store_batch){.xs = xs_open(0)};
    assert_int_equal(store_batch_read(&batch, gc, q, ARRAY_LEN(q), PLENTY_MS), 0);
    expect_each_kind(q);
    fault_arm(2, EIO);
    assert_int_equal(store_batch_read(&batch, gc, q, ARRAY_LEN(q), PLENTY_MS), ERROR_FAIL);
    assert_int_equal(errno, EIO);
    fault_arm(0, 0);
    xs_close(batch.xs);
    fake_store_reset();
}

static void read_many(struct server manner)
{
    GC_SCOPE(gc);
    struct store_question *q = gc_array(gc, MANY, sizeof(*q));

    for (unsigned i = 0; i < MANY; i++)
        q[i] = (struct store_question){.path = gc_printf(gc, "/many/%u", i), .max = 16};
    manner.requests = MANY;
    begin(manner);
    assert_int_equal(store_batch_read(&batch, gc, q, MANY, PLENTY_MS), 0);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(q[i].rc, 0);
        assert_string_equal(q[i].value, gc_printf(gc, "%u", i));
    }
    end();
}

static void each_answer_finds_its_question(void **state)
{
    read_many((struct server){});
    read_many((struct server){.backwards = true});
    read_many((struct server){.connections = 3});
    read_many((struct server){.connections = STORE_BATCH_CONNECTIONS, .backwards = true});
}

static void an_answer_may_come_in_pieces(void **state)
{
    read_many((struct server){.piece = 5});
    read_many((struct server){.piece = 7, .backwards = true});
    read_many((struct server){.piece = 3, .connections = 2});
}

static int read_each_kind(struct server manner, uint64_t timeout_ms)
{
    struct store_question q[ARRAY_LEN(each_kind)];
    GC_SCOPE(gc);
    int rc, saved_errno;

    memcpy(q, each_kind, sizeof(q));
    manner.requests = ARRAY_LEN(q);
    begin(manner);
    rc = store_batch_read(&batch, gc, q, ARRAY_LEN(q), timeout_ms);
    saved_errno = errno;
    end();
    errno = saved_errno;
    return rc;
}

static void nonsense_is_refused(void **state)
{
    assert_int_equal(read_each_kind((struct server){.foreign = true}, PLENTY_MS), ERROR_FAIL);
    assert_int_equal(errno, EIO);
    assert_int_equal(read_each_kind((struct server){.others = true, .connections = 2}, PLENTY_MS), ERROR_FAIL);
    assert_int_equal(errno, EIO);
    assert_int_equal(read_each_kind((struct server){.twice = true}, PLENTY_MS), ERROR_FAIL);
    assert_int_equal(errno, EIO);
    assert_int_equal(read_each_kind((struct server){.too_long = true}, PLENTY_MS), ERROR_FAIL);
    assert_int_equal(errno, EIO);
    assert_int_equal(read_each_kind((struct server){.other_type = true}, PLENTY_MS), ERROR_FAIL);
    assert_int_equal(errno, EIO);
}

static void a_refusal_and_an_end_are_errors(void **state)
{
    assert_int_equal(read_each_kind((struct server){.refuses = true}, PLENTY_MS), ERROR_FAIL);
    assert_int_equal(errno, EACCES);
    assert_int_equal(read_each_kind((struct server){.ends = true}, PLENTY_MS), ERROR_FAIL);
    assert_int_equal(errno, ECONNRESET);
    assert_int_equal(read_each_kind((struct server){.ends = true, .connections = 3}, PLENTY_MS), ERROR_FAIL);
    assert_int_equal(errno, ECONNRESET);
}

static void one_that_never_answers_is_not_waited_for_without_end(void **state)
{
    assert_int_equal(read_each_kind((struct server){.silent = true}, 50), ERROR_TIMEDOUT);
}

static void more_connections_are_opened_where_there_is_more_to_ask(void **state)
{
    int first = store_socket(0);

    assert_true(first >= 0);
    store_batch_open(&batch, first, 1);
    assert_int_equal(batch.fd_count, 1);
    assert_int_equal(batch.fds[0], first);
    store_batch_close(&batch);
    assert_int_equal(batch.fd_count, 0);
    store_batch_open(&batch, -1, 1000000);
    assert_int_equal(batch.fd_count, STORE_BATCH_CONNECTIONS);
    store_batch_close(&batch);
    fake_socket_hide(true);
    store_batch_open(&batch, -1, 100);
    assert_int_equal(batch.fd_count, 0);
    fake_socket_hide(false);
}

static void no_question_needs_no_answer(void **state)
{
    GC_SCOPE(gc);

    begin((struct server){});
    assert_int_equal(store_batch_read(&batch, gc, NULL, 0, PLENTY_MS), 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_answer_is_what_a_single_read_gives),
        cmocka_unit_test(each_answer_finds_its_question),
        cmocka_unit_test(an_answer_may_come_in_pieces),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(a_refusal_and_an_end_are_errors),
        cmocka_unit_test(one_that_never_answers_is_not_waited_for_without_end),
        cmocka_unit_test(more_connections_are_opened_where_there_is_more_to_ask),
        cmocka_unit_test(no_question_needs_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
