/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_RUNNING_XEN_H
#define XLX_BASE_RUNNING_XEN_H

#include "base/gc.h"

/* Major and minor version of the Xen below, as "4.17", in the pool; NULL when it cannot be told, as on a machine without
 * Xen. root: "", or where to look instead of "/". */
char *running_xen(struct gc *gc, const char *root);

#endif
