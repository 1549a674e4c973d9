/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The balancer itself: what the simulator does not look at. */
#include "tests/unit/balance/host-of-few.h"

static void a_host_that_does_not_answer_is_not_asked_without_pause(void **state)
{
    add_domain(512, false, true);
    fake.look_rc = ERROR_FAIL;
    fake.looks = 0;
    pass(10000);
    assert_in_range(fake.looks, 5, 20);
    fake.look_rc = 0;
    pass(2000);
    assert_int_equal(balancer_counters(b)->rounds > 0, 1);
}

/* The toolstack takes its report away, too, and that it is gone is heard of later. */
static void a_report_of_a_domain_that_xen_has_lost_does_not_keep_the_balancer_awake(void **state)
{
    add_domain(512, false, true);
    pass(70000);
    fake.count = 0;
    balancer_domain_reported(b, 1);
    fake.looks = 0;
    pass(10000);
    assert_in_range(fake.looks, 1, 30);
}

static void that_memory_runs_out_makes_an_urgent_round_at_once(void **state)
{
    uint64_t rounds;

    add_domain(512, false, true);
    pass(70000);
    rounds = balancer_counters(b)->rounds;
    balancer_emergency(b);
    pass(100);
    assert_int_equal(fake.emergencies, 1);
    assert_true(balancer_counters(b)->rounds > rounds);
    /* What is done is done: the next round is an ordinary one. */
    pass(200000);
    assert_int_equal(fake.emergencies, 1);
}

static bool is_pinned(void)
{
    struct balancer_domain view;
    GC_SCOPE(gc);

    return !balancer_view_domain(b, gc, 1, &view) && view.pinned;
}

static void a_target_that_is_written_again_by_somebody_else_pins(void **state)
{
    add_domain(512, false, true);
    pass(1000);
    assert_false(is_pinned());
    fake.own_memkb = 0;
    balancer_target_written(b, 1);
    pass(1000);
    assert_true(is_pinned());
}

static void a_pin_is_recorded(void **state)
{
    add_domain(512, false, true);
    pass(1000);
    fake.target_memkb = 400 * MIB;
    balancer_target_written(b, 1);
    pass(1000);
    assert_true(is_pinned());
    assert_int_equal(fake.disowned, 1);
}

/* Written and recorded, but the read-back failed: it is ours all the same. */
static void a_write_that_took_effect_although_it_failed_does_not_pin(void **state)
{
    fake.memory.free_memkb = 0;
    fake.takes_effect = true;
    add_domain(512, false, true);
    /* It boots for a minute. */
    pass(61500);
    assert_int_not_equal(fake.target_memkb, 512 * MIB);
    assert_false(is_pinned());
}

static void a_target_that_cannot_be_set_is_not_tried_without_pause(void **state)
{
    fake.memory.free_memkb = 0;
    add_domain(512, false, true);
    pass(61500);
    fake.sets = 0;
    pass(600000);
    assert_in_range(fake.sets, 5, 25);
}

static void why_of_a_domain_that_was_just_paused_is_true(void **state)
{
    struct balancer_domain view;
    GC_SCOPE(gc);

    add_domain(512, false, true);
    pass(70000);
    fake.samples[0].paused = true;
    balancer_look(b);
    assert_int_equal(balancer_view_domain(b, gc, 1, &view), 0);
    assert_string_equal(view.reason, "paused");
    assert_string_equal(view.why, "left alone while it is paused");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_host_that_does_not_answer_is_not_asked_without_pause, make, unmake),
        cmocka_unit_test_setup_teardown(a_report_of_a_domain_that_xen_has_lost_does_not_keep_the_balancer_awake, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(that_memory_runs_out_makes_an_urgent_round_at_once, make, unmake),
        cmocka_unit_test_setup_teardown(a_target_that_is_written_again_by_somebody_else_pins, make, unmake),
        cmocka_unit_test_setup_teardown(a_pin_is_recorded, make, unmake),
        cmocka_unit_test_setup_teardown(a_write_that_took_effect_although_it_failed_does_not_pin, make, unmake),
        cmocka_unit_test_setup_teardown(a_target_that_cannot_be_set_is_not_tried_without_pause, make, unmake),
        cmocka_unit_test_setup_teardown(why_of_a_domain_that_was_just_paused_is_true, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
