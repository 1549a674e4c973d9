/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A start, as seen from xenstore: its steps, and what ends it before libxl's 30 s are over. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "stubdom-launch/create.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

static struct xlx_ctx *ctx;
static struct fake_domain *stub;
static char progress[1024];

/* ---- libxl: what it does step by step, 10 ms apart, and the end ---- */

static struct {
    libxl_asyncop_how how;
    uint32_t *domid;
    void (*const *steps)(void);
    struct ev_timer next;
    unsigned aborts;
    int rc;
    bool cannot_stop, over;
} libxl;

static void libxl_ends(void)
{
    libxl.over = true;
    *libxl.domid = libxl.rc ? UINT32_MAX : 4;
    libxl.how.callback(NULL, libxl.rc, libxl.how.u.for_callback);
}

static void libxl_goes_on(struct ev_timer *timer)
{
    bool stops = libxl.aborts && !libxl.cannot_stop;

    if (!*libxl.steps || stops) {
        if (stops && !libxl.rc)
            libxl.rc = ERROR_ABORTED;
        libxl_ends();
        return;
    }
    (*libxl.steps++)();
    ev_timer_start(&ctx->loop, timer, 10, 0, libxl_goes_on);
}

int libxl_domain_create_new(libxl_ctx *l, libxl_domain_config *config, uint32_t *domid, const libxl_asyncop_how *how,
                            const libxl_asyncprogress_how *console)
{
    libxl.how = *how;
    libxl.domid = domid;
    ev_timer_start(&ctx->loop, &libxl.next, 10, 0, libxl_goes_on);
    return 0;
}

int libxl_ao_abort(libxl_ctx *l, const libxl_asyncop_how *how)
{
    assert_ptr_equal(how->u.for_callback, libxl.how.u.for_callback);
    libxl.aborts++;
    return 0;
}

static void guest_and_stub_are_built(void)
{
    fake_xen_domain(4, 4096, 4096);
    stub = fake_xen_domain(5, 4096, 4096);
    fake_store_set("/local/domain/4/name", "g");
    fake_store_fire("@introduceDomain");
    fake_store_set("/local/domain/5/name", "g-dm");
    fake_store_fire("@introduceDomain");
    fake_store_set("/local/domain/4/image/device-model-domid", "5");
}

static void proxy_runs(void)
{
    fake_store_set("/local/domain/0/device-model/5/qmp-proxy-state", "running");
}

static void console_runs(void)
{
    fake_store_set("/local/domain/0/device-model/5/state", "running");
}

static void qemu_runs(void)
{
    fake_store_set("/local/domain/5/device-model/4/state", "running");
}

static void qemu_ends(void)
{
    fake_store_set("/local/domain/5/device-model/4/exit", "exited 1");
}

static void another_start_fails(void)
{
    fake_store_set("/local/domain/8/name", "other");
    fake_store_set("/local/domain/8/image/device-model-domid", "9");
    fake_store_set("/local/domain/9/device-model/8/exit", "exited 1");
    fake_store_set("/local/domain/9/device-model/4/exit", "not of its guest");
    fake_store_set("/local/domain/5/device-model/8/exit", "not of its stub domain");
    fake_store_set("/local/domain/5/device-model/4/exit2", "not the node");
    fake_store_set("/local/domain/5/device-model/4/exit/deeper", NULL);
}

static void stub_panics(void)
{
    stub->flags = XEN_DOMINF_shutdown | (uint32_t)SHUTDOWN_crash << XEN_DOMINF_shutdownshift;
    fake_store_fire("@releaseDomain");
}

static void stub_is_destroyed(void)
{
    fake_xen_remove(5);
    fake_store_fire("@releaseDomain");
}

static void another_domain_goes(void)
{
    fake_store_fire("@releaseDomain");
}

static void user_interrupts(void)
{
    raise(SIGINT);
}

/* ---- */

static void note(struct stubdom_create *op, const char *text)
{
    size_t used = strlen(progress);

    snprintf(progress + used, sizeof(progress) - used, "%s; ", text);
}

static struct stubdom_create start_that(void (*const *steps)(void), int rc, int wanted_rc)
{
    static libxl_domain_config config;
    struct stubdom_create op = {.ao = {.ctx = ctx}, .config = &config, .name = "g", .progress = note};

    libxl.steps = steps;
    libxl.rc = rc;
    assert_int_equal(stubdom_create_start(&op), 0);
    assert_int_equal(ao_wait(&op.ao), wanted_rc);
    assert_true(libxl.over); /* libxl keeps pointers into op until then */
    return op;
}

#define STEPS(...) ((void (*const[])(void)){__VA_ARGS__, NULL})

