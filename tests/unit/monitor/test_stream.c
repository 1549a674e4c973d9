/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "monitor/stream.h"

/* What a stream makes of bytes: each message written out, each error behind a '!', one a line. at_once: how many bytes
 * a feed gets. */
static char *transcript(struct gc *gc, const char *bytes, size_t len, size_t at_once)
{
    struct stream stream = {0};
    struct text out = {0};
    char *result;

    while (len) {
        size_t part = len < at_once ? len : at_once;

        while (part) {
            struct stream_message m;
            GC_SCOPE(scratch);
            size_t used = stream_feed(&stream, scratch, bytes, part, &m);

            bytes += used;
            part -= used;
            len -= used;
            if (m.error) {
                struct json *text = json_new_string(scratch, m.error);

                text_add(&out, "!", 1);
                json_write(&out, text, JSON_QMP);
            } else if (m.value) {
                json_write(&out, m.value, JSON_QMP);
            } else {
                continue;
            }
            text_add(&out, "\n", 1);
        }
    }
    result = gc_strndup(gc, out.bytes ? out.bytes : "", out.len);
    text_free(&out);
    stream_dispose(&stream);
    return result;
}

static void expect(const char *input, const char *wanted)
{
    GC_SCOPE(gc);

    for (size_t at_once = 1; at_once < 4096; at_once *= 7)
        assert_string_equal(transcript(gc, input, strlen(input), at_once), wanted);
}

static void messages_need_no_newline(void **state)
{
    expect("{\"a\":1}{\"b\":[2]}[]", "{\"a\": 1}\n{\"b\": [2]}\n[]\n");
    expect(" {\r\n}\t\n", "{}\n");
    expect("{\"a\":", "");
}

static void bare_values_end_at_the_next_byte(void **state)
{
    expect("12", "");
    expect("12 true\nnull 'x'", "12\ntrue\nnull\n\"x\"\n");
    expect("true]", "true\n!\"JSON parse error, expecting value\"\n");
}

static void single_quotes_are_strings(void **state)
{
    expect("{'a': 'it\\'s \"so\"'}", "{\"a\": \"it's \\\"so\\\"\"}\n");
}

static void escapes_are_understood_and_output_is_ascii(void **state)
{
    expect("[\"\\b\\f\\n\\r\\t\\/\\\\\\\"\"]", "[\"\\b\\f\\n\\r\\t/\\\\\\\"\"]\n");
    expect("[\"\\u00e9\\ud834\\udd1e\\u0000\"]", "[\"\\u00E9\\uD834\\uDD1E\\u0000\"]\n");
    expect("[\"\xc3\xa9\xf0\x9d\x84\x9e\xc0\x80\x7f\"]", "[\"\\u00E9\\uD834\\uDD1E\\u0000\\u007F\"]\n");
}

static void bad_characters_are_refused_as_qemu_does(void **state)
{
    expect("[\"\\ud834\"]", "!\"JSON parse error, \\\\ud834 is not a valid Unicode character\"\n");
    expect("[\"\\ud834\\u0041\"]", "!\"JSON parse error, \\\\ud834 is not a valid Unicode character\"\n");
    expect("[\"\\u12\"]", "!\"JSON parse error, \\\\u12\\\" is not a valid Unicode character\"\n");
    expect("[\"\\uffff\"]", "!\"JSON parse error, \\\\uffff is not a valid Unicode character\"\n");
    expect("[\"\\x\"]", "!\"JSON parse error, invalid escape sequence in string\"\n");
    expect("[\"\xed\xa0\x80\"]", "!\"JSON parse error, invalid UTF-8 sequence in string\"\n");
    expect("[\"\xc1\x81\"]", "!\"JSON parse error, invalid UTF-8 sequence in string\"\n");
}

static void numbers_keep_what_they_were_written_as(void **state)
{
    expect("[0,-0,9223372036854775807,-9223372036854775808]", "[0, 0, 9223372036854775807, -9223372036854775808]\n");
    expect("[9223372036854775808,18446744073709551615]", "[9223372036854775808, 18446744073709551615]\n");
    expect("[18446744073709551616,-9223372036854775809]", "[1.8446744073709552e+19, -9.2233720368547758e+18]\n");
    expect("[1.10,1.0,1e3,-0.0,2.5E-3]", "[1.1000000000000001, 1, 1000, -0, 0.0025000000000000001]\n");
}

