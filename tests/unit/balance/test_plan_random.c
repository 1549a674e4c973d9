/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans of random hosts, against a slow reference: the level found by halving. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "balance/policy/plan.h"
#include "base/cleanup.h"

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % below;
}

struct slow {
    long double base[12], cap[12], share[12];
    size_t count;
};

static long double slow_sum(const struct slow *s, long double level)
{
    long double sum = 0;

    for (size_t i = 0; i < s->count; i++)
        sum += s->base[i] + level * s->share[i] < s->cap[i] ? level * s->share[i] : s->cap[i] - s->base[i];
    return sum;
}

/* Pours room on the bases; returns what is left. */
static long double slow_pour(struct slow *s, long double room)
{
    long double low = 0, high = 1e6L, sum = slow_sum(s, high);

    if (sum <= room) {
        memcpy(s->base, s->cap, sizeof(s->base));
        return room - sum;
    }
    for (int i = 0; i < 90; i++) {
        long double middle = (low + high) / 2;

        *(slow_sum(s, middle) <= room ? &low : &high) = middle;
    }
    for (size_t i = 0; i < s->count; i++)
        s->base[i] = s->base[i] + low * s->share[i] < s->cap[i] ? s->base[i] + low * s->share[i] : s->cap[i];
    return 0;
}

static struct plan_domain random_domain(uint32_t domid)
{
    struct plan_domain d = {.domid = domid};

    d.min_memkb = draw(40) * 4;
    d.max_memkb = d.min_memkb + draw(90) * 4;
    d.static_max_memkb = d.max_memkb - (draw(3) ? 0 : draw((d.max_memkb - d.min_memkb) / 4 + 1) * 4);
    d.actual_memkb = draw(120) * 4;
    d.target_memkb = draw(2) ? d.actual_memkb : draw(120) * 4;
    d.weight = 1 + draw(9);
    d.demand_known = draw(4);
    d.demand_memkb = draw(520);
    d.keep_memkb = draw(2) ? 0 : draw(520);
    d.state = draw(8) ? PLAN_RUNNING : (enum plan_state)draw(6);
    d.balloon = draw(8) ? PLAN_BALLOON_OK : (enum plan_balloon)draw(4);
    d.fixed = !draw(10);
    return d;
}

static void check_steps(const struct plan_input *in, const struct plan *p)
{
    int64_t host_free = (int64_t)in->free_memkb;
    int64_t least = (int64_t)(in->claimed_memkb + in->reserve_memkb + in->reservations_memkb);
    bool stepped[16] = {false};

    for (size_t i = 0; i < p->step_count; i++) {
        const struct plan_domain *d = &in->domains[p->steps[i].index];
        int64_t change = (int64_t)d->actual_memkb - (int64_t)p->steps[i].target_memkb;

        assert_false(stepped[p->steps[i].index]);
        stepped[p->steps[i].index] = true;
        assert_int_equal(p->steps[i].target_memkb, p->targets[p->steps[i].index].target_memkb);
        host_free += change;
        assert_true(change >= 0 || host_free >= least);
    }
    assert_int_equal(host_free, p->host_free_after_memkb);
    for (size_t i = 0; i < in->count; i++)
        assert_true(stepped[i] || !p->feasible || p->targets[i].target_memkb == in->domains[i].target_memkb);
}

