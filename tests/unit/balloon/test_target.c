/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "balloon/target.h"
#include "xlx.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

#define MIB UINT64_C(1024)
#define DOMID 5
#define TARGET "/local/domain/5/memory/target"
#define STATIC_MAX "/local/domain/5/memory/static-max"
#define VIDEORAM "/local/domain/5/memory/videoram"
#define OWNER "/local/domain/0/xl-ext/own-target/5"
#define VM "/vm/05050505-0505-0505-0505-050505050505/memory"

static struct xlx_ctx *ctx;
static struct fake_domain *domain;

/* A guest of 512 MiB that may get 1024, as xl leaves it. */
static void make_domain(const char *type)
{
    fake_store_set("/local/domain/5/name", "five");
    fake_store_set(TARGET, "524288");
    fake_store_set(STATIC_MAX, "1048576");
    fake_store_set(VM, "512");
    domain = fake_xen_domain(DOMID, 512 * MIB, 513 * MIB);
    fake_xen_type(domain, type);
    domain->pod_target_kb = 513 * MIB;
}

static int new_ctx(void **state)
{
    ctx = fake_ctx_new();
    make_domain("pvh");
    fake_forget();
    return 0;
}

static int free_ctx(void **state)
{
    fake_ctx_free(ctx);
    return 0;
}

static struct xlx_mem_target asked(enum xlx_mem_relation relation, uint64_t size_memkb, unsigned flags)
{
    return (struct xlx_mem_target){.size = sizeof(struct xlx_mem_target),
                                   .domid = DOMID,
                                   .relation = relation,
                                   .size_memkb = size_memkb,
                                   .flags = flags};
}

static int set(uint64_t size_memkb, unsigned flags)
{
    struct xlx_mem_target t = asked(XLX_MEM_ABSOLUTE, size_memkb, flags);

    return xlx_mem_target_set(ctx, &t);
}

/* ---- the order of the steps ---- */

static void a_grower_gets_its_limit_before_it_is_told(void **state)
{
    assert_int_equal(set(768 * MIB, 0), 0);
    assert_string_equal(fake_steps(), "limit 787456; pod 787456; write " TARGET "; write " VM "; commit");
    assert_string_equal(fake_store_get(TARGET), "786432");
    assert_string_equal(fake_store_get(VM), "768");
}

static void a_shrinker_is_told_before_its_limit_is_lowered(void **state)
{
    assert_int_equal(set(384 * MIB, 0), 0);
    assert_string_equal(fake_steps(), "pod 394240; write " TARGET "; write " VM "; commit; limit 394240");
    assert_string_equal(fake_store_get(TARGET), "393216");
}

static void a_pv_guest_has_no_populate_on_demand(void **state)
{
    fake_xen_type(domain, "pv");
    assert_int_equal(set(384 * MIB, 0), 0);
    assert_null(strstr(fake_steps(), "pod"));
}

static void the_result_tells_old_and_new_target(void **state)
{
    struct xlx_mem_target t = asked(XLX_MEM_SHRINK, 100 * MIB, 0);

    assert_int_equal(xlx_mem_target_set(ctx, &t), 0);
    assert_int_equal(t.old_target_memkb, 512 * MIB);
    assert_int_equal(t.new_target_memkb, 412 * MIB);
    assert_int_equal(t.floor_memkb, xlx_mem_floor_memkb(1024 * MIB));
    assert_false(t.refused_by_floor);
}

/* ---- the limit that a caller wants ---- */

static int change(uint64_t size_memkb, uint64_t limit_memkb)
{
    struct target_change c = {
        .target = asked(XLX_MEM_ABSOLUTE, size_memkb, 0), .limit = TARGET_LIMIT_GIVEN, .limit_memkb = limit_memkb};

    return target_change(ctx, &c);
}

