/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_FIND_PROGRAM_H
#define XLX_BASE_FIND_PROGRAM_H

#include <stdbool.h>

#include "base/gc.h"

/*
 * The first executable file of that name in the folders of path (NULL: $PATH; where that is empty, those of root's
 * shell), each below root ("": the file system as it is). fits, when not NULL, may refuse a file: the search goes on.
 * In the pool. NULL: there is none.
 */
char *find_program(struct gc *gc, const char *path, const char *root, const char *name, bool (*fits)(const char *file));

#endif
