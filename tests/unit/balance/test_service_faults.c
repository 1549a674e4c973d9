/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every call of xenstore and the hypervisor that an operation of memd makes fails in turn, with every error that it can
 * have; and every call is the last before memd is killed. What is left is consistent, and the operation is finished or
 * undone afterwards, by the same memd or by the next.
 */
#include <errno.h>

#include "tests/fakes/clock.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/talk.h"
#include "tests/unit/balance/service.h"

#define UUID1 "01010101-0101-0101-0101-010101010101"
#define UUID2 "02020202-0202-0202-0202-020202020202"
#define OURS "/local/domain/0/xl-ext/"
#define RANGE(domid, min)                                                                                              \
    "{\"execute\": \"mem-range\", \"arguments\": {\"domain\": " domid ", \"min_memkb\": " min ", "                     \
    "\"max_memkb\": 1048576}}"
#define RESERVE "{\"execute\": \"mem-reserve\", \"arguments\": {\"size_memkb\": 102400}}"

/* ENOSPC is xenstored's word for a full quota, EAGAIN for a conflict, ESRCH the hypervisor's for a domain that went. */
static const int errors[] = {EIO, ENOMEM, EAGAIN, ENOSPC, EBUSY, ESRCH, EPERM};

static struct talk line;

/* The balancer's clock goes with the loop's. */
uint64_t __wrap_ev_clock_ms(void);
uint64_t __wrap_ev_clock_ms(void)
{
    return fake_clock_ms();
}

static void time_is_over(struct ev_timer *timer)
{
    ev_timer_stop(timer);
}

static void pass(uint64_t ms)
{
    struct ev_timer timer = {.handle = NULL};

    ev_timer_start(&env.ctx->loop, &timer, ms, 0, time_is_over);
    while (ev_timer_active(&timer))
        uv_run(&env.ctx->loop, UV_RUN_ONCE);
}

static void open_line(void)
{
    char path[96];

    snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET, folder);
    talk_open(&line, &env.ctx->loop, path);
}

/* Whether memd took it. */
static bool accepts(const char *request)
{
    const char *answer = talk_ask(&line, request);

    assert_non_null(answer);
    return strstr(answer, "\"return\"") || strstr(answer, "the range is kept, but");
}

/* ---- what must hold at any time ---- */

static uint64_t number_at(const char *path)
{
    const char *text = fake_store_get(path);

    return text ? strtoull(text, NULL, 10) : 0;
}

static uint64_t node_kb(uint32_t domid, const char *node)
{
    char path[96];

    snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, node);
    return number_at(path);
}

/* A target that is recorded for memd's own is the one that stands, and the guest can reach it. */
static void targets_are_whole(void)
{
    for (uint32_t domid = 1; domid <= 2; domid++) {
        uint64_t target = node_kb(domid, "memory/target"), own;
        char path[64];

        snprintf(path, sizeof(path), OURS "own-target/%u", domid);
        own = number_at(path);
        assert_true(!own || own == target);
        assert_true(domains[domid - 1]->max_kb >= target);
    }
}

/* What is shown of a range is what is kept. */
static void ranges_are_whole(void)
{
    uint64_t kept1 = number_at(OURS "range/" UUID1), kept2 = number_at(OURS "range/" UUID2);

    assert_true(!kept1 || node_kb(1, "memory/dynamic-min") == kept1);
    assert_true(!kept2 || node_kb(2, "memory/dynamic-min") == kept2);
}

static uint64_t could_be_held(void)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < ARRAY_LEN(domains); i++)
        sum += domains[i]->actual_kb > domains[i]->max_kb ? domains[i]->actual_kb : domains[i]->max_kb;
    return sum;
}

/* Nobody can take what is to stay free, unless somebody could before. */
static void memory_is_covered(uint64_t before)
{
    uint64_t most = before > TOTAL_MEMKB - RESERVE_MEMKB ? before : TOTAL_MEMKB - RESERVE_MEMKB;

    assert_true(could_be_held() <= most);
}

static bool kept_reservations(void)
{
    char *all = fake_store_dump();
    bool any = strstr(all, OURS "kept/reservation-");

    free(all);
    return any;
}

/* ---- operations ---- */

/* Both are balanced, and at rest. */
static void begin_balanced(void)
{
    assert_true(accepts(RANGE("1", "262144")));
    assert_true(accepts(RANGE("2", "262144")));
    reports(1, 300);
    reports(2, 200);
    pass(20000);
}

static void begin_alone(void)
{
    assert_true(accepts(RANGE("2", "262144")));
    pass(2000);
}

/* What memd answered. */
static bool taken;

static void give_a_range(void)
{
    taken = accepts(RANGE("1", "307200"));
}

static void range_is_as_answered(void)
{
    assert_int_equal(taken, number_at(OURS "range/" UUID1) == 307200);
}

static void forget_a_range(void)
{
    taken = accepts("{\"execute\": \"mem-range-forget\", \"arguments\": {\"domain\": 1}}");
}

static void range_is_gone_as_answered(void)
{
    assert_int_equal(taken, fake_store_get(OURS "range/" UUID1) == NULL);
}

