/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All of memd, on xenstore, hypervisor and clock in memory, through a long session: domains come, are renamed, move, are
 * shut down and go, guests report, monitors and the control socket have clients in the midst of everything. memd is told
 * to end after each turn of its loop in turn, and xenstored is lost after each: nothing is used that is gone, and nothing
 * is left (the fakes and the sanitizers look).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "memd/memd.h"
#include "tests/fakes/clock.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/talk.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

#define MIB UINT64_C(1024)
/* Of the loop, after each step. */
#define TURNS 8
#define TALKS 4

static struct xlx_ctx *ctx;
static struct service_domains table;
static struct service_env envs[SERVICES_MAX];
static void *states[SERVICES_MAX];
static struct tracker *tracker;
static struct config *config;
static char folder[] = "/tmp/xl-ext-test-XXXXXX";
static struct fake_domain *domains[4];
static struct talk talks[TALKS];

/* The balancer's clock goes with the loop's. */
uint64_t __wrap_ev_clock_ms(void);
uint64_t __wrap_ev_clock_ms(void)
{
    return fake_clock_ms();
}

/* ---- what memd tells its services ---- */

#define TELL_ALL(operation, ...)                                                                                       \
    for (size_t i = 0; memd_services[i]; i++) {                                                                        \
        if (memd_services[i]->operation)                                                                               \
            memd_services[i]->operation(states[i], __VA_ARGS__);                                                       \
    }

static void appeared(void *arg, struct service_domain *domain)
{
    TELL_ALL(domain_appeared, domain);
}

static void renamed(void *arg, struct service_domain *domain)
{
    TELL_ALL(domain_renamed, domain);
}

static void written(void *arg, struct service_domain *domain, enum service_node node)
{
    TELL_ALL(domain_written, domain, node);
}

static void shut_down(void *arg, struct service_domain *domain, unsigned reason)
{
    TELL_ALL(domain_shut_down, domain, reason);
}

static void gone(void *arg, struct service_domain *domain)
{
    TELL_ALL(domain_gone, domain);
}

static const struct tracker_ops ops = {appeared, renamed, written, shut_down, gone};

/* ---- guests ---- */

static void put(uint32_t domid, const char *node, const char *value)
{
    char path[96];

    snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, node);
    fake_store_set(path, value);
}

static void follow_target(struct fake_domain *d)
{
    char path[64];
    const char *target;

    snprintf(path, sizeof(path), "/local/domain/%u/memory/target", d->domid);
    target = fake_store_get(path);
    if (target && d->domid != 3)
        d->actual_kb = strtoull(target, NULL, 10);
}

static void come(uint32_t domid)
{
    char path[64], name[16];

    snprintf(path, sizeof(path), "/libxl/%u/type", domid);
    fake_store_set(path, "pv");
    snprintf(name, sizeof(name), "guest%u", domid);
    put(domid, "name", name);
    put(domid, "memory/target", "524288");
    put(domid, "memory/static-max", "1048576");
    domains[domid] = fake_xen_domain(domid, 512 * MIB, 513 * MIB);
    domains[domid]->look = follow_target;
    fake_store_fire("@introduceDomain");
}

static void guests_come(void)
{
    for (uint32_t domid = 1; domid <= 3; domid++)
        come(domid);
}

static void guest_wants_memory(void)
{
    put(1, "data/memory-stats", "total-memory 536870912\navailable-memory 20000000\n");
    put(2, "data/memory-stats", "total-memory 536870912\navailable-memory 400000000\n");
}

static void guest_takes_its_report_away(void)
{
    put(1, "data/memory-stats", NULL);
}

static void somebody_sets_a_target(void)
{
    put(2, "memory/target", "409600");
}

static void guest_is_renamed(void)
{
    put(2, "name", "mail");
}

static void guest_is_shut_down(void)
{
    domains[2]->flags |= XEN_DOMINF_shutdown;
    fake_store_fire("@releaseDomain");
}

static void guest_goes(void)
{
    fake_xen_remove(1);
    fake_store_set("/local/domain/1", NULL);
    fake_store_fire("@releaseDomain");
}

/* ---- clients ---- */

static void connect_to(struct talk *talk, const char *socket)
{
    char path[96];

    snprintf(path, sizeof(path), "%s/%s", folder, socket);
    if (access(path, F_OK))
        return;
    talk_connect(talk, &ctx->loop, path);
    talk_say(talk, "{\"execute\": \"qmp_capabilities\"}");
}

static void clients_come(void)
{
    connect_to(&talks[0], "control.sock");
    connect_to(&talks[1], "qmp/1");
    connect_to(&talks[2], "qmp/3");
    connect_to(&talks[3], "control.sock");
}

static void ranges_are_given(void)
{
    talk_say(&talks[0], "{\"execute\": \"mem-range\", \"arguments\": {\"domain\": 1, \"min_memkb\": 262144, "
                        "\"max_memkb\": 1048576}}{\"execute\": \"mem-range\", \"arguments\": {\"domain\": 2, "
                        "\"min_memkb\": 262144, \"max_memkb\": 1048576}}");
}

