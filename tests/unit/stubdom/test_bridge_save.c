/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The QMP bridge of the stub domain's init when libxl saves the guest: what libxl asks, what QEMU writes, and what is in
 * dom0's file when the answer comes.
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

#include "base/dm-state.h"
#include "stubdom/init/bridge.h"
#include "stubdom/init/save.h"
#include "tests/fakes/bridge-sides.h"

#define SAVE                                                                                                           \
    "{\"execute\":\"xen-save-devices-state\",\"id\":5,\"arguments\":{\"filename\":\"/dev/fdset/"                       \
    "1\",\"live\":true}}\r\n"
#define SAVED "{\"return\": {}, \"id\": 5}\r\n"
#define NEGOTIATED "{\"return\": {}, \"id\": 1}\r\n"

static int console[2], state_fd = -1;
static uint8_t file[1 << 20];
static size_t file_len;
static uint64_t pieces;
static bool dom0_looks;
static struct outbox outbox;

/* dom0's QEMU takes what is in the console when it looks after it. */
static bool count_taken(void *arg, uint64_t *count)
{
    ssize_t r = dom0_looks ? read(console[0], file + file_len, sizeof(file) - file_len) : 0;

    if (r > 0) {
        file_len += (size_t)r;
        pieces++;
    }
    *count = pieces;
    return true;
}

/* One console for all tests, as in a domain's life; each begins with an empty file, and only the numbers go on. */
static int start_saving(void **state)
{
    if (state_fd < 0) {
        if (pipe2(console, O_NONBLOCK | O_CLOEXEC))
            return -1;
        outbox = (struct outbox){.fd = console[1], .taken = count_taken};
        state_fd = save_prepare(&outbox);
    }
    dom0_looks = true;
    while (save_pump() >= 0)
        ;
    count_taken(NULL, &(uint64_t){0});
    file_len = 0;
    return state_fd < 0 ? -1 : bridge_start_one(state);
}

static void turns(unsigned n)
{
    while (n--) {
        save_pump();
        turn();
        if (works)
            works = bridge_dispatch((struct pollfd[BRIDGE_POLL_FDS]){{.fd = -1}, {.fd = -1}}) == 0;
    }
}

static void qemu_saves(const char *text)
{
    assert_int_equal(ftruncate(state_fd, 0), 0);
    assert_int_equal(write(state_fd, text, strlen(text)), strlen(text));
}

/* A client that has negotiated, as libxl does. */
static struct libxenvchan *client_negotiates(int *qemu)
{
    struct libxenvchan *client = client_comes();

    assert_non_null(client);
    turn();
    *qemu = qemu_greets();
    client_hears(client, GREETING);
    qemu_says(*qemu, NEGOTIATED);
    client_hears(client, NEGOTIATED);
    return client;
}

static bool client_hears_nothing(struct libxenvchan *client)
{
    return libxenvchan_data_ready(client) == 0;
}

/* The frames in dom0's file, whatever number the first one has. */
static unsigned frames_in_file(void)
{
    unsigned n = 0;

    for (size_t i = 0; i + 16 <= file_len; i++)
        n += !memcmp(file + i, "xl-ext-dm-ended\n", 16);
    return n;
}

static void the_answer_to_save_waits_until_dom0_has_the_state(void **state)
{
    int qemu;
    struct libxenvchan *client = client_negotiates(&qemu);

    dom0_looks = false;
    client_says(client, SAVE);
    qemu_hears(qemu, SAVE);
    qemu_saves("QEVM state");
    qemu_says(qemu, SAVED);
    turns(100);
    assert_true(client_hears_nothing(client));
    dom0_looks = true;
    turns(100);
    client_hears(client, SAVED);
    assert_int_equal(frames_in_file(), 1);
    client_leaves(client);
    assert_true(qemu_was_left(qemu));
    a_conversation_works();
}

static void events_and_other_answers_pass_meanwhile(void **state)
{
    static const char event[] = "{\"event\": \"STOP\"}\r\n", other[] = "{\"return\": {}, \"id\": 4}\r\n";
    int qemu;
    struct libxenvchan *client = client_negotiates(&qemu);

    client_says(client, SAVE);
    qemu_says(qemu, event);
    client_hears(client, event);
    qemu_says(qemu, other);
    client_hears(client, other);
    qemu_saves("QEVM state");
    /* what QEMU says behind its answer stays behind it */
    qemu_says(qemu, SAVED "{\"event\": \"RESUME\"}\r\n");
    turns(100);
    client_hears(client, SAVED "{\"event\": \"RESUME\"}\r\n");
    client_leaves(client);
    qemu_was_left(qemu);
}

static void the_command_is_known_in_any_pieces(void **state)
{
    int qemu;
    struct libxenvchan *client = client_negotiates(&qemu);

    for (const char *p = SAVE; *p; p++)
        client_says(client, (char[]){*p, '\0'});
    qemu_saves("QEVM state");
    for (const char *p = SAVED; *p; p++)
        qemu_says(qemu, (char[]){*p, '\0'});
    turns(100);
    client_hears(client, SAVED);
    assert_int_equal(frames_in_file(), 1);
    client_leaves(client);
    qemu_was_left(qemu);
}

static void an_error_of_qemus_passes_and_nothing_is_sent(void **state)
{
    static const char error[] = "{\"id\": 5, \"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}\r\n";
    int qemu;
    struct libxenvchan *client = client_negotiates(&qemu);

    client_says(client, SAVE);
    qemu_says(qemu, error);
    turns(100);
    client_hears(client, error);
    assert_int_equal(frames_in_file(), 0);
    assert_non_null(strstr(said, "QEMU cannot save its state"));
    client_leaves(client);
    qemu_was_left(qemu);
}

