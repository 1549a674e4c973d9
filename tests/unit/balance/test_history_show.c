/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A history as text and as a picture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "balance/commands/history-data.h"
#include "base/cleanup.h"
#include "base/utf8.h"

#define G (UINT64_C(1) << 20)
#define NOW UINT64_C(1800000000)

static struct gc *gc;

static int begin(void **state)
{
    setenv("TZ", "UTC", 1);
    gc = gc_new();
    return 0;
}

static int end(void **state)
{
    gc_free(gc);
    return 0;
}

/* An hour in steps of 10 s: 2 GiB held, half of that needed until the middle and 4 GiB from then on, nothing known in the
 * third quarter. */
static struct json *answer_with(struct json *marks)
{
    struct json *v = json_new_object(gc), *points = json_new_array(gc);

    for (uint64_t t = NOW - 7200; t <= NOW; t += 10) {
        bool known = t < NOW - 1800 || t > NOW - 900;
        struct json *p = json_new_object(gc);

        json_set(gc, p, "time", json_new_u64(gc, t));
        json_set(gc, p, "held_memkb", known ? json_new_u64(gc, 2 * G) : json_new_null(gc));
        json_set(gc, p, "target_memkb", known ? json_new_u64(gc, 2 * G) : json_new_null(gc));
        json_set(gc, p, "need_memkb", known ? json_new_u64(gc, t < NOW - 1800 ? G : 4 * G) : json_new_null(gc));
        json_set(gc, p, "available_memkb", json_new_null(gc));
        json_append(gc, points, p);
    }
    json_set(gc, v, "step_ms", json_new_u64(gc, 10000));
    json_set(gc, v, "points", points);
    json_set(gc, v, "marks", marks);
    return v;
}

static struct json *answer(void)
{
    struct json *marks = json_new_array(gc), *m = json_new_object(gc);

    json_set(gc, m, "time", json_new_u64(gc, NOW - 1800));
    json_set(gc, m, "kind", json_new_string(gc, "kill"));
    json_set(gc, m, "domid", json_new_u64(gc, 7));
    json_set(gc, m, "name", json_new_string(gc, "a<b>&\033[2J"));
    json_set(gc, m, "memkb", json_new_null(gc));
    json_append(gc, marks, m);
    return answer_with(marks);
}

static struct history_data *an_hour(void)
{
    return history_data(gc, answer(), "memory of web\033", NOW - 3600, NOW);
}

static const char *line(const char *text, size_t n)
{
    while (n--)
        text = strchr(text, '\n') + 1;
    return gc_strndup(gc, text, strcspn(text, "\n"));
}

