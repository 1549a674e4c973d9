/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_VCPU_VCPU_H
#define XLX_VCPU_VCPU_H

/* What the files of this plugin share: vCPUs as the hypervisor has them, and pinning them. */

#include "core/ctx.h"
#include "vcpu/affinity.h"
#include "xlx-plugin.h"

/* One vCPU at one moment. */
struct vcpu {
    uint32_t vcpu_id;
    bool online, blocked, running;
    uint32_t cpu;     /* where it runs or ran last */
    uint64_t time_ns; /* CPU time so far */
    struct cpu_set hard, soft;
};

/* What this host has, in the pool. Logs. */
int vcpu_host_get(struct xlx_ctx *ctx, struct gc *gc, struct cpu_host *host);

/* The vCPUs of a domain in ascending order, in the pool. ERROR_DOMAIN_NOTFOUND (logged) when it is gone. */
int vcpu_list(struct xlx_ctx *ctx, struct gc *gc, const struct cpu_host *host, uint32_t domid, struct vcpu **vcpus,
              size_t *count);
/* The same of the domain that is named, by name, domid or UUID; *domid is it. Errors of xlx_domain_find too, which are
 * logged. */
int vcpu_list_named(struct xlx_ctx *ctx, struct gc *gc, const char *domain, uint32_t *domid, struct vcpu **vcpus,
                    size_t *count);

/* "offline", "running", "blocked", or "runnable": it waits for a physical CPU. */
const char *vcpu_state_name(const struct vcpu *vcpu);

#define VCPU_ALL UINT32_MAX

struct vcpu_pin {
    /* filled in by the caller */
    uint32_t domid;
    uint32_t vcpu_id;        /* or VCPU_ALL */
    const char *hard, *soft; /* CPU lists; NULL: leave as it is. Not both NULL. */
    bool force;              /* also undo what Xen or the dom0 kernel has pinned for a time */
    bool ignore_masks;       /* do not apply the masks of xl.conf */
    bool dry_run;            /* check only */

    /* result, in the pool */
    struct cpu_set hard_set, soft_set; /* what was asked for; valid when hard/soft is not NULL */
    size_t changed;                    /* vCPUs that have been set and read back */
};

/*
 * Pins all that is asked for, or nothing: the lists are checked first (against CPUs, nodes, the domain's CPU pool and
 * the vm.cpumask of xl.conf); each vCPU is set and read back; after a failure those already set get their old affinity
 * again. 0, ERROR_INVAL (bad list, unparsable), ERROR_NI (a list that cannot be: outside the pool, empty),
 * ERROR_DOMAIN_NOTFOUND, ERROR_FAIL; all logged.
 */
int vcpu_pin(struct xlx_ctx *ctx, struct gc *gc, struct vcpu_pin *pin);

/* xl.conf's vm.cpumask and vm.pv.cpumask or vm.hvm.cpumask, as xl vcpu-pin applies them to hard affinities. Leaves
 * set as it is when there are none. path: the file; one that is not there is no error. ERROR_INVAL with a sentence in
 * *cause when a mask cannot be read. */
int vcpu_masks_apply(struct gc *gc, const char *path, const struct cpu_host *host, bool pv, struct cpu_set *set,
                     const char **cause);

extern const struct xlx_command cmd_vcpu_info, cmd_vcpu_list, cmd_vcpu_pin;

#endif
