/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "migrate/policy-build.h"

/* ---- raw ---- */

static int read_leaf(struct policy_build *b, char *value)
{
    uint64_t words[6];
    char *rest = NULL, *field = strtok_r(value, " ", &rest);

    for (unsigned i = 0; i < 6; i++, field = strtok_r(NULL, " ", &rest)) {
        if (!field || !policy_parse_hex(field, 8, &words[i]))
            return policy_build_refuse(b, "a leaf is six times eight hexadecimal digits");
    }
    if (field)
        return policy_build_refuse(b, "a leaf has more than six numbers");
    return policy_build_leaf(b, &(xen_cpuid_leaf_t){(uint32_t)words[0], (uint32_t)words[1], (uint32_t)words[2],
                                                    (uint32_t)words[3], (uint32_t)words[4], (uint32_t)words[5]});
}

static int read_msr(struct policy_build *b, char *value)
{
    char *second = strchr(value, ' ');
    uint64_t index, content;

    if (second)
        *second++ = '\0';
    if (!second || !policy_parse_hex(value, 8, &index) || !policy_parse_hex(second, 16, &content))
        return policy_build_refuse(b, "an MSR is eight and sixteen hexadecimal digits");
    return policy_build_msr(b, (uint32_t)index, content);
}

static int read_memory(struct policy_build *b, char *value)
{
    char *second = strchr(value, ' ');
    size_t len = second ? (size_t)(second - value) : 0;

    if (!second || !parse_digits(value, len, INT64_MAX, &b->doc->free_memkb) ||
        !parse_digits(second + 1, strlen(second + 1), INT64_MAX, &b->doc->freeable_memkb))
        return policy_build_refuse(b, "memory is two numbers of KiB");
    b->doc->memory_known = true;
    return 0;
}

static int read_path(struct policy_build *b, char *value)
{
    bool present = !strncmp(value, "yes ", 4);

    if (!present && strncmp(value, "no ", 3))
        return policy_build_refuse(b, "a path is there (yes) or not (no)");
    return policy_build_path(b, strchr(value, ' ') + 1, present);
}

/* "ID CPUS NAME"; a name may have blanks. */
static int read_pool(struct policy_build *b, char *value)
{
    const char *id_text = strsep(&value, " "), *cpus = value ? strsep(&value, " ") : NULL;
    uint64_t id;

    if (!value || !parse_digits(id_text, strlen(id_text), INT32_MAX, &id))
        return policy_build_refuse(b, "a CPU pool is a number, CPUs and a name");
    return policy_build_pool(b, id, cpus, value);
}

static int read_number(struct policy_build *b, const char *word, const char *value, uint64_t max, uint64_t *number)
{
    return parse_digits(value, strlen(value), max, number)
               ? 0
               : policy_build_refuse(b, "'%s' is followed by no number", word);
}

static int read_line(struct policy_build *b, const char *word, char *value)
{
    struct policy_doc *doc = b->doc;
    uint64_t number;
    int rc;

    if (!strcmp(word, "leaf"))
        return read_leaf(b, value);
    if (!strcmp(word, "msr"))
        return read_msr(b, value);
    if (!strcmp(word, "policy"))
        return policy_build_policy(b, value);
    if (!strcmp(word, "kind"))
        return policy_build_kind(b, value);
    if (!strcmp(word, "xen"))
        return policy_build_xen(b, value);
    if (!strcmp(word, "type"))
        return policy_build_type(b, value);
    if (!strcmp(word, "memory"))
        return read_memory(b, value);
    if (!strcmp(word, "path"))
        return read_path(b, value);
    if (!strcmp(word, "pool"))
        return read_pool(b, value);
    if (!strcmp(word, "taken"))
        return read_number(b, word, value, INT64_MAX, &doc->taken_at);
    if (!strcmp(word, "domid")) {
        rc = read_number(b, word, value, DOMID_FIRST_RESERVED - 1, &number);
        if (!rc)
            doc->domid = (uint32_t)number;
        return rc;
    }
    if (!strcmp(word, "hostname"))
        doc->hostname = value;
    else if (!strcmp(word, "capabilities"))
        doc->capabilities = value;
    else if (!strcmp(word, "name"))
        doc->name = value;
    else
        return policy_build_refuse(b, "'%.32s' is not known", word);
    return 0;
}

static int read_first_line(struct policy_build *b, const char *line)
{
    uint64_t format;

    if (strncmp(line, "xl-ext-cpu-policy ", 18) || !parse_digits(line + 18, strlen(line + 18), UINT32_MAX, &format))
        return policy_build_refuse(b, "this is no CPU policy of 'xl-ext cpu-policy'");
    return policy_build_format(b, format);
}

int policy_read_raw(struct policy_build *b, const char *text)
{
    char *line = gc_strdup(b->gc, text), *end;
    size_t number = 0;
    uint64_t counted;
    int rc;

    for (; (end = strchr(line, '\n')); line = end + 1, number++) {
        char *value;

        *end = '\0';
        if (!number) {
            rc = read_first_line(b, line);
            if (rc)
                return rc;
            continue;
        }
        value = strchr(line, ' ');
        if (!value)
            return policy_build_refuse(b, "line %zu is not of this format", number + 1);
        *value++ = '\0';
        if (!strcmp(line, "end")) {
            if (!parse_digits(value, strlen(value), SIZE_MAX, &counted) || counted != number)
                return policy_build_refuse(b, "lines are missing: it was cut or changed");
            return end[1] ? policy_build_refuse(b, "there is text after the end") : 0;
        }
        rc = read_line(b, line, value);
        if (rc)
            return policy_build_refuse(b, "line %zu: %s", number + 1, b->cause);
    }
    return number ? policy_build_refuse(b, "it is cut off: the line 'end' is missing")
                  : policy_build_refuse(b, "this is no CPU policy of 'xl-ext cpu-policy'");
}

