/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's life with its device model in a stub domain: what counts as its end, and what it is started anew from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libxl_utils.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/ao.h"
#include "stubdom-launch/saved-config.h"
#include "stubdom-launch/watch.h"
#include "tests/fakes/clock.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

#define GUEST 4
#define STUB 5
#define EXIT_NODE "/local/domain/5/device-model/4/exit"
#define SHUT_DOWN(reason) (XEN_DOMINF_shutdown | (uint32_t)(reason) << XEN_DOMINF_shutdownshift)

static struct xlx_ctx *ctx;
static struct fake_domain *guest, *stub;
static uint64_t started_ms;

/* ---- the end of a guest ---- */

/* What happens to the two, one step every 100 ms; xenstored tells of each. */
static void (*const *steps)(void);
static struct ev_timer next_step;

static void step(struct ev_timer *timer)
{
    if (!*steps)
        return;
    (*steps++)();
    fake_store_fire("@releaseDomain");
    ev_timer_start(&ctx->loop, timer, 100, 0, step);
}

static struct stubdom_watch watch_while(void (*const *happens)(void))
{
    struct stubdom_watch watch = {.ao = {.ctx = ctx}, .domid = GUEST, .stub_domid = STUB};

    steps = happens;
    started_ms = fake_clock_ms();
    assert_int_equal(stubdom_watch_start(&watch), 0);
    ev_timer_start(&ctx->loop, &next_step, 100, 0, step);
    assert_int_equal(ao_wait(&watch.ao), 0);
    ev_timer_stop(&next_step);
    return watch;
}

static void guest_is_suspended(void)
{
    guest->flags = SHUT_DOWN(SHUTDOWN_suspend);
}

static void guest_runs(void)
{
    guest->flags = XEN_DOMINF_running;
}

static void guest_is_paused(void)
{
    guest->flags = XEN_DOMINF_paused;
}

static void guest_reboots(void)
{
    guest->flags = SHUT_DOWN(SHUTDOWN_reboot);
}

static void guest_is_destroyed(void)
{
    fake_xen_remove(GUEST);
}

static void stub_is_destroyed(void)
{
    fake_xen_remove(STUB);
}

static void stub_powers_off(void)
{
    stub->flags = SHUT_DOWN(SHUTDOWN_poweroff);
}

static void qemu_ends(void)
{
    fake_store_set(EXIT_NODE, "signal 11");
}

static void a_shutdown_is_told_with_its_reason(void **state)
{
    struct stubdom_watch watch = watch_while((void (*const[])(void)){guest_reboots, NULL});

    assert_int_equal(watch.event, STUBDOM_GUEST_SHUT_DOWN);
    assert_int_equal(watch.reason, SHUTDOWN_reboot);
}

/* "xl save" fails with a stub domain, after it has suspended the guest; the monitor must still be there afterwards. */
static void a_guest_that_was_suspended_for_a_while_is_watched_on(void **state)
{
    struct stubdom_watch watch =
        watch_while((void (*const[])(void)){guest_is_suspended, guest_runs, guest_reboots, NULL});

    assert_int_equal(watch.event, STUBDOM_GUEST_SHUT_DOWN);
    assert_int_equal(watch.reason, SHUTDOWN_reboot);
    guest_runs();
    watch = watch_while((void (*const[])(void)){guest_is_suspended, guest_is_destroyed, NULL});
    assert_int_equal(watch.event, STUBDOM_GUEST_GONE);
}

static void a_guest_whose_qemu_dies_while_it_is_suspended_has_no_device_model(void **state)
{
    struct stubdom_watch watch = watch_while((void (*const[])(void)){guest_is_suspended, qemu_ends, NULL});

    assert_int_equal(watch.event, STUBDOM_DEVICE_MODEL_DEAD);
    assert_string_equal(watch.how_dead, "QEMU ended: signal 11");
}

static void a_stub_domain_that_ends_takes_the_device_model_along(void **state)
{
    struct stubdom_watch watch = watch_while((void (*const[])(void)){stub_powers_off, NULL});

    assert_int_equal(watch.event, STUBDOM_DEVICE_MODEL_DEAD);
    stub->flags = XEN_DOMINF_running;
    watch = watch_while((void (*const[])(void)){stub_is_destroyed, NULL});
    assert_int_equal(watch.event, STUBDOM_DEVICE_MODEL_DEAD);
    assert_in_range(fake_clock_ms() - started_ms, 100, 2000);
}

static void a_guest_that_is_being_destroyed_is_not_one_without_device_model(void **state)
{
    struct stubdom_watch watch =
        watch_while((void (*const[])(void)){guest_is_paused, stub_is_destroyed, guest_is_destroyed, NULL});

    assert_int_equal(watch.event, STUBDOM_GUEST_GONE);
}

static void a_paused_guest_that_is_never_destroyed_has_lost_its_device_model(void **state)
{
    struct stubdom_watch watch = watch_while((void (*const[])(void)){guest_is_paused, stub_is_destroyed, NULL});

    assert_int_equal(watch.event, STUBDOM_DEVICE_MODEL_DEAD);
    assert_in_range(fake_clock_ms() - started_ms, 60000, 61000);
}

