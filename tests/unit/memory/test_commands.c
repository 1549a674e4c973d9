/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem-list, mem-info, mem-set, mem-max and mem-watch on guests in memory: what they show, and their exit status. */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/fakes/clock.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/tool.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore-socket.h"
#include "tests/fakes/xenstore.h"

#define MIB UINT64_C(1024)

extern const struct xlx_command cmd_mem_list, cmd_mem_info, cmd_mem_set, cmd_mem_max, cmd_mem_watch;

static struct xlx_ctx *ctx;
static struct fake_domain *web, *db;
static uint64_t interrupt_ms;

/* web follows at once, db not at all. */
static void follow_target(struct fake_domain *d)
{
    const char *target = fake_store_get("/local/domain/5/memory/target");

    if (target)
        d->actual_kb = strtoull(target, NULL, 10) + 64;
}

static struct fake_domain *make_guest(uint32_t domid, const char *name, const char *type)
{
    struct fake_domain *d = fake_xen_domain(domid, 512 * MIB + (strcmp(type, "pvh") ? 0 : 64), 513 * MIB);
    char path[64];

    fake_xen_type(d, type);
    snprintf(path, sizeof(path), "/libxl/%u/type", domid);
    fake_store_set(path, type);
    snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
    fake_store_set(path, name);
    snprintf(path, sizeof(path), "/local/domain/%u/memory/target", domid);
    fake_store_set(path, "524288");
    snprintf(path, sizeof(path), "/local/domain/%u/memory/static-max", domid);
    fake_store_set(path, "1048576");
    return d;
}

static int new_ctx(void **state)
{
    ctx = fake_ctx_new();
    fake_socket_hide(true);
    fake_store_set("/local/domain/0/name", "Domain-0");
    fake_xen_domain(0, 1024 * MIB, UINT64_MAX / 4096 * 4);
    web = make_guest(5, "web", "pvh");
    web->look = follow_target;
    db = make_guest(7, "db", "pv");
    return 0;
}

static int free_ctx(void **state)
{
    fake_ctx_free(ctx);
    fake_socket_hide(false);
    return 0;
}

static void domains_are_listed_with_what_they_hold(void **state)
{
    tool_says(ctx, &cmd_mem_list, "", 0, "web");
    assert_non_null(strstr(tool_said(), "Domain-0"));
    tool_says(ctx, &cmd_mem_list, "--json web", 0, "\"actual_memkb\": 524352");
    assert_null(strstr(tool_said(), "\"db\""));
    tool_says(ctx, &cmd_mem_list, "web nobody", 1, NULL);
    assert_non_null(strstr(fake_messages(), "nobody"));
    db->flags |= XEN_DOMINF_shutdown;
    web->flags |= XEN_DOMINF_dying;
    tool_says(ctx, &cmd_mem_list, "", 0, "shutdown");
    assert_non_null(strstr(tool_said(), "dying"));
}

static void all_that_is_known_of_one_is_shown(void **state)
{
    tool_says(ctx, &cmd_mem_info, "web", 0, "05050505-0505-0505-0505-050505050505");
    tool_says(ctx, &cmd_mem_info, "--json 7", 0, "\"static_max_memkb\": 1048576");
    fake_store_set("/local/domain/7/data/memory-stats", "total-memory 536870912\navailable-memory 104857600\n");
    tool_says(ctx, &cmd_mem_info, "db", 0, NULL);
    tool_says(ctx, &cmd_mem_info, "nobody", 1, NULL);
    fake_store_set("/local/domain/7/memory/target", NULL);
    fake_store_set("/local/domain/7/memory/static-max", "x");
    tool_says(ctx, &cmd_mem_info, "db", 0, NULL);
}

static void targets_are_set_and_followed(void **state)
{
    tool_says(ctx, &cmd_mem_set, "web 256 db 600m", 0, "");
    assert_string_equal(fake_store_get("/local/domain/5/memory/target"), "262144");
    assert_string_equal(fake_store_get("/local/domain/7/memory/target"), "614400");
    tool_says(ctx, &cmd_mem_set, "-w web +100", 0, "settled");
    assert_string_equal(fake_store_get("/local/domain/5/memory/target"), "364544");
    tool_says(ctx, &cmd_mem_set, "--json -w -t 5 web 300 db 400", 3, "\"state\": \"stuck\"");
    assert_non_null(strstr(tool_said(), "\"reached_memkb\": 307200"));
    assert_non_null(strstr(fake_messages(), "no balloon driver"));
    tool_says(ctx, &cmd_mem_set, "--json web -50", 0, "\"target_memkb\": 256000");
}

static void what_cannot_be_is_refused_before_anything_is_set(void **state)
{
    tool_says(ctx, &cmd_mem_set, "web 300 db", 2, "");
    tool_says(ctx, &cmd_mem_set, "web 300 db much", 2, "");
    tool_says(ctx, &cmd_mem_set, "web 300 5 200", 2, "");
    tool_says(ctx, &cmd_mem_set, "web 300 nobody 200", 1, "");
    assert_string_equal(fake_store_get("/local/domain/5/memory/target"), "524288");
    /* The others are set. */
    tool_says(ctx, &cmd_mem_set, "-w web 300 db 10", 4, "below the floor");
    assert_string_equal(fake_store_get("/local/domain/5/memory/target"), "307200");
    tool_says(ctx, &cmd_mem_set, "web 4g", 1, "");
    tool_says(ctx, &cmd_mem_set, "--force db 10", 0, "");
}

/* When the command has waited for a while. */
static void user_interrupts(struct fake_domain *d)
{
    if (fake_clock_ms() > interrupt_ms)
        raise(SIGINT);
}

static void interrupt_soon(void)
{
    interrupt_ms = fake_clock_ms() + 1000;
    db->look = user_interrupts;
}

static void an_interrupt_leaves_the_target(void **state)
{
    interrupt_soon();
    tool_says(ctx, &cmd_mem_set, "-w db 400", 130, "interrupted");
    assert_string_equal(fake_store_get("/local/domain/7/memory/target"), "409600");
}

static void a_maximum_that_is_raised_comes_with_a_warning(void **state)
{
    tool_says(ctx, &cmd_mem_max, "web 1200", 0, "");
    assert_string_equal(fake_store_get("/local/domain/5/memory/static-max"), "1228800");
    tool_says(ctx, &cmd_mem_max, "web 100", 1, "");
    tool_says(ctx, &cmd_mem_max, "web much", 2, "");
    tool_says(ctx, &cmd_mem_max, "nobody 100", 1, "");
}

/* It goes on until it is interrupted, or as long as it was told. */
static void changes_are_watched(void **state)
{
    tool_says(ctx, &cmd_mem_watch, "--timeout 3 web", 0, NULL);
    tool_says(ctx, &cmd_mem_watch, "--json --timeout 3", 0, NULL);
    interrupt_soon();
    tool_says(ctx, &cmd_mem_watch, "web", 130, NULL);
    tool_says(ctx, &cmd_mem_watch, "nobody", 1, NULL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, new_ctx, free_ctx)
    const struct CMUnitTest tests[] = {
        T(domains_are_listed_with_what_they_hold),
        T(all_that_is_known_of_one_is_shown),
        T(targets_are_set_and_followed),
        T(what_cannot_be_is_refused_before_anything_is_set),
        T(an_interrupt_leaves_the_target),
        T(a_maximum_that_is_raised_comes_with_a_warning),
        T(changes_are_watched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
