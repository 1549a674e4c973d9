/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_RULES_H
#define XLX_STUBDOM_LAUNCH_RULES_H

/* What the rules of stubdom-check share; for check.c and rules-devices.c alone. */

#include <string.h>

#include "stubdom-launch/check.h"

struct check {
    struct gc *gc;
    const struct json *c_info, *b_info, *hvm, *config;
    const struct stubdom_facts *facts;
    struct stubdom_findings *findings;
};

/* A finding more, for the rule to fill in further. Valid until the next one. */
struct stubdom_finding *rules_add(struct check *c, enum stubdom_severity severity, const char *code, const char *reason,
                                  const char *cure);
/* Has --include put this file into the image? */
bool rules_is_included(const struct stubdom_image *image, const char *path);
void rules_of_disks(struct check *c);
void rules_of_nics(struct check *c);

static inline const char *text_of(const struct json *node, const char *key)
{
    const char *value;

    return json_member_string(node, key, &value) ? value : NULL;
}

static inline bool text_is(const struct json *node, const char *key, const char *wanted)
{
    const char *value = text_of(node, key);

    return value && !strcmp(value, wanted);
}

/* libxl writes its own booleans as "True" and "False", and leaves out what is not set. */
static inline bool is_on(const struct json *node, const char *key)
{
    return text_is(node, key, "True");
}

static inline bool number_is_set(const struct json *node, const char *key)
{
    int64_t value;
    bool flag;

    return (json_member_integer(node, key, &value) && value) || (json_member_bool(node, key, &flag) && flag) ||
           is_on(node, key);
}

static inline size_t length_of(const struct json *list)
{
    return list && list->type == JSON_ARRAY ? list->list.count : 0;
}

#endif
