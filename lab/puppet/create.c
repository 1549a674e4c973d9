/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lab/puppet/puppet.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <xenguest.h>

#define SUPERPAGE_ORDER 9
/* As libxl: the limit is this much above the target. */
#define EXTRA_KB 1024

static void uuid_make(uint8_t raw[16], char text[37])
{
    char *out = text;

    if (getrandom(raw, 16, 0) != 16)
        abort();
    raw[6] = (raw[6] & 0x0f) | 0x40;
    raw[8] = (raw[8] & 0x3f) | 0x80;
    for (unsigned i = 0; i < 16; i++)
        out += sprintf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", raw[i]);
}

static bool fail(const struct puppet *p, const char *what)
{
    fprintf(stderr, "lab-puppet: %s: %s: %s\n", p->name, what, strerror(errno));
    return false;
}

/* In superpages as far as they go: a thousand times fewer hypercalls. */
static bool populate(struct stage *s, struct puppet *p, uint64_t pages)
{
    static xen_pfn_t starts[512];

    while (p->pages < pages) {
        uint64_t left = pages - p->pages, super = left >> SUPERPAGE_ORDER;
        unsigned order = super ? SUPERPAGE_ORDER : 0;
        unsigned long n = super ? super : left;

        if (n > 512)
            n = 512;
        for (unsigned long i = 0; i < n; i++)
            starts[i] = p->pages + (i << order);
        if (xc_domain_populate_physmap_exact(s->xc, p->domid, n, order, 0, starts))
            return fail(p, "its memory could not be populated");
        p->pages += (uint64_t)n << order;
    }
    return true;
}

static bool write_node(struct stage *s, const struct puppet *p, const char *folder, const char *node, const char *value)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/%s", folder, node);
    return xs_write(s->xs, XBT_NULL, path, value, (unsigned)strlen(value)) || fail(p, path);
}

static bool write_kb(struct stage *s, const struct puppet *p, const char *folder, const char *node, uint64_t kb)
{
    char value[24];

    snprintf(value, sizeof(value), "%" PRIu64, kb);
    return write_node(s, p, folder, node, value);
}

static bool set_permissions(struct stage *s, const struct puppet *p, const char *folder, const char *node,
                            bool guest_owns)
{
    struct xs_permissions perms[2] = {{.id = guest_owns ? p->domid : 0, .perms = XS_PERM_NONE},
                                      {.id = p->domid, .perms = XS_PERM_READ}};
    char path[160];

    snprintf(path, sizeof(path), "%s%s%s", folder, *node ? "/" : "", node);
    return xs_set_permissions(s->xs, XBT_NULL, path, perms, guest_owns ? 1 : 2) || fail(p, path);
}

/* The nodes that libxl would write, with the permissions that it would give them. */
static bool write_nodes(struct stage *s, const struct puppet *p, uint64_t max_kb)
{
    char domain[64], vm[64], libxl[64], domid[16];

    snprintf(domain, sizeof(domain), "/local/domain/%u", p->domid);
    snprintf(vm, sizeof(vm), "/vm/%s", p->uuid);
    snprintf(libxl, sizeof(libxl), "/libxl/%u", p->domid);
    snprintf(domid, sizeof(domid), "%u", p->domid);
    return write_node(s, p, domain, "name", p->name) && set_permissions(s, p, domain, "", false) &&
           set_permissions(s, p, domain, "name", false) && write_node(s, p, domain, "vm", vm) &&
           write_node(s, p, domain, "domid", domid) && write_node(s, p, domain, "memory", "") &&
           set_permissions(s, p, domain, "memory", false) && write_kb(s, p, domain, "memory/static-max", max_kb) &&
           write_kb(s, p, domain, "memory/target", p->pages * PAGE_KB) &&
           write_kb(s, p, domain, "memory/videoram", 0) && write_node(s, p, domain, "data", "") &&
           set_permissions(s, p, domain, "data", true) && write_node(s, p, domain, "control", "") &&
           write_node(s, p, vm, "name", p->name) && write_node(s, p, vm, "uuid", p->uuid) &&
           write_node(s, p, libxl, "type", "pvh");
}

