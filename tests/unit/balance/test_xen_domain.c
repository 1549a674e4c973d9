/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a Xen host says of one domain, and for how long it remembers its range. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "balance/xen/host-xen.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/virq.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

#define MIB UINT64_C(1024)
#define UUID "05050505-0505-0505-0505-050505050505"
#define OTHER "66666666-6666-6666-6666-666666666666"
#define OURS "/local/domain/0/xl-ext/"
#define DOM "/local/domain/5/"
#define TARGET DOM "memory/target"

static struct service_domains table;
static struct service_domain record;
static struct service_env env;
static struct config *config;
static struct host *host;
static struct fake_domain *domain;

static int make(void **state)
{
    struct balancer_config balancer;

    env = (struct service_env){.ctx = fake_ctx_new(), .domains = &table};
    assert_int_equal(config_load(env.ctx, "/nowhere", false, &config), 0);
    env.config = config;
    record = (struct service_domain){.domid = 5, .type = LIBXL_DOMAIN_TYPE_PVH, .uuid = UUID, .name = "guest"};
    service_domains_add(&table, &record);
    domain = fake_xen_domain(5, 512 * MIB, 513 * MIB);
    fake_store_set(TARGET, "524288");
    fake_store_set(DOM "memory/static-max", "1048576");
    fake_store_set(DOM "name", "guest");
    fake_store_set(DOM "vm", "/vm/" UUID);
    fake_store_set("/libxl/5/type", "pvh");
    fake_store_set(OURS "range/" UUID, "262144 1048576 256");
    fake_store_set(OURS "own-target/5", "524288 " UUID);
    balancer_config_defaults(&balancer);
    assert_int_equal(host_xen_open(&env, &balancer, &host), 0);
    host->ops->domain_there(host, &record);
    return 0;
}

static int unmake(void **state)
{
    host->ops->close(host);
    service_domains_dispose(&table);
    config_free(config);
    fake_ctx_free(env.ctx);
    return 0;
}

static struct host_domain facts(void)
{
    struct host_domain f;

    assert_int_equal(host->ops->facts(host, 5, &f), 0);
    return f;
}

static void no_failure_makes_a_domain_with_a_device_one_that_balloons(void **state)
{
    static const char *const reasons[] = {"/local/domain/5/target", "/libxl/5/device/pci/0"};

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        fake_store_set(reasons[i], "1");
        assert_true(facts().fixed);
        for (unsigned at = 1;; at++) {
            struct host_domain f = {.fixed = false};
            int rc;

            /* Each time the same calls, as for a domain that has just come. */
            xen_domain_remove(CONTAINER_OF(host, struct host_xen, host), &record);
            host->ops->domain_there(host, &record);
            fault_arm(at, EIO);
            rc = host->ops->facts(host, 5, &f);
            if (!fault_struck())
                break;
            fault_arm(0, 0);
            assert_true(rc || f.fixed || !f.managed);
        }
        fault_arm(0, 0);
        fake_store_set(reasons[i], NULL);
        assert_false(facts().fixed);
    }
}

static void a_domain_that_migrates_is_said_to(void **state)
{
    static const struct {
        const char *name;
        bool migrates;
    } names[] = {{"web", false},           {"web--incoming", true},   {"web--migratedaway", true},
                 {"--incoming", false},    {"web--incoming2", false}, {"incoming", false},
                 {"--migratedaway", false}};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(record.name, sizeof(record.name), "%s", names[i].name);
        assert_int_equal(facts().migrating, names[i].migrates);
    }
}

static void count_warning(void *arg, const char *text)
{
    ++*(unsigned *)arg;
}

static void the_hypervisors_word_that_memory_runs_out_is_heard(void **state)
{
    struct balancer_config balancer;
    unsigned warnings = 0;
    struct host *other;

    balancer_config_defaults(&balancer);
    host->balancer = balancer_new(host, &balancer);
    host->ops->warnings(host, count_warning, &warnings);
    assert_int_equal(warnings, 0);
    fake_virq_raise();
    for (int i = 0; i < 4; i++)
        uv_run(&env.ctx->loop, UV_RUN_NOWAIT);
    assert_int_equal(balancer_counters(host->balancer)->emergencies, 1);
    /* Or there would be no second one. */
    assert_int_equal(fake_virq_unmasked(), 1);
    balancer_free(TAKE_PTR(host->balancer));
    /* Without it memd runs on, and says so. */
    fake_virq_taken(true);
    env.slot = 1;
    assert_int_equal(host_xen_open(&env, &balancer, &other), 0);
    other->ops->warnings(other, count_warning, &warnings);
    assert_int_equal(warnings, 1);
    other->ops->close(other);
    fake_virq_taken(false);
}