static void stray_bytes_make_one_error_and_the_stream_goes_on(void **state)
{
    expect("[00]{}", "!\"JSON parse error, stray '00'\"\n!\"JSON parse error, expecting value\"\n{}\n");
    expect("@#$ %{}", "!\"JSON parse error, stray '@'\"\n{}\n");
    expect("\"a\nb\"\n[]", "!\"JSON parse error, stray '\\\"a\\n'\"\n[]\n");
    expect("-]1.x,", "!\"JSON parse error, stray '-]'\"\n!\"JSON parse error, expecting value\"\n");
    expect("1.x,", "!\"JSON parse error, stray '1.x'\"\n!\"JSON parse error, expecting value\"\n");
}

static void sentences_are_those_of_qemu(void **state)
{
    expect("{1:2}", "!\"JSON parse error, key is not a string in object\"\n");
    expect("{'a' 2}", "!\"JSON parse error, missing : in object pair\"\n");
    expect("{'a':2 'b':3}", "!\"JSON parse error, expected separator in dict\"\n");
    expect("[1 2]", "!\"JSON parse error, expected separator in list\"\n");
    expect("[1,]", "!\"JSON parse error, expecting value\"\n");
    expect("{'a':1,'a':1}", "!\"JSON parse error, duplicate key\"\n");
    expect("[nul]", "!\"JSON parse error, invalid keyword 'nul'\"\n");
    expect("[}", "!\"JSON parse error, expecting value\"\n");
    expect("}", "!\"JSON parse error, expecting value\"\n");
}

static void a_duplicate_key_is_told_before_what_is_wrong_behind_it(void **state)
{
    expect("{'a':1,'a':1,'b':}", "!\"JSON parse error, duplicate key\"\n");
    expect("{'a':1,'a':1 'b':1}", "!\"JSON parse error, duplicate key\"\n");
    expect("{'a':1,'a':1,'b':[{'c':1,'c':1,'d':nul}]}", "!\"JSON parse error, duplicate key\"\n");
    expect("{'a':1,'b':[nul],'a':1}", "!\"JSON parse error, invalid keyword 'nul'\"\n");
    expect("{'a':1,'a':nul}", "!\"JSON parse error, invalid keyword 'nul'\"\n");
    expect("{'a':{'b':1,'b':1},'c':nul}", "!\"JSON parse error, duplicate key\"\n");
}

static char *nested(struct gc *gc, size_t depth)
{
    char *text = gc_alloc(gc, 2 * depth + 1);

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return text;
}

static void nesting_is_limited_to_1024(void **state)
{
    GC_SCOPE(gc);
    const char *deep = nested(gc, 1024);
    char *t;

    /* What deep is comes back the same. */
    t = transcript(gc, deep, 2048, 4096);
    assert_int_equal(strlen(t), 2049);
    t = transcript(gc, nested(gc, 1025), 1025, 4096);
    assert_string_equal(t, "!\"JSON nesting depth limit exceeded\"\n");
}

static void a_token_without_end_is_cut_off(void **state)
{
    size_t len = STREAM_BYTES_MAX + 2;
    char *text = malloc(len + 3);
    GC_SCOPE(gc);

    memset(text, 'x', len);
    text[0] = '"';
    memcpy(text + len, "\n{}", 3);
    /* The rest of it is a new start: the keyword x..., then the message behind it. */
    assert_non_null(strstr(transcript(gc, text, len + 3, 4096), "!\"JSON token size limit exceeded\"\n"));
    assert_non_null(strstr(transcript(gc, text, len + 3, 4096), "\n{}\n"));
    free(text);
}

static void tokens_of_a_message_are_limited(void **state)
{
    size_t len = 2 * STREAM_TOKENS_MAX;
    char *text = malloc(len);
    GC_SCOPE(gc);

    memset(text, ',', len);
    text[0] = '[';
    assert_non_null(
        strstr(transcript(gc, text, STREAM_TOKENS_MAX + 1, 4096), "!\"JSON token count limit exceeded\"\n"));
    free(text);
}

