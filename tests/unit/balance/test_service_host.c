/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The service's commands on a host that is not Xen: a few numbers behind balance/host.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "memd-client/control.h"
#include "balance/service/service.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/ev.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/host.h"
#include "tests/fakes/talk.h"

#define MIB UINT64_C(1024)
#define GUESTS 2

/* Guest n has domid 10 + n. It holds what it is asked to hold. */
struct guest {
    const char *name, *uuid;
    uint64_t target_memkb, own_memkb;
    bool has_own, managed;
    struct settings range;
};

static struct numbers {
    struct host host;
    struct guest guests[GUESTS];
    struct host_sample samples[GUESTS];
    bool closed;
} numbers;
static struct balance_service *service;
static struct service_env env;
static struct config *config;
static char folder[] = "/tmp/xl-ext-test-XXXXXX";

static struct guest *guest_of(uint32_t domid)
{
    return domid >= 10 && domid < 10 + GUESTS ? &numbers.guests[domid - 10] : NULL;
}

static uint64_t now_ms(struct host *host)
{
    return ev_clock_ms();
}

static int look(struct host *host, const struct host_sample **samples, size_t *count, struct host_memory *memory)
{
    uint64_t held = 0;

    for (uint32_t i = 0; i < GUESTS; i++) {
        numbers.samples[i] = (struct host_sample){
            .domid = 10 + i,
            .held_memkb = numbers.guests[i].target_memkb,
            .limit_memkb = numbers.guests[i].target_memkb,
        };
        held += numbers.guests[i].target_memkb;
    }
    *samples = numbers.samples;
    *count = GUESTS;
    *memory = (struct host_memory){4096 * MIB, 4096 * MIB - held, 0};
    return 0;
}

static int facts(struct host *host, uint32_t domid, struct host_domain *f)
{
    const struct guest *g = guest_of(domid);

    if (!g)
        return ERROR_DOMAIN_NOTFOUND;
    *f = (struct host_domain){
        .name = g->name,
        .uuid = g->uuid,
        .type = PLAN_HVM,
        .managed = g->managed,
        .min_memkb = g->range.min_memkb,
        .max_memkb = g->range.max_memkb,
        .weight = g->range.weight,
        .static_max_memkb = 2048 * MIB,
        .has_target = true,
        .target_memkb = g->target_memkb,
        .has_own = g->has_own,
        .own_memkb = g->own_memkb,
    };
    return 0;
}

static const char *name(struct host *host, uint32_t domid)
{
    return guest_of(domid) ? guest_of(domid)->name : NULL;
}

static int target_get(struct host *host, uint32_t domid, uint64_t *target_memkb)
{
    *target_memkb = guest_of(domid)->target_memkb;
    return 0;
}

static int target_accept(struct host *host, uint32_t domid, uint64_t target_memkb)
{
    guest_of(domid)->own_memkb = target_memkb;
    guest_of(domid)->has_own = true;
    return 0;
}

static int target_set(struct host *host, uint32_t domid, uint64_t expected_memkb, uint64_t target_memkb,
                      uint64_t limit_memkb)
{
    if (guest_of(domid)->target_memkb != expected_memkb)
        return ERROR_INVAL;
    guest_of(domid)->target_memkb = target_memkb;
    return target_accept(host, domid, target_memkb);
}

static int target_disown(struct host *host, uint32_t domid)
{
    return target_accept(host, domid, 0);
}

static void event(struct host *host, const struct host_event *e)
{
    if (host->told)
        host->told(host->told_arg, e);
}

static int range_set(struct host *host, struct gc *gc, uint32_t domid, const struct settings *range, const char **fault)
{
    *fault = gc_printf(gc, "guest %u is not in the mood", domid);
    if (range->max_memkb > 2048 * MIB)
        return ERROR_INVAL;
    guest_of(domid)->range = *range;
    if (!range->weight)
        guest_of(domid)->range.weight = SETTINGS_WEIGHT;
    guest_of(domid)->managed = true;
    return 0;
}

static int range_forget(struct host *host, uint32_t domid)
{
    guest_of(domid)->managed = false;
    return 0;
}

static void warnings(struct host *host, void (*each)(void *arg, const char *text), void *arg)
{
    each(arg, "the moon is full");
}

static void close_host(struct host *host)
{
    numbers.closed = true;
}

static struct host_ops ops;

static struct talk talk;

static int make(void **state)
{
    struct balancer_config balancer;
    char path[96];

    strcpy(folder + sizeof(folder) - 7, "XXXXXX");
    assert_non_null(mkdtemp(folder));
    env = (struct service_env){.ctx = fake_ctx_new(), .run_folder = folder};
    assert_int_equal(config_load(env.ctx, "/nowhere", false, &config), 0);
    env.config = config;
    ops = fake_host_ops;
    ops.now_ms = now_ms;
    ops.look = look;
    ops.facts = facts;
    ops.name = name;
    ops.target_get = target_get;
    ops.target_set = target_set;
    ops.target_accept = target_accept;
    ops.target_disown = target_disown;
    ops.event = event;
    ops.range_set = range_set;
    ops.range_forget = range_forget;
    ops.warnings = warnings;
    ops.close = close_host;
    numbers = (struct numbers){
        .host.ops = &ops,
        .guests = {{.name = "web", .uuid = "0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a", .target_memkb = 512 * MIB},
                   {.name = "db", .uuid = "", .target_memkb = 1024 * MIB}},
    };
    balancer_config_defaults(&balancer);
    assert_int_equal(balance_service_new(&env, &numbers.host, &balancer, &service), 0);
    for (uint32_t domid = 10; domid < 10 + GUESTS; domid++)
        balancer_domain_appeared(service->balancer, domid, true);
    balancer_wake(service->balancer);
    snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET, folder);
    talk_open(&talk, &env.ctx->loop, path);
    return 0;
}

