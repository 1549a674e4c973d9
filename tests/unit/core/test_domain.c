/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "core/domain.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

static struct xlx_ctx *ctx;
static struct xs_handle *xs;

static int new_ctx(void **state)
{
    ctx = fake_ctx_new();
    fake_xen_domain(0, 1 << 20, 1 << 20);
    fake_xen_domain(7, 1 << 18, 1 << 18);
    fake_xen_domain(12, 1 << 18, 1 << 18);
    fake_store_set("/local/domain/0/name", "Domain-0");
    fake_store_set("/local/domain/7/name", "web");
    fake_store_set("/local/domain/12/name", "db-12");
    fake_store_set("/libxl/7/type", "pvh");
    return ctx_xs(ctx, &xs);
}

static int free_ctx(void **state)
{
    fake_ctx_free(ctx);
    return 0;
}

/* ---- finding ---- */

static void a_domain_is_found_by_name_number_and_uuid(void **state)
{
    static const struct {
        const char *text;
        uint32_t domid;
    } cases[] = {{"web", 7},
                 {"7", 7},
                 {"007", 7},
                 {"0", 0},
                 {"Domain-0", 0},
                 {"db-12", 12},
                 {"07070707-0707-0707-0707-070707070707", 7},
                 {"0C0C0C0C-0c0c-0c0c-0c0c-0c0c0c0c0c0c", 12}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint32_t domid = UINT32_MAX;

        assert_int_equal(xlx_domain_find(ctx, cases[i].text, &domid), 0);
        assert_int_equal(domid, cases[i].domid);
    }
    assert_int_equal(fake_message_count(), 0);
}

/* One that is being built is paused until that is done. */
static void a_domain_runs_when_it_is_there_and_not_paused(void **state)
{
    static const char uuid[] = "0d0d0d0d-0d0d-0d0d-0d0d-0d0d0d0d0d0d";
    struct fake_domain *d;

    assert_false(domain_runs(ctx, uuid));
    d = fake_xen_domain(13, 1 << 18, 1 << 18);
    d->flags |= XEN_DOMINF_paused;
    assert_false(domain_runs(ctx, uuid));
    d->flags &= ~XEN_DOMINF_paused;
    assert_true(domain_runs(ctx, uuid));
    d->flags |= XEN_DOMINF_dying;
    assert_false(domain_runs(ctx, uuid));
}

static void what_names_no_domain_is_said_once(void **state)
{
    static const char *const absent[] = {"nobody",
                                         "we",
                                         "webs",
                                         "8",
                                         "32752",
                                         "4294967303",
                                         "99999999999999999999",
                                         "-7",
                                         "7 ",
                                         "Web",
                                         "08080808-0808-0808-0808-080808080808",
                                         "07070707-0707-0707-0707-07070707070",
                                         "/local/domain/7"};

    for (size_t i = 0; i < sizeof(absent) / sizeof(*absent); i++) {
        uint32_t domid;

        fake_messages_forget();
        assert_int_equal(xlx_domain_find(ctx, absent[i], &domid), ERROR_DOMAIN_NOTFOUND);
        assert_int_equal(fake_message_count(), 1);
        assert_non_null(strstr(fake_messages(), absent[i]));
    }
}

static void an_empty_name_is_invalid(void **state)
{
    uint32_t domid;

    assert_int_equal(xlx_domain_find(ctx, "", &domid), ERROR_INVAL);
    assert_int_equal(fake_message_count(), 1);
}

static void a_name_of_digits_is_a_number(void **state)
{
    uint32_t domid;

    fake_store_set("/local/domain/12/name", "7");
    assert_int_equal(xlx_domain_find(ctx, "7", &domid), 0);
    assert_int_equal(domid, 7);
}

static void nodes_that_are_no_domains_are_passed_over(void **state)
{
    uint32_t domid;

    fake_store_set("/local/domain/abc/name", "target");
    fake_store_set("/local/domain/99999999/name", "target");
    fake_store_set_bytes("/local/domain/3/name", "tar\0get", 7);
    assert_int_equal(xlx_domain_find(ctx, "target", &domid), ERROR_DOMAIN_NOTFOUND);
    assert_int_equal(xlx_domain_find(ctx, "tar", &domid), ERROR_DOMAIN_NOTFOUND);
}

