/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "migrate/policy.h"

/* ---- raw: one thing a line ---- */

struct raw {
    struct text text;
    size_t lines;
};

static void raw_line(struct raw *raw, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void raw_line(struct raw *raw, const char *format, ...)
{
    GC_SCOPE(scratch);
    va_list args;
    char *line;

    va_start(args, format);
    line = gc_vprintf(scratch, format, args);
    va_end(args);
    /* Names come from guests' owners: a line break in one must not start a line. */
    for (char *c = line; *c; c++) {
        if ((unsigned char)*c < ' ')
            *c = '?';
    }
    text_add(&raw->text, line, strlen(line));
    text_add(&raw->text, "\n", 1);
    raw->lines++;
}

static void raw_policy(struct raw *raw, const char *name, const struct cpu_policy *policy)
{
    if (!policy)
        return;
    raw_line(raw, "policy %s", name);
    for (size_t i = 0; i < policy->leaf_count; i++) {
        const xen_cpuid_leaf_t *l = &policy->leaves[i];

        raw_line(raw, "leaf %08" PRIx32 " %08" PRIx32 " %08" PRIx32 " %08" PRIx32 " %08" PRIx32 " %08" PRIx32, l->leaf,
                 l->subleaf, l->a, l->b, l->c, l->d);
    }
    for (size_t i = 0; i < policy->msr_count; i++)
        raw_line(raw, "msr %08" PRIx32 " %016" PRIx64, policy->msrs[i].idx, policy->msrs[i].val);
}

char *policy_write_raw(struct gc *gc, const struct policy_doc *doc)
{
    struct raw raw = {.text.gc = gc};

    raw_line(&raw, "xl-ext-cpu-policy %d", POLICY_FORMAT);
    raw_line(&raw, "kind %s", doc->is_host ? "host" : "domain");
    raw_line(&raw, "xen %s", doc->xen_version);
    raw_line(&raw, "hostname %s", doc->hostname);
    raw_line(&raw, "taken %" PRIu64, doc->taken_at);
    if (doc->is_host) {
        raw_line(&raw, "capabilities %s", doc->capabilities);
        if (doc->memory_known)
            raw_line(&raw, "memory %" PRIu64 " %" PRIu64, doc->free_memkb, doc->freeable_memkb);
        for (size_t i = 0; i < doc->path_count; i++)
            raw_line(&raw, "path %s %s", doc->paths[i].present ? "yes" : "no", doc->paths[i].path);
        for (size_t i = 0; i < doc->pool_count; i++)
            raw_line(&raw, "pool %" PRIu32 " %s %s", doc->pools[i].id, policy_cpus_text(gc, &doc->pools[i]),
                     doc->pools[i].name);
        raw_policy(&raw, "pv_max", doc->pv_max);
        raw_policy(&raw, "hvm_max", doc->hvm_max);
    } else {
        raw_line(&raw, "name %s", doc->name);
        raw_line(&raw, "domid %" PRIu32, doc->domid);
        raw_line(&raw, "type %s", doc->type);
        raw_policy(&raw, "guest", doc->guest);
    }
    raw_line(&raw, "end %zu", raw.lines);
    text_add(&raw.text, "", 1);
    return raw.text.bytes;
}

/* ---- JSON ---- */

static void set_hex(struct gc *gc, struct json *object, const char *key, uint32_t value)
{
    json_set_string(gc, object, key, gc_printf(gc, "%08" PRIx32, value));
}

static struct json *features_json(struct gc *gc, const struct cpu_policy *policy)
{
    struct json *features = json_new_array(gc);

    for (unsigned word = 0; word < feature_word_count; word++) {
        uint32_t bits = policy_word(policy, &feature_words[word]);

        for (unsigned bit = 0; bit < 32; bit++) {
            const char *name = bits & UINT32_C(1) << bit ? feature_name(gc, word, bit) : NULL;

            if (name)
                json_append(gc, features, json_new_string(gc, name));
        }
    }
    return features;
}

static struct json *leaf_json(struct gc *gc, const xen_cpuid_leaf_t *l)
{
    struct json *leaf = json_new_object(gc);

    set_hex(gc, leaf, "leaf", l->leaf);
    set_hex(gc, leaf, "subleaf", l->subleaf);
    set_hex(gc, leaf, "eax", l->a);
    set_hex(gc, leaf, "ebx", l->b);
    set_hex(gc, leaf, "ecx", l->c);
    set_hex(gc, leaf, "edx", l->d);
    return leaf;
}

static struct json *msr_json(struct gc *gc, const xen_msr_entry_t *m)
{
    struct json *msr = json_new_object(gc);

    set_hex(gc, msr, "index", m->idx);
    json_set_string(gc, msr, "value", gc_printf(gc, "%016" PRIx64, m->val));
    return msr;
}

static void append_policy(struct gc *gc, struct json *policies, const char *name, const struct cpu_policy *policy)
{
    struct json *object, *leaves = json_new_array(gc), *msrs = json_new_array(gc);

    if (!policy)
        return;
    object = json_new_object(gc);
    json_set_string(gc, object, "name", name);
    json_set(gc, object, "features", features_json(gc, policy));
    json_set(gc, object, "leaves", leaves);
    for (size_t i = 0; i < policy->leaf_count; i++)
        json_append(gc, leaves, leaf_json(gc, &policy->leaves[i]));
    json_set(gc, object, "msrs", msrs);
    for (size_t i = 0; i < policy->msr_count; i++)
        json_append(gc, msrs, msr_json(gc, &policy->msrs[i]));
    json_append(gc, policies, object);
}

static struct json *path_json(struct gc *gc, const struct policy_path *path)
{
    struct json *object = json_new_object(gc);

    json_set_string(gc, object, "path", path->path);
    json_set_bool(gc, object, "present", path->present);
    return object;
}

static struct json *pool_json(struct gc *gc, const struct policy_pool *pool)
{
    struct json *object = json_new_object(gc);

    json_set_u64(gc, object, "id", pool->id);
    json_set_string(gc, object, "name", pool->name);
    json_set_string(gc, object, "cpus", policy_cpus_text(gc, pool));
    return object;
}

static void set_host(struct gc *gc, struct json *shown, const struct policy_doc *doc)
{
    struct json *paths = json_new_array(gc), *pools = json_new_array(gc);

    json_set_string(gc, shown, "capabilities", doc->capabilities);
    if (doc->memory_known) {
        json_set_u64(gc, shown, "free_memkb", doc->free_memkb);
        json_set_u64(gc, shown, "freeable_memkb", doc->freeable_memkb);
    }
    json_set(gc, shown, "paths", paths);
    for (size_t i = 0; i < doc->path_count; i++)
        json_append(gc, paths, path_json(gc, &doc->paths[i]));
    for (size_t i = 0; i < doc->pool_count; i++)
        json_append(gc, pools, pool_json(gc, &doc->pools[i]));
    if (doc->pool_count)
        json_set(gc, shown, "pools", pools);
}

struct json *policy_json(struct gc *gc, const struct policy_doc *doc)
{
    struct json *shown = json_new_object(gc), *policies = json_new_array(gc);

    json_set_string(gc, shown, "format", "xl-ext-cpu-policy");
    json_set_integer(gc, shown, "version", POLICY_FORMAT);
    json_set_string(gc, shown, "kind", doc->is_host ? "host" : "domain");
    json_set_string(gc, shown, "xen", doc->xen_version);
    json_set_string(gc, shown, "hostname", doc->hostname);
    json_set_u64(gc, shown, "taken", doc->taken_at);
    if (doc->is_host) {
        set_host(gc, shown, doc);
    } else {
        json_set_string(gc, shown, "name", doc->name);
        json_set_integer(gc, shown, "domid", doc->domid);
        json_set_string(gc, shown, "type", doc->type);
    }
    append_policy(gc, policies, "pv_max", doc->pv_max);
    append_policy(gc, policies, "hvm_max", doc->hvm_max);
    append_policy(gc, policies, "guest", doc->guest);
    json_set(gc, shown, "policies", policies);
    return shown;
}
