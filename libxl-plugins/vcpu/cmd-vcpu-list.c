/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "core/domain.h"
#include "core/sampler.h"
#include "vcpu/vcpu.h"

struct options {
    bool picture;
};

static const struct xlx_option options[] = {
    {'p', "picture", XLX_OPTION_FLAG, offsetof(struct options, picture), NULL,
     "show each affinity as a picture too: y or - for each physical CPU, CPU 0 first"},
};

struct listed_domain {
    uint32_t domid;
    char name[XLX_NAME_MAX], uuid[XLX_UUID_LEN];
    struct vcpu *vcpus;
    size_t count;
};

/* ---- text: xl's columns (vcpulist), then the pictures ---- */

static char *affinities(struct gc *gc, const struct vcpu *vcpu)
{
    return gc_printf(gc, "%s / %s", cpu_set_text(gc, &vcpu->hard), cpu_set_text(gc, &vcpu->soft));
}

static void print_row(struct gc *gc, struct xlx_ui *ui, const struct listed_domain *domain, const struct vcpu *vcpu,
                      int affinity_width, int picture_width)
{
    char *cpu = vcpu->online ? gc_printf(gc, "%u", vcpu->cpu) : gc_strdup(gc, "-");
    const char *state = !vcpu->online   ? "--p"
                        : vcpu->running ? vcpu->blocked ? "rb-" : "r--"
                        : vcpu->blocked ? "-b-"
                                        : "---";

    ui->ops->print(ui, "%-32s %5u %5u%5s %5s %9.1f  ", domain->name, domain->domid, vcpu->vcpu_id, cpu, state,
                   (double)vcpu->time_ns / 1e9);
    if (affinity_width)
        ui->ops->print(ui, "%-*s  %-*s  %s\n", affinity_width, affinities(gc, vcpu), picture_width,
                       cpu_set_picture(gc, &vcpu->hard), cpu_set_picture(gc, &vcpu->soft));
    else
        ui->ops->print(ui, "%s\n", affinities(gc, vcpu));
}

static void print_text(struct gc *gc, struct xlx_ui *ui, const struct listed_domain *domains, size_t count,
                       unsigned cpu_count, bool picture)
{
    const char *heading = "Affinity (Hard / Soft)";
    int width = picture ? (int)strlen(heading) : 0, picture_width = cpu_count > 4 ? (int)cpu_count : 4;

    for (size_t d = 0; picture && d < count; d++) {
        for (size_t v = 0; v < domains[d].count; v++) {
            int own = (int)strlen(affinities(gc, &domains[d].vcpus[v]));

            if (own > width)
                width = own;
        }
    }
    ui->ops->print(ui, "%-32s %5s %5s %5s %5s %9s ", "Name", "ID", "VCPU", "CPU", "State", "Time(s)");
    if (picture)
        ui->ops->print(ui, "%-*s   %-*s  %s\n", width, heading, picture_width, "Hard", "Soft");
    else
        ui->ops->print(ui, "%s\n", heading);
    for (size_t d = 0; d < count; d++) {
        for (size_t v = 0; v < domains[d].count; v++)
            print_row(gc, ui, &domains[d], &domains[d].vcpus[v], width, picture_width);
    }
}

/* ---- JSON ---- */

static struct json *set_json(struct gc *gc, const struct cpu_set *set)
{
    struct json *object = json_new_object(gc), *cpus = json_new_array(gc);

    json_set_string(gc, object, "list", cpu_set_text(gc, set));
    json_set_string(gc, object, "picture", cpu_set_picture(gc, set));
    for (unsigned cpu = 0; cpu < set->count; cpu++) {
        if (cpu_set_has(set, cpu))
            json_append(gc, cpus, json_new_integer(gc, cpu));
    }
    json_set(gc, object, "cpus", cpus);
    return object;
}

static struct json *row_json(struct gc *gc, const struct listed_domain *domain, const struct vcpu *vcpu)
{
    struct json *row = json_new_object(gc);

    json_set_string(gc, row, "name", domain->name);
    json_set_integer(gc, row, "domid", domain->domid);
    json_set_string(gc, row, "uuid", domain->uuid);
    json_set_integer(gc, row, "vcpu", vcpu->vcpu_id);
    json_set_bool(gc, row, "online", vcpu->online);
    json_set_string(gc, row, "state", vcpu_state_name(vcpu));
    json_set(gc, row, "cpu", vcpu->online ? json_new_integer(gc, vcpu->cpu) : json_new_null(gc));
    json_set_u64(gc, row, "time_ns", vcpu->time_ns);
    json_set(gc, row, "hard", set_json(gc, &vcpu->hard));
    json_set(gc, row, "soft", set_json(gc, &vcpu->soft));
    return row;
}

static void print_json(struct gc *gc, struct xlx_ui *ui, const struct listed_domain *domains, size_t count)
{
    struct json *rows = json_new_array(gc);

    for (size_t d = 0; d < count; d++) {
        for (size_t v = 0; v < domains[d].count; v++)
            json_append(gc, rows, row_json(gc, &domains[d], &domains[d].vcpus[v]));
    }
    ui->ops->print(ui, "%s", json_text(gc, rows, JSON_PRETTY));
}

/* ---- which domains ---- */

static int add_domain(struct xlx_ctx *ctx, struct gc *gc, const struct cpu_host *host, const xc_domaininfo_t *info,
                      struct listed_domain *domain)
{
    struct xs_handle *xs;
    int rc;

    domain->domid = info->domain;
    rc = vcpu_list(ctx, gc, host, domain->domid, &domain->vcpus, &domain->count);
    if (!rc)
        rc = ctx_xs(ctx, &xs);
    if (rc)
        return rc;
    domain_name(ctx, xs, domain->domid, domain->name);
    domain_uuid_text(info->handle, domain->uuid);
    return 0;
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    struct listed_domain *domains;
    xc_domaininfo_t *infos;
    struct cpu_host host;
    size_t info_count, count = 0, wanted;
    int status = XLX_EXIT_DONE;
    GC_SCOPE(gc);
    int rc;

    rc = vcpu_host_get(in->ctx, gc, &host);
    if (!rc)
        rc = sampler_look(in->ctx, gc, &infos, &info_count);
    if (rc)
        return xlx_exit_of(rc);
    wanted = in->argc ? (size_t)in->argc : info_count;
    domains = gc_array(gc, wanted, sizeof(*domains));
    for (size_t i = 0; i < wanted; i++) {
        const xc_domaininfo_t *info = in->argc ? NULL : &infos[i];
        uint32_t domid;

        if (in->argc) {
            rc = xlx_domain_find(in->ctx, in->argv[i], &domid);
            if (!rc)
                info = sampler_find(infos, info_count, domid);
        }
        if (info && !add_domain(in->ctx, gc, &host, info, &domains[count]))
            count++;
        else
            status = XLX_EXIT_FAILED;
    }
    if (in->ui->json)
        print_json(gc, in->ui, domains, count);
    else
        print_text(gc, in->ui, domains, count, host.cpu_count, o->picture);
    return status;
}

const struct xlx_command cmd_vcpu_list = {
    .name = "vcpu-list",
    .synopsis = "[-p] [--json] [DOMAIN]...",
    .summary = "List vCPUs, where they run and where they may",
    .details = "The columns are xl's. With -p two more show hard and soft affinity as virsh does, a y or - for each "
               "physical CPU. --json has the same and more: states in words, time_ns, affinities as list, picture and "
               "numbers.",
    XLX_OPTIONS(options, struct options),
    .args_max = XLX_ARGS_ANY,
    .domain_arg = 0,
    .run = XLX_CODE(run),
};
