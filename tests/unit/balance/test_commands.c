/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem-range, mem-reserve, mem-why, mem-top and mem-plan against a memd in the same test: each runs as a process of its
 * own. */
#include "balance/commands/commands.h"
#include "tests/fakes/tool.h"
#include "tests/unit/balance/service.h"

/* Whether a command, as a process of its own, ends with that status and has said that text. */
static bool runs(const struct xlx_command *command, const char *words, int status, const char *text)
{
    begin_process();
    if (!client) {
        struct xlx_ctx *ctx;
        int got;

        alarm(LIMIT_MS / 1000);
        /* A loop of its own: the other is memd's. */
        if (xlx_ctx_new(&ctx, env.ctx->logger))
            end_process(99);
        got = tool_run(ctx, command, words);
        if (got != status || !strstr(tool_said(), text))
            fprintf(stderr, "%s %s: status %d, said:\n%s\n%s\n", command->name, words, got, tool_said(),
                    fake_messages());
        end_process(got == status && strstr(tool_said(), text) ? 0 : 1);
    }
    return end_client() == 0;
}

static void a_range_is_given_changed_and_forgotten(void **state)
{
    assert_true(runs(&cmd_mem_range, "guest1 300 900 512", 0, ""));
    assert_string_equal(fake_store_get("/local/domain/1/memory/dynamic-min"), "307200");
    assert_true(runs(&cmd_mem_range, "--lend 50% guest1 300 800", 0, ""));
    assert_string_equal(fake_store_get("/local/domain/1/memory/dynamic-weight"), "512");
    assert_true(runs(&cmd_mem_range, "guest1 auto", 0, ""));
    assert_true(runs(&cmd_mem_range, "guest1 10 900", 4, ""));
    assert_true(runs(&cmd_mem_range, "guest1 900 300", 2, ""));
    assert_true(runs(&cmd_mem_range, "guest1 900", 2, ""));
    assert_true(runs(&cmd_mem_range, "guest1 300 900 0", 2, ""));
    assert_true(runs(&cmd_mem_range, "--lend much guest1 300 900", 2, ""));
    assert_true(runs(&cmd_mem_range, "nobody 300 900", 1, ""));
    assert_true(runs(&cmd_mem_range, "guest1 none", 0, ""));
    assert_null(fake_store_get("/local/domain/1/memory/dynamic-min"));
    assert_true(runs(&cmd_mem_range, "guest1 auto", 1, ""));
}

static void without_memd_a_range_is_kept_and_the_others_say_so(void **state)
{
    assert_true(runs(&cmd_mem_range, "guest1 300 900", 0, ""));
    stop_service();
    /* What a process writes that was forked is in its own copy of the store: this one writes here. */
    assert_int_equal(tool_run(env.ctx, &cmd_mem_range, "guest2 300 900"), 0);
    assert_string_equal(fake_store_get("/local/domain/2/memory/dynamic-max"), "921600");
    assert_int_equal(tool_run(env.ctx, &cmd_mem_range, "guest2 900 300"), 2);
    assert_int_equal(tool_run(env.ctx, &cmd_mem_range, "guest2 auto"), 1);
    assert_int_equal(tool_run(env.ctx, &cmd_mem_why, "guest2"), 1);
    assert_int_equal(tool_run(env.ctx, &cmd_mem_top, "--once"), 1);
    assert_int_equal(tool_run(env.ctx, &cmd_mem_reserve, "10"), 1);
    assert_int_equal(tool_run(env.ctx, &cmd_mem_plan, ""), 1);
    start_service();
}

static void views_show_what_memd_knows(void **state)
{
    assert_int_equal(ask(give_ranges), 0);
    reports(1, 300);
    run_for(200);
    assert_true(runs(&cmd_mem_top, "--once", 0, "guest1"));
    assert_true(runs(&cmd_mem_top, "--once --json", 0, "\"managed\": true"));
    assert_true(runs(&cmd_mem_top, "--once --prometheus", 0, "xlext_domain_actual_bytes"));
    assert_true(runs(&cmd_mem_why, "guest1", 0, "guest1"));
    assert_true(runs(&cmd_mem_why, "--json guest1", 0, "\"history\""));
    assert_true(runs(&cmd_mem_why, "nobody", 1, ""));
    assert_true(runs(&cmd_mem_plan, "", 0, "guest1"));
    assert_true(runs(&cmd_mem_plan, "--json", 0, "\"shortfall_memkb\""));
    put(1, "memory/target", "400000");
    run_for(200);
    assert_true(runs(&cmd_mem_why, "guest1", 0, "auto"));
}

static void memory_is_reserved_listed_and_released(void **state)
{
    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    reports(1, 100);
    reports(2, 100);
    run_for(300);
    assert_true(runs(&cmd_mem_reserve, "20", 0, "r1"));
    assert_true(runs(&cmd_mem_reserve, "--list", 0, "r1"));
    assert_true(runs(&cmd_mem_reserve, "--list --json", 0, "\"id\": \"r1\""));
    assert_true(runs(&cmd_mem_reserve, "--release r1", 0, ""));
    assert_true(runs(&cmd_mem_reserve, "--release r1", 1, ""));
    assert_true(runs(&cmd_mem_reserve, "--list", 0, ""));
    assert_true(runs(&cmd_mem_reserve, "20 -- true", 0, ""));
    assert_true(runs(&cmd_mem_reserve, "20 -- false", 1, ""));
    assert_true(runs(&cmd_mem_reserve, "--for guest1 20", 0, ""));
    assert_true(runs(&cmd_mem_reserve, "-t 1 9g", 3, ""));
    assert_true(runs(&cmd_mem_reserve, "9g -t 1 -- true", 3, ""));
    assert_true(runs(&cmd_mem_reserve, "much", 2, ""));
    assert_true(runs(&cmd_mem_reserve, "", 2, ""));
    assert_true(runs(&cmd_mem_reserve, "--for guest1 20 -- true", 2, ""));
    assert_true(runs(&cmd_mem_reserve, "20 -- /nowhere/such-a-program", 1, ""));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make, unmake)
    const struct CMUnitTest tests[] = {
        T(a_range_is_given_changed_and_forgotten),
        T(without_memd_a_range_is_kept_and_the_others_say_so),
        T(views_show_what_memd_knows),
        T(memory_is_reserved_listed_and_released),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
