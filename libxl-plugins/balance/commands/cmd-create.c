/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * create: xl create with the memory reserved before. The configuration is read by xl itself (--dryrun), its UUID is
 * given to the real run, and by it memd hands the reservation to the domain as soon as Xen knows it. xl gets the command
 * line as it was given, and whatever is wrong with it is xl's to say.
 */
#include <inttypes.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <libxl_utils.h>

#include "balance/commands/build-client.h"
#include "balance/commands/commands.h"
#include "balance/xen/ranges.h"
#include "balance/xen/settings.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "core/config.h"
#include "core/xl.h"

struct options {
    uint64_t timeout_ms;
    /* xl's */
    const char *config;
    bool dry_run, console, foreground;
    bool other; /* those that make no difference here */
};

struct creation {
    const struct xlx_invocation *in;
    struct xlx_ctx *ctx;
    struct xl_build build;
    libxl_ctx *libxl;
    libxl_domain_config config;
    bool has_range;
    struct settings range;
};

/* What xl would build. */
static int read_by_xl(struct creation *c)
{
    struct xl_dry_run xl = {.argv = c->in->xl_argv};
    GC_SCOPE(gc);
    int rc;

    rc = xl_dry_run(c->ctx, gc, &xl);
    if (rc)
        return xlx_exit_of(rc);
    if (xl.exit_status) {
        fputs(xl.said, stderr);
        return xl.exit_status;
    }
    if (!xl.json || libxl_domain_config_from_json(c->libxl, &c->config, xl.json)) {
        LOG(c->ctx, ERROR, "what 'xl create --dryrun' prints is no domain configuration");
        return XLX_EXIT_FAILED;
    }
    snprintf(c->build.uuid, sizeof(c->build.uuid), LIBXL_UUID_FMT, LIBXL_UUID_BYTES(c->config.c_info.uuid));
    rc = libxl_domain_need_memory(c->libxl, &c->config, INVALID_DOMID, &c->build.need_memkb);
    if (rc) {
        LOG(c->ctx, ERROR, "libxl cannot say how much memory the domain needs");
        return XLX_EXIT_FAILED;
    }
    return XLX_EXIT_DONE;
}

/* The file that xl reads: that of -f, else the first argument that is no assignment. NULL: all is on the command line.
 */
static const char *config_path(const struct xlx_invocation *in)
{
    const struct options *o = in->options;

    if (o->config)
        return o->config;
    for (int i = 0; i < in->argc; i++) {
        if (!strchr(in->argv[i], '='))
            return in->argv[i];
    }
    return NULL;
}

/* What xl makes of it: the file, then the assignments, a line each. */
static int whole_config(const struct creation *c, struct gc *gc, const char **text)
{
    const struct xlx_invocation *in = c->in;
    const char *path = config_path(in);
    CLEANUP_FREE void *data = NULL;
    int size = 0, r;

    r = path ? libxl_read_file_contents(c->libxl, path, &data, &size) : 0;
    if (r) {
        LOG(c->ctx, ERROR, "cannot read %s: %s", path, strerror(r));
        return ERROR_INVAL;
    }
    *text = data ? gc_strndup(gc, data, (size_t)size) : "";
    for (int i = 0; i < in->argc; i++) {
        if (strchr(in->argv[i], '='))
            *text = gc_printf(gc, "%s\n%s", *text, in->argv[i]);
    }
    return 0;
}

/* Our own keys, which xl leaves alone; an exit status. */
static int read_our_keys(struct creation *c)
{
    const char *path = config_path(c->in), *name = path ? path : "the command line", *text, *fault;
    uint64_t static_max = c->config.b_info.max_memkb;
    struct config *file = NULL;
    struct range_rule rule;
    GC_SCOPE(gc);
    int rc;

    if (whole_config(c, gc, &text) || config_parse(c->ctx, name, text, &file))
        return XLX_EXIT_USAGE;
    rc = range_rule_of_config(c->ctx, file, name, &c->has_range, &rule);
    config_free(file);
    if (rc)
        return XLX_EXIT_USAGE;
    if (!c->has_range)
        return XLX_EXIT_DONE;
    range_rule_resolve(&rule, static_max, &c->range);
    fault = settings_fault(gc, &c->range, static_max);
    if (!fault)
        return XLX_EXIT_DONE;
    LOG(c->ctx, ERROR, "%s: %s", name, fault);
    return settings_below_floor(&c->range, static_max) ? XLX_EXIT_REFUSED : XLX_EXIT_USAGE;
}

/* Kept before the domain is there, so that it is balanced from its first moment. */
static bool keep_range(void *arg)
{
    struct creation *c = arg;
    struct xs_handle *xs;

    return !c->has_range || (!ctx_xs(c->ctx, &xs) && !settings_keep(c->ctx, xs, c->build.uuid, &c->range));
}

static int create(struct creation *c)
{
    GC_SCOPE(gc);

    c->build.extra = gc_printf(gc, "uuid=\"%s\"", c->build.uuid);
    c->build.prepare = keep_range;
    c->build.arg = c;
    return build_with_memory(&c->build);
}