/* Without it libxl refuses most calls: "unable to retrieve domain configuration". */
static bool store_configuration(struct stage *s, struct puppet *p, const uint8_t uuid[16], uint64_t max_kb)
{
    libxl_domain_config config;
    char *json;
    int rc;

    libxl_domain_config_init(&config);
    config.c_info.type = LIBXL_DOMAIN_TYPE_PVH;
    config.c_info.name = strdup(p->name);
    memcpy(&config.c_info.uuid, uuid, 16);
    libxl_domain_build_info_init_type(&config.b_info, LIBXL_DOMAIN_TYPE_PVH);
    config.b_info.max_vcpus = 1;
    config.b_info.max_memkb = max_kb;
    config.b_info.target_memkb = p->pages * PAGE_KB;
    json = libxl_domain_config_to_json(s->libxl, &config);
    rc = json ? libxl_userdata_store(s->libxl, p->domid, "libxl-json", (const uint8_t *)json, (int)strlen(json) + 1)
              : ERROR_FAIL;
    free(json);
    libxl_domain_config_dispose(&config);
    p->configured = !rc;
    return !rc || fail(p, "its configuration could not be stored");
}

static bool build(struct stage *s, struct puppet *p, const uint8_t uuid[16], uint64_t memory_kb, uint64_t max_kb)
{
    unsigned int paging_mb = (unsigned int)(max_kb / 1024 / 128 + 1);
    int port;

    if (xc_domain_max_vcpus(s->xc, p->domid, 1))
        return fail(p, "no vCPU");
    if (xc_domain_setmaxmem(s->xc, p->domid, memory_kb + EXTRA_KB))
        return fail(p, "its limit could not be set");
    /* Page tables for a memory that is taken apart page by page. */
    if (xc_shadow_control(s->xc, p->domid, XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION, &paging_mb, 0) < 0)
        return fail(p, "no memory for its page tables");
    if (!populate(s, p, memory_kb / PAGE_KB))
        return false;
    port = xc_evtchn_alloc_unbound(s->xc, p->domid, 0);
    if (port < 0)
        return fail(p, "no event channel");
    /* xenstored maps its ring by grant; page 1 plays the ring. */
    if (xc_dom_gnttab_seed(s->xc, p->domid, true, 2, 1, 0, 0))
        return fail(p, "its grant table could not be seeded");
    if (!write_nodes(s, p, max_kb) || !store_configuration(s, p, uuid, max_kb))
        return false;
    if (!xs_introduce_domain(s->xs, p->domid, 1, (unsigned)port))
        return fail(p, "xenstored refused it");
    /* Its vCPU never comes up; but a paused domain would be taken for one that cannot move. */
    if (xc_domain_unpause(s->xc, p->domid))
        return fail(p, "it could not be unpaused");
    return true;
}

bool puppet_create(struct stage *s, struct puppet *p, const char *name, uint64_t memory_kb, uint64_t max_kb)
{
    struct xen_domctl_createdomain create = {
        .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
        .max_vcpus = 1,
        .max_evtchn_port = 127,
        .max_grant_frames = 4,
        .max_maptrack_frames = 0,
        .grant_opts = XEN_DOMCTL_GRANT_version(1),
        .arch.emulation_flags = XEN_X86_EMU_LAPIC,
    };

    snprintf(p->name, sizeof(p->name), "%s", name);
    uuid_make(create.handle, p->uuid);
    p->domid = UINT32_MAX;
    if (xc_domain_create(s->xc, &p->domid, &create))
        return fail(p, "the domain could not be made");
    if (build(s, p, create.handle, memory_kb, max_kb))
        return true;
    puppet_destroy(s, p);
    return false;
}

void puppet_destroy(struct stage *s, struct puppet *p)
{
    char path[64];

    if (p->gone)
        return;
    p->gone = true;
    if (p->configured)
        libxl_userdata_store(s->libxl, p->domid, "libxl-json", NULL, 0);
    if (xc_domain_destroy(s->xc, p->domid))
        fail(p, "it could not be destroyed");
    xs_release_domain(s->xs, p->domid);
    snprintf(path, sizeof(path), "/local/domain/%u", p->domid);
    xs_rm(s->xs, XBT_NULL, path);
    snprintf(path, sizeof(path), "/libxl/%u", p->domid);
    xs_rm(s->xs, XBT_NULL, path);
    snprintf(path, sizeof(path), "/vm/%s", p->uuid);
    xs_rm(s->xs, XBT_NULL, path);
}
