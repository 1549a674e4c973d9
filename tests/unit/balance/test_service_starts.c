/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts by others: those that fail for memory are seen, and the memory is kept for the next try. */
#include "tests/unit/balance/service.h"

#define SIZE_MEMKB (400 * MIB)

static const struct reserve_info *only_reservation(struct gc *gc)
{
    const struct reserve_info **infos;
    size_t count;

    infos = balancer_reservations(service->balancer, gc, &count);
    return count == 1 ? infos[0] : NULL;
}

static bool is_kept(void)
{
    GC_SCOPE(gc);
    const struct reserve_info *info = only_reservation(gc);

    return info && info->request.size_memkb == SIZE_MEMKB;
}

static bool is_not_kept(void)
{
    GC_SCOPE(gc);

    return !only_reservation(gc);
}

/* What libxl does first; its memory comes later. */
static struct fake_domain *begin_start(uint32_t domid)
{
    struct fake_domain *d = fake_xen_domain(domid, 0, 0);
    char path[64];

    d->flags = XEN_DOMINF_paused;
    snprintf(path, sizeof(path), "/libxl/%u/type", domid);
    fake_store_set(path, "pvh");
    run_for(50);
    return d;
}

static void end_start(uint32_t domid)
{
    char path[64];

    fake_xen_remove(domid);
    snprintf(path, sizeof(path), "/libxl/%u", domid);
    fake_store_set(path, NULL);
}

static void the_memory_of_a_start_that_failed_is_kept_until_it_is_tried_again(void **state)
{
    struct fake_domain *d = begin_start(9);

    d->max_kb = SIZE_MEMKB;
    run_for(100);
    assert_true(is_not_kept());
    end_start(9);
    assert_true(soon(is_kept));
    /* The second try claims it. */
    d = begin_start(10);
    d->max_kb = SIZE_MEMKB;
    d->outstanding_kb = SIZE_MEMKB;
    assert_true(soon(is_not_kept));
    end_start(10);
    run_for(100);
    assert_true(is_not_kept());
}

static void one_that_claims_its_memory_or_fails_for_something_else_is_left_alone(void **state)
{
    struct fake_domain *d = begin_start(9);

    d->max_kb = SIZE_MEMKB;
    d->outstanding_kb = SIZE_MEMKB;
    run_for(50);
    end_start(9);
    run_for(100);
    assert_true(is_not_kept());
    /* It would have fitted. */
    d = begin_start(10);
    d->max_kb = 20 * MIB;
    run_for(50);
    end_start(10);
    run_for(100);
    assert_true(is_not_kept());
    /* It never got as far as to a limit. */
    begin_start(11);
    end_start(11);
    run_for(100);
    assert_true(is_not_kept());
}

static void a_domain_that_is_there_is_no_start(void **state)
{
    unsigned looks = fake_xen_looks();

    for (unsigned i = 0; i < 50; i++)
        fake_store_set("/libxl/1/device/vbd/1", i % 2 ? "a" : "b");
    run_for(100);
    assert_true(is_not_kept());
    assert_true(fake_xen_looks() - looks < 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_memory_of_a_start_that_failed_is_kept_until_it_is_tried_again, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(one_that_claims_its_memory_or_fails_for_something_else_is_left_alone, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(a_domain_that_is_there_is_no_start, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