static void a_client_takes_what_a_real_qemu_answers(void **state)
{
    struct stream stream = {.limits = &stream_client_limits};
    size_t len = 2 * STREAM_BYTES_MAX + 1;
    char *text = malloc(len);
    struct stream_message m;
    GC_SCOPE(gc);

    for (size_t i = 0; i < len; i++)
        text[i] = i % 2 ? '1' : ',';
    text[0] = '[';
    text[len - 1] = ']';
    assert_int_equal(stream_feed(&stream, gc, text, len, &m), len);
    assert_null(m.error);
    assert_int_equal(m.value->list.count, STREAM_BYTES_MAX);
    stream_dispose(&stream);
    free(text);
}

static void nothing_is_held_between_messages(void **state)
{
    struct stream stream = {0};
    size_t len = 100000;
    char *text = malloc(len);
    struct stream_message m;
    GC_SCOPE(gc);

    memset(text, 'x', len);
    memcpy(text, "[\"", 2);
    memcpy(text + len - 2, "\"]", 2);
    assert_int_equal(stream_feed(&stream, gc, text, len, &m), len);
    assert_non_null(m.value);
    assert_true(stream.texts.capacity <= 1024);
    assert_true(stream.lexer.token.capacity <= 1024);
    stream_dispose(&stream);
    free(text);
}

/* Of the processor, the least of some: whatever else the machine does. */
static clock_t time_to_parse(const char *text)
{
    clock_t least = 0;

    for (int i = 0; i < 7; i++) {
        struct stream stream = {0};
        struct stream_message m;
        GC_SCOPE(gc);
        clock_t begun = clock(), took;

        stream_feed(&stream, gc, text, strlen(text), &m);
        took = clock() - begun;
        assert_non_null(m.value);
        least = !i || took < least ? took : least;
        stream_dispose(&stream);
    }
    return least;
}

/* {"member0": 0, ...} or [[0], ...] */
static char *many(struct gc *gc, bool object, int count)
{
    struct text text = {.gc = gc};

    text_add(&text, object ? "{" : "[", 1);
    for (int i = 0; i < count; i++) {
        const char *item =
            object ? gc_printf(gc, "%s\"member%d\": %d", i ? "," : "", i, i) : gc_printf(gc, "%s[%d]", i ? "," : "", i);

        text_add(&text, item, strlen(item));
    }
    text_add(&text, object ? "}" : "]", 2);
    return text.bytes;
}

/* Eight times as much may take eight times as long, and some for sorting and for larger memory; not sixty-four times. */
static void parsing_takes_time_in_proportion_to_what_comes(void **state)
{
    GC_SCOPE(gc);

    for (int object = 0; object < 2; object++) {
        clock_t few = time_to_parse(many(gc, object, 400)), all = time_to_parse(many(gc, object, 3200));

        assert_true(all < 30 * (few + 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_need_no_newline),
        cmocka_unit_test(bare_values_end_at_the_next_byte),
        cmocka_unit_test(single_quotes_are_strings),
        cmocka_unit_test(escapes_are_understood_and_output_is_ascii),
        cmocka_unit_test(bad_characters_are_refused_as_qemu_does),
        cmocka_unit_test(numbers_keep_what_they_were_written_as),
        cmocka_unit_test(stray_bytes_make_one_error_and_the_stream_goes_on),
        cmocka_unit_test(sentences_are_those_of_qemu),
        cmocka_unit_test(a_duplicate_key_is_told_before_what_is_wrong_behind_it),
        cmocka_unit_test(nesting_is_limited_to_1024),
        cmocka_unit_test(a_token_without_end_is_cut_off),
        cmocka_unit_test(tokens_of_a_message_are_limited),
        cmocka_unit_test(a_client_takes_what_a_real_qemu_answers),
        cmocka_unit_test(nothing_is_held_between_messages),
        cmocka_unit_test(parsing_takes_time_in_proportion_to_what_comes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