static size_t lines_of(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;

    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

static void only_the_time_that_is_shown_is_read(void **state)
{
    struct history_data *d = an_hour();

    assert_int_equal(d->count, 361);
    assert_int_equal(d->step, 10);
    assert_true(d->times[0].known[HISTORY_HELD]);
    assert_false(d->times[0].known[HISTORY_AVAILABLE]);
    assert_false(d->times[200].known[HISTORY_HELD]);
    assert_int_equal(history_data_top_memkb(d), 4 * G);
    assert_int_equal(d->event_count, 1);
    assert_string_equal(history_event_text(gc, &d->events[0]), "kill a<b>&?[2J");
    d = history_data(gc, answer(), "", NOW - 600, NOW);
    assert_int_equal(d->event_count, 0);
    assert_int_equal(d->count, 61);
}

static void a_plot_fits_the_screen_and_stands_where_it_must(void **state)
{
    const char *text = history_plot(gc, an_hour(), 87, 24, false);

    assert_int_equal(lines_of(text), 24);
    for (size_t i = 0; i < 24; i++)
        assert_true(utf8_width(line(text, i)) <= 87);
    assert_string_equal(line(text, 0), "memory of web?");
    /* 18 rows of 80 columns: need at a quarter, then at the top; held half; nothing in the third quarter. */
    assert_string_equal(line(text, 1), gc_printf(gc, " 4.00G|%60s%.20s", "", "!!!!!!!!!!!!!!!!!!!!"));
    assert_string_equal(
        line(text, 9),
        gc_printf(gc, "      |%.40s%20s%.20s", "----------------------------------------", "", "--------------------"));
    assert_int_equal(count_of(line(text, 14), "!"), 40);
    assert_int_equal(count_of(line(text, 18), "\xe2\x96\x88"), 60);
    assert_string_equal(line(text, 20), gc_printf(gc, "%47sK%39s", "", ""));
    assert_non_null(strstr(line(text, 21), "07:00"));
    assert_string_equal(line(text, 23), "07:30:00 K kill a<b>&?[2J");
    assert_null(strchr(text, '\033'));
    assert_non_null(strchr(history_plot(gc, an_hour(), 87, 24, true), '\033'));
}

static void a_screen_of_any_size_gets_a_plot(void **state)
{
    for (size_t columns = 1; columns < 120; columns += 7) {
        for (size_t lines = 1; lines < 40; lines += 6) {
            const char *text = history_plot(gc, an_hour(), columns, lines, false);

            if (columns >= 80 && lines > 12)
                assert_int_equal(lines_of(text), lines);
            for (size_t i = 0; columns > 41 && i < lines_of(text); i++)
                assert_true(utf8_width(line(text, i)) <= columns);
        }
    }
    assert_non_null(strstr(history_plot(gc, an_hour(), 80, 24, false), "R reserved\n"));
    history_plot(gc, history_data(gc, json_new_object(gc), "", NOW, NOW), 80, 24, false);
    history_svg(gc, history_data(gc, json_new_object(gc), "", NOW, NOW));
}

static void of_many_events_the_last_are_listed(void **state)
{
    struct json *marks = json_new_array(gc);
    const char *text;

    for (uint64_t i = 0; i < 25; i++) {
        struct json *m = json_new_object(gc);

        json_set(gc, m, "time", json_new_u64(gc, NOW - 3000 + i));
        json_set(gc, m, "kind", json_new_string(gc, i % 2 ? "start" : "end"));
        json_set(gc, m, "domid", json_new_u64(gc, i));
        json_set(gc, m, "name", json_new_string(gc, ""));
        json_append(gc, marks, m);
    }
    text = history_plot(gc, history_data(gc, answer_with(marks), "", NOW - 3600, NOW), 80, 40, false);
    assert_int_equal(lines_of(text), 40);
    assert_non_null(strstr(text, "15 earlier events\n"));
    assert_non_null(strstr(text, "E end domain 24\n"));
    assert_null(strstr(text, "domain 14\n"));
    assert_non_null(strchr(line(text, 26), '*'));
}

/* Every tag that is opened is closed, and no text is taken for one. */
static void is_well_formed(const char *svg)
{
    char open[32][16];
    size_t depth = 0;

    for (const char *s = svg; (s = strchr(s, '<')); s++) {
        const char *tag_end = strchr(s, '>');
        size_t len = strcspn(s + 1, " />");

        assert_non_null(tag_end);
        if (s[1] == '/') {
            len = strcspn(s + 2, ">");
            assert_true(depth--);
            assert_int_equal(strncmp(open[depth], s + 2, len), 0);
        } else if (tag_end[-1] != '/') {
            assert_true(depth < 32 && len < 16);
            snprintf(open[depth++], sizeof(open[0]), "%.*s", (int)len, s + 1);
        }
    }
    assert_int_equal(depth, 0);
}

static void a_picture_is_well_formed_and_has_gaps_where_nothing_is_known(void **state)
{
    const char *svg = history_svg(gc, an_hour());

    is_well_formed(svg);
    assert_non_null(strstr(svg, "kill a&lt;b&gt;&amp;?[2J"));
    /* held, target and need in two parts each, and the axes. */
    assert_int_equal(count_of(svg, "<path"), 7);
    assert_int_equal(count_of(svg, "fill=\"#c9d8ea\""), 2);
    assert_non_null(strstr(svg, ">07:30</text>"));
    assert_non_null(strstr(svg, ">4.00G</text>"));
    /* 2 GiB of 4.2 is where the lines say: half way and a little. */
    assert_non_null(strstr(svg, " 219.0L"));
    assert_null(strstr(svg, "nan"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(only_the_time_that_is_shown_is_read),
        T(a_plot_fits_the_screen_and_stands_where_it_must),
        T(a_screen_of_any_size_gets_a_plot),
        T(of_many_events_the_last_are_listed),
        T(a_picture_is_well_formed_and_has_gaps_where_nothing_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
