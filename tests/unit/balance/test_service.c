/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the balancer does of its own accord on the hosts of service.h, and what it is told about domains. */
#include "tests/unit/balance/service.h"

/* ---- tests ---- */

static void domains_without_a_range_are_left_alone(void **state)
{
    reports(1, 500);
    reports(2, 50);
    run_for(1000);
    assert_int_equal(target_mib(1), 512);
    assert_int_equal(target_mib(2), 512);
    assert_null(fake_store_get("/local/domain/0/xl-ext/own-target/1"));
}

static bool first_has_more(void)
{
    return target_mib(1) >= 590 && target_mib(2) < 512;
}

static void memory_moves_to_who_reports_need(void **state)
{
    assert_int_equal(ask(give_ranges), 0);
    assert_string_equal(fake_store_get("/local/domain/1/memory/dynamic-min"), "262144");
    run_for(300);
    reports(1, 500);
    reports(2, 50);
    assert_true(soon(first_has_more));
    assert_true(target_mib(1) + target_mib(2) <= 1024);
}

static bool first_fits(void)
{
    return target_mib(1) <= 400;
}

static void a_lower_static_max_counts_at_once(void **state)
{
    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    reports(1, 100);
    run_for(300);
    put(1, "memory/static-max", "409600");
    assert_true(soon(first_fits));
}

static int one_below_the_floor(struct memd_client *c, struct gc *gc)
{
    return memd_call(c, CONTROL_RANGE, range(gc, 1, 10, 1024), NULL) == ERROR_FAIL &&
                   memd_call(c, CONTROL_RANGE, range(gc, 1, 900, 800), NULL) == ERROR_FAIL &&
                   memd_call(c, CONTROL_RANGE, range(gc, 77, 300, 800), NULL) == ERROR_FAIL
               ? 0
               : 1;
}

/* Where Qubes lets a guest write into its memory/ folder; its reports are looked at now and then. */
static void a_guest_that_writes_without_end_is_heard_of_now_and_then(void **state)
{
    unsigned events;

    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    events = fake_store_events();
    for (unsigned i = 0; i < 200; i++) {
        char text[16];

        snprintf(text, sizeof(text), "%u", 100000 + i);
        put(1, "memory/meminfo", text);
        run_for(2);
    }
    assert_in_range(fake_store_events() - events, 1, 40);
}

static bool first_reports(void)
{
    struct host_report report;

    return !service->host->ops->report(service->host, 1, &report);
}

static bool first_is_silent(void)
{
    return !first_reports();
}

static void a_report_that_is_taken_away_counts_no_more(void **state)
{
    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    reports(1, 500);
    assert_true(soon(first_reports));
    put(1, "data/memory-stats", NULL);
    assert_true(soon(first_is_silent));
}

static void ranges_that_cannot_be_are_refused(void **state)
{
    assert_int_equal(ask(one_below_the_floor), 0);
    assert_null(fake_store_get("/local/domain/1/memory/dynamic-min"));
}

static void a_minimum_below_the_floor_is_told_from_a_range_that_is_none(void **state)
{
    uint64_t floor = xlx_mem_floor_memkb(1024 * MIB);

    assert_true(settings_below_floor(&(struct settings){floor - 4, 1024 * MIB, 1}, 1024 * MIB));
    assert_false(settings_below_floor(&(struct settings){floor, 1024 * MIB, 1}, 1024 * MIB));
    assert_false(settings_below_floor(&(struct settings){8, 4, 1}, 1024 * MIB));
    assert_false(settings_below_floor(&(struct settings){4, 8, 1}, 0));
}

static bool first_fixed(void)
{
    struct balancer_domain view;
    GC_SCOPE(gc);

    return !balancer_view_domain(service->balancer, gc, 1, &view) && view.facts.fixed;
}

static bool first_not_fixed(void)
{
    return !first_fixed();
}

static void a_device_passed_through_later_fixes_a_domain(void **state)
{
    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    assert_false(first_fixed());
    fake_store_set("/libxl/1/device/pci/0/num_devs", "1");
    assert_true(soon(first_fixed));
    fake_store_set("/libxl/1/device/pci", NULL);
    assert_true(soon(first_not_fixed));
}

