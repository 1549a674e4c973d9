/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/domain.h"

void verdict_add(struct checking *c, const char *subject, enum verdict verdict, const char *format, ...)
{
    struct migrate_check *mc = c->mc;
    va_list args;

    if (mc->check_count == c->check_capacity) {
        c->check_capacity = c->check_capacity ? c->check_capacity * 2 : 16;
        mc->checks = gc_realloc(c->gc, mc->checks, c->check_capacity * sizeof(*mc->checks));
    }
    va_start(args, format);
    mc->checks[mc->check_count++] =
        (struct check){.subject = subject, .verdict = verdict, .text = gc_vprintf(c->gc, format, args)};
    va_end(args);
    if (verdict == VERDICT_NO)
        mc->may_move = mc->only_saved = false;
}

char *verdict_list(struct gc *gc, const char *const *names, size_t count)
{
    size_t len = 1;
    char *text, *out;

    for (size_t i = 0; i < count; i++)
        len += strlen(names[i]) + 2;
    out = text = gc_alloc(gc, len);
    for (size_t i = 0; i < count; i++)
        out = stpcpy(stpcpy(out, i ? ", " : ""), names[i]);
    return text;
}

/* ---- what is known of the guest here ---- */

/* The configuration that libxl keeps for the domain, hot-plugged devices included. None: has_config stays false. */
static int load_config(struct checking *c)
{
    CLEANUP_FREE uint8_t *data = NULL;
    libxl_ctx *libxl;
    int rc, len = 0;

    rc = ctx_libxl(c->ctx, &libxl);
    if (rc)
        return rc;
    if (libxl_userdata_retrieve(libxl, c->mc->domid, "libxl-json", &data, &len) || !data || len <= 0)
        return 0;
    rc = libxl_domain_config_from_json(libxl, &c->config, gc_strndup(c->gc, (char *)data, (size_t)len));
    if (rc) {
        LOGD(c->ctx, ERROR, c->mc->domid, "the configuration that libxl keeps for it cannot be read: %s",
             error_text(rc));
        return ERROR_FAIL;
    }
    c->has_config = true;
    return 0;
}

static int know_guest(struct checking *c)
{
    xc_interface *xc;
    int rc, r;

    if (!c->mc->domid) {
        LOG(c->ctx, ERROR, "dom0 is this host: it cannot move");
        return ERROR_NI;
    }
    rc = ctx_xc(c->ctx, &xc);
    if (rc)
        return rc;
    r = xc_domain_getinfolist(xc, c->mc->domid, 1, &c->info);
    if (r != 1 || c->info.domain != c->mc->domid) {
        LOGD(c->ctx, ERROR, c->mc->domid, "it is gone");
        return ERROR_DOMAIN_NOTFOUND;
    }
    domain_uuid_text(c->info.handle, c->mc->uuid);
    rc = policy_of_domain(c->ctx, c->gc, c->mc->domid, &c->guest);
    if (rc)
        return rc;
    snprintf(c->mc->name, sizeof(c->mc->name), "%s", c->guest->name);
    c->mc->type = c->guest->type;
    return load_config(c);
}

static int know_other(struct checking *c)
{
    struct migrate_check *mc = c->mc;
    int rc;

    if (!policy_names_file(mc->target))
        return policy_of_other_host(c->ctx, c->gc, mc->ssh_command, mc->target, c->paths, c->path_count, mc->timeout_ms,
                                    &mc->other);
    rc = policy_of_file(c->ctx, c->gc, mc->target, &mc->other);
    if (!rc && !mc->other->is_host) {
        LOG(c->ctx, ERROR, "%s is the policy of a domain: a host's is needed ('xl-ext cpu-policy --host' there)",
            mc->target);
        rc = ERROR_INVAL;
    }
    return rc;
}

static int check_all(struct checking *c)
{
    int rc;

    rc = know_guest(c);
    if (rc)
        return rc;
    check_collect_paths(c);
    rc = know_other(c);
    if (rc)
        return rc;
    c->mc->may_move = true;
    rc = check_cpu(c);
    if (rc)
        return rc;
    check_xen(c);
    check_settings(c);
    check_live(c);
    check_memory(c);
    check_placement(c);
    check_device_model(c);
    check_passthrough(c);
    check_disks(c);
    check_network(c);
    return 0;
}

int migrate_check(struct xlx_ctx *ctx, struct gc *gc, struct migrate_check *mc)
{
    struct checking c = {.ctx = ctx, .gc = gc, .mc = mc};
    int rc;

    mc->checks = NULL;
    mc->missing = NULL;
    mc->check_count = mc->missing_count = 0;
    mc->need_memkb = 0;
    mc->may_move = mc->only_saved = false;
    libxl_domain_config_init(&c.config);
    rc = check_all(&c);
    libxl_domain_config_dispose(&c.config);
    return rc;
}
