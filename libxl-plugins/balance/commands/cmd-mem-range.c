/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "balance/commands/commands.h"
#include "balance/commands/memd-client.h"
#include "balance/policy/lend.h"
#include "balance/service/control.h"
#include "balance/xen/settings.h"
#include "balloon/info.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"

struct options {
    const char *lend;
};

static int parse_lend(const struct xlx_invocation *in, struct settings *s)
{
    const struct options *options = in->options;
    const char *cause;

    if (!options->lend || !lend_parse(options->lend, &s->lend, &cause))
        return 0;
    LOG(in->ctx, ERROR, "--lend %.32s: %s", options->lend, cause);
    return ERROR_INVAL;
}

static int parse_range(const struct xlx_invocation *in, struct settings *s, bool *weight)
{
    const char *cause = NULL;
    int at = 1, rc;

    rc = parse_size_kb(in->argv[at], &s->min_memkb, &cause);
    if (!rc)
        rc = parse_size_kb(in->argv[++at], &s->max_memkb, &cause);
    *weight = in->argc == 4;
    if (!rc && *weight)
        rc = parse_u64(in->argv[++at], SETTINGS_WEIGHT_MAX, &s->weight, &cause);
    if (rc) {
        LOG(in->ctx, ERROR, "'%.64s': %s", in->argv[at], cause);
        return rc;
    }
    if (s->min_memkb > s->max_memkb || (*weight && !s->weight)) {
        LOG(in->ctx, ERROR, "%s",
            *weight && !s->weight ? "a weight of 0 would give it nothing: use 1 or more"
                                  : "the minimum is above the maximum");
        return ERROR_INVAL;
    }
    return parse_lend(in, s);
}

/* memd refuses it too, but an error of the socket has no exit status. */
static int check_floor(const struct xlx_invocation *in, uint32_t domid, const struct settings *s)
{
    struct xlx_mem_info info;
    GC_SCOPE(gc);
    int rc;

    rc = mem_info_get(in->ctx, domid, &info);
    if (rc)
        return xlx_exit_of(rc);
    if (!domid || !info.has_static_max || !settings_below_floor(s, info.static_max_memkb))
        return XLX_EXIT_DONE;
    LOG(in->ctx, ERROR, "%s", settings_fault(gc, s, info.static_max_memkb));
    return XLX_EXIT_REFUSED;
}

/* Without memd the range is kept all the same: the next memd finds it. */
static int keep_without_memd(const struct xlx_invocation *in, uint32_t domid, struct settings *s, bool weight)
{
    struct xlx_mem_info info;
    struct settings old;
    struct xs_handle *xs;
    const char *fault;
    GC_SCOPE(gc);
    int rc;

    rc = ctx_xs(in->ctx, &xs);
    if (!rc)
        rc = mem_info_get(in->ctx, domid, &info);
    if (rc)
        return xlx_exit_of(rc);
    if (!weight)
        s->weight = settings_read(xs, info.uuid, &old) ? SETTINGS_WEIGHT : old.weight;
    fault = settings_fault(gc, s, info.has_static_max ? info.static_max_memkb : 0);
    if (fault) {
        LOG(in->ctx, ERROR, "%s", fault);
        return XLX_EXIT_FAILED;
    }
    rc = settings_write(in->ctx, xs, info.uuid, domid, s);
    if (!rc)
        LOG(in->ctx, WARN, "memd does not run: the range is kept and counts from when it is started");
    return xlx_exit_of(rc);
}

static int set_range(const struct xlx_invocation *in, struct memd_client *client, uint32_t domid,
                     const struct settings *s, bool weight)
{
    GC_SCOPE(gc);
    struct json *arguments = json_new_object(gc);

    json_set_integer(gc, arguments, "domain", domid);
    json_set_u64(gc, arguments, "min_memkb", s->min_memkb);
    json_set_u64(gc, arguments, "max_memkb", s->max_memkb);
    if (weight)
        json_set_u64(gc, arguments, "weight", s->weight);
    if (s->lend.kind != HOST_LEND_DEFAULT)
        json_set_string(gc, arguments, "lend", lend_text(gc, &s->lend));
    return memd_call(client, CONTROL_RANGE, arguments, NULL);
}

static int change(const struct xlx_invocation *in, struct memd_client *client, uint32_t domid, const char *command)
{
    GC_SCOPE(gc);
    struct json *arguments = json_new_object(gc);

    json_set_integer(gc, arguments, "domain", domid);
    return memd_call(client, command, arguments, NULL);
}

static int run(const struct xlx_invocation *in)
{
    const char *command = NULL;
    struct settings s = {.weight = SETTINGS_WEIGHT, .lend.kind = HOST_LEND_DEFAULT};
    struct memd_client *client = NULL;
    bool weight = false;
    uint32_t domid;
    int rc, status;

    if (in->argc == 2 && !strcmp(in->argv[1], "auto"))
        command = CONTROL_RANGE_AUTO;
    else if (in->argc == 2 && !strcmp(in->argv[1], "none"))
        command = CONTROL_RANGE_FORGET;
    else if (in->argc == 2) {
        LOG(in->ctx, ERROR, "'%.64s': give MIN and MAX, or one of the words auto and none", in->argv[1]);
        return XLX_EXIT_USAGE;
    } else if (parse_range(in, &s, &weight)) {
        return XLX_EXIT_USAGE;
    }
    rc = xlx_domain_find(in->ctx, in->argv[0], &domid);
    if (rc)
        return XLX_EXIT_FAILED;
    status = command ? XLX_EXIT_DONE : check_floor(in, domid, &s);
    if (status)
        return status;
    rc = memd_connect(in->ctx, &client);
    if (rc == ERROR_NOTFOUND)
        return command ? memd_missing(in->ctx) : keep_without_memd(in, domid, &s, weight);
    if (!rc)
        rc = command ? change(in, client, domid, command) : set_range(in, client, domid, &s, weight);
    memd_disconnect(client);
    return xlx_exit_of(rc);
}

static const struct xlx_option option_table[] = {
    {0, "lend", XLX_OPTION_TEXT, offsetof(struct options, lend), "LEND",
     "what it may have beyond its share while others do not need theirs: all, a size, or N%"},
};

const struct xlx_command cmd_mem_range = {
    .name = "mem-range",
    .synopsis = "[--lend LEND] DOMAIN MIN MAX [WEIGHT] | DOMAIN auto | DOMAIN none",
    .summary = "Have memd balance a domain's memory within a range",
    .details =
        "Sizes as xl takes them, MiB without a suffix. In shortage domains share what is above their minimums in "
        "proportion to their weights (1 to 65535, 256 when not given). The range is kept by UUID: it survives "
        "reboot, save, restore and migration back.\n\nA target that is set by hand (mem-set, xl mem-set, QMP's "
        "balloon) pins the domain; 'auto' has it balanced again. 'none' forgets the range.",
    .options = option_table,
    .option_count = ARRAY_LEN(option_table),
    .options_size = sizeof(struct options),
    .args_min = 2,
    .args_max = 4,
    .domain_arg = 0,
    .flags = XLX_COMMAND_MODIFIES,
    .run = XLX_CODE(run),
};
