/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MIGRATE_POLICY_BUILD_H
#define XLX_MIGRATE_POLICY_BUILD_H

/*
 * A document under construction from foreign input, with every check that does not depend on the form it came in.
 * Functions return 0 or ERROR_INVAL with a sentence in build->cause.
 */

#include "migrate/policy.h"

struct policy_build {
    struct gc *gc;
    struct policy_doc *doc;
    struct cpu_policy *policy; /* the one that leaves are added to */
    size_t leaf_capacity, msr_capacity, path_capacity, pool_capacity;
    const char *cause;
};

struct policy_build *policy_build_new(struct gc *gc);
int policy_build_format(struct policy_build *b, uint64_t format);
int policy_build_kind(struct policy_build *b, const char *kind);
int policy_build_type(struct policy_build *b, const char *type);
int policy_build_xen(struct policy_build *b, const char *version);
int policy_build_policy(struct policy_build *b, const char *name);
int policy_build_leaf(struct policy_build *b, const xen_cpuid_leaf_t *leaf);
int policy_build_msr(struct policy_build *b, uint32_t index, uint64_t value);
int policy_build_path(struct policy_build *b, const char *path, bool present);
/* cpus: as policy_cpus_text writes them. */
int policy_build_pool(struct policy_build *b, uint64_t id, const char *cpus, const char *name);
/* Everything has been read: is it all there, and does it agree? Sorts the policies. */
int policy_build_finish(struct policy_build *b);

int policy_build_refuse(struct policy_build *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Exactly digits hexadecimal digits. */
bool policy_parse_hex(const char *text, unsigned digits, uint64_t *value);

/* The two forms; text is terminated. */
int policy_read_raw(struct policy_build *b, const char *text);
int policy_read_json(struct policy_build *b, const struct json *root);

#endif
