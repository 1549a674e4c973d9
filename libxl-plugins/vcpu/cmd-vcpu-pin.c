/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
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

/* ---- without a list: how they are pinned, as virsh vcpupin shows it ---- */

#define ID_TITLE "VCPU"
#define LIST_TITLE "CPU Affinity"

static void print_line(struct xlx_ui *ui, const char *id, size_t id_width, const char *list)
{
    ui->ops->print(ui, " %-*s   %s\n", (int)id_width, id, list);
}

static void show_pins(struct gc *gc, const struct xlx_invocation *in, const struct vcpu *vcpus, size_t count)
{
    size_t id_width = strlen(ID_TITLE), list_width = strlen(LIST_TITLE);
    const char **ids = gc_array(gc, count, sizeof(*ids)), **lists = gc_array(gc, count, sizeof(*lists));
    char *rule;

    for (size_t i = 0; i < count; i++) {
        ids[i] = gc_printf(gc, "%u", vcpus[i].vcpu_id);
        lists[i] = cpu_set_numbers(gc, &vcpus[i].hard);
        id_width = strlen(ids[i]) > id_width ? strlen(ids[i]) : id_width;
        list_width = strlen(lists[i]) > list_width ? strlen(lists[i]) : list_width;
    }
    rule = gc_alloc(gc, id_width + list_width + 7);
    memset(rule, '-', id_width + list_width + 6);
    print_line(in->ui, ID_TITLE, id_width, LIST_TITLE);
    in->ui->ops->print(in->ui, "%s\n", rule);
    for (size_t i = 0; i < count; i++)
        print_line(in->ui, ids[i], id_width, lists[i]);
    in->ui->ops->print(in->ui, "\n");
}

static void pins_json(struct gc *gc, const struct xlx_invocation *in, const struct vcpu *vcpus, size_t count)
{
    struct json *list = json_new_array(gc);

    for (size_t i = 0; i < count; i++) {
        struct json *row = json_new_object(gc);

        json_set_integer(gc, row, "vcpu", vcpus[i].vcpu_id);
        json_set_string(gc, row, "hard", cpu_set_numbers(gc, &vcpus[i].hard));
        json_set_string(gc, row, "soft", cpu_set_numbers(gc, &vcpus[i].soft));
        json_append(gc, list, row);
    }
    in->ui->ops->print(in->ui, "%s", json_text(gc, list, JSON_PRETTY));
}

/* Of all vCPUs, or of that one. */
static int query(const struct xlx_invocation *in, uint32_t vcpu_id)
{
    struct vcpu *vcpus;
    uint32_t domid;
    size_t count, n = 0;
    GC_SCOPE(gc);
    int rc;

    rc = vcpu_list_named(in->ctx, gc, in->argv[0], &domid, &vcpus, &count);
    if (rc)
        return xlx_exit_of(rc);
    for (size_t i = 0; i < count; i++) {
        if (vcpu_id == VCPU_ALL || vcpus[i].vcpu_id == vcpu_id)
            vcpus[n++] = vcpus[i];
    }
    if (!n) {
        LOGD(in->ctx, ERROR, domid, "there is no vCPU %u", vcpu_id);
        return XLX_EXIT_FAILED;
    }
    if (in->ui->json)
        pins_json(gc, in, vcpus, n);
    else
        show_pins(gc, in, vcpus, n);
    return XLX_EXIT_DONE;
}

/* ---- with one ---- */

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    struct vcpu_pin pin = {
        .vcpu_id = VCPU_ALL,
        .hard = in->argc > 2 ? list_or_null(in->argv[2]) : NULL,
        .soft = in->argc > 3 ? list_or_null(in->argv[3]) : NULL,
        .force = o->force,
        .ignore_masks = o->ignore_masks,
        .dry_run = o->dry_run,
    };
    const char *cause;
    uint64_t id;
    GC_SCOPE(gc);
    int rc;

    if (in->argc > 1 && strcmp(in->argv[1], "all") != 0) {
        rc = parse_u64(in->argv[1], VCPU_ALL - 1, &id, &cause);
        if (rc) {
            LOG(in->ctx, ERROR, "'%.64s' is no vCPU: %s, or all", in->argv[1], cause);
            return XLX_EXIT_USAGE;
        }
        pin.vcpu_id = (uint32_t)id;
    }
    if (in->argc < 3)
        return query(in, pin.vcpu_id);
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
    .synopsis = "[-f] [-i] [-n] [--json] DOMAIN VCPU|all HARD [SOFT] | DOMAIN [VCPU]",
    .summary = "Set on which CPUs vCPUs may (HARD) and should (SOFT) run",
    .details =
        "HARD and SOFT are CPU lists as xl takes them: 0-3,^2 or all or nodes:0,^1; '-' leaves an affinity as it "
        "is. All vCPUs asked for get the affinity, or none: each is read back after it has been set, and after "
        "a failure those set before get back what they had. A list that cannot be (a CPU that this host does "
        "not have, none of the domain's CPU pool, nothing left) is refused. Without HARD it shows where vCPUs may run, "
        "in "
        "the form of virsh vcpupin.",
    XLX_OPTIONS(options, struct options),
    .args_min = 1,
    .args_max = 4,
    .domain_arg = 0,
    .flags = XLX_COMMAND_MODIFIES | XLX_COMMAND_DRY_RUN,
    .run = XLX_CODE(run),
};
