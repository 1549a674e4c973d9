/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "migrate/migrate.h"

#define LINE_COLUMNS 100

struct options {
    bool host, raw;
    struct xlx_list paths;
};

static const struct xlx_option options[] = {
    {0, "host", XLX_OPTION_FLAG, offsetof(struct options, host), NULL,
     "this host: the most that guests can have here (the default)"},
    {0, "path", XLX_OPTION_LIST, offsetof(struct options, paths), "FILE",
     "with --host: also tell whether FILE (a disk of a guest) is here"},
    {0, "raw", XLX_OPTION_FLAG, offsetof(struct options, raw), NULL,
     "as lines of text with all leaves and MSRs; the default when the output is no terminal"},
};

/* ---- for people: features by name, a register a paragraph ---- */

static void print_names(struct gc *gc, struct xlx_ui *ui, unsigned word, uint32_t bits)
{
    const struct feature_word *w = &feature_words[word];
    int column;

    column = 20;
    ui->ops->print(ui, "  %-18s", feature_where(gc, w->msr, w->leaf, w->subleaf, w->reg));
    for (unsigned bit = 0; bit < 32; bit++) {
        const char *name;

        if (!(bits & UINT32_C(1) << bit))
            continue;
        name = feature_name(gc, word, bit);
        if (!name)
            name = gc_printf(gc, "<bit %u>", bit);
        if (column + 1 + (int)strlen(name) > LINE_COLUMNS) {
            column = 20;
            ui->ops->print(ui, "\n%*s", column, "");
        }
        column += 1 + (int)strlen(name);
        ui->ops->print(ui, " %s", name);
    }
    ui->ops->print(ui, "\n");
}

static char *vendor(struct gc *gc, const struct cpu_policy *p)
{
    uint32_t parts[3] = {policy_register(p, false, 0, XEN_CPUID_NO_SUBLEAF, REGISTER_B),
                         policy_register(p, false, 0, XEN_CPUID_NO_SUBLEAF, REGISTER_D),
                         policy_register(p, false, 0, XEN_CPUID_NO_SUBLEAF, REGISTER_C)};

    return gc_strndup(gc, (const char *)parts, sizeof(parts));
}

static void print_policy(struct gc *gc, struct xlx_ui *ui, const char *heading, const struct cpu_policy *p)
{
    unsigned features = 0;

    if (!p)
        return;
    for (unsigned word = 0; word < feature_word_count; word++)
        features += (unsigned)__builtin_popcount(policy_word(p, &feature_words[word]));
    ui->ops->print(ui, "\n%s: %s, %u features, %zu leaves, %zu MSRs\n", heading, vendor(gc, p), features, p->leaf_count,
                   p->msr_count);
    for (unsigned word = 0; word < feature_word_count; word++) {
        uint32_t bits = policy_word(p, &feature_words[word]);

        if (bits)
            print_names(gc, ui, word, bits);
    }
}

static void print_for_people(struct gc *gc, struct xlx_ui *ui, const struct policy_doc *doc)
{
    if (!doc->is_host) {
        ui->ops->print(ui, "domain %s (%s) on %s, Xen %s\n", doc->name, doc->type, doc->hostname, doc->xen_version);
        print_policy(gc, ui, "its own policy", doc->guest);
        return;
    }
    ui->ops->print(ui, "host %s, Xen %s, %s\n", doc->hostname, doc->xen_version, doc->capabilities);
    for (size_t i = 0; i < doc->pool_count; i++)
        ui->ops->print(ui, "CPU pool %s: CPUs %s\n", doc->pools[i].name, policy_cpus_text(gc, &doc->pools[i]));
    print_policy(gc, ui, "the most for PV guests (pv_max)", doc->pv_max);
    print_policy(gc, ui, "the most for HVM and PVH guests (hvm_max)", doc->hvm_max);
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    struct policy_doc *doc;
    uint32_t domid;
    GC_SCOPE(gc);
    int rc = 0;

    if ((o->host && in->argc) || (o->paths.count && in->argc) || (o->raw && in->ui->json)) {
        LOG(in->ctx, ERROR,
            o->raw && in->ui->json ? "--raw and --json are two forms of the same: choose one"
                                   : "--host and --path do not go with a domain");
        return XLX_EXIT_USAGE;
    }
    if (in->argc) {
        rc = xlx_domain_find(in->ctx, in->argv[0], &domid);
        if (!rc)
            rc = policy_of_domain(in->ctx, gc, domid, &doc);
    } else {
        rc = policy_of_this_host(in->ctx, gc, o->paths.items, o->paths.count, &doc);
    }
    if (rc)
        return xlx_exit_of(rc);
    if (in->ui->json)
        in->ui->ops->print(in->ui, "%s", json_text(gc, policy_json(gc, doc), JSON_PRETTY));
    else if (o->raw || !in->ui->terminal)
        in->ui->ops->print(in->ui, "%s", policy_write_raw(gc, doc));
    else
        print_for_people(gc, in->ui, doc);
    return XLX_EXIT_DONE;
}

const struct xlx_command cmd_cpu_policy = {
    .name = "cpu-policy",
    .synopsis = "[--host [--path FILE]... | DOMAIN] [--json | --raw]",
    .summary = "Show what of the CPU guests can have here, or one guest has",
    .details = "A CPU policy is the CPUID leaves and MSRs that Xen shows a guest. For a host both maxima are given: "
               "pv_max for PV guests, hvm_max for HVM and PVH. On a terminal features are shown by name; into a file "
               "goes the raw form, which cpu-diff and migrate-check read, as they do --json.",
    XLX_OPTIONS(options, struct options),
    .args_max = 1,
    .domain_arg = 0,
    .run = XLX_CODE(run),
};
