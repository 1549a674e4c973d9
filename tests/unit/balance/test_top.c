/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem-top without a terminal: what stands on screens of several sizes, and what keys do. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "balance/commands/top-layout.h"
#include "balance/commands/top-screen.h"
#include "base/cleanup.h"
#include "base/utf8.h"

#define MIB UINT64_C(1024)

static const struct top_size narrow = {80, 24}, wide = {200, 60};
static struct gc *gc;
static struct top_view view;

static int begin(void **state)
{
    gc = gc_new();
    view = (struct top_view){0};
    return 0;
}

static int end(void **state)
{
    gc_free(gc);
    return 0;
}

/* So many domains, dom0 among them; of the others each fifth starves, each seventh is stuck. */
static struct top_data host_of(size_t count)
{
    struct top_data data = {
        .host = {.total_memkb = 64 * 1024 * MIB, .free_memkb = 512 * MIB, .reserve_memkb = 128 * MIB, .feasible = true},
        .rows = gc_array(gc, count, sizeof(*data.rows)),
        .count = count,
    };

    data.rows[0] =
        (struct top_row){.name = "Domain-0", .balloon = "ok", .reason = "unmanaged", .actual_memkb = 2048 * MIB};
    for (size_t i = 1; i < count; i++)
        data.rows[i] = (struct top_row){
            .name = gc_printf(gc, "guest-%zu", i),
            .balloon = i % 7 ? "ok" : "stuck",
            .reason = i % 7 ? "demand" : "stuck",
            .domid = i,
            .weight = 256,
            .actual_memkb = (100 + i) * MIB,
            .target_memkb = (100 + i) * MIB,
            .demand_memkb = (i % 5 ? 100 : 200) * MIB + i * MIB,
            .min_memkb = 64 * MIB,
            .max_memkb = 4096 * MIB,
            .static_max_memkb = 4096 * MIB,
            .managed = true,
            .has_demand = true,
        };
    return data;
}

/* ---- what stands on the screen ---- */

static struct top_lines screen(struct top_data data, struct top_size size)
{
    size_t all = data.count;
    struct top_row *rows = gc_array(gc, all + 1, sizeof(*rows));
    struct top_lines l;

    memcpy(rows, data.rows, all * sizeof(*rows));
    data.rows = rows;
    top_view_arrange(&view, &data, size);
    l = top_screen(gc, &view, &data, all, size);
    assert_true(l.count <= size.lines);
    for (size_t i = 0; i < l.count; i++) {
        assert_true(utf8_width(l.lines[i].text) <= size.columns);
        assert_null(strchr(l.lines[i].text, '\n'));
    }
    return l;
}

static const struct top_line *line_with(const struct top_lines *l, const char *text)
{
    for (size_t i = 0; i < l->count; i++) {
        if (strstr(l->lines[i].text, text))
            return &l->lines[i];
    }
    return NULL;
}

static size_t rows_on(const struct top_lines *l)
{
    size_t n = 0;

    for (size_t i = 0; i < l->count; i++)
        n += !strncmp(l->lines[i].text, "guest-", 6) || !strncmp(l->lines[i].text, "Domain-0", 8);
    return n;
}

static enum top_wish press(struct top_data data, struct top_size size, int key)
{
    struct top_row *rows = gc_array(gc, data.count + 1, sizeof(*rows));

    memcpy(rows, data.rows, data.count * sizeof(*rows));
    data.rows = rows;
    top_view_arrange(&view, &data, size);
    return top_view_key(&view, &data, size, key);
}

static void press_all(struct top_data data, struct top_size size, const char *keys)
{
    for (; *keys; keys++)
        assert_int_equal(press(data, size, (unsigned char)*keys), TOP_WISH_NOTHING);
}

static void nothing_is_missing_without_being_counted(void **state)
{
    static const size_t counts[] = {1, 2, 3, 18, 19, 20, 21, 40, 55, 56, 57, 58, 1000};
    static const struct top_size sizes[] = {{80, 24}, {200, 60}, {40, 10}, {80, 6}};

    for (size_t c = 0; c < ARRAY_LEN(counts); c++) {
        for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
            struct top_lines l = screen(host_of(counts[c]), sizes[s]);
            size_t rows = rows_on(&l);
            char more[32];

            assert_true(rows);
            snprintf(more, sizeof(more), "%zu more", counts[c] - rows);
            if (rows == counts[c])
                assert_null(line_with(&l, " more: "));
            else
                assert_non_null(line_with(&l, more));
        }
    }
}

