/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate/policy-build.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/parse.h"
#include "base/visible.h"

/* The first version with the policy interface of today. */
#define XEN_OLDEST_MINOR 14

struct policy_build *policy_build_new(struct gc *gc)
{
    struct policy_build *b = GC_NEW(gc, struct policy_build);

    b->gc = gc;
    b->doc = GC_NEW(gc, struct policy_doc);
    return b;
}

int policy_build_refuse(struct policy_build *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    b->cause = gc_vprintf(b->gc, format, args);
    va_end(args);
    return ERROR_INVAL;
}

bool policy_parse_hex(const char *text, unsigned digits, uint64_t *value)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < digits; i++) {
        if (!isxdigit((unsigned char)text[i]))
            return false;
        v = v << 4 |
            (uint64_t)(isdigit((unsigned char)text[i]) ? text[i] - '0' : tolower((unsigned char)text[i]) - 'a' + 10);
    }
    if (text[digits])
        return false;
    *value = v;
    return true;
}

bool policy_xen_version(const char *text, unsigned *major, unsigned *minor)
{
    const char *point = strchr(text, '.');
    uint64_t a, b;
    size_t len;

    if (!point)
        return false;
    len = strspn(point + 1, "0123456789");
    if (!parse_digits(text, (size_t)(point - text), 99, &a) || !parse_digits(point + 1, len, 999, &b) ||
        isalpha((unsigned char)point[1 + len]))
        return false;
    *major = (unsigned)a;
    *minor = (unsigned)b;
    return true;
}

int policy_build_format(struct policy_build *b, uint64_t format)
{
    if (format == POLICY_FORMAT)
        return 0;
    return policy_build_refuse(b,
                               "it is of format %" PRIu64 ", written by another version of xl-ext; this one reads "
                               "format %d",
                               format, POLICY_FORMAT);
}

int policy_build_kind(struct policy_build *b, const char *kind)
{
    b->doc->is_host = !strcmp(kind, "host");
    return b->doc->is_host || !strcmp(kind, "domain")
               ? 0
               : policy_build_refuse(b, "'%.32s' is neither host nor domain", kind);
}

int policy_build_type(struct policy_build *b, const char *type)
{
    b->doc->type = type;
    return !strcmp(type, "pv") || !strcmp(type, "pvh") || !strcmp(type, "hvm")
               ? 0
               : policy_build_refuse(b, "'%.32s' is no type of domain", type);
}

int policy_build_xen(struct policy_build *b, const char *version)
{
    unsigned major, minor;

    if (!policy_xen_version(version, &major, &minor))
        return policy_build_refuse(b, "'%.32s' is no version of Xen", version);
    if (major < 4 || (major == 4 && minor < XEN_OLDEST_MINOR))
        return policy_build_refuse(b,
                                   "it comes from Xen %.32s, which cannot tell its CPU policies (4.%d and later can)",
                                   version, XEN_OLDEST_MINOR);
    b->doc->xen_version = version;
    return 0;
}

int policy_build_policy(struct policy_build *b, const char *name)
{
    struct cpu_policy **slot = !strcmp(name, "pv_max")    ? &b->doc->pv_max
                               : !strcmp(name, "hvm_max") ? &b->doc->hvm_max
                               : !strcmp(name, "guest")   ? &b->doc->guest
                                                          : NULL;

    if (!slot)
        return policy_build_refuse(b, "there is no policy named '%.32s'", name);
    if (*slot)
        return policy_build_refuse(b, "policy %s stands there twice", name);
    b->policy = *slot = GC_NEW(b->gc, struct cpu_policy);
    b->leaf_capacity = b->msr_capacity = 0;
    return 0;
}

/* Room for one element more. */
static void *grown(struct gc *gc, void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity ? *capacity * 2 : 64;
    return gc_realloc(gc, array, *capacity * size);
}

int policy_build_leaf(struct policy_build *b, const xen_cpuid_leaf_t *leaf)
{
    struct cpu_policy *p = b->policy;

    if (!p)
        return policy_build_refuse(b, "a leaf stands outside of a policy");
    if (p->leaf_count == POLICY_LEAVES_MAX)
        return policy_build_refuse(b, "it has more than %d leaves", POLICY_LEAVES_MAX);
    p->leaves = grown(b->gc, p->leaves, p->leaf_count, &b->leaf_capacity, sizeof(*p->leaves));
    p->leaves[p->leaf_count++] = *leaf;
    return 0;
}

int policy_build_msr(struct policy_build *b, uint32_t index, uint64_t value)
{
    struct cpu_policy *p = b->policy;

    if (!p)
        return policy_build_refuse(b, "an MSR stands outside of a policy");
    if (p->msr_count == POLICY_MSRS_MAX)
        return policy_build_refuse(b, "it has more than %d MSRs", POLICY_MSRS_MAX);
    p->msrs = grown(b->gc, p->msrs, p->msr_count, &b->msr_capacity, sizeof(*p->msrs));
    p->msrs[p->msr_count++] = (xen_msr_entry_t){.idx = index, .val = value};
    return 0;
}

