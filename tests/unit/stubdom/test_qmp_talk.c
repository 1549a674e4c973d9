/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the stub domain's bridge understands of the QMP that passes through it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stubdom/init/qmp_talk.h"

#define SAVE                                                                                                           \
    "{\"execute\": \"xen-save-devices-state\", \"id\": 7, \"arguments\": {\"filename\": \"/dev/fdset/1\", \"live\": "  \
    "true}}"

static struct qmp_splitter splitter;
static char out[65536]; /* what is passed on: messages as <...>, the rest as it is */
static size_t out_len;

static int start(void **state)
{
    memset(&splitter, 0, sizeof(splitter));
    out_len = 0;
    return 0;
}

static void put(const char *text, size_t len)
{
    assert_true(out_len + len < sizeof(out));
    memcpy(out + out_len, text, len);
    out_len += len;
    out[out_len] = '\0';
}

static void say_bytes(const char *data, size_t len)
{
    while (len) {
        enum qmp_piece piece;
        size_t taken = qmp_splitter_take(&splitter, data, len, &piece);

        assert_in_range(taken, 1, len);
        data += taken;
        len -= taken;
        if (piece == QMP_PIECE_INCOMPLETE) {
            assert_int_equal(len, 0);
            return;
        }
        if (piece == QMP_PIECE_MESSAGE)
            put("<", 1);
        put(splitter.text, splitter.used);
        if (piece == QMP_PIECE_MESSAGE)
            put(">", 1);
        splitter.used = 0;
    }
}

static void say(const char *text)
{
    say_bytes(text, strlen(text));
}

/* ---- messages ---- */

static void a_message_is_kept_until_it_is_whole(void **state)
{
    say("{\"execute\": ");
    assert_int_equal(out_len, 0);
    say("\"stop\"}");
    assert_string_equal(out, "<{\"execute\": \"stop\"}>");
    say("\r\n");
    assert_string_equal(out, "<{\"execute\": \"stop\"}>\r\n");
}

static void brackets_in_texts_do_not_count(void **state)
{
    static const char *const messages[] = {
        "{\"a\": \"}\"}", "{\"a\": \"\\\"}\"}", "{'a': '}\"'}", "{\"a\": \"\\\\\"}", "{\"a\": [{}, [\"]\"]]}",
    };

    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        char expected[64];

        out_len = 0;
        snprintf(expected, sizeof(expected), "<%s>\n", messages[i]);
        for (const char *p = messages[i]; *p; p++) {
            assert_int_equal(out_len, 0);
            say_bytes(p, 1);
        }
        say("\n");
        assert_string_equal(out, expected);
    }
}

static void several_messages_at_once_are_told_apart(void **state)
{
    say(" {\"a\": 1}{\"b\": 2}\n[3] x {\"c");
    assert_string_equal(out, " <{\"a\": 1}><{\"b\": 2}>\n<[3]> x ");
    say("\": 4}");
    assert_string_equal(out, " <{\"a\": 1}><{\"b\": 2}>\n<[3]> x <{\"c\": 4}>");
}

static void what_is_no_message_is_not_kept(void **state)
{
    say("quit");
    assert_string_equal(out, "quit");
    say("\n}}]");
    assert_string_equal(out, "quit\n}}]");
}

static void a_message_that_is_too_long_passes_without_a_look(void **state)
{
    static char text[3 * QMP_MESSAGE_BYTES_MAX];

    memset(text, ' ', sizeof(text));
    text[0] = '{';
    text[sizeof(text) - 1] = '}';
    say_bytes(text, sizeof(text));
    assert_int_equal(out_len, sizeof(text));
    assert_memory_equal(out, text, sizeof(text));
    say("{\"a\": 1}");
    assert_string_equal(out + sizeof(text), "<{\"a\": 1}>");
}

/* QEMU's reader does the same, so that a client can find its way out of a message that it has broken off. */
static void a_control_character_in_a_text_begins_anew(void **state)
{
    say("{\"a\": \"broken off\n");
    say("{\"b\": 2}");
    assert_string_equal(out, "{\"a\": \"broken off\n<{\"b\": 2}>");
}

/* ---- requests ---- */

static enum qmp_request request(const char *text, struct qmp_id *id)
{
    return qmp_request_of(text, strlen(text), id);
}

static void the_command_that_saves_is_known_with_its_id(void **state)
{
    struct qmp_id id;

    assert_int_equal(request(SAVE, &id), QMP_REQUEST_SAVE);
    assert_string_equal(id.text, "7");
    assert_int_equal(request("{\"execute\":\"xen-save-devices-state\",\"id\":\"a-1\",\"arguments\":"
                             "{\"filename\":\"/dev/fdset/1\"}}",
                             &id),
                     QMP_REQUEST_SAVE);
    assert_string_equal(id.text, "\"a-1\"");
    assert_int_equal(request("{\"execute\": \"cont\"}", &id), QMP_REQUEST_CONT);
}