static void need_memory(void)
{
    reports(1, 450);
    pass(3000);
}

/* A guest reports again, the oftener the less it has. */
static void memory_has_come(void)
{
    for (unsigned i = 0; i < 30; i++) {
        reports(1, 450);
        pass(4000);
    }
    assert_in_range(target_mib(1), 530, 1024);
}

static void reserve_and_release(void)
{
    taken = accepts(RESERVE);
    pass(3000);
    accepts("{\"execute\": \"mem-reserve-release\", \"arguments\": {\"id\": \"r1\"}}");
    pass(1000);
}

/* One that memd could not take out of the store counts for nothing, and the next memd ends it. */
static void nothing_is_reserved(void)
{
    assert_int_equal(accepts("{\"execute\": \"query-reservations\"}"), true);
    assert_non_null(strstr(line.line, "\"return\": []"));
    if (kept_reservations()) {
        talk_close(&line);
        stop_service();
        start_service();
        open_line();
        pass(120000);
    }
    assert_false(kept_reservations());
}

static const struct operation {
    const char *name;
    void (*begin)(void), (*act)(void);
    void (*answered)(void); /* what the answer says is so; NULL: nothing to see */
    void (*finished)(void); /* it came to its end in time; NULL: nothing to see */
} operations[] = {
    {"a range is given", begin_alone, give_a_range, range_is_as_answered, NULL},
    {"a range is changed", begin_balanced, give_a_range, range_is_as_answered, NULL},
    {"a range is forgotten", begin_balanced, forget_a_range, range_is_gone_as_answered, NULL},
    {"a guest needs memory", begin_balanced, need_memory, NULL, memory_has_come},
    {"memory is reserved", begin_balanced, reserve_and_release, NULL, nothing_is_reserved},
};

static void check(const struct operation *o, uint64_t before)
{
    pass(70000);
    targets_are_whole();
    ranges_are_whole();
    memory_is_covered(before);
    if (o->finished)
        o->finished();
    targets_are_whole();
    memory_is_covered(before);
}

/* Whether there is such a call. */
static bool fails_at(const struct operation *o, unsigned at, int error)
{
    uint64_t before;
    bool struck;

    make(NULL);
    open_line();
    o->begin();
    before = could_be_held();
    fault_arm(at, error);
    o->act();
    struck = fault_struck();
    fault_arm(0, 0);
    if (o->answered)
        o->answered();
    targets_are_whole();
    check(o, before);
    talk_close(&line);
    unmake(NULL);
    return struck;
}

static bool is_killed_at(const struct operation *o, unsigned at)
{
    uint64_t before;
    bool struck;

    make(NULL);
    open_line();
    o->begin();
    before = could_be_held();
    fault_arm_for_good(at, EIO);
    o->act();
    struck = fault_struck();
    talk_close(&line);
    stop_service();
    fake_ctx_killed(env.ctx);
    env.ctx = fake_ctx_again();
    start_service();
    service->all_told = true;
    open_line();
    check(o, before);
    talk_close(&line);
    unmake(NULL);
    return struck;
}

/* ---- tests ---- */

static void no_error_of_any_call_leaves_anything_half_done(void **state)
{
    for (size_t o = 0; o < ARRAY_LEN(operations); o++) {
        unsigned calls = 0;

        for (size_t e = 0; e < ARRAY_LEN(errors); e++) {
            for (unsigned at = 1; fails_at(&operations[o], at, errors[e]); at++)
                calls++;
        }
        print_message("# %s: %u failures\n", operations[o].name, calls);
        assert_true(calls > 3 * ARRAY_LEN(errors));
    }
}

static void whatever_call_is_the_last_the_next_memd_finishes_or_undoes(void **state)
{
    for (size_t o = 0; o < ARRAY_LEN(operations); o++) {
        unsigned at = 1;

        while (is_killed_at(&operations[o], at))
            at++;
        print_message("# %s: %u kills\n", operations[o].name, at - 1);
        assert_true(at > 4);
    }
}

/* For a minute, whatever is tried; the guest is short meanwhile. */
static void a_xenstored_that_refuses_for_a_minute_is_not_asked_without_pause_and_then_all_goes_on(void **state)
{
    static const struct {
        const char *call;
        int error;
    } refusals[] = {{"xs_transaction_end", EAGAIN}, {"xs_transaction_start", EAGAIN}, {"xs_write", ENOSPC}};

    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        unsigned looks;

        make(NULL);
        open_line();
        begin_balanced();
        looks = fake_xen_looks();
        fault_only(refusals[i].call);
        fault_arm_for_good(1, refusals[i].error);
        reports(1, 450);
        pass(60000);
        assert_true(fault_struck());
        assert_in_range(fake_xen_looks() - looks, 1, 200);
        fault_arm(0, 0);
        fault_only(NULL);
        memory_has_come();
        targets_are_whole();
        talk_close(&line);
        unmake(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_error_of_any_call_leaves_anything_half_done),
        cmocka_unit_test(whatever_call_is_the_last_the_next_memd_finishes_or_undoes),
        cmocka_unit_test(a_xenstored_that_refuses_for_a_minute_is_not_asked_without_pause_and_then_all_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
