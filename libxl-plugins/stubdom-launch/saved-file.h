/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_SAVED_FILE_H
#define XLX_STUBDOM_LAUNCH_SAVED_FILE_H

/*
 * A guest that xl has saved to a file, looked at without being restored: is the file whole, and is the state of a QEMU in
 * a stub domain in it? docs/specs/libxl-migration-stream.pandoc and libxc-migration-stream.pandoc of Xen have the format;
 * what stands before it is xl's (core/xl-saved.h).
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/dm-state.h"
#include "base/gc.h"

struct saved_file {
    char *config;      /* libxl's JSON, in the pool; NULL: the file has none */
    bool whole;        /* the end of the stream is there, and the file ends with it */
    bool has_state;    /* of a device model, whosever */
    bool is_qemus;     /* that state was written by a QEMU in dom0, as QEMU writes it */
    uint64_t state_at; /* where that state stands in the file, and how long it is */
    uint64_t state_len;
};

/* Reads what stands where. NULL, or why the file cannot be used at all (in the pool, a clause). */
const char *saved_file_read(struct gc *gc, int fd, struct saved_file *file);

/* The state that the stub domain of a restored guest will find: NULL with the reader holding it (to be disposed by the
 * caller in any case), or why it will refuse it, in the pool. */
const char *saved_file_state(struct gc *gc, int fd, const struct saved_file *file, struct dm_state_reader *reader);

#endif