static void memory_is_reserved_and_held(void)
{
    talk_say(&talks[3], "{\"execute\": \"mem-reserve\", \"arguments\": {\"size_memkb\": 999999999}}"
                        "{\"execute\": \"mem-reserve-hold\", \"arguments\": {\"id\": \"r1\"}}"
                        "{\"execute\": \"query-balance\"}{\"execute\": \"query-");
    talk_say(&talks[0], "{\"execute\": \"query-plan\"}{\"execute\": \"query-qmp-schema\"}");
}

static void monitors_are_asked(void)
{
    talk_say(&talks[1], "{\"execute\": \"balloon\", \"arguments\": {\"value\": 419430400}}"
                        "{\"execute\": \"query-balloon\"}{\"execute\": \"qom-set\", \"arguments\": {\"path\": "
                        "\"balloon0\", \"property\": \"guest-stats-polling-interval\", \"value\": 2}}");
    /* This guest does not move: it is woken by a page less, and a page more. */
    talk_say(&talks[2], "{\"execute\": \"balloon\", \"arguments\": {\"value\": 419430400}}"
                        "{\"execute\": \"query-status\"}{\"execute\": \"nonsense\"}{\"execute");
}

/* The holder is told on the next turn. */
static void memory_is_released(void)
{
    talk_say(&talks[0], "{\"execute\": \"mem-reserve-release\", \"arguments\": {\"id\": \"r1\"}}");
}

static void holder_goes(void)
{
    talk_close(&talks[3]);
}

static void monitor_loses_its_client(void)
{
    talk_close(&talks[2]);
}

static void (*const session[])(void) = {
    guests_come,
    clients_come,
    ranges_are_given,
    guest_wants_memory,
    monitors_are_asked,
    memory_is_reserved_and_held,
    somebody_sets_a_target,
    guest_wants_memory,
    guest_is_renamed,
    monitor_loses_its_client,
    guest_takes_its_report_away,
    memory_is_released,
    memory_is_reserved_and_held,
    holder_goes,
    guest_is_shut_down,
    guest_wants_memory,
    guest_goes,
    monitors_are_asked,
};

/* ---- memd ---- */

static void begin(void)
{
    strcpy(folder + sizeof(folder) - 7, "XXXXXX");
    assert_non_null(mkdtemp(folder));
    ctx = fake_ctx_new();
    assert_int_equal(config_load(ctx, "/nonexistent/memd.cfg", false, &config), 0);
    for (size_t i = 0; memd_services[i]; i++) {
        envs[i] = (struct service_env){
            .ctx = ctx, .config = config, .run_folder = folder, .domains = &table, .slot = (unsigned)i};
        assert_int_equal(memd_services[i]->start(&envs[i], &states[i]), 0);
    }
    assert_int_equal(tracker_new(ctx, &table, &ops, NULL, &tracker), 0);
    for (size_t i = 0; i < TALKS; i++)
        talks[i].fd = -1;
}

static void end(void)
{
    size_t n = 0;
    char path[96];

    while (memd_services[n])
        n++;
    while (n--)
        memd_services[n]->stop(states[n]);
    tracker_free(TAKE_PTR(tracker));
    for (size_t i = 0; i < TALKS; i++)
        talk_close(&talks[i]);
    config_free(TAKE_PTR(config));
    assert_int_equal(fake_clock_timers(), 0);
    snprintf(path, sizeof(path), "%s/qmp", folder);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* Whether the session has so many turns. */
static bool ends_after(unsigned turns, void (*at_the_end)(void))
{
    begin();
    for (size_t i = 0; i < ARRAY_LEN(session); i++) {
        if (!turns)
            break;
        session[i]();
        for (unsigned turn = 0; turn < TURNS && turns; turn++, turns--)
            uv_run(&ctx->loop, turn % 2 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    }
    if (at_the_end)
        at_the_end();
    end();
    return !turns;
}

/* ---- tests ---- */

static void memd_may_be_told_to_end_after_any_turn(void **state)
{
    unsigned turns = 0;

    while (ends_after(turns, NULL)) {
        fake_ctx_free(ctx);
        turns++;
    }
    fake_ctx_free(ctx);
    assert_int_equal(turns, ARRAY_LEN(session) * TURNS + 1);
}

static void xenstored_goes(void)
{
    fake_store_lose();
    for (unsigned turn = 0; turn < 3; turn++)
        uv_run(&ctx->loop, UV_RUN_NOWAIT);
}

static void xenstored_may_be_lost_after_any_turn(void **state)
{
    for (unsigned turns = 0; ends_after(turns, xenstored_goes); turns++)
        fake_ctx_killed(ctx);
    fake_ctx_killed(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memd_may_be_told_to_end_after_any_turn),
        cmocka_unit_test(xenstored_may_be_lost_after_any_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
