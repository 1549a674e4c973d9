/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "tests/sim/world.h"

/* A misspelt member would make a scenario that tests something else: whatever is not known is an error. */

struct reader {
    struct gc *gc;
    const char *path;
    bool bad;
};

static void bad(struct reader *r, const char *what, const char *where)
{
    if (!r->bad)
        fprintf(stderr, "%s: %s '%s'\n", r->path, what, where);
    r->bad = true;
}

static void only(struct reader *r, const struct json *node, const char *const *keys)
{
    if (!node || node->type != JSON_OBJECT) {
        bad(r, "must be an object:", node && node->key ? node->key : "?");
        return;
    }
    for (size_t i = 0; i < node->list.count; i++) {
        size_t k = 0;

        while (keys[k] && strcmp(keys[k], node->list.items[i]->key))
            k++;
        if (!keys[k])
            bad(r, "unknown member", node->list.items[i]->key);
    }
}

/* A number times unit; whole or with a fraction. */
static uint64_t number(struct reader *r, const struct json *node, const char *key, uint64_t unit, uint64_t otherwise)
{
    const struct json *m = json_member(node, key);

    if (!m)
        return otherwise;
    if (m->type == JSON_INTEGER && m->integer >= 0)
        return (uint64_t)m->integer * unit;
    if (m->type == JSON_NUMBER && m->number >= 0)
        return (uint64_t)(m->number * (double)unit);
    bad(r, "must be a number:", key);
    return otherwise;
}

static uint64_t mib(struct reader *r, const struct json *node, const char *key, uint64_t otherwise)
{
    uint64_t memkb = number(r, node, key, MIB, otherwise);

    return memkb - memkb % PLAN_PAGE_KB;
}

static int find_word(const char *const *words, const char *text)
{
    for (int i = 0; words[i]; i++) {
        if (!strcmp(words[i], text))
            return i;
    }
    return -1;
}

static int word(struct reader *r, const struct json *node, const char *key, const char *const *words, int otherwise)
{
    const char *text;
    int at = -1;

    if (!json_member(node, key))
        return otherwise;
    if (json_member_string(node, key, &text))
        at = find_word(words, text);
    if (at >= 0)
        return at;
    bad(r, "unknown value of", key);
    return otherwise;
}

static bool flag(struct reader *r, const struct json *node, const char *key, bool otherwise)
{
    bool value = otherwise;

    if (json_member(node, key) && !json_member_bool(node, key, &value))
        bad(r, "must be true or false:", key);
    return value;
}

/* ---- guests ---- */

static const char *const kind_words[] = {"instant", "rate", "creep", "stuck", "giveup", "floor", "driverless", NULL};
static const char *const way_words[] = {"slack", "keeps", "declines", "dawdles", NULL};
static const char *const agent_words[] = {"honest", "none", "high", "low", "wild", "flip", NULL};
static const char *const manner_words[] = {
    "spam",   "minute",         "fades",   "ends",  "xenserver", "xenserver-windows",
    "xcp-ng", "xcp-ng-windows", "meminfo", "qubes", "mute",      NULL};

/* One word of the first list, or several of both lists. */
static void read_words(struct reader *r, const struct json *node, const char *key, const char *const *one, int *value,
                       const char *const *many, unsigned *flags)
{
    const struct json *m = json_member(node, key);
    size_t count = m && m->type == JSON_ARRAY ? m->list.count : m != NULL;

    for (size_t i = 0; i < count; i++) {
        const struct json *item = m->type == JSON_ARRAY ? m->list.items[i] : m;
        const char *text = item->type == JSON_STRING ? item->string.text : "";
        int at = find_word(one, text), flag = find_word(many, text);

        if (at >= 0)
            *value = at;
        else if (flag >= 0)
            *flags |= 1u << flag;
        else
            bad(r, "unknown value of", key);
    }
}

/* Sizes; "all" is NEVER. */
static uint64_t lend(struct reader *r, const struct json *node, uint64_t otherwise)
{
    const char *text;

    if (json_member_string(node, "lend", &text) && !strcmp(text, "all"))
        return NEVER;
    return mib(r, node, "lend", otherwise);
}

/* Those whose fault it can only be their own. */
static bool looks_hostile(const struct guest *g)
{
    return g->ways || (g->agent != AGENT_HONEST && g->agent != AGENT_NONE) ||
           g->manners & (MANNER_SPAM | MANNER_FADES) || g->lives_ms;
}

