/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "migrate/check.h"

static void miss(struct checking *c, const char *name)
{
    struct migrate_check *mc = c->mc;

    if (mc->missing_count == c->missing_capacity) {
        c->missing_capacity = c->missing_capacity ? c->missing_capacity * 2 : 32;
        mc->missing = gc_realloc(c->gc, mc->missing, c->missing_capacity * sizeof(*mc->missing));
    }
    mc->missing[mc->missing_count++] = name;
}

/* ---- what the guest has been given ---- */

static void compare_policies(struct checking *c, const struct cpu_policy *most)
{
    struct comparison *cmp = policy_compare(c->gc, c->guest->guest, most);
    size_t extra = 0, before = c->mc->missing_count;

    for (size_t i = 0; i < cmp->count; i++) {
        const struct difference *d = &cmp->items[i];

        if (d->b_lacks && d->kind == DIFFERENCE_FEATURE)
            miss(c, d->name);
        else if (!d->b_lacks && d->kind == DIFFERENCE_FEATURE)
            extra++;
    }
    if (c->mc->missing_count > before)
        verdict_add(c, "cpu", VERDICT_NO, "the other host lacks what the guest has: %s",
                    verdict_list(c->gc, c->mc->missing + before, c->mc->missing_count - before));
    else
        verdict_add(c, "cpu", VERDICT_YES, "the other host has every feature of the guest%s",
                    extra ? gc_printf(c->gc, ", and %zu more", extra) : "");
    for (size_t i = 0; i < cmp->count; i++) {
        const struct difference *d = &cmp->items[i];

        if (d->b_lacks && d->kind != DIFFERENCE_FEATURE)
            verdict_add(c, "cpu", VERDICT_NO, "%s (%s): the guest has %s, the other host %s", d->name, d->where, d->a,
                        d->b);
    }
}

/* ---- what programs of a PV guest see past Xen ---- */

/*
 * CPUID executed by a program of a PV guest goes to the CPU itself, unless the CPU can be told to fault on it or to
 * mask a word (xen/arch/x86: probe_cpuid_faulting, levelling). Such a program may use what the guest's policy hides.
 */
static int compare_visible(struct checking *c, const struct cpu_policy *most)
{
    struct policy_doc *here = NULL;
    size_t before = c->mc->missing_count;
    uint32_t caps;
    int rc;

    rc = policy_levelling(c->ctx, &caps);
    if (!rc)
        rc = policy_of_this_host(c->ctx, c->gc, NULL, 0, &here);
    if (rc)
        return rc;
    if (!here || !here->pv_max || caps & XEN_SYSCTL_CPU_LEVELCAP_faulting)
        return 0;
    for (unsigned i = 0; i < feature_word_count; i++) {
        const struct feature_word *w = &feature_words[i];
        uint32_t seen;

        if (w->msr || (w->levelling && caps & w->levelling))
            continue;
        seen = policy_word(here->pv_max, w) & ~policy_word(c->guest->guest, w) & ~policy_word(most, w);
        for (unsigned bit = 0; bit < 32; bit++) {
            const char *name = seen & UINT32_C(1) << bit ? feature_name(c->gc, i, bit) : NULL;

            if (name && !feature_is_remark(i, bit))
                miss(c, name);
        }
    }
    if (c->mc->missing_count > before)
        verdict_add(c, "cpu", VERDICT_NO,
                    "hidden from the guest, but its programs see it all the same, because this CPU cannot fault on "
                    "CPUID, and the other host lacks it: %s",
                    verdict_list(c->gc, c->mc->missing + before, c->mc->missing_count - before));
    return 0;
}

int check_cpu(struct checking *c)
{
    const struct cpu_policy *most = policy_max_for(c->mc->other, c->mc->type);

    if (!most) {
        verdict_add(c, "cpu", VERDICT_NO, "the other host has no %s guests (it has: %s)", c->mc->type,
                    *c->mc->other->capabilities ? c->mc->other->capabilities : "none");
        return 0;
    }
    compare_policies(c, most);
    return strcmp(c->mc->type, "pv") ? 0 : compare_visible(c, most);
}
