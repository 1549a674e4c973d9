/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reservations: who gets them, how long they live, and what becomes of them. */
#include "tests/unit/balance/host-of-few.h"

static const char *reserve(struct reserve_request request)
{
    static char id[RESERVE_ID_LEN];

    assert_int_equal(balancer_reserve(b, &request, id), 0);
    return id;
}

static const char *state_of(const char *id)
{
    const struct reserve_info *info = balancer_reservation(b, id);

    return info ? reserve_state_names[info->state] : "over";
}

static void memory_that_comes_free_by_itself_is_noticed_by_who_waits(void **state)
{
    const char *id = reserve((struct reserve_request){.size_memkb = 1500 * MIB, .domid = RESERVE_NO_DOMAIN});

    pass(10000);
    assert_string_equal(state_of(id), "waiting");
    fake.memory.free_memkb = 1700 * MIB;
    pass(1500);
    assert_string_equal(state_of(id), "ready");
}

static void what_is_handed_when_it_is_ready_outlives_its_lease(void **state)
{
    const char *id;

    add_domain(4, true, true);
    id = reserve((struct reserve_request){.size_memkb = 900 * MIB, .lease_ms = 30000, .domid = 1});
    pass(1000);
    assert_string_equal(state_of(id), "handed");
    pass(60000);
    assert_string_equal(state_of(id), "handed");
    pass(1800000);
    assert_string_equal(state_of(id), "over");
}

static void what_a_domain_that_vanished_was_handed_is_free_again(void **state)
{
    struct reserve_request request = {.size_memkb = 900 * MIB, .lease_ms = 30000, .domid = RESERVE_NO_DOMAIN};
    const char *id;

    strcpy(request.uuid, UUID);
    id = reserve(request);
    pass(1000);
    assert_string_equal(state_of(id), "ready");
    /* Built, and given up before xenstored heard of it. */
    add_domain(100, true, false);
    pass(60000);
    assert_string_equal(state_of(id), "handed");
    fake.count = 0;
    pass(60000);
    assert_string_equal(state_of(id), "over");
}

static void one_that_runs_already_is_not_the_domain_that_is_to_be_built(void **state)
{
    struct reserve_request request = {.size_memkb = 300 * MIB, .lease_ms = 30000, .domid = RESERVE_NO_DOMAIN};
    const char *id;

    /* A guest that migrates within this host. */
    add_domain(512, false, true);
    pass(1000);
    strcpy(request.uuid, UUID);
    id = reserve(request);
    pass(1000);
    assert_string_equal(state_of(id), "ready");
    add_domain(100, true, true);
    pass(1000);
    assert_string_equal(state_of(id), "handed");
    assert_int_equal(balancer_reservation(b, id)->request.domid, 2);
    /* It needs less than was thought. */
    fake.samples[1].paused = false;
    pass(70000);
    assert_string_equal(state_of(id), "over");
}

static void one_that_was_built_between_two_looks_is_the_domain_that_was_to_be_built(void **state)
{
    struct reserve_request request = {.size_memkb = 300 * MIB, .lease_ms = 30000, .domid = RESERVE_NO_DOMAIN};
    const char *id;

    strcpy(request.uuid, UUID);
    id = reserve(request);
    pass(1000);
    add_domain(300, false, true);
    pass(1000);
    assert_string_equal(state_of(id), "over");
}

static void who_asks_again_for_a_uuid_gets_the_reservation_that_there_is(void **state)
{
    struct reserve_request request = {.size_memkb = 300 * MIB, .lease_ms = 10000, .domid = RESERVE_NO_DOMAIN};
    char first[RESERVE_ID_LEN];
    GC_SCOPE(gc);
    size_t count;

    strcpy(request.uuid, UUID);
    strcpy(first, reserve(request));
    pass(5000);
    assert_string_equal(state_of(first), "ready");
    request.size_memkb = 200 * MIB;
    assert_string_equal(reserve(request), first);
    assert_string_equal(state_of(first), "ready");
    assert_int_equal(balancer_reservation(b, first)->memkb, 300 * MIB);
    /* From then on it lives as long as he wishes. */
    pass(8000);
    assert_string_equal(state_of(first), "ready");
    request.size_memkb = 400 * MIB;
    assert_string_equal(reserve(request), first);
    assert_string_equal(state_of(first), "waiting");
    pass(1000);
    assert_string_equal(state_of(first), "ready");
    assert_int_equal(balancer_reservation(b, first)->memkb, 400 * MIB);
    balancer_reservations(b, gc, &count);
    assert_int_equal(count, 1);
    /* Those without a UUID are each for itself. */
    *request.uuid = 0;
    assert_string_not_equal(reserve(request), first);
    assert_string_not_equal(reserve(request), first);
    balancer_reservations(b, gc, &count);
    assert_int_equal(count, 3);
}

static void what_a_domain_that_is_gone_was_handed_is_free_at_once(void **state)
{
    const char *id;

    add_domain(4, true, true);
    id = reserve((struct reserve_request){.size_memkb = 900 * MIB, .lease_ms = 30000, .domid = 1});
    pass(1000);
    assert_string_equal(state_of(id), "handed");
    /* Also when another has its domid by now. */
    balancer_domain_gone(b, 1);
    assert_string_equal(state_of(id), "over");
}

