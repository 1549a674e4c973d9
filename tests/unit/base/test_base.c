/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/gc.h"
#include "base/json.h"
#include "base/parse.h"

static void size_without_suffix_is_mib(void **state)
{
    uint64_t kb;

    assert_int_equal(parse_size_kb("128", &kb, NULL), 0);
    assert_int_equal(kb, 128 * 1024);
}

static void size_suffixes_are_those_of_xl(void **state)
{
    static const struct {
        const char *text;
        uint64_t kb;
    } cases[] = {{"2048b", 2}, {"1023b", 0}, {"5k", 5}, {"5K", 5}, {"3m", 3072}, {"2G", 2097152}, {"1t", 1073741824}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint64_t kb;

        assert_int_equal(parse_size_kb(cases[i].text, &kb, NULL), 0);
        assert_int_equal(kb, cases[i].kb);
    }
}

static void garbage_and_overflowing_sizes_are_refused_with_a_cause(void **state)
{
    static const char *const bad[] = {"",
                                      "m",
                                      "12q",
                                      "12mm",
                                      "1.5g",
                                      " 12",
                                      "12 ",
                                      "0x10",
                                      "18446744073709551616",
                                      "99999999999999t",
                                      "17179869185m",
                                      "+5",
                                      "-5",
                                      "\xff",
                                      "12\n"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        const char *cause = NULL;
        uint64_t kb;

        assert_int_equal(parse_size_kb(bad[i], &kb, &cause), ERROR_INVAL);
        assert_non_null(cause);
    }
}

static void leading_sign_makes_a_size_relative(void **state)
{
    enum parse_relation relation;
    uint64_t kb;

    assert_int_equal(parse_size_change_kb("+64", &kb, &relation, NULL), 0);
    assert_int_equal(relation, PARSE_GROW);
    assert_int_equal(kb, 65536);
    assert_int_equal(parse_size_change_kb("-1k", &kb, &relation, NULL), 0);
    assert_int_equal(relation, PARSE_SHRINK);
    assert_int_equal(kb, 1);
    assert_int_equal(parse_size_change_kb("--1k", &kb, &relation, NULL), ERROR_INVAL);
    assert_int_equal(parse_size_change_kb("+", &kb, &relation, NULL), ERROR_INVAL);
}

static void durations_take_fractions_and_suffixes(void **state)
{
    uint64_t ms;

    assert_int_equal(parse_duration_ms("60", &ms, NULL), 0);
    assert_int_equal(ms, 60000);
    assert_int_equal(parse_duration_ms("1.25s", &ms, NULL), 0);
    assert_int_equal(ms, 1250);
    assert_int_equal(parse_duration_ms("250ms", &ms, NULL), 0);
    assert_int_equal(ms, 250);
    assert_int_equal(parse_duration_ms("2m", &ms, NULL), 0);
    assert_int_equal(ms, 120000);
    assert_int_equal(parse_duration_ms("0.0000001s", &ms, NULL), 0);
    assert_int_equal(ms, 0);
    assert_int_equal(parse_duration_ms("99999999999999999999", &ms, NULL), ERROR_INVAL);
    assert_int_equal(parse_duration_ms("1e3", &ms, NULL), ERROR_INVAL);
    assert_int_equal(parse_duration_ms("-1", &ms, NULL), ERROR_INVAL);
}

static void guests_digits_are_digits_only(void **state)
{
    uint64_t v;

    assert_true(parse_digits("0042", 4, 100, &v));
    assert_int_equal(v, 42);
    assert_false(parse_digits("42 ", 3, 100, &v));
    assert_false(parse_digits("-1", 2, 100, &v));
    assert_false(parse_digits("", 0, 100, &v));
    assert_false(parse_digits("101", 3, 100, &v));
    assert_false(parse_digits("99999999999999999999999", 23, UINT64_MAX, &v));
    assert_false(parse_digits("1\0002", 3, 100, &v));
}

static void pool_memory_is_zeroed_when_it_grows(void **state)
{
    GC_SCOPE(gc);
    unsigned char *p = gc_alloc(gc, 4);

    memset(p, 0xff, 4);
    p = gc_realloc(gc, p, 64);
    assert_int_equal(p[3], 0xff);
    for (unsigned i = 4; i < 64; i++)
        assert_int_equal(p[i], 0);
    gc_release(gc, p);
    assert_string_equal(gc_printf(gc, "%s-%d", "a", 7), "a-7");
    assert_string_equal(gc_strndup(gc, "abcdef", 3), "abc");
}

