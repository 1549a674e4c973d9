/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * create: xl create with the memory reserved before. The configuration is read by xl itself (-n), its UUID is given to
 * the real run, and by it memd hands the reservation to the domain as soon as Xen knows it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libxl_utils.h>

#include "balance/commands/commands.h"
#include "balance/service/control.h"
#include "balance/commands/reserve-client.h"
#include "balance/xen/settings.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "core/config.h"

#define CONFIG_MAX ((size_t)4 << 20)

struct options {
    uint64_t timeout_ms;
};

struct creation {
    const struct xlx_invocation *in;
    struct xlx_ctx *ctx;
    libxl_ctx *libxl;
    libxl_domain_config config;
    char uuid[XLX_UUID_LEN];
    uint64_t need_memkb;
    bool has_range;
    struct settings range;
};

static char **xl_arguments(struct gc *gc, const struct xlx_invocation *in, const char *dry, const char *uuid)
{
    char **argv = gc_array(gc, (size_t)in->argc + 5, sizeof(*argv));
    int n = 0;

    argv[n++] = gc_strdup(gc, "xl");
    argv[n++] = gc_strdup(gc, "create");
    if (dry)
        argv[n++] = gc_strdup(gc, dry);
    for (int i = 0; i < in->argc; i++)
        argv[n++] = in->argv[i];
    if (uuid)
        argv[n++] = gc_printf(gc, "uuid=\"%s\"", uuid);
    return argv;
}

/* What xl would build. */
static int read_by_xl(struct creation *c)
{
    CLEANUP_FREE char *json = NULL;
    GC_SCOPE(gc);
    int status, rc;

    status = run_program(c->ctx, xl_arguments(gc, c->in, "-n", NULL), &json, CONFIG_MAX);
    if (status)
        return status < 0 ? XLX_EXIT_FAILED : status;
    rc = libxl_domain_config_from_json(c->libxl, &c->config, json);
    if (rc) {
        LOG(c->ctx, ERROR, "what 'xl create -n' prints is no domain configuration");
        return XLX_EXIT_FAILED;
    }
    snprintf(c->uuid, sizeof(c->uuid), LIBXL_UUID_FMT, LIBXL_UUID_BYTES(c->config.c_info.uuid));
    rc = libxl_domain_need_memory(c->libxl, &c->config, INVALID_DOMID, &c->need_memkb);
    if (rc) {
        LOG(c->ctx, ERROR, "libxl cannot say how much memory the domain needs");
        return XLX_EXIT_FAILED;
    }
    return XLX_EXIT_DONE;
}

/* Our own keys, which xl leaves alone; an exit status. */
static int read_our_keys(struct creation *c)
{
    uint64_t static_max = c->config.b_info.max_memkb, weight;
    struct config *file = NULL;
    const char *fault;
    GC_SCOPE(gc);
    int rc;

    rc = config_load(c->ctx, c->in->argv[0], true, &file);
    if (rc)
        return XLX_EXIT_USAGE;
    rc = config_size_kb(file, "dynamic_memory_min", UINT64_MAX, &c->range.min_memkb);
    if (!rc)
        rc = config_size_kb(file, "dynamic_memory_max", UINT64_MAX, &c->range.max_memkb);
    if (!rc)
        rc = config_u64(file, "memory_weight", UINT64_MAX, SETTINGS_WEIGHT_MAX, &weight);
    config_free(file);
    if (rc)
        return XLX_EXIT_USAGE;
    c->has_range = c->range.min_memkb != UINT64_MAX || c->range.max_memkb != UINT64_MAX;
    if (!c->has_range) {
        if (weight != UINT64_MAX)
            LOG(c->ctx, WARN, "%s: memory_weight counts only with dynamic_memory_min or dynamic_memory_max",
                c->in->argv[0]);
        return XLX_EXIT_DONE;
    }
    c->range.weight = weight != UINT64_MAX ? weight : SETTINGS_WEIGHT;
    if (c->range.min_memkb == UINT64_MAX)
        c->range.min_memkb = xlx_mem_floor_memkb(static_max);
    if (c->range.max_memkb == UINT64_MAX)
        c->range.max_memkb = static_max;
    fault = settings_fault(gc, &c->range, static_max);
    if (!fault)
        return XLX_EXIT_DONE;
    LOG(c->ctx, ERROR, "%s: %s", c->in->argv[0], fault);
    return settings_below_floor(&c->range, static_max) ? XLX_EXIT_REFUSED : XLX_EXIT_USAGE;
}

