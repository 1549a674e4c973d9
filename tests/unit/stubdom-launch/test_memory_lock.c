/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether there is memory for a start. */
#include <fcntl.h>
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
#include "base/error.h"
#include "core/xen-boot.h"
#include "memd-client/client.h"
#include "memd-client/control.h"
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

/* ---- with memd ---- */

#define UUID_BYTES                                                                                                     \
    {                                                                                                                  \
        5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5                                                                 \
    }
#define UUID "05050505-0505-0505-0505-050505050505"

static char folder[64], locked[128];

int __wrap_xl_lock_path(struct xlx_ctx *c, struct gc *gc, const char **path);
int __wrap_xl_lock_path(struct xlx_ctx *c, struct gc *gc, const char **path)
{
    *path = locked;
    return 0;
}

/* In the place of the connection to memd: what becomes of the reservation, and what is asked. */
static struct {
    int connects, answers; /* error codes */
    const char *becomes;
    uint64_t size_memkb, timeout_ms, keep_ms;
    char uuid[64], released[64];
    unsigned reservations, open;
    struct gc *gc;
} memd;

int __wrap_memd_connect(struct xlx_ctx *c, struct memd_client **client);
void __wrap_memd_disconnect(struct memd_client *client);
int __wrap_memd_call(struct memd_client *client, const char *command, const struct json *arguments,
                     const struct json **result);
int __wrap_memd_ask(struct memd_client *client, const char *command, const struct json *arguments,
                    const struct json **result);
int __wrap_memd_send(struct memd_client *client, const char *command, const struct json *arguments);
int __wrap_memd_event(struct memd_client *client, uint64_t timeout_ms, const struct json **message);

int __wrap_memd_connect(struct xlx_ctx *c, struct memd_client **client)
{
    if (memd.connects)
        return memd.connects;
    *client = (struct memd_client *)&memd; /* never looked into */
    memd.open++;
    return 0;
}

void __wrap_memd_disconnect(struct memd_client *client)
{
    memd.open -= client != NULL;
}

static struct json *reservation(const char *state)
{
    struct json *r = json_new_object(memd.gc);

    json_set_string(memd.gc, r, "id", "r7");
    json_set_string(memd.gc, r, "state", state);
    json_set_u64(memd.gc, r, "memkb", memd.size_memkb);
    return r;
}

int __wrap_memd_call(struct memd_client *client, const char *command, const struct json *arguments,
                     const struct json **result)
{
    const char *text;

    assert_string_equal(command, CONTROL_RESERVE);
    if (memd.answers)
        return memd.answers;
    assert_true(json_member_u64(arguments, "size_memkb", &memd.size_memkb));
    assert_true(json_member_u64(arguments, "timeout_ms", &memd.timeout_ms));
    assert_true(json_member_string(arguments, "uuid", &text));
    snprintf(memd.uuid, sizeof(memd.uuid), "%s", text);
    memd.reservations++;
    *result = reservation("waiting");
    return 0;
}

int __wrap_memd_ask(struct memd_client *client, const char *command, const struct json *arguments,
                    const struct json **result)
{
    const char *text;

    assert_string_equal(command, CONTROL_RESERVE_RELEASE);
    assert_true(json_member_string(arguments, "id", &text));
    strcat(memd.released, text);
    return 0;
}

int __wrap_memd_send(struct memd_client *client, const char *command, const struct json *arguments)
{
    assert_string_equal(command, CONTROL_RESERVE_HOLD);
    assert_true(json_member_u64(arguments, "keep_ms", &memd.keep_ms));
    return 0;
}

int __wrap_memd_event(struct memd_client *client, uint64_t timeout_ms, const struct json **message)
{
    struct json *event = json_new_object(memd.gc);

    json_set(memd.gc, event, "data", reservation(memd.becomes));
    *message = event;
    return 0;
}

