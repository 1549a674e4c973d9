/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The QMP bridge of the stub domain's init: the real libxenvchan on both sides, as vchan-socket-proxy has it in dom0,
 * and a socket in the place of QEMU's.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

#include "tests/fakes/bridge-sides.h"
#include "tests/fakes/grants.h"
#include "tests/fakes/xenstore.h"

/* ---- coming and going ---- */

static void one_client_after_the_other_is_served(void **state)
{
    unsigned handles = fake_grant_handles();

    for (int i = 0; i < 100; i++)
        a_conversation_works();
    assert_int_equal(fake_grant_handles(), handles);
    assert_int_equal(fake_store_handles(), 0);
    assert_string_equal(said, "");
}

static void while_a_client_is_served_there_is_no_address_for_another(void **state)
{
    struct libxenvchan *client = client_comes();
    int qemu;

    turn();
    qemu = qemu_greets();
    assert_null(fake_store_get(ADDRESS "/ring-ref"));
    assert_null(client_comes());
    client_leaves(client);
    assert_true(qemu_was_left(qemu));
    a_conversation_works();
}

static void a_client_that_left_before_it_was_seen_harms_nobody(void **state)
{
    struct libxenvchan *client = client_comes();

    assert_int_equal(libxenvchan_write(client, "quit\n", 5), 5);
    client_leaves(client);
    assert_int_equal(accept(listener.fd, NULL, NULL), -1); /* nobody came to QEMU */
    a_conversation_works();
}

/* The upstream race: the second client takes the first one's address before the server looks. */
static void a_client_that_came_unseen_behind_another_gets_a_greeting_of_its_own(void **state)
{
    struct libxenvchan *first = client_comes(), *second;
    int qemu;

    libxenvchan_close(first);
    second = client_comes();
    assert_non_null(second);
    turn();
    qemu = qemu_greets();
    client_hears(second, GREETING);
    client_leaves(second);
    assert_true(qemu_was_left(qemu));
    a_conversation_works();
}

/* The same when the first one has been greeted: it had read the address twice. */
static void a_client_in_the_place_of_another_is_told_from_it(void **state)
{
    char ring[16], port[16];
    struct libxenvchan *first, *second;
    int qemu, other;

    snprintf(ring, sizeof(ring), "%s", fake_store_get(ADDRESS "/ring-ref"));
    snprintf(port, sizeof(port), "%s", fake_store_get(ADDRESS "/event-channel"));
    first = client_comes();
    turn();
    qemu = qemu_greets();
    qemu_says(qemu, "unread\n");
    libxenvchan_close(first);
    fake_store_set(ADDRESS "/ring-ref", ring);
    fake_store_set(ADDRESS "/event-channel", port);
    second = client_comes();
    assert_non_null(second);
    turn();
    assert_true(qemu_was_left(qemu));
    other = qemu_greets();
    client_hears(second, GREETING);
    client_leaves(second);
    assert_true(qemu_was_left(other));
    a_conversation_works();
}

static void last_words_reach_qemu(void **state)
{
    struct libxenvchan *client = client_comes();
    int qemu;

    turn();
    qemu = qemu_greets();
    assert_int_equal(libxenvchan_write(client, "quit\n", 5), 5);
    client_leaves(client);
    qemu_hears(qemu, "quit\n");
    assert_true(qemu_was_left(qemu));
    a_conversation_works();
}

static void a_connection_that_qemu_closes_ends_the_clients(void **state)
{
    struct libxenvchan *client = client_comes();

    turn();
    close(qemu_greets());
    turn();
    client_hears(client, GREETING);
    assert_false(libxenvchan_is_open(client));
    client_leaves(client);
    a_conversation_works();
}

/* ---- much and slow ---- */

