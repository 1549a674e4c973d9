/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/domain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/parse.h"
#include "base/visible.h"
#include "core/sampler.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

void domain_name_of(uint32_t domid, const char *text, char name[XLX_NAME_MAX])
{
    if (!text || !*text) {
        snprintf(name, XLX_NAME_MAX, "%s", domid ? "(unnamed)" : "Domain-0");
        return;
    }
    snprintf(name, XLX_NAME_MAX, "%s", text);
    make_visible(name, "");
}

void domain_name(struct xlx_ctx *ctx, struct xs_handle *xs, uint32_t domid, char name[XLX_NAME_MAX])
{
    GC_SCOPE(gc);
    char *text;

    if (store_read(gc, xs, XBT_NULL, path_in_domain(gc, domid, NODE_NAME), STORE_VALUE_MAX, &text))
        text = NULL;
    domain_name_of(domid, text, name);
}

libxl_domain_type domain_type(struct xs_handle *xs, uint32_t domid)
{
    GC_SCOPE(gc);
    char *text;

    if (store_read(gc, xs, XBT_NULL, path_libxl_type(gc, domid), 8, &text))
        return domid ? LIBXL_DOMAIN_TYPE_INVALID : LIBXL_DOMAIN_TYPE_PV;
    if (!strcmp(text, "pv"))
        return LIBXL_DOMAIN_TYPE_PV;
    if (!strcmp(text, "pvh"))
        return LIBXL_DOMAIN_TYPE_PVH;
    if (!strcmp(text, "hvm"))
        return LIBXL_DOMAIN_TYPE_HVM;
    return LIBXL_DOMAIN_TYPE_INVALID;
}

libxl_domain_type domain_type_of_xen(const xc_domaininfo_t *xen)
{
    if (!(xen->flags & XEN_DOMINF_hvm_guest))
        return LIBXL_DOMAIN_TYPE_PV;
    /* libxl gives a PVH guest the local APIC and nothing else: libxl__arch_domain_prepare_config. */
    return xen->arch_config.emulation_flags & ~(uint32_t)XEN_X86_EMU_LAPIC ? LIBXL_DOMAIN_TYPE_HVM
                                                                           : LIBXL_DOMAIN_TYPE_PVH;
}

const char *domain_type_name(libxl_domain_type type)
{
    switch (type) {
    case LIBXL_DOMAIN_TYPE_PV:
        return "pv";
    case LIBXL_DOMAIN_TYPE_PVH:
        return "pvh";
    case LIBXL_DOMAIN_TYPE_HVM:
        return "hvm";
    default:
        return "unknown";
    }
}

int domain_of_uuid(struct xlx_ctx *ctx, const char *text, xc_domaininfo_t *info)
{
    GC_SCOPE(gc);
    xc_domaininfo_t *infos;
    size_t count;
    int rc;

    rc = sampler_look(ctx, gc, &infos, &count);
    if (rc)
        return rc;
    for (size_t i = 0; i < count; i++) {
        char uuid[XLX_UUID_LEN];

        domain_uuid_text(infos[i].handle, uuid);
        if (!strcasecmp(uuid, text)) {
            *info = infos[i];
            return 0;
        }
    }
    return ERROR_DOMAIN_NOTFOUND;
}

static int domid_of_uuid(struct xlx_ctx *ctx, const char *text, uint32_t *domid)
{
    xc_domaininfo_t info;
    int rc = domain_of_uuid(ctx, text, &info);

    if (!rc)
        *domid = info.domain;
    return rc;
}

bool domain_runs(struct xlx_ctx *ctx, const char *uuid)
{
    xc_domaininfo_t info;

    return !domain_of_uuid(ctx, uuid, &info) && !(info.flags & (XEN_DOMINF_paused | XEN_DOMINF_dying));
}

/* Names are read as far as they are needed, and each once, however many domains are looked for. */
struct name_table {
    struct gc *gc;
    char **nodes; /* of /local/domain, "0", "1", ... */
    unsigned node_count;
    bool listed;
    struct {
        uint32_t domid;
        const char *name;
    } * known;
    unsigned known_count, next_node;
};

