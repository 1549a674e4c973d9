/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/xen/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "balance/policy/lend.h"
#include "base/error.h"
#include "base/parse.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

static const char *const kept_folders[] = {[SETTINGS_GIVEN] = "range", [SETTINGS_CREATED] = "range-created"};
#define GIVERS 2
#define SEEN_FOLDER "range-seen"
#define REFUSED "none"

static const char *kept_path(struct gc *gc, enum settings_giver giver, const char *uuid)
{
    return path_own(gc, gc_printf(gc, "%s/%s", kept_folders[giver], uuid));
}

/* When a domain of that UUID was last there. */
static const char *seen_path(struct gc *gc, const char *uuid)
{
    return path_own(gc, gc_printf(gc, SEEN_FOLDER "/%s", uuid));
}

int settings_read(struct xs_handle *xs, enum settings_giver giver, const char *uuid, struct settings *s)
{
    GC_SCOPE(gc);
    char *text, lend[32] = "default";
    const char *cause;
    int rc, n = 0, fields;

    rc = store_read(gc, xs, XBT_NULL, kept_path(gc, giver, uuid), 128, &text);
    if (rc)
        return rc;
    if (giver == SETTINGS_GIVEN && !strcmp(text, REFUSED)) {
        *s = (struct settings){0};
        return 0;
    }
    fields = sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64 "%n %31s%n", &s->min_memkb, &s->max_memkb, &s->weight, &n,
                    lend, &n);
    if (fields < 3 || text[n] || lend_parse(lend, &s->lend, &cause) || s->max_memkb > PLAN_MEMKB_MAX ||
        s->min_memkb > s->max_memkb || s->weight < 1 || s->weight > SETTINGS_WEIGHT_MAX)
        return ERROR_INVAL;
    return 0;
}

struct change {
    const char *uuid;
    uint32_t domid;
    const struct settings *settings;
    bool all;
};

static int show(struct gc *gc, struct xs_handle *xs, xs_transaction_t t, const struct change *c)
{
    const struct settings *s = c->settings;
    int rc;

    rc = store_printf(gc, xs, t, path_in_domain(gc, c->domid, NODE_MEMORY_DYNAMIC_MIN), "%" PRIu64, s->min_memkb);
    if (!rc)
        rc = store_printf(gc, xs, t, path_in_domain(gc, c->domid, NODE_MEMORY_DYNAMIC_MAX), "%" PRIu64, s->max_memkb);
    if (!rc)
        rc = store_printf(gc, xs, t, path_in_domain(gc, c->domid, NODE_MEMORY_WEIGHT), "%" PRIu64, s->weight);
    return rc;
}

static int keep(struct gc *gc, struct xs_handle *xs, xs_transaction_t t, enum settings_giver giver, const char *uuid,
                const struct settings *s)
{
    return store_printf(gc, xs, t, kept_path(gc, giver, uuid), "%" PRIu64 " %" PRIu64 " %" PRIu64 "%s%s", s->min_memkb,
                        s->max_memkb, s->weight, s->lend.kind == HOST_LEND_DEFAULT ? "" : " ",
                        s->lend.kind == HOST_LEND_DEFAULT ? "" : lend_text(gc, &s->lend));
}

int settings_keep(struct xlx_ctx *ctx, struct xs_handle *xs, const char *uuid, const struct settings *settings)
{
    GC_SCOPE(gc);
    int rc;

    rc = keep(gc, xs, XBT_NULL, SETTINGS_CREATED, uuid, settings);
    if (rc)
        LOG(ctx, ERROR, "cannot keep the range of %s in xenstore: %s", uuid, strerror(errno));
    return rc;
}

int settings_refuse(struct xlx_ctx *ctx, struct xs_handle *xs, const char *uuid)
{
    GC_SCOPE(gc);
    int rc;

    rc = store_write(xs, XBT_NULL, kept_path(gc, SETTINGS_GIVEN, uuid), REFUSED);
    if (rc)
        LOG(ctx, ERROR, "cannot keep in xenstore that %s has no range: %s", uuid, strerror(errno));
    return rc;
}

static int write_all(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    const struct change *c = arg;
    GC_SCOPE(gc);
    int rc;

    rc = keep(gc, xs, t, SETTINGS_GIVEN, c->uuid, c->settings);
    return rc ? rc : show(gc, xs, t, c);
}

int settings_write(struct xlx_ctx *ctx, struct xs_handle *xs, const char *uuid, uint32_t domid,
                   const struct settings *settings)
{
    struct change c = {uuid, domid, settings, false};
    int rc;

    rc = store_transaction(xs, write_all, NULL, &c);
    if (rc)
        LOGD(ctx, ERROR, domid, "cannot keep its range in xenstore: %s", strerror(errno));
    return rc;
}

void settings_show(struct xlx_ctx *ctx, struct xs_handle *xs, uint32_t domid, const struct settings *settings)
{
    struct change c = {NULL, domid, settings, false};
    GC_SCOPE(gc);

    if (show(gc, xs, XBT_NULL, &c))
        LOGD(ctx, WARN, domid, "cannot show its range in xenstore: %s", strerror(errno));
}

static int remove_all(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    const struct change *c = arg;
    GC_SCOPE(gc);
    int rc;

    rc = store_remove(xs, t, kept_path(gc, SETTINGS_GIVEN, c->uuid));
    if (!rc && c->all)
        rc = store_remove(xs, t, kept_path(gc, SETTINGS_CREATED, c->uuid));
    if (!rc && c->all)
        rc = store_remove(xs, t, seen_path(gc, c->uuid));
    if (!rc)
        rc = store_remove(xs, t, path_in_domain(gc, c->domid, NODE_MEMORY_DYNAMIC_MIN));
    if (!rc)
        rc = store_remove(xs, t, path_in_domain(gc, c->domid, NODE_MEMORY_DYNAMIC_MAX));
    if (!rc)
        rc = store_remove(xs, t, path_in_domain(gc, c->domid, NODE_MEMORY_WEIGHT));
    return rc;
}

