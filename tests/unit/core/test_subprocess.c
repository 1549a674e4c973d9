/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs that are run: real ones, /bin/sh before all. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/subprocess.h"
#include "tests/fakes/ctx.h"

static struct xlx_ctx *ctx;
static struct gc *pool;

static int new_ctx(void **state)
{
    ctx = fake_ctx_new();
    pool = gc_new();
    return 0;
}

static int free_ctx(void **state)
{
    gc_free(pool);
    fake_ctx_free(ctx);
    return 0;
}

static struct subprocess shell(const char *command)
{
    return (struct subprocess){
        .ao = {.ctx = ctx},
        .gc = pool,
        .command = command,
        .out = SUBPROCESS_CAPTURED,
        .err = SUBPROCESS_CAPTURED,
    };
}

static int run(struct subprocess *p)
{
    subprocess_start(p);
    return ao_wait(&p->ao);
}

static void both_streams_and_the_exit_status_are_kept_apart(void **state)
{
    struct subprocess p = shell("echo said; echo complained >&2; exit 3");

    assert_int_equal(run(&p), 0);
    assert_string_equal(p.output.text, "said\n");
    assert_int_equal(p.output.len, 5);
    assert_string_equal(p.errors.text, "complained\n");
    assert_int_equal(p.exit_status, 3);
}

static void an_operation_can_be_started_again(void **state)
{
    struct subprocess p = shell("echo once; exit 1");

    assert_int_equal(run(&p), 0);
    p.command = "exit 0";
    assert_int_equal(run(&p), 0);
    assert_string_equal(p.output.text, "");
    assert_int_equal(p.exit_status, 0);
}

static void arguments_reach_the_program_as_they_are(void **state)
{
    char name[] = "printf", format[] = "<%s>", spaces[] = "two words", quotes[] = "'\"$HOME", empty[] = "";
    char *argv[] = {name, format, spaces, quotes, empty, NULL};
    struct subprocess p = {.ao = {.ctx = ctx}, .gc = pool, .argv = argv, .out = SUBPROCESS_CAPTURED};

    assert_int_equal(run(&p), 0);
    assert_string_equal(p.output.text, "<two words><'\"$HOME><>");
}

static void standard_input_is_empty(void **state)
{
    struct subprocess p = shell("cat; echo end");

    assert_int_equal(run(&p), 0);
    assert_string_equal(p.output.text, "end\n");
}

static void a_stream_that_is_dropped_leaves_nothing(void **state)
{
    struct subprocess p = shell("echo said; echo complained >&2");

    p.err = SUBPROCESS_DROPPED;
    assert_int_equal(run(&p), 0);
    assert_string_equal(p.output.text, "said\n");
    assert_string_equal(p.errors.text, "");
}

static void a_signal_counts_as_a_shell_counts_it(void **state)
{
    struct subprocess p = shell("kill -KILL $$");

    assert_int_equal(run(&p), 0);
    assert_int_equal(p.exit_status, 128 + SIGKILL);
}

static void a_program_that_prints_for_ever_is_ended(void **state)
{
    struct subprocess p = shell("exec yes");

    p.output_max = 10000;
    assert_int_equal(run(&p), ERROR_BUFFERFULL);
    assert_true(p.output.len <= 10000);
    assert_int_equal(p.exit_status, 128 + SIGTERM);
}

static void output_of_the_allowed_length_is_whole(void **state)
{
    struct subprocess p = shell("head -c 100000 /dev/zero");

    p.output_max = 100000;
    assert_int_equal(run(&p), 0);
    assert_int_equal(p.output.len, 100000);
}

static void too_many_complaints_are_dropped_and_the_program_goes_on(void **state)
{
    struct subprocess p = shell("head -c 1200000 /dev/zero >&2; echo done");

    assert_int_equal(run(&p), 0);
    assert_int_equal(p.errors.len, SUBPROCESS_OUTPUT_MAX);
    assert_string_equal(p.output.text, "done\n");
}

static void a_program_that_ignores_the_request_to_end_is_killed(void **state)
{
    struct subprocess p = shell("trap '' TERM; while :; do sleep 0.1; done");

    p.ao.timeout_ms = 200;
    assert_int_equal(run(&p), ERROR_TIMEDOUT);
    assert_int_equal(p.exit_status, 128 + SIGKILL);
}

