/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/balancers.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "core/subprocess.h"
#include "host/host.h"

/* The longest that a program may take to tell its version. */
#define VERSION_MS 5000

bool (*host_ask_xen)(struct xlx_ctx *ctx, struct gc *gc, struct host_asked *asked);

/* "QEMU emulator version 7.2.15 (Debian ...)" to "7.2.15" */
static char *version_in(struct gc *gc, const char *text)
{
    for (; *text && *text != '\n'; text++) {
        size_t len = strspn(text, "0123456789.");

        if (len >= 3 && memchr(text, '.', len) && *text != '.')
            return gc_strndup(gc, text, text[len - 1] == '.' ? len - 1 : len);
    }
    return NULL;
}

static void ask_versions(struct xlx_ctx *ctx, struct gc *gc, struct toolstack *stacks)
{
    for (size_t i = 0; i < TOOLSTACK_COUNT; i++) {
        char *argv[] = {gc_strdup(gc, stacks[i].program ? stacks[i].program : ""), gc_strdup(gc, "--version"), NULL};
        struct subprocess program = {
            .ao = {.ctx = ctx, .timeout_ms = VERSION_MS},
            .gc = gc,
            .argv = argv,
            .out = SUBPROCESS_CAPTURED,
        };

        if (!stacks[i].program)
            continue;
        subprocess_start(&program);
        if (!ao_wait(&program.ao) && !program.exit_status)
            stacks[i].version = version_in(gc, program.output.text);
    }
}

/* ---- who else moves memory ---- */

#define BESIDE_MAX (BALANCERS_BESIDE_MAX + 1)

static size_t find_balancers(struct gc *gc, const struct host_probe *probe, const struct host_asked *asked,
                             struct balancer_beside beside[BESIDE_MAX])
{
    size_t count = balancers_beside(gc, probe->root, beside);

    if (asked->answered && asked->autoballoon)
        beside[count++] = (struct balancer_beside){
            .name = "xl-autoballoon",
            .running = true,
            .evidence = "xl.conf does not turn it off, and Xen's command line has no dom0_mem="};
    return count;
}

static void show_balancers(struct xlx_ui *ui, const struct balancer_beside *beside, size_t count)
{
    static const struct xlx_column columns[] = {
        {"Balances too", "name", 0}, {"Runs", "running", 0}, {"Found", "evidence", 0}};
    struct xlx_table *t;

    if (!count)
        return;
    ui->ops->print(ui, "\n");
    t = ui->ops->table_begin(ui, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < count; i++)
        ui->ops->table_row(t, (struct xlx_cell[]){XLX_TEXT(beside[i].name), XLX_BOOL(beside[i].running),
                                                  XLX_TEXT(beside[i].evidence)});
    ui->ops->table_end(t);
}

static struct json *balancers_json(struct gc *gc, const struct balancer_beside *beside, size_t count)
{
    struct json *list = json_new_array(gc);

    for (size_t i = 0; i < count; i++) {
        struct json *object = json_new_object(gc);

        json_set_string(gc, object, "name", beside[i].name);
        json_set_bool(gc, object, "running", beside[i].running);
        json_set_string(gc, object, "evidence", beside[i].evidence);
        json_append(gc, list, object);
    }
    return list;
}

/* ---- text ---- */

static const char *sentence(struct gc *gc, const struct host_facts *f)
{
    const char *version = f->version ? gc_printf(gc, " %s", f->version) : "";
    const char *inside = f->container ? gc_printf(gc, "a container (%s) on ", f->container) : "";

    if (!strcmp(f->hypervisor, "none"))
        return gc_printf(gc, "%sa plain machine: no hypervisor below it", inside);
    if (!strcmp(f->hypervisor, "xen") && !strcmp(f->role, "dom0"))
        return gc_printf(gc, "%sdom0 (%s) of Xen%s", inside, f->guest_type ? f->guest_type : "pv", version);
    return gc_printf(gc, "%sa %s%s%s of %s%s", inside, f->guest_type ? f->guest_type : "", f->guest_type ? " " : "",
                     f->role, f->hypervisor, version);
}

