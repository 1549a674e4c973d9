/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loaded in front of libxenctrl into Xen's libxl-save-helper when that restores a guest. libxenguest of Xen before 4.21 asks for
 * a guest's memory page by page (xg_sr_restore.c, populate_pfns), so a guest that was built from 2 MiB pages comes
 * back in pieces of 4 KiB. It asks for a batch at a time, and batches of the first pass are whole: here a whole aligned
 * run of 512 pages is asked for as one of 2 MiB. Where the host's memory is too broken up for that, as page by page.
 *
 * Only for guests whose frame numbers are their own (HVM, PVH): a PV guest is told machine frames, and has no use for this.
 */
#include <errno.h>
#include <stdbool.h>

#include <xenctrl.h>

#define ORDER 9u
#define RUN (1u << ORDER)

/* As libxenctrl's own: all of it, or -1 with errno. */
static int populate(xc_interface *xch, uint32_t domid, unsigned long count, unsigned order, unsigned flags,
                    xen_pfn_t *frames)
{
    int r = xc_domain_populate_physmap(xch, domid, count, order, flags, frames);

    if (r >= 0 && (unsigned long)r == count)
        return 0;
    if (r >= 0)
        errno = EBUSY;
    return -1;
}

/* The helper restores one guest. */
static bool frames_are_its_own(xc_interface *xch, uint32_t domid)
{
    static uint32_t known_domid;
    static bool known, its_own;
    xc_domaininfo_t info;

    if (!known || known_domid != domid) {
        known = xc_domain_getinfolist(xch, domid, 1, &info) == 1 && info.domain == domid;
        known_domid = domid;
        its_own = known && info.flags & XEN_DOMINF_hvm_guest;
    }
    return its_own;
}

static bool is_run(const xen_pfn_t *frames, unsigned long count)
{
    if (count < RUN || frames[0] % RUN)
        return false;
    for (unsigned long i = 1; i < RUN; i++) {
        if (frames[i] != frames[0] + i)
            return false;
    }
    return true;
}

/* A failure takes nothing: one extent is there or not. */
static bool populate_run(xc_interface *xch, uint32_t domid, unsigned flags, xen_pfn_t first)
{
    return xc_domain_populate_physmap(xch, domid, 1, ORDER, flags, &first) == 1;
}

static int populate_runs(xc_interface *xch, uint32_t domid, unsigned long count, unsigned flags, xen_pfn_t *frames)
{
    unsigned long begin = 0, i = 0;

    while (i < count) {
        if (!is_run(frames + i, count - i)) {
            i++;
            continue;
        }
        if (!populate_run(xch, domid, flags, frames[i])) {
            i += RUN; /* with the others, page by page */
            continue;
        }
        if (i > begin && populate(xch, domid, i - begin, 0, flags, frames + begin))
            return -1;
        i += RUN;
        begin = i;
    }
    return begin < count ? populate(xch, domid, count - begin, 0, flags, frames + begin) : 0;
}

/* In the place of libxenctrl's function of that name. */
__attribute__((visibility("default"))) int
xc_domain_populate_physmap_exact(xc_interface *xch, uint32_t domid, unsigned long nr_extents, unsigned int extent_order,
                                 unsigned int mem_flags, xen_pfn_t *extent_start)
{
    if (extent_order || nr_extents < RUN || !frames_are_its_own(xch, domid))
        return populate(xch, domid, nr_extents, extent_order, mem_flags, extent_start);
    return populate_runs(xch, domid, nr_extents, mem_flags, extent_start);
}