static void dom0_is_found_without_a_name(void **state)
{
    uint32_t domid = 5;

    fake_store_set("/local/domain/0/name", NULL);
    assert_int_equal(xlx_domain_find(ctx, "Domain-0", &domid), 0);
    assert_int_equal(domid, 0);
}

static void a_hypervisor_that_refuses_is_not_an_absent_domain(void **state)
{
    uint32_t domid;

    fault_only("xc_domain_getinfolist");
    fault_arm(1, EPERM);
    assert_int_equal(xlx_domain_find(ctx, "07070707-0707-0707-0707-070707070707", &domid), ERROR_FAIL);
    fault_arm(1, EPERM);
    assert_int_equal(xlx_domain_find(ctx, "7", &domid), ERROR_FAIL);
    fault_only("xs_directory");
    fault_arm(1, EACCES);
    assert_int_equal(xlx_domain_find(ctx, "web", &domid), ERROR_FAIL);
    assert_int_equal(fake_message_count(), 3);
}

/* ---- names and types ---- */

static void control_characters_in_a_name_cannot_reach_a_terminal(void **state)
{
    char name[XLX_NAME_MAX];

    fake_store_set("/local/domain/7/name", "a\033[2Jb\nc\177");
    domain_name(ctx, xs, 7, name);
    assert_string_equal(name, "a?[2Jb?c?");
    fake_store_set("/local/domain/7/name", "a\xc2\x9b"
                                           "31mb\x9b\xc3\xa4");
    domain_name(ctx, xs, 7, name);
    assert_string_equal(name, "a?31mb?\xc3\xa4");
}

static void a_long_name_is_shortened(void **state)
{
    char name[XLX_NAME_MAX], huge[4000];

    memset(huge, 'x', sizeof(huge));
    fake_store_set_bytes("/local/domain/7/name", huge, sizeof(huge));
    domain_name(ctx, xs, 7, name);
    assert_int_equal(strlen(name), XLX_NAME_MAX - 1);
}

static void a_domain_without_a_readable_name_is_unnamed(void **state)
{
    char name[XLX_NAME_MAX];

    domain_name(ctx, xs, 99, name);
    assert_string_equal(name, "(unnamed)");
    fake_store_set("/local/domain/7/name", "");
    domain_name(ctx, xs, 7, name);
    assert_string_equal(name, "(unnamed)");
    fake_store_set("/local/domain/0/name", NULL);
    domain_name(ctx, xs, 0, name);
    assert_string_equal(name, "Domain-0");
}

static void a_type_is_one_of_three_or_invalid(void **state)
{
    static const char *const bad[] = {"", "PV", "pv ", "hvmx", "a very long type indeed"};

    assert_int_equal(domain_type(xs, 7), LIBXL_DOMAIN_TYPE_PVH);
    assert_int_equal(domain_type(xs, 0), LIBXL_DOMAIN_TYPE_PV);
    assert_int_equal(domain_type(xs, 12), LIBXL_DOMAIN_TYPE_INVALID);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        fake_store_set("/libxl/12/type", bad[i]);
        assert_int_equal(domain_type(xs, 12), LIBXL_DOMAIN_TYPE_INVALID);
    }
    assert_string_equal(domain_type_name(LIBXL_DOMAIN_TYPE_HVM), "hvm");
    assert_string_equal(domain_type_name(LIBXL_DOMAIN_TYPE_INVALID), "unknown");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, new_ctx, free_ctx)
    const struct CMUnitTest tests[] = {
        T(a_domain_is_found_by_name_number_and_uuid),
        T(a_domain_runs_when_it_is_there_and_not_paused),
        T(what_names_no_domain_is_said_once),
        T(an_empty_name_is_invalid),
        T(a_name_of_digits_is_a_number),
        T(nodes_that_are_no_domains_are_passed_over),
        T(dom0_is_found_without_a_name),
        T(a_hypervisor_that_refuses_is_not_an_absent_domain),
        T(control_characters_in_a_name_cannot_reach_a_terminal),
        T(a_long_name_is_shortened),
        T(a_domain_without_a_readable_name_is_unnamed),
        T(a_type_is_one_of_three_or_invalid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
