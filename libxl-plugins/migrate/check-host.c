/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/xen-version.h"
#include "migrate/check.h"

/* A file older than this says little about memory. */
#define FILE_FRESH_S 3600

void check_xen(struct checking *c)
{
    const char *here = c->guest->xen_version, *there = c->mc->other->xen_version;
    unsigned here_major, here_minor, major, minor;

    if (!policy_xen_version(here, &here_major, &here_minor) || !policy_xen_version(there, &major, &minor)) {
        verdict_add(c, "xen", VERDICT_NO, "the versions cannot be compared: %s here, %s there", here, there);
        return;
    }
    if (major == here_major && minor == here_minor)
        verdict_add(c, "xen", VERDICT_YES, "%s there, %s here", there, here);
    else if (major == here_major && minor == here_minor + 1)
        verdict_add(c, "xen", VERDICT_REMARK, "%s there, %s here: Xen supports moving to the next version, not back",
                    there, here);
    else if (major < here_major || (major == here_major && minor < here_minor))
        verdict_add(c, "xen", VERDICT_NO, "%s there is older than %s here: Xen does not support moving back", there,
                    here);
    else
        verdict_add(c, "xen", VERDICT_NO,
                    "%s there, %s here: Xen supports moving to the next version only, not across several", there, here);
}

/* ---- memory ---- */

/* What xl there will ask for before it takes the guest. Its memory is not squeezed for the journey. */
static int needed_memkb(struct checking *c, uint64_t *memkb)
{
    uint64_t actual = c->info.tot_pages * (XC_PAGE_SIZE / 1024);
    libxl_ctx *libxl;
    int rc;

    *memkb = actual + XEN_HVM_EXTRA_MEMKB;
    if (!c->has_config)
        return 0;
    rc = ctx_libxl(c->ctx, &libxl);
    if (rc)
        return rc;
    if (c->config.b_info.target_memkb == LIBXL_MEMKB_DEFAULT || c->config.b_info.target_memkb < actual)
        c->config.b_info.target_memkb = actual;
    return libxl_domain_need_memory(libxl, &c->config, c->mc->domid, memkb) ? ERROR_FAIL : 0;
}

static char *mib(struct checking *c, uint64_t memkb)
{
    return gc_printf(c->gc, "%" PRIu64 " MiB", (memkb + 1023) / 1024);
}

void check_memory(struct checking *c)
{
    const struct policy_doc *other = c->mc->other;
    uint64_t need, age_s = (uint64_t)time(NULL) - other->taken_at;
    const char *stub, *old = "";

    if (needed_memkb(c, &need)) {
        verdict_add(c, "memory", VERDICT_NO, "cannot tell how much it needs");
        return;
    }
    c->mc->need_memkb = need;
    stub = c->has_config && is_set(c->config.b_info.device_model_stubdomain) ? " with its stub domain" : "";
    if (!other->memory_known) {
        verdict_add(c, "memory", VERDICT_REMARK, "it needs %s%s; what is free there is not known", mib(c, need), stub);
        return;
    }
    if (policy_names_file(c->mc->target) && other->taken_at < (uint64_t)time(NULL) && age_s > FILE_FRESH_S)
        old = gc_printf(c->gc, " (%" PRIu64 " hours ago)", age_s / 3600);
    if (need <= other->free_memkb)
        verdict_add(c, "memory", *old ? VERDICT_REMARK : VERDICT_YES, "it needs %s%s, %s are free there%s",
                    mib(c, need), stub, mib(c, other->free_memkb), old);
    else if (need <= other->free_memkb + other->freeable_memkb)
        verdict_add(c, "memory", VERDICT_REMARK, "it needs %s%s, %s are free there and memd can free %s%s",
                    mib(c, need), stub, mib(c, other->free_memkb), mib(c, other->freeable_memkb), old);
    else
        verdict_add(c, "memory", VERDICT_NO, "it needs %s%s, only %s are free there%s%s", mib(c, need), stub,
                    mib(c, other->free_memkb),
                    other->freeable_memkb
                        ? gc_printf(c->gc, " and memd can free no more than %s", mib(c, other->freeable_memkb))
                        : "",
                    old);
}

/* ---- settings and state ---- */

/* libxl refuses to save any guest with vNUMA, because the stream has no place for it. */
static bool has_vnuma(struct checking *c)
{
    uint32_t nodes = 0, ranges = 0, vcpus = 0;
    xc_interface *xc;

    return !ctx_xc(c->ctx, &xc) &&
           (xc_domain_getvnuma(xc, c->mc->domid, &nodes, &ranges, &vcpus, NULL, NULL, NULL) != -1 ||
            errno != EOPNOTSUPP);
}

void check_settings(struct checking *c)
{
    size_t before = c->mc->check_count;

    if (!c->has_config)
        verdict_add(c, "settings", VERDICT_NO,
                    "libxl keeps no configuration for it, and xl migrate needs one (give it with xl migrate -C)");
    else if (is_set(c->config.b_info.disable_migrate))
        verdict_add(c, "settings", VERDICT_NO,
                    "nomigrate is set: it was promised a CPU clock that is the same for ever, and xl would move it all "
                    "the same");
    if (has_vnuma(c))
        verdict_add(c, "settings", VERDICT_NO, "it has virtual NUMA nodes, which cannot be saved");
    if (c->info.flags & XEN_DOMINF_dying)
        verdict_add(c, "settings", VERDICT_NO, "it is being destroyed");
    else if (c->info.flags & XEN_DOMINF_shutdown)
        verdict_add(c, "settings", VERDICT_NO, "it has shut down");
    else if (c->info.flags & XEN_DOMINF_paused)
        verdict_add(c, "settings", VERDICT_REMARK,
                    "it is paused: it cannot answer the request to suspend until unpaused");
    if (c->mc->check_count == before)
        verdict_add(c, "settings", VERDICT_YES, "nothing in its settings or state is against it");
}

/* Xen notes the pages that a running PV guest writes by shadow paging. Debian builds Xen without it: enabling the log
 * fails with EOPNOTSUPP (xen/arch/x86/mm/shadow/none.c). */
void check_live(struct checking *c)
{
    xc_physinfo_t physinfo = {0};
    xc_interface *xc;

    if (strcmp(c->mc->type, "pv") || ctx_xc(c->ctx, &xc) || xc_physinfo(xc, &physinfo) ||
        physinfo.capabilities & XEN_SYSCTL_PHYSCAP_shadow)
        return;
    c->mc->only_saved = true;
    verdict_add(c, "live", VERDICT_REMARK,
                "Xen here is built without shadow paging and cannot move a running PV guest: xl migrate fails; xl save "
                "here and xl restore there work");
}
