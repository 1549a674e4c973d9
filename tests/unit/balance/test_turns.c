/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host that is slow to answer, and many domains at once: others who wait for memd's loop have their turn in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "balance/engine/balancer.h"
#include "base/error.h"
#include "tests/fakes/host.h"

#define MIB UINT64_C(1024)
#define GUESTS 30
/* What one question, or one write, takes, and how many fit into a turn. */
#define ANSWER_MS 30
#define ASKED_A_TURN 9
#define WRITTEN_A_TURN 17

/* Guest n has domid 1 + n, and holds what it is asked to hold. */
static struct {
    struct host host;
    uint64_t now_ms, wake_at_ms;
    struct host_sample samples[GUESTS];
    uint64_t targets_memkb[GUESTS];
    bool known[GUESTS];
    unsigned asked, written, written_before_all_are_known;
} h;
static struct host_ops ops;
static struct balancer *b;

static uint64_t now_ms(struct host *host)
{
    return h.now_ms;
}

static void wake_at(struct host *host, uint64_t at_ms)
{
    h.wake_at_ms = at_ms;
}

static int look(struct host *host, const struct host_sample **samples, size_t *count, struct host_memory *memory)
{
    uint64_t held = 0;

    for (uint32_t i = 0; i < GUESTS; i++) {
        h.samples[i] =
            (struct host_sample){.domid = 1 + i, .held_memkb = h.targets_memkb[i], .limit_memkb = h.targets_memkb[i]};
        held += h.targets_memkb[i];
    }
    *samples = h.samples;
    *count = GUESTS;
    *memory = (struct host_memory){8192 * MIB, 8192 * MIB - held, 0};
    return 0;
}

static int facts(struct host *host, uint32_t domid, struct host_domain *f)
{
    uint64_t target_memkb = h.targets_memkb[domid - 1];

    h.now_ms += ANSWER_MS;
    h.asked++;
    h.known[domid - 1] = true;
    *f = (struct host_domain){.name = "guest",
                              .uuid = "",
                              .type = PLAN_PV,
                              .managed = true,
                              .min_memkb = 64 * MIB,
                              .max_memkb = 128 * MIB,
                              .weight = 256,
                              .static_max_memkb = 128 * MIB,
                              .has_target = true,
                              .target_memkb = target_memkb,
                              .has_own = true,
                              .own_memkb = target_memkb};
    return 0;
}

static int target_set(struct host *host, uint32_t domid, uint64_t expected_memkb, uint64_t target_memkb,
                      uint64_t limit_memkb)
{
    h.now_ms += ANSWER_MS;
    h.written++;
    h.targets_memkb[domid - 1] = target_memkb;
    for (size_t i = 0; i < GUESTS; i++)
        h.written_before_all_are_known += !h.known[i];
    return 0;
}

static int make(void **state)
{
    struct balancer_config config;

    balancer_config_defaults(&config);
    ops = fake_host_ops;
    ops.now_ms = now_ms;
    ops.wake_at = wake_at;
    ops.look = look;
    ops.facts = facts;
    ops.target_set = target_set;
    h = (typeof(h)){.host.ops = &ops, .now_ms = 1000000};
    for (size_t i = 0; i < GUESTS; i++)
        h.targets_memkb[i] = 64 * MIB;
    b = balancer_new(&h.host, &config);
    for (uint32_t domid = 1; domid <= GUESTS; domid++)
        balancer_domain_appeared(b, domid, true);
    return 0;
}

static int unmake(void **state)
{
    balancer_free(b);
    return 0;
}

/* One turn, when it is due. */
static void turn(void)
{
    if (h.wake_at_ms > h.now_ms)
        h.now_ms = h.wake_at_ms;
    h.asked = h.written = 0;
    balancer_wake(b);
}

static unsigned known(void)
{
    unsigned n = 0;

    for (size_t i = 0; i < GUESTS; i++)
        n += h.known[i];
    return n;
}

static void many_new_domains_are_asked_for_in_several_turns(void **state)
{
    for (unsigned turns = 1;; turns++) {
        turn();
        assert_in_range(h.asked, 1, ASKED_A_TURN);
        assert_int_equal(known(), turns * ASKED_A_TURN < GUESTS ? turns * ASKED_A_TURN : GUESTS);
        if (known() == GUESTS)
            break;
        /* The next one follows at once, and nothing is decided before. */
        assert_true(h.wake_at_ms <= h.now_ms);
        assert_int_equal(balancer_counters(b)->rounds, 0);
    }
}

static void many_targets_are_written_in_several_turns(void **state)
{
    uint64_t end_ms = h.now_ms + 60000;
    unsigned total = 0;

    for (; h.now_ms < end_ms; total += h.written) {
        turn();
        assert_in_range(h.written, 0, WRITTEN_A_TURN);
    }
    assert_true(total >= GUESTS);
    for (size_t i = 0; i < GUESTS; i++)
        assert_int_equal(h.targets_memkb[i], 128 * MIB);
    assert_int_equal(h.written_before_all_are_known, 0);
}

static void who_asks_for_a_view_gets_the_facts_of_now(void **state)
{
    balancer_look(b);
    assert_int_equal(known(), GUESTS);
}

/* The domains of a toolstack that writes targets without end. */
static void facts_that_change_without_end_do_not_stop_the_balancing(void **state)
{
    uint64_t end_ms = h.now_ms + 60000;
    unsigned total = 0;

    for (; h.now_ms < end_ms; total += h.written) {
        for (uint32_t domid = 1; domid <= GUESTS; domid++)
            balancer_domain_changed(b, domid);
        turn();
    }
    assert_true(total > 0);
}

static void memory_that_runs_out_does_not_wait_for_facts(void **state)
{
    unsigned rounds;

    turn();
    rounds = (unsigned)balancer_counters(b)->rounds;
    turn();
    assert_int_equal(balancer_counters(b)->rounds, rounds);
    balancer_emergency(b);
    turn();
    assert_true(known() < GUESTS);
    assert_int_equal(balancer_counters(b)->rounds, rounds + 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make, unmake)
    const struct CMUnitTest tests[] = {
        T(many_new_domains_are_asked_for_in_several_turns), T(many_targets_are_written_in_several_turns),
        T(who_asks_for_a_view_gets_the_facts_of_now),       T(facts_that_change_without_end_do_not_stop_the_balancing),
        T(memory_that_runs_out_does_not_wait_for_facts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
