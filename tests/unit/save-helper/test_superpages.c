/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A restored guest's memory is asked for in runs of 2 MiB, and every page of it exactly once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <xenctrl.h>

#define RUN 512u
#define PAGES (8 * RUN)
#define DOMID 9
#define MACHINE 70000u /* a PV guest's frame n is the host's frame n + MACHINE */

/* The guest, as the hypervisor has it, and what it does not give. */
static struct {
    bool is_pv;
    unsigned char held[PAGES], large[PAGES]; /* how often a page was given, and whether as a part of 2 MiB */
    bool has_no_large;
    unsigned gives; /* pages, then it has none */
    unsigned calls;
} xen;

int xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max, xc_domaininfo_t *info)
{
    memset(info, 0, sizeof(*info));
    info->domain = (domid_t)first;
    info->flags = xen.is_pv ? 0 : XEN_DOMINF_hvm_guest;
    return 1;
}

int xc_domain_populate_physmap(xc_interface *xch, uint32_t domid, unsigned long count, unsigned int order,
                               unsigned int flags, xen_pfn_t *frames)
{
    unsigned long done;

    xen.calls++;
    assert_int_equal(flags, 3);
    for (done = 0; done < count; done++) {
        if ((order && xen.has_no_large) || xen.gives < 1u << order)
            break;
        xen.gives -= 1u << order;
        for (unsigned i = 0; i < 1u << order; i++) {
            xen.held[frames[done] + i]++;
            xen.large[frames[done] + i] = order > 0;
        }
        if (xen.is_pv)
            frames[done] += MACHINE;
    }
    return (int)done;
}

static int begin(void **state)
{
    memset(&xen, 0, sizeof(xen));
    xen.gives = PAGES;
    return 0;
}

static xen_pfn_t frames[PAGES];

/* Adds the frames from first to last. */
static unsigned long add(unsigned long count, xen_pfn_t first, xen_pfn_t last)
{
    while (first <= last)
        frames[count++] = first++;
    return count;
}

static int ask(unsigned long count)
{
    return xc_domain_populate_physmap_exact(NULL, DOMID + xen.is_pv, count, 0, 3, frames);
}

static void assert_held(unsigned long count)
{
    unsigned long held = 0;

    for (unsigned i = 0; i < PAGES; i++)
        held += xen.held[i];
    assert_int_equal(held, count);
    for (unsigned long i = 0; i < count; i++)
        assert_int_equal(xen.held[frames[i]], 1);
}

static unsigned large(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < PAGES; i++)
        n += xen.large[i];
    return n;
}

static void whole_runs_are_large_pages(void **state)
{
    unsigned long count = add(0, RUN, 3 * RUN - 1);

    assert_int_equal(ask(count), 0);
    assert_held(count);
    assert_int_equal(large(), 2 * RUN);
    assert_int_equal(xen.calls, 2);
}

static void what_is_no_whole_run_is_asked_for_page_by_page(void **state)
{
    unsigned long count = add(0, 1, RUN - 1); /* the first page is missing */

    count = add(count, RUN, 2 * RUN - 1);
    count = add(count, 2 * RUN, 2 * RUN + 9);      /* ten pages, */
    count = add(count, 2 * RUN + 11, 3 * RUN - 1); /* and a hole of one */
    count = add(count, 4 * RUN, 5 * RUN - 1);
    count = add(count, 5 * RUN, 6 * RUN - 2); /* the last is missing */
    assert_int_equal(ask(count), 0);
    assert_held(count);
    assert_int_equal(large(), 2 * RUN);
}

static void a_run_out_of_order_is_none(void **state)
{
    unsigned long count = add(0, RUN, 2 * RUN - 1);

    frames[3] = RUN + 4;
    frames[4] = RUN + 3;
    assert_int_equal(ask(count), 0);
    assert_held(count);
    assert_int_equal(large(), 0);
}

static void a_host_without_large_pages_gives_small_ones(void **state)
{
    unsigned long count = add(0, 0, 4 * RUN - 1);

    xen.has_no_large = true;
    assert_int_equal(ask(count), 0);
    assert_held(count);
    assert_int_equal(large(), 0);
}

static void a_host_without_memory_is_told_as_libxenctrl_tells_it(void **state)
{
    unsigned long count = add(0, 0, 4 * RUN - 1);

    xen.gives = 2 * RUN + 100;
    errno = 0;
    assert_int_equal(ask(count), -1);
    assert_int_equal(errno, EBUSY);
}

static void a_pv_guest_is_left_alone(void **state)
{
    unsigned long count = add(0, 0, 2 * RUN - 1);

    xen.is_pv = true;
    assert_int_equal(ask(count), 0);
    assert_int_equal(large(), 0);
    assert_int_equal(xen.calls, 1);
    for (unsigned long i = 0; i < count; i++)
        assert_int_equal(frames[i], i + MACHINE);
}

static void who_asks_for_large_pages_gets_what_was_asked_for(void **state)
{
    xen_pfn_t first = 2 * RUN;

    assert_int_equal(xc_domain_populate_physmap_exact(NULL, DOMID, 1, 9, 3, &first), 0);
    assert_int_equal(large(), RUN);
    assert_int_equal(xen.calls, 1);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whole_runs_are_large_pages),
        TEST(what_is_no_whole_run_is_asked_for_page_by_page),
        TEST(a_run_out_of_order_is_none),
        TEST(a_host_without_large_pages_gives_small_ones),
        TEST(a_host_without_memory_is_told_as_libxenctrl_tells_it),
        TEST(a_pv_guest_is_left_alone),
        TEST(who_asks_for_large_pages_gets_what_was_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
