/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/sampler.h"
#include "tests/fakes/clock.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/xenctrl.h"

static struct xlx_ctx *ctx;

static int new_ctx(void **state)
{
    ctx = fake_ctx_new();
    for (uint32_t domid = 0; domid < 5; domid++)
        fake_xen_domain(domid, 4096, 4096);
    return 0;
}

static int free_ctx(void **state)
{
    unsigned timers = fake_clock_timers();

    fake_ctx_free(ctx);
    return timers ? -1 : 0;
}

struct client {
    struct sampler_client sampler;
    unsigned calls, leave_after;
    size_t count;
    int rc;
    uint64_t first_ms, last_ms;
    struct client *takes_along; /* made to leave together */
    struct client *invites;     /* made to join from within */
    uint64_t then_interval_ms;
};

static void sampled(struct sampler_client *s, int rc, const xc_domaininfo_t *infos, size_t count, uint64_t now_ms)
{
    struct client *c = CONTAINER_OF(s, struct client, sampler);

    if (!c->calls++)
        c->first_ms = now_ms;
    c->last_ms = now_ms;
    c->count = count;
    c->rc = rc;
    if (c->invites)
        assert_int_equal(sampler_join(ctx, &TAKE_PTR(c->invites)->sampler, 100, sampled), 0);
    if (c->then_interval_ms)
        sampler_interval(s, c->then_interval_ms);
    if (c->calls == c->leave_after) {
        sampler_leave(s);
        if (c->takes_along)
            sampler_leave(&c->takes_along->sampler);
    }
}

static bool over;

static void time_is_over(struct ev_timer *t)
{
    over = true;
}

/* What is due after exactly that time still comes. */
static void run_for(uint64_t ms)
{
    struct ev_timer end = {0};

    over = false;
    ev_timer_start(&ctx->loop, &end, ms + 1, 0, time_is_over);
    while (!over)
        uv_run(&ctx->loop, UV_RUN_ONCE);
}

static void all_clients_get_every_answer_at_the_shortest_interval(void **state)
{
    struct client quick = {0}, slow = {0};
    uint64_t begun = fake_clock_ms();

    assert_int_equal(sampler_join(ctx, &slow.sampler, 1000, sampled), 0);
    assert_int_equal(sampler_join(ctx, &quick.sampler, 100, sampled), 0);
    run_for(1000);
    assert_int_equal(quick.first_ms - begun, 100);
    assert_int_equal(quick.calls, 10);
    assert_int_equal(slow.calls, quick.calls);
    assert_int_equal(fake_xen_looks(), 10);
    assert_int_equal(quick.count, 5);
    /* Only the slow one is left. */
    sampler_leave(&quick.sampler);
    run_for(5000);
    assert_in_range(fake_xen_looks(), 14, 16);
    sampler_leave(&slow.sampler);
    sampler_leave(&slow.sampler);
}

/* As memd's balancer looks, in its own rhythm, while clients of monitors are there. */
static void who_looks_in_a_rhythm_of_his_own_looks_for_the_clients_too(void **state)
{
    struct client c = {0}, late = {0};
    xc_domaininfo_t *infos;
    size_t count;
    GC_SCOPE(gc);

    assert_int_equal(sampler_join(ctx, &c.sampler, 1000, sampled), 0);
    for (int i = 0; i < 40; i++) {
        run_for(250);
        assert_int_equal(sampler_look_shared(ctx, gc, &infos, &count), 0);
        assert_int_equal(count, 5);
        run_for(1);
    }
    assert_int_equal(fake_xen_looks(), 40);
    assert_int_equal(c.calls, 40);
    assert_int_equal(c.count, 5);
    /* What was seen for one who has left is not told to one who comes later. */
    assert_int_equal(sampler_look_shared(ctx, gc, &infos, &count), 0);
    sampler_leave(&c.sampler);
    assert_int_equal(fake_clock_timers(), 0);
    assert_int_equal(sampler_join(ctx, &late.sampler, 1000, sampled), 0);
    run_for(500);
    assert_int_equal(late.calls, 0);
    run_for(500);
    assert_int_equal(late.calls, 1);
    assert_int_equal(fake_xen_looks(), 42);
    sampler_leave(&late.sampler);
    /* Nobody to share it with. */
    assert_int_equal(sampler_look_shared(ctx, gc, &infos, &count), 0);
    assert_int_equal(fake_clock_timers(), 0);
}

