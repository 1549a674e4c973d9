/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the guest's vCPUs may run there. libxl builds the guest from the configuration that comes with it: it looks for
 * the CPU pool, and refuses a vCPU whose hard affinity has no CPU of that pool (libxl_sched.c,
 * libxl_set_vcpuaffinity), after the guest has been suspended here.
 */
#include <string.h>

#include <libxl_utils.h>

#include "migrate/check.h"

static bool is_bound(const struct checking *c)
{
    const libxl_domain_build_info *b_info = &c->config.b_info;

    for (int i = 0; i < b_info->num_vcpu_hard_affinity; i++) {
        if (!libxl_bitmap_is_full(&b_info->vcpu_hard_affinity[i]))
            return true;
    }
    return false;
}

static const struct policy_pool *pool_there(const struct checking *c)
{
    const struct policy_doc *other = c->mc->other;
    const char *name = c->config.c_info.pool_name;

    for (size_t i = 0; i < other->pool_count; i++) {
        const struct policy_pool *pool = &other->pools[i];

        if (name && *name ? !strcmp(pool->name, name) : pool->id == c->config.c_info.poolid)
            return pool;
    }
    return NULL;
}

static bool has_cpu_for(const struct policy_pool *pool, const libxl_bitmap *affinity)
{
    for (int cpu = 0; cpu < (int)affinity->size * 8; cpu++) {
        if (libxl_bitmap_test(affinity, cpu) && policy_pool_has(pool, (size_t)cpu))
            return true;
    }
    return false;
}

static char *cpus_of(struct gc *gc, const libxl_bitmap *affinity)
{
    struct policy_pool *cpus = GC_NEW(gc, struct policy_pool);

    memcpy(cpus->cpus, affinity->map, affinity->size < sizeof(cpus->cpus) ? affinity->size : sizeof(cpus->cpus));
    return policy_cpus_text(gc, cpus);
}

void check_placement(struct checking *c)
{
    const libxl_domain_build_info *b_info = &c->config.b_info;
    const char *name = c->config.c_info.pool_name;
    const struct policy_pool *pool = pool_there(c);

    if (!c->has_config)
        return;
    if (!c->mc->other->pool_count) {
        if (is_bound(c))
            verdict_add(c, "placement", VERDICT_REMARK,
                        "its vCPUs are bound to CPUs of this host; which CPUs are there is not known");
        return;
    }
    if (!pool) {
        verdict_add(c, "placement", VERDICT_NO, "its CPU pool %s is not there",
                    name && *name ? name : gc_printf(c->gc, "%u", (unsigned)c->config.c_info.poolid));
        return;
    }
    for (int i = 0; i < b_info->num_vcpu_hard_affinity; i++) {
        const libxl_bitmap *affinity = &b_info->vcpu_hard_affinity[i];

        if (affinity->size && !has_cpu_for(pool, affinity)) {
            verdict_add(c, "placement", VERDICT_NO,
                        "vCPU %d may run on CPU %s only, and the CPUs of the pool %s there are %s", i,
                        cpus_of(c->gc, affinity), pool->name, policy_cpus_text(c->gc, pool));
            return;
        }
    }
    verdict_add(c, "placement", VERDICT_YES, "the CPU pool %s there has CPUs for all of its vCPUs", pool->name);
}