static void a_start_tells_its_steps(void **state)
{
    struct stubdom_create op = start_that(
        STEPS(guest_and_stub_are_built, proxy_runs, another_start_fails, another_domain_goes, console_runs, qemu_runs),
        0, 0);

    assert_int_equal(op.domid, 4);
    assert_int_equal(op.stub_domid, 5);
    assert_null(op.died);
    assert_int_equal(libxl.aborts, 0);
    assert_string_equal(progress, "building the guest; stub domain built, connecting it; QMP proxy runs; console "
                                  "server runs, booting the stub domain; QEMU runs; device model is ready; ");
}

static void all_happens_at_once(void)
{
    guest_and_stub_are_built();
    proxy_runs();
    console_runs();
    qemu_ends();
}

static void what_was_there_before_it_was_watched_is_seen(void **state)
{
    struct stubdom_create op = start_that(STEPS(all_happens_at_once, another_domain_goes), 0, ERROR_FAIL);

    assert_string_equal(op.died, "QEMU or the stub domain's init ended before QEMU was ready");
    assert_non_null(strstr(progress, "QMP proxy runs; console server runs, booting the stub domain; "));
}

static unsigned watched;

static void guests_write(void)
{
    unsigned before = fake_store_events();

    fake_store_set("/local/domain/4/data/memory-stats", "x");
    fake_store_set("/local/domain/8/data/memory-stats", "x");
    fake_store_set("/local/domain/8/device/vbd/1/state", "4");
    watched += fake_store_events() - before;
}

/* One that writes without end would keep the start busy. */
static void what_guests_write_is_not_heard_of(void **state)
{
    watched = 0;
    start_that(STEPS(guests_write, guest_and_stub_are_built, guests_write, qemu_runs, guests_write), 0, 0);
    assert_int_equal(watched, 0);
}

static void a_qemu_that_ends_ends_the_start(void **state)
{
    struct stubdom_create op =
        start_that(STEPS(guest_and_stub_are_built, qemu_ends, another_domain_goes), 0, ERROR_FAIL);

    assert_int_equal(libxl.aborts, 1);
    assert_int_equal(op.stub_domid, 5);
    assert_string_equal(op.died, "QEMU or the stub domain's init ended before QEMU was ready");
}

static void a_stub_domain_that_panics_ends_the_start(void **state)
{
    struct stubdom_create op =
        start_that(STEPS(guest_and_stub_are_built, stub_panics, another_domain_goes), 0, ERROR_FAIL);

    assert_int_equal(libxl.aborts, 1);
    assert_string_equal(op.died, "the stub domain has crashed");
}

static void a_stub_domain_that_is_destroyed_ends_the_start(void **state)
{
    struct stubdom_create op =
        start_that(STEPS(guest_and_stub_are_built, stub_is_destroyed, another_domain_goes), 0, ERROR_FAIL);

    assert_int_equal(libxl.aborts, 1);
    assert_string_equal(op.died, "the stub domain was destroyed");
}

/* The abort comes too late for libxl, which says that all is well: the caller must clean up. */
static void a_start_that_succeeds_too_late_has_failed(void **state)
{
    struct stubdom_create op;

    libxl.cannot_stop = true;
    op = start_that(STEPS(guest_and_stub_are_built, qemu_runs, qemu_ends, another_domain_goes), 0, ERROR_FAIL);
    assert_int_equal(op.domid, 4);
    assert_non_null(op.died);
}

static void an_interrupt_stops_a_start_once(void **state)
{
    struct stubdom_create op =
        start_that(STEPS(guest_and_stub_are_built, user_interrupts, user_interrupts, qemu_runs), 0, ERROR_ABORTED);

    assert_null(op.died);
    assert_int_equal(libxl.aborts, 1);
}

static void libxls_own_failure_is_passed_on(void **state)
{
    struct stubdom_create op = start_that(STEPS(guest_and_stub_are_built), ERROR_TIMEDOUT, ERROR_TIMEDOUT);

    assert_null(op.died);
    assert_int_equal(op.stub_domid, 5);
    assert_int_equal(libxl.aborts, 0);
}

static int new_ctx(void **state)
{
    ctx = fake_ctx_new();
    ctx->libxl = (libxl_ctx *)&libxl; /* never looked into */
    memset(&libxl, 0, sizeof(libxl));
    progress[0] = '\0';
    return 0;
}

static int free_ctx(void **state)
{
    fake_ctx_free(ctx);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_ctx, free_ctx)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_start_tells_its_steps),
        TEST(what_was_there_before_it_was_watched_is_seen),
        TEST(what_guests_write_is_not_heard_of),
        TEST(a_qemu_that_ends_ends_the_start),
        TEST(a_stub_domain_that_panics_ends_the_start),
        TEST(a_stub_domain_that_is_destroyed_ends_the_start),
        TEST(a_start_that_succeeds_too_late_has_failed),
        TEST(an_interrupt_stops_a_start_once),
        TEST(libxls_own_failure_is_passed_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
