/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_FIND_XL_H
#define XLX_BASE_FIND_XL_H

#include "base/gc.h"

/* The first xl in PATH that is not xl-ext under that name ("ln -s xl-ext xl" must not make us call ourselves for ever);
 * in the pool. NULL: there is none. */
char *find_xl(struct gc *gc);

/* Replaces this process by that xl, argv[0] being "xl". Returns why it could not, in the pool. */
const char *exec_xl(struct gc *gc, char *const *argv);

#endif
