/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_FLOOR_H
#define XLX_BALLOON_FLOOR_H

/* The least that a domain is left with. For guests it is xlx_mem_floor_memkb (xlx.h). */

#include "xlx.h"

/* Of dom0: LIBXL_MIN_DOM0_MEM of libxl_internal.h, Xen 4.17 and 4.20. */
#define FLOOR_DOM0_MEMKB 131072

#endif
