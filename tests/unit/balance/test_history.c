/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The record of what domains had: what it keeps, what it says, and that it stays within its bound. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "balance/service/history.h"
#include "base/cleanup.h"

#define MIB UINT64_C(1024)
#define HOUR_MS UINT64_C(3600000)
#define BEGIN_MS UINT64_C(1000000000)

static struct gc *gc;
static struct history *history;
static const struct history_sizes host = {.held_memkb = 1, .held_known = true};

static int begin(void **state)
{
    gc = gc_new();
    history = history_new(HISTORY_BYTES);
    return 0;
}

static int end(void **state)
{
    history_free(history);
    gc_free(gc);
    return 0;
}

static struct history_look domain(uint32_t domid, uint64_t held_memkb)
{
    return (struct history_look){
        .domid = domid,
        .uuid = gc_printf(gc, "%08x-0000-0000-0000-000000000000", domid),
        .name = gc_printf(gc, "guest-%u", domid),
        .sizes = {held_memkb, held_memkb + 4, held_memkb + 8, held_memkb + 12, true, true, true, true},
    };
}

static struct history_point *points_of(uint32_t domid, uint64_t now_ms, size_t *count)
{
    return history_points(history, gc, domid, now_ms, HISTORY_SPAN_MS, count);
}

/* To 1/2000 of its value. */
static void is_about(uint64_t got, uint64_t wanted)
{
    uint64_t apart = got > wanted ? got - wanted : wanted - got;

    assert_true(apart <= wanted / 2000 + 1);
}

static void a_step_is_kept_for_each_ten_seconds_of_six_hours(void **state)
{
    struct history_look d;
    struct history_point *p;
    uint64_t now_ms = BEGIN_MS;
    size_t count;

    for (unsigned i = 0; i < 3000; i++, now_ms += HISTORY_STEP_MS) {
        d = domain(3, i * 1000);
        history_look(history, now_ms, &host, &d, 1);
    }
    now_ms -= HISTORY_STEP_MS;
    assert_int_equal(history_step_ms(history), HISTORY_STEP_MS);
    p = points_of(3, now_ms, &count);
    assert_int_equal(count, HISTORY_SPAN_MS / HISTORY_STEP_MS);
    for (size_t i = 0; i < count; i++) {
        uint64_t held_memkb = (3000 - count + i) * 1000;

        assert_true(p[i].sizes.held_known && p[i].sizes.available_known);
        is_about(p[i].sizes.held_memkb, held_memkb);
        is_about(p[i].sizes.target_memkb, held_memkb + 4);
        is_about(p[i].sizes.need_memkb, held_memkb + 8);
        is_about(p[i].sizes.available_memkb, held_memkb + 12);
    }
    assert_int_equal(p[count - 1].age_ms, 0);
    assert_true(p[0].age_ms + HISTORY_STEP_MS >= HISTORY_SPAN_MS - HISTORY_STEP_MS);
    history_points(history, gc, 3, now_ms, HOUR_MS, &count);
    assert_in_range(count, 360, 362);
    assert_null(points_of(4, now_ms, &count));
    assert_non_null(points_of(HISTORY_HOST, now_ms, &count));
    assert_int_equal(count, HISTORY_SPAN_MS / HISTORY_STEP_MS);
}

static void every_size_comes_back_to_the_two_thousandth(void **state)
{
    for (unsigned bit = 0; bit < 42; bit++) {
        for (int64_t more = -3; more <= 3; more++) {
            uint64_t memkb = (UINT64_C(1) << bit) + (uint64_t)(more * (bit > 4 ? (1 << (bit / 2)) : 0));
            struct history_look d = domain(3, memkb);
            struct history *h = history_new(HISTORY_BYTES);
            struct history_point *p;
            size_t count;

            history_look(h, BEGIN_MS, &host, &d, 1);
            p = history_points(h, gc, 3, BEGIN_MS, HOUR_MS, &count);
            assert_int_equal(count, 1);
            assert_true(p->sizes.held_known);
            is_about(p->sizes.held_memkb, memkb);
            history_free(h);
        }
    }
}