static void nobody_is_asked_when_nobody_waits(void **state)
{
    struct client c = {.leave_after = 1};

    sampler_join(ctx, &c.sampler, 0, sampled);
    while (uv_run(&ctx->loop, UV_RUN_ONCE))
        ;
    assert_int_equal(c.calls, 1);
    assert_int_equal(fake_xen_looks(), 1);
    assert_int_equal(fake_clock_timers(), 0);
}

static void a_client_may_take_any_other_along_when_it_leaves(void **state)
{
    /* Whichever stands before the other in the walk. */
    for (unsigned order = 0; order < 2; order++) {
        struct client b = {0}, a = {.leave_after = 2, .takes_along = &b}, rest = {0};

        sampler_join(ctx, &rest.sampler, 50, sampled);
        sampler_join(ctx, order ? &a.sampler : &b.sampler, 50, sampled);
        sampler_join(ctx, order ? &b.sampler : &a.sampler, 50, sampled);
        run_for(500);
        assert_int_equal(a.calls, 2);
        /* Not once more after it has left. */
        assert_int_equal(b.calls, order ? 2 : 1);
        assert_int_equal(rest.calls, 10);
        sampler_leave(&rest.sampler);
    }
}

static void a_client_may_join_from_within(void **state)
{
    struct client second = {0}, first = {.invites = &second};

    sampler_join(ctx, &first.sampler, 50, sampled);
    run_for(500);
    assert_int_equal(first.calls, 10);
    assert_in_range(second.calls, 8, 10);
    sampler_leave(&first.sampler);
    sampler_leave(&second.sampler);
}

static void an_interval_is_changed_at_once_and_never_too_short(void **state)
{
    struct client c = {.then_interval_ms = 1};

    sampler_join(ctx, &c.sampler, 500, sampled);
    run_for(500 + 10 * SAMPLER_INTERVAL_MIN_MS);
    assert_int_equal(c.calls, 11);
    c.then_interval_ms = 0;
    sampler_interval(&c.sampler, 10000);
    c.calls = 0;
    run_for(9000);
    assert_int_equal(c.calls, 0);
    sampler_leave(&c.sampler);
}

static void a_hypervisor_that_does_not_answer_is_told_to_all(void **state)
{
    struct client a = {0}, b = {0};

    sampler_join(ctx, &a.sampler, 100, sampled);
    sampler_join(ctx, &b.sampler, 100, sampled);
    fault_only("xc_domain_getinfolist");
    fault_arm(1, EPERM);
    run_for(100);
    assert_int_equal(a.rc, ERROR_FAIL);
    assert_int_equal(b.rc, ERROR_FAIL);
    assert_int_equal(a.count, 0);
    assert_int_equal(fake_message_count(), 1);
    run_for(100);
    assert_int_equal(a.rc, 0);
    sampler_leave(&a.sampler);
    sampler_leave(&b.sampler);
}

static void any_number_of_domains_is_listed_whole(void **state)
{
    static const unsigned counts[] = {0, 1, 255, 256, 257, 500};

    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        GC_SCOPE(gc);
        xc_domaininfo_t *infos;
        size_t count;

        fake_xen_reset();
        for (unsigned n = 0; n < counts[i]; n++)
            fake_xen_domain(3 * n + 1, 4, 4);
        assert_int_equal(sampler_look(ctx, gc, &infos, &count), 0);
        assert_int_equal(count, counts[i]);
        for (unsigned n = 0; n < count; n++) {
            assert_int_equal(infos[n].domain, 3 * n + 1);
            assert_ptr_equal(sampler_find(infos, count, 3 * n + 1), &infos[n]);
            assert_null(sampler_find(infos, count, 3 * n + 2));
        }
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, new_ctx, free_ctx)
    const struct CMUnitTest tests[] = {
        T(all_clients_get_every_answer_at_the_shortest_interval),
        T(who_looks_in_a_rhythm_of_his_own_looks_for_the_clients_too),
        T(nobody_is_asked_when_nobody_waits),
        T(a_client_may_take_any_other_along_when_it_leaves),
        T(a_client_may_join_from_within),
        T(an_interval_is_changed_at_once_and_never_too_short),
        T(a_hypervisor_that_does_not_answer_is_told_to_all),
        T(any_number_of_domains_is_listed_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
