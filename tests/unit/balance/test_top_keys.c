/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What keys do to the screen. */
#include "tests/unit/balance/top-view.h"

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

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(the_selection_moves_and_the_screen_with_it),
        T(another_order_or_size_of_the_screen_keeps_the_selected_domain),
        T(sorting_brings_the_needy_to_the_top),
        T(a_filter_leaves_who_has_the_text_in_name_or_state),
        T(keys_ask_for_what_a_view_cannot_do),
        T(a_page_of_text_is_folded_and_scrolls),
        T(terminals_sequences_are_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
