/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "migrate/migrate.h"

struct options {
    const char *ssh_command;
    bool all;
};

static const struct options defaults = {.ssh_command = "ssh"};

static const struct xlx_option options[] = {
    {'a', "all", XLX_OPTION_FLAG, offsetof(struct options, all), NULL,
     "also what only describes the machines: model, brand, caches, topology"},
    {'s', "ssh", XLX_OPTION_TEXT, offsetof(struct options, ssh_command), "SSHCOMMAND",
     "use this in place of ssh to ask a host"},
};

static const struct xlx_column columns[] = {
    {"Policy", "policy", 0}, {"Kind", "kind", 0}, {"Name", "name", 0}, {"Where", "where", 0},
    {"A", "a", 0},           {"B", "b", 0},       {"In B", "in_b", 0},
};

/* ---- what A and B are ---- */

static const char *after(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(text, prefix, len) ? NULL : text + len;
}

/* A domain is not guessed from a name that is none: asking for it silently first. */
static bool is_domain(const struct xlx_invocation *in, struct gc *gc, const char *text)
{
    CLEANUP_FREE struct xlx_mem_info *infos = NULL;
    size_t count;

    if (xlx_why_no_dom0() || xlx_mem_list(in->ctx, sizeof(*infos), &infos, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(text, infos[i].name) || !strcmp(text, infos[i].uuid) ||
            !strcmp(text, gc_printf(gc, "%u", infos[i].domid)))
            return true;
    }
    return false;
}

static int find(const struct xlx_invocation *in, struct gc *gc, const char *text, struct policy_doc **doc)
{
    const struct options *o = in->options;
    const char *file = after(text, "file:"), *domain = after(text, "domain:"), *host = after(text, "host:");
    uint32_t domid;
    int rc;

    if (!file && !domain && !host) {
        if (policy_names_file(text))
            file = text;
        else if (is_domain(in, gc, text))
            domain = text;
        else
            host = text;
    }
    if (file)
        return policy_of_file(in->ctx, gc, file, doc);
    if (host && strcmp(host, "localhost"))
        return policy_of_other_host(in->ctx, gc, o->ssh_command, host, NULL, 0, in->ui->timeout_ms, doc);
    if (!xlx_ctx_usable(in->ctx))
        return ERROR_FAIL;
    if (host)
        return policy_of_this_host(in->ctx, gc, NULL, 0, doc);
    rc = xlx_domain_find(in->ctx, domain, &domid);
    return rc ? rc : policy_of_domain(in->ctx, gc, domid, doc);
}

/* ---- showing ---- */

struct diff {
    const struct xlx_invocation *in;
    struct gc *gc;
    struct xlx_table *table; /* begun with the first row in text */
    size_t rows, compared;
};

static void show(struct diff *d, const char *policy, const struct cpu_policy *a, const struct cpu_policy *b)
{
    static const char *const kinds[] = {"feature", "limit", "detail"};
    const struct options *o = d->in->options;
    const struct xlx_ui *ui = d->in->ui;
    struct comparison *c;

    if (!a || !b)
        return;
    d->compared++;
    c = policy_compare(d->gc, a, b);
    for (size_t i = 0; i < c->count; i++) {
        const struct difference *x = &c->items[i];
        bool feature = x->kind == DIFFERENCE_FEATURE;

        if (x->kind == DIFFERENCE_DETAIL && !o->all)
            continue;
        if (!d->table)
            d->table = ui->ops->table_begin(d->in->ui, columns, ARRAY_LEN(columns));
        d->rows++;
        ui->ops->table_row(d->table, (struct xlx_cell[]){
                                         XLX_TEXT(policy),
                                         XLX_TEXT(kinds[x->kind]),
                                         XLX_TEXT(x->name),
                                         XLX_TEXT(x->where),
                                         XLX_TEXT(x->a),
                                         XLX_TEXT(x->b),
                                         XLX_TEXT(x->b_lacks ? "missing"
                                                  : feature  ? "extra"
                                                             : "other"),
                                     });
    }
}

static void show_title(const struct xlx_invocation *in, const char *letter, const struct policy_doc *doc)
{
    if (doc->is_host)
        in->ui->ops->print(in->ui, "%s  host %s, Xen %s\n", letter, doc->hostname, doc->xen_version);
    else
        in->ui->ops->print(in->ui, "%s  domain %s (%s) on %s, Xen %s\n", letter, doc->name, doc->type, doc->hostname,
                           doc->xen_version);
}

static void compare(struct diff *d, const struct policy_doc *a, const struct policy_doc *b)
{
    if (a->is_host && b->is_host) {
        show(d, "pv_max", a->pv_max, b->pv_max);
        show(d, "hvm_max", a->hvm_max, b->hvm_max);
    } else if (!a->is_host && !b->is_host) {
        show(d, "guest", a->guest, b->guest);
    } else {
        const char *type = a->is_host ? b->type : a->type;

        show(d, strcmp(type, "pv") ? "hvm_max" : "pv_max", a->is_host ? policy_max_for(a, type) : a->guest,
             b->is_host ? policy_max_for(b, type) : b->guest);
    }
}

static int run(const struct xlx_invocation *in)
{
    struct policy_doc *a, *b;
    GC_SCOPE(gc);
    struct diff d = {.in = in, .gc = gc};
    int rc;

    rc = find(in, gc, in->argv[0], &a);
    if (!rc)
        rc = find(in, gc, in->argv[1], &b);
    if (rc)
        return xlx_exit_of(rc);
    if (!in->ui->json) {
        show_title(in, "A", a);
        show_title(in, "B", b);
        in->ui->ops->print(in->ui, "\n");
    }
    if (in->ui->json)
        d.table = in->ui->ops->table_begin(in->ui, columns, ARRAY_LEN(columns));
    compare(&d, a, b);
    if (d.table)
        in->ui->ops->table_end(d.table);
    if (!d.compared) {
        LOG(in->ctx, ERROR, "there is nothing to compare: guests of that type exist on one of the two only");
        return XLX_EXIT_FAILED;
    }
    if (!d.rows && !in->ui->json)
        in->ui->ops->print(in->ui, "no difference that a guest could notice\n");
    return XLX_EXIT_DONE;
}

const struct xlx_command cmd_cpu_diff = {
    .name = "cpu-diff",
    .synopsis = "[-a] [-s SSHCOMMAND] [--json] A B",
    .summary = "Compare the CPU features of hosts, domains and files",
    .details = "A and B are each a file of cpu-policy (- is standard input), a domain of this host, localhost, or "
               "another host, which is asked by ssh. 'file:', 'domain:' or 'host:' in front says which is meant. A "
               "feature that A has and B has not is missing in B; one that only B has is extra. Two hosts are compared "
               "for PV (pv_max) and for HVM and PVH guests (hvm_max), a domain and a host for the domain's type.",
    XLX_OPTIONS(options, struct options),
    .defaults = &defaults,
    .args_min = 2,
    .args_max = 2,
    .domain_arg = 0,
    .flags = XLX_COMMAND_ANYWHERE,
    .run = XLX_CODE(run),
};
