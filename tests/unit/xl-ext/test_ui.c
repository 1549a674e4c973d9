/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables, streams and records, as text and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/gc.h"
#include "base/json.h"
#include "tests/fakes/capture.h"
#include "xl-ext/tool.h"

static const struct xlx_column columns[] = {
    {"Name", "name", 0},
    {NULL, "uuid", XLX_COLUMN_JSON},
    {"ID", "domid", XLX_COLUMN_RIGHT},
    {"Size", NULL, XLX_COLUMN_RIGHT | XLX_COLUMN_TEXT},
    {"Up", "up", 0},
    {NULL, "size_kb", XLX_COLUMN_JSON},
};

static const struct xlx_cell rows[][ARRAY_LEN(columns)] = {
    {{XLX_CELL_TEXT, "a", 0},
     {XLX_CELL_TEXT, "u-1", 0},
     {XLX_CELL_NUMBER, NULL, 7},
     {XLX_CELL_TEXT, "1.5", 0},
     {XLX_CELL_BOOL, NULL, 1},
     {XLX_CELL_NUMBER, NULL, 1536}},
    {{XLX_CELL_TEXT, "longer", 0},
     {XLX_CELL_NONE, NULL, 0},
     {XLX_CELL_NUMBER, NULL, 1234},
     {XLX_CELL_NONE, NULL, 0},
     {XLX_CELL_BOOL, NULL, 0},
     {XLX_CELL_NUMBER, NULL, INT64_MIN}},
};

static struct xlx_ui ui_for(bool json)
{
    return (struct xlx_ui){.ops = &tool_ui_ops, .json = json};
}

static const char *table(bool json, size_t count)
{
    struct xlx_ui ui = ui_for(json);
    struct capture c = capture_begin(stdout);
    struct xlx_table *t = ui.ops->table_begin(&ui, columns, ARRAY_LEN(columns));

    for (size_t i = 0; i < count; i++)
        ui.ops->table_row(t, rows[i]);
    ui.ops->table_end(t);
    return capture_end(&c);
}

static void a_table_is_aligned_and_has_the_columns_of_text(void **state)
{
    assert_string_equal(table(false, 2), "Name      ID  Size  Up\n"
                                         "a          7   1.5  yes\n"
                                         "longer  1234     -  no\n");
    assert_string_equal(table(false, 0), "Name  ID  Size  Up\n");
}

static void a_table_as_json_is_an_array_of_objects(void **state)
{
    const char *text = table(true, 2);
    const struct json *row;
    struct json *root;
    const char *name;
    GC_SCOPE(gc);
    int64_t n;
    bool up;

    assert_int_equal(json_parse(gc, text, strlen(text), &root, NULL), 0);
    assert_int_equal(root->type, JSON_ARRAY);
    assert_int_equal(root->list.count, 2);
    row = root->list.items[0];
    assert_true(json_member_string(row, "name", &name));
    assert_string_equal(name, "a");
    assert_true(json_member_integer(row, "domid", &n));
    assert_int_equal(n, 7);
    assert_true(json_member_bool(row, "up", &up));
    assert_true(up);
    assert_int_equal(row->list.count, 5);
    row = root->list.items[1];
    assert_int_equal(json_member(row, "uuid")->type, JSON_NULL);
    assert_true(json_member_integer(row, "size_kb", &n));
    assert_true(n == INT64_MIN);
    assert_int_equal(text[strlen(text) - 1], '\n');

    text = table(true, 0);
    assert_int_equal(json_parse(gc, text, strlen(text), &root, NULL), 0);
    assert_int_equal(root->type, JSON_ARRAY);
    assert_int_equal(root->list.count, 0);
}

static void the_table_keeps_copies_of_texts(void **state)
{
    struct xlx_ui ui = ui_for(false);
    struct capture c = capture_begin(stdout);
    struct xlx_table *t = ui.ops->table_begin(&ui, columns, 1);
    char text[] = "before";

    ui.ops->table_row(t, (struct xlx_cell[]){XLX_TEXT(text)});
    memcpy(text, "after!", 6);
    ui.ops->table_end(t);
    assert_string_equal(capture_end(&c), "Name\nbefore\n");
}

static void letters_of_several_bytes_are_one_column_wide(void **state)
{
    struct xlx_ui ui = ui_for(false);
    struct capture c = capture_begin(stdout);
    static const struct xlx_column two[] = {{"N", "n", 0}, {"M", "m", 0}};
    struct xlx_table *t = ui.ops->table_begin(&ui, two, 2);

    ui.ops->table_row(t, (struct xlx_cell[]){XLX_TEXT("\xc3\xa4\xc3\xb6"), XLX_TEXT("x")});
    ui.ops->table_row(t, (struct xlx_cell[]){XLX_TEXT("abc"), XLX_TEXT("y")});
    ui.ops->table_end(t);
    assert_string_equal(capture_end(&c), "N    M\n\xc3\xa4\xc3\xb6   x\nabc  y\n");
}