static void a_reservation_that_cannot_be_kept_is_none(void **state)
{
    struct reserve_request request = {.size_memkb = 4, .domid = RESERVE_NO_DOMAIN};
    char id[RESERVE_ID_LEN];
    size_t count;
    GC_SCOPE(gc);

    fake.keep_rc = ERROR_FAIL;
    assert_int_equal(balancer_reserve(b, &request, id), ERROR_FAIL);
    balancer_reservations(b, gc, &count);
    assert_int_equal(count, 0);
}

static void of_reservations_there_is_a_most(void **state)
{
    struct reserve_request request = {.size_memkb = 4, .domid = RESERVE_NO_DOMAIN};
    char id[RESERVE_ID_LEN];

    for (unsigned i = 0; i < RESERVE_MAX; i++)
        reserve(request);
    assert_int_equal(balancer_reserve(b, &request, id), ERROR_BUFFERFULL);
    balancer_release(b, "r1");
    assert_int_equal(balancer_reserve(b, &request, id), 0);
}

/* As kept by a memd that was killed, or by nobody. */
static void load_kept(void (*each)(void *arg, const char *name, const char *value), void *arg)
{
    each(arg, "reservation-r1", "1 102400 102400 102400 4294967295 990000 18446744073709551615 18446744073709551615 -");
    each(arg, "reservation-r2", "4 102400 102400 102400 4294967295 990000 18446744073709551615 18446744073709551615 -");
    each(arg, "reservation-r3",
         "-1 102400 102400 102400 4294967295 990000 18446744073709551615 18446744073709551615 -");
    each(arg, "reservation-r4", "1 102400 102400 99999999999999 4294967295 990000 0 18446744073709551615 -");
    each(arg, "reservation-5", "1 102400 102400 102400 4294967295 990000 0 18446744073709551615 -");
    each(arg, "reservation-r6", "1 102400");
}

static void of_what_is_kept_what_cannot_be_is_left_out_and_an_orphan_ends(void **state)
{
    balancer_free(b);
    fake.loads = load_kept;
    fake.wake_at_ms = 0;
    b = balancer_new(&fake.host, &(struct balancer_config){.reserve_memkb = 100 * MIB, .backstop_ms = 60000});
    assert_string_not_equal(state_of("r1"), "over");
    assert_string_equal(state_of("r2"), "over");
    assert_string_equal(state_of("r3"), "over");
    assert_string_equal(state_of("r4"), "over");
    assert_string_equal(state_of("5"), "over");
    assert_string_equal(state_of("r6"), "over");
    pass(29000);
    assert_string_not_equal(state_of("r1"), "over");
    /* Its holder does not come back. */
    pass(3000);
    assert_string_equal(state_of("r1"), "over");
}

static void what_the_domain_has_already_is_not_waited_for(void **state)
{
    const char *id;

    add_domain(512, true, true);
    id = reserve((struct reserve_request){.size_memkb = 1400 * MIB, .domid = 1});
    pass(1000);
    assert_string_equal(state_of(id), "handed");
    assert_int_equal(balancer_reservation(b, id)->counted_memkb, 888 * MIB);
}

/* Or each page that it gives would be wanted from it once more. */
static void what_a_domain_gives_is_not_kept_for_it(void **state)
{
    const char *id;

    add_domain(512, false, true);
    id = reserve((struct reserve_request){.size_memkb = 1400 * MIB, .domid = 1});
    /* It has booted, and is balanced. */
    pass(62000);
    assert_int_equal(balancer_reservation(b, id)->counted_memkb, 888 * MIB);
    fake.samples[0].held_memkb -= 100 * MIB;
    fake.memory.free_memkb += 100 * MIB;
    balancer_domain_changed(b, 1);
    pass(1000);
    assert_int_equal(balancer_reservation(b, id)->counted_memkb, 888 * MIB);
    assert_non_null(strstr(fake.kept, " 1331200 "));
}

static void what_was_not_reached_in_time_is_said(void **state)
{
    const char *id =
        reserve((struct reserve_request){.size_memkb = 1500 * MIB, .timeout_ms = 5000, .domid = RESERVE_NO_DOMAIN});

    pass(10000);
    assert_string_equal(state_of(id), "over");
    assert_int_equal(fake.timed_out_memkb, 1000 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(memory_that_comes_free_by_itself_is_noticed_by_who_waits, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_handed_when_it_is_ready_outlives_its_lease, make, unmake),
        cmocka_unit_test_setup_teardown(what_a_domain_that_vanished_was_handed_is_free_again, make, unmake),
        cmocka_unit_test_setup_teardown(one_that_runs_already_is_not_the_domain_that_is_to_be_built, make, unmake),
        cmocka_unit_test_setup_teardown(one_that_was_built_between_two_looks_is_the_domain_that_was_to_be_built, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(who_asks_again_for_a_uuid_gets_the_reservation_that_there_is, make, unmake),
        cmocka_unit_test_setup_teardown(what_the_domain_has_already_is_not_waited_for, make, unmake),
        cmocka_unit_test_setup_teardown(what_a_domain_that_is_gone_was_handed_is_free_at_once, make, unmake),
        cmocka_unit_test_setup_teardown(a_reservation_that_cannot_be_kept_is_none, make, unmake),
        cmocka_unit_test_setup_teardown(of_reservations_there_is_a_most, make, unmake),
        cmocka_unit_test_setup_teardown(of_what_is_kept_what_cannot_be_is_left_out_and_an_orphan_ends, make, unmake),
        cmocka_unit_test_setup_teardown(what_a_domain_gives_is_not_kept_for_it, make, unmake),
        cmocka_unit_test_setup_teardown(what_was_not_reached_in_time_is_said, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
