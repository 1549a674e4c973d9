/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "vcpu/vcpu.h"

struct options {
    bool pretty;
};

static const struct xlx_option options[] = {
    {0, "pretty", XLX_OPTION_FLAG, offsetof(struct options, pretty), NULL,
     "show the affinity as a list (0-3) in place of a picture, as virsh does"},
};

/* libvirt's driver for libxl: what neither runs nor is blocked is offline, be it that it waits for a CPU or is paused. */
static const char *virsh_state(const struct vcpu *vcpu)
{
    return vcpu->running ? "running" : vcpu->blocked ? "blocked" : "offline";
}

/* virsh shows as many vCPUs as are online, the first ones. */
static size_t online_count(const struct vcpu *vcpus, size_t count)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        n += vcpus[i].online;
    return n;
}

static void print_block(struct gc *gc, struct xlx_ui *ui, const struct vcpu *vcpu, bool pretty)
{
    ui->ops->print(ui, "%-15s %u\n", "VCPU:", vcpu->vcpu_id);
    ui->ops->print(ui, "%-15s %u\n", "CPU:", vcpu->cpu);
    ui->ops->print(ui, "%-15s %s\n", "State:", virsh_state(vcpu));
    if (vcpu->time_ns)
        ui->ops->print(ui, "%-15s %.1fs\n", "CPU time:", (double)vcpu->time_ns / 1e9);
    if (pretty)
        ui->ops->print(ui, "%-15s %s (out of %u)\n", "CPU Affinity:", cpu_set_numbers(gc, &vcpu->hard),
                       vcpu->hard.count);
    else
        ui->ops->print(ui, "%-15s %s\n", "CPU Affinity:", cpu_set_picture(gc, &vcpu->hard));
}

static void print_json(struct gc *gc, struct xlx_ui *ui, const struct vcpu *vcpus, size_t count)
{
    struct json *list = json_new_array(gc);

    for (size_t i = 0; i < count; i++) {
        struct json *row = json_new_object(gc);

        json_set_integer(gc, row, "vcpu", vcpus[i].vcpu_id);
        json_set(gc, row, "cpu", vcpus[i].online ? json_new_integer(gc, vcpus[i].cpu) : json_new_null(gc));
        json_set_string(gc, row, "state", vcpu_state_name(&vcpus[i]));
        json_set_u64(gc, row, "time_ns", vcpus[i].time_ns);
        json_set_string(gc, row, "hard_picture", cpu_set_picture(gc, &vcpus[i].hard));
        json_set_string(gc, row, "soft_picture", cpu_set_picture(gc, &vcpus[i].soft));
        json_append(gc, list, row);
    }
    ui->ops->print(ui, "%s", json_text(gc, list, JSON_PRETTY));
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    struct vcpu *vcpus;
    uint32_t domid;
    size_t count;
    GC_SCOPE(gc);
    int rc;

    rc = vcpu_list_named(in->ctx, gc, in->argv[0], &domid, &vcpus, &count);
    if (rc)
        return xlx_exit_of(rc);
    if (in->ui->json) {
        print_json(gc, in->ui, vcpus, count);
        return XLX_EXIT_DONE;
    }
    count = online_count(vcpus, count);
    for (size_t i = 0; i < count; i++) {
        print_block(gc, in->ui, &vcpus[i], o->pretty);
        in->ui->ops->print(in->ui, "\n");
    }
    return XLX_EXIT_DONE;
}

const struct xlx_command cmd_vcpu_info = {
    .name = "vcpu-info",
    .synopsis = "[--pretty] [--json] DOMAIN",
    .summary = "Show a domain's vCPUs in the form of virsh vcpuinfo",
    .details = "For scripts that read virsh vcpuinfo. The affinity is the hard one; vcpu-list -p shows both.",
    XLX_OPTIONS(options, struct options),
    .args_min = 1,
    .args_max = 1,
    .domain_arg = 0,
    .run = XLX_CODE(run),
};
