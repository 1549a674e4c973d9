/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest that xl has left suspended goes on where it was, and never at two places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "core/ao.h"
#include "migrate/migrate.h"
#include "tests/fakes/ctx.h"
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
    migrate_wake(ctx, DOMID, "there");
    assert_int_equal(resumed, 1);
    assert_non_null(strstr(fake_warnings(), "it goes on where it was"));
}

static void one_that_the_other_host_may_have_started_is_never_woken(void **state)
{
    fake_store_set("/local/domain/5/name", "web--migratedaway");
    migrate_wake(ctx, DOMID, "there");
    assert_int_equal(resumed, 0);
    assert_non_null(strstr(fake_messages(), "there may have started the guest"));
}

static void a_name_that_cannot_be_seen_whole_is_not_trusted(void **state)
{
    char name[2 * XLX_NAME_MAX];

    memset(name, 'w', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    fake_store_set("/local/domain/5/name", name);
    migrate_wake(ctx, DOMID, "there");
    assert_int_equal(resumed, 0);
}

static void a_guest_that_xl_has_woken_is_left_alone(void **state)
{
    guest->flags = XEN_DOMINF_running;
    migrate_wake(ctx, DOMID, "there");
    guest->flags = SHUT_DOWN(poweroff);
    migrate_wake(ctx, DOMID, "there");
    fake_xen_remove(DOMID);
    migrate_wake(ctx, DOMID, "there");
    assert_int_equal(resumed, 0);
    assert_string_equal(fake_messages(), "");
}

static void a_guest_that_cannot_be_woken_is_told_of(void **state)
{
    resume_rc = ERROR_FAIL;
    migrate_wake(ctx, DOMID, "there");
    assert_int_equal(resumed, 1);
    assert_non_null(strstr(fake_messages(), "cannot be woken"));
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