int settings_forget(struct xlx_ctx *ctx, struct xs_handle *xs, const char *uuid, uint32_t domid, bool all)
{
    struct change c = {uuid, domid, NULL, all};
    int rc;

    rc = store_transaction(xs, remove_all, NULL, &c);
    if (rc)
        LOGD(ctx, ERROR, domid, "cannot remove its range from xenstore: %s", strerror(errno));
    return rc;
}

/* ---- ranges that nobody asks for any more ---- */

void settings_seen(struct xlx_ctx *ctx, struct xs_handle *xs, const char *uuid, int64_t now_s)
{
    struct settings settings;
    GC_SCOPE(gc);

    if (settings_read(xs, SETTINGS_GIVEN, uuid, &settings) == ERROR_NOTFOUND &&
        settings_read(xs, SETTINGS_CREATED, uuid, &settings) == ERROR_NOTFOUND)
        return;
    if (store_printf(gc, xs, XBT_NULL, seen_path(gc, uuid), "%" PRId64, now_s))
        LOG(ctx, WARN, "cannot note in xenstore that the range of %s is in use: %s", uuid, strerror(errno));
}

static bool carried(const struct service_domains *domains, const char *uuid)
{
    for (size_t i = 0; i < domains->count; i++) {
        if (!strcmp(domains->list[i]->uuid, uuid))
            return true;
    }
    return false;
}

static void collect(struct xs_handle *xs, enum settings_giver giver, const char *uuid, int64_t now_s)
{
    GC_SCOPE(gc);
    uint64_t seen_s;
    int rc;

    rc = store_read_u64(gc, xs, XBT_NULL, seen_path(gc, uuid), INT64_MAX, &seen_s);
    /* A clock that was set back is no reason to forget, nor to remember for ever. */
    if (rc == ERROR_NOTFOUND || rc == ERROR_INVAL || (!rc && (int64_t)seen_s > now_s)) {
        store_printf(gc, xs, XBT_NULL, seen_path(gc, uuid), "%" PRId64, now_s);
        return;
    }
    if (rc || now_s - (int64_t)seen_s < (giver == SETTINGS_GIVEN ? SETTINGS_KEPT_S : SETTINGS_CREATED_S))
        return;
    if (!store_remove(xs, XBT_NULL, kept_path(gc, giver, uuid)))
        store_remove(xs, XBT_NULL, seen_path(gc, uuid));
}

/* What is kept by domid goes with its domain, unless no memd ran then. */
static void collect_of_the_gone(struct xs_handle *xs, const struct service_domains *domains, const char *folder)
{
    GC_SCOPE(gc);
    uint64_t domid;
    unsigned count;
    char **domids;

    if (store_list(gc, xs, XBT_NULL, folder, &domids, &count))
        return;
    for (unsigned i = 0; i < count; i++) {
        if (parse_digits(domids[i], strlen(domids[i]), UINT32_MAX, &domid) &&
            !service_domain_find(domains, (uint32_t)domid))
            store_remove(xs, XBT_NULL, gc_printf(gc, "%s/%s", folder, domids[i]));
    }
}

void settings_collect(struct xs_handle *xs, const struct service_domains *domains, int64_t now_s)
{
    GC_SCOPE(gc);
    unsigned count;
    char **uuids;

    collect_of_the_gone(xs, domains, path_target_owners(gc));
    collect_of_the_gone(xs, domains, path_all_held(gc));
    for (enum settings_giver giver = 0; giver < GIVERS; giver++) {
        if (store_list(gc, xs, XBT_NULL, path_own(gc, kept_folders[giver]), &uuids, &count))
            continue;
        for (unsigned i = 0; i < count; i++) {
            if (!carried(domains, uuids[i]))
                collect(xs, giver, uuids[i], now_s);
        }
    }
}

static uint64_t floor_of(uint64_t static_max_memkb)
{
    return static_max_memkb ? xlx_mem_floor_memkb(static_max_memkb) : 0;
}

bool settings_below_floor(const struct settings *s, uint64_t static_max_memkb)
{
    return s->min_memkb <= s->max_memkb && s->min_memkb < floor_of(static_max_memkb);
}

const char *settings_fault(struct gc *gc, const struct settings *s, uint64_t static_max_memkb)
{
    uint64_t floor = floor_of(static_max_memkb);
    uint64_t hi = static_max_memkb && static_max_memkb < s->max_memkb ? static_max_memkb : s->max_memkb;

    if (s->max_memkb > PLAN_MEMKB_MAX)
        return "the maximum is beyond any machine";
    if (s->min_memkb > s->max_memkb)
        return "the minimum is above the maximum";
    if (s->min_memkb > hi)
        return gc_printf(gc, "the minimum is above the domain's static-max of %" PRIu64 " KiB", static_max_memkb);
    if (s->min_memkb < floor)
        return gc_printf(gc,
                         "the minimum is below %" PRIu64 " KiB, the least that a guest with a static-max of %" PRIu64
                         " KiB can live with",
                         floor, static_max_memkb);
    if (s->weight < 1 || s->weight > SETTINGS_WEIGHT_MAX)
        return gc_printf(gc, "weight %" PRIu64 " is not within 1 to %d", s->weight, SETTINGS_WEIGHT_MAX);
    return NULL;
}
