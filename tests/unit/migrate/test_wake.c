/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest that xl has left suspended goes on where it was, and never at two places. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "core/ao.h"
#include "core/wake.h"
#include "migrate/migrate.h"
#include "tests/fakes/clock.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

#define DOMID 5
#define SHUT_DOWN(reason) (XEN_DOMINF_shutdown | (SHUTDOWN_##reason) << XEN_DOMINF_shutdownshift)

static struct xlx_ctx *ctx;
static struct fake_domain *guest;
static unsigned resumed;
static int resume_rc;

int libxl_domain_resume(libxl_ctx *libxl, uint32_t domid, int suspend_cancel, const libxl_asyncop_how *how)
{
    assert_int_equal(domid, DOMID);
    /* the guest's kernel is told that it was not moved */
    assert_int_equal(suspend_cancel, 1);
    resumed++;
    if (resume_rc)
        return resume_rc;
    how->callback(NULL, 0, how->u.for_callback);
    return 0;
}

static int make(void **state)
{
    ctx = fake_ctx_new();
    ctx->libxl = (libxl_ctx *)&resumed; /* never looked into */
    guest = fake_xen_domain(DOMID, 65536, 65536);
    guest->flags = SHUT_DOWN(suspend);
    fake_store_set("/local/domain/5/name", "web");
    resumed = 0;
    resume_rc = 0;
    return 0;
}

static int unmake(void **state)
{
    ctx->libxl = NULL;
    fake_ctx_free(ctx);
    return 0;
}

static void a_suspended_guest_goes_on(void **state)
{
    migrate_wake(ctx, DOMID, "there", false);
    assert_int_equal(resumed, 1);
    assert_non_null(strstr(fake_warnings(), "it goes on where it was"));
}

static void one_that_the_other_host_may_have_started_is_never_woken(void **state)
{
    fake_store_set("/local/domain/5/name", "web--migratedaway");
    migrate_wake(ctx, DOMID, "there", false);
    assert_int_equal(resumed, 0);
    assert_non_null(strstr(fake_messages(), "there may have started the guest"));
}

