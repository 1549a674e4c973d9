/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the balancer lets a guest hold, and whose word it takes. */
#include "tests/unit/balance/two-guests.h"

static void at_rest_a_limit_is_the_target_and_the_offset(void **state)
{
    struct guest *g = add(2, 1000);

    says(g, 500);
    pass(5000);
    assert_int_equal(g->limit_memkb, g->target_memkb + OFFSET);
    assert_int_equal(g->held_memkb, g->limit_memkb);
}

/* No driver's offset is so large: it has stopped on its way. */
static void a_guest_that_stops_a_little_below_its_target_keeps_the_offset_that_is_known(void **state)
{
    struct guest *g = add(2, 1000);

    says(g, 500);
    pass(5000);
    g->takes = g->gives = false;
    g->held_memkb = g->target_memkb - 76;
    for (int i = 0; i < 10; i++) {
        says(g, 500);
        pass(1000);
    }
    assert_true(g->held_memkb < g->target_memkb + OFFSET);
    limits_mend(b, 0);
    assert_int_equal(g->limit_memkb, g->target_memkb + OFFSET);
}

/* What it has been given since is no use of its kernel's. */
static void a_report_that_stands_says_nothing_of_what_a_guest_was_given_since(void **state)
{
    struct guest *g = add(2, 500);
    uint64_t wants;
    GC_SCOPE(gc);

    fake.free_memkb = RESERVE + 1500 * MIB;
    g->total_memkb = 500 * MIB;
    says(g, 450);
    pass(5000);
    wants = view_of(gc, 2).plan.demand_memkb;
    assert_true(g->held_memkb > 600 * MIB);
    g->stands = true;
    for (int i = 0; i < 20; i++) {
        says(g, 450);
        pass(1000);
    }
    assert_true(view_of(gc, 2).plan.demand_memkb <= wants);
    /* One that was measured has come before it, and was not read. */
    g->told++;
    g->total_memkb = 0;
    says(g, 300);
    pass(1000);
    assert_int_equal(dom_find(b, 2)->demand.used_memkb, 300 * MIB);
}

/* And tells no total, by which that could be seen. */
static void a_guest_that_has_given_since_it_looked_uses_what_it_used(void **state)
{
    struct guest *g = add(2, 1000);

    g->no_total = true;
    says(g, 800);
    pass(5000);
    /* What its driver keeps beyond the target is not counted. */
    assert_int_equal(dom_find(b, 2)->demand.used_memkb, 800 * MIB - OFFSET);
    g->gives = g->takes = false;
    g->total_memkb = g->held_memkb;
    g->held_memkb -= 134 * MIB;
    says(g, 800);
    pass(100);
    assert_true(dom_find(b, 2)->demand.used_memkb >= 800 * MIB - OFFSET);
}

/* An emulator writes into it: libxl's slack stays, and nobody else is promised that. */
static void a_limit_that_may_not_be_tightened_keeps_its_slack_and_counts_it(void **state)
{
    struct guest *g = add(2, 1000);

    g->tight = false;
    fake.free_memkb = RESERVE + 50 * MIB;
    says(g, 500);
    pass(5000);
    assert_int_equal(g->limit_memkb, g->target_memkb + SLACK);
    assert_true(g->limit_memkb - g->held_memkb + RESERVE <= fake.free_memkb);
}

/* Whatever made it lower than its target. No round leaves it so, hence by itself. */
static void a_limit_rises_where_there_is_room_only(void **state)
{
    struct guest *g = add(2, 1000);

    says(g, 500);
    pass(5000);
    g->limit_memkb = g->held_memkb = 900 * MIB;
    balancer_look(b);
    limits_mend(b, 0);
    assert_int_equal(g->limit_memkb, 900 * MIB);
    fake.free_memkb += 200 * MIB;
    balancer_look(b);
    limits_mend(b, 0);
    assert_int_equal(g->limit_memkb, g->target_memkb + OFFSET);
}

static void a_limit_that_was_left_low_does_not_rise_with_a_target_that_is_lowered(void **state)
{
    struct guest *g = add(2, 1000);

    says(g, 500);
    pass(5000);
    g->limit_memkb = g->held_memkb = 900 * MIB;
    balancer_look(b);
    assert_int_equal(target_write(b, dom_find(b, 2), 950 * MIB, "demand"), 0);
    assert_int_equal(g->limit_memkb, 900 * MIB);
    fake.free_memkb += 200 * MIB;
    balancer_look(b);
    assert_int_equal(target_write(b, dom_find(b, 2), 940 * MIB, "demand"), 0);
    assert_int_equal(g->limit_memkb, 940 * MIB + OFFSET);
}

