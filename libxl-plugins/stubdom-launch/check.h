/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_CHECK_H
#define XLX_STUBDOM_LAUNCH_CHECK_H

/*
 * What stands against a guest's device model running in a Linux stub domain under libxl. A pure function of the
 * domain's configuration and of what is known of the host, so that every rule can be tested anywhere.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/gc.h"
#include "base/json.h"
#include "stubdom-launch/image.h"

struct stubdom_facts {
    const char *xen;              /* of the running hypervisor, "4.17" */
    const char *boot_folder;      /* where libxl looks for the image by default */
    const char *kernel, *ramdisk; /* the two files that count for this guest */
    bool kernel_readable, ramdisk_readable;
    struct stubdom_image image;
    const char *proxy, *dom0_qemu; /* NULL: usable; else what is missing, a sentence's part */
    bool ignores_device_model;     /* the configuration sets device_model, which xl drops */
    bool memd_runs;
    bool stub_name_taken; /* a domain GUEST-dm exists that is not this guest's stub domain */
};

enum stubdom_severity {
    STUBDOM_WARNING, /* the guest starts, something will not work */
    STUBDOM_ERROR,   /* it does not start, or not in a stub domain */
};

struct stubdom_finding {
    const char *code; /* stable: scripts know it */
    enum stubdom_severity severity;
    const char *reason, *cure;
    /* How --fix changes xl.cfg: keys to drop (up to three, the rest NULL), and an assignment to add or NULL. None of
     * both: it takes a person. */
    const char *drop[4];
    const char *add;
};

struct stubdom_findings {
    struct stubdom_finding *items;
    size_t count;
    size_t errors;
};

/* Has xl, parsing a configuration, said that it ignores device_model? (xl_parse.c, parse_config_data) */
bool stubdom_ignores_device_model(const char *warnings);

/* config is libxl's JSON form of the domain configuration. Findings live in the pool, in the order of the rules. */
void stubdom_check(struct gc *gc, const struct json *config, const struct stubdom_facts *facts,
                   struct stubdom_findings *findings);

#endif
