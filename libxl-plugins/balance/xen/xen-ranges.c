/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which range a domain has: mem-range's, that of ranges.cfg, of what xl-ext create read, of a configuration that lies
 * in a folder, or none of its own. */
#include <inttypes.h>

#include "balance/xen/host-xen.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/ev.h"
#include "xlx.h"

/* Folders are not read again sooner. */
#define FOLDERS_GAP_MS 1000u

int xen_ranges_read(struct host_xen *x, struct gc *gc, const char **fault)
{
    struct ranges ranges = {0};
    struct gc *fresh = gc_new();
    const char *text, *wrong;
    int rc;

    rc = ranges_read(fresh, x->config.ranges, &text, &ranges, &wrong);
    if (rc) {
        *fault = gc_strdup(gc, wrong);
        gc_free(fresh);
        return rc;
    }
    gc_free(x->listed_gc);
    x->listed_gc = fresh;
    x->listed = ranges;
    return 0;
}

void xen_ranges_look(struct host_xen *x)
{
    uint64_t now_ms = ev_clock_ms();

    if (x->found_gc && now_ms - x->found_ms < FOLDERS_GAP_MS)
        return;
    gc_free(x->found_gc);
    x->found_gc = gc_new();
    x->found = (struct ranges){0};
    x->found_ms = now_ms;
    for (size_t i = 0; i < x->config.config_dir_count; i++)
        ranges_of_folder(x->ctx, x->found_gc, x->config.config_dirs[i], &x->found);
}

void xen_ranges_free(struct host_xen *x)
{
    gc_free(x->config_gc);
    gc_free(x->listed_gc);
    gc_free(x->found_gc);
}

static const struct range_rule *rule_of(struct xen_domain *d, const char **source)
{
    const struct range_rule *rule = ranges_find(&d->xen->listed, d->domain->uuid, d->domain->name);

    *source = "ranges.cfg";
    if (rule)
        return rule;
    *source = "config_dirs";
    return ranges_find(&d->xen->found, NULL, d->domain->name);
}

/* A range that its domain cannot have is said once, and counts for nothing. */
static bool gives(struct xen_domain *d, const struct range_rule *rule, uint64_t static_max_memkb, struct settings *s)
{
    GC_SCOPE(gc);
    const char *fault;

    range_rule_resolve(rule, static_max_memkb, s);
    fault = settings_fault(gc, s, static_max_memkb);
    if (fault && !d->warned)
        LOGD(d->xen->ctx, WARN, d->domid, "%s, line %u: %s: the range does not count", rule->file, rule->line, fault);
    d->warned = fault;
    return !fault;
}

bool xen_ranges_have(struct xen_domain *d)
{
    const char *source;

    return rule_of(d, &source);
}

const char *xen_range_of(struct xen_domain *d, uint64_t static_max_memkb, struct settings *s)
{
    const struct xen_config *c = &d->xen->config;
    const struct range_rule *rule;
    const char *source;

    if (!d->domid) {
        *s = (struct settings){c->dom0_min_memkb, c->dom0_max_memkb, SETTINGS_WEIGHT, {HOST_LEND_DEFAULT, 0}};
        return c->dom0_max_memkb ? "memd.cfg" : NULL;
    }
    if (!settings_read(d->xen->xs, SETTINGS_GIVEN, d->domain->uuid, s))
        return s->max_memkb ? "mem-range" : NULL;
    rule = ranges_find(&d->xen->listed, d->domain->uuid, d->domain->name);
    if (rule && gives(d, rule, static_max_memkb, s))
        return "ranges.cfg";
    if (!settings_read(d->xen->xs, SETTINGS_CREATED, d->domain->uuid, s))
        return "create";
    rule = rule_of(d, &source);
    if (rule && gives(d, rule, static_max_memkb, s))
        return source;
    *s = (struct settings){
        .min_memkb = c->default_min_memkb ? c->default_min_memkb : xlx_mem_floor_memkb(static_max_memkb),
        .max_memkb = static_max_memkb,
        .weight = SETTINGS_WEIGHT,
    };
    return c->manage_all ? "default" : NULL;
}

int xen_host_ranges_read(struct host *host, struct gc *gc, const char **fault)
{
    struct host_xen *x = CONTAINER_OF(host, struct host_xen, host);
    int rc;

    x->found_ms = 0;
    xen_ranges_look(x);
    rc = xen_ranges_read(x, gc, fault);
    for (size_t i = 0; i < x->domains->count; i++) {
        struct xen_domain *d = x->domains->list[i]->slots[x->slot];

        if (d)
            d->shown = d->warned = false;
    }
    return rc;
}

int xen_host_range_lasts(struct host *host, uint32_t domid)
{
    struct host_xen *x = CONTAINER_OF(host, struct host_xen, host);
    struct xen_domain *d = xen_domain_find(x, domid);

    if (!d)
        return ERROR_DOMAIN_NOTFOUND;
    if (!ranges_find(&x->listed, d->domain->uuid, d->domain->name))
        return ERROR_NOTFOUND;
    d->shown = false;
    return settings_forget(x->ctx, x->xs, d->domain->uuid, domid, false);
}
