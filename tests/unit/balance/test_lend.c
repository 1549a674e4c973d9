/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is lent to a guest, and what becomes of one that does not give it back. */
#include "tests/unit/balance/two-guests.h"

#include "balance/policy/lend.h"

static void who_owes_can_take_nothing(void **state)
{
    struct guest *g = add(2, 1000), *needy = add(3, 1000);

    says(g, 100);
    says(needy, 100);
    pass(40000);
    g->gives = false;
    says(g, 100);
    says(needy, 990);
    pass(2500);
    assert_true(g->target_memkb < g->held_memkb - 50 * MIB);
    assert_int_equal(g->limit_memkb, g->target_memkb + OFFSET);
}

static void the_target_of_one_that_owes_rises_to_what_it_holds_at_most(void **state)
{
    struct guest *g = add(2, 1000), *needy = add(3, 1000);
    uint64_t target;

    says(g, 100);
    says(needy, 100);
    pass(40000);
    g->gives = false;
    says(g, 100);
    says(needy, 990);
    pass(2500);
    assert_true(g->target_memkb < g->held_memkb - 50 * MIB);
    /* There is plenty now, and it says that it needs that: its debt ends first, and then it grows as any other. */
    target = g->target_memkb;
    fake.free_memkb += 2000 * MIB;
    says(g, 3000);
    for (int i = 0; i < 500 && g->target_memkb == target; i++)
        pass(10);
    assert_true(g->target_memkb > target);
    assert_true(g->target_memkb <= g->held_memkb);
}

/* It takes what its limit leaves, gives nothing, and claims to need all there is. */
static void one_that_climbs_and_gives_nothing_gets_nowhere(void **state)
{
    struct guest *evil = add(2, 1000), *needy = add(3, 1000);
    uint64_t held;

    says(evil, 100);
    says(needy, 100);
    pass(40000);
    held = evil->held_memkb;
    evil->climbs = true;
    evil->gives = false;
    for (int i = 0; i < 300; i++) {
        says(evil, i % 2 ? 0 : 4000);
        says(needy, 1100);
        pass(2000);
        assert_true(fake.free_memkb >= RESERVE);
    }
    assert_true(evil->held_memkb <= held + 64);
}

static void a_refusal_ends_lending_until_what_is_owed_was_given(void **state)
{
    struct guest *g = add(2, 1500), *other = add(3, 500);
    GC_SCOPE(gc);

    says(g, 1400);
    says(other, 100);
    pass(5000);
    assert_true(view_of(gc, 2).lent_memkb > 0);
    g->gives = false;
    says(other, 490);
    /* Asked, woken twice, given up. */
    for (int i = 0; i < 20; i++) {
        says(g, 1400);
        says(other, 2000);
        pass(1000);
    }
    assert_true(view_of(gc, 2).owed_memkb > 20 * MIB);
    assert_non_null(strstr(fake.kept_value, "owed "));
    assert_non_null(strstr(view_of(gc, 2).why, "owe"));
    /* Its program ends; it gives, and owes nothing any more. */
    g->gives = true;
    for (int i = 0; i < 60; i++) {
        says(g, 300);
        says(other, 2000);
        pass(1000);
    }
    assert_int_equal(view_of(gc, 2).owed_memkb, 0);
    assert_true(other->held_memkb > 1500 * MIB);
}

static void what_a_domain_owes_outlives_its_domid_and_the_balancer(void **state)
{
    struct guest *g = add(2, 1500), *other = add(3, 500);
    char uuid[37];
    GC_SCOPE(gc);

    says(g, 1400);
    says(other, 100);
    pass(5000);
    g->gives = false;
    for (int i = 0; i < 20; i++) {
        says(g, 1400);
        says(other, 2000);
        pass(1000);
    }
    assert_true(view_of(gc, 2).owed_memkb > 0);
    memcpy(uuid, g->uuid, sizeof(uuid));
    g->there = false;
    balancer_domain_gone(b, 2);
    fake.free_memkb += g->held_memkb;
    balancer_free(b);
    b = balancer_new(&fake.host, &config);
    balancer_domain_appeared(b, 3, true);
    g = add(4, 500);
    memcpy(g->uuid, uuid, sizeof(uuid));
    fake.free_memkb -= g->held_memkb;
    pass(2000);
    assert_true(view_of(gc, 4).owed_memkb > 0);
}