static void what_has_ended_before_is_seen_at_once(void **state)
{
    struct stubdom_watch watch;

    fake_store_set(EXIT_NODE, "exited 1");
    watch = watch_while((void (*const[])(void)){NULL});
    assert_int_equal(watch.event, STUBDOM_DEVICE_MODEL_DEAD);
    fake_store_set(EXIT_NODE, NULL);
    guest_is_destroyed();
    watch = watch_while((void (*const[])(void)){NULL});
    assert_int_equal(watch.event, STUBDOM_GUEST_GONE);
}

/* ---- what it is started anew from: libxl, as far as it is asked ---- */

static const char *kept, *name_now;

int libxl_userdata_retrieve(libxl_ctx *libxl, uint32_t domid, const char *userid, uint8_t **data, int *len)
{
    assert_string_equal(userid, "libxl-json");
    if (!kept)
        return ERROR_FAIL;
    *len = (int)strlen(kept);
    *data = malloc((size_t)*len); /* no NUL behind it */
    memcpy(*data, kept, (size_t)*len);
    return 0;
}

char *libxl_domid_to_name(libxl_ctx *libxl, uint32_t domid)
{
    return name_now ? strdup(name_now) : NULL;
}

/* Its own form is JSON; here it is the name alone. */
static libxl_domain_build_info kept_info;

int libxl_domain_config_from_json(libxl_ctx *libxl, libxl_domain_config *config, const char *json)
{
    config->c_info.name = strdup(json);
    config->b_info = kept_info;
    return *json == '?' ? ERROR_FAIL : 0;
}

char *libxl_domain_config_to_json(libxl_ctx *libxl, libxl_domain_config *config)
{
    return strdup(config->c_info.name);
}

static void asked(int wanted_rc, const char *wanted_name)
{
    libxl_domain_config config;
    char *json = NULL;
    GC_SCOPE(gc);

    memset(&config, 0, sizeof(config));
    assert_int_equal(saved_config_read(ctx, gc, GUEST, &config, &json), wanted_rc);
    if (!wanted_rc) {
        assert_string_equal(config.c_info.name, wanted_name);
        assert_string_equal(json, wanted_name);
    }
    free(config.c_info.name);
}

static void a_guest_is_started_anew_under_the_name_it_has_now(void **state)
{
    kept = name_now = "web";
    asked(0, "web");
    name_now = "web-old";
    asked(0, "web-old");
    name_now = NULL;
    asked(0, "web");
    name_now = "";
    asked(0, "web");
    assert_int_equal(fake_message_count(), 0);
}

static uint64_t asked_target_memkb(const char *node)
{
    libxl_domain_config config;
    char *json = NULL;
    GC_SCOPE(gc);

    memset(&config, 0, sizeof(config));
    fake_store_set("/local/domain/7/memory/target", node);
    assert_int_equal(saved_config_read(ctx, gc, 7, &config, &json), 0);
    free(config.c_info.name);
    return config.b_info.target_memkb;
}

static void a_guest_is_started_anew_with_the_target_that_stood(void **state)
{
    kept = name_now = "web";
    kept_info = (libxl_domain_build_info){
        .type = LIBXL_DOMAIN_TYPE_HVM, .max_memkb = 524288, .target_memkb = 524288, .video_memkb = 8192};
    /* As libxl writes it for one that has all, and for one of 256 MiB. */
    assert_int_equal(asked_target_memkb("516096"), 524288);
    assert_int_equal(asked_target_memkb("252928"), 262144);
    assert_int_equal(asked_target_memkb("515584"), 524288);
    assert_int_equal(asked_target_memkb(NULL), 524288);
    kept_info = (libxl_domain_build_info){0};
}

static void a_configuration_that_is_not_kept_is_said_once(void **state)
{
    kept = NULL;
    asked(ERROR_FAIL, NULL);
    assert_int_equal(fake_message_count(), 1);
    kept = "?";
    asked(ERROR_FAIL, NULL);
    assert_int_equal(fake_message_count(), 2);
}

/* ---- */

static int new_ctx(void **state)
{
    ctx = fake_ctx_new();
    ctx->libxl = (libxl_ctx *)&kept; /* never looked into */
    guest = fake_xen_domain(GUEST, 4096, 4096);
    stub = fake_xen_domain(STUB, 4096, 4096);
    return 0;
}

static int free_ctx(void **state)
{
    fake_ctx_free(ctx);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_ctx, free_ctx)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_shutdown_is_told_with_its_reason),
        TEST(a_guest_that_was_suspended_for_a_while_is_watched_on),
        TEST(a_guest_whose_qemu_dies_while_it_is_suspended_has_no_device_model),
        TEST(a_stub_domain_that_ends_takes_the_device_model_along),
        TEST(a_guest_that_is_being_destroyed_is_not_one_without_device_model),
        TEST(a_paused_guest_that_is_never_destroyed_has_lost_its_device_model),
        TEST(what_has_ended_before_is_seen_at_once),
        TEST(a_guest_is_started_anew_under_the_name_it_has_now),
        TEST(a_guest_is_started_anew_with_the_target_that_stood),
        TEST(a_configuration_that_is_not_kept_is_said_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
