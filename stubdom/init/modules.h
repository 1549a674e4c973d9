/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel modules. The image builder puts them into the root folder and
 * writes /modules.list in the order of their dependencies, lines of "GROUP FILE [PARAMETERS]"; the group says when the
 * module is needed, so that a guest without network cards spares the memory of the bridge.
 */
#ifndef XL_EXT_STUBDOM_MODULES_H
#define XL_EXT_STUBDOM_MODULES_H

#define MODULES_LIST "/modules.list"

/*
 * Load the group's modules. A module that the kernel has already is no error. Their files are
 * removed, which frees memory. Reports and returns -1 when one cannot be loaded.
 */
int modules_load(const char *group);

/* Remove the files of the groups that were not needed. */
void modules_discard(void);

#endif
