/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Foreign text on its way to a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "base/visible.h"

static void what_commands_a_terminal_becomes_a_question_mark(void **state)
{
    GC_SCOPE(gc);

    assert_string_equal(visible_copy(gc, "plain \xc3\xa4 \xe6\x97\xa5 \xf0\x9f\x98\x80"),
                        "plain \xc3\xa4 \xe6\x97\xa5 \xf0\x9f\x98\x80");
    assert_string_equal(visible_copy(gc, "\033[2J\r\n\t\177"), "?[2J????");
    /* U+0080, U+009B (the one-character CSI), U+009F; U+00A0 is a space */
    assert_string_equal(visible_copy(gc, "\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0"), "???\xc2\xa0");
}

static void bytes_that_are_no_utf8_become_question_marks(void **state)
{
    GC_SCOPE(gc);

    assert_string_equal(visible_copy(gc, "\x9b"
                                         "31m"),
                        "?31m");
    assert_string_equal(visible_copy(gc, "a\xc3"), "a?");              /* cut off */
    assert_string_equal(visible_copy(gc, "\xc0\x9b"), "??");           /* overlong */
    assert_string_equal(visible_copy(gc, "\xe0\x82\x9b"), "???");      /* overlong U+009B */
    assert_string_equal(visible_copy(gc, "\xed\xa0\x80"), "???");      /* a surrogate */
    assert_string_equal(visible_copy(gc, "\xf4\x90\x80\x80"), "????"); /* above U+10FFFF */
    assert_string_equal(visible_copy(gc, "\xf8\x88\x80\x80\x80"), "?????");
}

static void what_is_to_be_kept_stays(void **state)
{
    char text[] = "a\tb\nc\033d";

    make_visible(text, "\t\n");
    assert_string_equal(text, "a\tb\nc?d");
}

static void width_is_what_a_terminal_shows(void **state)
{
    assert_int_equal(utf8_width(""), 0);
    assert_int_equal(utf8_width("abc"), 3);
    assert_int_equal(utf8_width("\xc3\xa4"), 1);
    assert_int_equal(utf8_width("e\xcc\x81"), 1);                /* e and a combining accent */
    assert_int_equal(utf8_width("\xe6\x97\xa5\xe6\x9c\xac"), 4); /* two wide characters */
    assert_int_equal(utf8_width("\xff\xff"), 2);
}

static void a_text_is_cut_between_characters(void **state)
{
    assert_int_equal(utf8_fit("abcdef", 4), 4);
    assert_int_equal(utf8_fit("abc", 10), 3);
    assert_int_equal(utf8_fit("\xe6\x97\xa5\xe6\x9c\xac", 3), 3); /* the second one does not fit by half */
    assert_int_equal(utf8_fit("xe\xcc\x81y", 2), 4);              /* an accent stays with its letter */
    assert_int_equal(utf8_fit("\xe6\x97\xa5", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_commands_a_terminal_becomes_a_question_mark),
        cmocka_unit_test(bytes_that_are_no_utf8_become_question_marks),
        cmocka_unit_test(what_is_to_be_kept_stays),
        cmocka_unit_test(width_is_what_a_terminal_shows),
        cmocka_unit_test(a_text_is_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