static void a_long_answer_arrives_whole_however_slowly_it_is_read(void **state)
{
    struct libxenvchan *client = client_comes();
    const size_t total = 300000;
    size_t sent = 0, got = 0;
    int qemu;

    turn();
    qemu = qemu_accepts();
    for (unsigned round = 1; got < total; round++) {
        char data[1000];
        int n;

        while (sent < total) {
            size_t len = sizeof(data);

            for (size_t i = 0; i < len; i++)
                data[i] = (char)((sent + i) % 251);
            if (write(qemu, data, len) < 0)
                break;
            sent += len;
        }
        turn();
        n = libxenvchan_read(client, data, round % sizeof(data) + 1);
        for (int i = 0; i < n; i++)
            assert_int_equal((unsigned char)data[i], (got + (size_t)i) % 251);
        got += n > 0 ? (size_t)n : 0;
        turn();
        assert_true(round < 100 * total);
    }
    client_leaves(client);
    assert_true(qemu_was_left(qemu));
}

static void a_flood_stops_at_a_qemu_that_does_not_read_and_costs_no_time(void **state)
{
    struct libxenvchan *client = client_comes();
    size_t sent = 0, got = 0;
    char data[1024];
    int qemu;
    ssize_t r;

    memset(data, 'x', sizeof(data));
    turn();
    qemu = qemu_accepts();
    for (int quiet = 0; quiet < 3;) {
        int n = libxenvchan_write(client, data, sizeof(data));

        quiet = n > 0 ? 0 : quiet + 1;
        sent += n > 0 ? (size_t)n : 0;
        assert_in_range(sent, 0, 16 << 20);
        assert_in_range(turn(), 0, 3);
    }
    assert_int_equal(turn(), 0);
    /* QEMU goes on, and gets every byte */
    while (got < sent) {
        r = read(qemu, data, sizeof(data));
        assert_true(r > 0);
        got += (size_t)r;
        turn();
    }
    assert_int_equal(got, sent);
    qemu_says(qemu, GREETING);
    client_hears(client, GREETING);
    client_leaves(client);
    assert_true(qemu_was_left(qemu));
    a_conversation_works();
}

static void a_client_that_does_not_read_costs_no_time(void **state)
{
    struct libxenvchan *client = client_comes();
    char data[4096];
    int qemu;

    memset(data, 'x', sizeof(data));
    turn();
    qemu = qemu_accepts();
    while (write(qemu, data, sizeof(data)) > 0)
        turn();
    assert_int_equal(turn(), 0);
    /* not even when QEMU has gone, and what it said last is still to be heard */
    close(qemu);
    assert_in_range(turn(), 0, 3);
    assert_true(libxenvchan_read(client, data, sizeof(data)) > 0);
    while (libxenvchan_read(client, data, sizeof(data)) > 0)
        turn();
    assert_false(libxenvchan_is_open(client));
    client_leaves(client);
    a_conversation_works();
}

/* ---- a QEMU that never answers ---- */

/* More clients than QEMU's socket has room for, each of which gives up. */
static void a_qemu_that_hangs_for_a_while_can_be_reached_afterwards(void **state)
{
    int waiting = 0, fd;

    for (int i = 0; i < 40; i++) {
        struct libxenvchan *client = client_comes();

        assert_non_null(client);
        turn();
        client_leaves(client);
    }
    assert_true(works);
    /* QEMU wakes up and finds out about those that have gone */
    while ((fd = accept4(listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        assert_true(qemu_was_left(fd));
        waiting++;
    }
    assert_in_range(waiting, 1, 39); /* there was not room for all */
    a_conversation_works();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bridge_start_one, bridge_stop_one)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_client_after_the_other_is_served),
        TEST(while_a_client_is_served_there_is_no_address_for_another),
        TEST(a_client_that_left_before_it_was_seen_harms_nobody),
        TEST(a_client_that_came_unseen_behind_another_gets_a_greeting_of_its_own),
        TEST(a_client_in_the_place_of_another_is_told_from_it),
        TEST(last_words_reach_qemu),
        TEST(a_connection_that_qemu_closes_ends_the_clients),
        TEST(a_long_answer_arrives_whole_however_slowly_it_is_read),
        TEST(a_flood_stops_at_a_qemu_that_does_not_read_and_costs_no_time),
        TEST(a_client_that_does_not_read_costs_no_time),
        TEST(a_qemu_that_hangs_for_a_while_can_be_reached_afterwards),
    };

    return cmocka_run_group_tests(tests, bridge_start_all, NULL);
}
