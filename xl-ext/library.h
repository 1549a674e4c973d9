/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XL_EXT_LIBRARY_H
#define XL_EXT_LIBRARY_H

/*
 * The code of xl-ext's own commands, loaded when one is run. The tool itself links nothing that belongs to one version
 * of Xen.
 */
#include <stdbool.h>

#include "base/gc.h"

enum library {
    LIBRARY_XLX, /* libxlx.so: base, xenstore, core, balloon, monitor and the memory commands */
    LIBRARY_XL,  /* what needs libxl, on top of it: all other commands */
};

/* The address of a symbol, with the library and those below it loaded before. NULL when a library cannot be used: after
 * one sentence that says why, unless quiet. */
void *library_symbol(enum library library, const char *name, bool quiet);

/* Loads libxlx.so, which plugins of others are linked with. */
bool library_load(bool quiet);

/* The sentence for a library that the dynamic loader refuses with reason; root: "", or where to look instead of "/". In
 * the pool. */
const char *library_fault(struct gc *gc, const char *file, const char *reason, const char *root);

#endif