static void a_kept_range_that_cannot_be_is_none(void **state)
{
    static const char *const values[] = {
        "1048576 262144 256",        "262144 1048576",       "262144 1048576 0",
        "262144 1048576 65536",      "262144 1048576 256 x", "262144 1048576 256 50% 1",
        "262144 99999999999999 256", "-1 1048576 256",       ""};

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        fake_store_set(OURS "range/" UUID, values[i]);
        assert_false(facts().managed);
    }
    fake_store_set(OURS "range/" UUID, "262144 1048576 256 50%");
    assert_true(facts().managed);
}

/* As a mem-set leaves it that is killed between limit and target. */
static void a_limit_that_is_left_too_high_is_mended_whenever_the_domain_is_looked_at(void **state)
{
    facts();
    assert_int_equal(domain->max_kb, 513 * MIB);
    domain->max_kb = 1025 * MIB;
    facts();
    assert_int_equal(domain->max_kb, 513 * MIB);
    domain->max_kb = 1025 * MIB;
    facts();
    assert_int_equal(domain->max_kb, 513 * MIB);
    /* Somebody else's target has somebody else's limit. */
    fake_store_set(TARGET, "600000");
    domain->max_kb = 1025 * MIB;
    facts();
    assert_int_equal(domain->max_kb, 1025 * MIB);
}

static void ranges_are_forgotten_when_nobody_has_carried_their_uuid_for_long(void **state)
{
    const int64_t now = 2000000000;
    struct xs_handle *xs = env.ctx->xs;
    char text[32];

    fake_store_set(OURS "range/" OTHER, "262144 1048576 256");
    settings_seen(env.ctx, xs, UUID, now - 2 * SETTINGS_KEPT_S);
    /* One that nobody has seen counts from now. */
    settings_collect(xs, &table, now);
    snprintf(text, sizeof(text), "%lld", (long long)now);
    assert_string_equal(fake_store_get(OURS "range-seen/" OTHER), text);
    settings_collect(xs, &table, now + SETTINGS_KEPT_S - 1);
    assert_non_null(fake_store_get(OURS "range/" OTHER));
    /* A clock that was set back and forth. */
    settings_collect(xs, &table, now - SETTINGS_KEPT_S);
    assert_non_null(fake_store_get(OURS "range/" OTHER));
    settings_collect(xs, &table, now);
    assert_null(fake_store_get(OURS "range/" OTHER));
    assert_null(fake_store_get(OURS "range-seen/" OTHER));
    /* That of a domain that is there stays, whenever it came. */
    assert_non_null(fake_store_get(OURS "range/" UUID));
}

static void a_domain_that_goes_leaves_the_time_with_its_range(void **state)
{
    facts();
    assert_non_null(fake_store_get(OURS "range-seen/" UUID));
    fake_store_set(OURS "range-seen/" UUID, "1");
    fake_store_set(OURS "range/" OTHER, "262144 1048576 256");
    fake_store_set(OURS "range-seen/" OTHER, "1");
    host->ops->domain_gone(host, &record);
    assert_string_not_equal(fake_store_get(OURS "range-seen/" UUID), "1");
    /* It comes back: after a reboot, a restore. The other does not any more. */
    assert_non_null(fake_store_get(OURS "range/" UUID));
    assert_null(fake_store_get(OURS "range/" OTHER));
    settings_forget(env.ctx, env.ctx->xs, UUID, 5);
    assert_null(fake_store_get(OURS "range-seen/" UUID));
    settings_seen(env.ctx, env.ctx->xs, UUID, 1);
    assert_null(fake_store_get(OURS "range-seen/" UUID));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_failure_makes_a_domain_with_a_device_one_that_balloons, make, unmake),
        cmocka_unit_test_setup_teardown(a_domain_that_migrates_is_said_to, make, unmake),
        cmocka_unit_test_setup_teardown(the_hypervisors_word_that_memory_runs_out_is_heard, make, unmake),
        cmocka_unit_test_setup_teardown(a_kept_range_that_cannot_be_is_none, make, unmake),
        cmocka_unit_test_setup_teardown(a_limit_that_is_left_too_high_is_mended_whenever_the_domain_is_looked_at, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(ranges_are_forgotten_when_nobody_has_carried_their_uuid_for_long, make, unmake),
        cmocka_unit_test_setup_teardown(a_domain_that_goes_leaves_the_time_with_its_range, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
