/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_XL_H
#define XLX_CORE_XL_H

/*
 * xl, which is asked what it makes of a configuration, and handed commands. base/find-xl.h finds it. A command line of
 * xl's is an array that begins with "xl" and ends in NULL, the options before the command among it.
 */
#include "core/ctx.h"
#include "xlx-plugin.h"

#define XL_DRY_RUN_MS 60000

struct xl_dry_run {
    /* filled in by the caller */
    char *const *argv; /* of an "xl create"; how it starts the domain does not matter */

    /* result, in the pool */
    char *json;       /* the domain's configuration, in libxl's form; NULL: xl gave none */
    const char *said; /* what xl wrote on standard error */
    int exit_status;
};

/* Has xl read a configuration and print it, as "xl create --dryrun" does. 0: xl has run, whatever its exit status;
 * ERROR_NOTFOUND (there is no xl), ERROR_TIMEDOUT (after XL_DRY_RUN_MS), ERROR_ABORTED, ERROR_BUFFERFULL, ERROR_FAIL:
 * all logged but ABORTED. */
int xl_dry_run(struct xlx_ctx *ctx, struct gc *gc, struct xl_dry_run *run);

/* The command line with xl's path in place of its first word, in the pool; NULL (logged) when there is no xl. The last
 * element is extra, when that is not NULL. */
char **xl_with_path(struct xlx_ctx *ctx, struct gc *gc, char *const *argv, const char *extra);

/* "create -c web.cfg" to "create OPTION -c web.cfg", in the pool. */
char **xl_with_option(struct gc *gc, char *const *argv, const char *option);

/* Runs xl with that command line, on our own standard streams, and waits for its end. 0: xl has run, and *exit_status is
 * its own (128 + N: signal N has ended it); ERROR_NOTFOUND, ERROR_FAIL (both logged); ERROR_ABORTED: an interrupt, xl has
 * been ended. Runs the loop. */
int xl_run(struct xlx_ctx *ctx, char *const *argv, int *exit_status);

/* Replaces this process by xl with in->xl_argv, after a warning that says why nothing is added to what xl does (NULL:
 * that is as it should be). Returns XLX_EXIT_FAILED, logged, when xl cannot be run. */
int xl_runs_alone(const struct xlx_invocation *in, const char *why);

/* Has the xl that this process runs, or becomes, rebuild a guest from large pages where it can (save-helper/), unless
 * the user has chosen a helper. */
void xl_keep_superpages(void);

/* The file whose lock xl holds while it builds a domain (xl.conf, lockfile), if it balloons dom0 for that (autoballoon);
 * in the pool. With an error (logged) xl's default. */
int xl_lock_path(struct xlx_ctx *ctx, struct gc *gc, const char **path);

#endif
