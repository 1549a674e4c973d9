/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands on screens of several sizes. */
#include "tests/unit/balance/top-view.h"

#include "base/utf8.h"

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
    assert_string_equal(l.lines[1].text, "sum of 40: 6.57G, target 4.57G, need 5.25G; 7 starving, 5 stuck");
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
    assert_non_null(line_with(&l, "a-name-of-mo~at-ends-in-1 "));
    assert_non_null(line_with(&l, "a-name-of-mo~at-ends-in-2 "));
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

static void who_has_several_troubles_is_counted_and_found_by_each(void **state)
{
    struct top_data data = host_of(8);
    struct top_lines l;

    data.rows[5].balloon = "stuck";
    data.rows[5].owed_memkb = 100 * MIB;
    data.rows[5].pinned = true;
    l = screen(data, narrow);
    assert_int_equal(line_with(&l, "guest-5")->look, TOP_LOOK_STARVES);
    assert_non_null(line_with(&l, "; 1 starving, 2 stuck, 1 owing, 1 pinned"));
    for (size_t i = 1; i < TOP_MARKS; i++) {
        snprintf(view.filter, sizeof(view.filter), "%s", top_mark_names[i]);
        l = screen(data, narrow);
        assert_non_null(line_with(&l, "guest-5"));
        assert_null(line_with(&l, "guest-6"));
    }
    /* dom0 is not balanced: nothing of that troubles. */
    data.rows[0].pinned = true;
    *view.filter = 0;
    l = screen(data, narrow);
    assert_non_null(line_with(&l, "1 pinned"));
}

static void header_and_selection_go_across_the_screen(void **state)
{
    struct top_data data = host_of(8);

    for (size_t i = 0; i < 2; i++) {
        struct top_size size = i ? wide : narrow;
        struct top_lines l = screen(data, size);

        assert_int_equal(utf8_width(line_with(&l, "ACTUAL")->text), size.columns);
        assert_true(line_with(&l, "Domain-0")->selected);
        assert_int_equal(utf8_width(line_with(&l, "Domain-0")->text), size.columns);
    }
}

static void the_help_fits_a_usual_screen(void **state)
{
    struct top_data data = host_of(1);
    const char *line = top_help;
    struct top_lines l;

    view.page = top_help;
    l = screen(data, narrow);
    for (size_t i = 0; *line; i++, line += strcspn(line, "\n") + 1) {
        assert_int_equal(strlen(l.lines[i].text), strcspn(line, "\n"));
        assert_int_equal(strncmp(l.lines[i].text, line, strlen(l.lines[i].text)), 0);
    }
    assert_non_null(line_with(&l, "any key goes back"));
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

static void a_screen_of_any_size_holds_something(void **state)
{
    struct top_data data = host_of(40);

    for (size_t columns = 1; columns < 130; columns += 3) {
        for (size_t lines = 1; lines < 50; lines += 5)
            screen(data, (struct top_size){columns, lines});
    }
}

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
        T(who_has_several_troubles_is_counted_and_found_by_each),
        T(header_and_selection_go_across_the_screen),
        T(the_help_fits_a_usual_screen),
        T(a_liar_does_not_spoil_the_sum),
        T(many_and_long_warnings_leave_room_for_the_domains),
        T(a_size_is_short_and_has_a_unit),
        T(once_says_everything_in_mib),
        T(a_screen_of_any_size_holds_something),
        T(an_answer_that_lacks_members_is_read_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
