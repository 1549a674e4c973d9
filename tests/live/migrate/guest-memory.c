/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guest-memory tables DOMID: how many pages the hypervisor needs for the tables of a guest's memory: one more for each
 * 2 MiB that is made of small pages. Only for a test: all free pages of the guest's pool are taken away for a moment.
 *
 * guest-memory same DOMID DOMID MIB: do two paused guests have the same pages, and the same in each, in their first MIB?
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xenctrl.h>
#include <xenforeignmemory.h>

#define PAGE 4096u
#define BATCH 512u /* pages */

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return 1;
}

/* ---- tables ---- */

/* Xen gives back what is free, and says then that it can give no more: what is left is in use. */
static int count_tables(xc_interface *xch, uint32_t domid)
{
    uint64_t before, used;

    if (xc_get_paging_mempool_size(xch, domid, &before))
        return fail("the size of the guest's pool");
    if (xc_set_paging_mempool_size(xch, domid, 0) && errno != ENOMEM)
        return fail("taking the free pages of the guest's pool");
    if (xc_get_paging_mempool_size(xch, domid, &used))
        return fail("the size of what is left of the guest's pool");
    if (xc_set_paging_mempool_size(xch, domid, before))
        return fail("giving the guest's pool its pages back");
    printf("%" PRIu64 "\n", used / PAGE);
    return 0;
}

static int tables(uint32_t domid)
{
    xc_interface *xch = xc_interface_open(NULL, NULL, 0);
    int r;

    if (!xch || xc_domain_pause(xch, domid))
        return fail("pausing the guest");
    r = count_tables(xch, domid);
    xc_domain_unpause(xch, domid);
    xc_interface_close(xch);
    return r;
}

/* ---- the same memory ---- */

struct view {
    uint8_t *bytes;
    int missing[BATCH];
};

static bool look(xenforeignmemory_handle *memory, uint32_t domid, uint64_t first, struct view *view)
{
    xen_pfn_t frames[BATCH];

    for (unsigned i = 0; i < BATCH; i++)
        frames[i] = first + i;
    view->bytes = xenforeignmemory_map(memory, domid, PROT_READ, BATCH, frames, view->missing);
    return view->bytes;
}

static unsigned differences(uint64_t first, const struct view *a, const struct view *b, uint64_t *pages)
{
    unsigned n = 0;

    for (unsigned i = 0; i < BATCH; i++) {
        bool there = !a->missing[i], differs = there != !b->missing[i];

        if (there && !differs)
            differs = memcmp(a->bytes + (size_t)i * PAGE, b->bytes + (size_t)i * PAGE, PAGE);
        *pages += there;
        n += differs;
        if (differs)
            printf("page %#" PRIx64 " differs\n", first + i);
    }
    return n;
}

static int same(uint32_t domid, uint32_t other, uint64_t mib)
{
    xenforeignmemory_handle *memory = xenforeignmemory_open(NULL, 0);
    unsigned n = 0;
    uint64_t pages = 0;

    if (!memory)
        return fail("xenforeignmemory_open");
    for (uint64_t first = 0; first < mib * 256; first += BATCH) {
        struct view a, b;

        if (!look(memory, domid, first, &a) || !look(memory, other, first, &b))
            return fail("mapping the guests' memory");
        n += differences(first, &a, &b, &pages);
        xenforeignmemory_unmap(memory, a.bytes, BATCH);
        xenforeignmemory_unmap(memory, b.bytes, BATCH);
    }
    printf("%" PRIu64 " pages, %u differ\n", pages, n);
    xenforeignmemory_close(memory);
    return n || !pages;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "tables"))
        return tables((uint32_t)atoi(argv[2]));
    if (argc == 5 && !strcmp(argv[1], "same"))
        return same((uint32_t)atoi(argv[2]), (uint32_t)atoi(argv[3]), strtoull(argv[4], NULL, 10));
    fprintf(stderr, "usage: guest-memory tables DOMID | same DOMID DOMID MIB\n");
    return 2;
}
