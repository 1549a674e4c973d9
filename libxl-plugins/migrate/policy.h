/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MIGRATE_POLICY_H
#define XLX_MIGRATE_POLICY_H

/*
 * CPU policies, and the document that carries them from one machine to another.
 *
 * A policy is what Xen shows a guest of the CPU: CPUID leaves and MSRs. A document of a host has the most that a guest
 * of each type can be given there (pv_max, hvm_max) and what else decides whether a guest may come; one of a domain
 * has that guest's own policy. Both are written as text (raw) or JSON, and either is read.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xenctrl.h>

#include "base/gc.h"
#include "base/json.h"
#include "migrate/features.h"

struct cpu_policy {
    xen_cpuid_leaf_t *leaves; /* ascending by leaf, then subleaf */
    size_t leaf_count;
    xen_msr_entry_t *msrs; /* ascending by number */
    size_t msr_count;
};

/* What is believed of a foreign document. Xen 4.17 writes at most about 130 leaves and 2 MSRs. */
#define POLICY_LEAVES_MAX 1024
#define POLICY_MSRS_MAX 256
#define POLICY_PATHS_MAX 256
#define POLICY_POOLS_MAX 256
#define POLICY_CPUS_MAX 4096 /* numbers of CPUs are below */
#define POLICY_TEXT_MAX ((size_t)1 << 20)
#define POLICY_FORMAT 1

/* NULL: the policy has no such leaf, which reads as zeros. */
const xen_cpuid_leaf_t *policy_leaf(const struct cpu_policy *policy, uint32_t leaf, uint32_t subleaf);
/* A register of a leaf or half of an MSR, 0 when it is not there. */
uint32_t policy_register(const struct cpu_policy *policy, bool msr, uint32_t leaf, uint32_t subleaf,
                         enum feature_register reg);
uint32_t policy_word(const struct cpu_policy *policy, const struct feature_word *word);

/* A file that the other host was asked about. */
struct policy_path {
    const char *path;
    bool present;
};

/* A CPU pool of the host: the CPUs that its domains run on. */
struct policy_pool {
    uint32_t id;
    const char *name;
    uint8_t cpus[POLICY_CPUS_MAX / 8];
};

static inline bool policy_pool_has(const struct policy_pool *pool, size_t cpu)
{
    return cpu < POLICY_CPUS_MAX && pool->cpus[cpu / 8] & 1 << cpu % 8;
}

/* "0-3,6"; "none" for an empty pool. Result in the pool of memory. */
char *policy_cpus_text(struct gc *gc, const struct policy_pool *pool);
/* The other way round. False: this is no such list. */
bool policy_cpus_parse(const char *text, struct policy_pool *pool);

struct policy_doc {
    bool is_host;
    const char *xen_version; /* "4.17.7" */
    const char *hostname;
    uint64_t taken_at; /* seconds since 1970 */

    /* a host */
    const char *capabilities; /* as xl info's virt_caps: "pv hvm hap" */
    bool memory_known;
    uint64_t free_memkb;                 /* not claimed by anybody */
    uint64_t freeable_memkb;             /* what memd could take from guests there; 0 when memd does not run */
    struct cpu_policy *pv_max, *hvm_max; /* NULL: Xen there has no guests of that type */
    struct policy_path *paths;
    size_t path_count;
    struct policy_pool *pools;
    size_t pool_count; /* 0: not known */

    /* a domain */
    const char *name, *type; /* "pv", "pvh", "hvm" */
    uint32_t domid;
    struct cpu_policy *guest;
};

/* The most that a guest of that type ("pv", "pvh", "hvm") can have on a host; NULL: none of that type. */
const struct cpu_policy *policy_max_for(const struct policy_doc *host, const char *type);

/* Writing. The raw form is lines of text; its last one counts the others, so that a cut-off copy is noticed. */
char *policy_write_raw(struct gc *gc, const struct policy_doc *doc);
struct json *policy_json(struct gc *gc, const struct policy_doc *doc);

/* Reads either form from len bytes of foreign text. Returns 0 with *doc in the pool, or ERROR_INVAL with a sentence in
 * *cause, in the pool. */
int policy_read(struct gc *gc, const char *text, size_t len, struct policy_doc **doc, const char **cause);

/* "4.17.7-rc1" to 4 and 17. */
bool policy_xen_version(const char *text, unsigned *major, unsigned *minor);

#endif
