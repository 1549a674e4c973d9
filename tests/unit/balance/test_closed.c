/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the balancer lets a guest hold, and what it lends to one that does not give back: one guest that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "balance/engine/state.h"
#include "balance/policy/lend.h"
#include "tests/fakes/host.h"
#include "base/cleanup.h"
#include "base/error.h"

#define MIB UINT64_C(1024)
#define OFFSET 64
#define SLACK 1024
#define RESERVE (100 * MIB)
#define GUESTS 2

struct guest {
    bool there, paused, gives, takes, climbs, tight, silent;
    uint32_t domid, kb_per_ms;
    uint64_t held_memkb, limit_memkb, target_memkb, own_memkb, used_memkb;
    uint64_t told_ms, told;
    char uuid[37];
};

static struct fake {
    struct host host;
    uint64_t now_ms, wake_at_ms, free_memkb, claimed_memkb, asked;
    uint64_t look_takes_ms, looks;
    struct host_sample samples[GUESTS];
    struct guest guests[GUESTS];
    char kept_name[96], kept_value[128];
} fake;
static struct balancer *b;
static struct balancer_config config;

static struct guest *guest(uint32_t domid)
{
    for (size_t i = 0; i < GUESTS; i++) {
        if (fake.guests[i].there && fake.guests[i].domid == domid)
            return &fake.guests[i];
    }
    return NULL;
}

static uint64_t now_ms(struct host *host)
{
    return fake.now_ms;
}

static int look(struct host *host, const struct host_sample **samples, size_t *count, struct host_memory *memory)
{
    size_t n = 0;

    fake.now_ms += fake.look_takes_ms;
    fake.looks++;
    for (size_t i = 0; i < GUESTS; i++) {
        const struct guest *g = &fake.guests[i];

        if (!g->there)
            continue;
        fake.samples[n] = (struct host_sample){
            .domid = g->domid, .held_memkb = g->held_memkb, .limit_memkb = g->limit_memkb, .paused = g->paused};
        memcpy(fake.samples[n++].uuid, g->uuid, sizeof(g->uuid));
    }
    *samples = fake.samples;
    *count = n;
    *memory = (struct host_memory){4096 * MIB, fake.free_memkb, fake.claimed_memkb};
    return 0;
}

static int facts(struct host *host, uint32_t domid, struct host_domain *f)
{
    const struct guest *g = guest(domid);

    if (!g)
        return ERROR_DOMAIN_NOTFOUND;
    *f = (struct host_domain){.name = "guest",
                              .uuid = g->uuid,
                              .type = PLAN_PVH,
                              .managed = true,
                              .min_memkb = 256 * MIB,
                              .max_memkb = 4096 * MIB,
                              .weight = 256,
                              .static_max_memkb = 4096 * MIB,
                              .offset_memkb = OFFSET,
                              .offset_known = true,
                              .slack_memkb = SLACK,
                              .tight = g->tight,
                              .has_target = true,
                              .target_memkb = g->target_memkb,
                              .has_own = true,
                              .own_memkb = g->own_memkb};
    return 0;
}

static int report(struct host *host, uint32_t domid, struct host_report *r)
{
    const struct guest *g = guest(domid);

    if (!g || g->silent)
        return ERROR_NOTFOUND;
    *r = (struct host_report){.has_available = true,
                              .total_memkb = g->held_memkb,
                              .available_memkb = g->held_memkb > g->used_memkb ? g->held_memkb - g->used_memkb : 0,
                              .at_ms = g->told_ms,
                              .serial = g->told,
                              .answers = true};
    return 0;
}

static int report_ask(struct host *host, uint32_t domid)
{
    fake.asked++;
    return 0;
}

static int target_get(struct host *host, uint32_t domid, uint64_t *target_memkb)
{
    *target_memkb = guest(domid)->target_memkb;
    return 0;
}

static int target_set(struct host *host, uint32_t domid, uint64_t expected_memkb, uint64_t target_memkb,
                      uint64_t limit_memkb)
{
    struct guest *g = guest(domid);

    g->target_memkb = g->own_memkb = target_memkb;
    g->limit_memkb = limit_memkb;
    return 0;
}

static int limit_set(struct host *host, uint32_t domid, uint64_t limit_memkb)
{
    guest(domid)->limit_memkb = limit_memkb;
    return 0;
}

static int keep(struct host *host, const char *name, const char *value)
{
    snprintf(fake.kept_name, sizeof(fake.kept_name), "%s", value ? name : "");
    snprintf(fake.kept_value, sizeof(fake.kept_value), "%s", value ? value : "");
    return 0;
}

static void kept(struct host *host, void (*each)(void *arg, const char *name, const char *value), void *arg)
{
    if (*fake.kept_name)
        each(arg, fake.kept_name, fake.kept_value);
}

static void wake_at(struct host *host, uint64_t at_ms)
{
    fake.wake_at_ms = at_ms;
}

static struct host_ops ops;

static int make(void **state)
{
    balancer_config_defaults(&config);
    config.reserve_memkb = RESERVE;
    config.float_memkb = 0;
    ops = fake_host_ops;
    ops.now_ms = now_ms;
    ops.look = look;
    ops.facts = facts;
    ops.report = report;
    ops.report_ask = report_ask;
    ops.target_get = target_get;
    ops.target_set = target_set;
    ops.limit_set = limit_set;
    ops.keep = keep;
    ops.kept = kept;
    ops.wake_at = wake_at;
    fake = (struct fake){.host.ops = &ops, .now_ms = 1000000, .free_memkb = RESERVE};
    b = balancer_new(&fake.host, &config);
    return 0;
}

