/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a guest with its device model in a stub domain can be saved, by what the stub domain and dom0 say. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/process-state.h"
#include "core/stubdom-state.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/xenstore.h"

#define SAVE_NODE "/local/domain/5/device-model/4/xl-ext/save"
#define SAVED_NODE "/local/domain/5/device-model/4/xl-ext/saved"
#define PID_NODE "/local/domain/5/image/device-model-pid"

static struct xlx_ctx *ctx;

static int new_ctx(void **state)
{
    ctx = fake_ctx_new();
    return 0;
}

static int free_ctx(void **state)
{
    fake_ctx_free(ctx);
    return 0;
}

static void assert_why_not(const char *text)
{
    GC_SCOPE(gc);
    const char *why = stubdom_state_why_not(ctx, gc, 4, 5, NULL);

    assert_non_null(why);
    if (!strstr(why, text))
        fail_msg("'%s' does not tell of '%s'", why, text);
}

static void an_image_that_says_nothing_is_older(void **state)
{
    assert_why_not("the image of its stub domain 5 cannot save");
}

static void the_reason_of_the_stub_domain_is_passed_on(void **state)
{
    fake_store_set(SAVE_NODE, "no: console 1 cannot be used");
    assert_why_not("its stub domain 5 says: console 1 cannot be used");
}

static void what_could_command_a_terminal_is_not_shown(void **state)
{
    fake_store_set(SAVE_NODE, "no: \033[2J");
    assert_why_not("something that cannot be read");
}

static void another_format_is_named(void **state)
{
    fake_store_set(SAVE_NODE, "2");
    assert_why_not("saves in format 2");
    fake_store_set(SAVE_NODE, "");
    assert_why_not("saves in format");
}

static void pci_devices_are_in_the_way(void **state)
{
    fake_store_set(SAVE_NODE, STUBDOM_STATE_FORMAT);
    fake_store_set("/libxl/4/device/pci/0/backend", "/local/domain/0/backend/pci/4/0");
    assert_why_not("PCI devices");
}

static void without_a_qemu_for_the_consoles_nothing_is_saved(void **state)
{
    static const char *const pids[] = {NULL, "", "12x", "../1"};

    fake_store_set(SAVE_NODE, STUBDOM_STATE_FORMAT);
    for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
        fake_store_set(PID_NODE, pids[i]);
        assert_why_not("no QEMU in dom0 serves the consoles");
    }
}

/* A process that sleeps until it is killed. */
static pid_t start_process(char pid_text[16])
{
    pid_t pid = fork();

    if (pid == 0) {
        pause();
        _exit(0);
    }
    assert_true(pid > 0);
    snprintf(pid_text, 16, "%d", pid);
    fake_store_set(SAVE_NODE, STUBDOM_STATE_FORMAT);
    fake_store_set(PID_NODE, pid_text);
    return pid;
}

static void a_qemu_that_is_stopped_or_dead_is_named(void **state)
{
    char text[16];
    pid_t pid = start_process(text);
    siginfo_t info;

    kill(pid, SIGSTOP);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0);
    assert_why_not("is stopped");
    kill(pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    {
        GC_SCOPE(gc);

        assert_false(process_runs(gc, text));
    }
    waitpid(pid, NULL, 0);
    assert_why_not("has died");
}

static void a_file_that_is_nowhere_is_named(void **state)
{
    char text[16];
    pid_t pid = start_process(text);

    assert_why_not("/var/lib/xen/qemu-save.4, into which the state of its QEMU goes, is not there any more");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void the_last_state_is_read(void **state)
{
    uint32_t number = 0, crc = 0;
    GC_SCOPE(gc);

    assert_int_equal(stubdom_state_last(ctx, gc, 4, 5, &number, &crc), ERROR_NOTFOUND);
    fake_store_set(SAVED_NODE, "3 213840 0badcafe");
    assert_int_equal(stubdom_state_last(ctx, gc, 4, 5, &number, &crc), 0);
    assert_int_equal(number, 3);
    assert_int_equal(crc, 0x0badcafe);
    fake_store_set(SAVED_NODE, "3");
    assert_int_equal(stubdom_state_last(ctx, gc, 4, 5, &number, &crc), ERROR_NOTFOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_ctx, free_ctx)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_image_that_says_nothing_is_older),
        TEST(the_reason_of_the_stub_domain_is_passed_on),
        TEST(what_could_command_a_terminal_is_not_shown),
        TEST(another_format_is_named),
        TEST(pci_devices_are_in_the_way),
        TEST(without_a_qemu_for_the_consoles_nothing_is_saved),
        TEST(a_qemu_that_is_stopped_or_dead_is_named),
        TEST(a_file_that_is_nowhere_is_named),
        TEST(the_last_state_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