static void what_is_not_known_is_not_zero(void **state)
{
    struct history_look d = domain(3, 1000);
    struct history_point *p;
    size_t count;

    d.sizes.need_known = d.sizes.available_known = false;
    history_look(history, BEGIN_MS, &host, &d, 1);
    /* memd was busy for three steps. */
    history_look(history, BEGIN_MS + 4 * HISTORY_STEP_MS, &host, &d, 1);
    p = points_of(3, BEGIN_MS + 4 * HISTORY_STEP_MS, &count);
    assert_int_equal(count, 5);
    assert_true(p[0].sizes.held_known && p[4].sizes.held_known);
    assert_false(p[0].sizes.need_known || p[0].sizes.available_known);
    for (size_t i = 1; i < 4; i++)
        assert_false(p[i].sizes.held_known || p[i].sizes.target_known);
    /* Longer away than is kept. */
    history_look(history, BEGIN_MS + 10 * HOUR_MS, &host, &d, 1);
    points_of(3, BEGIN_MS + 10 * HOUR_MS, &count);
    assert_int_equal(count, 1);
}

static void within_a_step_distress_is_not_averaged_away(void **state)
{
    struct history_look d = domain(3, 1000);
    struct history_point *p;
    size_t count;

    d.sizes.need_memkb = 2000;
    d.sizes.available_memkb = 10;
    history_look(history, BEGIN_MS, &host, &d, 1);
    d = domain(3, 1100);
    history_look(history, BEGIN_MS + 5000, &host, &d, 1);
    p = points_of(3, BEGIN_MS + 5000, &count);
    assert_int_equal(count, 1);
    assert_int_equal(p->sizes.held_memkb, 1100);
    assert_int_equal(p->sizes.target_memkb, 1104);
    assert_int_equal(p->sizes.need_memkb, 2000);
    assert_int_equal(p->sizes.available_memkb, 10);
}

static void fill(unsigned domains, unsigned steps, uint64_t *now_ms)
{
    struct history_look *looks = gc_array(gc, domains, sizeof(*looks));

    for (unsigned i = 0; i < domains; i++)
        looks[i] = domain(i, (i + 1) * 1000);
    for (unsigned n = 0; n < steps; n++, *now_ms += HISTORY_STEP_MS) {
        history_look(history, *now_ms, &host, looks, domains);
        assert_true(history_bytes(history) <= HISTORY_BYTES);
    }
}

static void a_thousand_domains_fit_into_the_bound_for_six_hours(void **state)
{
    uint64_t now_ms = BEGIN_MS;
    size_t count;

    fill(1000, 2200, &now_ms);
    assert_int_equal(history_step_ms(history), 8 * HISTORY_STEP_MS);
    for (unsigned i = 0; i < 1000; i += 37) {
        struct history_point *p = points_of(i, now_ms, &count);

        assert_in_range(count, HISTORY_SPAN_MS / history_step_ms(history) - 1,
                        HISTORY_SPAN_MS / history_step_ms(history) + 1);
        for (size_t n = 0; n < count; n++)
            is_about(p[n].sizes.held_memkb, (i + 1) * 1000);
    }
    fill(6000, 2, &now_ms);
    fill(240, 1, &now_ms);
}

static void two_hundred_domains_have_the_finest_steps(void **state)
{
    uint64_t now_ms = BEGIN_MS;

    fill(230, 3, &now_ms);
    assert_int_equal(history_step_ms(history), HISTORY_STEP_MS);
}