static void lend_is_read_as_it_is_written(void **state)
{
    static const char *const good[] = {"all", "default", "25%", "524288k"};
    static const char *const bad[] = {"", "%", "-5", "10001%", "some", "5%%"};
    struct host_lend lend;
    const char *cause;
    GC_SCOPE(gc);

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(lend_parse(good[i], &lend, &cause), 0);
        assert_string_equal(lend_text(gc, &lend), good[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(lend_parse(bad[i], &lend, &cause), ERROR_INVAL);
}

static void say_for_half_a_minute(uint64_t one_mib, uint64_t other_mib)
{
    for (int i = 0; i < 30; i++) {
        says(guest(2), one_mib);
        says(guest(3), other_mib);
        pass(1000);
    }
}

static struct guest *lent_at_most_100_mib(void)
{
    struct guest *g;

    config.lend = (struct host_lend){HOST_LEND_MEMKB, 100 * MIB};
    balancer_free(b);
    b = balancer_new(&fake.host, &config);
    g = add(2, 800);
    add(3, 800);
    says(g, 700);
    pass(1000);
    say_for_half_a_minute(1500, 100);
    return g;
}

static void a_bounded_credit_bounds_what_is_lent(void **state)
{
    struct guest *g = lent_at_most_100_mib();

    assert_in_range(g->target_memkb, 860 * MIB, 900 * MIB);
}

static void a_bounded_credit_grows_by_what_was_given_back(void **state)
{
    struct guest *g = lent_at_most_100_mib();
    uint64_t lent = g->target_memkb, given;

    say_for_half_a_minute(500, 850);
    given = lent - g->held_memkb;
    assert_true(given > 50 * MIB);
    say_for_half_a_minute(1500, 100);
    assert_in_range(g->target_memkb, lent + 50 * MIB, lent + given + 300 * MIB);
}

/* What is lent may be in use a moment later, and who has no swap can give nothing back. */
static void what_one_that_grows_has_a_right_to_is_not_lent(void **state)
{
    struct guest *g = add(2, 1000), *grows = add(3, 1000);
    uint64_t share = 1300 * MIB;

    fake.free_memkb = RESERVE + 600 * MIB;
    says(g, 500);
    says(grows, 900);
    pass(5000);
    assert_true(g->target_memkb <= share && g->target_memkb > 1200 * MIB);
    says(grows, 950);
    pass(200);
    says(g, 1290);
    pass(500);
    assert_true(g->target_memkb <= share);
    /* It has gone on growing, and then not. */
    says(grows, 1000);
    pass(800);
    assert_true(g->target_memkb <= share);
    says(grows, 1000);
    pass(600);
    says(grows, 1000);
    pass(600);
    assert_true(g->target_memkb > share + 20 * MIB);
}

/* Of one that was starved when it told first nobody knows how much it lacks. */
static void what_a_starving_guest_has_a_right_to_is_not_lent_before_it_tells_again(void **state)
{
    struct guest *g = add(2, 1000), *starves = add(3, 1000);

    fake.free_memkb = RESERVE + 600 * MIB;
    says(g, 990);
    says(starves, 985);
    pass(900);
    assert_true(g->target_memkb <= 1300 * MIB);
    assert_true(starves->target_memkb >= 1290 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_one_that_grows_has_a_right_to_is_not_lent, make, unmake),
        cmocka_unit_test_setup_teardown(what_a_starving_guest_has_a_right_to_is_not_lent_before_it_tells_again, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(who_owes_can_take_nothing, make, unmake),
        cmocka_unit_test_setup_teardown(the_target_of_one_that_owes_rises_to_what_it_holds_at_most, make, unmake),
        cmocka_unit_test_setup_teardown(one_that_climbs_and_gives_nothing_gets_nowhere, make, unmake),
        cmocka_unit_test_setup_teardown(a_refusal_ends_lending_until_what_is_owed_was_given, make, unmake),
        cmocka_unit_test_setup_teardown(what_a_domain_owes_outlives_its_domid_and_the_balancer, make, unmake),
        cmocka_unit_test_setup_teardown(a_bounded_credit_bounds_what_is_lent, make, unmake),
        cmocka_unit_test_setup_teardown(a_bounded_credit_grows_by_what_was_given_back, make, unmake),
        cmocka_unit_test(lend_is_read_as_it_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