static void a_given_limit_is_set_in_the_same_order(void **state)
{
    assert_int_equal(change(768 * MIB, 768 * MIB + 64), 0);
    assert_string_equal(fake_steps(), "limit 786496; pod 786496; write " TARGET "; write " VM "; commit");
    fake_forget();
    /* Below what the guest still holds, and the populate-on-demand target is not above it. */
    domain->actual_kb = 768 * MIB + 64;
    assert_int_equal(change(384 * MIB, 384 * MIB + 64), 0);
    assert_string_equal(fake_steps(), "pod 393280; write " TARGET "; write " VM "; commit; limit 393280");
}

static void a_given_limit_is_never_above_libxls(void **state)
{
    assert_int_equal(change(768 * MIB, 900 * MIB), 0);
    assert_int_equal(domain->max_kb, 769 * MIB);
}

static void a_limit_that_is_to_be_kept_is_kept(void **state)
{
    struct target_change c = {.target = asked(XLX_MEM_ABSOLUTE, 768 * MIB, 0), .limit = TARGET_LIMIT_KEPT};

    assert_int_equal(target_change(ctx, &c), 0);
    assert_int_equal(domain->max_kb, 513 * MIB);
}

static void a_given_limit_is_left_alone_by_every_failure(void **state)
{
    for (unsigned n = 1;; n++) {
        bool struck;
        int rc;

        fault_arm(n, EIO);
        rc = change(384 * MIB, 384 * MIB + 64);
        struck = fault_struck();
        fault_arm(0, 0);
        if (rc) {
            assert_string_equal(fake_store_get(TARGET), "524288");
            assert_int_equal(domain->max_kb, 513 * MIB);
            assert_int_equal(domain->pod_target_kb, 513 * MIB);
            continue;
        }
        assert_string_equal(fake_store_get(TARGET), "393216");
        assert_int_equal(domain->max_kb, 384 * MIB + 64);
        if (!struck)
            return;
        fake_store_set(TARGET, "524288");
        fake_store_set(VM, "512");
        domain->max_kb = domain->pod_target_kb = 513 * MIB;
    }
}

/* ---- failures ---- */

/* Whatever call fails: an error leaves target, limit and populate-on-demand as they were, and is said in one message.
 */
static void every_failure_leaves_all_as_it_was(uint64_t size_memkb, uint64_t wanted_memkb, uint64_t video_memkb,
                                               int errno_value)
{
    char wanted[32], *before = fake_store_dump();
    uint64_t max_kb = domain->max_kb, pod_kb = domain->pod_target_kb;
    unsigned n, refused = 0;

    snprintf(wanted, sizeof(wanted), "%" PRIu64, wanted_memkb);
    for (n = 1;; n++) {
        bool struck;
        char *after;
        int rc;

        fake_messages_forget();
        fault_arm(n, errno_value);
        rc = set(size_memkb, 0);
        struck = fault_struck();
        fault_arm(0, 0);
        if (!struck) {
            assert_int_equal(rc, 0);
            break;
        }
        after = fake_store_dump();
        if (rc) {
            assert_string_equal(after, before);
            assert_int_equal(domain->max_kb, max_kb);
            assert_int_equal(domain->pod_target_kb, pod_kb);
            assert_int_equal(fake_message_count(), 1);
            refused++;
        } else {
            assert_string_equal(fake_store_get(TARGET), wanted);
            assert_int_equal(domain->max_kb, wanted_memkb + video_memkb + MIB);
            assert_int_equal(fake_message_count(), 0);
            /* Back to where it began, for the next round. */
            fake_store_set(TARGET, "524288");
            fake_store_set(VM, "512");
            if (fake_store_get(OWNER))
                fake_store_set(OWNER, "524288 05050505-0505-0505-0505-050505050505");
            domain->max_kb = max_kb;
            domain->pod_target_kb = pod_kb;
        }
        free(after);
        assert_in_range(n, 1, 100);
    }
    /* Opening, looking, reading, writing, committing, reading back: not a few. */
    assert_in_range(refused, 8, 100);
    free(before);
}

static void a_grower_is_left_alone_by_every_failure(void **state)
{
    every_failure_leaves_all_as_it_was(768 * MIB, 768 * MIB, 0, EIO);
}

