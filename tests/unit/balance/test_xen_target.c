/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "balance/xen/host-xen.h"
#include "base/error.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

#define MIB UINT64_C(1024)
#define UUID "05050505-0505-0505-0505-050505050505"
#define TARGET "/local/domain/5/memory/target"
#define OWN "/local/domain/0/xl-ext/own-target/5"
#define VM "/vm/" UUID "/memory"

static struct host_xen xen;
static struct xen_domain guest;
static struct service_domain record;
static struct service_domains table;
static struct fake_domain *domain;

static int make(void **state)
{
    xen = (struct host_xen){.host.ops = &host_xen_ops, .ctx = fake_ctx_new(), .domains = &table};
    assert_int_equal(ctx_xs(xen.ctx, &xen.xs), 0);
    assert_int_equal(ctx_xc(xen.ctx, &xen.xc), 0);
    guest = (struct xen_domain){.xen = &xen, .domid = 5, .domain = &record};
    record = (struct service_domain){.domid = 5, .type = LIBXL_DOMAIN_TYPE_PVH, .uuid = UUID, .slots = {&guest}};
    service_domains_add(&table, &record);
    fake_store_set(TARGET, "524288");
    domain = fake_xen_domain(5, 512 * MIB, 513 * MIB);
    fake_xen_type(domain, "pvh");
    fake_forget();
    return 0;
}

static int unmake(void **state)
{
    service_domains_dispose(&table);
    fake_ctx_free(xen.ctx);
    return 0;
}

static int set(uint64_t expected_mib, uint64_t mib)
{
    return xen_target_set(&xen.host, 5, expected_mib * MIB, mib * MIB, 0);
}

static void a_grower_gets_its_limit_first(void **state)
{
    assert_int_equal(set(512, 768), 0);
    assert_string_equal(fake_steps(),
                        "limit 787456; pod 787456; write " TARGET "; write " VM "; write " OWN "; commit");
    assert_string_equal(fake_store_get(TARGET), "786432");
    assert_int_equal(domain->max_kb, 769 * MIB);
}

static void a_shrinker_is_told_first(void **state)
{
    assert_int_equal(set(512, 256), 0);
    assert_string_equal(fake_steps(),
                        "pod 263168; write " TARGET "; write " VM "; write " OWN "; commit; limit 263168");
    assert_int_equal(domain->max_kb, 257 * MIB);
}

static void a_limit_that_was_left_too_high_is_lowered(void **state)
{
    xen_target_mend_limit(&xen, &guest, 256 * MIB, 513 * MIB);
    assert_string_equal(fake_steps(), "limit 263168");
    fake_forget();
    /* One that fits, or is lower because somebody wants it so, is left alone. */
    xen_target_mend_limit(&xen, &guest, 256 * MIB, 257 * MIB);
    xen_target_mend_limit(&xen, &guest, 256 * MIB, 200 * MIB);
    assert_string_equal(fake_steps(), "");
}

static void a_target_and_who_wrote_it_are_one_change(void **state)
{
    uint64_t own;

    assert_int_equal(set(512, 256), 0);
    assert_string_equal(fake_store_get(OWN), "262144 " UUID);
    assert_int_equal(xen_target_own(&xen, &guest, &own), 0);
    assert_int_equal(own, 256 * MIB);
}

static void somebody_elses_target_is_not_overwritten(void **state)
{
    fake_store_set(TARGET, "400000");
    assert_int_equal(set(512, 256), ERROR_INVAL);
    assert_string_equal(fake_store_get(TARGET), "400000");
    assert_null(fake_store_get(OWN));
}

static void write_theirs(void *arg)
{
    fake_store_set(TARGET, "400000");
}

static void somebody_who_is_quicker_wins(void **state)
{
    fake_store_before_commit(write_theirs, NULL);
    assert_int_equal(set(512, 256), ERROR_INVAL);
    assert_string_equal(fake_store_get(TARGET), "400000");
    assert_null(fake_store_get(OWN));
}

/* Theirs may be above ours or below: the guest reaches it, and does not get beyond it. */
static void somebody_who_is_quicker_keeps_the_limit_of_his_target(void **state)
{
    fake_store_before_commit(write_theirs, NULL);
    assert_int_equal(set(512, 768), ERROR_INVAL);
    assert_int_equal(domain->max_kb, 400000 + MIB);
    fake_store_set(TARGET, "1000000");
    domain->max_kb = 1000000 + MIB;
    assert_int_equal(set(512, 768), ERROR_INVAL);
    assert_int_equal(domain->max_kb, 1000000 + MIB);
}

/* Whoever wishes for the size that memd gave has wished for it: its value alone does not tell. */
static void wish_for_the_same(void *arg)
{
    fake_store_set(TARGET, "524288");
    fake_store_set(OWN, "0 " UUID);
}

