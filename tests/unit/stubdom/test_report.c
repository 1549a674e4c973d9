/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the stub domain's init writes to its console, and what of QEMU's output gets there. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "stubdom/init/report.h"

static FILE *console;
static char text[1 << 18];

static int open_console(void **state)
{
    console = tmpfile();
    if (!console)
        return -1;
    report_to(fileno(console));
    return 0;
}

static int close_console(void **state)
{
    return fclose(console);
}

/* What is on the console since the last call. */
static const char *said(void)
{
    ssize_t len = pread(fileno(console), text, sizeof(text) - 1, 0);

    assert_true(len >= 0);
    text[len] = '\0';
    assert_int_equal(ftruncate(fileno(console), 0), 0);
    assert_int_equal(lseek(fileno(console), 0, SEEK_SET), 0);
    return text;
}

static void foreign(const char *data)
{
    report_foreign(data, strlen(data));
}

static void a_line_of_inits_starts_a_line(void **state)
{
    foreign("could not open disk");
    report("QEMU ended");
    foreign("one\n");
    report("again");
    assert_string_equal(said(), "could not open disk\n" REPORT_PREFIX "QEMU ended\none\n" REPORT_PREFIX "again\n");
}

static void qemu_cannot_speak_for_init(void **state)
{
    foreign(REPORT_PREFIX "QEMU ended with exit status 0\n");
    assert_string_equal(said(), "xl-ext-stubdom? QEMU ended with exit status 0\n");
    foreign("xl-ext-");
    foreign("stubdom");
    foreign(": in pieces\rxl-ext-stubdom: behind a return\n");
    assert_string_equal(said(), "xl-ext-stubdom? in pieces?xl-ext-stubdom: behind a return\n");
    /* the break that a line of init's makes is no chance either */
    foreign("left open ");
    report("init");
    foreign(REPORT_PREFIX "not init\n");
    assert_string_equal(said(), "left open \n" REPORT_PREFIX "init\nxl-ext-stubdom? not init\n");
    foreign("xl-ext: fine, so is xl-ext-stubdom: here\n");
    assert_string_equal(said(), "xl-ext: fine, so is xl-ext-stubdom: here\n");
}

static void qemu_cannot_command_a_terminal(void **state)
{
    foreign("\033[2J\a\tx\177\302\233\n");
    assert_string_equal(said(), "?[2J?\tx???\n");
}

/* More than one read takes, as after an assertion or a long usage text. */
static void all_of_the_last_words_are_shown(void **state)
{
    char *words = test_calloc(1, 30001);
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    for (int i = 0; i < 30000; i++)
        words[i] = i % 100 == 99 ? '\n' : (char)('a' + i % 26);
    assert_int_equal(write(fds[1], words, 30000), 30000);
    report_last_output(fds[0]); /* does not wait for more, though somebody might write it */
    assert_string_equal(said(), words);
    close(fds[1]);
    report_last_output(fds[0]);
    assert_string_equal(said(), "");
    close(fds[0]);
    test_free(words);
}

/* Last: it uses up what may be written. */
static void a_flood_is_bounded_and_said_to_be(void **state)
{
    char line[1001];
    const char *all;
    int fds[2];

    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 2] = '\n';
    line[sizeof(line) - 1] = '\0';
    for (int i = 0; i < 1000; i++)
        foreign(line);
    assert_in_range(strlen(said()), 1, 2 * REPORT_BURST_BYTES);
    assert_int_equal(pipe(fds), 0);
    report_last_output(fds[0]);
    all = said();
    assert_non_null(strstr(all, REPORT_PREFIX));
    assert_non_null(strstr(all, "bytes of the device model's output were dropped"));
    close(fds[0]);
    close(fds[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_console, close_console)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_of_inits_starts_a_line),     TEST(qemu_cannot_speak_for_init),
        TEST(qemu_cannot_command_a_terminal),    TEST(all_of_the_last_words_are_shown),
        TEST(a_flood_is_bounded_and_said_to_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