static void of_forty_domains_a_small_screen_shows_nineteen_and_says_how_many_more(void **state)
{
    struct top_lines l = screen(host_of(40), narrow);

    assert_int_equal(l.count, 24);
    assert_int_equal(rows_on(&l), 19);
    assert_non_null(line_with(&l, "21 more: 0 above, 21 below"));
    assert_non_null(line_with(&l, "q quit"));
    assert_string_equal(l.lines[1].text, "sum of 40: 6.57G, target 4.57G, need 5.25G; 7 starving, 4 stuck");
    l = screen(host_of(40), wide);
    assert_int_equal(rows_on(&l), 40);
    assert_null(line_with(&l, "more"));
    l = screen(host_of(3), narrow);
    assert_int_equal(rows_on(&l), 3);
    l = screen(host_of(1000), wide);
    assert_int_equal(l.count, 60);
    assert_non_null(line_with(&l, "945 more"));
}

static void only_a_wide_screen_has_columns_for_the_range(void **state)
{
    struct top_lines l = screen(host_of(3), wide);

    assert_non_null(line_with(&l, "MIN    MAX WEIGHT"));
    l = screen(host_of(3), narrow);
    assert_null(line_with(&l, "WEIGHT"));
    /* Its bar says it. */
    assert_non_null(line_with(&l, "]"));
}

static void names_are_as_wide_as_the_screen_allows(void **state)
{
    struct top_data data = host_of(4);
    struct top_lines l;

    data.rows[1].name = "a-name-of-more-than-forty-characters-that-ends-in-1";
    data.rows[2].name = "a-name-of-more-than-forty-characters-that-ends-in-2";
    data.rows[3].name = "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"; /* six columns */
    l = screen(data, wide);
    assert_non_null(line_with(&l, "a-name-of-more-than-forty-characters-that-ends-in-1 "));
    l = screen(data, narrow);
    /* Both ends are left, so that names of one kind can be told apart. */
    assert_non_null(line_with(&l, "a-name-of-mo~t-ends-in-1 "));
    assert_non_null(line_with(&l, "a-name-of-mo~t-ends-in-2 "));
    /* The id stands in the same column behind a name of wide characters. */
    l = screen(data, wide);
    assert_int_equal(utf8_width(l.lines[3].text) - strlen(strstr(l.lines[3].text, "   0 ")),
                     utf8_width(l.lines[6].text) - strlen(strstr(l.lines[6].text, "   3 ")));
}

static void what_is_wrong_stands_out(void **state)
{
    struct top_data data = host_of(8);
    struct top_lines l;

    data.rows[2].owed_memkb = 100 * MIB;
    data.rows[3].pinned = true;
    data.host.feasible = false;
    data.host.shortfall_memkb = 1024 * MIB;
    data.host.warnings = (const char *[]){"xl takes memory from dom0"};
    data.host.warning_count = 1;
    l = screen(data, narrow);
    assert_int_equal(line_with(&l, "guest-1")->look, TOP_LOOK_PLAIN);
    assert_int_equal(line_with(&l, "guest-2")->look, TOP_LOOK_OWES);
    assert_int_equal(line_with(&l, "guest-3")->look, TOP_LOOK_PINNED);
    assert_int_equal(line_with(&l, "guest-5")->look, TOP_LOOK_STARVES);
    assert_int_equal(line_with(&l, "guest-7")->look, TOP_LOOK_STUCK);
    assert_int_equal(line_with(&l, "SHORT by 1.00G")->look, TOP_LOOK_STARVES);
    assert_int_equal(line_with(&l, "warning: xl takes")->look, TOP_LOOK_WARNING);
    assert_non_null(line_with(&l, "; 1 starving, 1 stuck, 1 owing, 1 pinned"));
}

static void a_liar_does_not_spoil_the_sum(void **state)
{
    struct top_data data = host_of(3);
    struct top_lines l;

    data.rows[1].demand_memkb = UINT64_MAX / 2;
    l = screen(data, narrow);
    assert_non_null(line_with(&l, "need 4.10G; 1 starving"));
}

static void many_and_long_warnings_leave_room_for_the_domains(void **state)
{
    struct top_data data = host_of(40);
    const char *warnings[8];
    struct top_lines l;

    for (size_t i = 0; i < ARRAY_LEN(warnings); i++)
        warnings[i] = "a warning that is so long that it does not fit into one line of a screen of eighty columns";
    data.host.warnings = warnings;
    data.host.warning_count = ARRAY_LEN(warnings);
    l = screen(data, narrow);
    assert_int_equal(l.count, 24);
    assert_int_equal(rows_on(&l), 16);
    assert_non_null(line_with(&l, "more warnings"));
    data.host.warning_count = 1;
    l = screen(data, narrow);
    assert_int_equal(rows_on(&l), 17);
    assert_non_null(line_with(&l, "eighty columns"));
}

