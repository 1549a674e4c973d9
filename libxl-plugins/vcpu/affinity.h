/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_VCPU_AFFINITY_H
#define XLX_VCPU_AFFINITY_H

/*
 * Sets of physical CPUs: xl's syntax for them, and the two ways of showing them. Nothing here asks the hypervisor.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/gc.h"

/* Physical CPUs 0 ... count - 1. The bits lie as the hypervisor wants them, in whole bytes, lowest first. */
struct cpu_set {
    unsigned count;
    uint8_t *bits;
};

/* More than Xen can be built for (CONFIG_NR_CPUS, 4095). */
#define CPU_SET_MAX 4096
/* The node of a CPU that is not there or offline. */
#define CPU_NODE_NONE UINT32_MAX

/* What a list of CPUs is read against. */
struct cpu_host {
    unsigned cpu_count;  /* highest number plus one, at most CPU_SET_MAX */
    unsigned node_count; /* the same of NUMA nodes */
    const uint32_t *node_of_cpu;
};

/* An empty set, in the pool. */
struct cpu_set cpu_set_new(struct gc *gc, unsigned count);
struct cpu_set cpu_set_copy(struct gc *gc, const struct cpu_set *set);
void cpu_set_add(struct cpu_set *set, unsigned cpu);
void cpu_set_remove(struct cpu_set *set, unsigned cpu);
bool cpu_set_has(const struct cpu_set *set, unsigned cpu);
bool cpu_set_empty(const struct cpu_set *set);
/* Both must be of one count, as for all functions of two sets here. */
bool cpu_set_equal(const struct cpu_set *a, const struct cpu_set *b);
/* Leaves in set what mask has too. */
void cpu_set_mask(struct cpu_set *set, const struct cpu_set *mask);

/*
 * Reads xl's CPU list (xl, parse_cpurange): elements parted by commas, each "all", N, N-M, node:N, nodes:N-M, or
 * one of the last four with ^ in front, which takes CPUs away again. Elements work from left to right. Unlike xl,
 * a CPU or node that this host does not have is refused. The result may be empty ("^0").
 *
 * Returns 0 or ERROR_INVAL with a sentence in *cause, in the pool.
 */
int cpu_set_parse(struct gc *gc, const char *text, const struct cpu_host *host, struct cpu_set *set,
                  const char **cause);

/* As xl shows a set: "all", "none", "0-3,5". */
char *cpu_set_text(struct gc *gc, const struct cpu_set *set);
/* The same, also when it is the whole: "0-3" rather than xl's "all". */
char *cpu_set_numbers(struct gc *gc, const struct cpu_set *set);
/* As virsh shows it: a 'y' or '-' for each CPU, CPU 0 first. */
char *cpu_set_picture(struct gc *gc, const struct cpu_set *set);

#endif