static void a_shrinker_is_left_alone_by_every_failure(void **state)
{
    every_failure_leaves_all_as_it_was(384 * MIB, 384 * MIB, 0, EIO);
}

static void whose_the_target_is_goes_with_it(void **state)
{
    fake_store_set(OWNER, "524288 05050505-0505-0505-0505-050505050505");
    every_failure_leaves_all_as_it_was(384 * MIB, 384 * MIB, 0, EIO);
    assert_string_equal(fake_store_get(OWNER), "0 05050505-0505-0505-0505-050505050505");
}

static void the_target_that_memd_gave_is_taken_from_it_too(void **state)
{
    fake_store_set(OWNER, "524288 05050505-0505-0505-0505-050505050505");
    assert_int_equal(set(512 * MIB, 0), 0);
    assert_string_equal(fake_store_get(OWNER), "0 05050505-0505-0505-0505-050505050505");
}

static void an_hvm_guest_is_left_alone_by_every_failure(void **state)
{
    fake_xen_type(domain, "hvm");
    fake_store_set(VIDEORAM, "16384");
    domain->max_kb = (512 + 16 + 1) * MIB;
    every_failure_leaves_all_as_it_was(400 * MIB, 384 * MIB, 16 * MIB, EACCES);
}

static void a_node_without_vm_folder_is_left_without_one(void **state)
{
    fake_store_set("/vm", NULL);
    fault_only("xc_domain_setmaxmem");
    fault_arm(1, EPERM);
    assert_int_equal(set(384 * MIB, 0), ERROR_FAIL);
    assert_null(fake_store_get(VM));
    assert_string_equal(fake_store_get(TARGET), "524288");
}

static void a_domain_that_dies_in_the_middle_is_told_as_gone(void **state)
{
    fault_only("xc_domain_setmaxmem");
    fault_arm(1, ESRCH);
    assert_int_equal(set(768 * MIB, 0), ERROR_DOMAIN_NOTFOUND);
    domain->flags = XEN_DOMINF_dying;
    assert_int_equal(set(768 * MIB, 0), ERROR_DOMAIN_NOTFOUND);
    fake_xen_remove(DOMID);
    assert_int_equal(set(768 * MIB, 0), ERROR_DOMAIN_NOTFOUND);
    assert_string_equal(fake_store_get(TARGET), "524288");
}

static void nodes_that_cannot_be_believed_are_named(void **state)
{
    static const char *const garbage[] = {"", "-1", "12 MiB", "0x1000", "99999999999999999999", "17179869185"};

    for (size_t i = 0; i < sizeof(garbage) / sizeof(*garbage); i++) {
        fake_messages_forget();
        fake_store_set(TARGET, garbage[i]);
        assert_int_equal(set(768 * MIB, 0), ERROR_FAIL);
        assert_string_equal(fake_store_get(TARGET), garbage[i]);
        assert_non_null(strstr(fake_messages(), TARGET));
        assert_int_equal(fake_message_count(), 1);
    }
    fake_store_set(TARGET, NULL);
    assert_int_equal(set(768 * MIB, 0), ERROR_FAIL);
    fake_store_set(TARGET, "524288");
    fake_messages_forget();
    fake_store_set(STATIC_MAX, "lots");
    assert_int_equal(set(768 * MIB, 0), ERROR_FAIL);
    assert_non_null(strstr(fake_messages(), STATIC_MAX));
    assert_int_equal(domain->max_kb, 513 * MIB);
}

/* ---- other writers ---- */

static void conflicts_are_tried_again(void **state)
{
    fake_store_conflicts(20);
    assert_int_equal(set(768 * MIB, 0), 0);
    assert_string_equal(fake_store_get(TARGET), "786432");
    assert_int_equal(domain->max_kb, 769 * MIB);
}

static void set_600(void *arg)
{
    fake_store_set(TARGET, "614400");
}

