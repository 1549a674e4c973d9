/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A monitor and its clients, those that take their time and those that take everybody's, in one process. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/ev.h"
#include "monitor/monitor.h"
#include "tests/fakes/clock.h"

#define LARGE (3u * MONITOR_OUTPUT_MAX)

static uv_loop_t loop;
static struct monitor *monitor;
static char folder[] = "/tmp/xl-ext-test-XXXXXX", path[64];
static int client;

static void run_large(struct monitor_call *call)
{
    char *text = gc_alloc(call->gc, LARGE + 1);

    memset(text, 'x', LARGE);
    text[LARGE] = 0;
    call->result = json_new_string(call->gc, text);
}

static unsigned runs, runs_before_honest;
static bool honest_ran;
static struct monitor_call *deferred;

static void run_count(struct monitor_call *call)
{
    runs++;
}

static void run_honest(struct monitor_call *call)
{
    honest_ran = true;
    runs_before_honest = runs;
}

static void run_later(struct monitor_call *call)
{
    monitor_call_defer(call);
    deferred = call;
}

/* Deferred, and done before it returns. */
static void run_at_once(struct monitor_call *call)
{
    monitor_call_defer(call);
    monitor_call_done(call);
}

static const struct monitor_command at_once = {"at-once", NULL, 0, NULL, run_at_once};
static const struct monitor_command count = {"count", NULL, 0, NULL, run_count};
static const struct monitor_command honest = {"honest", NULL, 0, NULL, run_honest};
static const struct monitor_command large = {"large", NULL, 0, "str", run_large};
static const struct monitor_command later = {"later", NULL, 0, NULL, run_later};
static const struct monitor_command *const commands[] = {&at_once, &count, &honest, &large, &later};
static const struct monitor_event_type events[] = {{"NEWS", NULL, 0}};
static const struct monitor_kind kind = {
    .commands = commands, .command_count = ARRAY_LEN(commands), .events = events, .event_count = 1};

