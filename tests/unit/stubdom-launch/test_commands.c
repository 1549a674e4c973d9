/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stubdom-log on a log that stands in a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "stubdom-launch/log.h"
#include "stubdom-launch/stubdom.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/tool.h"

static struct xlx_ctx *ctx;
static char file[] = "/tmp/xl-ext-test-XXXXXX";

char *__wrap_stubdom_log_path(struct gc *gc, const char *name);
char *__wrap_stubdom_log_path(struct gc *gc, const char *name)
{
    return gc_strdup(gc, strcmp(name, "web") ? "/nonexistent/log" : file);
}

static int make(void **state)
{
    FILE *f;

    ctx = fake_ctx_new();
    f = fopen(file, "w");
    assert_non_null(f);
    for (int i = 0; i < 5; i++)
        fprintf(f, "kernel says %d\nxl-ext-stubdom: step %d\n", i, i);
    fputs("\033[31mred", f);
    fclose(f);
    return 0;
}

static int unmake(void **state)
{
    fake_ctx_free(ctx);
    return 0;
}

static void the_last_lines_are_shown_and_command_no_terminal(void **state)
{
    tool_says(ctx, &cmd_stubdom_log, "-n 3 web", 0, "kernel says 4\n");
    assert_null(strstr(tool_said(), "kernel says 3"));
    assert_null(strstr(tool_said(), "\033"));
    tool_says(ctx, &cmd_stubdom_log, "-n 0 web", 0, "kernel says 0\n");
    tool_says(ctx, &cmd_stubdom_log, "--json web", 0, "\"kernel says 0\"");
    tool_says(ctx, &cmd_stubdom_log, "nobody", 1, "");
}

static void what_comes_is_followed(void **state)
{
    pid_t writer = fork();

    if (!writer) {
        FILE *f = fopen(file, "a");

        usleep(200000);
        fputs(" and more\n", f);
        fclose(f);
        _exit(0);
    }
    tool_says(ctx, &cmd_stubdom_log, "-n 1 -f --timeout 5 web", 0, "?[31mred and more\n");
    waitpid(writer, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_last_lines_are_shown_and_command_no_terminal, make, unmake),
        cmocka_unit_test_setup_teardown(what_comes_is_followed, make, unmake),
    };
    int fd = mkstemp(file), failed;

    if (fd < 0)
        return 1;
    close(fd);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(file);
    return failed;
}
