/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests of all kinds, on a clock that takes no time. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "balloon/sizes.h"
#include "xlx.h"
#include "balloon/settle.h"
#include "tests/fakes/clock.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"
#include "tests/unit/balloon/guest.h"

#define MIB UINT64_C(1024)

static struct xlx_ctx *ctx;

static int new_ctx(void **state)
{
    ctx = fake_ctx_new();
    return 0;
}

static int free_ctx(void **state)
{
    unsigned timers = fake_clock_timers();

    fake_ctx_free(ctx);
    return timers ? -1 : 0;
}

/* ---- following ---- */

static struct xlx_mem_follow follow_of(uint32_t domid, uint64_t target_kb)
{
    return (struct xlx_mem_follow){.domid = domid, .target_memkb = target_kb};
}

/* What progress has seen. */
static struct {
    unsigned calls, lefts;
    uint64_t first_left_ms, last_left_ms, rate;
    uint64_t at_ms;                                    /* acts then, once */
    void (*act)(const struct xlx_mem_follow *follows); /* NULL: nothing */
} seen;

static unsigned stop_after; /* calls of progress; 0: never */

static bool progress(void *arg, const struct xlx_mem_follow *follows, size_t count)
{
    seen.calls++;
    if (count && follows->state == XLX_MEM_MOVING && follows->left_ms != UINT64_MAX) {
        if (!seen.lefts++)
            seen.first_left_ms = follows->left_ms;
        seen.last_left_ms = follows->left_ms;
        seen.rate = follows->rate_kb_per_s;
    }
    if (seen.act && fake_clock_ms() >= seen.at_ms) {
        void (*act)(const struct xlx_mem_follow *) = seen.act;

        seen.act = NULL;
        act(follows);
    }
    return !stop_after || seen.calls < stop_after;
}

static uint64_t took_ms;

static int settle_with(struct xlx_mem_follow *follows, size_t count, uint64_t timeout_ms, unsigned flags)
{
    const struct xlx_mem_settle asked = {
        .size = sizeof(asked),
        .follows = follows,
        .count = count,
        .timeout_ms = timeout_ms,
        .flags = flags,
        .progress = progress,
    };
    uint64_t begun = fake_clock_ms();
    void (*act)(const struct xlx_mem_follow *) = seen.act;
    uint64_t at_ms = seen.at_ms;
    int rc;

    memset(&seen, 0, sizeof(seen));
    seen.act = act;
    seen.at_ms = begun + at_ms;
    rc = xlx_mem_settle(ctx, &asked);
    took_ms = fake_clock_ms() - begun;
    memset(&seen.act, 0, sizeof(seen.act));
    return rc;
}

static int settle(struct xlx_mem_follow *follows, size_t count, uint64_t timeout_ms)
{
    return settle_with(follows, count, timeout_ms, XLX_MEM_INTERRUPTIBLE);
}

static void act_at(uint64_t ms, void (*act)(const struct xlx_mem_follow *follows))
{
    seen.at_ms = ms;
    seen.act = act;
}

static void a_guest_at_its_target_settles_at_once(void **state)
{
    struct xlx_mem_follow f = follow_of(3, 256 * MIB);
    struct guest *g = make_guest(3, "pv", 256 * MIB, 256 * MIB, 0, 0);

    fake_store_set("/local/domain/3/memory/memory-offset", "0");
    assert_int_equal(settle(&f, 1, 60000), 0);
    assert_int_equal(f.state, XLX_MEM_SETTLED);
    assert_int_equal(f.actual_memkb, 256 * MIB);
    assert_in_range(took_ms, 0, 50);
    test_free(g);
}

static void each_type_settles_at_its_own_offset_and_it_is_noted(void **state)
{
    static const struct {
        const char *type, *offset;
        int64_t kb;
    } types[] = {{"pv", "0", 0}, {"pvh", "64", 64}, {"hvm", "44", 44}};

    for (size_t i = 0; i < 3; i++) {
        struct xlx_mem_follow f = follow_of(3, 256 * MIB);
        struct guest *g;

        fake_xen_reset();
        fake_store_set("/local", NULL);
        g = make_guest(3, types[i].type, 512 * MIB, 256 * MIB, 100 * MIB, types[i].kb);
        assert_int_equal(settle(&f, 1, 60000), 0);
        assert_int_equal(f.state, XLX_MEM_SETTLED);
        /* 256 MiB at 100 MiB/s, and not much longer than that. */
        assert_in_range(took_ms, 2560, 2560 + 150);
        assert_string_equal(fake_store_get("/local/domain/3/memory/memory-offset"), types[i].offset);
        test_free(g);
    }
}