static const char *kvm_text(const struct host_facts *f)
{
    return f->kvm_works ? "works" : f->kvm_device ? "/dev/kvm is there and does not work" : "no /dev/kvm";
}

static void show_machine(struct gc *gc, struct xlx_ui *ui, const struct host_facts *f, const struct host_asked *asked)
{
    ui->ops->print(ui, "This is %s\n\n", sentence(gc, f));
    ui->ops->print(ui, "  %-16s%s\n", "kernel", f->kernel ? f->kernel : "-");
    ui->ops->print(ui, "  %-16s%s\n", "cpu", f->cpu ? f->cpu : "-");
    if (asked->answered) {
        ui->ops->print(ui, "  %-16s%s\n", "capabilities", asked->capabilities);
        ui->ops->print(ui, "  %-16s%u CPUs, %u nodes, %llu MiB, %llu MiB free\n", "host", asked->cpus, asked->nodes,
                       (unsigned long long)asked->total_memkb / 1024, (unsigned long long)asked->free_memkb / 1024);
        ui->ops->print(ui, "  %-16s%s\n", "xl autoballoon",
                       asked->autoballoon ? "on: starts take memory from dom0, and know nothing of reservations; put "
                                            "dom0_mem= on Xen's command line or autoballoon=\"off\" into xl.conf"
                                          : "off");
    } else {
        ui->ops->print(ui, "  %-16s%s%s\n", "virtualisation", f->virtualisation ? f->virtualisation : "none that shows",
                       f->nested_paging ? ", nested paging" : "");
    }
    ui->ops->print(ui, "  %-16s%s\n\n", "kvm", kvm_text(f));
}

static void show_text(struct gc *gc, struct xlx_ui *ui, const struct host_facts *f, const struct host_asked *asked,
                      const struct toolstack *stacks, const struct host_part *parts, size_t part_count)
{
    static const struct xlx_column stack_columns[] = {
        {"Toolstack", "name", 0}, {"State", "state", 0}, {"Version", "version", 0}, {"Found", "note", 0}};
    static const struct xlx_column part_columns[] = {
        {"Of xl-ext", "name", 0}, {"Works", "works", 0}, {"Commands", "commands", 0}, {"Missing", "missing", 0}};
    struct xlx_table *t;

    show_machine(gc, ui, f, asked);
    t = ui->ops->table_begin(ui, stack_columns, ARRAY_LEN(stack_columns));
    for (size_t i = 0; i < TOOLSTACK_COUNT; i++)
        ui->ops->table_row(t, (struct xlx_cell[]){
                                  XLX_TEXT(stacks[i].name),
                                  XLX_TEXT(toolstack_state_name(stacks[i].state)),
                                  XLX_TEXT(stacks[i].version),
                                  XLX_TEXT(stacks[i].note),
                              });
    ui->ops->table_end(t);
    ui->ops->print(ui, "\n");
    t = ui->ops->table_begin(ui, part_columns, ARRAY_LEN(part_columns));
    for (size_t i = 0; i < part_count; i++)
        ui->ops->table_row(t, (struct xlx_cell[]){
                                  XLX_TEXT(parts[i].name),
                                  XLX_BOOL(!parts[i].missing),
                                  XLX_TEXT(parts[i].commands),
                                  XLX_TEXT(parts[i].missing ? parts[i].missing : ""),
                              });
    ui->ops->table_end(t);
}

/* ---- JSON ---- */

static struct json *asked_json(struct gc *gc, const struct host_asked *asked)
{
    struct json *host = json_new_object(gc);

    if (!asked->answered)
        return json_new_null(gc);
    json_set_string(gc, host, "capabilities", asked->capabilities);
    json_set_integer(gc, host, "cpus", asked->cpus);
    json_set_integer(gc, host, "nodes", asked->nodes);
    json_set_u64(gc, host, "total_memkb", asked->total_memkb);
    json_set_u64(gc, host, "free_memkb", asked->free_memkb);
    json_set_bool(gc, host, "autoballoon", asked->autoballoon);
    return host;
}

static struct json *stack_json(struct gc *gc, const struct toolstack *stack)
{
    struct json *object = json_new_object(gc);