int policy_build_path(struct policy_build *b, const char *path, bool present)
{
    struct policy_doc *doc = b->doc;

    if (doc->path_count == POLICY_PATHS_MAX)
        return policy_build_refuse(b, "it has more than %d paths", POLICY_PATHS_MAX);
    doc->paths = grown(b->gc, doc->paths, doc->path_count, &b->path_capacity, sizeof(*doc->paths));
    doc->paths[doc->path_count++] = (struct policy_path){.path = path, .present = present};
    return 0;
}

/* What another machine calls itself goes to a terminal. */
static const char *printable(struct gc *gc, const char *text, const char *otherwise)
{
    return visible_copy(gc, gc_strndup(gc, text ? text : otherwise, 255));
}

int policy_build_pool(struct policy_build *b, uint64_t id, const char *cpus, const char *name)
{
    struct policy_doc *doc = b->doc;
    struct policy_pool *pool;

    if (doc->pool_count == POLICY_POOLS_MAX)
        return policy_build_refuse(b, "it has more than %d CPU pools", POLICY_POOLS_MAX);
    doc->pools = grown(b->gc, doc->pools, doc->pool_count, &b->pool_capacity, sizeof(*doc->pools));
    pool = &doc->pools[doc->pool_count++];
    pool->id = (uint32_t)id;
    pool->name = printable(b->gc, name, "");
    return policy_cpus_parse(cpus, pool) ? 0 : policy_build_refuse(b, "'%.32s' is no list of CPUs", cpus);
}

/* ---- the whole ---- */

static int compare_leaves(const void *a, const void *b)
{
    const xen_cpuid_leaf_t *x = a, *y = b;

    if (x->leaf != y->leaf)
        return x->leaf < y->leaf ? -1 : 1;
    return x->subleaf < y->subleaf ? -1 : x->subleaf > y->subleaf;
}

static int compare_msrs(const void *a, const void *b)
{
    const xen_msr_entry_t *x = a, *y = b;

    return x->idx < y->idx ? -1 : x->idx > y->idx;
}

static int finish_policy(struct policy_build *b, const char *name, struct cpu_policy *p)
{
    if (!p)
        return 0;
    if (!p->leaf_count)
        return policy_build_refuse(b, "policy %s is empty", name);
    qsort(p->leaves, p->leaf_count, sizeof(*p->leaves), compare_leaves);
    if (p->msr_count)
        qsort(p->msrs, p->msr_count, sizeof(*p->msrs), compare_msrs);
    for (size_t i = 1; i < p->leaf_count; i++) {
        if (!compare_leaves(&p->leaves[i - 1], &p->leaves[i]))
            return policy_build_refuse(b, "policy %s has leaf %08" PRIx32 " %08" PRIx32 " twice", name,
                                       p->leaves[i].leaf, p->leaves[i].subleaf);
    }
    for (size_t i = 1; i < p->msr_count; i++) {
        if (!compare_msrs(&p->msrs[i - 1], &p->msrs[i]))
            return policy_build_refuse(b, "policy %s has MSR %08" PRIx32 " twice", name, p->msrs[i].idx);
    }
    /* Without these two a policy would pass for that of a CPU that can do nothing. */
    if (!policy_leaf(p, 0, XEN_CPUID_NO_SUBLEAF) || !policy_leaf(p, 1, XEN_CPUID_NO_SUBLEAF))
        return policy_build_refuse(b, "policy %s lacks the CPUID leaves 0 and 1, which every CPU has", name);
    return 0;
}

int policy_build_finish(struct policy_build *b)
{
    struct policy_doc *doc = b->doc;
    int rc;

    if (!doc->xen_version)
        return policy_build_refuse(b, "it does not say from which Xen it comes");
    if (doc->is_host && (doc->guest || (!doc->pv_max && !doc->hvm_max)))
        return policy_build_refuse(b, "a host needs the policy pv_max or hvm_max and no other");
    if (!doc->is_host && (!doc->guest || doc->pv_max || doc->hvm_max))
        return policy_build_refuse(b, "a domain needs the policy guest and no other");
    if (!doc->is_host && !doc->type)
        return policy_build_refuse(b, "it does not say of which type the domain is");
    rc = finish_policy(b, "pv_max", doc->pv_max);
    if (!rc)
        rc = finish_policy(b, "hvm_max", doc->hvm_max);
    if (!rc)
        rc = finish_policy(b, "guest", doc->guest);
    doc->xen_version = printable(b->gc, doc->xen_version, "");
    doc->hostname = printable(b->gc, doc->hostname, "(unnamed)");
    doc->capabilities = printable(b->gc, doc->capabilities, "");
    doc->name = printable(b->gc, doc->name, "(unnamed)");
    return rc;
}
