/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "host/host.h"
#include "host/kvm.h"

static void real_cpuid(uint32_t leaf, uint32_t registers[4])
{
#if defined(__x86_64__) || defined(__i386__)
    uint32_t a, b, c, d;

    __cpuid_count(leaf, 0, a, b, c, d);
    registers[0] = a;
    registers[1] = b;
    registers[2] = c;
    registers[3] = d;
#else
    memset(registers, 0, 4 * sizeof(*registers));
#endif
}

const struct host_probe host_probe_real = {
    .root = "",
    .cpuid = real_cpuid,
    .kvm_works = kvm_works,
};
