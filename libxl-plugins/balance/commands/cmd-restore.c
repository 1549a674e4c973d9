/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* restore: xl restore with the memory reserved before. The saved file says what the guest needs; xl gets the command line
 * as it was given, and whatever is wrong with it is xl's to say. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "balance/commands/build-client.h"
#include "balance/commands/commands.h"
#include "base/cleanup.h"
#include "core/xl-saved.h"
#include "core/xl.h"

struct options {
    uint64_t timeout_ms;
    bool console, foreground, other; /* xl's */
};

/* Of the file, and its size; NULL: nothing is known of it, and xl shall say what is wrong with it. */
static const char *config_of(struct xlx_ctx *ctx, struct gc *gc, const char *path, uint64_t *size_memkb)
{
    const char *cause = "it has no configuration of libxl's";
    struct xl_saved_head head;
    CLEANUP_FD int fd = -1;
    struct stat st;

    if (stat(path, &st)) {
        cause = strerror(errno);
    } else if (!S_ISREG(st.st_mode)) {
        /* A pipe must not even be opened: who writes into it takes that for the reader. */
        cause = "what is read of a pipe is gone for xl";
    } else {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            cause = strerror(errno);
        else if (!xl_saved_head_read(gc, fd, &head, &cause) && head.config) {
            *size_memkb = (uint64_t)st.st_size / 1024;
            return head.config;
        }
    }
    LOG(ctx, WARN, "%s: %s: no memory is reserved, xl restores it alone", path, cause);
    return NULL;
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    struct xl_build build = build_of(in, o->timeout_ms, o->console || o->foreground);
    GC_SCOPE(gc);
    const char *json;

    xl_keep_superpages();
    if (xlx_why_no_dom0() || !in->argc)
        return xl_runs_alone(in, xlx_why_no_dom0());
    if (!xlx_ctx_usable(in->ctx))
        return XLX_EXIT_FAILED;
    json = config_of(in->ctx, gc, in->argv[in->argc - 1], &build.saved_memkb);
    if (!json || build_need(&build, json))
        return xl_runs_alone(in, NULL);
    return build_with_memory(&build);
}

static const struct xlx_option option_table[] = {
    {'t', NULL, XLX_OPTION_DURATION, offsetof(struct options, timeout_ms), "SECONDS",
     "give up when the memory is not free by then"},
    {'A', "vncviewer-autopass", XLX_OPTION_FLAG, offsetof(struct options, other), NULL,
     "xl's: show the VNC display, password by its standard input", true},
    {'F', NULL, XLX_OPTION_FLAG, offsetof(struct options, foreground), NULL, "xl's: stay until the domain ends", true},
    {'V', "vncviewer", XLX_OPTION_FLAG, offsetof(struct options, other), NULL, "xl's: show the VNC display", true},
    {'c', NULL, XLX_OPTION_FLAG, offsetof(struct options, console), NULL, "xl's: connect to the console", true},
    {'d', NULL, XLX_OPTION_FLAG, offsetof(struct options, other), NULL, "xl's: print much", true},
    {'e', NULL, XLX_OPTION_FLAG, offsetof(struct options, other), NULL, "xl's: nobody waits for the domain's end",
     true},
    {'p', NULL, XLX_OPTION_FLAG, offsetof(struct options, other), NULL, "xl's: leave the domain paused", true},
};

const struct xlx_command cmd_restore = {
    .name = "restore",
    .synopsis = "[-t SECONDS] [XL-OPTION]... [CFG] FILE",
    .summary = "Restore a domain like xl, with its memory reserved before",
    .details =
        "Reserves what the saved guest needs, taking it from guests that memd balances, and runs 'xl restore' with "
        "the same arguments. A guest that held more than its target when it was saved, which xl alone cannot restore, "
        "gets what it held. When memd does not run, a warning is given and xl is run all the same. The guest's memory "
        "is made of large pages again where the host has them.",
    XLX_OPTIONS(option_table, struct options),
    .args_max = XLX_ARGS_ANY,
    .domain_arg = XLX_NO_DOMAIN,
    .flags = XLX_COMMAND_MODIFIES | XLX_COMMAND_ANYWHERE | XLX_COMMAND_WRAPS_XL,
    .run = XLX_CODE(run),
};
