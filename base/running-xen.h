/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_RUNNING_XEN_H
#define XLX_BASE_RUNNING_XEN_H

#include "base/gc.h"

/* Major and minor version of the Xen below, as "4.17", in the pool; NULL when it cannot be told, as on a machine without
 * Xen. root: "", or where to look instead of "/". */
char *running_xen(struct gc *gc, const char *root);

/* The path of one of Xen's own programs beside libxl, of that version (NULL: it is not known) where several are installed;
 * in the pool. NULL: it is not found. */
char *xen_program(struct gc *gc, const char *xen, const char *name);

/* tools/libs/light/libxl_save_callout.c: the program that writes a domain's memory when it is saved or migrates, and reads it
 * when it comes. Its words: "--save-domain", the stream, the channel back, the domid. */
#define XEN_SAVE_HELPER "libxl-save-helper"

#endif
