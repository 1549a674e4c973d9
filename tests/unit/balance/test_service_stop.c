/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memd that is told to end, whatever its clients are in the midst of. */
#include "tests/fakes/talk.h"
#include "tests/unit/balance/service.h"

#define RESERVE_TOO_MUCH "{\"execute\": \"mem-reserve\", \"arguments\": {\"size_memkb\": 921600}}"
#define HOLD(id) "{\"execute\": \"mem-reserve-hold\", \"arguments\": {\"id\": \"" id "\"}}"
#define RELEASE(id) "{\"execute\": \"mem-reserve-release\", \"arguments\": {\"id\": \"" id "\"}}"
#define RANGE(domid)                                                                                                   \
    "{\"execute\": \"mem-range\", \"arguments\": {\"domain\": " domid ", \"min_memkb\": 262144, "                      \
    "\"max_memkb\": 1048576}}"

/* What happens, one line a turn of the loop: who says what; NULL: a guest reports. */
static const struct step {
    int talk;
    const char *text;
} session[] = {
    {0, RANGE("1") RANGE("2")},
    {0, NULL},
    {0, RESERVE_TOO_MUCH RESERVE_TOO_MUCH RESERVE_TOO_MUCH},
    {1, HOLD("r3")},
    /* What comes behind a hold waits for its answer. */
    {0, HOLD("r1") RELEASE("r2") HOLD("r2") RANGE("1") "{\"execute\": \"query-balance\"}" RESERVE_TOO_MUCH},
    {0, NULL},
    {2, "{\"execute\": \"mem-reserve\", \"arguments\": {\"size_memkb\": 4096}}" HOLD("r4") RELEASE("r3")},
    {2, RELEASE("r1")},
    {2, RELEASE("r1") "{\"execute\": \"query-plan\"}"},
    {0, NULL},
};
#define TALKS 3

static struct talk talks[TALKS];

/* Stops the service after so many turns; whether there were so many. */
static bool stopped_after(unsigned turns)
{
    char path[96];
    bool all = true;

    make(NULL);
    snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET, folder);
    for (int i = 0; i < TALKS; i++)
        talk_open(&talks[i], &env.ctx->loop, path);
    for (size_t i = 0; i < ARRAY_LEN(session) && all; i++) {
        if (session[i].text)
            talk_say(&talks[session[i].talk], session[i].text);
        else
            reports(1, 450);
        for (int turn = 0; turn < 6 && all; turn++) {
            talk_turn(&talks[turn % TALKS]);
            all = turns && --turns;
        }
    }
    unmake(NULL);
    for (int i = 0; i < TALKS; i++)
        talk_close(&talks[i]);
    return !all;
}

static void memd_may_be_told_to_end_at_any_moment_of_a_session(void **state)
{
    unsigned turns = 0;

    while (stopped_after(turns))
        turns++;
    assert_int_equal(turns, 6 * ARRAY_LEN(session) + 1);
}

static void who_waits_for_a_reservation_is_told_that_memd_ends_and_nothing_behind_runs(void **state)
{
    const char *answer;
    char path[96];

    make(NULL);
    snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET, folder);
    talk_open(&talks[0], &env.ctx->loop, path);
    talk_ask(&talks[0], RESERVE_TOO_MUCH);
    talk_ask(&talks[0], RESERVE_TOO_MUCH);
    talk_say(&talks[0], HOLD("r1") RELEASE("r2"));
    while (!service->holds)
        talk_turn(&talks[0]);
    stop_service();
    /* What was said stands in the socket. */
    answer = talk_read(&talks[0]);
    assert_non_null(answer);
    assert_non_null(strstr(answer, "memd ends"));
    assert_null(talk_read(&talks[0]));
    assert_true(talks[0].ended);
    talk_close(&talks[0]);
    /* For the next memd: both still wait. */
    assert_non_null(fake_store_get("/local/domain/0/xl-ext/kept/reservation-r1"));
    assert_non_null(fake_store_get("/local/domain/0/xl-ext/kept/reservation-r2"));
    leave();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memd_may_be_told_to_end_at_any_moment_of_a_session),
        cmocka_unit_test(who_waits_for_a_reservation_is_told_that_memd_ends_and_nothing_behind_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
