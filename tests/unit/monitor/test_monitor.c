/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A monitor and a client that takes its time, in one process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/ev.h"
#include "monitor/monitor.h"

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

static const struct monitor_command large = {"large", NULL, 0, "str", run_large};
static const struct monitor_command *const commands[] = {&large};
static const struct monitor_event_type events[] = {{"NEWS", NULL, 0}};
static const struct monitor_kind kind = {.commands = commands, .command_count = 1, .events = events, .event_count = 1};

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
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct monitor_options options = {.kind = &kind, .path = path, .owner = getuid(), .group = getgid()};
    char text[1024];

    strcpy(folder + sizeof(folder) - 7, "XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/socket", folder);
    uv_loop_init(&loop);
    assert_int_equal(monitor_new(&loop, &options, &monitor), 0);
    strcpy(address.sun_path, path);
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    turn();
    say("{\"execute\": \"qmp_capabilities\"}\n");
    hear(text, sizeof(text) - 1);
    assert_int_equal(monitor_clients(monitor), 1);
    return 0;
}

static int unmake(void **state)
{
    monitor_free(monitor);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_event_does_not_end_who_reads_a_large_answer, make, unmake),
        cmocka_unit_test_setup_teardown(who_never_reads_is_dropped, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