static void read_behaviour(struct reader *r, const struct json *node, struct guest *g)
{
    static const char *const returns_words[] = {"same", "uuid", "name", "new", NULL};
    int kind = KIND_RATE, agent = AGENT_HONEST;

    read_words(r, node, "kind", kind_words, &kind, way_words, &g->ways);
    read_words(r, node, "agent", agent_words, &agent, manner_words, &g->manners);
    g->kind = (enum kind)kind;
    g->agent = (enum agent)agent;
    g->rate_kb_s = number(r, node, "rate_kib_s", 1, number(r, node, "rate_mib_s", MIB, 256 * MIB));
    if (g->kind == KIND_CREEP && !json_member(node, "rate_kib_s"))
        g->rate_kb_s = 8;
    g->give_kb_s = number(r, node, "give_kib_s", 1, g->ways & WAY_DAWDLES ? 64 : g->rate_kb_s);
    g->floor_memkb = mib(r, node, "floor_mib", 0);
    g->giveup_memkb = mib(r, node, "giveup_mib", 0);
    g->fades_ms = number(r, node, "fades_seconds", 1000, 20000);
    g->flip_ms = number(r, node, "flip_seconds", 1000, 10000);
    g->lives_ms = number(r, node, "lives_seconds", 1000, 0);
    g->returns = (enum returns)word(r, node, "returns", returns_words, RETURNS_SAME);
    g->hostile = flag(r, node, "hostile", looks_hostile(g));
    if (!g->flip_ms)
        bad(r, "must not be 0:", "flip_seconds");
}

static void read_guest(struct reader *r, const struct json *node, uint64_t usual_lend_memkb, struct guest *g)
{
    static const char *const keys[] = {"name",           "count",         "there",
                                       "kind",           "agent",         "type",
                                       "fixed",          "managed",       "static_max_mib",
                                       "min_mib",        "max_mib",       "weight",
                                       "start_mib",      "rate_mib_s",    "rate_kib_s",
                                       "floor_mib",      "giveup_mib",    "boot_seconds",
                                       "offset_kib",     "used_mib",      "burst_mib",
                                       "period_seconds", "give_kib_s",    "fades_seconds",
                                       "flip_seconds",   "lives_seconds", "returns",
                                       "hostile",        "touch_mib_s",   "lend",
                                       "video_ram_mib",  "dom0",          NULL};
    static const char *const types[] = {"pv", "pvh", "hvm", NULL};
    const char *name = "guest";

    only(r, node, keys);
    json_member_string(node, "name", &name);
    snprintf(g->name, sizeof(g->name), "%.16s", name);
    read_behaviour(r, node, g);
    g->type = (enum plan_type)word(r, node, "type", types, PLAN_PVH);
    g->dom0 = flag(r, node, "dom0", false);
    g->fixed = flag(r, node, "fixed", false);
    g->managed = flag(r, node, "managed", true);
    g->state = flag(r, node, "there", true) ? GUEST_LIVE : GUEST_ABSENT;
    g->static_max_memkb = mib(r, node, "static_max_mib", 4096 * MIB);
    g->max_memkb = mib(r, node, "max_mib", g->static_max_memkb);
    g->min_memkb = mib(r, node, "min_mib", 256 * MIB);
    g->start_memkb = mib(r, node, "start_mib", 1024 * MIB);
    g->weight = number(r, node, "weight", 1, 256);
    g->boot_ms = number(r, node, "boot_seconds", 1000, 0);
    g->videoram_memkb = mib(r, node, "video_ram_mib", 0);
    g->offset_memkb = (int64_t)number(r, node, "offset_kib", 1, 0);
    g->used_memkb = mib(r, node, "used_mib", 256 * MIB);
    g->burst_memkb = mib(r, node, "burst_mib", g->used_memkb);
    g->period_ms = number(r, node, "period_seconds", 1000, 0);
    g->touch_kb_s = number(r, node, "touch_mib_s", MIB, 1024 * MIB);
    g->lend_memkb = lend(r, node, usual_lend_memkb);
}