/* Less than is granted to a guest of its size at once. */
static void what_is_free_is_granted_however_little_it_is(void **state)
{
    struct guest *g = add(2, 3500);

    fake.free_memkb = RESERVE + 10 * MIB;
    says(g, 3200);
    pass(5000);
    says(g, 3495);
    pass(5000);
    assert_in_range(g->target_memkb, 3509 * MIB, 3510 * MIB);
}

/* What it can take above its target is not planned for anybody, or the plan could never be fulfilled. */
static void what_is_planned_can_be_had(void **state)
{
    struct guest *g = add(2, 500);
    GC_SCOPE(gc);

    g->tight = false;
    fake.free_memkb = RESERVE + 100 * MIB;
    for (int i = 0; i < 20; i++) {
        says(g, 490);
        pass(1000);
    }
    says(g, 4000);
    pass(2000);
    assert_int_equal(view_of(gc, 2).planned_memkb, g->target_memkb);
}

/* For a start: it is free, and spoken for. */
static void what_is_claimed_is_given_to_nobody(void **state)
{
    struct guest *g = add(2, 500);

    fake.free_memkb = RESERVE + 400 * MIB;
    fake.claimed_memkb = 300 * MIB;
    for (int i = 0; i < 10; i++) {
        says(g, 490);
        pass(1000);
    }
    assert_true(g->target_memkb > 550 * MIB);
    assert_true(fake.free_memkb >= RESERVE + fake.claimed_memkb);
    assert_true(g->limit_memkb <= 600 * MIB + OFFSET);
}

/* While one waits for what a slow one gives. */
static uint64_t looks_of_a_second(uint64_t one_takes_ms)
{
    struct guest *giver = add(2, 1000), *needy = add(3, 500);
    uint64_t looks;

    fake.look_takes_ms = one_takes_ms;
    giver->kb_per_ms = 16;
    says(giver, 100);
    says(needy, 490);
    pass(1500);
    looks = fake.looks;
    pass(3000);
    assert_true(giver->held_memkb > giver->target_memkb + MIB);
    return (fake.looks - looks) / 3;
}

/* Each of its reports may say something else; the giver would stop and start. */
static void who_gives_is_not_called_back_for_what_it_does_not_need_while_another_grows(void **state)
{
    struct guest *giver = add(2, 1000), *needy = add(3, 500);
    uint64_t asked;

    giver->kb_per_ms = 16;
    says(giver, 100);
    says(needy, 300);
    pass(500);
    says(needy, 495);
    pass(1000);
    asked = giver->target_memkb;
    assert_true(asked + 32 * MIB < giver->held_memkb);
    says(needy, 440);
    for (int i = 0; i < 10; i++) {
        pass(100);
        assert_true(giver->target_memkb <= asked);
    }
    /* What it needs itself it keeps. */
    says(giver, 960);
    pass(500);
    assert_true(giver->target_memkb > asked);
}

static void while_somebody_waits_it_looks_often(void **state)
{
    assert_in_range(looks_of_a_second(0), 10, 20);
}

/* On a slow machine the guests need the processor more than the balancer does. */
static void a_round_that_takes_long_is_followed_by_a_pause_eight_times_as_long(void **state)
{
    assert_in_range(looks_of_a_second(25), 1000 / 275, 1000 / 200);
}

static void a_report_that_is_taken_away_is_forgotten(void **state)
{
    struct guest *g = add(2, 1000);
    GC_SCOPE(gc);

    says(g, 900);
    pass(2000);
    assert_true(view_of(gc, 2).has_report);
    g->silent = true;
    balancer_domain_reported(b, 2);
    pass(2000);
    assert_false(view_of(gc, 2).has_report);
}

static void a_paused_guest_withholds_nothing(void **state)
{
    struct guest *g = add(2, 600);

    says(g, 500);
    pass(5000);
    fake.free_memkb = RESERVE + 1000 * MIB;
    says(g, 1200);
    g->takes = false;
    pass(300);
    assert_true(g->target_memkb > g->held_memkb + 100 * MIB);
    g->paused = true;
    balancer_domain_changed(b, 2);
    pass(1000);
    assert_int_equal(g->limit_memkb, g->held_memkb);
    assert_int_equal(g->target_memkb + OFFSET, g->held_memkb);
}

