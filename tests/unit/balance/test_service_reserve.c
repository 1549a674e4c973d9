/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reservations: those who hold them, and memd that is started again. */
#include "tests/unit/balance/service.h"

/* Asks for a reservation that lives as long as the connection. */
static int ask_and_hold(struct memd_client *c, struct gc *gc, uint64_t memkb)
{
    struct json *w = json_new_object(gc);
    const struct json *m;
    const char *id;

    json_set_u64(gc, w, "size_memkb", memkb);
    if (memd_call(c, CONTROL_RESERVE, w, &m) || !json_member_string(m, "id", &id))
        return 1;
    w = json_new_object(gc);
    json_set_string(gc, w, "id", id);
    if (memd_send(c, CONTROL_RESERVE_HOLD, w))
        return 2;
    return 0;
}

/* Reserves 300 MiB and waits until they are there. */
static int reserve(struct memd_client *c, struct gc *gc)
{
    const struct json *m;
    const char *text;
    int failed = ask_and_hold(c, gc, 300 * MIB);

    if (failed)
        return failed;
    while (!memd_event(c, 10000, &m)) {
        const struct json *data = json_member(m, "data");

        /* Held until this process is ended. */
        if (json_member_string(data, "state", &text) && !strcmp(text, "ready"))
            pause();
    }
    return 3;
}

/* 0: the history marks the reservation, with its size and without a domain. */
static int find_in_history(struct memd_client *c)
{
    const struct json *m, *marks, *mark;
    const char *kind;
    uint64_t memkb;

    if (memd_call(c, CONTROL_HISTORY, NULL, &m))
        return 4;
    marks = json_member(m, "marks");
    if (marks->list.count != 1)
        return 5;
    mark = marks->list.items[0];
    if (!json_member_string(mark, "kind", &kind) || strcmp(kind, "reservation") != 0)
        return 6;
    if (!json_member_u64(mark, "memkb", &memkb) || memkb != 300 * MIB)
        return 7;
    return json_member(mark, "domid")->type == JSON_NULL ? 0 : 8;
}

static int reserve_and_look(struct memd_client *c, struct gc *gc)
{
    struct json *w = json_new_object(gc);
    const struct json *m;
    const char *text;

    json_set_u64(gc, w, "size_memkb", 300 * MIB);
    if (memd_call(c, CONTROL_RESERVE, w, &m))
        return 1;
    while (!memd_event(c, 10000, &m)) {
        const struct json *data = json_member(m, "data");

        if (json_member_string(data, "state", &text) && !strcmp(text, "ready"))
            return find_in_history(c);
    }
    return 3;
}

static void a_reservation_is_marked_in_the_history(void **state)
{
    /* The guests give it, once they have ranges. */
    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    reports(1, 100);
    reports(2, 100);
    run_for(300);
    assert_int_equal(ask(reserve_and_look), 0);
}

static bool room_is_made(void)
{
    return TOTAL_MEMKB - domains[0]->actual_kb - domains[1]->actual_kb >= RESERVE_MEMKB + 300 * MIB;
}

static bool all_is_back(void)
{
    return target_mib(1) + target_mib(2) > 950;
}

static void a_reservation_is_ready_when_it_is_free_and_ends_with_its_holder(void **state)
{
    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    reports(1, 100);
    reports(2, 100);
    run_for(300);
    begin_client(reserve);
    assert_true(soon(room_is_made));
    run_for(500);
    assert_true(room_is_made());
    assert_non_null(fake_store_get("/local/domain/0/xl-ext/kept/reservation-r1"));
    kill(client, SIGTERM);
    assert_int_equal(end_client(), -1);
    assert_true(soon(all_is_back));
    assert_null(fake_store_get("/local/domain/0/xl-ext/kept/reservation-r1"));
}

/* More than there is, so that it waits; held by this process only. */
static int reserve_in_vain(struct memd_client *c, struct gc *gc)
{
    int failed = ask_and_hold(c, gc, 900 * MIB);

    if (!failed)
        pause();
    return failed;
}

static bool somebody_holds(void)
{
    return service->holds;
}

static bool nobody_holds(void)
{
    return !service->holds && !fake_store_get("/local/domain/0/xl-ext/kept/reservation-r1");
}

/* memd learns that the client is gone when it tells it that the memory is there: within the balancer's round. */
static void a_holder_that_died_unnoticed_loses_its_reservation(void **state)
{
    run_for(100);
    begin_client(reserve_in_vain);
    assert_true(soon(somebody_holds));
    kill(client, SIGKILL);
    assert_int_equal(waitpid(client, NULL, 0), client);
    domains[0]->look = domains[1]->look = NULL;
    fake_xen_free_kb(2048 * MIB);
    /* Any reason for a round. */
    balancer_domain_changed(service->balancer, 1);
    usleep(100000);
    balancer_wake(service->balancer);
    assert_true(soon(nobody_holds));
}

/* ---- holders and memd that is started again ---- */

static void no_progress(struct xlx_ui *ui, const char *format, ...)
{
}

static const struct xlx_ui_ops silent_ops = {.progress = no_progress};