static void read_guests(struct reader *r, const struct json *list, uint64_t usual_lend_memkb, struct scenario *s)
{
    for (size_t i = 0; list && list->type == JSON_ARRAY && i < list->list.count; i++) {
        const struct json *node = list->list.items[i];
        uint64_t count = number(r, node, "count", 1, 1);

        if (count < 1 || count > 10000) {
            bad(r, "is out of range:", "count");
            return;
        }
        s->guests = gc_realloc(r->gc, s->guests, (s->guest_count + count) * sizeof(*s->guests));
        for (uint64_t n = 0; n < count; n++) {
            struct guest *g = &s->guests[s->guest_count++];

            read_guest(r, node, usual_lend_memkb, g);
            if (count > 1)
                snprintf(g->name + strlen(g->name), sizeof(g->name) - strlen(g->name), "-%u",
                         (unsigned)(n + 1) % 100000);
        }
    }
}

static int guest_index(struct reader *r, const struct json *node, const struct scenario *s)
{
    const char *name;

    if (!json_member(node, "guest"))
        return -1;
    if (json_member_string(node, "guest", &name)) {
        for (size_t i = 0; i < s->guest_count; i++) {
            if (!strcmp(s->guests[i].name, name))
                return (int)i;
        }
    }
    bad(r, "no such guest:", "guest");
    return -1;
}

static const char *const event_words[] = {"reserve", "release", "start",   "destroy", "pause", "resume",
                                          "load",    "kill",    "kill-at", "mem-set", "auto",  "range",
                                          "hog",     "claim",   "agent",   "migrate", "break", NULL};

static void read_event(struct reader *r, const struct json *node, const struct scenario *s, struct action *a)
{
    static const char *const keys[] = {
        "at",      "do",     "guest",           "name",          "mib",          "min_mib",
        "max_mib", "weight", "timeout_seconds", "lease_seconds", "down_seconds", "nth",
        "on",      NULL};
    const char *name = "";

    only(r, node, keys);
    a->at_ms = number(r, node, "at", 1000, 0);
    a->type = (enum action_type)word(r, node, "do", event_words, DO_LOAD);
    a->guest = guest_index(r, node, s);
    json_member_string(node, "name", &name);
    snprintf(a->name, sizeof(a->name), "%s", name);
    a->memkb = mib(r, node, "mib", mib(r, node, "min_mib", 0));
    a->memkb2 = a->type == DO_RESERVE ? mib(r, node, "min_mib", 0) : mib(r, node, "max_mib", 0);
    a->ms = number(r, node, "timeout_seconds", 1000, number(r, node, "down_seconds", 1000, 0));
    a->ms2 = number(r, node, "lease_seconds", 1000, 0);
    a->number = number(r, node, "nth", 1, number(r, node, "weight", 1, flag(r, node, "on", false)));
    if (a->guest < 0 && a->type != DO_RESERVE && a->type != DO_RELEASE && a->type != DO_KILL && a->type != DO_KILL_AT &&
        a->type != DO_HOG && a->type != DO_CLAIM)
        bad(r, "needs a guest:", event_words[a->type]);
}

static int by_time(const void *a, const void *b)
{
    const struct action *x = a, *y = b;

    return x->at_ms < y->at_ms ? -1 : x->at_ms > y->at_ms;
}

static void read_events(struct reader *r, const struct json *list, struct scenario *s)
{
    if (!list || list->type != JSON_ARRAY)
        return;
    s->actions = gc_array(r->gc, list->list.count, sizeof(*s->actions));
    for (size_t i = 0; i < list->list.count; i++)
        read_event(r, list->list.items[i], s, &s->actions[s->action_count++]);
    if (s->action_count)
        qsort(s->actions, s->action_count, sizeof(*s->actions), by_time);
}

static size_t read_bounds(struct reader *r, const struct json *node, const char *key, const struct scenario *s,
                          struct bounds *bounds, size_t most)
{
    static const char *const keys[] = {"guest", "low_mib", "high_mib", NULL};
    const struct json *list = json_member(node, key);
    size_t count = list && list->type == JSON_ARRAY ? list->list.count : 0;

    if (count > most) {
        bad(r, "are too many:", key);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        const struct json *item = list->list.items[i];

        only(r, item, keys);
        bounds[i].guest = guest_index(r, item, s);
        if (bounds[i].guest < 0) {
            bad(r, "needs a guest:", key);
            return 0;
        }
        bounds[i].low_memkb = mib(r, item, "low_mib", 0);
        bounds[i].high_memkb = mib(r, item, "high_mib", PLAN_MEMKB_MAX);
    }
    return count;
}

