/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/xl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/find-xl.h"
#include "core/config.h"
#include "core/subprocess.h"
#include "core/xen-version.h"

static size_t length_of(char *const *argv)
{
    size_t n = 0;

    while (argv[n])
        n++;
    return n;
}

char **xl_with_path(struct xlx_ctx *ctx, struct gc *gc, char *const *argv, const char *extra)
{
    size_t n = length_of(argv);
    char **with_path = gc_array(gc, n + 2, sizeof(*with_path));

    memcpy(with_path, argv, n * sizeof(*argv));
    with_path[0] = find_xl(gc);
    if (extra)
        with_path[n] = gc_strdup(gc, extra);
    if (with_path[0])
        return with_path;
    LOG(ctx, ERROR, "there is no xl in PATH: install xen-utils-common");
    return NULL;
}

char **xl_with_option(struct gc *gc, char *const *argv, const char *option)
{
    size_t n = length_of(argv), command = 1;
    char **with_option = gc_array(gc, n + 2, sizeof(*with_option));

    while (argv[command][0] == '-')
        command++;
    memcpy(with_option, argv, (command + 1) * sizeof(*argv));
    with_option[command + 1] = gc_strdup(gc, option);
    memcpy(with_option + command + 2, argv + command + 1, (n - command - 1) * sizeof(*argv));
    return with_option;
}

int xl_dry_run(struct xlx_ctx *ctx, struct gc *gc, struct xl_dry_run *run)
{
    struct subprocess xl = {
        .ao = {.ctx = ctx, .timeout_ms = XL_DRY_RUN_MS},
        .gc = gc,
        .argv = xl_with_path(ctx, gc, xl_with_option(gc, run->argv, "--dryrun"), NULL),
        .our_input = true, /* the configuration may be /dev/stdin */
        .out = SUBPROCESS_CAPTURED,
        .err = SUBPROCESS_CAPTURED,
    };
    int rc;

    if (!xl.argv)
        return ERROR_NOTFOUND;
    subprocess_start(&xl);
    rc = ao_wait(&xl.ao);
    if (rc == ERROR_TIMEDOUT)
        LOG(ctx, ERROR, "xl did not read the configuration within %d s", XL_DRY_RUN_MS / 1000);
    else if (rc == ERROR_BUFFERFULL)
        LOG(ctx, ERROR, "xl prints more than a configuration can be");
    if (rc)
        return rc;
    run->json = xl.exit_status ? NULL : strchr(xl.output.text, '{');
    run->said = xl.errors.text;
    run->exit_status = xl.exit_status;
    return 0;
}

int xl_run(struct xlx_ctx *ctx, char *const *argv, int *exit_status)
{
    GC_SCOPE(gc);
    struct subprocess xl = {
        .ao = {.ctx = ctx},
        .gc = gc,
        .argv = xl_with_path(ctx, gc, argv, NULL),
        .our_input = true,
        .out = SUBPROCESS_OURS,
        .err = SUBPROCESS_OURS,
    };
    int rc;

    if (!xl.argv)
        return ERROR_NOTFOUND;
    subprocess_start(&xl);
    rc = ao_wait(&xl.ao);
    *exit_status = xl.exit_status;
    return rc;
}

int xl_runs_alone(const struct xlx_invocation *in, const char *why)
{
    GC_SCOPE(gc);

    if (why)
        LOG(in->ctx, WARN, "%s", why);
    LOG(in->ctx, ERROR, "%s", exec_xl(gc, in->xl_argv));
    return XLX_EXIT_FAILED;
}

#define SAVE_HELPER XLX_LIBEXECDIR "/save-helper"

void xl_keep_superpages(void)
{
    /* libxl fails without a word where the program is not there */
    if (!access(SAVE_HELPER, X_OK))
        setenv("LIBXL_SAVE_HELPER", SAVE_HELPER, 0);
}

int xl_lock_path(struct xlx_ctx *ctx, struct gc *gc, const char **path)
{
    struct config *conf = NULL;
    int rc;

    *path = XEN_XL_LOCK_FILE;
    rc = config_load(ctx, XEN_XL_CONF, false, &conf);
    if (!rc)
        rc = config_text(conf, "lockfile", XEN_XL_LOCK_FILE, path);
    *path = gc_strdup(gc, *path);
    config_free(conf);
    return rc;
}