static bool nothing_in_flight(void)
{
    struct balancer_host host;

    balancer_look(service->balancer);
    balancer_view_host(service->balancer, &host);
    return !host.in_flight_memkb;
}

/* What it was to have before it was shrunk would be kept free for it for ever. */
static void a_target_of_a_domain_that_is_not_balanced_is_followed_too(void **state)
{
    run_for(300);
    put(2, "memory/target", "262144");
    run_for(300);
    assert_true(soon(nothing_in_flight));
    assert_int_equal(domains[1]->actual_kb, 262144);
}

static int pinned_and_back(struct memd_client *c, struct gc *gc)
{
    const struct json *why;
    bool pinned = false;

    for (int i = 0; i < 100 && !pinned; i++) {
        struct json *w = json_new_object(gc);

        json_set_integer(gc, w, "domain", 1);
        if (memd_call(c, CONTROL_WHY, w, &why))
            return 1;
        json_member_bool(why, "pinned", &pinned);
        usleep(20000);
    }
    return pinned ? 0 : 2;
}

static int take_back(struct memd_client *c, struct gc *gc)
{
    struct json *w = json_new_object(gc);

    json_set_integer(gc, w, "domain", 1);
    return memd_call(c, CONTROL_RANGE_AUTO, w, NULL) != 0;
}

/* It uses 500 MiB as soon as it can. */
static bool first_is_back(void)
{
    uint64_t held_mib = domains[0]->actual_kb / MIB;

    reports(1, held_mib > 500 ? 500 : held_mib - 1);
    return target_mib(1) >= 590;
}

static void a_target_set_by_others_pins_until_auto(void **state)
{
    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    put(1, "memory/target", "409600");
    assert_int_equal(ask(pinned_and_back), 0);
    reports(1, 390);
    reports(2, 50);
    run_for(1000);
    assert_int_equal(target_mib(1), 400);
    assert_int_equal(ask(take_back), 0);
    assert_true(soon(first_is_back));
}

/* Falls silent right after its first report, as a guest that is new. */
static bool first_is_balanced(void)
{
    return target_mib(1) > 420;
}

static void auto_counts_at_once_even_when_nobody_reports(void **state)
{
    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    reports(1, 390);
    run_for(300);
    put(1, "memory/target", "409600");
    assert_int_equal(ask(pinned_and_back), 0);
    put(1, "data/memory-stats", "total-memory 409600\navailable-memory -5\n");
    run_for(2000);
    assert_int_equal(target_mib(1), 400);
    assert_int_equal(ask(take_back), 0);
    assert_true(soon(first_is_balanced));
}

static void started_again_it_writes_nothing(void **state)
{
    uint64_t one, two;

    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    reports(1, 450);
    reports(2, 50);
    run_for(1500);
    one = target_mib(1);
    two = target_mib(2);
    stop_service();
    start_service();
    run_for(100);
    reports(1, 451);
    reports(2, 51);
    run_for(3000);
    assert_int_equal(target_mib(1), one);
    assert_int_equal(target_mib(2), two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(domains_without_a_range_are_left_alone, make, unmake),
        cmocka_unit_test_setup_teardown(memory_moves_to_who_reports_need, make, unmake),
        cmocka_unit_test_setup_teardown(a_lower_static_max_counts_at_once, make, unmake),
        cmocka_unit_test_setup_teardown(a_guest_that_writes_without_end_is_heard_of_now_and_then, make, unmake),
        cmocka_unit_test_setup_teardown(a_report_that_is_taken_away_counts_no_more, make, unmake),
        cmocka_unit_test_setup_teardown(ranges_that_cannot_be_are_refused, make, unmake),
        cmocka_unit_test(a_minimum_below_the_floor_is_told_from_a_range_that_is_none),
        cmocka_unit_test_setup_teardown(a_device_passed_through_later_fixes_a_domain, make, unmake),
        cmocka_unit_test_setup_teardown(a_target_of_a_domain_that_is_not_balanced_is_followed_too, make, unmake),
        cmocka_unit_test_setup_teardown(a_target_set_by_others_pins_until_auto, make, unmake),
        cmocka_unit_test_setup_teardown(auto_counts_at_once_even_when_nobody_reports, make, unmake),
        cmocka_unit_test_setup_teardown(started_again_it_writes_nothing, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