static void longer_steps_keep_what_was_known(void **state)
{
    struct history_look *looks = gc_array(gc, 1000, sizeof(*looks));
    struct history_point *p;
    uint64_t now_ms = BEGIN_MS;
    size_t count;

    for (uint32_t i = 1; i < 1000; i++)
        looks[i] = domain(i, 1000);
    for (unsigned i = 0; i < 2000; i++, now_ms += HISTORY_STEP_MS) {
        looks[0] = domain(0, i * 1000);
        looks[0].sizes.need_memkb = i == 1000 ? 64 * 1024 * MIB : 1000;
        /* In the end there are a thousand. */
        history_look(history, now_ms, &host, looks, i < 1999 ? 1 : 1000);
    }
    now_ms -= HISTORY_STEP_MS;
    assert_int_equal(history_step_ms(history), 8 * HISTORY_STEP_MS);
    p = points_of(0, now_ms, &count);
    assert_in_range(count, 248, 252);
    for (size_t n = 0, peaks = 0; n < count; n++) {
        uint64_t i = (now_ms - p[n].age_ms - BEGIN_MS) / HISTORY_STEP_MS;

        /* The last of the step, or less when it ended there. */
        if (n + 1 < count)
            assert_in_range(p[n].sizes.held_memkb, (i - 2) * 1000 - i, (i + 1) * 1000);
        peaks += p[n].sizes.need_memkb > 1000 * MIB;
        if (n + 1 == count)
            assert_int_equal(peaks, 1);
    }
}

static struct history_mark *marks_of(uint32_t domid, uint64_t now_ms, size_t *count)
{
    return history_marks(history, gc, domid, now_ms, HISTORY_SPAN_MS, count);
}

static void starts_ends_and_kills_are_marked(void **state)
{
    struct history_look d[2] = {domain(3, 1000), domain(4, 1000)};
    uint64_t now_ms = BEGIN_MS;
    struct history_mark *m;
    size_t count;

    history_look(history, now_ms, &host, d, 1);
    marks_of(HISTORY_HOST, now_ms, &count);
    /* It was there before memd. */
    assert_int_equal(count, 0);
    now_ms += HISTORY_STEP_MS;
    d[0].kills_known = true;
    d[0].kills = 7;
    history_look(history, now_ms, &host, d, 2);
    m = marks_of(HISTORY_HOST, now_ms, &count);
    assert_int_equal(count, 1);
    assert_int_equal(m[0].kind, HISTORY_START);
    assert_int_equal(m[0].domid, 4);
    assert_string_equal(m[0].name, "guest-4");
    now_ms += HISTORY_STEP_MS;
    d[0].kills = 8;
    history_look(history, now_ms, &host, d, 1);
    m = marks_of(HISTORY_HOST, now_ms, &count);
    assert_int_equal(count, 3);
    assert_int_equal(m[1].kind, HISTORY_KILL);
    assert_int_equal(m[1].domid, 3);
    assert_int_equal(m[2].kind, HISTORY_END);
    assert_int_equal(m[2].domid, 4);
    assert_string_equal(m[2].name, "guest-4");
    history_happened(history, now_ms, HISTORY_PIN, 3, true, 512);
    history_happened(history, now_ms, HISTORY_RESERVATION, HISTORY_HOST, true, 1024);
    m = marks_of(3, now_ms + 500, &count);
    assert_int_equal(count, 2);
    assert_int_equal(m[1].kind, HISTORY_PIN);
    assert_int_equal(m[1].memkb, 512);
    assert_int_equal(m[1].age_ms, 500);
    history_marks(history, gc, HISTORY_HOST, now_ms + HISTORY_STEP_MS, 0, &count);
    assert_int_equal(count, 0);
    for (unsigned i = 0; i < 100000; i++)
        history_happened(history, now_ms + i, HISTORY_PIN, i, true, 512);
    m = marks_of(HISTORY_HOST, now_ms + 100000, &count);
    assert_in_range(count, 1000, 4000);
    assert_int_equal(m[count - 1].domid, 99999);
    assert_true(history_bytes(history) <= HISTORY_BYTES);
}