    json_set_string(gc, object, "name", stack->name);
    json_set_string(gc, object, "state", toolstack_state_name(stack->state));
    json_set_string(gc, object, "version", stack->version);
    json_set_string(gc, object, "note", stack->note);
    return object;
}

static struct json *part_json(struct gc *gc, const struct host_part *part)
{
    struct json *object = json_new_object(gc);

    json_set_string(gc, object, "name", part->name);
    json_set_bool(gc, object, "works", !part->missing);
    json_set_string(gc, object, "commands", part->commands);
    json_set_string(gc, object, "missing", part->missing);
    return object;
}

static void show_json(struct gc *gc, struct xlx_ui *ui, const struct host_facts *f, const struct host_asked *asked,
                      const struct toolstack *stacks, const struct host_part *parts, size_t part_count,
                      const struct balancer_beside *beside, size_t beside_count)
{
    struct json *shown = json_new_object(gc), *stack_list = json_new_array(gc), *part_list = json_new_array(gc);

    json_set_string(gc, shown, "hypervisor", f->hypervisor);
    json_set_string(gc, shown, "version", f->version);
    json_set_string(gc, shown, "role", f->role);
    json_set_string(gc, shown, "guest_type", f->guest_type);
    json_set_string(gc, shown, "container", f->container);
    json_set_string(gc, shown, "kernel", f->kernel);
    json_set_string(gc, shown, "cpu", f->cpu);
    json_set_string(gc, shown, "virtualisation", f->virtualisation);
    json_set_bool(gc, shown, "nested_paging", f->nested_paging);
    json_set_bool(gc, shown, "kvm_device", f->kvm_device);
    json_set_bool(gc, shown, "kvm_works", f->kvm_works);
    json_set(gc, shown, "host", asked_json(gc, asked));
    json_set(gc, shown, "toolstacks", stack_list);
    for (size_t i = 0; i < TOOLSTACK_COUNT; i++)
        json_append(gc, stack_list, stack_json(gc, &stacks[i]));
    json_set(gc, shown, "parts", part_list);
    for (size_t i = 0; i < part_count; i++)
        json_append(gc, part_list, part_json(gc, &parts[i]));
    json_set(gc, shown, "balancers", balancers_json(gc, beside, beside_count));
    ui->ops->print(ui, "%s", json_text(gc, shown, JSON_PRETTY));
}

static int run(const struct xlx_invocation *in)
{
    struct toolstack stacks[TOOLSTACK_COUNT];
    struct host_part parts[HOST_PARTS_MAX];
    struct host_asked asked = {0};
    struct balancer_beside beside[BESIDE_MAX];
    struct host_facts *facts;
    size_t part_count, beside_count;
    GC_SCOPE(gc);

    facts = host_facts(gc, &host_probe_real);
    /* A machine that is no dom0 is no fault here: nothing is logged about it. */
    if (host_ask_xen && !xlx_why_no_dom0())
        asked.answered = host_ask_xen(in->ctx, gc, &asked);
    host_toolstacks(gc, &host_probe_real, facts, stacks);
    ask_versions(in->ctx, gc, stacks);
    part_count = host_parts(gc, &host_probe_real, facts, parts);
    beside_count = find_balancers(gc, &host_probe_real, &asked, beside);
    if (in->ui->json) {
        show_json(gc, in->ui, facts, &asked, stacks, parts, part_count, beside, beside_count);
    } else {
        show_text(gc, in->ui, facts, &asked, stacks, parts, part_count);
        show_balancers(in->ui, beside, beside_count);
    }
    return XLX_EXIT_DONE;
}

const struct xlx_command cmd_host_info = {
    .name = "host-info",
    .synopsis = "[--json]",
    .summary = "Tell what this machine is, and what xl-ext can do on it",
    .details = "Works everywhere: in dom0, in guests of Xen, KVM and Hyper-V, in containers and on plain machines. "
               "Toolstacks stand in the order that matters: QEMU can run without KVM and so always answers, so Xen's "
               "are asked first.",
    .args_max = 0,
    .domain_arg = XLX_NO_DOMAIN,
    .flags = XLX_COMMAND_ANYWHERE,
    .run = run,
};
