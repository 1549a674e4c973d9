/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Documents of CPU policies, raw and JSON, as they come from files and other hosts. What is accepted must survive being
 * written and read again in both forms, and is compared with itself.
 * FUZZ_SRCS: libxl-plugins/migrate/policy*.c libxl-plugins/migrate/compare.c libxl-plugins/migrate/features.c
 * FUZZ_SRCS: base/gc.c base/json.c base/json-read.c base/json-write.c base/text.c base/visible.c base/utf8.c base/parse.c
 * FUZZ_LIBS: -lyajl
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "migrate/compare.h"
#include "migrate/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
    if (!ok)
        abort();
}

/* JSON replaces what is not UTF-8. */
static int is_ascii(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text >= 0x80)
            return 0;
    }
    return 1;
}

static void compare_with_itself(struct gc *gc, const struct cpu_policy *policy)
{
    static const struct cpu_policy nothing;

    if (!policy)
        return;
    must(!policy_compare(gc, policy, policy)->count);
    must(!policy_compare(gc, &nothing, policy)->lacking);
    policy_compare(gc, policy, &nothing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_doc *doc, *again;
    const char *cause = NULL;
    char *raw, *json;
    GC_SCOPE(gc);

    if (policy_read(gc, (const char *)data, size, &doc, &cause)) {
        must(cause && *cause);
        return 0;
    }
    raw = policy_write_raw(gc, doc);
    /* A document of JSON may be longer in the raw form than what is read. */
    if (strlen(raw) > POLICY_TEXT_MAX)
        return 0;
    must(!policy_read(gc, raw, strlen(raw), &again, &cause));
    must(!strcmp(policy_write_raw(gc, again), raw));
    json = json_text(gc, policy_json(gc, again), JSON_COMPACT);
    must(!policy_read(gc, json, strlen(json), &again, &cause));
    if (is_ascii(raw))
        must(!strcmp(policy_write_raw(gc, again), raw));
    compare_with_itself(gc, doc->pv_max);
    compare_with_itself(gc, doc->hvm_max);
    compare_with_itself(gc, doc->guest);
    return 0;
}