static void an_unknown_offset_is_found_when_the_guest_rests_near_its_target(void **state)
{
    struct xlx_mem_follow f = follow_of(3, 256 * MIB);
    struct guest *g = make_guest(3, "pvh", 300 * MIB, 256 * MIB, 100 * MIB, 128);

    assert_int_equal(settle(&f, 1, 60000), 0);
    assert_int_equal(f.actual_memkb, 256 * MIB);
    assert_in_range(took_ms, 440 + 400, 440 + 700);
    assert_string_equal(fake_store_get("/local/domain/3/memory/memory-offset"), "128");
    test_free(g);
}

static void rate_and_time_left_are_those_of_the_guest(void **state)
{
    struct xlx_mem_follow f = follow_of(3, 500 * MIB);
    struct guest *g = make_guest(3, "pv", 1000 * MIB, 500 * MIB, 50 * MIB, 0);

    assert_int_equal(settle(&f, 1, 60000), 0);
    assert_in_range(seen.first_left_ms, 8500, 11500);
    assert_in_range(seen.last_left_ms, 0, 500);
    assert_in_range(seen.rate, 45 * MIB, 55 * MIB);
    assert_in_range(seen.calls, 50, 400);
    test_free(g);
}

static void growing_settles_as_shrinking_does(void **state)
{
    struct xlx_mem_follow f = follow_of(3, 500 * MIB);
    struct guest *g = make_guest(3, "hvm", 100 * MIB, 500 * MIB, 100 * MIB, 44);

    assert_int_equal(settle(&f, 1, 60000), 0);
    assert_int_equal(f.state, XLX_MEM_SETTLED);
    assert_in_range(took_ms, 4000, 4200);
    test_free(g);
}

static void passing_its_target_is_not_settling(void **state)
{
    /* Somebody has moved the target on: the guest comes by ours and does not stop. */
    struct xlx_mem_follow f = follow_of(3, 500 * MIB);
    struct guest *g = make_guest(3, "pv", 600 * MIB, 100 * MIB, 40 * MIB, 0);

    assert_int_equal(settle(&f, 1, 8000), ERROR_TIMEDOUT);
    assert_int_not_equal(f.state, XLX_MEM_SETTLED);
    test_free(g);
}

static void a_stuck_guest_is_rearmed_less_and_less_and_its_target_stays(void **state)
{
    struct xlx_mem_follow f = follow_of(3, 256 * MIB);
    struct guest *g = make_guest(3, "pv", 512 * MIB, 256 * MIB, 0, 0);

    assert_int_equal(settle(&f, 1, 120000), ERROR_TIMEDOUT);
    assert_int_equal(took_ms, 120000);
    assert_int_equal(f.state, XLX_MEM_STUCK);
    assert_int_equal(f.left_ms, UINT64_MAX);
    assert_in_range(f.rearmed, 4, 12);
    assert_string_equal(fake_store_get(g->target), "262144");
    /* Seldom looked at: it does not move. */
    assert_in_range(fake_xen_looks(), 120, 400);
    test_free(g);
}

static void a_guest_that_gave_up_is_woken(void **state)
{
    struct xlx_mem_follow f = follow_of(3, 256 * MIB);
    struct guest *g = make_guest(3, "pv", 512 * MIB, 256 * MIB, 100 * MIB, 0);

    g->stops_at_kb = 400 * MIB;
    assert_int_equal(settle(&f, 1, 60000), 0);
    assert_int_equal(f.state, XLX_MEM_SETTLED);
    assert_in_range(f.rearmed, 1, 2);
    assert_in_range(took_ms, 1120 + MEM_STUCK_MS + 1440, 1120 + MEM_STUCK_MS + 1440 + 1500);
    assert_string_equal(fake_store_get(g->target), "262144");
    test_free(g);
}

static void set_700(const struct xlx_mem_follow *follows)
{
    fake_store_set("/local/domain/3/memory/target", "716800");
}

static void anothers_target_is_never_overwritten(void **state)
{
    struct xlx_mem_follow f = follow_of(3, 256 * MIB);
    struct guest *g = make_guest(3, "pv", 512 * MIB, 256 * MIB, 0, 0);

    /* Before the first re-arm, and, with the target a page off, in its middle. */
    act_at(1000, set_700);
    assert_int_equal(settle(&f, 1, 30000), ERROR_TIMEDOUT);
    assert_int_equal(f.rearmed, 0);
    assert_string_equal(fake_store_get(g->target), "716800");

    fake_store_set(g->target, "262144");
    act_at(MEM_STUCK_MS + 10, set_700);
    assert_int_equal(settle(&f, 1, 30000), ERROR_TIMEDOUT);
    assert_string_equal(fake_store_get(g->target), "716800");
    test_free(g);
}

