/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pin-override VCPU PCPU: in dom0, keeps one of its own vCPUs on a physical CPU for the time being, as drivers of dom0
 * do (SCHEDOP_pin_override); PCPU -1 lets it go. Until then Xen refuses to change that vCPU's affinity.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <xenctrl.h>

#include <xencall.h>

int main(int argc, char **argv)
{
    xencall_handle *xen = xencall_open(NULL, 0);
    struct sched_pin_override *arg;
    cpu_set_t here;
    int r;

    if (argc != 3 || !xen)
        return 2;
    /* The hypercall is about the vCPU that makes it. */
    CPU_ZERO(&here);
    CPU_SET(atoi(argv[1]), &here);
    if (sched_setaffinity(0, sizeof(here), &here)) {
        perror("sched_setaffinity");
        return 1;
    }
    arg = xencall_alloc_buffer(xen, sizeof(*arg));
    if (!arg)
        return 1;
    arg->pcpu = atoi(argv[2]);
    r = xencall2(xen, __HYPERVISOR_sched_op, SCHEDOP_pin_override, (unsigned long)arg);
    if (r)
        perror("SCHEDOP_pin_override");
    xencall_free_buffer(xen, arg);
    xencall_close(xen);
    return r ? 1 : 0;
}