static void a_domain_that_is_started_again_has_its_history_back(void **state)
{
    struct history_look d = domain(3, 1000), again = domain(9, 2000), other = domain(3, 3000);
    uint64_t now_ms = BEGIN_MS;
    struct history_point *p;
    size_t count;

    again.uuid = d.uuid;
    other.uuid = "ffffffff-0000-0000-0000-000000000000";
    history_look(history, now_ms, &host, &d, 1);
    /* At once, with another domid. */
    history_look(history, now_ms += HISTORY_STEP_MS, &host, &again, 1);
    p = points_of(9, now_ms, &count);
    assert_int_equal(count, 2);
    is_about(p[0].sizes.held_memkb, 1000);
    is_about(p[1].sizes.held_memkb, 2000);
    /* After a while. */
    history_look(history, now_ms += HISTORY_STEP_MS, &host, NULL, 0);
    again.domid = 11;
    history_look(history, now_ms += HISTORY_STEP_MS, &host, &again, 1);
    p = points_of(11, now_ms, &count);
    assert_int_equal(count, 4);
    assert_false(p[2].sizes.held_known);
    /* Another one that has its domid. */
    history_look(history, now_ms += HISTORY_STEP_MS, &host, &other, 1);
    p = points_of(3, now_ms, &count);
    assert_int_equal(count, 1);
    is_about(p[0].sizes.held_memkb, 3000);
}

static void two_of_one_uuid_do_not_share_a_history(void **state)
{
    struct history_look d[2] = {domain(3, 1000), domain(4, 2000)};
    uint64_t now_ms = BEGIN_MS;
    size_t count;

    /* A migration on the host itself. */
    d[1].uuid = d[0].uuid;
    history_look(history, now_ms, &host, d, 1);
    for (unsigned i = 0; i < 5; i++)
        history_look(history, now_ms += HISTORY_STEP_MS, &host, d, 2);
    points_of(3, now_ms, &count);
    assert_int_equal(count, 6);
    points_of(4, now_ms, &count);
    assert_int_equal(count, 5);
    marks_of(HISTORY_HOST, now_ms, &count);
    assert_int_equal(count, 1);
}

static void domains_that_are_gone_make_room_before_steps_become_longer(void **state)
{
    struct history_look *looks = gc_array(gc, 200, sizeof(*looks));
    uint64_t now_ms = BEGIN_MS;
    size_t count;

    for (uint32_t generation = 0; generation < 20; generation++) {
        for (uint32_t i = 0; i < 200; i++)
            looks[i] = domain(generation * 200 + i, 1000);
        history_look(history, now_ms += HISTORY_STEP_MS, &host, looks, 200);
        assert_true(history_bytes(history) <= HISTORY_BYTES);
    }
    assert_int_equal(history_step_ms(history), HISTORY_STEP_MS);
    assert_null(points_of(0, now_ms, &count));
    assert_non_null(points_of(20 * 200 - 1, now_ms, &count));
    history_look(history, now_ms + 7 * HOUR_MS, &host, NULL, 0);
    assert_non_null(points_of(20 * 200 - 1, now_ms, &count));
    history_look(history, now_ms + 14 * HOUR_MS, &host, NULL, 0);
    assert_null(points_of(20 * 200 - 1, now_ms, &count));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_step_is_kept_for_each_ten_seconds_of_six_hours),
        T(every_size_comes_back_to_the_two_thousandth),
        T(what_is_not_known_is_not_zero),
        T(within_a_step_distress_is_not_averaged_away),
        T(a_thousand_domains_fit_into_the_bound_for_six_hours),
        T(two_hundred_domains_have_the_finest_steps),
        T(longer_steps_keep_what_was_known),
        T(starts_ends_and_kills_are_marked),
        T(a_domain_that_is_started_again_has_its_history_back),
        T(two_of_one_uuid_do_not_share_a_history),
        T(domains_that_are_gone_make_room_before_steps_become_longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
