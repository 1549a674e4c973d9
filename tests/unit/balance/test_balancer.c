/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The balancer on a host of a few numbers: what the simulator does not look at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "balance/engine/balancer.h"
#include "tests/fakes/host.h"
#include "base/cleanup.h"
#include "base/error.h"

#define MIB UINT64_C(1024)
#define UUID "05050505-0505-0505-0505-050505050505"
#define DOMAINS 3

/* Domain n has domid n + 1. */
static struct fake {
    struct host host;
    uint64_t now_ms, wake_at_ms;
    int look_rc, keep_rc;
    bool takes_effect;
    unsigned looks, disowned, sets, emergencies;
    struct host_memory memory;
    struct host_sample samples[DOMAINS];
    size_t count;
    uint64_t target_memkb, own_memkb, timed_out_memkb;
    char kept[512];
    void (*loads)(void (*each)(void *arg, const char *name, const char *value), void *arg);
} fake;
static struct balancer *b;

static uint64_t now_ms(struct host *host)
{
    return fake.now_ms;
}

static int look(struct host *host, const struct host_sample **samples, size_t *count, struct host_memory *memory)
{
    fake.looks++;
    *samples = fake.samples;
    *count = fake.count;
    *memory = fake.memory;
    return fake.look_rc;
}

static int facts(struct host *host, uint32_t domid, struct host_domain *f)
{
    *f = (struct host_domain){.name = "guest",
                              .uuid = "",
                              .type = PLAN_PVH,
                              .managed = true,
                              .min_memkb = 256 * MIB,
                              .max_memkb = 1024 * MIB,
                              .weight = 256,
                              .static_max_memkb = 1024 * MIB,
                              .has_target = true,
                              .target_memkb = fake.target_memkb,
                              .has_own = true,
                              .own_memkb = fake.own_memkb};
    return 0;
}

static int target_get(struct host *host, uint32_t domid, uint64_t *target_memkb)
{
    *target_memkb = fake.target_memkb;
    return 0;
}

static int target_set(struct host *host, uint32_t domid, uint64_t expected_memkb, uint64_t target_memkb,
                      uint64_t limit_memkb)
{
    fake.sets++;
    if (fake.takes_effect)
        fake.target_memkb = fake.own_memkb = target_memkb;
    return fake.takes_effect ? ERROR_FAIL : ERROR_INVAL;
}

static int limit_set(struct host *host, uint32_t domid, uint64_t limit_memkb)
{
    fake.samples[domid - 1].limit_memkb = limit_memkb;
    return 0;
}

static int target_disown(struct host *host, uint32_t domid)
{
    fake.disowned++;
    return 0;
}

static int keep(struct host *host, const char *name, const char *value)
{
    snprintf(fake.kept, sizeof(fake.kept), "%s", value ? value : "");
    return fake.keep_rc;
}

static void kept(struct host *host, void (*each)(void *arg, const char *name, const char *value), void *arg)
{
    if (fake.loads)
        fake.loads(each, arg);
}

static void wake_at(struct host *host, uint64_t at_ms)
{
    fake.wake_at_ms = at_ms;
}

static void event(struct host *host, const struct host_event *e)
{
    fake.emergencies += e->type == HOST_EVENT_EMERGENCY;
    if (e->type == HOST_EVENT_RESERVATION && !strcmp(e->why, "timed-out"))
        fake.timed_out_memkb = e->new_memkb;
}

static struct host_ops ops;

static int make(void **state)
{
    struct balancer_config config;

    balancer_config_defaults(&config);
    config.reserve_memkb = 100 * MIB;
    ops = fake_host_ops;
    ops.now_ms = now_ms;
    ops.look = look;
    ops.facts = facts;
    ops.target_get = target_get;
    ops.target_set = target_set;
    ops.limit_set = limit_set;
    ops.target_disown = target_disown;
    ops.keep = keep;
    ops.kept = kept;
    ops.wake_at = wake_at;
    ops.event = event;
    fake = (struct fake){.host.ops = &ops,
                         .now_ms = 1000000,
                         .memory = {4096 * MIB, 1100 * MIB, 0},
                         .target_memkb = 512 * MIB,
                         .own_memkb = 512 * MIB};
    b = balancer_new(&fake.host, &config);
    return 0;
}

static int unmake(void **state)
{
    balancer_free(b);
    return 0;
}

static void add_domain(uint64_t held_mib, bool paused, bool introduced)
{
    uint32_t domid = (uint32_t)fake.count + 1;

    fake.samples[fake.count++] =
        (struct host_sample){.domid = domid, .held_memkb = held_mib * MIB, .paused = paused, .uuid = UUID};
    if (introduced)
        balancer_domain_appeared(b, domid, false);
}

/* Lets time pass as the balancer wants to be woken. */
static void pass(uint64_t ms)
{
    uint64_t end = fake.now_ms + ms;

    while (fake.wake_at_ms <= end && fake.now_ms < end) {
        uint64_t at = fake.wake_at_ms;

        fake.now_ms = at > fake.now_ms ? at : fake.now_ms;
        fake.wake_at_ms = UINT64_MAX;
        balancer_wake(b);
        if (fake.wake_at_ms <= at)
            fake.now_ms++;
    }
    fake.now_ms = end;
}

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

/* ---- tests ---- */

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
        cmocka_unit_test_setup_teardown(that_memory_runs_out_makes_an_urgent_round_at_once, make, unmake),
        cmocka_unit_test_setup_teardown(of_what_is_kept_what_cannot_be_is_left_out_and_an_orphan_ends, make, unmake),
        cmocka_unit_test_setup_teardown(what_a_domain_gives_is_not_kept_for_it, make, unmake),
        cmocka_unit_test_setup_teardown(what_was_not_reached_in_time_is_said, make, unmake),
        cmocka_unit_test_setup_teardown(a_target_that_is_written_again_by_somebody_else_pins, make, unmake),
        cmocka_unit_test_setup_teardown(a_pin_is_recorded, make, unmake),
        cmocka_unit_test_setup_teardown(a_write_that_took_effect_although_it_failed_does_not_pin, make, unmake),
        cmocka_unit_test_setup_teardown(a_target_that_cannot_be_set_is_not_tried_without_pause, make, unmake),
        cmocka_unit_test_setup_teardown(why_of_a_domain_that_was_just_paused_is_true, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
