/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is told of domains, and to programs of other versions of the library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "core/sized.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"
#include "tests/fakes/xenstore-socket.h"
#include "xlx.h"

#define TARGET "/local/domain/5/memory/target"
#define MIB UINT64_C(1024)
#define INFO_LEAST SIZED_UP_TO(struct xlx_mem_info, offset_calibrated)

static struct xlx_ctx *ctx;

static int new_ctx(void **state)
{
    ctx = fake_ctx_new();
    /* What the fake xenstored knows is asked for one by one: its socket answers nothing. */
    fake_socket_hide(true);
    fake_xen_domain(0, 1024 * MIB, 2048 * MIB);
    fake_xen_domain(5, 500 * MIB, 513 * MIB);
    fake_store_set("/local/domain/0/name", "Domain-0");
    fake_store_set("/local/domain/5/name", "web");
    fake_store_set("/libxl/5/type", "pvh");
    fake_store_set("/local/domain/5/memory/target", "524288");
    fake_store_set("/local/domain/5/memory/static-max", "1048576");
    return 0;
}

static int free_ctx(void **state)
{
    fake_ctx_free(ctx);
    return 0;
}

/* Of a program of a later version: the library knows nothing of what stands behind. */
struct later_info {
    struct xlx_mem_info known;
    uint64_t later;
};

static void web_is_known(const struct xlx_mem_info *info)
{
    assert_int_equal(info->domid, 5);
    assert_string_equal(info->name, "web");
    assert_int_equal(info->target_memkb, 512 * MIB);
    assert_int_equal(info->static_max_memkb, 1024 * MIB);
    assert_int_equal(info->actual_memkb, 500 * MIB);
    assert_int_equal(info->max_memkb, 513 * MIB);
}

static void one_domain_is_told_to_programs_of_other_versions(void **state)
{
    struct later_info infos[2];

    for (size_t size = INFO_LEAST; size <= sizeof(*infos); size += size < sizeof(infos->known) ? 1 : 8) {
        memset(infos, 0, sizeof(infos));
        memset(&infos[1], 0xaa, sizeof(infos[1]));
        infos->known.size = size;
        assert_int_equal(xlx_mem_info_get(ctx, 5, &infos->known), 0);
        web_is_known(&infos->known);
        assert_int_equal(infos->known.size, size);
        assert_int_equal(infos->later, 0);
        assert_int_equal(*(unsigned char *)&infos[1], 0xaa);
    }
}

static void no_info_is_given_without_its_size(void **state)
{
    struct xlx_mem_info info = {.size = INFO_LEAST - 1}, *list = NULL;
    size_t count;

    assert_int_equal(xlx_mem_info_get(ctx, 5, &info), ERROR_INVAL);
    info.size = 0;
    assert_int_equal(xlx_mem_info_get(ctx, 5, &info), ERROR_INVAL);
    assert_int_equal(xlx_mem_list(ctx, INFO_LEAST - 1, &list, &count), ERROR_INVAL);
    assert_null(list);
    assert_int_equal(fake_message_count(), 3);
}

static void all_domains_stand_at_the_callers_distance(void **state)
{
    struct xlx_mem_info *list;
    struct later_info *later;
    size_t count;

    assert_int_equal(xlx_mem_list(ctx, sizeof(*list), &list, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(list[1].size, sizeof(*list));
    assert_string_equal(list[0].name, "Domain-0");
    web_is_known(&list[1]);
    free(list);
    assert_int_equal(xlx_mem_list(ctx, sizeof(*later), (struct xlx_mem_info **)&later, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(later[1].known.size, sizeof(*later));
    assert_int_equal(later[0].later, 0);
    web_is_known(&later[1].known);
    free(later);
}

static void a_domain_that_is_gone_is_no_news(void **state)
{
    struct xlx_mem_info info = {.size = sizeof(info)};

    assert_int_equal(xlx_mem_info_get(ctx, 6, &info), ERROR_DOMAIN_NOTFOUND);
    assert_int_equal(fake_message_count(), 0);
}

/* A program of a later version has a larger struct; one that forgot its size has none. */
static void a_target_is_set_only_when_all_that_is_asked_is_understood(void **state)
{
    struct {
        struct xlx_mem_target known;
        uint64_t later;
    } t = {{.domid = 5, .relation = XLX_MEM_ABSOLUTE, .size_memkb = 400 * MIB}, 1};

    t.known.size = sizeof(t);
    assert_int_equal(xlx_mem_target_set(ctx, &t.known), ERROR_INVAL);
    t.known.size = 0;
    assert_int_equal(xlx_mem_target_set(ctx, &t.known), ERROR_INVAL);
    assert_string_equal(fake_store_get(TARGET), "524288");
    t.known.size = sizeof(t);
    t.later = 0;
    assert_int_equal(xlx_mem_target_set(ctx, &t.known), 0);
    assert_int_equal(t.known.new_target_memkb, 400 * MIB);
    assert_string_equal(fake_store_get(TARGET), "409600");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_domain_is_told_to_programs_of_other_versions, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(no_info_is_given_without_its_size, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(all_domains_stand_at_the_callers_distance, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(a_target_is_set_only_when_all_that_is_asked_is_understood, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(a_domain_that_is_gone_is_no_news, new_ctx, free_ctx),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
