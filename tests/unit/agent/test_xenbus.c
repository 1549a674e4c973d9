/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The agent's end of xenstore's protocol, with a socket in the place of /dev/xen/xenbus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/xenbus.h"

enum { READ = 2, WATCH = 4, WRITE = 11, RM = 13, WATCH_EVENT = 15, ERROR = 16 };

struct header {
    uint32_t type, req, tx, len;
};

struct ends {
    struct xenbus xb;
    int xenstored;
};

static int setup(void **state)
{
    static struct ends e;
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
        return -1;
    e = (struct ends){.xb = {.fd = fds[0]}, .xenstored = fds[1]};
    *state = &e;
    return 0;
}

static int teardown(void **state)
{
    struct ends *e = *state;

    xenbus_close(&e->xb);
    if (e->xenstored >= 0)
        close(e->xenstored);
    return 0;
}

/* What xenstored says; it may lie ready before the question. */
static void say(struct ends *e, uint32_t type, const void *payload, size_t len)
{
    struct header header = {.type = type, .len = (uint32_t)len};

    assert_int_equal(write(e->xenstored, &header, sizeof(header)), sizeof(header));
    assert_int_equal(write(e->xenstored, payload, len), (ssize_t)len);
}

static void hears(struct ends *e, uint32_t type, const void *payload, size_t len)
{
    struct header header;
    char text[256];

    assert_int_equal(read(e->xenstored, &header, sizeof(header)), sizeof(header));
    assert_int_equal(header.type, type);
    assert_int_equal(header.tx, 0);
    assert_int_equal(header.len, len);
    assert_int_equal(read(e->xenstored, text, len), (ssize_t)len);
    assert_memory_equal(text, payload, len);
}

static void a_node_is_read(void **state)
{
    struct ends *e = *state;
    char value[16];

    say(e, READ, "3600", 4);
    assert_int_equal(xenbus_read(&e->xb, "memory/x", value, sizeof(value)), 0);
    assert_string_equal(value, "3600");
    hears(e, READ, "memory/x", 9);
}

static void a_value_that_is_too_long_is_cut_and_the_next_reply_is_in_step(void **state)
{
    struct ends *e = *state;
    char value[4];

    say(e, READ, "0123456789", 10);
    say(e, READ, "ab", 2);
    assert_int_equal(xenbus_read(&e->xb, "a", value, sizeof(value)), 0);
    assert_string_equal(value, "012");
    assert_int_equal(xenbus_read(&e->xb, "b", value, sizeof(value)), 0);
    assert_string_equal(value, "ab");
}

static void a_write_carries_path_and_bytes(void **state)
{
    struct ends *e = *state;

    say(e, WRITE, "OK", 3);
    assert_int_equal(xenbus_write(&e->xb, "data/y", "a 1\n", 4), 0);
    hears(e, WRITE, "data/y\0a 1\n", 11);
}

static void errors_of_xenstore_are_told_by_number(void **state)
{
    struct ends *e = *state;
    char value[16];

    say(e, ERROR, "ENOENT", 7);
    assert_int_equal(xenbus_read(&e->xb, "a", value, sizeof(value)), ENOENT);
    say(e, ERROR, "EACCES", 7);
    assert_int_equal(xenbus_rm(&e->xb, "a"), EACCES);
    say(e, ERROR, "EWHATEVER", 10);
    assert_int_equal(xenbus_rm(&e->xb, "a"), EIO);
}

static void a_watch_that_fires_before_the_reply_is_kept(void **state)
{
    struct ends *e = *state;
    char value[16];

    say(e, WATCH_EVENT, "memory/x\0b", 11);
    say(e, READ, "1", 1);
    assert_int_equal(xenbus_read(&e->xb, "memory/x", value, sizeof(value)), 0);
    assert_int_equal(e->xb.fired, 1 << 1);
    assert_string_equal(value, "1");
}

static void an_event_is_taken(void **state)
{
    struct ends *e = *state;

    say(e, WATCH_EVENT, "memory/stats-interval\0a", 24);
    assert_int_equal(xenbus_take_event(&e->xb), 0);
    assert_int_equal(e->xb.fired, 1 << 0);
    say(e, WATCH_EVENT, "memory/target\0c", 16);
    assert_int_equal(xenbus_take_event(&e->xb), 0);
    assert_int_equal(e->xb.fired, 1 << 0 | 1 << 2);
}

static void an_event_of_no_watch_is_passed_over(void **state)
{
    static const char far[300] = "memory/";
    struct ends *e = *state;

    say(e, WATCH_EVENT, "memory/target\0?", 16);
    assert_int_equal(xenbus_take_event(&e->xb), 0);
    say(e, WATCH_EVENT, far, sizeof(far));
    assert_int_equal(xenbus_take_event(&e->xb), 0);
    say(e, WATCH_EVENT, "", 0);
    assert_int_equal(xenbus_take_event(&e->xb), 0);
    assert_int_equal(e->xb.fired, 0);
}

static void a_watch_is_registered_by_path_and_token(void **state)
{
    struct ends *e = *state;

    say(e, WATCH, "OK", 3);
    assert_int_equal(xenbus_watch(&e->xb, "memory/target", 1), 0);
    hears(e, WATCH, "memory/target\0b", 16);
}

static void what_is_out_of_step_is_told(void **state)
{
    struct ends *e = *state;
    struct header huge = {.type = READ, .len = UINT32_MAX};
    char value[16];

    say(e, WRITE, "OK", 3);
    assert_int_equal(xenbus_read(&e->xb, "a", value, sizeof(value)), EPROTO);
    say(e, READ, "1", 1);
    assert_int_equal(xenbus_take_event(&e->xb), EPROTO);
    assert_int_equal(write(e->xenstored, &huge, sizeof(huge)), sizeof(huge));
    assert_int_equal(xenbus_read(&e->xb, "a", value, sizeof(value)), EPROTO);
}

static void a_lost_connection_is_told(void **state)
{
    struct ends *e = *state;

    shutdown(e->xenstored, SHUT_WR);
    assert_int_equal(xenbus_take_event(&e->xb), EPROTO);
    assert_false(e->xb.fired);
}

static void what_does_not_fit_a_message_is_not_sent(void **state)
{
    static const char large[5000];
    struct ends *e = *state;

    assert_int_equal(xenbus_write(&e->xb, "a", large, sizeof(large)), E2BIG);
    assert_int_equal(xenbus_write(&e->xb, "a", large, 4095), E2BIG);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_node_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_value_that_is_too_long_is_cut_and_the_next_reply_is_in_step, setup, teardown),
        cmocka_unit_test_setup_teardown(a_write_carries_path_and_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_of_xenstore_are_told_by_number, setup, teardown),
        cmocka_unit_test_setup_teardown(a_watch_that_fires_before_the_reply_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_of_no_watch_is_passed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(a_watch_is_registered_by_path_and_token, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_out_of_step_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_connection_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_fit_a_message_is_not_sent, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