static void a_relative_size_counts_from_what_another_wrote_meanwhile(void **state)
{
    struct xlx_mem_target t = asked(XLX_MEM_GROW, 100 * MIB, 0);

    fake_store_before_commit(set_600, NULL);
    assert_int_equal(xlx_mem_target_set(ctx, &t), 0);
    assert_int_equal(t.old_target_memkb, 600 * MIB);
    assert_string_equal(fake_store_get(TARGET), "716800");
    assert_int_equal(domain->max_kb, 701 * MIB);
}

static unsigned looks_to_interfere;

static void other_writer(struct fake_domain *d)
{
    /* The first look is before the transaction. */
    if (d->arg && looks_to_interfere) {
        char text[32];

        looks_to_interfere--;
        snprintf(text, sizeof(text), "%" PRIu64, (700 + looks_to_interfere % 7) * MIB);
        fake_store_set(TARGET, text);
    }
    d->arg = d;
}

static void the_limit_follows_who_set_the_last_target(void **state)
{
    domain->look = other_writer;
    looks_to_interfere = 1;
    assert_int_equal(set(384 * MIB, 0), 0);
    assert_string_equal(fake_store_get(TARGET), "716800");
    assert_int_equal(domain->max_kb, 701 * MIB);
}

static void writers_without_end_are_told(void **state)
{
    domain->look = other_writer;
    looks_to_interfere = 1000;
    assert_int_equal(set(384 * MIB, 0), ERROR_FAIL);
    assert_non_null(strstr(fake_messages(), "keep changing"));
}

static void anothers_target_is_not_undone(void **state)
{
    /* Their target comes in after our commit, and then the limit cannot be set. */
    domain->look = other_writer;
    looks_to_interfere = 1;
    fault_only("xc_domain_setmaxmem");
    fault_arm(1, EPERM);
    assert_int_equal(set(384 * MIB, 0), ERROR_FAIL);
    assert_string_equal(fake_store_get(TARGET), "716800");
}

/* ---- what is refused ---- */

/* Booted with little, and allowed more since: it was asked for what it cannot take. */
static void a_target_that_asks_for_nothing_back_needs_no_force(void **state)
{
    fake_store_set(STATIC_MAX, "1433600");
    fake_store_set(TARGET, "1433600");
    domain->actual_kb = 192 * MIB + 64;
    assert_int_equal(set(200 * MIB, 0), 0);
    fake_store_set(TARGET, "1433600");
    assert_int_equal(set(192 * MIB, 0), 0);
    fake_store_set(TARGET, "1433600");
    assert_int_equal(set(191 * MIB, 0), ERROR_INVAL);
}

static void a_target_below_the_floor_needs_force(void **state)
{
    uint64_t floor_memkb = xlx_mem_floor_memkb(1024 * MIB);
    struct xlx_mem_target t = asked(XLX_MEM_ABSOLUTE, floor_memkb - 1, 0);

    assert_int_equal(xlx_mem_target_set(ctx, &t), ERROR_INVAL);
    assert_true(t.refused_by_floor);
    assert_string_equal(fake_store_get(TARGET), "524288");
    assert_int_equal(set(0, 0), ERROR_INVAL);
    assert_int_equal(set(floor_memkb, 0), 0);
    assert_int_equal(set(0, XLX_MEM_FORCE), 0);
    assert_string_equal(fake_store_get(TARGET), "0");
    /* Growing helps even when it does not reach the floor. */
    assert_int_equal(set(floor_memkb / 2, 0), 0);
}

static void shrinking_below_nothing_is_refused_not_wrapped(void **state)
{
    struct xlx_mem_target t = asked(XLX_MEM_SHRINK, 600 * MIB, 0);

    assert_int_equal(xlx_mem_target_set(ctx, &t), ERROR_INVAL);
    t = asked(XLX_MEM_SHRINK, UINT64_MAX, 0);
    assert_int_equal(xlx_mem_target_set(ctx, &t), ERROR_INVAL);
    assert_true(t.refused_by_floor);
}

