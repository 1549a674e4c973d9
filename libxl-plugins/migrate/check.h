/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MIGRATE_CHECK_H
#define XLX_MIGRATE_CHECK_H

/* What the parts of migrate_check share. Each check_* adds one line or more to the result. */

#include "migrate/migrate.h"

struct checking {
    struct xlx_ctx *ctx;
    struct gc *gc;
    struct migrate_check *mc;
    struct policy_doc *guest;
    xc_domaininfo_t info;
    libxl_domain_config config; /* as libxl keeps it; valid when has_config */
    bool has_config;
    const char **paths; /* files that the guest needs on the other host */
    size_t path_count, check_capacity, path_capacity, missing_capacity;
};

void verdict_add(struct checking *c, const char *subject, enum verdict verdict, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* "a, b, c" */
char *verdict_list(struct gc *gc, const char *const *names, size_t count);

/* A setting left to libxl's default is off for all that is looked at here. */
static inline bool is_set(libxl_defbool setting)
{
    return !libxl_defbool_is_default(setting) && libxl_defbool_val(setting);
}

/* Before the other host is asked: what the guest needs there (c->paths). */
void check_collect_paths(struct checking *c);

/* Features of the guest, and what programs of a PV guest see past Xen, against the other host's maximum. Logs. */
int check_cpu(struct checking *c);
void check_xen(struct checking *c);
/* Can Xen here move it while it runs, as xl migrate does? When not, it can still be saved and restored. */
void check_live(struct checking *c);
void check_memory(struct checking *c);
/* Has every vCPU a CPU there that its hard affinity allows, in the guest's CPU pool? */
void check_placement(struct checking *c);
void check_settings(struct checking *c); /* nomigrate, vNUMA, state */
void check_device_model(struct checking *c);
void check_passthrough(struct checking *c);
void check_disks(struct checking *c);
void check_network(struct checking *c);

#endif
