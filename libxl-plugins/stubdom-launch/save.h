/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_SAVE_H
#define XLX_STUBDOM_LAUNCH_SAVE_H

/*
 * Saving a guest whose device model runs in a stub domain: xl saves it and leaves it paused, the file is verified, and
 * only then the guest is let go. Whatever goes wrong, the guest goes on where it was.
 */

#include "core/ctx.h"

struct stubdom_save {
    /* filled in by the caller */
    struct xlx_ctx *ctx;
    uint32_t domid;
    char *const *xl_argv; /* of an "xl save" */
    const char *path;     /* the file, as it stands there */
    bool stays, paused;   /* -c: the guest goes on; -p: it stays, paused */
};

/* An exit status; all that is wrong is logged. Runs the loop. */
int stubdom_save(struct stubdom_save *save);

/* Does the file hold the whole guest, with the last state that its stub domain has sent? NULL, or why not, in the pool. */
const char *stubdom_save_verify(struct gc *gc, const char *path, uint32_t number, uint32_t crc);

#endif