static void json_tree_keeps_types_and_order(void **state)
{
    static const char text[] = " {\"a\":1,\"b\":[true,null,-2.5,\"x\\u00e4\"],\"c\":{\"d\":9223372036854775808}} ";
    struct json *root;
    GC_SCOPE(gc);
    int64_t a;

    assert_int_equal(json_parse(gc, text, strlen(text), &root, NULL), 0);
    assert_true(json_member_integer(root, "a", &a));
    assert_int_equal(a, 1);
    assert_int_equal(json_member(root, "b")->list.count, 4);
    assert_int_equal(json_member(json_member(root, "c"), "d")->type, JSON_NUMBER);
    assert_string_equal(json_text(gc, root, JSON_COMPACT),
                        "{\"a\":1,\"b\":[true,null,-2.5,\"x\xc3\xa4\"],\"c\":{\"d\":9.2233720368547758e+18}}");
}

static void malformed_json_is_refused_with_a_cause(void **state)
{
    static const char *const bad[] = {"",        " ",   "{",        "[1,]", "{\"a\":1,\"a\":2}", "nul", "[1e999]",
                                      "{'a':1}", "1 2", "\"\xff\"", "[1]]", "{\"a\\u0000b\":1}"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        const char *cause = NULL;
        struct json *root;
        GC_SCOPE(gc);

        assert_int_equal(json_parse(gc, bad[i], strlen(bad[i]), &root, &cause), ERROR_INVAL);
        assert_non_null(cause);
    }
}

static void json_nested_too_deeply_is_refused(void **state)
{
    char text[2 * JSON_DEPTH_MAX + 3];
    struct json *root;
    GC_SCOPE(gc);

    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    assert_int_equal(json_parse(gc, text, 2 * JSON_DEPTH_MAX + 2, &root, NULL), ERROR_BUFFERFULL);
    assert_int_equal(json_parse(gc, text + 1, 2 * JSON_DEPTH_MAX, &root, NULL), 0);
}

static void bytes_that_are_not_utf8_are_replaced_when_written(void **state)
{
    const struct json bad = {.type = JSON_STRING, .string = {"a\xff\xc3\xa4\xed\xa0\x80z\0y", 10}};
    GC_SCOPE(gc);

    assert_string_equal(json_text(gc, &bad, JSON_COMPACT),
                        "\"a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\\u0000y\"");
}

static void json_is_written_pretty_or_as_qemu_does(void **state)
{
    static const char text[] = "{\"a\":[1,{\"b\":{}}],\"c\":\"\u00e4\\u0000\\ud83d\\ude00\"}";
    struct text qmp = {0};
    struct json *root;
    GC_SCOPE(gc);

    assert_int_equal(json_parse(gc, text, strlen(text), &root, NULL), 0);
    assert_string_equal(json_text(gc, root, JSON_PRETTY),
                        "{\n    \"a\": [\n        1,\n        {\n            \"b\": {\n\n            }\n"
                        "        }\n    ],\n    \"c\": \"\u00e4\\u0000\U0001f600\"\n}\n");
    json_write(&qmp, root, JSON_QMP);
    text_add(&qmp, "", 1);
    assert_string_equal(qmp.bytes, "{\"a\": [1, {\"b\": {}}], \"c\": \"\\u00E4\\u0000\\uD83D\\uDE00\"}");
    text_free(&qmp);
}

static void a_member_name_that_stands_twice_is_found_among_many(void **state)
{
    GC_SCOPE(gc);
    struct json *object = json_new_object(gc);

    for (int i = 0; i < 100; i++) {
        assert_null(json_duplicate(object));
        json_set_integer(gc, object, gc_printf(gc, "m%d", i), i);
    }
    json_set_integer(gc, object, "m7", 7);
    assert_string_equal(json_duplicate(object), "m7");
}

static void every_error_has_words(void **state)
{
    for (int rc = -40; rc <= 1; rc++)
        assert_true(strlen(error_text(rc)) > 3);
    assert_int_equal(error_of_errno(3 /* ESRCH */), ERROR_DOMAIN_NOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(size_without_suffix_is_mib),
        cmocka_unit_test(size_suffixes_are_those_of_xl),
        cmocka_unit_test(garbage_and_overflowing_sizes_are_refused_with_a_cause),
        cmocka_unit_test(leading_sign_makes_a_size_relative),
        cmocka_unit_test(durations_take_fractions_and_suffixes),
        cmocka_unit_test(guests_digits_are_digits_only),
        cmocka_unit_test(pool_memory_is_zeroed_when_it_grows),
        cmocka_unit_test(json_tree_keeps_types_and_order),
        cmocka_unit_test(malformed_json_is_refused_with_a_cause),
        cmocka_unit_test(json_nested_too_deeply_is_refused),
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced_when_written),
        cmocka_unit_test(json_is_written_pretty_or_as_qemu_does),
        cmocka_unit_test(a_member_name_that_stands_twice_is_found_among_many),
        cmocka_unit_test(every_error_has_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
