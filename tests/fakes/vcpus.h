/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef FAKES_VCPUS_H
#define FAKES_VCPUS_H

/* The part of libxenctrl that affinities need: a host of 4 CPUs on 2 nodes, CPU 3 in a pool of its own, and two vCPUs for
 * each domain of the other fake. */

#include <stdint.h>

#define FAKE_CPUS 4
#define FAKE_VCPUS 2

/* All affinities are all CPUs. */
void fake_vcpus_reset(void);
/* Bit n: CPU n. */
uint8_t fake_vcpu_hard(uint32_t domid, unsigned vcpu);
uint8_t fake_vcpu_soft(uint32_t domid, unsigned vcpu);

#endif
