/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One rule for a guest's offset, whoever asks: the listing of domains, a QMP monitor, a wait. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "balloon/actual.h"
#include "balloon/info.h"
#include "balloon/offset.h"
#include "base/cleanup.h"
#include "memory/show.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"
#include "tests/fakes/xenstore-socket.h"
#include "xenstore/paths.h"

#define MIB UINT64_C(1024)
#define NOTED "/local/domain/5/memory/memory-offset"

static struct xlx_ctx *ctx;
static struct fake_domain *domain;

static int new_ctx(void **state)
{
    ctx = fake_ctx_new();
    fake_store_set("/local/domain/5/memory/target", "262144");
    fake_store_set("/local/domain/5/memory/static-max", "524288");
    domain = fake_xen_domain(5, 256 * MIB, 512 * MIB);
    fake_xen_type(domain, "pvh");
    return 0;
}

static int free_ctx(void **state)
{
    fake_ctx_free(ctx);
    return 0;
}

static struct xlx_mem_info info_of(int64_t distance_kb)
{
    struct xlx_mem_info info;

    domain->actual_kb = (uint64_t)((int64_t)(256 * MIB) + distance_kb);
    assert_int_equal(mem_info_get(ctx, 5, &info), 0);
    return info;
}

static bool settled_for_qmp(const struct xlx_mem_info *info)
{
    struct actual a;
    bool calibrated;

    actual_init(&a,
                &(struct actual_guest){
                    .held_memkb = info->actual_memkb,
                    .target_memkb = info->target_memkb,
                    .static_max_memkb = info->static_max_memkb,
                    .offset = offset_of_info(info),
                },
                0);
    actual_look(&a, info->actual_memkb, 0, &calibrated);
    return actual_settled(&a);
}

static void a_listing_and_a_monitor_agree_on_who_has_settled(void **state)
{
    static const char *const noted[] = {NULL, "0", "64", "128", "-64", "256", "300", "1020", "garbage"};

    for (size_t n = 0; n < 2 * sizeof(noted) / sizeof(*noted); n++) {
        fake_store_set(NOTED, noted[n / 2]);
        fake_xen_type(domain, n % 2 ? "hvm" : "pvh");
        for (int64_t distance = -400; distance <= 1400; distance += 4) {
            struct xlx_mem_info info = info_of(distance);

            assert_int_equal(!strcmp(mem_show_state(&info), "settled"), settled_for_qmp(&info));
        }
    }
}

/* What a monitor measures is what the next reader finds, and what it would not find is not measured. */
static void measured_is_believed(int64_t least_kb)
{
    for (int64_t distance = -400; distance <= 1400; distance += 4) {
        struct xlx_mem_info info;
        struct actual a;
        bool calibrated;

        fake_store_set(NOTED, NULL);
        info = info_of(100 * 1024);
        actual_init(
            &a,
            &(struct actual_guest){info.actual_memkb, info.target_memkb, 512 * MIB, .offset = offset_of_info(&info)},
            0);
        actual_look(&a, info_of(distance).actual_memkb, 1000, &calibrated);
        actual_look(&a, info_of(distance).actual_memkb, 1000 + ACTUAL_STILL_MS, &calibrated);
        assert_int_equal(calibrated, distance >= least_kb && distance <= OFFSET_MAX_KB);
        if (!calibrated)
            continue;
        offset_note(ctx, 5, a.follow.offset.kb);
        info = info_of(distance);
        assert_true(info.offset_calibrated);
        assert_int_equal(info.offset_memkb, distance);
    }
}

static void what_is_measured_is_believed(void **state)
{
    measured_is_believed(OFFSET_MIN_KB);
    fake_xen_type(domain, "hvm");
    measured_is_believed(OFFSET_HVM_MIN_KB);
}

/* Of many, too, and with what only the state is wanted for. */
static void a_listing_says_of_each_what_it_says_of_one(void **state)
{
    static const enum mem_info_want wants[] = {MEM_INFO_ALL, MEM_INFO_STATE};
    static const int64_t distances[] = {64, 0, 128, 100 * 1024, -8};

    fake_socket_hide(true);
    for (uint32_t domid = 6; domid < 40; domid++) {
        struct fake_domain *d =
            fake_xen_domain(domid, (uint64_t)((int64_t)(256 * MIB) + distances[domid % 5]), 512 * MIB);
        GC_SCOPE(gc);

        fake_xen_type(d, domid % 3 ? "hvm" : "pvh");
        fake_store_set(path_in_domain(gc, domid, "name"), gc_printf(gc, "guest-%u", domid));
        fake_store_set(path_in_domain(gc, domid, "memory/target"), domid % 7 ? "262144" : "much");
        fake_store_set(path_in_domain(gc, domid, "memory/static-max"), "524288");
        fake_store_set(path_in_domain(gc, domid, "memory/videoram"), "16384");
        fake_store_set(path_in_domain(gc, domid, "memory/memory-offset"), domid % 4 ? NULL : "128");
    }
    for (size_t w = 0; w < ARRAY_LEN(wants); w++) {
        CLEANUP_FREE struct xlx_mem_info *infos = NULL;
        size_t count;

        assert_int_equal(mem_list(ctx, wants[w], &infos, &count), 0);
        assert_int_equal(count, 35);
        for (size_t i = 0; i < count; i++) {
            struct xlx_mem_info one;

            assert_int_equal(mem_info_get(ctx, infos[i].domid, &one), 0);
            assert_string_equal(mem_show_state(&infos[i]), mem_show_state(&one));
            if (wants[w] == MEM_INFO_ALL)
                assert_memory_equal(&infos[i], &one, sizeof(one));
            assert_string_equal(infos[i].name, one.name);
            assert_int_equal(infos[i].target_memkb, one.target_memkb);
        }
    }
    fake_socket_hide(false);
}

static void a_target_between_pages_is_reached_at_the_page_below(void **state)
{
    struct xlx_mem_info info;

    fake_store_set(NOTED, "128");
    fake_store_set("/local/domain/5/memory/target", "262147");
    info = info_of(128);
    assert_string_equal(mem_show_state(&info), "settled");
    info = info_of(124);
    assert_string_equal(mem_show_state(&info), "moving");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, new_ctx, free_ctx)
    const struct CMUnitTest tests[] = {
        T(a_listing_and_a_monitor_agree_on_who_has_settled),
        T(what_is_measured_is_believed),
        T(a_listing_says_of_each_what_it_says_of_one),
        T(a_target_between_pages_is_reached_at_the_page_below),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
