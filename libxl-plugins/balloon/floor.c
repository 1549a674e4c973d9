/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon/floor.h"

#include "balloon/sizes.h"
#include "base/cleanup.h"
#include "xlx.h"

/*
 * What a Linux guest needs to live grows with the memory it was booted for (page tables and struct page are sized for
 * static-max) and less than in proportion. The curve is the one that Linux itself trusts for its Hyper-V balloon
 * (drivers/hv/hv_balloon.c, compute_balloon_floor), and Xen's first balloon driver had before it: docs/memory-floor.md.
 */
uint64_t xlx_mem_floor_memkb(uint64_t static_max_memkb)
{
    static const struct {
        uint64_t below_mib, base_mib;
        unsigned shift;
    } pieces[] = {
        {128, 8, 1}, {512, 40, 2}, {2048, 104, 3}, {8192, 232, 4}, {UINT64_MAX >> 10, 488, 5},
    };
    uint64_t mib = static_max_memkb >> 10;
    size_t i = 0;

    while (i + 1 < ARRAY_LEN(pieces) && mib >= pieces[i].below_mib)
        i++;
    return (pieces[i].base_mib << 10) + (static_max_memkb >> pieces[i].shift);
}

uint64_t floor_least_memkb(uint64_t static_max_memkb, uint64_t target_memkb, uint64_t actual_memkb)
{
    uint64_t floor_memkb = xlx_mem_floor_memkb(static_max_memkb);
    uint64_t pages_memkb = actual_memkb - actual_memkb % MEM_PAGE_KB;
    uint64_t has_memkb = target_memkb < pages_memkb ? target_memkb : pages_memkb;

    return floor_memkb < has_memkb ? floor_memkb : has_memkb;
}
