/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether there is memory for a start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "core/xen-boot.h"
#include "stubdom-launch/memory-lock.h"
#include "tests/fakes/ctx.h"

#define GUEST_KB (64 * 1024)
#define STUB_KB (128 * 1024)
#define VIDEO_KB (8 * 1024)

static struct xlx_ctx *ctx;
static uint64_t host_free_kb;

/* As libxl 4.17 does it: what is not given gets its default, and stub domain and video memory are part of the need. */
int libxl_domain_need_memory(libxl_ctx *libxl, libxl_domain_config *config, uint32_t domid, uint64_t *need_memkb)
{
    libxl_domain_build_info *b_info = &config->b_info;

    if (b_info->stubdomain_memkb == LIBXL_MEMKB_DEFAULT)
        b_info->stubdomain_memkb = STUB_KB;
    if (b_info->video_memkb == LIBXL_MEMKB_DEFAULT)
        b_info->video_memkb = VIDEO_KB;
    *need_memkb = GUEST_KB + b_info->stubdomain_memkb + b_info->video_memkb;
    return 0;
}

int libxl_get_free_memory(libxl_ctx *libxl, uint64_t *memkb)
{
    *memkb = host_free_kb;
    return 0;
}

/* ---- in the place of what the library has, by the linker's --wrap ---- */

bool __wrap_autoballoon_is_on(struct xlx_ctx *c);
int __wrap_xlx_mem_target_set(struct xlx_ctx *c, struct xlx_mem_target *target);
int __wrap_xlx_mem_settle(struct xlx_ctx *c, const struct xlx_mem_settle *settle);

static bool autoballoon;

bool __wrap_autoballoon_is_on(struct xlx_ctx *c)
{
    return autoballoon;
}

/* dom0's balloon: how much it was asked for, and how that ends. */
static uint64_t asked_kb;
static int settles;

int __wrap_xlx_mem_target_set(struct xlx_ctx *c, struct xlx_mem_target *target)
{
    asked_kb = target->size_memkb;
    return 0;
}

int __wrap_xlx_mem_settle(struct xlx_ctx *c, const struct xlx_mem_settle *settle)
{
    if (!settles)
        host_free_kb += asked_kb;
    return settles;
}

static int new_ctx(void **state)
{
    ctx = fake_ctx_new();
    ctx->libxl = (libxl_ctx *)&host_free_kb; /* never looked into */
    autoballoon = false;
    settles = 0;
    return 0;
}

static int free_ctx(void **state)
{
    fake_ctx_free(ctx);
    return 0;
}

static void a_host_that_has_what_libxl_needs_has_room(void **state)
{
    libxl_domain_config config;

    memset(&config, 0, sizeof(config));
    config.b_info.stubdomain_memkb = config.b_info.video_memkb = LIBXL_MEMKB_DEFAULT;
    host_free_kb = GUEST_KB + STUB_KB + VIDEO_KB;
    assert_int_equal(memory_lock_make_room(ctx, &config), 0);
    /* asked again, with the defaults filled in */
    assert_int_equal(memory_lock_make_room(ctx, &config), 0);
    assert_int_equal(fake_message_count(), 0);
}

static void without_a_balloon_in_dom0_a_kilobyte_less_is_too_little(void **state)
{
    libxl_domain_config config;

    memset(&config, 0, sizeof(config));
    host_free_kb = GUEST_KB - 1;
    assert_int_equal(memory_lock_make_room(ctx, &config), ERROR_NOMEM);
    assert_int_equal(fake_message_count(), 1);
}

static void dom0_gives_what_is_missing(void **state)
{
    libxl_domain_config config;

    memset(&config, 0, sizeof(config));
    autoballoon = true;
    host_free_kb = GUEST_KB - 4096;
    assert_int_equal(memory_lock_make_room(ctx, &config), 0);
    assert_int_equal(asked_kb, 4096);
    host_free_kb = GUEST_KB - 4096;
    settles = ERROR_TIMEDOUT;
    assert_int_equal(memory_lock_make_room(ctx, &config), ERROR_NOMEM);
}

static void an_interrupt_while_dom0_shrinks_is_no_lack_of_memory(void **state)
{
    libxl_domain_config config;

    memset(&config, 0, sizeof(config));
    autoballoon = true;
    host_free_kb = GUEST_KB - 4096;
    settles = ERROR_ABORTED;
    assert_int_equal(memory_lock_make_room(ctx, &config), ERROR_ABORTED);
    assert_int_equal(fake_message_count(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_ctx, free_ctx)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_host_that_has_what_libxl_needs_has_room),
        TEST(without_a_balloon_in_dom0_a_kilobyte_less_is_too_little),
        TEST(dom0_gives_what_is_missing),
        TEST(an_interrupt_while_dom0_shrinks_is_no_lack_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
