/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How often mem-top asks memd, by a clock that goes only while memd answers or nothing is to be done. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "balance/commands/commands.h"
#include "base/error.h"
#include "memd-client/client.h"
#include "tests/fakes/capture.h"
#include "tests/fakes/clock.h"
#include "tests/fakes/ctx.h"

#define ASKED 4

static struct xlx_ctx *ctx;
static int saved_input, keyboard;

/* ---- memd, in the place of the connection to it, by the linker's --wrap ---- */

static struct {
    uint64_t takes_ms;
    int rc;
    uint64_t asked_ms[ASKED];
    unsigned count;
} memd;

int __wrap_memd_connect(struct xlx_ctx *c, struct memd_client **client);
void __wrap_memd_disconnect(struct memd_client *client);
int __wrap_memd_call(struct memd_client *client, const char *command, const struct json *arguments,
                     const struct json **result);
int __wrap_memd_event(struct memd_client *client, uint64_t timeout_ms, const struct json **message);

int __wrap_memd_connect(struct xlx_ctx *c, struct memd_client **client)
{
    *client = (struct memd_client *)&memd; /* never looked into */
    return 0;
}

void __wrap_memd_disconnect(struct memd_client *client)
{
}

int __wrap_memd_event(struct memd_client *client, uint64_t timeout_ms, const struct json **message)
{
    return ERROR_TIMEDOUT;
}

static void answer_due(struct ev_timer *timer)
{
}

/* Runs the loop while the answer is waited for, as the real one does. The last call is given up, which ends mem-top. */
int __wrap_memd_call(struct memd_client *client, const char *command, const struct json *arguments,
                     const struct json **result)
{
    static struct json nothing = {.type = JSON_OBJECT};
    struct ev_timer answer = {.handle = NULL};

    memd.asked_ms[memd.count++] = fake_clock_ms();
    if (memd.count == ASKED)
        return ERROR_ABORTED;
    ev_timer_start(&ctx->loop, &answer, memd.takes_ms, 0, answer_due);
    while (ev_timer_active(&answer))
        uv_run(&ctx->loop, UV_RUN_ONCE);
    *result = &nothing;
    return memd.rc;
}

/* ---- */

static int begin(void **state)
{
    int terminal;

    ctx = fake_ctx_new();
    keyboard = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(keyboard >= 0 && !grantpt(keyboard) && !unlockpt(keyboard));
    terminal = open(ptsname(keyboard), O_RDWR | O_NOCTTY);
    saved_input = dup(STDIN_FILENO);
    assert_true(saved_input >= 0 && dup2(terminal, STDIN_FILENO) == STDIN_FILENO);
    close(terminal);
    return 0;
}

static int end(void **state)
{
    dup2(saved_input, STDIN_FILENO);
    close(saved_input);
    close(keyboard);
    fake_ctx_free(ctx);
    return 0;
}

/* Where memd's answer takes so long and ends with rc, from one question to the next it takes wanted_ms. */
static void asks_every(uint64_t wanted_ms, uint64_t takes_ms, int rc)
{
    char options[64] = "";
    struct xlx_ui ui = {.terminal = true};
    struct xlx_invocation in = {.ctx = ctx, .ui = &ui, .command = &cmd_mem_top, .options = options};
    struct capture screen;
    int status;

    assert_true(sizeof(options) >= cmd_mem_top.options_size);
    memd.takes_ms = takes_ms;
    memd.rc = rc;
    memd.count = 0;
    screen = capture_begin(stdout);
    status = cmd_mem_top.run(&in);
    capture_end(&screen);
    assert_int_equal(status, XLX_EXIT_INTERRUPTED);
    for (unsigned i = 1; i < ASKED; i++)
        assert_int_equal(memd.asked_ms[i] - memd.asked_ms[i - 1], wanted_ms);
}

static void a_quick_memd_is_asked_a_second_after_its_answer(void **state)
{
    asks_every(1000, 0, 0);
    asks_every(1250, 250, 0);
}

static void no_more_than_a_fifth_of_the_time_goes_into_long_answers(void **state)
{
    asks_every(1255, 251, 0);
    asks_every(15000, 3000, 0);
}

static void a_memd_that_does_not_answer_is_asked_again_as_soon_as_a_quick_one(void **state)
{
    asks_every(MEMD_TIMEOUT_MS + 1000, MEMD_TIMEOUT_MS, ERROR_TIMEDOUT);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_quick_memd_is_asked_a_second_after_its_answer),
        T(no_more_than_a_fifth_of_the_time_goes_into_long_answers),
        T(a_memd_that_does_not_answer_is_asked_again_as_soon_as_a_quick_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