static void read_expectations(struct reader *r, const struct json *node, struct scenario *s)
{
    static const char *const keys[] = {"writes_max",      "converge_seconds", "oscillations_max",
                                       "latency_seconds", "unmet_percent",    "quiet",
                                       "targets",         "wakes_max",        "held",
                                       "free_mib",        "starved_ratio",    NULL};
    struct expectation *e = &s->expect;

    if (node)
        only(r, node, keys);
    e->writes_max = number(r, node, "writes_max", 1, NEVER);
    e->wakes_max = number(r, node, "wakes_max", 1, NEVER);
    e->converge_ms = number(r, node, "converge_seconds", 1000, NEVER);
    e->oscillations_max = number(r, node, "oscillations_max", 1, NEVER);
    e->latency_ms = number(r, node, "latency_seconds", 1000, NEVER);
    e->unmet_percent = (double)number(r, node, "unmet_percent", 1000, 3000) / 1000;
    e->ratio_max = (double)number(r, node, "starved_ratio", 1000, 0) / 1000;
    e->quiet = flag(r, node, "quiet", true);
    e->free_memkb = mib(r, node, "free_mib", 0);
    e->target_count = read_bounds(r, node, "targets", s, e->targets, ARRAY_LEN(e->targets));
    e->held_count = read_bounds(r, node, "held", s, e->held, ARRAY_LEN(e->held));
}

/* All are checked; a scenario that cannot meet one says so. */
static void read_invariants(struct reader *r, const struct json *list, struct scenario *s)
{
    s->check_covered = s->check_starved = true;
    for (size_t i = 0; list && list->type == JSON_ARRAY && i < list->list.count; i++) {
        const struct json *item = list->list.items[i];
        const char *text = item->type == JSON_STRING ? item->string.text : "";

        if (!strcmp(text, "covered"))
            s->check_covered = false;
        else if (!strcmp(text, "starved"))
            s->check_starved = false;
        else
            bad(r, "unknown value of", "excused");
    }
}

static int read_text(struct gc *gc, const char *path, char **text, size_t *len)
{
    CLEANUP_FILE FILE *file = fopen(path, "re");
    size_t n;

    if (!file) {
        perror(path);
        return -1;
    }
    *text = gc_alloc(gc, (size_t)1 << 20);
    n = fread(*text, 1, (size_t)1 << 20, file);
    *len = n;
    return n < (size_t)1 << 20 ? 0 : -1;
}

int scenario_read(struct gc *gc, const char *path, struct scenario *s)
{
    static const char *const keys[] = {"name",   "about",  "seconds", "quiet_seconds", "host",
                                       "guests", "events", "expect",  "excused",       NULL};
    static const char *const host_keys[] = {"total_mib", "reserve_mib", "lend", NULL};
    struct reader r = {.gc = gc, .path = path};
    const char *cause, *name = path;
    struct json *root;
    char *text;
    size_t len;

    memset(s, 0, sizeof(*s));
    if (read_text(gc, path, &text, &len))
        return -1;
    if (json_parse(gc, text, len, &root, &cause)) {
        fprintf(stderr, "%s: %s\n", path, cause);
        return -1;
    }
    only(&r, root, keys);
    only(&r, json_member(root, "host"), host_keys);
    if (r.bad)
        return -1;
    json_member_string(root, "name", &name);
    snprintf(s->name, sizeof(s->name), "%s", name);
    s->length_ms = number(&r, root, "seconds", 1000, 300000);
    s->quiet_ms = number(&r, root, "quiet_seconds", 1000, 60000);
    s->total_memkb = mib(&r, json_member(root, "host"), "total_mib", 16384 * MIB);
    s->reserve_memkb = mib(&r, json_member(root, "host"), "reserve_mib", 128 * MIB);
    read_guests(&r, json_member(root, "guests"), lend(&r, json_member(root, "host"), NEVER), s);
    read_events(&r, json_member(root, "events"), s);
    read_expectations(&r, json_member(root, "expect"), s);
    read_invariants(&r, json_member(root, "excused"), s);
    return r.bad ? -1 : 0;
}
