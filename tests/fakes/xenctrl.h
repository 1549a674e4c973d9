/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef FAKES_XENCTRL_H
#define FAKES_XENCTRL_H

/* The part of libxenctrl that memory management uses, on domains that the test makes. */

#include <stdbool.h>
#include <stdint.h>

#include <xenctrl.h>

struct fake_domain {
    uint32_t domid;
    uint64_t actual_kb, max_kb, outstanding_kb;
    uint32_t flags;           /* XEN_DOMINF_* */
    uint32_t emulation_flags; /* XEN_X86_EMU_*: what tells HVM from PVH */
    uint64_t pod_target_kb;
    uint8_t another; /* its handle is that of another domain: its domid and this, in all bytes */
    /* Called before each listing of the domains, so that a guest can move; may be NULL. */
    void (*look)(struct fake_domain *domain);
    /* Called after its limit has been set; may be NULL. */
    void (*limited)(struct fake_domain *domain);
    void *arg;
};

/* Forgets all domains. */
void fake_xen_reset(void);
/* A running domain; its handle is its domid in all bytes. Valid until the next reset. */
struct fake_domain *fake_xen_domain(uint32_t domid, uint64_t actual_kb, uint64_t max_kb);
/* Makes it "pv" (as it is at first), "pvh" or "hvm". */
void fake_xen_type(struct fake_domain *domain, const char *type);
void fake_xen_remove(uint32_t domid);
/* What the hypervisor says is free; 4 GiB until set. */
void fake_xen_free_kb(uint64_t kb);
/* CPUs of the host, and vCPUs of each domain; 1 and 1 until set. */
void fake_xen_vcpus(unsigned cpus, unsigned vcpus);
/* Whether domains have virtual NUMA nodes. */
void fake_xen_vnuma(bool has);
/* How many times the domains have been listed. */
unsigned fake_xen_looks(void);
/* How many interfaces are open. */
unsigned fake_xen_handles(void);

#endif