/* Its child lives until the test closes a pipe, and keeps the output open all the time. */
static void the_output_of_a_childs_child_is_not_waited_for_after_a_time_out(void **state)
{
    int fds[2];
    struct subprocess p;

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(fcntl(fds[1], F_SETFD, FD_CLOEXEC), 0);
    /* A shell need not know "<&10". */
    p = shell(gc_printf(pool, "cat </proc/self/fd/%d & wait", fds[0]));
    p.ao.timeout_ms = 200;
    assert_int_equal(run(&p), ERROR_TIMEDOUT);
    close(fds[0]);
    close(fds[1]);
}

static void interrupt(struct ev_timer *timer)
{
    raise(SIGINT);
}

static void an_interrupt_ends_the_program(void **state)
{
    struct subprocess p = shell("exec sleep 1000");
    struct ev_timer timer = {0};

    ev_timer_start(&ctx->loop, &timer, 100, 0, interrupt);
    assert_int_equal(run(&p), ERROR_ABORTED);
    assert_int_equal(p.exit_status, 128 + SIGTERM);
}

static void a_program_that_does_not_exist_is_named(void **state)
{
    char name[] = "no-such-program", *argv[] = {name, NULL};
    struct subprocess p = {.ao = {.ctx = ctx}, .gc = pool, .argv = argv, .out = SUBPROCESS_CAPTURED};

    assert_int_equal(run(&p), ERROR_NOTFOUND);
    assert_string_equal(fake_messages(), "cannot run no-such-program: no such file or directory\n");
}

static void a_file_that_is_no_program_is_another_error(void **state)
{
    char name[] = "/proc/self/status", *argv[] = {name, NULL};
    struct subprocess p = {.ao = {.ctx = ctx}, .gc = pool, .argv = argv};

    assert_int_equal(run(&p), ERROR_FAIL);
    assert_non_null(strstr(fake_messages(), "cannot run /proc/self/status: "));
}

static void a_detached_program_leads_its_own_session_in_the_root_folder(void **state)
{
    char name[] = "named", option[] = "-c";
    char script[] = "pwd; [ \"$(cut -d' ' -f6 /proc/$$/stat)\" = $$ ] && echo leader; cat; echo complaint >&2";
    char *argv[] = {name, option, script, NULL};
    char text[200] = "";
    size_t len = 0;
    ssize_t r;
    int fds[2];

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(subprocess_detach(ctx, "/bin/sh", argv, fds[1]), 0);
    close(fds[1]);
    while ((r = read(fds[0], text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)r;
    close(fds[0]);
    assert_string_equal(text, "/\nleader\ncomplaint\n");
}

static void the_last_words_of_a_program_are_its_last_line_made_harmless(void **state)
{
    static const struct {
        const char *command, *words;
    } cases[] = {{"echo first >&2; printf 'last\\033[2J\\n\\n' >&2", "last?[2J"},
                 {"printf one >&2", "one"},
                 {"echo elsewhere", NULL},
                 {"echo >&2", NULL}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct subprocess p = {.ao = {.ctx = ctx}, .gc = pool, .command = cases[i].command, .err = SUBPROCESS_CAPTURED};
        const char *words;

        subprocess_start(&p);
        assert_int_equal(ao_wait(&p.ao), 0);
        words = subprocess_last_words(pool, &p);
        if (cases[i].words)
            assert_string_equal(words, cases[i].words);
        else
            assert_null(words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_streams_and_the_exit_status_are_kept_apart, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(an_operation_can_be_started_again, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(arguments_reach_the_program_as_they_are, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(standard_input_is_empty, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(a_stream_that_is_dropped_leaves_nothing, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(a_signal_counts_as_a_shell_counts_it, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(a_program_that_prints_for_ever_is_ended, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(output_of_the_allowed_length_is_whole, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(too_many_complaints_are_dropped_and_the_program_goes_on, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(a_program_that_ignores_the_request_to_end_is_killed, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(the_output_of_a_childs_child_is_not_waited_for_after_a_time_out, new_ctx,
                                        free_ctx),
        cmocka_unit_test_setup_teardown(an_interrupt_ends_the_program, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(the_last_words_of_a_program_are_its_last_line_made_harmless, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(a_program_that_does_not_exist_is_named, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_program_is_another_error, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(a_detached_program_leads_its_own_session_in_the_root_folder, new_ctx, free_ctx),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
