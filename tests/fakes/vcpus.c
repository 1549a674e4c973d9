/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fakes/vcpus.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <xenctrl.h>

#include "tests/fakes/fault.h"

#define ALL ((1u << FAKE_CPUS) - 1)
#define POOL (ALL & ~(1u << 3))
#define DOMAINS 16

static struct {
    uint8_t hard, soft;
} vcpus[DOMAINS][FAKE_VCPUS];

void fake_vcpus_reset(void)
{
    memset(vcpus, ALL, sizeof(vcpus));
}

uint8_t fake_vcpu_hard(uint32_t domid, unsigned vcpu)
{
    return vcpus[domid][vcpu].hard;
}

uint8_t fake_vcpu_soft(uint32_t domid, unsigned vcpu)
{
    return vcpus[domid][vcpu].soft;
}

/* ---- libxenctrl ---- */

int xc_cputopoinfo(xc_interface *xch, unsigned *max_cpus, xc_cputopo_t *cputopo)
{
    if (fault_now("xc_cputopoinfo"))
        return -1;
    *max_cpus = FAKE_CPUS;
    for (unsigned i = 0; i < FAKE_CPUS; i++)
        cputopo[i] = (xc_cputopo_t){.core = i, .socket = 0, .node = i / 2};
    return 0;
}

static bool there(uint32_t domid, unsigned vcpu)
{
    errno = ESRCH;
    return domid < DOMAINS && vcpu < FAKE_VCPUS;
}

int xc_vcpu_getinfo(xc_interface *xch, uint32_t domid, uint32_t vcpu, xc_vcpuinfo_t *info)
{
    if (fault_now("xc_vcpu_getinfo") || !there(domid, vcpu))
        return -1;
    memset(info, 0, sizeof(*info));
    info->vcpu = vcpu;
    info->online = 1;
    info->running = vcpu == 0;
    info->blocked = vcpu == 1;
    info->cpu_time = UINT64_C(1500000000) * (vcpu + 1);
    info->cpu = vcpu;
    return 0;
}

int xc_vcpu_getaffinity(xc_interface *xch, uint32_t domid, int vcpu, xc_cpumap_t hard, xc_cpumap_t soft, uint32_t flags)
{
    if (fault_now("xc_vcpu_getaffinity") || !there(domid, (unsigned)vcpu))
        return -1;
    *hard = vcpus[domid][vcpu].hard;
    *soft = vcpus[domid][vcpu].soft;
    return 0;
}

int xc_vcpu_setaffinity(xc_interface *xch, uint32_t domid, int vcpu, xc_cpumap_t hard, xc_cpumap_t soft, uint32_t flags)
{
    if (fault_now("xc_vcpu_setaffinity") || !there(domid, (unsigned)vcpu))
        return -1;
    if (flags & XEN_VCPUAFFINITY_HARD)
        vcpus[domid][vcpu].hard = *hard;
    if (flags & XEN_VCPUAFFINITY_SOFT)
        vcpus[domid][vcpu].soft = *soft;
    /* The hypervisor answers with what is effective: within the domain's pool. */
    if (flags & XEN_VCPUAFFINITY_HARD)
        *hard &= POOL;
    if (flags & XEN_VCPUAFFINITY_SOFT)
        *soft &= POOL;
    return 0;
}

xc_cpupoolinfo_t *xc_cpupool_getinfo(xc_interface *xch, uint32_t poolid)
{
    xc_cpupoolinfo_t *info;

    if (fault_now("xc_cpupool_getinfo"))
        return NULL;
    info = calloc(1, sizeof(*info) + sizeof(uint64_t));
    if (!info)
        abort();
    info->cpumap = (uint8_t *)(info + 1);
    *info->cpumap = POOL;
    return info;
}

void xc_cpupool_infofree(xc_interface *xch, xc_cpupoolinfo_t *info)
{
    free(info);
}