static void other_commands_and_files_are_others(void **state)
{
    static const char *const others[] = {
        "{\"execute\": \"stop\"}",
        "{\"execute\": \"xen-save-devices-state\", \"arguments\": {\"filename\": \"/tmp/x\"}}",
        "{\"execute\": \"query\", \"arguments\": {\"filename\": \"/dev/fdset/1\", \"x\": \"xen-save-devices-state\"}}",
        "{\"execute\": \"continue\"}",
        "{\"id\": \"cont\"}",
        "[\"cont\"]",
        "{\"execute\": \"cont\"",
    };
    struct qmp_id id;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(request(others[i], &id), QMP_REQUEST_OTHER);
}

static void an_id_that_answers_could_not_be_matched_by_is_none(void **state)
{
    static const char *const ids[] = {"null",
                                      "1.5",
                                      "[1]",
                                      "{}",
                                      "\"a\\\"b\"",
                                      "\"\\u00e4\"",
                                      "\"0123456789012345678901234567890123456789012345678901234567890123456789\""};

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        char text[256];
        struct qmp_id id;

        snprintf(text, sizeof(text),
                 "{\"execute\": \"xen-save-devices-state\", \"id\": %s, \"arguments\": {\"filename\": "
                 "\"/dev/fdset/1\"}}",
                 ids[i]);
        assert_int_equal(request(text, &id), QMP_REQUEST_SAVE);
        assert_string_equal(id.text, "");
    }
}

/* ---- answers ---- */

static enum qmp_answer answer(const char *line, const char *id_text)
{
    struct qmp_id id;

    snprintf(id.text, sizeof(id.text), "%s", id_text);
    return qmp_answer_of(line, strlen(line), &id);
}

static void an_answer_is_told_by_its_id(void **state)
{
    assert_int_equal(answer("{\"return\": {}, \"id\": 7}\r\n", "7"), QMP_ANSWER_RETURN);
    assert_int_equal(answer("{\"id\": \"a\", \"error\": {\"class\": \"GenericError\", \"desc\": \"x\"}}\n", "\"a\""),
                     QMP_ANSWER_ERROR);
    assert_int_equal(answer("{\"return\": {}, \"id\": 8}\r\n", "7"), QMP_ANSWER_NONE);
    assert_int_equal(answer("{\"return\": {}, \"id\": \"7\"}\r\n", "7"), QMP_ANSWER_NONE);
    assert_int_equal(answer("{\"return\": {\"id\": 7}}\r\n", "7"), QMP_ANSWER_NONE);
    assert_int_equal(answer("{\"return\": {}}\r\n", ""), QMP_ANSWER_NONE);
    assert_int_equal(answer("{\"event\": \"STOP\", \"data\": {\"id\": 7}}\r\n", "7"), QMP_ANSWER_NONE);
    assert_int_equal(answer("\"id\": 7, return\r\n", "7"), QMP_ANSWER_NONE);
}

static void an_error_of_inits_own_is_an_answer(void **state)
{
    struct qmp_id id = {"7"};
    char line[128];
    size_t len = qmp_error_line(line, sizeof(line), &id, "dom0 does not answer");

    assert_int_equal(len, strlen(line));
    assert_string_equal(line, "{\"id\": 7, \"error\": {\"class\": \"GenericError\", \"desc\": \"dom0 does not "
                              "answer\"}}\r\n");
    assert_int_equal(answer(line, "7"), QMP_ANSWER_ERROR);
    /* cut, and still one */
    len = qmp_error_line(line, 80, &id, "a text that is far longer than what is left of a line of eighty");
    assert_int_equal(len, 79);
    assert_int_equal(answer(line, "7"), QMP_ANSWER_ERROR);
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_is_kept_until_it_is_whole),
        TEST(brackets_in_texts_do_not_count),
        TEST(several_messages_at_once_are_told_apart),
        TEST(what_is_no_message_is_not_kept),
        TEST(a_message_that_is_too_long_passes_without_a_look),
        TEST(a_control_character_in_a_text_begins_anew),
        TEST(the_command_that_saves_is_known_with_its_id),
        TEST(other_commands_and_files_are_others),
        TEST(an_id_that_answers_could_not_be_matched_by_is_none),
        TEST(an_answer_is_told_by_its_id),
        TEST(an_error_of_inits_own_is_an_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