static int new_memd(void **state)
{
    strcpy(folder, "/tmp/test_memory_lock.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(locked, sizeof(locked), "%s/xl", folder);
    memset(&memd, 0, sizeof(memd));
    memd.gc = gc_new();
    memd.becomes = "ready";
    host_free_kb = 1024 * 1024;
    return new_ctx(NULL);
}

static int free_memd(void **state)
{
    assert_int_equal(memd.open, 0);
    gc_free(memd.gc);
    unlink(locked);
    assert_int_equal(rmdir(folder), 0);
    return free_ctx(NULL);
}

static int take(struct memory_lock *lock)
{
    libxl_domain_config config;

    memset(&config, 0, sizeof(config));
    config.b_info.stubdomain_memkb = config.b_info.video_memkb = LIBXL_MEMKB_DEFAULT;
    config.c_info.uuid = (libxl_uuid){.uuid = UUID_BYTES};
    return memory_lock_take(ctx, &config, lock);
}

static void what_guest_and_stub_domain_need_is_reserved_until_they_have_it(void **state)
{
    struct memory_lock lock;

    assert_int_equal(take(&lock), 0);
    assert_int_equal(memd.size_memkb, GUEST_KB + STUB_KB + VIDEO_KB);
    assert_int_equal(memd.timeout_ms, MEMORY_RESERVE_MS);
    assert_string_equal(memd.uuid, UUID);
    /* Longer than libxl takes to build both. */
    assert_true(memd.keep_ms >= 300000);
    assert_string_equal(memd.released, "");
    memory_lock_release(ctx, &lock);
    assert_string_equal(memd.released, "r7");
    memory_lock_release(ctx, &lock);
    assert_string_equal(memd.released, "r7");
    assert_int_equal(fake_message_count(), 0);
}

static void a_start_whose_memory_the_guests_do_not_give_ends_there(void **state)
{
    struct memory_lock lock;

    memd.becomes = "timed-out";
    assert_int_equal(take(&lock), ERROR_TIMEDOUT);
    assert_non_null(strstr(fake_messages(), "no memory for guest and stub domain"));
    assert_int_equal(lock.lock_fd, -1);
}

static void a_memd_that_does_not_answer_does_not_stop_a_start(void **state)
{
    struct memory_lock lock;

    memd.answers = ERROR_FAIL;
    assert_int_equal(take(&lock), 0);
    assert_non_null(strstr(fake_warnings(), "memd reserves no memory for the start"));
    memory_lock_release(ctx, &lock);
    assert_string_equal(memd.released, "");
}

static void an_interrupt_while_the_guests_give_ends_the_start(void **state)
{
    struct memory_lock lock;

    memd.answers = ERROR_ABORTED;
    assert_int_equal(take(&lock), ERROR_ABORTED);
    assert_int_equal(lock.lock_fd, -1);
    assert_int_equal(fake_message_count(), 0);
}

static void without_memd_nobody_is_asked(void **state)
{
    struct memory_lock lock;

    memd.connects = ERROR_NOTFOUND;
    assert_int_equal(take(&lock), 0);
    memory_lock_release(ctx, &lock);
    assert_int_equal(memd.reservations, 0);
    assert_int_equal(fake_message_count(), 0);
}

#define WITH_MEMD(name) cmocka_unit_test_setup_teardown(name, new_memd, free_memd)
#define TEST(name) cmocka_unit_test_setup_teardown(name, new_ctx, free_ctx)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_host_that_has_what_libxl_needs_has_room),
        TEST(without_a_balloon_in_dom0_a_kilobyte_less_is_too_little),
        TEST(dom0_gives_what_is_missing),
        TEST(an_interrupt_while_dom0_shrinks_is_no_lack_of_memory),
        WITH_MEMD(what_guest_and_stub_domain_need_is_reserved_until_they_have_it),
        WITH_MEMD(a_start_whose_memory_the_guests_do_not_give_ends_there),
        WITH_MEMD(a_memd_that_does_not_answer_does_not_stop_a_start),
        WITH_MEMD(an_interrupt_while_the_guests_give_ends_the_start),
        WITH_MEMD(without_memd_nobody_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
