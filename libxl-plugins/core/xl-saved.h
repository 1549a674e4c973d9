/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_XL_SAVED_H
#define XLX_CORE_XL_SAVED_H

/* What xl puts before a guest's state, in a saved file as on the way to another host (tools/xl/xl.h, save_file_header). */

#include <stdbool.h>
#include <stddef.h>

#include "base/gc.h"

struct xl_saved_head {
    char *bytes; /* as they were read, in the pool */
    size_t len;
    char *config;      /* the configuration in libxl's JSON, in the pool; NULL: there is none, or of another form */
    bool is_stream_v2; /* what follows is a libxl stream of version 2 */
};

/* Reads it from where fd stands, and not a byte more. ERROR_INVAL: *cause, a clause (static, or strerror's). */
int xl_saved_head_read(struct gc *gc, int fd, struct xl_saved_head *head, const char **cause);

#endif