static int list_domains(struct xs_handle *xs, struct name_table *t)
{
    int rc;

    if (t->listed)
        return 0;
    rc = store_list(t->gc, xs, XBT_NULL, PATH_DOMAINS, &t->nodes, &t->node_count);
    if (rc)
        return rc;
    t->known = gc_array(t->gc, t->node_count, sizeof(*t->known));
    t->listed = true;
    return 0;
}

/* Reads the next name; false: there is none left. */
static bool learn_name(struct xs_handle *xs, struct name_table *t)
{
    while (t->next_node < t->node_count) {
        const char *node = t->nodes[t->next_node++];
        uint64_t id;
        char *name;

        if (!parse_digits(node, strlen(node), UINT16_MAX, &id) ||
            store_read(t->gc, xs, XBT_NULL, path_in_domain(t->gc, (uint32_t)id, NODE_NAME), STORE_VALUE_MAX, &name))
            continue;
        t->known[t->known_count].domid = (uint32_t)id;
        t->known[t->known_count++].name = name;
        return true;
    }
    return false;
}

static int find_by_name(struct xlx_ctx *ctx, const char *text, struct name_table *t, uint32_t *domid)
{
    struct xs_handle *xs;
    int rc;

    rc = ctx_xs(ctx, &xs);
    if (rc)
        return rc;
    rc = list_domains(xs, t);
    if (rc && rc != ERROR_NOTFOUND) {
        LOG(ctx, ERROR, "cannot list the domains in xenstore: %s", strerror(errno));
        return ERROR_FAIL;
    }
    for (unsigned i = 0; !rc && (i < t->known_count || learn_name(xs, t)); i++) {
        if (!strcmp(t->known[i].name, text)) {
            *domid = t->known[i].domid;
            return 0;
        }
    }
    if (!strcmp(text, "Domain-0")) {
        *domid = 0;
        return 0;
    }
    return ERROR_DOMAIN_NOTFOUND;
}

static int find_by_domid(struct xlx_ctx *ctx, uint64_t wanted, uint32_t *domid)
{
    xc_domaininfo_t info;
    xc_interface *xc;
    int rc, r;

    rc = ctx_xc(ctx, &xc);
    if (rc)
        return rc;
    r = xc_domain_getinfolist(xc, (uint32_t)wanted, 1, &info);
    if (r < 0) {
        LOG(ctx, ERROR, "cannot ask the hypervisor about domain %u: %s", (unsigned)wanted, strerror(errno));
        return ERROR_FAIL;
    }
    if (!r || info.domain != wanted)
        return ERROR_DOMAIN_NOTFOUND;
    *domid = (uint32_t)wanted;
    return 0;
}

static int find_one(struct xlx_ctx *ctx, const char *text, struct name_table *names, uint32_t *domid)
{
    uint64_t id;
    int rc;

    if (!*text) {
        LOG(ctx, ERROR, "the domain's name is empty");
        return ERROR_INVAL;
    }
    if (strspn(text, "0123456789") == strlen(text))
        rc = parse_digits(text, strlen(text), DOMID_FIRST_RESERVED - 1, &id) ? find_by_domid(ctx, id, domid)
                                                                             : ERROR_DOMAIN_NOTFOUND;
    else if (domain_is_uuid(text))
        rc = domid_of_uuid(ctx, text, domid);
    else
        rc = find_by_name(ctx, text, names, domid);
    if (rc == ERROR_DOMAIN_NOTFOUND)
        LOG(ctx, ERROR, "there is no domain '%.128s'", text);
    return rc;
}

int xlx_domains_find(struct xlx_ctx *ctx, const char *const *texts, size_t count, uint32_t *domids)
{
    GC_SCOPE(gc);
    struct name_table names = {.gc = gc};
    int rc = 0;

    for (size_t i = 0; !rc && i < count; i++)
        rc = find_one(ctx, texts[i], &names, &domids[i]);
    return rc;
}

int xlx_domain_find(struct xlx_ctx *ctx, const char *text, uint32_t *domid)
{
    return xlx_domains_find(ctx, &text, 1, domid);
}