static void interrupt(const struct xlx_mem_follow *follows)
{
    raise(SIGINT);
}

static void an_interrupt_ends_the_wait_and_never_leaves_a_page_off(void **state)
{
    /* Every moment around the first re-arm. */
    for (uint64_t ms = MEM_STUCK_MS - 1000; ms < MEM_STUCK_MS + 1500; ms += 50) {
        struct xlx_mem_follow f = follow_of(3, 256 * MIB);
        struct guest *g;

        fake_xen_reset();
        g = make_guest(3, "pv", 512 * MIB, 256 * MIB, 0, 0);
        act_at(ms, interrupt);
        assert_int_equal(settle(&f, 1, 60000), ERROR_ABORTED);
        assert_in_range(took_ms, ms, ms + 1000);
        assert_string_equal(fake_store_get(g->target), "262144");
        test_free(g);
    }
}

static unsigned caught;

static void catch_signal(int signum)
{
    caught++;
}

static void a_program_keeps_its_signals(void **state)
{
    struct sigaction ours = {.sa_handler = catch_signal}, before, after;
    struct xlx_mem_follow f = follow_of(3, 256 * MIB);
    struct guest *g = make_guest(3, "pv", 512 * MIB, 256 * MIB, 100 * MIB, 0);

    caught = 0;
    sigaction(SIGINT, &ours, &before);
    act_at(500, interrupt);
    assert_int_equal(settle_with(&f, 1, 30000, 0), 0);
    assert_int_equal(caught, 1);
    assert_int_equal(f.state, XLX_MEM_SETTLED);
    sigaction(SIGINT, &before, &after);
    assert_ptr_equal(after.sa_handler, catch_signal);
    test_free(g);
}

static void a_program_ends_the_wait_by_its_progress(void **state)
{
    struct xlx_mem_follow f = follow_of(3, 256 * MIB);
    struct guest *g = make_guest(3, "pv", 512 * MIB, 256 * MIB, 0, 0);

    /* Past the first re-arm. */
    for (stop_after = 1; stop_after < 100; stop_after++) {
        assert_int_equal(settle_with(&f, 1, 60000, 0), ERROR_ABORTED);
        assert_int_equal(seen.calls, stop_after);
        assert_string_equal(fake_store_get(g->target), "262144");
    }
    stop_after = 0;
    test_free(g);
}

static void a_paused_guest_is_not_rearmed(void **state)
{
    struct xlx_mem_follow f = follow_of(3, 256 * MIB);
    struct guest *g = make_guest(3, "pv", 512 * MIB, 256 * MIB, 100 * MIB, 0);

    g->domain->flags = XEN_DOMINF_paused;
    assert_int_equal(settle(&f, 1, 20000), ERROR_TIMEDOUT);
    assert_int_equal(f.state, XLX_MEM_PAUSED);
    assert_int_equal(f.rearmed, 0);
    test_free(g);
}

static void destroy_3(const struct xlx_mem_follow *follows)
{
    fake_xen_remove(3);
}

static void a_vanished_domain_is_told_and_the_others_are_followed_to_their_end(void **state)
{
    struct xlx_mem_follow f[] = {follow_of(3, 256 * MIB), follow_of(4, 256 * MIB)};
    struct guest *a = make_guest(3, "pv", 512 * MIB, 256 * MIB, 20 * MIB, 0);
    struct guest *b = make_guest(4, "pv", 512 * MIB, 256 * MIB, 20 * MIB, 0);

    act_at(2000, destroy_3);
    assert_int_equal(settle(f, 2, 60000), ERROR_DOMAIN_NOTFOUND);
    assert_int_equal(f[0].state, XLX_MEM_GONE);
    assert_int_equal(f[1].state, XLX_MEM_SETTLED);
    assert_in_range(took_ms, 12800, 13200);
    test_free(a);
    test_free(b);
}

static void a_dying_domain_counts_as_gone(void **state)
{
    struct xlx_mem_follow f = follow_of(3, 256 * MIB);
    struct guest *g = make_guest(3, "pv", 512 * MIB, 256 * MIB, 20 * MIB, 0);

    g->domain->flags = XEN_DOMINF_dying;
    assert_int_equal(settle(&f, 1, 60000), ERROR_DOMAIN_NOTFOUND);
    assert_int_equal(f.state, XLX_MEM_GONE);
    test_free(g);
}

