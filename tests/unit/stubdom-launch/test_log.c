/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log of a stub domain: reading it, and picking the lines that explain a failed start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "stubdom-launch/log.h"

static char path[] = "/tmp/test-log-XXXXXX";

static void write_log(const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int make_file(void **state)
{
    int fd = mkstemp(path);

    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    return unlink(path);
}

static void the_last_lines_are_read(void **state)
{
    char **lines;
    size_t count;
    GC_SCOPE(gc);

    write_log("one\ntwo\r\nthree");
    assert_int_equal(stubdom_log_tail(gc, path, 2, &lines, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_string_equal(lines[0], "two");
    assert_string_equal(lines[1], "three");
    assert_int_equal(stubdom_log_tail(gc, path, 0, &lines, &count, NULL), 0);
    assert_int_equal(count, 3);
    write_log("");
    assert_int_equal(stubdom_log_tail(gc, path, 5, &lines, &count, NULL), 0);
    assert_int_equal(count, 0);
    assert_int_equal(stubdom_log_tail(gc, "/nowhere/log", 5, &lines, &count, NULL), ERROR_NOTFOUND);
}

static void a_log_cannot_drive_a_terminal(void **state)
{
    char **lines;
    size_t count;
    GC_SCOPE(gc);

    write_log("\033[2Jhidden\a\177 \tend\n"
              "C1: \302\233 \233 \237, overlong: \300\233, cut: \342\202, fine: \303\274 \342\202\254\n");
    assert_int_equal(stubdom_log_tail(gc, path, 0, &lines, &count, NULL), 0);
    assert_string_equal(lines[0], "?[2Jhidden?? \tend");
    assert_string_equal(lines[1], "C1: ? ? ?, overlong: ??, cut: ??, fine: \303\274 \342\202\254");
}

static void a_line_without_end_is_cut(void **state)
{
    char *text = test_calloc(1, 5000), **lines;
    size_t count;
    GC_SCOPE(gc);

    memset(text, 'x', 4999);
    write_log(text);
    test_free(text);
    assert_int_equal(stubdom_log_tail(gc, path, 0, &lines, &count, NULL), 0);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++)
        assert_true(strlen(lines[i]) < STUBDOM_LOG_LINE_MAX);
}

static void append(FILE *f, const char *text)
{
    fputs(text, f);
    fflush(f);
}

static void a_log_that_grows_is_read_on_line_by_line(void **state)
{
    FILE *writer;
    struct stubdom_log_reader reader = {0};
    char **lines;
    size_t count;
    long end;
    GC_SCOPE(gc);

    write_log("one\ntwo\nxl-ext-stub");
    assert_int_equal(stubdom_log_tail(gc, path, 1, &lines, &count, &end), 0);
    assert_int_equal(count, 1);
    assert_string_equal(lines[0], "two");
    writer = fopen(path, "a");
    append(writer, "dom: a line");
    reader.file = fopen(path, "r");
    assert_int_equal(fseek(reader.file, end, SEEK_SET), 0);
    /* a console's output comes in pieces */
    assert_null(stubdom_log_next(&reader));
    append(writer, " in pieces\r\n\n\033[Jthree");
    assert_string_equal(stubdom_log_next(&reader), "xl-ext-stubdom: a line in pieces");
    assert_string_equal(stubdom_log_next(&reader), "");
    assert_null(stubdom_log_next(&reader));
    append(writer, "\n");
    assert_string_equal(stubdom_log_next(&reader), "?[Jthree");
    for (int i = 0; i < 3 * STUBDOM_LOG_LINE_MAX; i++)
        append(writer, "x");
    for (int i = 0; i < 3; i++)
        assert_int_equal(strlen(stubdom_log_next(&reader)), STUBDOM_LOG_LINE_MAX - 1);
    assert_null(stubdom_log_next(&reader));
    fclose(writer);
    fclose(reader.file);
}

static void what_init_and_qemu_say_is_picked(void **state)
{
    char *lines[] = {(char *)"[    0.000000] Linux version 6.1",
                     (char *)"xl-ext-stubdom: [   1.000] starting QEMU",
                     (char *)"xen be core: xs_set_permissions device-model/1/backends/qusb: failed",
                     (char *)"xen-qemu-system-i386: -nonsense: invalid option",
                     (char *)"",
                     (char *)"xl-ext-stubdom: [   2.000] QEMU ended with exit status 1"};
    char **picked;
    size_t n;
    GC_SCOPE(gc);

    picked = stubdom_log_pick(gc, lines, ARRAY_LEN(lines), 10, &n);
    assert_int_equal(n, 3);
    assert_string_equal(picked[0], lines[1]);
    assert_string_equal(picked[1], lines[3]);
    picked = stubdom_log_pick(gc, lines, ARRAY_LEN(lines), 1, &n);
    assert_int_equal(n, 1);
    assert_string_equal(picked[0], lines[5]);
}

static void of_inits_lines_the_last_ones_are_picked_whatever_stands_between(void **state)
{
    char *lines[] = {(char *)"xl-ext-stubdom: one",   (char *)"[    1.0] kernel",
                     (char *)"xl-ext-stubdom: two",   (char *)"foreign xl-ext-stubdom: x",
                     (char *)"xl-ext-stubdom: three", (char *)"[    2.0] kernel"};
    char **picked;
    size_t n;
    GC_SCOPE(gc);

    picked = stubdom_log_own(gc, lines, ARRAY_LEN(lines), 2, &n);
    assert_int_equal(n, 2);
    assert_string_equal(picked[0], lines[2]);
    assert_string_equal(picked[1], lines[4]);
    stubdom_log_own(gc, lines, ARRAY_LEN(lines), 0, &n);
    assert_int_equal(n, 3);
    stubdom_log_own(gc, NULL, 0, 1, &n);
    assert_int_equal(n, 0);
}

static void a_panic_is_picked_and_without_anything_the_end(void **state)
{
    char *panic[] = {(char *)"[    1.0] one", (char *)"[    2.0] Kernel panic - not syncing: no init",
                     (char *)"[    3.0] three"};
    char *plain[] = {(char *)"[    1.0] one", (char *)"[    2.0] two"};
    char **picked;
    size_t n;
    GC_SCOPE(gc);

    picked = stubdom_log_pick(gc, panic, ARRAY_LEN(panic), 10, &n);
    assert_int_equal(n, 1);
    assert_string_equal(picked[0], panic[1]);
    picked = stubdom_log_pick(gc, plain, ARRAY_LEN(plain), 1, &n);
    assert_int_equal(n, 1);
    assert_string_equal(picked[0], plain[1]);
    stubdom_log_pick(gc, NULL, 0, 1, &n);
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_lines_are_read),
        cmocka_unit_test(a_log_cannot_drive_a_terminal),
        cmocka_unit_test(a_line_without_end_is_cut),
        cmocka_unit_test(a_log_that_grows_is_read_on_line_by_line),
        cmocka_unit_test(what_init_and_qemu_say_is_picked),
        cmocka_unit_test(of_inits_lines_the_last_ones_are_picked_whatever_stands_between),
        cmocka_unit_test(a_panic_is_picked_and_without_anything_the_end),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
