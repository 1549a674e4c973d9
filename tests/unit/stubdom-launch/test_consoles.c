/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stub domain's consoles, with dom0's QEMU of 8.2 and later, and with an older one, as they write to xenstore. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "core/service.h"
#include "stubdom-launch/consoles.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/xenstore.h"

#define BACK "/local/domain/0/backend/console/5"
#define FRONT "/local/domain/5/console"
#define UNUSED_FRONT "/local/domain/5/device/console/2"
#define SERIAL_FRONT "/local/domain/5/device/console/3"

extern const struct service service_stubdom;
static struct xlx_ctx *ctx;
static struct stub_consoles consoles;
static struct ev_timer alive; /* watches alone do not keep a loop going */

static void never(struct ev_timer *timer)
{
    fail();
}

/* Until all that is known has been acted on; a turn for each event, and what it brings about, is more than enough. */
static void settle(void)
{
    for (int turn = 0; turn < 20; turn++)
        uv_run(&ctx->loop, UV_RUN_NOWAIT);
}

static void libxl_adds_consoles(void)
{
    fake_store_set(BACK "/0/state", "1");
    fake_store_set(FRONT "/type", "ioemu");
    fake_store_set(BACK "/2/state", "1");
    fake_store_set(UNUSED_FRONT "/state", "1");
    fake_store_set(BACK "/3/state", "1");
    fake_store_set(SERIAL_FRONT "/output", "pty");
}

static void recent_qemu_starts(void)
{
    fake_store_set(FRONT "/state", "1");
    fake_store_set(BACK "/0/state", "2");
}

static void old_qemu_starts(void)
{
    fake_store_set(BACK "/0/state", "2");
    settle();
    fake_store_set(BACK "/0/state", "4");
    fake_store_set(BACK "/2/state", "2");
}

static void start_watching(void)
{
    assert_int_equal(stub_consoles_start(&consoles, ctx, 5), 0);
    settle();
}

static void a_recent_qemu_is_told_that_the_log_is_connected(void **state)
{
    start_watching();
    libxl_adds_consoles();
    settle();
    assert_null(fake_store_get(FRONT "/state"));
    recent_qemu_starts();
    settle();
    assert_string_equal(fake_store_get(FRONT "/state"), "4");
    assert_string_equal(fake_store_get(BACK "/0/state"), "2"); /* that is QEMU's to write */
}

static void a_console_that_no_qemu_serves_is_connected_for_the_kernel(void **state)
{
    libxl_adds_consoles();
    recent_qemu_starts();
    start_watching();
    assert_string_equal(fake_store_get(BACK "/2/state"), "4");
    assert_string_equal(fake_store_get(UNUSED_FRONT "/state"), "1"); /* the kernel's to write */
    assert_string_equal(fake_store_get(BACK "/3/state"), "1");       /* QEMU comes to this one */
}

static void the_console_of_a_serial_port_that_is_none_is_connected_for_the_kernel(void **state)
{
    libxl_adds_consoles();
    fake_store_set(SERIAL_FRONT "/output", "none");
    recent_qemu_starts();
    start_watching();
    assert_string_equal(fake_store_get(BACK "/3/state"), "4");
}

static void the_console_of_a_restore_is_left_to_qemu(void **state)
{
    libxl_adds_consoles();
    fake_store_set(UNUSED_FRONT "/output", "pipe:/var/lib/xen/qemu-resume.1");
    recent_qemu_starts();
    start_watching();
    assert_string_equal(fake_store_get(BACK "/2/state"), "1");
    assert_string_equal(fake_store_get(FRONT "/state"), "4");
}

static void for_an_older_qemu_nothing_is_written(void **state)
{
    start_watching();
    libxl_adds_consoles();
    old_qemu_starts();
    settle();
    assert_null(fake_store_get(FRONT "/state"));
    assert_string_equal(fake_store_get(BACK "/2/state"), "2");
}

static void who_is_connected_is_watched_no_more(void **state)
{
    libxl_adds_consoles();
    fake_store_set(BACK "/0/state", "4");
    start_watching();
    assert_false(store_watch_active(&consoles.backends));
}

static void what_the_stub_domain_writes_is_not_heard_of(void **state)
{
    unsigned before;

    start_watching();
    before = fake_store_events();
    fake_store_set(FRONT "/state", "1");
    fake_store_set("/local/domain/5/device/console/3/state", "6");
    fake_store_set("/local/domain/0/backend/console/6/0/state", "2"); /* nor what another's does */
    assert_int_equal(fake_store_events(), before);
    assert_true(store_watch_active(&consoles.backends));
}

static void a_refused_write_is_said_once(void **state)
{
    libxl_adds_consoles();
    recent_qemu_starts();
    fault_only("xs_write");
    fault_arm(1, EACCES);
    start_watching();
    assert_non_null(strstr(fake_warnings(), "cannot connect the stub domain's consoles"));
    assert_false(store_watch_active(&consoles.backends));
}

/* ---- in memd ---- */

static struct service_domain stub = {.domid = 5, .name = "g-dm"}, other = {.domid = 6, .name = "g"},
                             unnamed = {.domid = 7, .name = "-dm"};
static struct service_domains domains;

static void memd_serves_stub_domains_by_their_name(void **state)
{
    struct service_env env = {.ctx = ctx, .domains = &domains, .slot = 1};
    void *service;

    assert_int_equal(service_stubdom.start(&env, &service), 0);
    service_domains_add(&domains, &stub);
    service_domains_add(&domains, &other);
    service_domains_add(&domains, &unnamed);
    for (size_t i = 0; i < domains.count; i++)
        service_stubdom.domain_appeared(service, domains.list[i]);
    assert_int_equal(fake_store_watches(), 1);
    libxl_adds_consoles();
    recent_qemu_starts();
    settle();
    assert_string_equal(fake_store_get(FRONT "/state"), "4");
    service_stubdom.domain_gone(service, &other);
    service_stubdom.domain_gone(service, &stub);
    assert_null(stub.slots[1]);
    service_stubdom.domain_appeared(service, &stub); /* as after a restart of memd */
    service_stubdom.stop(service);
    assert_null(stub.slots[1]);
    service_domains_dispose(&domains);
}

static int new_ctx(void **state)
{
    ctx = fake_ctx_new();
    ev_timer_start(&ctx->loop, &alive, 3600 * 1000, 0, never);
    return 0;
}

static int free_ctx(void **state)
{
    stub_consoles_stop(&consoles);
    ev_timer_stop(&alive);
    memset(&domains, 0, sizeof(domains));
    fake_ctx_free(ctx);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_ctx, free_ctx)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_recent_qemu_is_told_that_the_log_is_connected),
        TEST(a_console_that_no_qemu_serves_is_connected_for_the_kernel),
        TEST(the_console_of_a_serial_port_that_is_none_is_connected_for_the_kernel),
        TEST(the_console_of_a_restore_is_left_to_qemu),
        TEST(for_an_older_qemu_nothing_is_written),
        TEST(who_is_connected_is_watched_no_more),
        TEST(what_the_stub_domain_writes_is_not_heard_of),
        TEST(a_refused_write_is_said_once),
        TEST(memd_serves_stub_domains_by_their_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