/* Who saves it stops it first, unless that is to be live, and may let it go on. */
static void one_that_is_stopped_to_be_saved_is_not_taken_for_dying(void **state)
{
    struct guest *g = add(2, 600);
    GC_SCOPE(gc);

    says(g, 500);
    pass(5000);
    g->migrating = g->shut_down = true;
    balancer_domain_changed(b, 2);
    pass(300);
    assert_int_equal(view_of(gc, 2).plan.state, PLAN_MIGRATING);
    g->migrating = false;
    balancer_domain_changed(b, 2);
    pass(300);
    assert_int_equal(view_of(gc, 2).plan.state, PLAN_DYING);
}

static void an_old_report_is_confirmed_before_memory_is_taken_on_its_word(void **state)
{
    struct guest *g = add(2, 1000), *needy = add(3, 1000);

    says(g, 100);
    says(needy, 100);
    pass(60000);
    assert_int_equal(fake.asked, 0);
    says(needy, 990);
    pass(500);
    assert_int_equal(fake.asked, 1);
    assert_int_equal(g->target_memkb, 1000 * MIB);
    says(g, 100);
    pass(500);
    assert_true(g->target_memkb < 1000 * MIB);
}

/* A program that has ended is not worth a report, and until the guest tells again it would keep its memory. */
static void who_keeps_memory_on_an_older_word_is_asked_anew_when_another_begins_to_be_short(void **state)
{
    struct guest *g = add(2, 1000), *needy = add(3, 1000);

    says(g, 900);
    says(needy, 100);
    pass(3000);
    says(needy, 990);
    pass(200);
    assert_int_equal(fake.asked, 1);
    /* Nothing waits for the answer, and nobody is asked again while nothing is new. */
    assert_true(g->target_memkb >= 900 * MIB);
    pass(5000);
    assert_int_equal(fake.asked, 1);
    says(g, 100);
    says(needy, 1090);
    pass(500);
    assert_true(g->target_memkb < 900 * MIB);
}

static void who_has_just_told_is_not_asked_anew(void **state)
{
    struct guest *g = add(2, 1000), *needy = add(3, 1000);

    says(needy, 100);
    pass(3000);
    says(g, 900);
    pass(400);
    says(needy, 990);
    pass(200);
    assert_int_equal(fake.asked, 0);
    assert_true(g->target_memkb >= 900 * MIB);
}

static void one_that_does_not_answer_is_taken_for_silent(void **state)
{
    struct guest *g = add(2, 1000), *needy = add(3, 1000);
    GC_SCOPE(gc);

    says(g, 100);
    says(needy, 100);
    pass(60000);
    says(needy, 990);
    pass(4000);
    assert_false(view_of(gc, 2).has_report);
    assert_true(g->target_memkb < 1000 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(at_rest_a_limit_is_the_target_and_the_offset, make, unmake),
        cmocka_unit_test_setup_teardown(a_report_that_stands_says_nothing_of_what_a_guest_was_given_since, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(a_guest_that_has_given_since_it_looked_uses_what_it_used, make, unmake),
        cmocka_unit_test_setup_teardown(a_guest_that_stops_a_little_below_its_target_keeps_the_offset_that_is_known,
                                        make, unmake),
        cmocka_unit_test_setup_teardown(a_limit_that_may_not_be_tightened_keeps_its_slack_and_counts_it, make, unmake),
        cmocka_unit_test_setup_teardown(a_limit_rises_where_there_is_room_only, make, unmake),
        cmocka_unit_test_setup_teardown(a_limit_that_was_left_low_does_not_rise_with_a_target_that_is_lowered, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(what_is_free_is_granted_however_little_it_is, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_planned_can_be_had, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_claimed_is_given_to_nobody, make, unmake),
        cmocka_unit_test_setup_teardown(who_gives_is_not_called_back_for_what_it_does_not_need_while_another_grows,
                                        make, unmake),
        cmocka_unit_test_setup_teardown(while_somebody_waits_it_looks_often, make, unmake),
        cmocka_unit_test_setup_teardown(a_round_that_takes_long_is_followed_by_a_pause_eight_times_as_long, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(a_report_that_is_taken_away_is_forgotten, make, unmake),
        cmocka_unit_test_setup_teardown(a_paused_guest_withholds_nothing, make, unmake),
        cmocka_unit_test_setup_teardown(one_that_is_stopped_to_be_saved_is_not_taken_for_dying, make, unmake),
        cmocka_unit_test_setup_teardown(an_old_report_is_confirmed_before_memory_is_taken_on_its_word, make, unmake),
        cmocka_unit_test_setup_teardown(who_keeps_memory_on_an_older_word_is_asked_anew_when_another_begins_to_be_short,
                                        make, unmake),
        cmocka_unit_test_setup_teardown(who_has_just_told_is_not_asked_anew, make, unmake),
        cmocka_unit_test_setup_teardown(one_that_does_not_answer_is_taken_for_silent, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