static void wide_and_combining_letters_keep_the_columns_in_line(void **state)
{
    struct xlx_ui ui = ui_for(false);
    struct capture c = capture_begin(stdout);
    static const struct xlx_column two[] = {{"N", "n", 0}, {"M", "m", 0}};
    struct xlx_table *t = ui.ops->table_begin(&ui, two, 2);

    ui.ops->table_row(t, (struct xlx_cell[]){XLX_TEXT("\xe6\x97\xa5\xe6\x9c\xac"), XLX_TEXT("four")});
    ui.ops->table_row(t, (struct xlx_cell[]){XLX_TEXT("e\xcc\x81"), XLX_TEXT("one")});
    ui.ops->table_end(t);
    assert_string_equal(capture_end(&c), "N     M\n"
                                         "\xe6\x97\xa5\xe6\x9c\xac  four\n"
                                         "e\xcc\x81     one\n");
}

static void bytes_that_are_no_utf8_do_not_reach_the_terminal(void **state)
{
    struct xlx_ui ui = ui_for(false);
    struct capture c = capture_begin(stdout);
    struct xlx_table *t = ui.ops->table_begin(&ui, columns, 1);

    ui.ops->table_row(t, (struct xlx_cell[]){XLX_TEXT("a\x9b"
                                                      "31mb\xff\xc2")});
    ui.ops->table_end(t);
    assert_string_equal(capture_end(&c), "Name\na?31mb??\n");
}

static void text_as_it_is_keeps_its_lines_and_nothing_that_commands(void **state)
{
    struct xlx_ui ui = ui_for(false);
    struct capture c = capture_begin(stdout);

    ui.ops->print(&ui, "%s\n\tb\n", "a\033[31m\r\xc2\x9b\x80");
    assert_string_equal(capture_end(&c), "a?[31m???\n\tb\n");
}

static void a_text_cannot_break_out_of_its_cell(void **state)
{
    struct xlx_ui ui = ui_for(false);
    struct capture c = capture_begin(stdout);
    struct xlx_table *t = ui.ops->table_begin(&ui, columns, 1);

    ui.ops->table_row(t, (struct xlx_cell[]){XLX_TEXT("a\nb\033[31m\tc\xc2\x9b\xc2\xa0")});
    ui.ops->table_end(t);
    assert_string_equal(capture_end(&c), "Name\na?b?[31m?c?\xc2\xa0\n");
}

static void a_stream_has_its_headings_once(void **state)
{
    struct xlx_ui ui = ui_for(false);
    struct capture c = capture_begin(stdout);

    ui.ops->line(&ui, columns, ARRAY_LEN(columns), rows[0]);
    ui.ops->line(&ui, columns, ARRAY_LEN(columns), rows[1]);
    assert_string_equal(capture_end(&c), "Name                ID        Size  Up\n"
                                         "a                    7         1.5  yes\n"
                                         "longer            1234           -  no\n");
}

static void a_stream_as_json_has_an_object_a_line(void **state)
{
    struct xlx_ui ui = ui_for(true);
    struct capture c = capture_begin(stdout);

    ui.ops->line(&ui, columns, ARRAY_LEN(columns), rows[0]);
    ui.ops->line(&ui, columns, ARRAY_LEN(columns), rows[0]);
    assert_string_equal(capture_end(&c),
                        "{\"name\":\"a\",\"uuid\":\"u-1\",\"domid\":7,\"up\":true,\"size_kb\":1536}\n"
                        "{\"name\":\"a\",\"uuid\":\"u-1\",\"domid\":7,\"up\":true,\"size_kb\":1536}\n");
}

static void a_record_is_lines_or_one_object(void **state)
{
    struct xlx_ui ui = ui_for(false);
    struct capture c = capture_begin(stdout);
    const char *text;
    struct json *root;
    GC_SCOPE(gc);

    ui.ops->record(&ui, columns, ARRAY_LEN(columns), rows[0]);
    assert_string_equal(capture_end(&c), "Name  a\nID    7\nSize  1.5\nUp    yes\n");
    ui = ui_for(true);
    c = capture_begin(stdout);
    ui.ops->record(&ui, columns, ARRAY_LEN(columns), rows[0]);
    text = capture_end(&c);
    assert_int_equal(json_parse(gc, text, strlen(text), &root, NULL), 0);
    assert_int_equal(root->type, JSON_OBJECT);
}

static void progress_is_silent_when_there_is_no_terminal(void **state)
{
    struct xlx_ui ui = ui_for(false);
    struct capture out = capture_begin(stdout), err = capture_begin(stderr);
    char *text;

    ui.ops->progress(&ui, "%d of %d", 1, 2);
    ui.ops->progress(&ui, NULL);
    text = strdup(capture_end(&err));
    assert_non_null(text);
    assert_string_equal(capture_end(&out), "");
    assert_string_equal(text, "");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_aligned_and_has_the_columns_of_text),
        cmocka_unit_test(a_table_as_json_is_an_array_of_objects),
        cmocka_unit_test(the_table_keeps_copies_of_texts),
        cmocka_unit_test(letters_of_several_bytes_are_one_column_wide),
        cmocka_unit_test(wide_and_combining_letters_keep_the_columns_in_line),
        cmocka_unit_test(bytes_that_are_no_utf8_do_not_reach_the_terminal),
        cmocka_unit_test(text_as_it_is_keeps_its_lines_and_nothing_that_commands),
        cmocka_unit_test(a_text_cannot_break_out_of_its_cell),
        cmocka_unit_test(a_stream_has_its_headings_once),
        cmocka_unit_test(a_stream_as_json_has_an_object_a_line),
        cmocka_unit_test(a_record_is_lines_or_one_object),
        cmocka_unit_test(progress_is_silent_when_there_is_no_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
