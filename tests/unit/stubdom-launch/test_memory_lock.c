/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether there is memory for a start. This program stands in xl-ext's place, too, where that is run to ask memd. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
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

/* ---- with memd ---- */

#define UUID_BYTES                                                                                                     \
    {                                                                                                                  \
        5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5                                                                 \
    }
#define RESERVES "--json mem-reserve 204800k --uuid 05050505-0505-0505-0505-050505050505 --lease 600 -t 60\n"

static char folder[64], locked[128], asked[128];

int __wrap_xl_lock_path(struct xlx_ctx *c, struct gc *gc, const char **path);
int __wrap_xl_lock_path(struct xlx_ctx *c, struct gc *gc, const char **path)
{
    *path = locked;
    return 0;
}

/* As xl-ext: notes its arguments, and ends as $STATUS says. */
static int be_xl_ext(char **argv)
{
    FILE *f = fopen(getenv("ASKED"), "ae");
    const char *wanted = getenv("STATUS");
    int status = wanted ? atoi(wanted) : 1;

    for (char **a = argv + 1; *a; a++)
        fprintf(f, "%s%s", *a, a[1] ? " " : "\n");
    fclose(f);
    if (status)
        fputs("first\nlast words\n", stderr);
    else
        puts("{\"id\": \"r7\", \"memkb\": 204800}");
    return status;
}

static const char *arguments(void)
{
    static char text[1024];
    CLEANUP_FILE FILE *f = fopen(asked, "re");

    text[f ? fread(text, 1, sizeof(text) - 1, f) : 0] = '\0';
    return text;
}

static int new_memd(void **state)
{
    char lock[128];
    int fd;

    strcpy(folder, "/tmp/test_memory_lock.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(locked, sizeof(locked), "%s/xl", folder);
    snprintf(asked, sizeof(asked), "%s/asked", folder);
    snprintf(lock, sizeof(lock), "%s/memd.lock", folder);
    setenv("XL_EXT_RUN_FOLDER", folder, 1);
    setenv("ASKED", asked, 1);
    setenv("STATUS", "0", 1);
    fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    *state = (void *)(intptr_t)fd;
    host_free_kb = 1024 * 1024;
    return new_ctx(NULL);
}

static int free_memd(void **state)
{
    char command[128];

    close((int)(intptr_t)*state);
    unsetenv("XL_EXT_RUN_FOLDER");
    snprintf(command, sizeof(command), "rm -r %s", folder);
    assert_int_equal(system(command), 0);
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
    assert_string_equal(arguments(), RESERVES);
    memory_lock_release(ctx, &lock);
    assert_string_equal(arguments(), RESERVES "--json mem-reserve --release r7\n");
    memory_lock_release(ctx, &lock);
    assert_string_equal(arguments(), RESERVES "--json mem-reserve --release r7\n");
    assert_int_equal(fake_message_count(), 0);
}

static void a_start_whose_memory_the_guests_do_not_give_ends_there(void **state)
{
    struct memory_lock lock;

    setenv("STATUS", "3", 1);
    assert_int_equal(take(&lock), ERROR_TIMEDOUT);
    assert_non_null(strstr(fake_messages(), "no memory for guest and stub domain: last words"));
    assert_int_equal(lock.lock_fd, -1);
}

static void a_memd_that_does_not_answer_does_not_stop_a_start(void **state)
{
    struct memory_lock lock;

    setenv("STATUS", "1", 1);
    assert_int_equal(take(&lock), 0);
    assert_non_null(strstr(fake_warnings(), "memd reserves no memory for the start (last words)"));
    memory_lock_release(ctx, &lock);
    assert_string_equal(arguments(), RESERVES);
}

static void without_memd_nobody_is_asked(void **state)
{
    struct memory_lock lock;

    flock((int)(intptr_t)*state, LOCK_UN);
    assert_int_equal(take(&lock), 0);
    memory_lock_release(ctx, &lock);
    assert_string_equal(arguments(), "");
    assert_int_equal(fake_message_count(), 0);
}

#define WITH_MEMD(name) cmocka_unit_test_setup_teardown(name, new_memd, free_memd)
#define TEST(name) cmocka_unit_test_setup_teardown(name, new_ctx, free_ctx)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(a_host_that_has_what_libxl_needs_has_room),
        TEST(without_a_balloon_in_dom0_a_kilobyte_less_is_too_little),
        TEST(dom0_gives_what_is_missing),
        TEST(an_interrupt_while_dom0_shrinks_is_no_lack_of_memory),
        WITH_MEMD(what_guest_and_stub_domain_need_is_reserved_until_they_have_it),
        WITH_MEMD(a_start_whose_memory_the_guests_do_not_give_ends_there),
        WITH_MEMD(a_memd_that_does_not_answer_does_not_stop_a_start),
        WITH_MEMD(without_memd_nobody_is_asked),
    };

    if (argc > 1)
        return be_xl_ext(argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
