/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client of a server that accepts it and says nothing. */
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

#include "base/error.h"
#include "base/ev.h"
#include "monitor/connection.h"
#include "tests/fakes/ctx.h"

#define LONG_MS 600000

static struct xlx_ctx *ctx;
static char path[64];
static int server;
static struct connection connection;

static int make(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    ctx = fake_ctx_new();
    snprintf(path, sizeof(path), "/tmp/xl-ext-test-connection-%d", (int)getpid());
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(server, 1), 0);
    connection = (struct connection){.name = "server"};
    return 0;
}

static int unmake(void **state)
{
    close(server);
    unlink(path);
    fake_ctx_free(ctx);
    return 0;
}

static void enough(struct ev_timer *timer)
{
    connection_give_up(&connection);
}

static void who_waits_for_an_answer_may_give_up(void **state)
{
    struct ev_timer timer = {0};

    /* Nobody waits so far. */
    connection_give_up(&connection);
    ev_timer_start(&ctx->loop, &timer, 10, 0, enough);
    assert_int_equal(connection_open(&connection, ctx, path, LONG_MS), ERROR_ABORTED);
    assert_string_equal(fake_messages(), "");
}

static void an_answer_that_does_not_come_in_time_is_said(void **state)
{
    assert_int_equal(connection_open(&connection, ctx, path, 20), ERROR_TIMEDOUT);
    assert_non_null(strstr(fake_messages(), "server: no answer within 0.020 s"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_waits_for_an_answer_may_give_up, make, unmake),
        cmocka_unit_test_setup_teardown(an_answer_that_does_not_come_in_time_is_said, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