/* ---- JSON ---- */

static const struct json *list_member(const struct json *node, const char *key)
{
    const struct json *list = json_member(node, key);

    return list && list->type == JSON_ARRAY ? list : NULL;
}

static bool hex_member(const struct json *node, const char *key, unsigned digits, uint64_t *value)
{
    const char *text;

    return json_member_string(node, key, &text) && policy_parse_hex(text, digits, value);
}

static int json_leaf(struct policy_build *b, const struct json *node)
{
    static const char *const keys[] = {"leaf", "subleaf", "eax", "ebx", "ecx", "edx"};
    uint64_t words[ARRAY_LEN(keys)];

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!hex_member(node, keys[i], 8, &words[i]))
            return policy_build_refuse(b, "a leaf has no '%s' of eight hexadecimal digits", keys[i]);
    }
    return policy_build_leaf(b, &(xen_cpuid_leaf_t){(uint32_t)words[0], (uint32_t)words[1], (uint32_t)words[2],
                                                    (uint32_t)words[3], (uint32_t)words[4], (uint32_t)words[5]});
}

static int json_msr(struct policy_build *b, const struct json *node)
{
    uint64_t index, value;

    if (!hex_member(node, "index", 8, &index) || !hex_member(node, "value", 16, &value))
        return policy_build_refuse(b, "an MSR has no index and value in hexadecimal digits");
    return policy_build_msr(b, (uint32_t)index, value);
}

static int json_each(struct policy_build *b, const struct json *node, const char *key,
                     int (*item)(struct policy_build *, const struct json *))
{
    const struct json *list = list_member(node, key);
    int rc;

    if (!list)
        return policy_build_refuse(b, "there is no list '%s'", key);
    for (size_t i = 0; i < list->list.count; i++) {
        rc = item(b, list->list.items[i]);
        if (rc)
            return rc;
    }
    return 0;
}

static int json_policy(struct policy_build *b, const struct json *node)
{
    const char *name;
    int rc;

    if (!json_member_string(node, "name", &name))
        return policy_build_refuse(b, "a policy has no name");
    rc = policy_build_policy(b, name);
    if (!rc)
        rc = json_each(b, node, "leaves", json_leaf);
    if (!rc)
        rc = json_each(b, node, "msrs", json_msr);
    return rc;
}

static int json_path(struct policy_build *b, const struct json *node)
{
    const char *path;
    bool present;

    if (!json_member_string(node, "path", &path) || !json_member_bool(node, "present", &present))
        return policy_build_refuse(b, "a path has no 'path' and 'present'");
    return policy_build_path(b, path, present);
}

static int json_pool(struct policy_build *b, const struct json *node)
{
    const char *name, *cpus;
    uint64_t id;

    if (!json_member_u64(node, "id", &id) || id > INT32_MAX || !json_member_string(node, "cpus", &cpus) ||
        !json_member_string(node, "name", &name))
        return policy_build_refuse(b, "a CPU pool has no 'id', 'cpus' and 'name'");
    return policy_build_pool(b, id, cpus, name);
}

static int json_head(struct policy_build *b, const struct json *root)
{
    const char *format, *text;
    uint64_t number;
    int rc;

    if (!json_member_string(root, "format", &format) || strcmp(format, "xl-ext-cpu-policy") ||
        !json_member_u64(root, "version", &number))
        return policy_build_refuse(b, "this is no CPU policy of 'xl-ext cpu-policy'");
    rc = policy_build_format(b, number);
    if (rc)
        return rc;
    if (!json_member_string(root, "kind", &text))
        return policy_build_refuse(b, "it does not say whether it is of a host or a domain");
    rc = policy_build_kind(b, text);
    if (!rc && json_member_string(root, "xen", &text))
        rc = policy_build_xen(b, text);
    if (!rc && json_member_string(root, "type", &text))
        rc = policy_build_type(b, text);
    return rc;
}

int policy_read_json(struct policy_build *b, const struct json *root)
{
    struct policy_doc *doc = b->doc;
    uint64_t number;
    int rc;

    rc = json_head(b, root);
    if (rc)
        return rc;
    json_member_string(root, "hostname", &doc->hostname);
    json_member_string(root, "name", &doc->name);
    json_member_string(root, "capabilities", &doc->capabilities);
    json_member_u64(root, "taken", &doc->taken_at);
    if (json_member_u64(root, "domid", &number) && number < DOMID_FIRST_RESERVED)
        doc->domid = (uint32_t)number;
    doc->memory_known = json_member_u64(root, "free_memkb", &doc->free_memkb) &&
                        json_member_u64(root, "freeable_memkb", &doc->freeable_memkb);
    if (json_member(root, "paths")) {
        rc = json_each(b, root, "paths", json_path);
        if (rc)
            return rc;
    }
    if (json_member(root, "pools")) {
        rc = json_each(b, root, "pools", json_pool);
        if (rc)
            return rc;
    }
    return json_each(b, root, "policies", json_policy);
}