static void a_size_is_short_and_has_a_unit(void **state)
{
    static const struct {
        uint64_t memkb;
        const char *text;
    } sizes[] = {
        {0, "0M"},
        {511, "0M"},
        {812 * MIB, "812M"},
        {999 * MIB, "999M"},
        {1000 * MIB, "0.98G"},
        {1260 * MIB, "1.23G"},
        {10230 * MIB, "9.99G"},
        {10240 * MIB, "10.0G"},
        {131072 * MIB, "128G"},
        {1024 * 1024 * MIB, "1.00T"},
    };

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        assert_string_equal(top_size_text(gc, sizes[i].memkb), sizes[i].text);
}

static void once_says_everything_in_mib(void **state)
{
    struct top_data data = host_of(40);
    struct top_lines l;

    data.rows[1].name = "a-name-of-more-than-forty-characters-that-ends-in-1";
    l = top_once(gc, &data);
    assert_int_equal(l.count, 42);
    assert_string_equal(l.lines[0].text,
                        "host: 65536 MiB, free 512, reserve 128, reserved 0, claimed 0, in flight 0, float 0");
    assert_non_null(line_with(&l, "a-name-of-more-than-forty-characters-that-ends-in-1     1     101     101     101"
                                  "      64    4096    256  ok    demand"));
}

/* ---- keys ---- */

static const struct top_line *selected(const struct top_lines *l)
{
    const struct top_line *found = NULL;

    for (size_t i = 0; i < l->count; i++) {
        if (!l->lines[i].selected)
            continue;
        assert_null(found);
        found = &l->lines[i];
    }
    return found;
}

static void selects(struct top_data data, struct top_size size, int key, const char *name)
{
    struct top_lines l;

    assert_int_equal(press(data, size, key), TOP_WISH_NOTHING);
    l = screen(data, size);
    assert_non_null(selected(&l));
    assert_int_equal(strncmp(selected(&l)->text, name, strlen(name)), 0);
    assert_int_equal(selected(&l)->text[strlen(name)], ' ');
}

static void the_selection_moves_and_the_screen_with_it(void **state)
{
    struct top_data data = host_of(40);

    selects(data, narrow, TOP_KEY_UP, "Domain-0");
    selects(data, narrow, TOP_KEY_DOWN, "guest-1");
    selects(data, narrow, TOP_KEY_PAGE_DOWN, "guest-20");
    selects(data, narrow, ' ', "guest-39");
    selects(data, narrow, TOP_KEY_DOWN, "guest-39");
    selects(data, narrow, TOP_KEY_PAGE_UP, "guest-20");
    selects(data, narrow, TOP_KEY_HOME, "Domain-0");
    selects(data, narrow, TOP_KEY_END, "guest-39");
    for (size_t i = 39; i--;)
        selects(data, narrow, TOP_KEY_UP, i ? gc_printf(gc, "guest-%zu", i) : "Domain-0");
}

static void another_order_or_size_of_the_screen_keeps_the_selected_domain(void **state)
{
    struct top_data data = host_of(40);

    selects(data, narrow, TOP_KEY_END, "guest-39");
    selects(data, narrow, 'l', "guest-39");
    selects(data, narrow, 'a', "guest-39");
    selects(data, (struct top_size){40, 8}, 'i', "guest-39");
    selects(data, wide, 'n', "guest-39");
    /* It goes: what stands in its place is selected. */
    selects(data, narrow, 'i', "guest-39");
    data.count = 39;
    selects(data, narrow, TOP_KEY_ENTER + 1000, "guest-38");
    data.count = 1;
    selects(data, narrow, TOP_KEY_ENTER + 1000, "Domain-0");
    data.count = 0;
    assert_int_equal(press(data, narrow, 'w'), TOP_WISH_NOTHING);
    screen(data, narrow);
}

static void sorting_brings_the_needy_to_the_top(void **state)
{
    struct top_data data = host_of(40);
    struct top_lines l;

    press(data, narrow, 'l');
    l = screen(data, narrow);
    assert_int_equal(strncmp(l.lines[3].text, "guest-5 ", 8), 0);
    assert_non_null(line_with(&l, "now by lack"));
}

