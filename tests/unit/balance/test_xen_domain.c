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
#include <unistd.h>

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

static char ranges_path[] = "/tmp/test_xen_domain.XXXXXX";
static char configs[] = "/tmp/test_xen_domain.d.XXXXXX";

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int make(void **state)
{
    struct balancer_config balancer;
    char text[256];

    env = (struct service_env){.ctx = fake_ctx_new(), .domains = &table};
    snprintf(text, sizeof(text), "ranges='%s'\nconfig_dirs=['%s']\n", ranges_path, configs);
    write_file(ranges_path, "");
    assert_int_equal(config_parse(env.ctx, "memd.cfg", text, &config), 0);
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

static void what_is_kept_of_a_domain_that_went_while_no_memd_ran_is_forgotten(void **state)
{
    char own[64], other[64];

    for (unsigned i = 0; i < 2; i++) {
        const char *folder = i ? OURS "held/" : OURS "own-target/";

        snprintf(own, sizeof(own), "%s%u", folder, record.domid);
        snprintf(other, sizeof(other), "%s%u", folder, record.domid + 1);
        fake_store_set(own, "524288 " UUID);
        fake_store_set(other, "524288 " OTHER);
        settings_collect(env.ctx->xs, &table, 2000000000);
        assert_non_null(fake_store_get(own));
        assert_null(fake_store_get(other));
    }
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
    settings_forget(env.ctx, env.ctx->xs, UUID, 5, true);
    assert_null(fake_store_get(OURS "range-seen/" UUID));
    settings_seen(env.ctx, env.ctx->xs, UUID, 1);
    assert_null(fake_store_get(OURS "range-seen/" UUID));
}

static const char *read_again(struct gc *gc)
{
    const char *fault = NULL;

    return host->ops->ranges_read(host, gc, &fault) ? fault : NULL;
}

static void the_nearest_word_gives_the_range(void **state)
{
    struct settings range = {300 * MIB, 900 * MIB, 256, {HOST_LEND_DEFAULT, 0}};
    const char *fault;
    char path[64];
    GC_SCOPE(gc);

    assert_string_equal(facts().range_source, "mem-range");
    fake_store_set(OURS "range/" UUID, NULL);
    assert_false(facts().managed);
    snprintf(path, sizeof(path), "%s/guest.cfg", configs);
    write_file(path, "name='guest'\ndynamic_memory_min=400\nmemory_weight=9\n");
    assert_null(read_again(gc));
    assert_string_equal(facts().range_source, "config_dirs");
    assert_int_equal(facts().min_memkb, 400 * MIB);
    assert_int_equal(facts().max_memkb, 1024 * MIB);
    assert_int_equal(facts().weight, 9);
    assert_int_equal(settings_keep(env.ctx, env.ctx->xs, UUID, &range), 0);
    assert_string_equal(facts().range_source, "create");
    write_file(ranges_path, "guest = \"min=500 max=800\"\n");
    assert_string_equal(facts().range_source, "create");
    assert_null(read_again(gc));
    assert_string_equal(facts().range_source, "ranges.cfg");
    assert_int_equal(facts().max_memkb, 800 * MIB);
    assert_int_equal(host->ops->range_set(host, gc, 5, &range, &fault), 0);
    assert_string_equal(facts().range_source, "mem-range");
    assert_int_equal(host->ops->range_lasts(host, 5), 0);
    assert_string_equal(facts().range_source, "ranges.cfg");
    /* Nothing gives it a range any more, whatever files say. */
    assert_int_equal(host->ops->range_forget(host, 5), 0);
    assert_false(facts().managed);
    assert_null(fake_store_get(OURS "range-created/" UUID));
    assert_int_equal(host->ops->range_set(host, gc, 5, &range, &fault), 0);
    assert_string_equal(facts().range_source, "mem-range");
    unlink(path);
}

static void a_mistake_in_the_file_leaves_the_ranges_that_it_gave(void **state)
{
    const char *fault;
    GC_SCOPE(gc);

    fake_store_set(OURS "range/" UUID, NULL);
    write_file(ranges_path, UUID " = \"min=500 max=800\"\n");
    assert_null(read_again(gc));
    assert_int_equal(facts().min_memkb, 500 * MIB);
    write_file(ranges_path, "guest = \"min=600 max=800\"\n\nother = \"min=1x\"\n");
    fault = read_again(gc);
    assert_non_null(strstr(fault, ", line 3: "));
    assert_int_equal(facts().min_memkb, 500 * MIB);
    assert_int_equal(host->ops->range_lasts(host, 5), 0);
    write_file(ranges_path, "");
    assert_null(read_again(gc));
    assert_false(facts().managed);
    assert_int_equal(host->ops->range_lasts(host, 5), ERROR_NOTFOUND);
}

static void a_range_that_the_domain_cannot_have_counts_for_nothing(void **state)
{
    GC_SCOPE(gc);

    fake_store_set(OURS "range/" UUID, NULL);
    write_file(ranges_path, "guest = \"min=2g\"\n");
    assert_null(read_again(gc));
    assert_false(facts().managed);
    fake_store_set(DOM "memory/static-max", "4194304");
    assert_string_equal(facts().range_source, "ranges.cfg");
}

static void a_domain_that_is_held_is_left_alone_until_it_is_not(void **state)
{
    assert_false(facts().migrating);
    assert_int_equal(host->ops->hold(host, 5, true), 0);
    assert_true(facts().migrating && facts().held);
    assert_string_equal(fake_store_get(OURS "held/5"), UUID);
    assert_int_equal(host->ops->hold(host, 5, false), 0);
    assert_false(facts().migrating);
    assert_null(fake_store_get(OURS "held/5"));
    assert_int_equal(host->ops->hold(host, 6, true), ERROR_DOMAIN_NOTFOUND);
}

/* One that had its domid before was held, or it was by a memd that is no more. */
static void that_it_is_held_is_found_again_for_the_same_domain(void **state)
{
    fake_store_set(OURS "held/5", OTHER);
    assert_false(facts().held);
    host->ops->domain_gone(host, &record);
    assert_null(fake_store_get(OURS "held/5"));
    fake_store_set(OURS "held/5", UUID);
    host->ops->domain_there(host, &record);
    assert_true(facts().held);
}

/* xenstored tells of the write, whatever the value. */
static void who_writes_the_target_that_it_has_already_has_decided_on_it(void **state)
{
    struct balancer_config c;

    balancer_config_defaults(&c);
    host->balancer = balancer_new(host, &c);
    assert_int_equal(facts().own_memkb, 524288);
    host->ops->domain_written(host, &record, true);
    assert_true(facts().has_own);
    assert_int_equal(facts().own_memkb, 0);
    assert_string_equal(fake_store_get(OURS "own-target/5"), "0 " UUID);
    /* Our own write is not. */
    assert_int_equal(host->ops->target_set(host, 5, 524288, 524288 - 4, 0), ERROR_INVAL);
    assert_int_equal(host->ops->target_accept(host, 5, 524288), 0);
    record.target_watched = true;
    assert_int_equal(host->ops->target_set(host, 5, 524288, 500000, 0), 0);
    host->ops->domain_written(host, &record, true);
    assert_int_equal(facts().own_memkb, 500000);
    balancer_free(host->balancer);
    host->balancer = NULL;
}

static int make_files(void **state)
{
    int fd = mkstemp(ranges_path);

    return fd < 0 || close(fd) || !mkdtemp(configs);
}

static int remove_files(void **state)
{
    return unlink(ranges_path) || rmdir(configs);
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
        cmocka_unit_test_setup_teardown(what_is_kept_of_a_domain_that_went_while_no_memd_ran_is_forgotten, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(a_domain_that_goes_leaves_the_time_with_its_range, make, unmake),
        cmocka_unit_test_setup_teardown(the_nearest_word_gives_the_range, make, unmake),
        cmocka_unit_test_setup_teardown(a_mistake_in_the_file_leaves_the_ranges_that_it_gave, make, unmake),
        cmocka_unit_test_setup_teardown(a_range_that_the_domain_cannot_have_counts_for_nothing, make, unmake),
        cmocka_unit_test_setup_teardown(a_domain_that_is_held_is_left_alone_until_it_is_not, make, unmake),
        cmocka_unit_test_setup_teardown(who_writes_the_target_that_it_has_already_has_decided_on_it, make, unmake),
        cmocka_unit_test_setup_teardown(that_it_is_held_is_found_again_for_the_same_domain, make, unmake),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