static void check_against_slow(const struct plan_input *in, const struct plan *p)
{
    int64_t room = (int64_t)(in->free_memkb - in->claimed_memkb - in->reserve_memkb - in->reservations_memkb);
    struct slow s = {.count = 0};
    size_t who[12] = {0};
    long double kept = 0;
    int64_t sum = 0;
    bool full = true;

    for (size_t i = 0; i < in->count; i++) {
        const struct plan_domain *d = &in->domains[i];
        uint64_t lo = d->min_memkb, hi = plan_hi_memkb(d);

        if (!plan_participates(d)) {
            assert_int_equal(p->targets[i].target_memkb, d->target_memkb);
            if (d->balloon != PLAN_BALLOON_NONE)
                room -= d->target_memkb > d->actual_memkb ? (int64_t)(d->target_memkb - d->actual_memkb) : 0;
            continue;
        }
        who[s.count] = i;
        s.base[s.count] = (long double)lo;
        s.cap[s.count] = (long double)(!d->demand_known || d->demand_memkb < lo ? lo
                                       : d->demand_memkb > hi                   ? hi
                                                                                : d->demand_memkb);
        s.share[s.count++] = (long double)d->weight;
        room += (int64_t)d->actual_memkb - (int64_t)lo;
    }
    assert_int_equal(p->feasible, room >= 0);
    assert_int_equal(p->shortfall_memkb, room < 0 ? -room : 0);
    if (room >= 0) {
        long double left = slow_pour(&s, (long double)room);

        kept = left < (long double)in->float_memkb ? left : (long double)in->float_memkb;
        left -= kept;
        for (size_t i = 0; i < s.count; i++) {
            const struct plan_domain *d = &in->domains[who[i]];
            long double hi = (long double)plan_hi_memkb(d), keep = (long double)d->keep_memkb;

            if (keep > s.cap[i])
                s.cap[i] = keep < hi ? keep : hi;
        }
        if (left > 0)
            left = slow_pour(&s, left);
        for (size_t i = 0; i < s.count; i++)
            s.cap[i] = (long double)plan_hi_memkb(&in->domains[who[i]]);
        if (left > 0)
            slow_pour(&s, left);
    }
    for (size_t i = 0; i < s.count; i++) {
        int64_t target = (int64_t)p->targets[who[i]].target_memkb;

        assert_int_equal(target % 4, 0);
        assert_true((long double)target > s.base[i] - 4.001L && (long double)target < s.base[i] + 4.001L);
        full = full && target == (int64_t)plan_hi_memkb(&in->domains[who[i]]);
        sum += target;
    }
    assert_true(!p->feasible || sum <= p->budget_memkb);
    assert_true(!p->feasible || full || (long double)sum > (long double)p->budget_memkb - kept - 4.001L);
}

/* Damped: within the budget, within the ranges, and 97 % of what the exact plan gives of a demand. */
static void check_damped(struct gc *gc, struct plan_input in, const struct plan *exact)
{
    int64_t sum = 0;
    struct plan *p;

    in.damped = true;
    p = plan_make(gc, &in);
    check_steps(&in, p);
    for (size_t i = 0; i < in.count; i++) {
        const struct plan_domain *d = &in.domains[i];
        uint64_t met = exact->targets[i].target_memkb, now = p->targets[i].target_memkb;

        if (!plan_participates(d))
            continue;
        assert_true(now >= d->min_memkb && now <= plan_hi_memkb(d));
        sum += (int64_t)now;
        if (d->demand_known && met > d->demand_memkb)
            met = d->demand_memkb;
        if (d->demand_known)
            assert_true(now * 100 + d->demand_memkb * 3 >= met * 100);
    }
    assert_true(!p->feasible || sum <= p->budget_memkb);
}

static void random_plans_agree_with_a_slow_reference(void **state)
{
    for (seed = 1; seed < 20000;) {
        struct plan_domain d[12];
        struct plan_input in = {.domains = d};
        uint64_t next = seed + 1;
        GC_SCOPE(gc);
        struct plan *p;

        draw(2);
        in.count = draw(12) + 1;
        for (uint32_t i = 0; i < in.count; i++)
            d[i] = random_domain(i * 3 + 1);
        in.free_memkb = draw(800);
        in.claimed_memkb = draw(2) ? 0 : draw(60);
        in.reserve_memkb = draw(100);
        in.reservations_memkb = draw(2) ? 0 : draw(400);
        in.float_memkb = draw(2) ? 0 : draw(300);
        assert_null(plan_fault(gc, &in));
        p = plan_make(gc, &in);
        check_against_slow(&in, p);
        check_steps(&in, p);
        check_damped(gc, in, p);
        seed = next;
    }
}

static void the_order_of_the_domains_changes_nothing(void **state)
{
    for (seed = 7; seed < 2000;) {
        struct plan_domain d[10], reversed[10];
        struct plan_input in = {.domains = d, .count = 10}, other = {.domains = reversed, .count = 10};
        uint64_t next = seed + 1;
        GC_SCOPE(gc);
        struct plan *p, *q;

        for (uint32_t i = 0; i < 10; i++)
            d[i] = reversed[9 - i] = random_domain(i);
        in.free_memkb = other.free_memkb = draw(800);
        p = plan_make(gc, &in);
        q = plan_make(gc, &other);
        for (size_t i = 0; i < 10; i++)
            assert_int_equal(p->targets[i].target_memkb, q->targets[9 - i].target_memkb);
        for (size_t i = 0; i < p->step_count; i++)
            assert_int_equal(p->steps[i].domid, q->steps[i].domid);
        seed = next;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_plans_agree_with_a_slow_reference),
        cmocka_unit_test(the_order_of_the_domains_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