static int unmake(void **state)
{
    balancer_free(b);
    return 0;
}

static struct guest *add(uint32_t domid, uint64_t mib)
{
    struct guest *g = &fake.guests[domid % GUESTS];

    *g = (struct guest){.there = true, .gives = true, .takes = true, .tight = true, .domid = domid};
    g->target_memkb = g->own_memkb = mib * MIB;
    g->held_memkb = g->target_memkb + OFFSET;
    g->limit_memkb = g->target_memkb + SLACK;
    memset(g->uuid, '0' + (int)(domid % 10), sizeof(g->uuid) - 1);
    balancer_domain_appeared(b, domid, true);
    return g;
}

static void says(struct guest *g, uint64_t used_mib)
{
    g->used_memkb = used_mib * MIB;
    g->told_ms = fake.now_ms;
    g->told++;
    balancer_domain_reported(b, g->domid);
}

/* At 256 MiB a second, and never more than its limit and what is free. */
static void move(struct guest *g, uint64_t passed_ms)
{
    uint64_t goal = g->target_memkb + OFFSET, step = (g->kb_per_ms ? g->kb_per_ms : 256) * passed_ms / 4 * 4;

    if (!g->there || g->paused)
        return;
    if (g->climbs)
        goal = g->limit_memkb > g->held_memkb ? g->limit_memkb : g->held_memkb;
    if (goal < g->held_memkb && g->gives) {
        step = step < g->held_memkb - goal ? step : g->held_memkb - goal;
        g->held_memkb -= step;
        fake.free_memkb += step;
    } else if (goal > g->held_memkb && g->takes) {
        goal = goal < g->limit_memkb ? goal : g->limit_memkb;
        step = goal <= g->held_memkb ? 0 : step < goal - g->held_memkb ? step : goal - g->held_memkb;
        step = step < fake.free_memkb ? step : fake.free_memkb;
        g->held_memkb += step;
        fake.free_memkb -= step;
    }
}

static void pass(uint64_t ms)
{
    for (uint64_t end = fake.now_ms + ms; fake.now_ms < end; fake.now_ms += 10) {
        for (size_t i = 0; i < GUESTS; i++)
            move(&fake.guests[i], 10);
        if (fake.wake_at_ms > fake.now_ms)
            continue;
        fake.wake_at_ms = UINT64_MAX;
        balancer_wake(b);
    }
}

static struct balancer_domain view_of(struct gc *gc, uint32_t domid)
{
    struct balancer_domain view;

    assert_int_equal(balancer_view_domain(b, gc, domid, &view), 0);
    return view;
}

/* ---- tests ---- */

static void at_rest_a_limit_is_the_target_and_the_offset(void **state)
{
    struct guest *g = add(2, 1000);

    says(g, 500);
    pass(5000);
    assert_int_equal(g->limit_memkb, g->target_memkb + OFFSET);
    assert_int_equal(g->held_memkb, g->limit_memkb);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(at_rest_a_limit_is_the_target_and_the_offset, make, unmake),
        cmocka_unit_test_setup_teardown(a_limit_that_may_not_be_tightened_keeps_its_slack_and_counts_it, make, unmake),
        cmocka_unit_test_setup_teardown(a_limit_rises_where_there_is_room_only, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_planned_can_be_had, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_claimed_is_given_to_nobody, make, unmake),
        cmocka_unit_test_setup_teardown(who_gives_is_not_called_back_for_what_it_does_not_need_while_another_grows,
                                        make, unmake),
        cmocka_unit_test_setup_teardown(while_somebody_waits_it_looks_often, make, unmake),
        cmocka_unit_test_setup_teardown(a_round_that_takes_long_is_followed_by_a_pause_eight_times_as_long, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(who_owes_can_take_nothing, make, unmake),
        cmocka_unit_test_setup_teardown(the_target_of_one_that_owes_rises_to_what_it_holds_at_most, make, unmake),
        cmocka_unit_test_setup_teardown(a_report_that_is_taken_away_is_forgotten, make, unmake),
        cmocka_unit_test_setup_teardown(one_that_climbs_and_gives_nothing_gets_nowhere, make, unmake),
        cmocka_unit_test_setup_teardown(a_refusal_ends_lending_until_what_is_owed_was_given, make, unmake),
        cmocka_unit_test_setup_teardown(what_a_domain_owes_outlives_its_domid_and_the_balancer, make, unmake),
        cmocka_unit_test_setup_teardown(a_paused_guest_withholds_nothing, make, unmake),
        cmocka_unit_test_setup_teardown(an_old_report_is_confirmed_before_memory_is_taken_on_its_word, make, unmake),
        cmocka_unit_test_setup_teardown(one_that_does_not_answer_is_taken_for_silent, make, unmake),
        cmocka_unit_test_setup_teardown(a_bounded_credit_bounds_what_is_lent, make, unmake),
        cmocka_unit_test_setup_teardown(a_bounded_credit_grows_by_what_was_given_back, make, unmake),
        cmocka_unit_test(lend_is_read_as_it_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
