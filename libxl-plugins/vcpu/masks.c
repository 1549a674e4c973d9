/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <unistd.h>

#include <libxlutil.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "vcpu/vcpu.h"

static int apply(struct gc *gc, XLU_Config *config, const char *key, const struct cpu_host *host, struct cpu_set *set,
                 const char **cause)
{
    const char *text, *why;
    struct cpu_set mask;
    int rc;

    if (xlu_cfg_get_string(config, key, &text, 1))
        return 0;
    rc = cpu_set_parse(gc, text, host, &mask, &why);
    if (rc) {
        *cause = gc_printf(gc, "%s: %s", key, why);
        return rc;
    }
    cpu_set_mask(set, &mask);
    return 0;
}

int vcpu_masks_apply(struct gc *gc, const char *path, const struct cpu_host *host, bool pv, struct cpu_set *set,
                     const char **cause)
{
    CLEANUP_FILE FILE *report = NULL;
    XLU_Config *config;
    int rc = 0;

    if (access(path, F_OK))
        return 0;
    /* The library writes its complaints to a stream; ours says enough. */
    report = fopen("/dev/null", "we");
    config = report ? xlu_cfg_init(report, path) : NULL;
    if (!config || xlu_cfg_readfile(config, path)) {
        *cause = "the file is not readable as xl's settings";
        rc = ERROR_INVAL;
    }
    if (!rc)
        rc = apply(gc, config, "vm.cpumask", host, set, cause);
    if (!rc)
        rc = apply(gc, config, pv ? "vm.pv.cpumask" : "vm.hvm.cpumask", host, set, cause);
    if (config)
        xlu_cfg_destroy(config);
    return rc;
}