static void a_state_that_is_none_is_answered_with_an_error(void **state)
{
    char answer[512];
    int qemu, n;
    struct libxenvchan *client = client_negotiates(&qemu);

    client_says(client, SAVE);
    qemu_saves("nonsense");
    qemu_says(qemu, SAVED);
    turns(100);
    n = libxenvchan_read(client, answer, sizeof(answer) - 1);
    assert_true(n > 0);
    answer[n] = '\0';
    assert_non_null(strstr(answer, "\"id\": 5, \"error\""));
    assert_non_null(strstr(answer, "what QEMU has saved is no state"));
    assert_int_equal(frames_in_file(), 0);
    client_leaves(client);
    qemu_was_left(qemu);
}

static void a_client_that_leaves_in_the_midst_leaves_whole_frames(void **state)
{
    int qemu;
    struct libxenvchan *client = client_negotiates(&qemu);

    dom0_looks = false;
    client_says(client, SAVE);
    qemu_hears(qemu, SAVE);
    qemu_saves("QEVM state");
    qemu_says(qemu, SAVED);
    turns(10);
    client_leaves(client);
    assert_true(qemu_was_left(qemu));
    dom0_looks = true;
    turns(100);
    assert_int_equal(frames_in_file(), 1);
    a_conversation_works();
}

static void a_client_that_leaves_while_qemu_saves_harms_nobody(void **state)
{
    int qemu;
    struct libxenvchan *client = client_negotiates(&qemu);

    client_says(client, SAVE);
    qemu_hears(qemu, SAVE);
    client_leaves(client);
    assert_true(qemu_was_left(qemu));
    turns(100);
    assert_int_equal(frames_in_file(), 0);
    the_answer_to_save_waits_until_dom0_has_the_state(state);
}

static void a_guest_that_goes_on_marks_its_state_as_outdated(void **state)
{
    static const char cont[] = "{\"execute\":\"cont\",\"id\":6}\r\n";
    int qemu;
    struct libxenvchan *client = client_negotiates(&qemu);

    client_says(client, SAVE);
    qemu_hears(qemu, SAVE);
    qemu_saves("QEVM state");
    qemu_says(qemu, SAVED);
    turns(100);
    assert_int_equal(frames_in_file(), 1);
    client_says(client, cont);
    qemu_hears(qemu, cont);
    turns(100);
    assert_int_equal(frames_in_file(), 2);
    client_leaves(client);
    qemu_was_left(qemu);
}

static void a_save_that_could_not_be_told_from_an_earlier_one_is_refused(void **state)
{
    struct libxenvchan *client = client_comes();
    char answer[512];
    int qemu, n;

    turn();
    qemu = qemu_greets();
    client_hears(client, GREETING);
    client_says(client, SAVE); /* without having negotiated */
    n = libxenvchan_read(client, answer, sizeof(answer) - 1);
    assert_true(n > 0);
    answer[n] = '\0';
    assert_non_null(strstr(answer, "before an earlier one was answered"));
    qemu_hears(qemu, "\r\n"); /* of the command it hears nothing */
    client_leaves(client);
    assert_true(qemu_was_left(qemu));
}

static void a_save_without_an_id_is_refused(void **state)
{
    char answer[512];
    int qemu, n;
    struct libxenvchan *client = client_negotiates(&qemu);

    client_says(client, "{\"execute\":\"xen-save-devices-state\",\"arguments\":{\"filename\":\"/dev/fdset/1\"}}");
    n = libxenvchan_read(client, answer, sizeof(answer) - 1);
    assert_true(n > 0);
    answer[n] = '\0';
    assert_non_null(strstr(answer, "\"id\": null"));
    assert_non_null(strstr(answer, "no id"));
    client_leaves(client);
    assert_true(qemu_was_left(qemu));
}

/* Each is refused with an answer that is longer than the command. */
static void a_flood_of_saves_ends_the_conversation(void **state)
{
    int qemu;
    struct libxenvchan *client = client_negotiates(&qemu);

    for (int i = 0; i < 1000 && libxenvchan_is_open(client) == 1; i++) {
        libxenvchan_write(client, SAVE, strlen(SAVE));
        if (i % 30 == 29)
            turn();
    }
    turns(100);
    client_leaves(client);
    close(qemu);
    while (save_pump() >= 0)
        ;
    a_conversation_works();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_saving, bridge_stop_one)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_answer_to_save_waits_until_dom0_has_the_state),
        TEST(events_and_other_answers_pass_meanwhile),
        TEST(the_command_is_known_in_any_pieces),
        TEST(an_error_of_qemus_passes_and_nothing_is_sent),
        TEST(a_state_that_is_none_is_answered_with_an_error),
        TEST(a_client_that_leaves_in_the_midst_leaves_whole_frames),
        TEST(a_client_that_leaves_while_qemu_saves_harms_nobody),
        TEST(a_guest_that_goes_on_marks_its_state_as_outdated),
        TEST(a_save_that_could_not_be_told_from_an_earlier_one_is_refused),
        TEST(a_save_without_an_id_is_refused),
        TEST(a_flood_of_saves_ends_the_conversation),
    };

    return cmocka_run_group_tests(tests, bridge_start_all, NULL);
}