static void a_hypervisor_that_does_not_answer_ends_it(void **state)
{
    struct xlx_mem_follow f = follow_of(3, 256 * MIB);
    struct guest *g = make_guest(3, "pv", 512 * MIB, 256 * MIB, 20 * MIB, 0);

    fault_only("xc_domain_getinfolist");
    fault_arm(5, EPERM);
    assert_int_equal(settle(&f, 1, 60000), ERROR_FAIL);
    assert_int_equal(fake_message_count(), 1);
    test_free(g);
}

static void sixty_four_domains_cost_as_many_looks_as_one(void **state)
{
    struct xlx_mem_follow f[64];
    struct guest *g[64];
    unsigned looks;

    g[0] = make_guest(1, "pv", 512 * MIB, 256 * MIB, 50 * MIB, 0);
    f[0] = follow_of(1, 256 * MIB);
    assert_int_equal(settle(f, 1, 60000), 0);
    looks = fake_xen_looks();
    test_free(g[0]);
    fake_xen_reset();
    for (unsigned i = 0; i < 64; i++) {
        g[i] = make_guest(i + 1, "pv", 512 * MIB, 256 * MIB, 50 * MIB, 0);
        f[i] = follow_of(i + 1, 256 * MIB);
    }
    assert_int_equal(settle(f, 64, 60000), 0);
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(f[i].state, XLX_MEM_SETTLED);
        test_free(g[i]);
    }
    assert_in_range(fake_xen_looks(), 1, looks + 5);
}

static void nobody_to_follow_is_over_at_once(void **state)
{
    assert_int_equal(settle(NULL, 0, 60000), 0);
    assert_in_range(took_ms, 0, 100);
}

/* ---- why not ---- */

static const char *why_not(uint32_t domid, uint64_t target_kb, uint64_t first_kb)
{
    struct xlx_mem_follow f = follow_of(domid, target_kb);

    assert_int_equal(settle(&f, 1, 60000), ERROR_TIMEDOUT);
    return mem_settle_why_not(ctx, &f, first_kb);
}

static void a_guest_that_holds_all_it_was_booted_with_is_told_from_one_without_a_driver(void **state)
{
    struct guest *g = make_guest(7, "pvh", 192 * MIB + 64, 1400 * MIB, 0, 64);

    assert_non_null(
        strstr(why_not(7, 1400 * MIB, 192 * MIB + 64), "no balloon driver, not yet booted, or it holds all"));
    fake_store_set("/local/domain/7/memory/boot-max", "262144");
    assert_non_null(strstr(why_not(7, 1400 * MIB, 192 * MIB + 64), "no balloon driver"));
    fake_store_set("/local/domain/7/memory/boot-max", "196608");
    assert_non_null(strstr(why_not(7, 1400 * MIB, 192 * MIB + 64), "all that it was booted with: more"));
    /* It is asked to give: that is another matter. */
    fake_store_set("/local/domain/7/memory/target", "102400");
    assert_string_equal(why_not(7, 100 * MIB, 192 * MIB + 64),
                        "the guest does not react: no balloon driver, or not yet booted");
    test_free(g);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, new_ctx, free_ctx)
    const struct CMUnitTest tests[] = {
        T(a_guest_at_its_target_settles_at_once),
        T(each_type_settles_at_its_own_offset_and_it_is_noted),
        T(an_unknown_offset_is_found_when_the_guest_rests_near_its_target),
        T(rate_and_time_left_are_those_of_the_guest),
        T(growing_settles_as_shrinking_does),
        T(passing_its_target_is_not_settling),
        T(a_stuck_guest_is_rearmed_less_and_less_and_its_target_stays),
        T(a_guest_that_gave_up_is_woken),
        T(anothers_target_is_never_overwritten),
        T(an_interrupt_ends_the_wait_and_never_leaves_a_page_off),
        T(a_program_keeps_its_signals),
        T(a_program_ends_the_wait_by_its_progress),
        T(a_paused_guest_is_not_rearmed),
        T(a_vanished_domain_is_told_and_the_others_are_followed_to_their_end),
        T(a_dying_domain_counts_as_gone),
        T(a_hypervisor_that_does_not_answer_ends_it),
        T(sixty_four_domains_cost_as_many_looks_as_one),
        T(nobody_to_follow_is_over_at_once),
        T(a_guest_that_holds_all_it_was_booted_with_is_told_from_one_without_a_driver),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
