/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest that is made small for a journey: where it goes on it finds the target of before, and here too when it stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "balloon/sizes.h"
#include "base/error.h"
#include "core/xen-version.h"
#include "memd-client/client.h"
#include "memd-client/compact.h"
#include "memd-client/control.h"
#include "tests/fakes/clock.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"
#include "tests/unit/balloon/guest.h"

#define MIB UINT64_C(1024)
#define DOMID 7

static struct xlx_ctx *ctx;
static struct guest *guest;

/* ---- memd, in the place of the connection to it, by the linker's --wrap ---- */

static struct {
    bool runs, managed, pinned, held;
    uint64_t need_memkb; /* 0: it does not know */
    char asked[256];
    struct gc *gc;
} memd;

int __wrap_memd_connect(struct xlx_ctx *c, struct memd_client **client);
void __wrap_memd_disconnect(struct memd_client *client);
int __wrap_memd_call(struct memd_client *client, const char *command, const struct json *arguments,
                     const struct json **result);

int __wrap_memd_connect(struct xlx_ctx *c, struct memd_client **client)
{
    *client = (struct memd_client *)&memd; /* never looked into */
    return memd.runs ? 0 : ERROR_NOTFOUND;
}

void __wrap_memd_disconnect(struct memd_client *client)
{
}

int __wrap_memd_call(struct memd_client *client, const char *command, const struct json *arguments,
                     const struct json **result)
{
    struct json *why = json_new_object(memd.gc);
    uint64_t domid = 0;

    assert_true(json_member_u64(arguments, "domain", &domid));
    assert_int_equal(domid, DOMID);
    strcat(strcat(memd.asked, command), " ");
    json_set_bool(memd.gc, why, "managed", memd.managed);
    json_set_bool(memd.gc, why, "pinned", memd.pinned);
    json_set_string(memd.gc, why, "state", memd.held ? "migrating" : "running");
    if (memd.need_memkb)
        json_set_u64(memd.gc, why, "demand_memkb", memd.need_memkb);
    if (result)
        *result = why;
    return 0;
}

/* ---- the guest ---- */

static int begin(void **state)
{
    ctx = fake_ctx_new();
    guest = make_guest(DOMID, "pvh", 512 * MIB, 512 * MIB, 64 * MIB, 0);
    guest->domain->max_kb = 512 * MIB + XEN_LIMIT_EXTRA_MEMKB;
    fake_store_set("/local/domain/7/memory/static-max", "524288");
    memset(&memd, 0, sizeof(memd));
    memd.gc = gc_new();
    return 0;
}

static int end(void **state)
{
    test_free(guest);
    gc_free(memd.gc);
    fake_ctx_free(ctx);
    return 0;
}

static struct compact compact_to(uint64_t to_memkb)
{
    return (struct compact){.ctx = ctx, .domid = DOMID, .to_memkb = to_memkb};
}

static void assert_small(uint64_t target_memkb)
{
    assert_int_equal(guest->domain->actual_kb, target_memkb);
    assert_int_equal(guest->domain->max_kb, target_memkb + XEN_LIMIT_EXTRA_MEMKB);
    /* what the restored guest gets */
    assert_int_equal(target_of(guest), 512 * MIB);
}

static void assert_as_before(void)
{
    assert_int_equal(target_of(guest), 512 * MIB);
    assert_int_equal(guest->domain->max_kb, 512 * MIB + XEN_LIMIT_EXTRA_MEMKB);
}

static void a_small_guest_has_its_old_target_and_a_limit_that_keeps_it_small(void **state)
{
    struct compact compact = compact_to(256 * MIB);

    assert_int_equal(compact_begin(&compact), XLX_EXIT_DONE);
    assert_int_equal(compact.before_memkb, 512 * MIB);
    assert_int_equal(compact.small_memkb, 256 * MIB);
    assert_int_equal(compact.reached_memkb, 256 * MIB);
    assert_small(256 * MIB);
    compact_undo(&compact);
    assert_as_before();
    assert_string_equal(memd.asked, "");
}

static void what_memd_says_that_it_needs_is_left_to_it(void **state)
{
    struct compact compact = compact_to(0);

    memd.runs = memd.managed = true;
    memd.need_memkb = 300 * MIB;
    assert_int_equal(compact_begin(&compact), XLX_EXIT_DONE);
    assert_small(300 * MIB);
    assert_string_equal(memd.asked, CONTROL_WHY " " CONTROL_RANGE_HOLD " ");
    compact_undo(&compact);
    assert_as_before();
    assert_string_equal(memd.asked, CONTROL_WHY " " CONTROL_RANGE_HOLD " " CONTROL_RANGE_AUTO " ");
    compact_undo(&compact);
    assert_string_equal(memd.asked, CONTROL_WHY " " CONTROL_RANGE_HOLD " " CONTROL_RANGE_AUTO " ");
}

static void who_is_pinned_or_held_or_left_alone_stays_so(void **state)
{
    for (int i = 0; i < 3; i++) {
        struct compact compact = compact_to(256 * MIB);

        memset(memd.asked, 0, sizeof(memd.asked));
        memd.runs = true;
        memd.managed = i > 0;
        memd.pinned = i == 1;
        memd.held = i == 2;
        assert_int_equal(compact_begin(&compact), XLX_EXIT_DONE);
        compact_undo(&compact);
        assert_string_equal(memd.asked, CONTROL_WHY " ");
    }
}

