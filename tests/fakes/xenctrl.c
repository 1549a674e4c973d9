/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fakes/xenctrl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fakes/fault.h"

#define DOMAINS_MAX 512
#define PAGE_KB 4

struct xc_interface_core {
    int unused;
};

static struct fake_domain domains[DOMAINS_MAX]; /* ascending domid; domid DOMID_INVALID: removed */
static unsigned domain_count, looks, handles, cpu_count = 1, vcpu_count = 1;

void fake_xen_vcpus(unsigned cpus, unsigned vcpus)
{
    cpu_count = cpus;
    vcpu_count = vcpus;
}

void fake_xen_reset(void)
{
    memset(domains, 0, sizeof(domains));
    domain_count = looks = 0;
}

struct fake_domain *fake_xen_domain(uint32_t domid, uint64_t actual_kb, uint64_t max_kb)
{
    struct fake_domain *d = &domains[domain_count++];

    if (domain_count > DOMAINS_MAX || (domain_count > 1 && d[-1].domid >= domid))
        abort();
    *d = (struct fake_domain){
        .domid = domid, .actual_kb = actual_kb, .max_kb = max_kb, .flags = XEN_DOMINF_running, .pod_target_kb = max_kb};
    return d;
}

void fake_xen_type(struct fake_domain *domain, const char *type)
{
    domain->flags &= ~XEN_DOMINF_hvm_guest;
    domain->emulation_flags = 0;
    if (!strcmp(type, "pv"))
        return;
    domain->flags |= XEN_DOMINF_hvm_guest;
    domain->emulation_flags = strcmp(type, "pvh") ? XEN_X86_EMU_ALL & ~(uint32_t)XEN_X86_EMU_VPCI : XEN_X86_EMU_LAPIC;
}

void fake_xen_remove(uint32_t domid)
{
    for (unsigned i = 0; i < domain_count; i++) {
        if (domains[i].domid == domid) {
            memmove(&domains[i], &domains[i + 1], (domain_count - i - 1) * sizeof(domains[0]));
            domain_count--;
            return;
        }
    }
    abort();
}

unsigned fake_xen_looks(void)
{
    return looks;
}

unsigned fake_xen_handles(void)
{
    return handles;
}

/* ---- libxenctrl ---- */

xc_interface *xc_interface_open(xentoollog_logger *logger, xentoollog_logger *dombuild_logger, unsigned open_flags)
{
    xc_interface *xc;

    if (fault_now("xc_interface_open"))
        return NULL;
    xc = calloc(1, sizeof(*xc));
    if (!xc)
        abort();
    handles++;
    return xc;
}

int xc_interface_close(xc_interface *xc)
{
    handles--;
    free(xc);
    return 0;
}

int xc_domain_getinfolist(xc_interface *xch, uint32_t first_domain, unsigned int max_domains, xc_domaininfo_t *info)
{
    int n = 0;

    if (fault_now("xc_domain_getinfolist"))
        return -1;
    looks++;
    for (unsigned i = 0; i < domain_count; i++) {
        if (domains[i].domid >= first_domain && domains[i].look)
            domains[i].look(&domains[i]);
    }
    for (unsigned i = 0; i < domain_count && (unsigned)n < max_domains; i++) {
        const struct fake_domain *d = &domains[i];

        if (d->domid < first_domain)
            continue;
        memset(&info[n], 0, sizeof(info[n]));
        info[n].domain = (domid_t)d->domid;
        info[n].flags = d->flags;
        info[n].arch_config.emulation_flags = d->emulation_flags;
        info[n].tot_pages = d->actual_kb / PAGE_KB;
        info[n].max_pages = d->max_kb / PAGE_KB;
        info[n].max_vcpu_id = vcpu_count - 1;
        info[n].outstanding_pages = d->outstanding_kb / PAGE_KB;
        memset(info[n].handle, (int)d->domid + d->another, sizeof(info[n].handle));
        n++;
    }
    return n;
}

static struct fake_domain *find(uint32_t domid)
{
    for (unsigned i = 0; i < domain_count; i++) {
        if (domains[i].domid == domid)
            return &domains[i];
    }
    errno = ESRCH;
    return NULL;
}

int xc_domain_setmaxmem(xc_interface *xch, uint32_t domid, uint64_t max_memkb)
{
    struct fake_domain *d;

    if (fault_now("xc_domain_setmaxmem"))
        return -1;
    d = find(domid);
    if (!d)
        return -1;
    fake_note("limit %llu", (unsigned long long)max_memkb);
    d->max_kb = max_memkb;
    if (d->limited)
        d->limited(d);
    return 0;
}

int xc_domain_set_pod_target(xc_interface *xch, uint32_t domid, uint64_t target_pages, uint64_t *tot_pages,
                             uint64_t *pod_cache_pages, uint64_t *pod_entries)
{
    struct fake_domain *d;

    if (fault_now("xc_domain_set_pod_target"))
        return -1;
    d = find(domid);
    if (!d)
        return -1;
    fake_note("pod %llu", (unsigned long long)target_pages * PAGE_KB);
    d->pod_target_kb = target_pages * PAGE_KB;
    return 0;
}

int xc_domain_get_pod_target(xc_interface *xch, uint32_t domid, uint64_t *tot_pages, uint64_t *pod_cache_pages,
                             uint64_t *pod_entries)
{
    if (fault_now("xc_domain_get_pod_target"))
        return -1;
    *tot_pages = *pod_cache_pages = *pod_entries = 0;
    return find(domid) ? 0 : -1;
}

static uint64_t free_kb = UINT64_C(4) << 20;

void fake_xen_free_kb(uint64_t kb)
{
    free_kb = kb;
}

int xc_physinfo(xc_interface *xch, xc_physinfo_t *info)
{
    if (fault_now("xc_physinfo"))
        return -1;
    memset(info, 0, sizeof(*info));
    info->total_pages = UINT64_C(4) << 20;
    info->free_pages = free_kb / 4;
    info->max_cpu_id = cpu_count - 1;
    return 0;
}

static bool vnuma;

void fake_xen_vnuma(bool has)
{
    vnuma = has;
}

int xc_domain_getvnuma(xc_interface *xch, uint32_t domid, uint32_t *nr_vnodes, uint32_t *nr_vmemranges,
                       uint32_t *nr_vcpus, xen_vmemrange_t *vmemrange, unsigned int *vdistance,
                       unsigned int *vcpu_to_vnode)
{
    errno = vnuma ? ENOBUFS : EOPNOTSUPP;
    return -1;
}

/* dom0 has its memory, as it should be under memd. */
int xc_version(xc_interface *xch, int command, void *arg)
{
    if (fault_now("xc_version"))
        return -1;
    if (command != XENVER_commandline) {
        errno = ENOSYS;
        return -1;
    }
    strcpy(arg, "dom0_mem=1024M,max:1024M");
    return 0;
}