static void a_wish_for_the_size_that_stands_is_not_overwritten(void **state)
{
    fake_store_set(OWN, "524288 " UUID);
    fake_store_before_commit(wish_for_the_same, NULL);
    assert_int_equal(set(512, 256), ERROR_INVAL);
    assert_string_equal(fake_store_get(TARGET), "524288");
    assert_string_equal(fake_store_get(OWN), "0 " UUID);
    assert_int_equal(domain->max_kb, 513 * MIB);
    assert_int_equal(set(512, 768), ERROR_INVAL);
    assert_string_equal(fake_store_get(OWN), "0 " UUID);
    assert_int_equal(domain->max_kb, 513 * MIB);
}

static void write_after_our_limit(struct fake_domain *d)
{
    if (d->max_kb == 257 * MIB)
        fake_store_set(TARGET, "400000");
}

/* Their target and limit came between our commit and our limit: xenstored tells of the target. */
static void a_target_that_came_meanwhile_gets_its_limit_when_it_is_heard_of(void **state)
{
    domain->limited = write_after_our_limit;
    assert_int_equal(set(512, 256), 0);
    assert_int_equal(xen_target_disown(&xen.host, 5), 0);
    assert_int_equal(domain->max_kb, 400000 + MIB);
    /* A limit that lets them reach it stays. */
    domain->limited = NULL;
    domain->max_kb = 500000;
    assert_int_equal(xen_target_disown(&xen.host, 5), 0);
    assert_int_equal(domain->max_kb, 500000);
    assert_string_equal(fake_store_get(OWN), "0 " UUID);
}

static void a_record_of_an_older_domain_with_that_domid_does_not_count(void **state)
{
    uint64_t own;

    fake_store_set(OWN, "262144 11111111-1111-1111-1111-111111111111");
    assert_int_equal(xen_target_own(&xen, &guest, &own), ERROR_NOTFOUND);
}

static void a_domain_that_is_gone_is_said_to_be(void **state)
{
    fake_store_set(TARGET, NULL);
    assert_int_equal(set(512, 256), ERROR_DOMAIN_NOTFOUND);
    assert_int_equal(xen_target_set(&xen.host, 99, 1, 2, 0), ERROR_DOMAIN_NOTFOUND);
}

/* At whatever step something fails: the target and its record go together, and the limit is never below the target. */
static void no_failure_leaves_half_a_change(void **state)
{
    for (unsigned at = 1;; at++) {
        for (int grow = 0; grow < 2; grow++) {
            const char *target;
            int rc;

            fake_store_set(TARGET, "524288");
            fake_store_set(OWN, "524288 " UUID);
            domain->max_kb = 513 * MIB;
            fault_arm(at, EIO);
            rc = set(512, grow ? 768 : 256);
            if (!fault_struck()) {
                fault_arm(0, 0);
                assert_int_equal(rc, 0);
                /* Seven messages to xenstored and three hypercalls. */
                assert_true(at - 1 <= 10);
                if (grow)
                    return;
                continue;
            }
            fault_arm(0, 0);
            target = fake_store_get(TARGET);
            assert_int_equal(!strcmp(target, "524288"), !strcmp(fake_store_get(OWN), "524288 " UUID));
            assert_int_equal(domain->max_kb, strtoull(target, NULL, 10) + MIB);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_grower_gets_its_limit_first, make, unmake),
        cmocka_unit_test_setup_teardown(a_shrinker_is_told_first, make, unmake),
        cmocka_unit_test_setup_teardown(a_limit_that_was_left_too_high_is_lowered, make, unmake),
        cmocka_unit_test_setup_teardown(a_target_and_who_wrote_it_are_one_change, make, unmake),
        cmocka_unit_test_setup_teardown(somebody_elses_target_is_not_overwritten, make, unmake),
        cmocka_unit_test_setup_teardown(somebody_who_is_quicker_wins, make, unmake),
        cmocka_unit_test_setup_teardown(somebody_who_is_quicker_keeps_the_limit_of_his_target, make, unmake),
        cmocka_unit_test_setup_teardown(a_wish_for_the_size_that_stands_is_not_overwritten, make, unmake),
        cmocka_unit_test_setup_teardown(a_target_that_came_meanwhile_gets_its_limit_when_it_is_heard_of, make, unmake),
        cmocka_unit_test_setup_teardown(a_record_of_an_older_domain_with_that_domid_does_not_count, make, unmake),
        cmocka_unit_test_setup_teardown(a_domain_that_is_gone_is_said_to_be, make, unmake),
        cmocka_unit_test_setup_teardown(no_failure_leaves_half_a_change, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