static void without_a_figure_nothing_happens(void **state)
{
    struct compact compact = compact_to(0);

    assert_int_equal(compact_begin(&compact), XLX_EXIT_FAILED);
    memd.runs = memd.managed = true;
    assert_int_equal(compact_begin(&compact), XLX_EXIT_FAILED);
    /* memd was asked to leave it alone, and may go on */
    assert_string_equal(memd.asked, CONTROL_WHY " " CONTROL_RANGE_HOLD " " CONTROL_RANGE_AUTO " ");
    assert_as_before();
    assert_int_equal(guest->changed, 0);
}

static void below_what_a_guest_can_live_with_is_refused(void **state)
{
    struct compact compact = compact_to(16 * MIB);

    assert_int_equal(compact_begin(&compact), XLX_EXIT_REFUSED);
    assert_as_before();
    assert_int_equal(guest->changed, 0);
    /* but memd's figure is only a figure */
    compact = compact_to(0);
    memd.runs = true;
    memd.need_memkb = 16 * MIB;
    assert_int_equal(compact_begin(&compact), XLX_EXIT_DONE);
    assert_small(xlx_mem_floor_memkb(512 * MIB));
    compact_over(&compact);
}

static void a_guest_that_needs_all_is_left_as_it_is(void **state)
{
    struct compact compact = compact_to(0);

    memd.runs = true;
    memd.need_memkb = 600 * MIB;
    assert_int_equal(compact_begin(&compact), XLX_EXIT_DONE);
    assert_int_equal(compact.small_memkb, 512 * MIB);
    assert_as_before();
    assert_int_equal(guest->changed, 0);
}

static void a_guest_that_gives_nothing_is_taken_as_it_is(void **state)
{
    struct compact compact = compact_to(256 * MIB);

    guest->rate_kb_per_s = 0;
    assert_int_equal(compact_begin(&compact), XLX_EXIT_DONE);
    assert_true(compact.reached_memkb > 511 * MIB);
    assert_int_equal(target_of(guest), 512 * MIB);
    compact_undo(&compact);
    assert_as_before();
}

static void a_paused_guest_cannot_give(void **state)
{
    struct compact compact = compact_to(256 * MIB);

    guest->domain->flags |= XEN_DOMINF_paused;
    assert_int_equal(compact_begin(&compact), XLX_EXIT_FAILED);
    assert_as_before();
}

static void video_memory_counts_as_mem_set_counts_it(void **state)
{
    struct compact compact = compact_to(264 * MIB);

    fake_xen_type(guest->domain, "hvm");
    fake_store_set("/libxl/7/type", "hvm");
    fake_store_set("/local/domain/7/memory/videoram", "8192");
    assert_int_equal(compact_begin(&compact), XLX_EXIT_DONE);
    assert_int_equal(compact.small_memkb, 256 * MIB);
    compact_undo(&compact);
}

/* Linux sleeps for an hour after four tries at a target that failed, until the target is another one. */
#define LINUX_GIVES_UP_MS 15000

static struct {
    uint64_t target_memkb, changed_ms, longest_ms;
} seen;

static void see_target(uint64_t now_ms)
{
    uint64_t target_memkb = target_of(guest);

    assert_in_range(target_memkb, 512 * MIB - MEM_PAGE_KB, 512 * MIB);
    if (target_memkb != seen.target_memkb)
        seen.changed_ms = now_ms;
    seen.target_memkb = target_memkb;
    if (now_ms - seen.changed_ms > seen.longest_ms)
        seen.longest_ms = now_ms - seen.changed_ms;
}

static void a_guest_that_is_kept_small_does_not_give_up_on_its_target(void **state)
{
    struct compact compact = compact_to(256 * MIB);
    uint64_t end_ms;

    assert_int_equal(compact_begin(&compact), XLX_EXIT_DONE);
    memset(&seen, 0, sizeof(seen));
    seen.changed_ms = fake_clock_ms();
    fake_clock_on_tick(see_target);
    for (end_ms = fake_clock_ms() + 90000; fake_clock_ms() < end_ms;) {
        assert_int_not_equal(fake_clock_timers(), 0);
        uv_run(&ctx->loop, UV_RUN_ONCE);
    }
    fake_clock_on_tick(NULL);
    assert_true(seen.longest_ms < LINUX_GIVES_UP_MS);
    assert_int_equal(guest->domain->max_kb, 256 * MIB + XEN_LIMIT_EXTRA_MEMKB);
    compact_undo(&compact);
    assert_as_before();
    assert_int_equal(fake_clock_timers(), 0);
    assert_int_equal(compact_begin(&compact), XLX_EXIT_DONE);
    compact_over(&compact);
    assert_int_equal(fake_clock_timers(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_small_guest_has_its_old_target_and_a_limit_that_keeps_it_small),
        TEST(what_memd_says_that_it_needs_is_left_to_it),
        TEST(who_is_pinned_or_held_or_left_alone_stays_so),
        TEST(without_a_figure_nothing_happens),
        TEST(below_what_a_guest_can_live_with_is_refused),
        TEST(a_guest_that_needs_all_is_left_as_it_is),
        TEST(a_guest_that_gives_nothing_is_taken_as_it_is),
        TEST(a_paused_guest_cannot_give),
        TEST(a_guest_that_is_kept_small_does_not_give_up_on_its_target),
        TEST(video_memory_counts_as_mem_set_counts_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