static void a_filter_leaves_who_has_the_text_in_name_or_state(void **state)
{
    struct top_data data = host_of(40);
    struct top_lines l;

    press_all(data, narrow, "/GUEST-3");
    assert_true(view.typing);
    l = screen(data, narrow);
    assert_int_equal(rows_on(&l), 11);
    assert_non_null(line_with(&l, "filter: GUEST-3_"));
    assert_non_null(line_with(&l, "sum of 11 (of 40)"));
    press(data, narrow, '8');
    l = screen(data, narrow);
    assert_int_equal(rows_on(&l), 1);
    press(data, narrow, TOP_KEY_BACKSPACE);
    press(data, narrow, TOP_KEY_ENTER);
    assert_false(view.typing);
    l = screen(data, narrow);
    assert_int_equal(rows_on(&l), 11);
    assert_non_null(line_with(&l, "filter: GUEST-3"));
    press(data, narrow, TOP_KEY_ESCAPE);
    l = screen(data, wide);
    assert_int_equal(rows_on(&l), 40);
    press_all(data, narrow, "/starv");
    l = screen(data, narrow);
    assert_int_equal(rows_on(&l), 7);
    press(data, narrow, TOP_KEY_ESCAPE);
    press_all(data, narrow, "/\xc3\xa9");
    assert_string_equal(view.filter, "\xc3\xa9");
    l = screen(data, narrow);
    assert_int_equal(rows_on(&l), 0);
    press(data, narrow, TOP_KEY_BACKSPACE);
    assert_string_equal(view.filter, "");
    for (int i = 0; i < 200; i++)
        press(data, narrow, 'x');
    assert_int_equal(strlen(view.filter), TOP_FILTER_MAX - 1);
}

static void keys_ask_for_what_a_view_cannot_do(void **state)
{
    struct top_data data = host_of(3);

    assert_int_equal(press(data, narrow, 'q'), TOP_WISH_QUIT);
    assert_int_equal(press(data, narrow, 'w'), TOP_WISH_WHY);
    assert_int_equal(press(data, narrow, '?'), TOP_WISH_HELP);
    assert_int_equal(press(data, narrow, TOP_KEY_CTRL_C), TOP_WISH_INTERRUPT);
    assert_int_equal(press(data, narrow, TOP_KEY_CTRL_Z), TOP_WISH_SUSPEND);
    assert_int_equal(press(data, narrow, TOP_KEY_CTRL_L), TOP_WISH_REDRAW);
    press(data, narrow, '/');
    assert_int_equal(press(data, narrow, 'q'), TOP_WISH_NOTHING);
    assert_string_equal(view.filter, "q");
    assert_int_equal(press(data, narrow, TOP_KEY_CTRL_C), TOP_WISH_INTERRUPT);
}

static void a_page_of_text_is_folded_and_scrolls(void **state)
{
    struct top_data data = host_of(3);
    struct top_size size = {20, 6};
    struct top_lines l;

    view.page = "one two three four five six\n\nthird\n4\n5\n6\nabcdefghijklmnopqrstuvwxyz\nlast\n";
    l = screen(data, size);
    assert_string_equal(l.lines[0].text, "one two three four");
    assert_string_equal(l.lines[1].text, "five six");
    assert_string_equal(l.lines[2].text, "");
    assert_null(line_with(&l, "last"));
    assert_int_equal(press(data, size, TOP_KEY_END), TOP_WISH_NOTHING);
    l = screen(data, size);
    assert_string_equal(l.lines[3].text, "last");
    assert_string_equal(l.lines[2].text, "uvwxyz");
    assert_int_equal(press(data, size, TOP_KEY_UP), TOP_WISH_NOTHING);
    l = screen(data, size);
    assert_string_equal(l.lines[3].text, "uvwxyz");
    assert_int_equal(press(data, size, TOP_KEY_HOME), TOP_WISH_NOTHING);
    l = screen(data, size);
    assert_string_equal(l.lines[0].text, "one two three four");
    assert_int_equal(press(data, size, 'q'), TOP_WISH_CLOSE_PAGE);
    view.page = top_help;
    screen(data, narrow);
    screen(data, (struct top_size){1, 1});
}

static void a_screen_of_any_size_holds_something(void **state)
{
    struct top_data data = host_of(40);

    for (size_t columns = 1; columns < 130; columns += 3) {
        for (size_t lines = 1; lines < 50; lines += 5)
            screen(data, (struct top_size){columns, lines});
    }
}

