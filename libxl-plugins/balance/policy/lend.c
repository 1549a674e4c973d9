/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/policy/lend.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/parse.h"

int lend_parse(const char *text, struct host_lend *lend, const char **cause)
{
    size_t len = strlen(text);

    *lend = (struct host_lend){.kind = HOST_LEND_ALL};
    *cause = "it is \"all\", \"default\", a size, or a percentage of the fair share";
    if (!strcmp(text, "all"))
        return 0;
    if (!strcmp(text, "default")) {
        lend->kind = HOST_LEND_DEFAULT;
        return 0;
    }
    if (len && text[len - 1] == '%') {
        lend->kind = HOST_LEND_PERCENT;
        return parse_digits(text, len - 1, LEND_PERCENT_MAX, &lend->amount) ? 0 : ERROR_INVAL;
    }
    lend->kind = HOST_LEND_MEMKB;
    if (parse_size_kb(text, &lend->amount, cause) || lend->amount > PLAN_MEMKB_MAX)
        return ERROR_INVAL;
    return 0;
}

const char *lend_text(struct gc *gc, const struct host_lend *lend)
{
    if (lend->kind == HOST_LEND_ALL)
        return "all";
    if (lend->kind == HOST_LEND_DEFAULT)
        return "default";
    return gc_printf(gc, lend->kind == HOST_LEND_PERCENT ? "%" PRIu64 "%%" : "%" PRIu64 "k", lend->amount);
}
