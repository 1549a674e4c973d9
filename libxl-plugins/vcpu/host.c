/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "vcpu/vcpu.h"

static int refused(struct xlx_ctx *ctx, const char *what)
{
    LOG(ctx, ERROR, "cannot ask the hypervisor for %s: %s", what, strerror(errno));
    return error_of_errno(errno);
}

int vcpu_host_get(struct xlx_ctx *ctx, struct gc *gc, struct cpu_host *host)
{
    xc_physinfo_t physinfo = {0};
    xc_cputopo_t *topology;
    uint32_t *nodes;
    unsigned count;
    xc_interface *xc;
    int rc;

    rc = ctx_xc(ctx, &xc);
    if (rc)
        return rc;
    if (xc_physinfo(xc, &physinfo))
        return refused(ctx, "this host's CPUs");
    count = physinfo.max_cpu_id + 1;
    if (count > CPU_SET_MAX)
        count = CPU_SET_MAX;
    topology = gc_array(gc, count, sizeof(*topology));
    nodes = gc_array(gc, count, sizeof(*nodes));
    host->cpu_count = count;
    host->node_of_cpu = nodes;
    if (xc_cputopoinfo(xc, &count, topology))
        return refused(ctx, "the topology of this host's CPUs");
    /* physinfo's max_node_id is what Xen was built for, not what the host has. */
    host->node_count = 1;
    for (unsigned cpu = 0; cpu < host->cpu_count; cpu++) {
        nodes[cpu] = cpu < count && topology[cpu].node != XEN_INVALID_NODE_ID ? topology[cpu].node : CPU_NODE_NONE;
        if (nodes[cpu] != CPU_NODE_NONE && nodes[cpu] >= host->node_count)
            host->node_count = nodes[cpu] + 1;
    }
    return 0;
}

int vcpu_list(struct xlx_ctx *ctx, struct gc *gc, const struct cpu_host *host, uint32_t domid, struct vcpu **vcpus,
              size_t *count)
{
    xc_domaininfo_t domain;
    xc_interface *xc;
    size_t n = 0;
    int rc, r;

    rc = ctx_xc(ctx, &xc);
    if (rc)
        return rc;
    r = xc_domain_getinfolist(xc, domid, 1, &domain);
    if (r < 0)
        return refused(ctx, "a domain's vCPUs");
    if (!r || domain.domain != domid) {
        LOGD(ctx, ERROR, domid, "it is gone");
        return ERROR_DOMAIN_NOTFOUND;
    }
    *vcpus = gc_array(gc, (size_t)domain.max_vcpu_id + 1, sizeof(**vcpus));
    for (uint32_t id = 0; id <= domain.max_vcpu_id; id++) {
        struct vcpu *vcpu = &(*vcpus)[n];
        xc_vcpuinfo_t info;

        if (xc_vcpu_getinfo(xc, domid, id, &info)) {
            /* A number without a vCPU behind it: a domain under construction. */
            if (errno == ESRCH)
                continue;
            LOGD(ctx, ERROR, domid, "cannot ask about its vCPU %u: %s", id, strerror(errno));
            return error_of_errno(errno);
        }
        vcpu->vcpu_id = id;
        vcpu->online = info.online;
        vcpu->blocked = info.blocked;
        vcpu->running = info.running;
        vcpu->cpu = info.cpu;
        vcpu->time_ns = info.cpu_time;
        vcpu->hard = cpu_set_new(gc, host->cpu_count);
        vcpu->soft = cpu_set_new(gc, host->cpu_count);
        if (xc_vcpu_getaffinity(xc, domid, (int)id, vcpu->hard.bits, vcpu->soft.bits,
                                XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)) {
            LOGD(ctx, ERROR, domid, "cannot read the affinity of vCPU %u: %s", id, strerror(errno));
            return error_of_errno(errno);
        }
        n++;
    }
    *count = n;
    return 0;
}

int vcpu_list_named(struct xlx_ctx *ctx, struct gc *gc, const char *domain, uint32_t *domid, struct vcpu **vcpus,
                    size_t *count)
{
    struct cpu_host host = {0};
    int rc;

    rc = xlx_domain_find(ctx, domain, domid);
    if (!rc)
        rc = vcpu_host_get(ctx, gc, &host);
    return rc ? rc : vcpu_list(ctx, gc, &host, *domid, vcpus, count);
}

const char *vcpu_state_name(const struct vcpu *vcpu)
{
    if (!vcpu->online)
        return "offline";
    return vcpu->running ? "running" : vcpu->blocked ? "blocked" : "runnable";
}
