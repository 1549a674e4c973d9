/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "vcpu/vcpu.h"

struct options {
    bool force, ignore_masks, dry_run;
};

static const struct xlx_option options[] = {
    {'f', "force", XLX_OPTION_FLAG, offsetof(struct options, force), NULL,
     "also undo what Xen or the dom0 kernel has pinned for a time"},
    {'i', "ignore-global-affinity-masks", XLX_OPTION_FLAG, offsetof(struct options, ignore_masks), NULL,
     "do not apply the masks (vm.cpumask) of xl.conf"},
    {'n', "dry-run", XLX_OPTION_FLAG, offsetof(struct options, dry_run), NULL, "check the lists and change nothing"},
};

/* "-" leaves an affinity as it is. */
static const char *list_or_null(const char *text)
{
    return text && strcmp(text, "-") ? text : NULL;
}

static const struct xlx_column columns[] = {
    {"Hard affinity", "hard", 0},   {"Picture", "hard_picture", 0},  {"Soft affinity", "soft", 0},
    {"Picture", "soft_picture", 0}, {"vCPUs changed", "changed", 0},
};

static void show(struct gc *gc, const struct xlx_invocation *in, const struct vcpu_pin *pin)
{
    in->ui->ops->record(in->ui, columns, ARRAY_LEN(columns),
                        (struct xlx_cell[]){
                            pin->hard ? XLX_TEXT(cpu_set_text(gc, &pin->hard_set)) : XLX_NONE,
                            pin->hard ? XLX_TEXT(cpu_set_picture(gc, &pin->hard_set)) : XLX_NONE,
                            pin->soft ? XLX_TEXT(cpu_set_text(gc, &pin->soft_set)) : XLX_NONE,
                            pin->soft ? XLX_TEXT(cpu_set_picture(gc, &pin->soft_set)) : XLX_NONE,
                            XLX_NUMBER(pin->changed),
                        });
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    struct vcpu_pin pin = {
        .vcpu_id = VCPU_ALL,
        .hard = list_or_null(in->argv[2]),
        .soft = list_or_null(in->argv[3]),
        .force = o->force,
        .ignore_masks = o->ignore_masks,
        .dry_run = o->dry_run,
    };
    const char *cause;
    uint64_t id;
    GC_SCOPE(gc);
    int rc;

    if (strcmp(in->argv[1], "all")) {
        rc = parse_u64(in->argv[1], VCPU_ALL - 1, &id, &cause);
        if (rc) {
            LOG(in->ctx, ERROR, "'%.64s' is no vCPU: %s, or all", in->argv[1], cause);
            return XLX_EXIT_USAGE;
        }
        pin.vcpu_id = (uint32_t)id;
    }
    if (!pin.hard && !pin.soft) {
        LOG(in->ctx, ERROR, "nothing to do: give a hard or a soft affinity that is not '-'");
        return XLX_EXIT_USAGE;
    }
    rc = xlx_domain_find(in->ctx, in->argv[0], &pin.domid);
    if (!rc)
        rc = vcpu_pin(in->ctx, gc, &pin);
    if (rc)
        return xlx_exit_of(rc);
    if (in->ui->json || o->dry_run)
        show(gc, in, &pin);
    return XLX_EXIT_DONE;
}

const struct xlx_command cmd_vcpu_pin = {
    .name = "vcpu-pin",
    .synopsis = "[-f] [-i] [-n] [--json] DOMAIN VCPU|all HARD [SOFT]",
    .summary = "Set on which CPUs vCPUs may (HARD) and should (SOFT) run",
    .details =
        "HARD and SOFT are CPU lists as xl takes them: 0-3,^2 or all or nodes:0,^1; '-' leaves an affinity as it "
        "is. All vCPUs asked for get the affinity, or none: each is read back after it has been set, and after "
        "a failure those set before get back what they had. A list that cannot be (a CPU that this host does "
        "not have, none of the domain's CPU pool, nothing left) is refused.",
    XLX_OPTIONS(options, struct options),
    .args_min = 3,
    .args_max = 4,
    .domain_arg = 0,
    .flags = XLX_COMMAND_MODIFIES | XLX_COMMAND_DRY_RUN,
    .run = XLX_CODE(run),
};