static void a_target_above_static_max_is_refused_or_clamped(void **state)
{
    struct xlx_mem_target t = asked(XLX_MEM_GROW, UINT64_MAX, 0);

    assert_int_equal(set(1024 * MIB + 1, 0), ERROR_INVAL);
    assert_int_equal(xlx_mem_target_set(ctx, &t), ERROR_INVAL);
    assert_false(t.refused_by_floor);
    assert_string_equal(fake_store_get(TARGET), "524288");
    assert_int_equal(set(UINT64_MAX, XLX_MEM_CLAMP), 0);
    assert_string_equal(fake_store_get(TARGET), "1048576");
    assert_int_equal(domain->max_kb, 1025 * MIB);
}

static void an_absolute_size_includes_video_memory_unless_exact(void **state)
{
    fake_xen_type(domain, "hvm");
    fake_store_set(VIDEORAM, "16384");
    assert_int_equal(set(400 * MIB, 0), 0);
    assert_string_equal(fake_store_get(TARGET), "393216");
    assert_int_equal(domain->max_kb, 401 * MIB);
    assert_int_equal(set(400 * MIB, XLX_MEM_EXACT_NODE), 0);
    assert_string_equal(fake_store_get(TARGET), "409600");
    assert_int_equal(set(15 * MIB, XLX_MEM_FORCE), ERROR_INVAL);
    fake_store_set(VIDEORAM, "-1");
    assert_int_equal(set(400 * MIB, 0), 0);
    assert_string_equal(fake_store_get(TARGET), "409600");
}

static void dom0_gets_its_nodes_and_keeps_128_mib(void **state)
{
    struct xlx_mem_target t = asked(XLX_MEM_ABSOLUTE, 127 * MIB, XLX_MEM_FORCE);

    t.domid = 0;
    fake_xen_reset();
    domain = fake_xen_domain(0, 2048 * MIB, 4096 * MIB);
    assert_int_equal(xlx_mem_target_set(ctx, &t), ERROR_INVAL);
    t.size_memkb = 1024 * MIB;
    assert_int_equal(xlx_mem_target_set(ctx, &t), 0);
    assert_int_equal(t.old_target_memkb, 2048 * MIB);
    assert_string_equal(fake_store_get("/local/domain/0/memory/target"), "1048576");
    assert_string_equal(fake_store_get("/local/domain/0/memory/static-max"), "4194304");
    assert_int_equal(domain->max_kb, 1025 * MIB);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, new_ctx, free_ctx)
    const struct CMUnitTest tests[] = {
        T(a_grower_gets_its_limit_before_it_is_told),
        T(a_shrinker_is_told_before_its_limit_is_lowered),
        T(a_pv_guest_has_no_populate_on_demand),
        T(the_result_tells_old_and_new_target),
        T(a_given_limit_is_set_in_the_same_order),
        T(a_given_limit_is_never_above_libxls),
        T(a_limit_that_is_to_be_kept_is_kept),
        T(a_given_limit_is_left_alone_by_every_failure),
        T(a_grower_is_left_alone_by_every_failure),
        T(a_shrinker_is_left_alone_by_every_failure),
        T(an_hvm_guest_is_left_alone_by_every_failure),
        T(whose_the_target_is_goes_with_it),
        T(the_target_that_memd_gave_is_taken_from_it_too),
        T(a_node_without_vm_folder_is_left_without_one),
        T(a_domain_that_dies_in_the_middle_is_told_as_gone),
        T(nodes_that_cannot_be_believed_are_named),
        T(conflicts_are_tried_again),
        T(a_relative_size_counts_from_what_another_wrote_meanwhile),
        T(the_limit_follows_who_set_the_last_target),
        T(writers_without_end_are_told),
        T(anothers_target_is_not_undone),
        T(a_target_that_asks_for_nothing_back_needs_no_force),
        T(a_target_below_the_floor_needs_force),
        T(shrinking_below_nothing_is_refused_not_wrapped),
        T(a_target_above_static_max_is_refused_or_clamped),
        T(an_absolute_size_includes_video_memory_unless_exact),
        T(dom0_gets_its_nodes_and_keeps_128_mib),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