/* A configuration on standard input (/dev/stdin) is read by xl twice and by us once: it is copied into a file without a
 * name that takes the place of standard input, and that each opens anew. */
static int keep_standard_input(struct xlx_ctx *ctx, const struct xlx_invocation *in)
{
    const char *path = config_path(in);
    CLEANUP_FD int copy = -1;
    char data[4096];
    ssize_t n = -1;

    if (!path || strcmp(path, "/dev/stdin"))
        return 0;
    copy = memfd_create("configuration", 0);
    while (copy >= 0 && (n = read(STDIN_FILENO, data, sizeof(data))) > 0) {
        errno = ENOSPC; /* of a part that is written nobody says why */
        if (write(copy, data, (size_t)n) != n)
            break;
    }
    if (copy >= 0 && !n && dup2(copy, STDIN_FILENO) == STDIN_FILENO)
        return 0;
    LOG(ctx, ERROR, "cannot read the configuration from standard input: %s", strerror(errno));
    return ERROR_FAIL;
}

/* Options of xl before the command: -N, alone or among others. */
static bool is_dry_run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;

    for (char **a = in->xl_argv + 1; **a == '-'; a++) {
        if (strchr(*a, 'N'))
            return true;
    }
    return o->dry_run;
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    struct creation c = {.in = in, .ctx = in->ctx, .build = build_of(in, o->timeout_ms, o->console || o->foreground)};
    int status;

    if (is_dry_run(in) || xlx_why_no_dom0())
        return xl_runs_alone(in, xlx_why_no_dom0());
    if (!xlx_ctx_usable(in->ctx) || keep_standard_input(in->ctx, in))
        return XLX_EXIT_FAILED;
    /* libxl's own context without our loop: it is asked one question. */
    if (libxl_ctx_alloc(&c.libxl, LIBXL_VERSION, 0, in->ctx->logger)) {
        LOG(in->ctx, ERROR, "libxl cannot be used");
        return XLX_EXIT_FAILED;
    }
    libxl_domain_config_init(&c.config);
    status = read_by_xl(&c);
    if (!status)
        status = read_our_keys(&c);
    if (!status)
        status = create(&c);
    libxl_domain_config_dispose(&c.config);
    libxl_ctx_free(c.libxl);
    return status;
}

static const struct xlx_option option_table[] = {
    {'t', NULL, XLX_OPTION_DURATION, offsetof(struct options, timeout_ms), "SECONDS",
     "give up when the memory is not free by then"},
    {'A', "vncviewer-autopass", XLX_OPTION_FLAG, offsetof(struct options, other), NULL,
     "xl's: show the VNC display, password by its standard input", true},
    {'F', NULL, XLX_OPTION_FLAG, offsetof(struct options, foreground), NULL, "xl's: stay until the domain ends", true},
    {'V', "vncviewer", XLX_OPTION_FLAG, offsetof(struct options, other), NULL, "xl's: show the VNC display", true},
    {'c', NULL, XLX_OPTION_FLAG, offsetof(struct options, console), NULL, "xl's: connect to the console", true},
    {'d', NULL, XLX_OPTION_FLAG, offsetof(struct options, other), NULL, "xl's: print the configuration", true},
    {'e', NULL, XLX_OPTION_FLAG, offsetof(struct options, other), NULL, "xl's: nobody waits for the domain's end",
     true},
    {'f', "defconfig", XLX_OPTION_TEXT, offsetof(struct options, config), "FILE", "xl's: the configuration", true},
    {'i', "ignore-global-affinity-masks", XLX_OPTION_FLAG, offsetof(struct options, other), NULL,
     "xl's: ignore the masks of xl.conf", true},
    {'n', "dryrun", XLX_OPTION_FLAG, offsetof(struct options, dry_run), NULL,
     "xl's: print the configuration, reserve and start nothing", true},
    {'p', NULL, XLX_OPTION_FLAG, offsetof(struct options, other), NULL, "xl's: leave the domain paused", true},
    {'q', "quiet", XLX_OPTION_FLAG, offsetof(struct options, other), NULL, "xl's: say less", true},
};

const struct xlx_command cmd_create = {
    .name = "create",
    .synopsis = "[-t SECONDS] [XL-OPTION]... [CFG] [KEY=VALUE]...",
    .summary = "Create a domain like xl, with its memory reserved before",
    .details =
        "Reserves what the domain and its stub domain need, taking it from guests that memd balances, runs "
        "'xl create' with the same arguments, and hands the memory over. CFG or KEY=VALUE may give dynamic_memory_min "
        "and dynamic_memory_max (MiB) and memory_weight: the range within which the domain is balanced (see "
        "mem-range); xl ignores them. When memd does not run, a warning is given and xl is run all the same.",
    XLX_OPTIONS(option_table, struct options),
    .args_max = XLX_ARGS_ANY,
    .domain_arg = XLX_NO_DOMAIN,
    .flags = XLX_COMMAND_MODIFIES | XLX_COMMAND_ANYWHERE | XLX_COMMAND_WRAPS_XL,
    .run = XLX_CODE(run),
};