/* Kept before the domain is there, so that it is balanced from its first moment. */
static int keep_range(struct creation *c)
{
    struct xs_handle *xs;
    int rc;

    rc = ctx_xs(c->ctx, &xs);
    return rc ? rc : settings_keep(c->ctx, xs, c->uuid, &c->range);
}

/* Built or not: what the domain holds by now is its own, the rest is free again. The connection that held it waits for
 * an answer, so this takes another. */
static void give_back(struct creation *c, const char *id)
{
    struct memd_client *client;
    GC_SCOPE(gc);
    struct json_writer *w = memd_arguments(gc);

    if (memd_connect(c->ctx, &client))
        return;
    json_put_string(w, "id", id);
    memd_call(client, gc, CONTROL_RESERVE_RELEASE, w, NULL);
    memd_disconnect(client);
}

static int create(struct creation *c, struct memd_client **client)
{
    const struct options *o = c->in->options;
    struct reserve_wish wish = {
        .size_memkb = c->need_memkb,
        .timeout_ms = o->timeout_ms ? o->timeout_ms : c->in->ui->timeout_ms,
        .uuid = c->uuid,
        .domid = -1,
    };
    struct reserve_got got = {.memkb = 0};
    GC_SCOPE(gc);
    int rc, status;

    if (*client) {
        rc = reserve_wait(c->ctx, c->in->ui, client, &wish, &got);
        if (rc && *client)
            return rc == ERROR_TIMEDOUT ? XLX_EXIT_NOT_REACHED : XLX_EXIT_FAILED;
    }
    if (!*client) {
        *got.id = 0;
        LOG(c->ctx, WARN, "memd does not run: no memory is reserved, the domain is created as plain xl does");
    }
    if (c->has_range && keep_range(c))
        return XLX_EXIT_FAILED;
    status = run_program_holding(c->ctx, xl_arguments(gc, c->in, NULL, c->uuid), client, &got);
    if (*got.id)
        give_back(c, got.id);
    return status < 0 ? XLX_EXIT_FAILED : status;
}

static int run(const struct xlx_invocation *in)
{
    struct creation c = {.in = in, .ctx = in->ctx};
    struct memd_client *client = NULL;
    int rc, status;

    /* libxl's own context without our loop: it is asked one question. */
    if (libxl_ctx_alloc(&c.libxl, LIBXL_VERSION, 0, in->ctx->logger)) {
        LOG(in->ctx, ERROR, "libxl cannot be used");
        return XLX_EXIT_FAILED;
    }
    libxl_domain_config_init(&c.config);
    status = read_by_xl(&c);
    if (!status)
        status = read_our_keys(&c);
    if (!status) {
        rc = memd_connect(in->ctx, &client);
        status = rc && rc != ERROR_NOTFOUND ? XLX_EXIT_FAILED : create(&c, &client);
    }
    memd_disconnect(client);
    libxl_domain_config_dispose(&c.config);
    libxl_ctx_free(c.libxl);
    return status;
}

static const struct xlx_option option_table[] = {
    {'t', NULL, XLX_OPTION_DURATION, offsetof(struct options, timeout_ms), "SECONDS",
     "give up when the memory is not free by then"},
};

const struct xlx_command cmd_create = {
    .name = "create",
    .synopsis = "[-t SECONDS] CFG [XL-OPTION]...",
    .summary = "Create a domain like xl, with its memory reserved before",
    .details = "Reserves what the domain and its stub domain need, taking it from guests that memd balances, runs "
               "'xl create' with the same arguments, and hands the memory over. CFG may carry dynamic_memory_min and "
               "dynamic_memory_max (MiB) and memory_weight: the range within which the domain is balanced (see "
               "mem-range); xl ignores them. When memd does not run, a warning is given and xl is run all the same.",
    .options = option_table,
    .option_count = ARRAY_LEN(option_table),
    .options_size = sizeof(struct options),
    .args_min = 1,
    .args_max = XLX_ARGS_ANY,
    .domain_arg = XLX_NO_DOMAIN,
    .flags = XLX_COMMAND_MODIFIES,
    .run = XLX_CODE(run),
};
