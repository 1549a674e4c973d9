/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_BALANCERS_H
#define XLX_BASE_BALANCERS_H

/* Programs beside xl-ext that move the memory of a Xen host's domains, found in /proc and in their files. */

#include <stdbool.h>
#include <stddef.h>

#include "base/gc.h"

struct balancer_beside {
    const char *name;     /* stable */
    bool running;         /* false: it is installed */
    bool rival;           /* it sets guests' targets, as memd does; else it takes memory from dom0 for starts */
    bool told;            /* it is told to by its own configuration, whatever Xen's command line says of dom0 */
    const char *evidence; /* what was found, in the pool */
};

#define BALANCERS_BESIDE_MAX 3

/* Fills in those that are there, and returns how many. root is put before every path: "" for this machine. */
size_t balancers_beside(struct gc *gc, const char *root, struct balancer_beside found[BALANCERS_BESIDE_MAX]);

#endif
