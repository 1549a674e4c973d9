/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* when-settled DOMID KIB: waits until the hypervisor counts KIB as the domain's, and prints the wall-clock time of that
 * in microseconds. Makes the file /tmp/when.ready once it looks. Looks every millisecond: for benchmarks only. */
#include <stdio.h>
#include <stdlib.h>

#include <xenctrl.h>

#include "tests/bench/tools/tool.h"

int main(int argc, char **argv)
{
    xc_interface *xc = xc_interface_open(NULL, NULL, 0);
    unsigned long long end = clock_us(CLOCK_REALTIME) + 120000000;
    unsigned long domid, goal_kb;
    FILE *ready;

    if (argc != 3 || !xc)
        return 2;
    domid = strtoul(argv[1], NULL, 10);
    goal_kb = strtoul(argv[2], NULL, 10);
    ready = fopen("/tmp/when.ready", "we");
    if (!ready || fclose(ready))
        return 1;
    while (clock_us(CLOCK_REALTIME) < end) {
        static const struct timespec pause = {0, 1000000};
        xc_domaininfo_t info;

        if (xc_domain_getinfolist(xc, (uint32_t)domid, 1, &info) != 1 || info.domain != domid)
            return 1;
        if (info.tot_pages * 4 == goal_kb) {
            printf("%llu\n", clock_us(CLOCK_REALTIME));
            return 0;
        }
        nanosleep(&pause, NULL);
    }
    return 1;
}