static void turn(void)
{
    for (int i = 0; i < 20; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
}

static void say(const char *text)
{
    assert_int_equal(send(client, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    turn();
}

#define NEGOTIATE "{\"execute\": \"qmp_capabilities\"}\n"

/* Connects, and says that at once. */
static int come(const char *text)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    return fd;
}

static void pass(uint64_t ms)
{
    uint64_t end = fake_clock_ms() + ms;

    while (fake_clock_timers() && fake_clock_ms() < end) {
        uv_run(&loop, UV_RUN_ONCE);
        turn();
    }
}

static bool closed(int fd)
{
    char bytes[4096];
    ssize_t r;

    while ((r = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        ;
    return r == 0;
}

static bool greeted(int fd)
{
    char c;

    return recv(fd, &c, 1, MSG_DONTWAIT | MSG_PEEK) == 1;
}

/* All that there is to read, at the most max bytes; the end of the connection ends it. */
static size_t hear(char *text, size_t max)
{
    size_t len = 0;
    ssize_t r;

    while (len < max && (r = recv(client, text + len, max - len, MSG_DONTWAIT)) != 0) {
        if (r < 0 && !monitor_clients(monitor))
            break;
        len += r > 0 ? (size_t)r : 0;
        turn();
        if (r < 0 && recv(client, text + len, 1, MSG_DONTWAIT | MSG_PEEK) < 0)
            break;
    }
    text[len] = 0;
    return len;
}

static int make(void **state)
{
    struct monitor_options options = {.kind = &kind, .path = path, .owner = getuid(), .group = getgid()};
    char text[1024];

    strcpy(folder + sizeof(folder) - 7, "XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/socket", folder);
    uv_loop_init(&loop);
    assert_int_equal(monitor_new(&loop, &options, &monitor), 0);
    client = come(NEGOTIATE);
    turn();
    hear(text, sizeof(text) - 1);
    assert_int_equal(monitor_clients(monitor), 1);
    return 0;
}

static int unmake(void **state)
{
    monitor_free(monitor);
    assert_int_equal(fake_clock_timers(), 0);
    ev_loop_close(&loop);
    close(client);
    rmdir(folder);
    return 0;
}

static void an_event_does_not_end_who_reads_a_large_answer(void **state)
{
    char *text = malloc(LARGE + 4096);

    say("{\"execute\": \"large\"}\n");
    monitor_emit(monitor, "NEWS", NULL);
    turn();
    assert_int_equal(monitor_clients(monitor), 1);
    assert_true(hear(text, LARGE + 4095) > LARGE);
    assert_non_null(strstr(text, "NEWS"));
    free(text);
}

static void who_never_reads_is_dropped(void **state)
{
    say("{\"execute\": \"large\"}\n");
    for (unsigned i = 0; i < 2 * MONITOR_OUTPUT_MAX / 64 && monitor_clients(monitor); i++) {
        monitor_emit(monitor, "NEWS", NULL);
        turn();
    }
    assert_int_equal(monitor_clients(monitor), 0);
}

/* ---- many clients ---- */

#define FLOODERS 100
#define REQUESTS 40
#define ANSWERS 2000

/* Says so often that it wants something that all of it stands in the socket. */
static void flood(int fd)
{
    for (unsigned i = 0; i < REQUESTS; i++)
        assert_true(send(fd, "{\"execute\": \"count\"}", 20, MSG_NOSIGNAL) == 20);
}

static void a_request_waits_for_at_most_one_of_each_other_client(void **state)
{
    int fds[FLOODERS];

    for (unsigned i = 0; i < FLOODERS; i++) {
        fds[i] = come(NEGOTIATE);
        turn();
    }
    assert_int_equal(monitor_clients(monitor), FLOODERS + 1);
    runs = 0;
    honest_ran = false;
    for (unsigned i = 0; i < FLOODERS; i++)
        flood(fds[i]);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(send(client, "{\"execute\": \"honest\"}", 21, MSG_NOSIGNAL), 21);
    while (!honest_ran) {
        unsigned before = runs;

        uv_run(&loop, UV_RUN_NOWAIT);
        assert_true(runs <= before + 1);
    }
    assert_true(runs_before_honest <= FLOODERS + 1);
    for (unsigned i = 0; i < FLOODERS; i++)
        close(fds[i]);
    turn();
}

static void who_comes_later_is_not_heard_earlier(void **state)
{
    int fds[FLOODERS];

    runs = 0;
    honest_ran = false;
    for (unsigned i = 0; i < FLOODERS; i++) {
        fds[i] = come(NEGOTIATE);
        flood(fds[i]);
        uv_run(&loop, UV_RUN_NOWAIT);
        if (i == FLOODERS / 2)
            assert_int_equal(send(client, "{\"execute\": \"honest\"}", 21, MSG_NOSIGNAL), 21);
    }
    assert_true(honest_ran);
    for (unsigned i = 0; i < FLOODERS; i++)
        close(fds[i]);
    turn();
}

static void a_long_request_is_taken_in_steps(void **state)
{
    char *blanks = malloc(8 * MONITOR_STEP_BYTES);
    int other = come(NEGOTIATE);

    turn();
    honest_ran = false;
    memset(blanks, ' ', 8 * MONITOR_STEP_BYTES);
    assert_int_equal(send(other, blanks, 8 * MONITOR_STEP_BYTES, MSG_NOSIGNAL), 8 * MONITOR_STEP_BYTES);
    assert_int_equal(send(other, "{\"execute\": \"honest\"}", 21, MSG_NOSIGNAL), 21);
    for (unsigned i = 0; i < 8; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_false(honest_ran);
    turn();
    assert_true(honest_ran);
    free(blanks);
    close(other);
}

static void who_does_not_negotiate_is_closed(void **state)
{
    int silent = come(""), refused = come("{\"execute\": \"count\"}");

    turn();
    assert_true(greeted(silent));
    pass(MONITOR_PATIENCE_MS + 1);
    assert_true(closed(silent));
    assert_true(closed(refused));
    /* The one that has negotiated may listen for as long as it likes. */
    pass(100 * MONITOR_PATIENCE_MS);
    assert_int_equal(monitor_clients(monitor), 1);
    assert_int_equal(fake_clock_timers(), 0);
    close(silent);
    close(refused);
}

static void who_ends_its_sending_and_takes_no_answer_is_closed(void **state)
{
    /* More answers than the socket holds, and fewer than hold it up. */
    for (unsigned i = 0; i < ANSWERS; i++) {
        assert_int_equal(send(client, "{\"execute\": \"count\"}", 20, MSG_NOSIGNAL), 20);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    shutdown(client, SHUT_WR);
    turn();
    assert_int_equal(monitor_clients(monitor), 1);
    pass(MONITOR_PATIENCE_MS + 1);
    assert_int_equal(monitor_clients(monitor), 0);
}

static void idle_clients_keep_nobody_out_for_ever(void **state)
{
    int fds[MONITOR_CLIENTS_MAX - 1], late;

    say("{\"execute\": \"later\"}\n");
    for (unsigned i = 0; i < MONITOR_CLIENTS_MAX - 1; i++) {
        fds[i] = come(NEGOTIATE);
        turn();
    }
    assert_int_equal(monitor_clients(monitor), MONITOR_CLIENTS_MAX);
    late = come(NEGOTIATE);
    turn();
    assert_false(greeted(late));
    pass(MONITOR_PATIENCE_MS / 2);
    assert_int_equal(send(fds[0], "{\"execute\": \"count\"}", 20, MSG_NOSIGNAL), 20);
    pass(MONITOR_PATIENCE_MS);
    assert_true(greeted(late));
    assert_int_equal(monitor_clients(monitor), MONITOR_CLIENTS_MAX);
    /* Not the one that has spoken, and not the one that waits for its answer. */
    assert_false(closed(fds[0]));
    assert_true(closed(fds[1]));
    assert_false(closed(fds[2]));
    monitor_call_done(deferred);
    turn();
    assert_false(closed(client));
    for (unsigned i = 0; i < MONITOR_CLIENTS_MAX - 1; i++)
        close(fds[i]);
    close(late);
}

static void who_does_not_read_its_answers_is_not_heard_until_it_does(void **state)
{
    static char text[LARGE + 4096];

    runs = 0;
    say("{\"execute\": \"large\"}{\"execute\": \"count\"}{\"execute\": \"count\"}");
    turn();
    assert_int_equal(runs, 0);
    hear(text, sizeof(text) - 1);
    turn();
    assert_int_equal(runs, 2);
}

static void a_call_that_is_done_within_its_own_run_may_lose_its_client(void **state)
{
    char text[256];
    int fd;

    say("{\"execute\": \"at-once\"}\n");
    hear(text, sizeof(text) - 1);
    assert_string_equal(text, "{\"return\": {}}\r\n");
    fd = come(NEGOTIATE "{\"execute\": \"at-once\"}{\"execute\": \"at-once\"}");
    close(fd);
    turn();
    assert_int_equal(monitor_clients(monitor), 1);
}

/* All but so many that are open already are in use. */
static void use_descriptors_up(struct rlimit *before)
{
    struct rlimit few;
    int next = dup(client);

    assert_true(next >= 0);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, before), 0);
    few = *before;
    few.rlim_cur = (rlim_t)next + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
}

static void out_of_descriptors_it_may_be_told_to_end(void **state)
{
    struct rlimit before;
    int fd;

    shutdown(client, SHUT_RDWR);
    turn();
    assert_int_equal(monitor_clients(monitor), 0);
    use_descriptors_up(&before);
    fd = come(NEGOTIATE);
    turn();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    /* It waits for its time to listen again. */
    close(fd);
}

static void out_of_descriptors_it_waits_and_then_lets_clients_in(void **state)
{
    struct rlimit before;
    int fd;

    /* The one that is left is the test's own. */
    use_descriptors_up(&before);
    fd = come(NEGOTIATE);
    turn();
    assert_false(greeted(fd));
    /* It does not try again and again: nothing of the loop is ready. */
    assert_int_equal(poll(&(struct pollfd){.fd = uv_backend_fd(&loop), .events = POLLIN}, 1, 0), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    pass(2000);
    assert_true(greeted(fd));
    close(fd);
    turn();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_event_does_not_end_who_reads_a_large_answer, make, unmake),
        cmocka_unit_test_setup_teardown(who_never_reads_is_dropped, make, unmake),
        cmocka_unit_test_setup_teardown(a_request_waits_for_at_most_one_of_each_other_client, make, unmake),
        cmocka_unit_test_setup_teardown(who_comes_later_is_not_heard_earlier, make, unmake),
        cmocka_unit_test_setup_teardown(a_long_request_is_taken_in_steps, make, unmake),
        cmocka_unit_test_setup_teardown(who_does_not_negotiate_is_closed, make, unmake),
        cmocka_unit_test_setup_teardown(who_ends_its_sending_and_takes_no_answer_is_closed, make, unmake),
        cmocka_unit_test_setup_teardown(idle_clients_keep_nobody_out_for_ever, make, unmake),
        cmocka_unit_test_setup_teardown(who_does_not_read_its_answers_is_not_heard_until_it_does, make, unmake),
        cmocka_unit_test_setup_teardown(a_call_that_is_done_within_its_own_run_may_lose_its_client, make, unmake),
        cmocka_unit_test_setup_teardown(out_of_descriptors_it_may_be_told_to_end, make, unmake),
        cmocka_unit_test_setup_teardown(out_of_descriptors_it_waits_and_then_lets_clients_in, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
