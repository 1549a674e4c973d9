/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate/policy.h"

#include <ctype.h>
#include <string.h>

#include "base/error.h"
#include "base/parse.h"
#include "migrate/policy-build.h"

const xen_cpuid_leaf_t *policy_leaf(const struct cpu_policy *policy, uint32_t leaf, uint32_t subleaf)
{
    for (size_t i = 0; i < policy->leaf_count; i++) {
        if (policy->leaves[i].leaf == leaf && policy->leaves[i].subleaf == subleaf)
            return &policy->leaves[i];
    }
    return NULL;
}

uint32_t policy_register(const struct cpu_policy *policy, bool msr, uint32_t leaf, uint32_t subleaf,
                         enum feature_register reg)
{
    const xen_cpuid_leaf_t *l;

    if (msr) {
        for (size_t i = 0; i < policy->msr_count; i++) {
            if (policy->msrs[i].idx == leaf)
                return (uint32_t)(reg == REGISTER_A ? policy->msrs[i].val : policy->msrs[i].val >> 32);
        }
        return 0;
    }
    l = policy_leaf(policy, leaf, subleaf);
    if (!l)
        return 0;
    return reg == REGISTER_A ? l->a : reg == REGISTER_B ? l->b : reg == REGISTER_C ? l->c : l->d;
}

uint32_t policy_word(const struct cpu_policy *policy, const struct feature_word *word)
{
    return policy_register(policy, word->msr, word->leaf, word->subleaf, word->reg);
}

const struct cpu_policy *policy_max_for(const struct policy_doc *host, const char *type)
{
    return strcmp(type, "pv") ? host->hvm_max : host->pv_max;
}

int policy_read(struct gc *gc, const char *text, size_t len, struct policy_doc **doc, const char **cause)
{
    struct policy_build *b = policy_build_new(gc);
    struct json *root;
    size_t start = 0;
    int rc;

    while (start < len && isspace((unsigned char)text[start]))
        start++;
    if (start == len)
        rc = policy_build_refuse(b, "it is empty");
    else if (len > POLICY_TEXT_MAX)
        rc = policy_build_refuse(b, "it is longer than a CPU policy can be");
    else if (memchr(text, 0, len))
        rc = policy_build_refuse(b, "it holds NUL bytes: this is no CPU policy");
    else if (text[start] == '{' && !(rc = json_parse(gc, text, len, &root, &b->cause)))
        rc = policy_read_json(b, root);
    else if (text[start] != '{')
        rc = policy_read_raw(b, gc_strndup(gc, text, len));
    if (!rc)
        rc = policy_build_finish(b);
    if (rc) {
        *cause = b->cause;
        return ERROR_INVAL;
    }
    *doc = b->doc;
    return 0;
}

/* ---- CPU pools ---- */

char *policy_cpus_text(struct gc *gc, const struct policy_pool *pool)
{
    char *text = gc_strdup(gc, "");

    for (size_t first = 0; first < POLICY_CPUS_MAX; first++) {
        size_t last = first;

        if (!policy_pool_has(pool, first))
            continue;
        while (policy_pool_has(pool, last + 1))
            last++;
        text = gc_printf(gc, "%s%s%zu", text, *text ? "," : "", first);
        if (last > first)
            text = gc_printf(gc, "%s-%zu", text, last);
        first = last;
    }
    return *text ? text : gc_strdup(gc, "none");
}

bool policy_cpus_parse(const char *text, struct policy_pool *pool)
{
    memset(pool->cpus, 0, sizeof(pool->cpus));
    if (!strcmp(text, "none"))
        return true;
    for (;;) {
        size_t len = strcspn(text, ","), digits = strspn(text, "0123456789");
        uint64_t first, last;

        if (!parse_digits(text, digits, POLICY_CPUS_MAX - 1, &first))
            return false;
        last = first;
        if (digits < len &&
            (text[digits] != '-' || !parse_digits(text + digits + 1, len - digits - 1, POLICY_CPUS_MAX - 1, &last) ||
             last < first))
            return false;
        for (; first <= last; first++)
            pool->cpus[first / 8] |= (uint8_t)(1 << first % 8);
        if (!text[len])
            return true;
        text += len + 1;
    }
}
