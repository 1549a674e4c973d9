/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "balance/commands/commands.h"
#include "memd-client/client.h"
#include "balance/policy/lend.h"
#include "memd-client/control.h"
#include "balance/xen/ranges.h"
#include "balance/xen/settings.h"
#include "balloon/info.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"

struct options {
    const char *lend;
    bool save;
    const char *file;
};

/* What the line asks for. */
struct wish {
    uint32_t domid;
    const char *command; /* of memd, for a word in place of MIN and MAX; NULL: a range */
    struct settings range;
    bool weight; /* it was given */
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

/* ---- a range that lasts ---- */

/* With --save: the file as it is, read before anything is changed, so that a mistake in it changes nothing. */
struct saving {
    const char *path, *text, *key;
    struct ranges ranges;
};

static int read_saved(const struct xlx_invocation *in, struct gc *gc, const struct wish *w, struct saving *saving)
{
    const struct options *o = in->options;
    const struct range_rule *old;
    struct xlx_mem_info info;
    const char *fault;

    if (!w->domid) {
        LOG(in->ctx, ERROR, "dom0's range stands in memd's configuration: dom0_min and dom0_max");
        return XLX_EXIT_REFUSED;
    }
    if (mem_info_get(in->ctx, w->domid, &info))
        return XLX_EXIT_FAILED;
    *saving = (struct saving){.path = o->file ? o->file : RANGES_PATH};
    if (ranges_read(gc, saving->path, &saving->text, &saving->ranges, &fault)) {
        LOG(in->ctx, ERROR, "%s", fault);
        return XLX_EXIT_USAGE;
    }
    /* By its name, which stays when a configuration without a uuid is used again; unless somebody wrote the UUID. */
    old = ranges_find(&saving->ranges, info.uuid, info.name);
    saving->key = gc_strdup(gc, old ? old->key : ranges_can_name(info.name) ? info.name : info.uuid);
    return XLX_EXIT_DONE;
}

static int save(const struct xlx_invocation *in, struct gc *gc, const struct wish *w, const struct saving *saving)
{
    struct range_rule rule = {.min_memkb = w->range.min_memkb,
                              .max_memkb = w->range.max_memkb,
                              .weight = w->weight ? w->range.weight : 0,
                              .lend = w->range.lend};
    const struct range_rule *old = ranges_find(&saving->ranges, NULL, saving->key);

    if (!rule.weight && old)
        rule.weight = old->weight;
    return ranges_write(in->ctx, saving->path, ranges_with(gc, saving->text, saving->key, w->command ? NULL : &rule));
}

/* ---- memd ---- */

static int change(struct memd_client *client, uint32_t domid, const char *command)
{
    GC_SCOPE(gc);
    struct json *arguments = json_new_object(gc);

    json_set_integer(gc, arguments, "domain", domid);
    return memd_call(client, command, arguments, NULL);
}

static int set_range(struct memd_client *client, const struct wish *w)
{
    const struct settings *s = &w->range;
    GC_SCOPE(gc);
    struct json *arguments = json_new_object(gc);

    json_set_integer(gc, arguments, "domain", w->domid);
    json_set_u64(gc, arguments, "min_memkb", s->min_memkb);
    json_set_u64(gc, arguments, "max_memkb", s->max_memkb);
    if (w->weight)
        json_set_u64(gc, arguments, "weight", s->weight);
    if (s->lend.kind != HOST_LEND_DEFAULT)
        json_set_string(gc, arguments, "lend", lend_text(gc, &s->lend));
    return memd_call(client, CONTROL_RANGE, arguments, NULL);
}

/* memd checks the range, and balances within it, before it is written down; then the file is all that counts. */
static int with_memd(const struct xlx_invocation *in, struct gc *gc, struct memd_client *client, const struct wish *w,
                     const struct saving *saving)
{
    int rc = 0;

    if (!w->command)
        rc = set_range(client, w);
    else if (!saving)
        rc = change(client, w->domid, w->command);
    if (rc || !saving)
        return rc;
    rc = save(in, gc, w, saving);
    if (!rc && w->command)
        rc = memd_call(client, CONTROL_RANGES_READ, NULL, NULL);
    if (!rc)
        rc = change(client, w->domid, w->command ? w->command : CONTROL_RANGES_READ);
    return rc;
}

/* Without memd the range is kept all the same: the next memd finds it. */
static int without_memd(const struct xlx_invocation *in, struct gc *gc, struct wish *w, const struct saving *saving)
{
    struct xlx_mem_info info;
    struct settings old;
    struct xs_handle *xs;
    const char *fault;
    int rc;

    rc = ctx_xs(in->ctx, &xs);
    if (!rc)
        rc = mem_info_get(in->ctx, w->domid, &info);
    if (rc)
        return xlx_exit_of(rc);
    if (!w->weight)
        w->range.weight =
            settings_read(xs, SETTINGS_GIVEN, info.uuid, &old) || !old.weight ? SETTINGS_WEIGHT : old.weight;
    fault = w->command ? NULL : settings_fault(gc, &w->range, info.has_static_max ? info.static_max_memkb : 0);
    if (fault) {
        LOG(in->ctx, ERROR, "%s", fault);
        return XLX_EXIT_FAILED;
    }
    if (saving) {
        rc = save(in, gc, w, saving);
        if (!rc)
            rc = settings_forget(in->ctx, xs, info.uuid, w->domid, w->command);
    } else {
        rc = settings_write(in->ctx, xs, info.uuid, w->domid, &w->range);
    }
    if (!rc)
        LOG(in->ctx, WARN, "memd does not run: the range is kept and counts from when it is started");
    return xlx_exit_of(rc);
}

/* ---- the line ---- */

static const struct {
    const char *word, *command;
} words[] = {{"auto", CONTROL_RANGE_AUTO}, {"hold", CONTROL_RANGE_HOLD}, {"none", CONTROL_RANGE_FORGET}};

static int parse_line(const struct xlx_invocation *in, struct wish *w)
{
    const struct options *o = in->options;

    for (size_t i = 0; in->argc == 2 && i < ARRAY_LEN(words); i++) {
        if (!strcmp(in->argv[1], words[i].word))
            w->command = words[i].command;
    }
    if (in->argc == 2 && !w->command) {
        LOG(in->ctx, ERROR, "'%.64s': give MIN and MAX, or one of the words auto, hold and none", in->argv[1]);
        return ERROR_INVAL;
    }
    if ((o->file && !o->save) || (o->save && w->command && strcmp(w->command, CONTROL_RANGE_FORGET))) {
        LOG(in->ctx, ERROR, "%s", o->save ? "--save is for a range, or none" : "--file is for --save");
        return ERROR_INVAL;
    }
    return w->command ? 0 : parse_range(in, &w->range, &w->weight);
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    struct wish w = {.range = {.weight = SETTINGS_WEIGHT, .lend.kind = HOST_LEND_DEFAULT}};
    struct saving saving = {NULL}, *wanted = o->save ? &saving : NULL;
    struct memd_client *client = NULL;
    GC_SCOPE(gc);
    int rc, status;

    if (parse_line(in, &w))
        return XLX_EXIT_USAGE;
    if (xlx_domain_find(in->ctx, in->argv[0], &w.domid))
        return XLX_EXIT_FAILED;
    status = w.command ? XLX_EXIT_DONE : check_floor(in, w.domid, &w.range);
    if (!status && wanted)
        status = read_saved(in, gc, &w, wanted);
    if (status)
        return status;
    rc = memd_connect(in->ctx, &client);
    if (rc == ERROR_NOTFOUND)
        return w.command && !wanted ? memd_missing(in->ctx) : without_memd(in, gc, &w, wanted);
    if (!rc)
        rc = with_memd(in, gc, client, &w, wanted);
    memd_disconnect(client);
    return xlx_exit_of(rc);
}

static const struct xlx_option option_table[] = {
    {0, "lend", XLX_OPTION_TEXT, offsetof(struct options, lend), "LEND",
     "what it may have beyond its share while others do not need theirs: all, a size, or N%"},
    {0, "save", XLX_OPTION_FLAG, offsetof(struct options, save), NULL,
     "write it into " RANGES_PATH ", so that it outlives a reboot of the host"},
    {0, "file", XLX_OPTION_TEXT, offsetof(struct options, file), "FILE", "with --save: another file than that"},
};

const struct xlx_command cmd_mem_range = {
    .name = "mem-range",
    .synopsis = "[--save] [--lend LEND] DOMAIN MIN MAX [WEIGHT] | DOMAIN auto | DOMAIN hold | [--save] DOMAIN none",
    .summary = "Have memd balance a domain's memory within a range",
    .details =
        "Sizes as xl takes them, MiB without a suffix. In shortage domains share what is above their minimums in "
        "proportion to their weights (1 to 65535, 256 when not given). The range is kept by UUID: it survives "
        "a reboot of the guest, save, restore and migration back; with --save also one of the host, and a create "
        "without a "
        "uuid.\n\nA target that is set by hand (mem-set, xl mem-set, QMP's "
        "balloon) pins the domain; 'auto' has it balanced again. 'hold' has it left "
        "alone until 'auto', for as long as others migrate or save it. 'none' forgets the range.",
    XLX_OPTIONS(option_table, struct options),
    .args_min = 2,
    .args_max = 4,
    .domain_arg = 0,
    .flags = XLX_COMMAND_MODIFIES,
    .run = XLX_CODE(run),
};