static int last_key(const char *bytes)
{
    struct top_keys keys = {0};
    int key = TOP_KEY_NONE;

    for (; *bytes; bytes++) {
        assert_int_equal(key, TOP_KEY_NONE);
        key = top_keys_feed(&keys, (unsigned char)*bytes);
    }
    return key ? key : top_keys_flush(&keys);
}

static void terminals_sequences_are_keys(void **state)
{
    static const struct {
        const char *bytes;
        int key;
    } known[] = {
        {"\033[A", TOP_KEY_UP},
        {"\033OA", TOP_KEY_UP},
        {"\033[B", TOP_KEY_DOWN},
        {"\033OB", TOP_KEY_DOWN},
        {"\033[5~", TOP_KEY_PAGE_UP},
        {"\033[6~", TOP_KEY_PAGE_DOWN},
        {"\033[H", TOP_KEY_HOME},
        {"\033OH", TOP_KEY_HOME},
        {"\033[1~", TOP_KEY_HOME},
        {"\033[7~", TOP_KEY_HOME},
        {"\033[F", TOP_KEY_END},
        {"\033[4~", TOP_KEY_END},
        {"\033[8~", TOP_KEY_END},
        {"\033", TOP_KEY_ESCAPE},
        {"q", 'q'},
        {"\177", TOP_KEY_BACKSPACE},
        {"\b", TOP_KEY_BACKSPACE},
        {"\n", TOP_KEY_ENTER},
        {"\r", TOP_KEY_ENTER},
        {"\033q", 'q'},
        {"\033\033", TOP_KEY_ESCAPE},
        {"\033[1;5C", TOP_KEY_NONE},
        {"\033[200~", TOP_KEY_NONE},
        {"\033[", TOP_KEY_NONE},
    };
    struct top_keys keys = {0};

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        assert_int_equal(last_key(known[i].bytes), known[i].key);
    /* A sequence without an end does not swallow all that comes. */
    top_keys_feed(&keys, 27);
    top_keys_feed(&keys, '[');
    for (int i = 0; i < 100; i++)
        top_keys_feed(&keys, '0');
    top_keys_flush(&keys);
    assert_int_equal(top_keys_feed(&keys, 'q'), 'q');
}

/* ---- reading ---- */

static struct json *parsed(const char *text)
{
    const char *cause;
    struct json *root;

    assert_int_equal(json_parse(gc, text, strlen(text), &root, &cause), 0);
    return root;
}

static void an_answer_that_lacks_members_is_read_all_the_same(void **state)
{
    static const char text[] = "{\"host\": {\"total_memkb\": 2048, \"warnings\": [\"a\\nb\", 7]}, \"domains\": ["
                               "{\"domid\": 3, \"name\": \"x\\u001b[2J\", \"demand_memkb\": null},"
                               "{\"domid\": 4, \"demand_memkb\": 0, \"managed\": true, \"balloon\": \"stuck\"}]}";
    struct top_data *data = top_read(gc, parsed(text));

    assert_int_equal(data->count, 2);
    assert_string_equal(data->rows[0].name, "x?[2J");
    assert_false(data->rows[0].has_demand);
    assert_true(data->rows[1].has_demand);
    assert_int_equal(top_mark_of(&data->rows[0]), TOP_PLAIN);
    assert_int_equal(top_mark_of(&data->rows[1]), TOP_STUCK);
    assert_int_equal(data->host.warning_count, 1);
    assert_string_equal(data->host.warnings[0], "a?b");
    assert_false(data->host.feasible);
    assert_int_equal(top_read(gc, parsed("{}"))->count, 0);
    screen(*data, narrow);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(nothing_is_missing_without_being_counted),
        T(of_forty_domains_a_small_screen_shows_nineteen_and_says_how_many_more),
        T(only_a_wide_screen_has_columns_for_the_range),
        T(names_are_as_wide_as_the_screen_allows),
        T(what_is_wrong_stands_out),
        T(a_liar_does_not_spoil_the_sum),
        T(many_and_long_warnings_leave_room_for_the_domains),
        T(a_size_is_short_and_has_a_unit),
        T(once_says_everything_in_mib),
        T(the_selection_moves_and_the_screen_with_it),
        T(another_order_or_size_of_the_screen_keeps_the_selected_domain),
        T(sorting_brings_the_needy_to_the_top),
        T(a_filter_leaves_who_has_the_text_in_name_or_state),
        T(keys_ask_for_what_a_view_cannot_do),
        T(a_page_of_text_is_folded_and_scrolls),
        T(a_screen_of_any_size_holds_something),
        T(terminals_sequences_are_keys),
        T(an_answer_that_lacks_members_is_read_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
