/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "migrate/policy.h"

/* ---- raw: one thing a line ---- */

struct raw {
    struct gc *gc;
    char *text;
    size_t len, capacity, lines;
};

static void raw_line(struct raw *raw, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void raw_line(struct raw *raw, const char *format, ...)
{
    GC_SCOPE(scratch);
    va_list args;
    char *line;
    size_t len;

    va_start(args, format);
    line = gc_vprintf(scratch, format, args);
    va_end(args);
    /* Names come from guests' owners: a line break in one must not start a line. */
    for (char *c = line; *c; c++) {
        if ((unsigned char)*c < ' ')
            *c = '?';
    }
    len = strlen(line);
    if (raw->capacity - raw->len < len + 2) {
        raw->capacity = raw->capacity * 2 + len + 2;
        raw->text = gc_realloc(raw->gc, raw->text, raw->capacity);
    }
    memcpy(raw->text + raw->len, line, len);
    raw->text[raw->len + len] = '\n';
    raw->text[raw->len + len + 1] = '\0';
    raw->len += len + 1;
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
    struct raw raw = {.gc = gc};

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
    return raw.text;
}

/* ---- JSON ---- */

static void json_text_member(struct json_writer *w, const char *key, const char *value)
{
    json_put_string(w, key, value);
}

static void json_hex(struct gc *gc, struct json_writer *w, const char *key, uint32_t value)
{
    json_text_member(w, key, gc_printf(gc, "%08" PRIx32, value));
}

static void json_features(struct gc *gc, struct json_writer *w, const struct cpu_policy *policy)
{
    json_key(w, "features");
    json_array_begin(w);
    for (unsigned word = 0; word < feature_word_count; word++) {
        uint32_t bits = policy_word(policy, &feature_words[word]);

        for (unsigned bit = 0; bit < 32; bit++) {
            const char *name = bits & UINT32_C(1) << bit ? feature_name(gc, word, bit) : NULL;

            if (name)
                json_string(w, name);
        }
    }
    json_array_end(w);
}

static void json_policy(struct gc *gc, struct json_writer *w, const char *name, const struct cpu_policy *policy)
{
    if (!policy)
        return;
    json_object_begin(w);
    json_text_member(w, "name", name);
    json_features(gc, w, policy);
    json_key(w, "leaves");
    json_array_begin(w);
    for (size_t i = 0; i < policy->leaf_count; i++) {
        const xen_cpuid_leaf_t *l = &policy->leaves[i];

        json_object_begin(w);
        json_hex(gc, w, "leaf", l->leaf);
        json_hex(gc, w, "subleaf", l->subleaf);
        json_hex(gc, w, "eax", l->a);
        json_hex(gc, w, "ebx", l->b);
        json_hex(gc, w, "ecx", l->c);
        json_hex(gc, w, "edx", l->d);
        json_object_end(w);
    }
    json_array_end(w);
    json_key(w, "msrs");
    json_array_begin(w);
    for (size_t i = 0; i < policy->msr_count; i++) {
        json_object_begin(w);
        json_hex(gc, w, "index", policy->msrs[i].idx);
        json_text_member(w, "value", gc_printf(gc, "%016" PRIx64, policy->msrs[i].val));
        json_object_end(w);
    }
    json_array_end(w);
    json_object_end(w);
}

static void json_host(struct gc *gc, struct json_writer *w, const struct policy_doc *doc)
{
    json_text_member(w, "capabilities", doc->capabilities);
    if (doc->memory_known) {
        json_put_u64(w, "free_memkb", doc->free_memkb);
        json_put_u64(w, "freeable_memkb", doc->freeable_memkb);
    }
    json_key(w, "paths");
    json_array_begin(w);
    for (size_t i = 0; i < doc->path_count; i++) {
        json_object_begin(w);
        json_text_member(w, "path", doc->paths[i].path);
        json_put_bool(w, "present", doc->paths[i].present);
        json_object_end(w);
    }
    json_array_end(w);
    if (!doc->pool_count)
        return;
    json_key(w, "pools");
    json_array_begin(w);
    for (size_t i = 0; i < doc->pool_count; i++) {
        json_object_begin(w);
        json_put_u64(w, "id", doc->pools[i].id);
        json_text_member(w, "name", doc->pools[i].name);
        json_text_member(w, "cpus", policy_cpus_text(gc, &doc->pools[i]));
        json_object_end(w);
    }
    json_array_end(w);
}

void policy_write_json(struct gc *gc, struct json_writer *w, const struct policy_doc *doc)
{
    json_object_begin(w);
    json_text_member(w, "format", "xl-ext-cpu-policy");
    json_put_integer(w, "version", POLICY_FORMAT);
    json_text_member(w, "kind", doc->is_host ? "host" : "domain");
    json_text_member(w, "xen", doc->xen_version);
    json_text_member(w, "hostname", doc->hostname);
    json_put_u64(w, "taken", doc->taken_at);
    if (doc->is_host) {
        json_host(gc, w, doc);
    } else {
        json_text_member(w, "name", doc->name);
        json_put_integer(w, "domid", doc->domid);
        json_text_member(w, "type", doc->type);
    }
    json_key(w, "policies");
    json_array_begin(w);
    json_policy(gc, w, "pv_max", doc->pv_max);
    json_policy(gc, w, "hvm_max", doc->hvm_max);
    json_policy(gc, w, "guest", doc->guest);
    json_array_end(w);
    json_object_end(w);
}
