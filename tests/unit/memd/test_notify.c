/* SPDX-License-Identifier: LGPL-2.1-or-later */
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

#include "memd/memd.h"
#include "tests/fakes/clock.h"
#include "tests/fakes/ctx.h"

static struct xlx_ctx *ctx;
static struct notify notify;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int systemd;

static int make(void **state)
{
    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/xl-ext-test-notify-%d", (int)getpid());
    systemd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(systemd, (struct sockaddr *)&address, sizeof(address)), 0);
    ctx = fake_ctx_new();
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    setenv("WATCHDOG_USEC", "180000000", 1);
    unsetenv("WATCHDOG_PID");
    notify_start(ctx, &notify);
    return 0;
}

static int unmake(void **state)
{
    notify_stop(&notify);
    fake_ctx_free(ctx);
    close(systemd);
    unlink(address.sun_path);
    return 0;
}

static const char *heard(void)
{
    static char text[64];
    ssize_t r = recv(systemd, text, sizeof(text) - 1, 0);

    text[r > 0 ? r : 0] = 0;
    return text;
}

static unsigned fed, woken;

static void count_wake(uint64_t now_ms)
{
    woken++;
}

/* As memd's own loop does. */
static void run_for(uint64_t ms)
{
    uint64_t end = fake_clock_ms() + ms;

    fed = woken = 0;
    fake_clock_on_tick(count_wake);
    while (fake_clock_ms() < end) {
        uv_run(&ctx->loop, UV_RUN_ONCE);
        notify_woken(&notify);
        fed += !strcmp(heard(), "WATCHDOG=1");
    }
    fake_clock_on_tick(NULL);
}

static void nothing(struct ev_timer *t)
{
}

static void a_watchdog_is_fed_without_any_event(void **state)
{
    run_for(900000);
    assert_int_equal(fed, 10);
}

static void who_wakes_anyhow_feeds_it_and_is_not_woken_for_it(void **state)
{
    struct ev_timer backstop = {.handle = NULL};

    ev_timer_start(&ctx->loop, &backstop, 60000, 60000, nothing);
    run_for(600000);
    ev_timer_stop(&backstop);
    assert_int_equal(fed, 10);
    assert_int_equal(woken, 10);
}

static void it_is_not_fed_at_every_turn(void **state)
{
    struct ev_timer busy = {.handle = NULL};

    ev_timer_start(&ctx->loop, &busy, 100, 100, nothing);
    run_for(450000);
    ev_timer_stop(&busy);
    assert_int_equal(fed, 10);
}

static void without_a_watchdog_nothing_is_fed(void **state)
{
    struct ev_timer backstop = {.handle = NULL};

    notify_stop(&notify);
    unsetenv("WATCHDOG_USEC");
    notify_start(ctx, &notify);
    ev_timer_start(&ctx->loop, &backstop, 60000, 60000, nothing);
    run_for(600000);
    ev_timer_stop(&backstop);
    assert_int_equal(fed, 0);
    notify_say(&notify, "READY=1");
    assert_string_equal(heard(), "READY=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_watchdog_is_fed_without_any_event, make, unmake),
        cmocka_unit_test_setup_teardown(who_wakes_anyhow_feeds_it_and_is_not_woken_for_it, make, unmake),
        cmocka_unit_test_setup_teardown(it_is_not_fed_at_every_turn, make, unmake),
        cmocka_unit_test_setup_teardown(without_a_watchdog_nothing_is_fed, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
