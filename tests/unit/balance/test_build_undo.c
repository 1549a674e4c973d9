/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an interrupted xl has left is destroyed, and nothing else: a script in xl's place notes what it is asked for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "balance/commands/build-undo.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

#define GUEST 5
#define STUB 6
#define UUID "05050505-0505-0505-0505-050505050505" /* of GUEST, as fake_xen_domain has it */

static struct xlx_ctx *ctx;
static struct gc *pool;
static char folder[64];
static const struct build_before *before;

/* ---- libxl, as far as it is asked ---- */

static struct {
    bool cannot_be_used, fails;
    uint32_t keeps; /* the configuration of that domain */
} libxl;

int libxl_ctx_alloc(libxl_ctx **result, int version, unsigned flags, xentoollog_logger *logger)
{
    *result = (libxl_ctx *)&libxl; /* never looked into */
    return libxl.cannot_be_used ? ERROR_FAIL : 0;
}

int libxl_ctx_free(libxl_ctx *ours)
{
    return 0;
}

int libxl_userdata_retrieve(libxl_ctx *ours, uint32_t domid, const char *userid, uint8_t **data, int *len)
{
    assert_string_equal(userid, "libxl-json");
    *data = libxl.keeps == domid ? (uint8_t *)strdup("{}") : NULL;
    *len = *data ? 2 : 0;
    return libxl.fails ? ERROR_FAIL : 0;
}

/* ---- xl ---- */

static void xl_does(const char *command)
{
    char *path = gc_printf(pool, "%s/xl", folder);
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    fprintf(f, "#!/bin/sh\necho \"$@\" >>%s/asked\n%s\n", folder, command);
    fclose(f);
    assert_int_equal(chmod(path, 0700), 0);
}

static const char *asked(void)
{
    char *text = gc_alloc(pool, 256);
    CLEANUP_FILE FILE *f = fopen(gc_printf(pool, "%s/asked", folder), "re");

    if (f)
        text[fread(text, 1, 255, f)] = '\0';
    return text;
}

/* ---- domains ---- */

static struct fake_domain *make(uint32_t domid, const char *name, uint32_t flags)
{
    struct fake_domain *d = fake_xen_domain(domid, 4096, 4096);

    d->flags = flags;
    fake_store_set(gc_printf(pool, "/local/domain/%u/name", domid), name);
    return d;
}

static void goes(struct fake_domain *d)
{
    if (*asked())
        d->flags |= XEN_DOMINF_dying;
}

static void becomes_another_with_the_guest(struct fake_domain *d)
{
    if (*asked())
        d->another = 1;
}

/* When it has been looked at once. */
static void becomes_another(struct fake_domain *d)
{
    if (d->arg)
        d->another = 1;
    d->arg = d;
}

static int begin(void **state)
{
    ctx = fake_ctx_new();
    pool = gc_new();
    strcpy(folder, "/tmp/xl-ext-test-undo-XXXXXX");
    assert_non_null(mkdtemp(folder));
    setenv("PATH", folder, 1);
    xl_does("");
    memset(&libxl, 0, sizeof(libxl));
    fake_xen_domain(0, 1 << 20, 1 << 20);
    before = build_before(ctx, pool);
    assert_non_null(before);
    return 0;
}

static int end(void **state)
{
    unlink(gc_printf(pool, "%s/xl", folder));
    unlink(gc_printf(pool, "%s/asked", folder));
    assert_int_equal(rmdir(folder), 0);
    gc_free(pool);
    fake_ctx_free(ctx);
    return 0;
}

/* What xl is asked to destroy then. */
static void undoes(const char *wanted)
{
    build_undo(ctx, UUID, before);
    assert_string_equal(asked(), wanted);
}

static void forgets(const char *wanted, int rc)
{
    assert_int_equal(build_forget_incoming(ctx, UUID), rc);
    assert_string_equal(asked(), wanted);
}

/* ---- build_undo ---- */