/* Waits for more than there is, then runs a program that never ends. */
static int reserve_and_run(struct memd_client *c, struct gc *gc)
{
    struct xlx_ui ui = {.ops = &silent_ops};
    struct reserve_wish wish = {.size_memkb = 900 * MIB, .domid = -1};
    struct reserve_got got;
    char *argv[] = {gc_strdup(gc, "sleep"), gc_strdup(gc, "1000"), NULL};

    setpgid(0, 0);
    if (reserve_wait(env.ctx, &ui, &c, &wish, &got))
        return 1;
    return run_program_holding(env.ctx, argv, &c, &got, NULL, NULL);
}

static bool is_kept(const char *state)
{
    const char *value = fake_store_get("/local/domain/0/xl-ext/kept/reservation-r1");

    return value && *value == *state;
}

static bool is_ready(void)
{
    return is_kept("1");
}

static void start_again(void)
{
    stop_service();
    start_service();
}

static void who_waits_or_runs_with_a_reservation_comes_back_to_memd(void **state)
{
    run_for(100);
    begin_client(reserve_and_run);
    assert_true(soon(somebody_holds));
    start_again();
    /* Held again by who still waits for it. */
    assert_true(soon(somebody_holds));
    assert_true(is_kept("0"));
    domains[0]->look = domains[1]->look = NULL;
    fake_xen_free_kb(2048 * MIB);
    assert_true(soon(is_ready));
    run_for(1000);
    start_again();
    /* And by who runs a program with it. */
    assert_true(soon(somebody_holds));
    assert_true(is_ready());
    kill(-client, SIGKILL);
    assert_int_equal(end_client(), -1);
    assert_true(soon(nobody_holds));
}

/* A memd that found no reservations gives the name to another client. */
static void who_comes_back_too_late_takes_nobody_elses_reservation(void **state)
{
    const struct reserve_request other = {.size_memkb = 900 * MIB, .domid = RESERVE_NO_DOMAIN};
    char id[RESERVE_ID_LEN];

    run_for(100);
    begin_client(reserve_and_run);
    assert_true(soon(somebody_holds));
    stop_service();
    fake_store_set("/local/domain/0/xl-ext/kept/reservation-r1", NULL);
    usleep(100000);
    start_service();
    assert_int_equal(balancer_reserve(service->balancer, &other, id), 0);
    assert_string_equal(id, "r1");
    assert_int_equal(end_client(), 1);
    assert_null(service->holds);
    assert_true(is_kept("0"));
}

static int send_about(struct memd_client *c, struct gc *gc, const char *command, const char *id)
{
    struct json *w = json_new_object(gc);

    json_set_string(gc, w, "id", id);
    return memd_send(c, command, w);
}

/* The first connection sends a second command while its hold is not answered; the end of r1, by another, runs it. */
static int hold_and_go_on(struct memd_client *c, struct gc *gc)
{
    struct memd_client *other, *third;
    const struct json *m;
    int answers = 0;

    for (int i = 0; i < 3; i++) {
        struct json *w = json_new_object(gc);

        json_set_u64(gc, w, "size_memkb", 900 * MIB);
        if (memd_call(c, CONTROL_RESERVE, w, &m))
            return 1;
    }
    if (memd_connect(env.ctx, &other) || memd_connect(env.ctx, &third) ||
        send_about(other, gc, CONTROL_RESERVE_HOLD, "r3"))
        return 2;
    usleep(200000);
    if (send_about(c, gc, CONTROL_RESERVE_HOLD, "r1") || send_about(c, gc, CONTROL_RESERVE_RELEASE, "r2"))
        return 3;
    usleep(200000);
    if (send_about(third, gc, CONTROL_RESERVE_RELEASE, "r1"))
        return 4;
    while (answers < 2 && !memd_event(c, 10000, &m))
        answers += json_member(m, "return") != NULL;
    memd_disconnect(other);
    memd_disconnect(third);
    return answers == 2 ? 0 : 5;
}

static bool none_is_kept(void)
{
    return !service->holds && !fake_store_get("/local/domain/0/xl-ext/kept/reservation-r1") &&
           !fake_store_get("/local/domain/0/xl-ext/kept/reservation-r2") &&
           !fake_store_get("/local/domain/0/xl-ext/kept/reservation-r3");
}

static void what_a_holder_sent_meanwhile_runs_after_its_answer(void **state)
{
    assert_int_equal(ask(hold_and_go_on), 0);
    assert_true(soon(none_is_kept));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reservation_is_ready_when_it_is_free_and_ends_with_its_holder, make, unmake),
        cmocka_unit_test_setup_teardown(a_reservation_is_marked_in_the_history, make, unmake),
        cmocka_unit_test_setup_teardown(a_holder_that_died_unnoticed_loses_its_reservation, make, unmake),
        cmocka_unit_test_setup_teardown(who_waits_or_runs_with_a_reservation_comes_back_to_memd, make, unmake),
        cmocka_unit_test_setup_teardown(who_comes_back_too_late_takes_nobody_elses_reservation, make, unmake),
        cmocka_unit_test_setup_teardown(what_a_holder_sent_meanwhile_runs_after_its_answer, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