static int unmake(void **state)
{
    /* Nothing of Xen has been asked for. */
    assert_null(env.ctx->xs);
    assert_null(env.ctx->xc);
    talk_close(&talk);
    service_balance.stop(service);
    assert_true(numbers.closed);
    config_free(config);
    fake_ctx_free(env.ctx);
    rmdir(folder);
    return 0;
}

#define assert_says(answer, wanted) assert_non_null(strstr((answer), (wanted)))

static void the_view_comes_from_the_host(void **state)
{
    const char *answer = talk_ask(&talk, "{\"execute\": \"query-balance\"}");

    assert_says(answer, "\"total_memkb\": 4194304");
    assert_says(answer, "\"free_memkb\": 2621440");
    assert_says(answer, "\"the moon is full\"");
    assert_says(answer, "\"name\": \"web\"");
    assert_says(answer, "\"uuid\": \"0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a\"");
    assert_says(answer, "\"name\": \"db\"");
    assert_says(talk_ask(&talk, "{\"execute\": \"query-plan\"}"), "\"name\": \"db\"");
}

static void a_range_is_the_hosts_to_keep_and_to_refuse(void **state)
{
    const char *answer;

    assert_says(talk_ask(&talk, "{\"execute\": \"mem-range-auto\", \"arguments\": {\"domain\": 10}}"), "has no range");
    answer = talk_ask(&talk, "{\"execute\": \"mem-range\", \"arguments\": {\"domain\": 10, \"min_memkb\": 262144, "
                             "\"max_memkb\": 1048576, \"weight\": 7}}");
    assert_says(answer, "\"return\": {}");
    assert_int_equal(numbers.guests[0].range.max_memkb, 1024 * MIB);
    assert_int_equal(numbers.guests[0].range.weight, 7);
    assert_true(numbers.guests[0].has_own);
    answer = talk_ask(&talk, "{\"execute\": \"mem-range\", \"arguments\": {\"domain\": 11, \"min_memkb\": 262144, "
                             "\"max_memkb\": 99999999}}");
    assert_says(answer, "guest 11 is not in the mood");
    answer = talk_ask(&talk, "{\"execute\": \"mem-range\", \"arguments\": {\"domain\": 77, \"min_memkb\": 1, "
                             "\"max_memkb\": 2}}");
    assert_says(answer, "there is no domain 77");
    balancer_wake(service->balancer);
    assert_says(talk_ask(&talk, "{\"execute\": \"mem-why\", \"arguments\": {\"domain\": 10}}"), "\"managed\": true");
    assert_says(talk_ask(&talk, "{\"execute\": \"mem-range-forget\", \"arguments\": {\"domain\": 10}}"),
                "\"return\": {}");
    assert_false(numbers.guests[0].managed);
}

static void a_host_without_ranges_says_so(void **state)
{
    ops.range_set = NULL;
    ops.range_forget = NULL;
    ops.warnings = NULL;
    assert_says(talk_ask(&talk, "{\"execute\": \"mem-range\", \"arguments\": {\"domain\": 10, \"min_memkb\": 262144, "
                                "\"max_memkb\": 1048576}}"),
                "this host keeps no ranges");
    assert_says(talk_ask(&talk, "{\"execute\": \"mem-range-forget\", \"arguments\": {\"domain\": 10}}"),
                "this host keeps no ranges");
    assert_says(talk_ask(&talk, "{\"execute\": \"query-balance\"}"), "\"warnings\": []");
}

static void memory_is_reserved_on_any_host(void **state)
{
    const char *answer =
        talk_ask(&talk, "{\"execute\": \"mem-reserve\", \"arguments\": {\"size_memkb\": 524288, \"domain\": 11}}");

    assert_says(answer, "\"id\": \"r1\"");
    assert_says(answer, "\"domain\": 11");
    assert_says(talk_ask(&talk, "{\"execute\": \"mem-reserve-release\", \"arguments\": {\"id\": \"r1\"}}"),
                "\"return\": {}");
}

static void the_history_of_any_host_is_kept(void **state)
{
    const char *answer = talk_ask(&talk, "{\"execute\": \"query-history\"}");

    /* Both guests together, and what is free. */
    assert_says(answer, "\"step_ms\": 10000");
    assert_says(answer, "\"held_memkb\": 1572864, \"target_memkb\": 1572864, \"need_memkb\": null, "
                        "\"available_memkb\": 2621440}");
    assert_says(answer, "\"marks\": []");
    answer = talk_ask(&talk, "{\"execute\": \"query-history\", \"arguments\": {\"domain\": 10, \"last_ms\": 60000}}");
    assert_says(answer, "\"available_memkb\": null}");
    assert_says(talk_ask(&talk, "{\"execute\": \"query-history\", \"arguments\": {\"domain\": 77}}"),
                "there is no domain 77");
    assert_says(talk_ask(&talk, "{\"execute\": \"query-history\", \"arguments\": {\"last_ms\": -1}}"),
                "must not be negative");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_history_of_any_host_is_kept, make, unmake),
        cmocka_unit_test_setup_teardown(the_view_comes_from_the_host, make, unmake),
        cmocka_unit_test_setup_teardown(a_range_is_the_hosts_to_keep_and_to_refuse, make, unmake),
        cmocka_unit_test_setup_teardown(a_host_without_ranges_says_so, make, unmake),
        cmocka_unit_test_setup_teardown(memory_is_reserved_on_any_host, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
