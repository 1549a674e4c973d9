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
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

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

static void stub_domains_are_listed_with_their_state(void **state)
{
    struct fake_domain *stub;

    fake_xen_domain(4, 4096, 4096);
    stub = fake_xen_domain(5, 150 * 1024, 150 * 1024);
    fake_store_set("/local/domain/4/name", "web");
    fake_store_set("/local/domain/5/name", "web-dm");
    fake_store_set("/local/domain/5/vm", "/vm/5");
    fake_store_set("/vm/5/start_time", "1000.0");
    fake_xen_domain(7, 4096, 4096);
    fake_store_set("/local/domain/7/name", "other");
    tool_says(ctx, &cmd_stubdom_list, "", 0, NULL);
    assert_null(strstr(tool_said(), "web"));
    fake_store_set("/local/domain/4/image/device-model-domid", "5");
    tool_says(ctx, &cmd_stubdom_list, "", 0, "web-dm");
    assert_non_null(strstr(tool_said(), "starting"));
    fake_store_set("/local/domain/5/device-model/4/state", "running");
    tool_says(ctx, &cmd_stubdom_list, "--json web", 0, "\"qemu\": \"running\"");
    assert_non_null(strstr(tool_said(), "\"memory_kb\": 153600"));
    assert_non_null(strstr(tool_said(), "\"stub_state\": \"on\""));
    fake_store_set("/local/domain/5/device-model/4/exit", "exited 1");
    stub->flags = XEN_DOMINF_shutdown | (uint32_t)SHUTDOWN_crash << XEN_DOMINF_shutdownshift;
    tool_says(ctx, &cmd_stubdom_list, "web", 0, "crashed");
    assert_non_null(strstr(tool_said(), "exited 1"));
    /* The stub domain writes what it likes. */
    fake_store_set("/local/domain/5/device-model/4/exit", "\033[31m");
    tool_says(ctx, &cmd_stubdom_list, "web", 0, "unreadable");
    fake_xen_remove(7);
    fake_xen_remove(5);
    tool_says(ctx, &cmd_stubdom_list, "web", 0, "gone");
    tool_says(ctx, &cmd_stubdom_list, "nobody", 1, "");
}

static void one_without_a_stub_domain_is_said_to_have_none(void **state)
{
    fake_xen_domain(4, 4096, 4096);
    fake_store_set("/local/domain/4/name", "web");
    tool_says(ctx, &cmd_stubdom_list, "web", 1, "");
    assert_non_null(strstr(fake_messages(), "does not run in a stub domain"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_last_lines_are_shown_and_command_no_terminal, make, unmake),
        cmocka_unit_test_setup_teardown(what_comes_is_followed, make, unmake),
        cmocka_unit_test_setup_teardown(stub_domains_are_listed_with_their_state, make, unmake),
        cmocka_unit_test_setup_teardown(one_without_a_stub_domain_is_said_to_have_none, make, unmake),
    };
    int fd = mkstemp(file), failed;

    if (fd < 0)
        return 1;
    close(fd);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(file);
    return failed;
}