static void a_name_that_cannot_be_seen_whole_is_not_trusted(void **state)
{
    char name[2 * XLX_NAME_MAX];

    memset(name, 'w', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    fake_store_set("/local/domain/5/name", name);
    migrate_wake(ctx, DOMID, "there", false);
    assert_int_equal(resumed, 0);
}

static void a_guest_that_xl_has_woken_is_left_alone(void **state)
{
    guest->flags = XEN_DOMINF_running;
    migrate_wake(ctx, DOMID, "there", false);
    guest->flags = SHUT_DOWN(poweroff);
    migrate_wake(ctx, DOMID, "there", false);
    fake_xen_remove(DOMID);
    migrate_wake(ctx, DOMID, "there", false);
    assert_int_equal(resumed, 0);
    assert_string_equal(fake_messages(), "");
}

static void a_guest_that_cannot_be_woken_is_told_of(void **state)
{
    resume_rc = ERROR_FAIL;
    migrate_wake(ctx, DOMID, "there", false);
    assert_int_equal(resumed, 1);
    assert_non_null(strstr(fake_messages(), "cannot be woken"));
}

/* ---- a guest that is asked to suspend, in the place of xl by the linker's --wrap ---- */

#define SHUTDOWN_NODE "/local/domain/5/control/shutdown"

static struct {
    const char *value; /* is put there, */
    uint64_t lasts_ms; /* and stands so long */
    bool suspends, resumed;
} xl_does[3];

static void sleep_ms(uint64_t ms)
{
    struct ao pause = {.ctx = ctx, .timeout_ms = ms};

    ao_start(&pause, ao_complete);
    ao_run(&pause);
}

int __wrap_xl_run(struct xlx_ctx *its_ctx, char *const *argv, int *exit_status);
int __wrap_xl_run(struct xlx_ctx *its_ctx, char *const *argv, int *exit_status)
{
    sleep_ms(10);
    for (size_t i = 0; i < sizeof(xl_does) / sizeof(*xl_does); i++) {
        if (xl_does[i].value)
            fake_store_set(SHUTDOWN_NODE, xl_does[i].value);
        if (xl_does[i].suspends) {
            guest->flags = SHUT_DOWN(suspend);
            fake_store_fire("@releaseDomain");
        }
        sleep_ms(xl_does[i].lasts_ms ? xl_does[i].lasts_ms : 1);
        if (xl_does[i].resumed)
            guest->flags = XEN_DOMINF_running;
    }
    *exit_status = 1;
    return 0;
}

static bool suspends_yet(void)
{
    char *argv[] = {(char *)"xl", (char *)"save", NULL};
    bool yet;
    int status;

    assert_int_equal(xl_run_suspending(ctx, DOMID, argv, &status, &yet), 0);
    assert_int_equal(status, 1);
    assert_int_equal(fake_store_watches(), 0);
    return yet;
}

static int make_running(void **state)
{
    make(state);
    guest->flags = XEN_DOMINF_running;
    memset(xl_does, 0, sizeof(xl_does));
    fake_store_set(SHUTDOWN_NODE, "");
    return 0;
}

static void a_guest_that_has_agreed_and_runs_on_suspends_yet(void **state)
{
    xl_does[0].value = "suspend", xl_does[0].lasts_ms = 5000;
    xl_does[1].value = "", xl_does[1].lasts_ms = 60000;
    assert_true(suspends_yet());
    /* so soon that nobody has seen the question */
    xl_does[0].value = "", xl_does[0].lasts_ms = 60000;
    xl_does[1].value = NULL;
    assert_true(suspends_yet());
}

static void what_xl_has_taken_back_is_not_awaited(void **state)
{
    xl_does[0].value = "suspend", xl_does[0].lasts_ms = 60000;
    xl_does[1].value = "";
    assert_false(suspends_yet());
}

static void one_that_was_not_asked_or_has_not_answered_is_not_awaited(void **state)
{
    assert_false(suspends_yet());
    xl_does[0].value = "suspend", xl_does[0].lasts_ms = 5000;
    assert_false(suspends_yet());
}

static void one_that_has_suspended_and_goes_on_is_not_awaited(void **state)
{
    xl_does[0].value = "suspend";
    xl_does[1].value = "";
    xl_does[2].suspends = xl_does[2].resumed = true;
    assert_false(suspends_yet());
    xl_does[2].resumed = false;
    assert_false(suspends_yet());
}

static void where_xenstore_cannot_be_watched_xl_runs_all_the_same(void **state)
{
    xl_does[0].value = "suspend", xl_does[0].lasts_ms = 5000;
    xl_does[1].value = "", xl_does[1].lasts_ms = 60000;
    for (unsigned at = 1; at <= 2; at++) {
        fake_messages_forget();
        fault_only("xs_watch");
        fault_arm(at, ENOSPC);
        assert_false(suspends_yet());
        assert_true(fault_struck());
        assert_non_null(strstr(fake_warnings(), "cannot watch how it suspends"));
    }
}

static uint64_t began_ms, suspends_at_ms;

static void time_goes_on(uint64_t now_ms)
{
    if (suspends_at_ms && now_ms >= suspends_at_ms)
        guest->flags = SHUT_DOWN(suspend);
}

static int make_late(void **state)
{
    make_running(state);
    began_ms = fake_clock_ms();
    suspends_at_ms = 0;
    fake_clock_on_tick(time_goes_on);
    return 0;
}

static int unmake_late(void **state)
{
    fake_clock_on_tick(NULL);
    return unmake(state);
}

static void one_that_suspends_after_xl_has_given_up_goes_on(void **state)
{
    suspends_at_ms = began_ms + 100000;
    migrate_wake(ctx, DOMID, "there", true);
    assert_int_equal(resumed, 1);
    assert_in_range(fake_clock_ms() - began_ms, 100000, 101000);
    assert_non_null(strstr(fake_warnings(), "waiting for it"));
    assert_non_null(strstr(fake_warnings(), "it goes on where it was"));
}

static void one_that_does_not_suspend_is_awaited_for_five_minutes(void **state)
{
    guest_wake(ctx, DOMID, true);
    assert_int_equal(resumed, 0);
    assert_int_equal(fake_clock_ms() - began_ms, 300000);
    assert_non_null(strstr(fake_warnings(), "should it, nobody wakes it"));
}

static void one_that_ends_meanwhile_is_not_awaited(void **state)
{
    guest->flags = XEN_DOMINF_dying;
    guest_wake(ctx, DOMID, true);
    assert_int_equal(resumed, 0);
    assert_in_range(fake_clock_ms() - began_ms, 0, 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_suspended_guest_goes_on),
        TEST(one_that_the_other_host_may_have_started_is_never_woken),
        TEST(a_name_that_cannot_be_seen_whole_is_not_trusted),
        TEST(a_guest_that_xl_has_woken_is_left_alone),
        TEST(a_guest_that_cannot_be_woken_is_told_of),
        cmocka_unit_test_setup_teardown(a_guest_that_has_agreed_and_runs_on_suspends_yet, make_running, unmake),
        cmocka_unit_test_setup_teardown(what_xl_has_taken_back_is_not_awaited, make_running, unmake),
        cmocka_unit_test_setup_teardown(one_that_was_not_asked_or_has_not_answered_is_not_awaited, make_running,
                                        unmake),
        cmocka_unit_test_setup_teardown(one_that_has_suspended_and_goes_on_is_not_awaited, make_running, unmake),
        cmocka_unit_test_setup_teardown(where_xenstore_cannot_be_watched_xl_runs_all_the_same, make_running, unmake),
        cmocka_unit_test_setup_teardown(one_that_suspends_after_xl_has_given_up_goes_on, make_late, unmake_late),
        cmocka_unit_test_setup_teardown(one_that_does_not_suspend_is_awaited_for_five_minutes, make_late, unmake_late),
        cmocka_unit_test_setup_teardown(one_that_ends_meanwhile_is_not_awaited, make_late, unmake_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