static void an_unfinished_guest_is_destroyed_with_its_stub_domain(void **state)
{
    make(GUEST, "g", XEN_DOMINF_paused);
    make(STUB, "g-dm", XEN_DOMINF_running);
    undoes("destroy 5\ndestroy 6\n");
}

static void a_stub_domain_that_has_gone_with_its_guest_needs_nobody(void **state)
{
    make(GUEST, "g", XEN_DOMINF_paused);
    make(STUB, "g-dm", XEN_DOMINF_running)->look = goes;
    undoes("destroy 5\n");
}

static void what_has_got_the_domid_of_a_stub_domain_since_is_left_alone(void **state)
{
    make(GUEST, "g", XEN_DOMINF_paused);
    make(STUB, "g-dm", XEN_DOMINF_running)->look = becomes_another_with_the_guest;
    undoes("destroy 5\n");
}

static void what_has_got_the_domid_of_the_guest_since_is_left_alone(void **state)
{
    make(GUEST, "g", XEN_DOMINF_paused)->look = becomes_another;
    undoes("");
}

static void only_a_new_stub_domain_of_that_name_is_its(void **state)
{
    make(3, "g-dm", XEN_DOMINF_running);
    before = build_before(ctx, pool);
    make(GUEST, "g", XEN_DOMINF_paused);
    make(STUB, "g2-dm", XEN_DOMINF_running);
    make(7, "g", XEN_DOMINF_running);
    make(8, "g-dm2", XEN_DOMINF_running);
    make(9, "g-dm", XEN_DOMINF_dying);
    undoes("destroy 5\n");
}

static void a_finished_guest_is_left_alone(void **state)
{
    make(GUEST, "g", XEN_DOMINF_paused);
    make(STUB, "g-dm", XEN_DOMINF_running);
    libxl.keeps = GUEST;
    undoes("");
}

static void a_guest_of_which_libxl_cannot_tell_is_left_alone(void **state)
{
    make(GUEST, "g", XEN_DOMINF_paused);
    libxl.fails = true;
    undoes("");
    libxl.fails = false;
    libxl.cannot_be_used = true;
    undoes("");
}

static void what_was_there_before_is_left_alone(void **state)
{
    make(GUEST, "g", XEN_DOMINF_paused);
    make(STUB, "g-dm", XEN_DOMINF_running);
    before = build_before(ctx, pool);
    undoes("");
}

static void where_nobody_knows_what_was_there_nothing_is_destroyed(void **state)
{
    fault_only("xc_domain_getinfolist");
    fault_arm(1, EIO);
    before = build_before(ctx, pool);
    assert_null(before);
    make(GUEST, "g", XEN_DOMINF_paused);
    undoes("");
}

static void a_domid_of_before_may_be_a_new_guest(void **state)
{
    struct fake_domain *d = make(GUEST, "old", XEN_DOMINF_running);

    d->another = 1;
    before = build_before(ctx, pool);
    d->another = 0;
    d->flags = XEN_DOMINF_paused;
    undoes("destroy 5\n");
}

static void a_guest_that_runs_or_dies_is_left_alone(void **state)
{
    struct fake_domain *d = make(GUEST, "g", XEN_DOMINF_running);

    undoes("");
    d->flags = XEN_DOMINF_paused | XEN_DOMINF_dying;
    undoes("");
}

static void a_guest_of_another_uuid_is_left_alone(void **state)
{
    make(GUEST, "g", XEN_DOMINF_paused)->another = 1;
    undoes("");
}

/* A copy of a guest that stays, for one. */
static void a_new_one_is_found_beside_an_older_one_of_that_uuid(void **state)
{
    make(3, "g", XEN_DOMINF_paused)->another = GUEST - 3;
    before = build_before(ctx, pool);
    make(GUEST, "g2", XEN_DOMINF_paused);
    undoes("destroy 5\n");
}

static void an_xl_that_fails_is_told_of(void **state)
{
    xl_does("exit 1");
    make(GUEST, "g", XEN_DOMINF_paused);
    make(STUB, "g-dm", XEN_DOMINF_running);
    undoes("destroy 5\ndestroy 6\n");
    assert_non_null(strstr(fake_warnings(), "domain 5: xl could not destroy it"));
    assert_non_null(strstr(fake_warnings(), "domain 6: xl could not destroy it"));
}

/* ---- build_forget_incoming ---- */

static void what_has_come_and_waits_is_destroyed_with_its_stub_domain(void **state)
{
    make(GUEST, "g--incoming", XEN_DOMINF_paused);
    make(STUB, "g--incoming-dm", XEN_DOMINF_running);
    libxl.keeps = GUEST; /* whole as it is */
    forgets("destroy 5\ndestroy 6\n", 0);
}

static void what_has_come_goes_also_beside_the_guest_that_stays(void **state)
{
    make(3, "g", XEN_DOMINF_running)->another = GUEST - 3;
    make(4, "g-dm", XEN_DOMINF_running);
    make(GUEST, "g--incoming", XEN_DOMINF_paused);
    forgets("destroy 5\n", 0);
}

static void only_what_has_come_paused_with_that_uuid_is_forgotten(void **state)
{
    make(1, "g--incoming", XEN_DOMINF_running)->another = GUEST - 1;
    make(2, "g--incoming", XEN_DOMINF_paused | XEN_DOMINF_dying)->another = GUEST - 2;
    make(3, "g--incoming", XEN_DOMINF_paused);
    make(GUEST, "g", XEN_DOMINF_paused);
    make(7, "--incoming", XEN_DOMINF_paused)->another = GUEST - 7;
    forgets("", 0);
}

static void what_cannot_be_forgotten_is_an_error(void **state)
{
    xl_does("exit 1");
    make(GUEST, "g--incoming", XEN_DOMINF_paused);
    forgets("destroy 5\n", ERROR_FAIL);
}

/* The xl that has received it destroys it, too. */
static void what_goes_while_xl_is_asked_is_no_error(void **state)
{
    xl_does("exit 1");
    make(GUEST, "g--incoming", XEN_DOMINF_paused)->look = goes;
    forgets("destroy 5\n", 0);
    assert_string_equal(fake_warnings(), "");
}

static void a_host_that_cannot_be_looked_at_is_an_error(void **state)
{
    make(GUEST, "g--incoming", XEN_DOMINF_paused);
    fault_only("xc_domain_getinfolist");
    fault_arm(1, EIO);
    forgets("", ERROR_FAIL);
    fault_arm(2, EIO); /* once more before xl is asked */
    forgets("", ERROR_FAIL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(an_unfinished_guest_is_destroyed_with_its_stub_domain),
        T(a_stub_domain_that_has_gone_with_its_guest_needs_nobody),
        T(what_has_got_the_domid_of_a_stub_domain_since_is_left_alone),
        T(what_has_got_the_domid_of_the_guest_since_is_left_alone),
        T(only_a_new_stub_domain_of_that_name_is_its),
        T(a_finished_guest_is_left_alone),
        T(a_guest_of_which_libxl_cannot_tell_is_left_alone),
        T(what_was_there_before_is_left_alone),
        T(where_nobody_knows_what_was_there_nothing_is_destroyed),
        T(a_domid_of_before_may_be_a_new_guest),
        T(a_guest_that_runs_or_dies_is_left_alone),
        T(a_guest_of_another_uuid_is_left_alone),
        T(a_new_one_is_found_beside_an_older_one_of_that_uuid),
        T(an_xl_that_fails_is_told_of),
        T(what_has_come_and_waits_is_destroyed_with_its_stub_domain),
        T(what_has_come_goes_also_beside_the_guest_that_stays),
        T(only_what_has_come_paused_with_that_uuid_is_forgotten),
        T(what_cannot_be_forgotten_is_an_error),
        T(what_goes_while_xl_is_asked_is_no_error),
        T(a_host_that_cannot_be_looked_at_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
