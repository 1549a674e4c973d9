/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon/guest-reports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

/* The nodes that are watched. Of XenServer's first two either may be written first; the third is written last, also when
 * neither has changed. */
enum source { AGENT, XENSERVER, XENSERVER_TOTAL, XENSERVER_UPDATED, QUBES, SOURCES };
static const char *const nodes[SOURCES] = {AGENT_STATS_NODE, NODE_XENSERVER_FREE, NODE_XENSERVER_TOTAL,
                                           NODE_DATA_UPDATED, NODE_QUBES_USED};

/* The next of several nodes follows within so long, or its writer found it unchanged. */
#define PAIR_MS 50u
/* Whose nodes they are is looked up again after so long. */
#define RECOGNISE_MS 60000u
/* What tells an agent is not longer than that. */
#define MARK_MAX 64

struct source_watch {
    struct store_watch watch;
    struct guest_reports *reports;
    bool registered; /* it has fired for its registration */
};

/* One guest with at least one follower. */
struct guest_reports {
    struct xlx_ctx *ctx;
    struct xs_handle *xs;
    struct store_watcher *watcher;
    LIST_ENTRY(guest_reports) entry; /* in the context */
    uint32_t domid;
    LIST_HEAD(guest_follows, guest_follow) follows;
    struct source_watch sources[SOURCES];
    struct source_watch *last_put_on;
    struct ev_timer gap;            /* active: when to look, and to put on again the watches that are off */
    struct ev_timer pair;           /* active: more of XenServer's nodes are waited for */
    uint64_t looked_ms;             /* loop time of the last look at what it has written, 0: none */
    uint64_t since_ms;              /* the window in which writes are counted: GUEST_STATS_GAP_MS from here */
    unsigned writes;                /* in it */
    unsigned hurries;               /* windows in a row with too many */
    bool looked;                    /* at all */
    bool unseen;                    /* the guest has written something that was not looked at yet */
    bool date_only;                 /* nothing but XenServer's date */
    uint64_t at_ms;                 /* of the last report, as it was told */
    enum guest_agent agent;         /* of that */
    char *last;                     /* the text of the last report */
    enum guest_agent meminfo_agent; /* who writes XenServer's nodes; NONE: not looked up */
    bool meminfo_unused;            /* and means MemFree */
    uint64_t recognised_ms;         /* loop time */
    uint32_t interval_s;            /* as it was written */
};

/* ---- reading ---- */

static char *read_small(struct guest_reports *r, struct gc *gc, const char *node, size_t max)
{
    char *value;

    return store_read(gc, r->xs, XBT_NULL, path_in_domain(gc, r->domid, node), max, &value) ? NULL : value;
}

static void recognise(struct guest_reports *r, struct gc *gc)
{
    uint64_t now = ev_clock_ms();
    struct guest_agent_marks marks;

    if (r->meminfo_agent && now - r->recognised_ms < RECOGNISE_MS)
        return;
    marks = (struct guest_agent_marks){
        .build = read_small(r, gc, NODE_PV_BUILD, MARK_MAX),
        .major = read_small(r, gc, NODE_PV_MAJOR, MARK_MAX),
        .minor = read_small(r, gc, NODE_PV_MINOR, MARK_MAX),
        .os_class = read_small(r, gc, NODE_OS_CLASS, MARK_MAX),
        .os_type = read_small(r, gc, NODE_OS_TYPE, MARK_MAX),
        .updated = read_small(r, gc, NODE_DATA_UPDATED, MARK_MAX),
        .kernel = read_small(r, gc, NODE_OS_UNAME, MARK_MAX),
    };
    r->meminfo_agent = guest_agent_recognise(&marks);
    r->meminfo_unused = guest_agent_says_unused(r->meminfo_agent, &marks);
    r->recognised_ms = now;
}

/* What the guest says now, as text that is different when the report is, and parsed. NULL: nothing at all. */
static char *read_report(struct guest_reports *r, struct gc *gc, struct guest_stats *stats)
{
    char *text = read_small(r, gc, AGENT_STATS_NODE, AGENT_STATS_MAX), *total;
    uint64_t target_memkb;

    if (text) {
        guest_stats_parse(text, strlen(text), stats);
        return text;
    }
    text = read_small(r, gc, NODE_XENSERVER_FREE, 20);
    if (text) {
        total = read_small(r, gc, NODE_XENSERVER_TOTAL, 20);
        recognise(r, gc);
        guest_stats_from_meminfo(r->meminfo_agent, r->meminfo_unused, total, text, stats);
        return gc_printf(gc, "%s/%s", text, total ? total : "");
    }
    text = read_small(r, gc, NODE_QUBES_USED, 20);
    if (text && !store_read_u64(gc, r->xs, XBT_NULL, path_in_domain(gc, r->domid, NODE_MEMORY_TARGET), UINT64_MAX,
                                &target_memkb)) {
        guest_stats_from_qubes(text, target_memkb, stats);
        return text;
    }
    return NULL;
}

int guest_stats_now(struct xlx_ctx *ctx, uint32_t domid, struct guest_stats *stats)
{
    struct guest_reports once = {.ctx = ctx, .domid = domid};
    GC_SCOPE(gc);
    int rc;

    rc = ctx_xs(ctx, &once.xs);
    if (rc)
        return rc;
    return read_report(&once, gc, stats) ? 0 : ERROR_NOTFOUND;
}

static void tell(struct guest_reports *r, const struct guest_stats *stats)
{
    uint64_t now_ms = ev_clock_ms();
    struct guest_follow *f;

    LIST_FOREACH (f, &r->follows, entry)
        f->reported(f, stats, time(NULL) - (int64_t)(stats->at_ms ? (now_ms - stats->at_ms) / 1000 : 0));
}

/* Of a report that is there already: the earliest time at which an agent that lives can have written it. 0: nobody knows,
 * and our agent is asked. */
static uint64_t found_at_ms(const struct guest_stats *stats)
{
    const struct guest_agent_kind *kind = &guest_agent_kinds[stats->agent];
    uint64_t now_ms = ev_clock_ms();

    if (kind->answers)
        return 0;
    return now_ms > kind->period_ms ? now_ms - kind->period_ms : 1;
}

/* The date alone says that the figures have not changed, or that this is a round without them: they are no older than its
 * period. */
static uint64_t at_least_ms(const struct guest_reports *r, const struct guest_stats *stats)
{
    uint64_t now_ms = ev_clock_ms(), period_ms = guest_agent_kinds[stats->agent].period_ms;

    return now_ms > r->at_ms + period_ms ? now_ms - period_ms : r->at_ms;
}

static void look(struct guest_reports *r, bool at_registration)
{
    struct guest_stats stats;
    GC_SCOPE(gc);
    char *text = read_report(r, gc, &stats);
    bool first = !r->looked, same = text && r->last && !strcmp(text, r->last);
    bool written = !at_registration || r->unseen, date_only = r->date_only;

    r->looked = true;
    r->unseen = r->date_only = false;
    /* What was there before, or is not there yet, is nothing that the guest has just written. Nonsense may be: it costs
     * the same to look at. */
    if (!at_registration || (text ? !same && !first : r->hurries))
        r->looked_ms = ev_clock_ms();
    if (!text) {
        /* The agent has ended, or what stands there is no report: the last one counts for nothing any more. */
        if (r->last)
            tell(r, &(struct guest_stats){0});
        free(TAKE_PTR(r->last));
        return;
    }
    if (same && !written)
        return;
    free(r->last);
    r->last = strdup(text);
    if (!r->last)
        abort();
    stats.at_ms = at_registration && first ? found_at_ms(&stats) : ev_clock_ms();
    stats.stands = same && date_only;
    if (stats.stands) {
        stats.at_ms = at_least_ms(r, &stats);
        if (stats.at_ms == r->at_ms && stats.agent == r->agent)
            return;
    }
    if (stats.at_ms)
        tell(r, &stats);
    r->at_ms = stats.at_ms;
    r->agent = stats.agent;
}

/* ---- watching ---- */

/* In GUEST_STATS_GAP_MS. An agent that keeps to agent/protocol.h writes half of this at most, however its clock and ours
 * differ; others write seconds apart. */
#define WRITES_FORGIVEN 4u
#define OTHERS_WRITES_FORGIVEN 1u
#define LOOK_GAP_MS 100u
#define HURRIES_FORGIVEN 4u

static uint64_t gap_ms(unsigned hurries)
{
    uint64_t gap = GUEST_STATS_GAP_MS;

    for (unsigned i = HURRIES_FORGIVEN; i < hurries && gap < GUEST_STATS_GAP_MAX_MS; i++)
        gap *= 2;
    return gap < GUEST_STATS_GAP_MAX_MS ? gap : GUEST_STATS_GAP_MAX_MS;
}

static void gap_is_over(struct ev_timer *t);

static void watches_off(struct guest_reports *r)
{
    for (unsigned i = 0; i < SOURCES; i++)
        store_watch_stop(&r->sources[i].watch);
}

/* Counted by windows: an honest agent whose writes come a little less than GUEST_STATS_GAP_MS apart is heard each time. */
static bool too_many_writes(struct guest_reports *r, unsigned forgiven, uint64_t now_ms)
{
    if (now_ms - r->since_ms >= GUEST_STATS_GAP_MS) {
        /* Who writes its few nodes one after the other, and nothing for long then, is in no hurry. */
        if (r->writes <= forgiven || now_ms - r->since_ms >= 2 * GUEST_STATS_GAP_MAX_MS)
            r->hurries = 0;
        r->since_ms = now_ms;
        r->writes = 0;
    }
    if (++r->writes <= forgiven)
        return false;
    r->hurries++;
    return true;
}

/* What tells an agent that writes the date may have come after its figures. */
static void forget_who(struct guest_reports *r)
{
    if (!guest_agent_kinds[r->meminfo_agent].says_when)
        r->meminfo_agent = GUEST_AGENT_NONE;
}

/* first to last are the watches of what was written. */
static void written(struct guest_reports *r, enum source first, enum source last)
{
    uint64_t now = ev_clock_ms();

    if (too_many_writes(r, first == AGENT ? WRITES_FORGIVEN : OTHERS_WRITES_FORGIVEN, now)) {
        r->unseen = true;
        forget_who(r);
        /* Only what is written: each watch costs a message to take off and one to put back. */
        for (unsigned i = first; i <= last; i++)
            store_watch_stop(&r->sources[i].watch);
        ev_timer_stop(&r->gap);
        ev_timer_start(&r->ctx->loop, &r->gap, gap_ms(r->hurries), 0, gap_is_over);
    } else if (r->looked_ms && now - r->looked_ms < LOOK_GAP_MS) {
        r->unseen = true;
        if (!ev_timer_active(&r->gap))
            ev_timer_start(&r->ctx->loop, &r->gap, r->looked_ms + LOOK_GAP_MS - now, 0, gap_is_over);
    } else {
        look(r, false);
    }
}

static void pair_is_over(struct ev_timer *t)
{
    written(CONTAINER_OF(t, struct guest_reports, pair), XENSERVER, XENSERVER_UPDATED);
}

static void source_changed(struct store_watch *watch, const char *path)
{
    struct source_watch *s = CONTAINER_OF(watch, struct source_watch, watch);
    struct guest_reports *r = s->reports;
    enum source source = (enum source)(s - r->sources);

    if (!s->registered) {
        s->registered = true;
        /* Those that are registered together fire in their order: one look is enough for all. */
        if (s == r->last_put_on)
            look(r, true);
    } else if (source < XENSERVER || source > XENSERVER_UPDATED) {
        written(r, source, source);
    } else {
        bool waits = ev_timer_active(&r->pair);

        /* Who writes this, too, is known by that. */
        if (source == XENSERVER_UPDATED)
            forget_who(r);
        r->date_only = source == XENSERVER_UPDATED && (r->date_only || (!waits && !r->unseen));
        if (!waits)
            ev_timer_start(&r->ctx->loop, &r->pair, PAIR_MS, 0, pair_is_over);
    }
}

/* Those that are off. */
static int watches_on(struct guest_reports *r)
{
    GC_SCOPE(gc);
    int rc;

    for (unsigned i = 0; i < SOURCES; i++) {
        struct source_watch *s = &r->sources[i];

        if (store_watch_active(&s->watch))
            continue;
        s->reports = r;
        s->registered = false;
        r->last_put_on = s;
        rc = store_watch_start(r->watcher, &s->watch, path_in_domain(gc, r->domid, nodes[i]), source_changed);
        if (rc) {
            LOGD(r->ctx, ERROR, r->domid, "cannot watch its statistics: %s", error_text(rc));
            watches_off(r);
            return rc;
        }
    }
    return 0;
}

static void gap_is_over(struct ev_timer *t)
{
    struct guest_reports *r = CONTAINER_OF(t, struct guest_reports, gap);
    bool all_on = true;

    for (unsigned i = 0; i < SOURCES; i++)
        all_on &= store_watch_active(&r->sources[i].watch);
    /* Those that are put on fire for their registration, and are looked at then. */
    if (!all_on)
        watches_on(r);
    else
        look(r, false);
}

/* ---- the interval ---- */

static void write_interval(struct guest_reports *r)
{
    GC_SCOPE(gc);
    const char *path = path_in_domain(gc, r->domid, AGENT_INTERVAL_NODE);
    int rc;

    rc = r->interval_s ? store_printf(gc, r->xs, XBT_NULL, path, "%u", r->interval_s)
                       : store_remove(r->xs, XBT_NULL, path);
    /* A domain that is going has no folder any more. */
    if (rc && errno != ENOENT)
        LOGD(r->ctx, WARN, r->domid, "cannot ask for its statistics: %s", strerror(errno));
}

static void update_interval(struct guest_reports *r)
{
    const struct guest_follow *f;
    uint32_t shortest = 0;

    LIST_FOREACH (f, &r->follows, entry) {
        if (f->interval_s && (!shortest || f->interval_s < shortest))
            shortest = f->interval_s;
    }
    if (shortest > AGENT_INTERVAL_MAX_S)
        shortest = AGENT_INTERVAL_MAX_S;
    if (shortest == r->interval_s)
        return;
    r->interval_s = shortest;
    write_interval(r);
}

/* ---- coming and going ---- */

static struct guest_reports *find(struct xlx_ctx *ctx, uint32_t domid)
{
    struct guest_reports *r;

    LIST_FOREACH (r, &ctx->guest_reports, entry) {
        if (r->domid == domid)
            break;
    }
    return r;
}

static void reports_free(struct guest_reports *r)
{
    LIST_REMOVE(r, entry);
    watches_off(r);
    ev_timer_stop(&r->gap);
    ev_timer_stop(&r->pair);
    free(r->last);
    free(r);
}

static int reports_new(struct xlx_ctx *ctx, uint32_t domid, struct guest_reports **reports)
{
    struct guest_reports *r = calloc(1, sizeof(*r));
    int rc;

    if (!r)
        abort();
    r->ctx = ctx;
    r->domid = domid;
    LIST_INSERT_HEAD(&ctx->guest_reports, r, entry);
    rc = ctx_xs(ctx, &r->xs);
    if (!rc)
        rc = ctx_watcher(ctx, &r->watcher);
    if (!rc)
        rc = watches_on(r);
    if (rc) {
        reports_free(r);
        return rc;
    }
    *reports = r;
    return 0;
}

int guest_follow_start(struct xlx_ctx *ctx, struct guest_follow *follow, uint32_t domid, uint32_t interval_s,
                       void (*reported)(struct guest_follow *, const struct guest_stats *, int64_t))
{
    struct guest_reports *r = find(ctx, domid);
    int rc;

    if (!r) {
        rc = reports_new(ctx, domid, &r);
        if (rc)
            return rc;
    }
    follow->reported = reported;
    follow->reports = r;
    follow->interval_s = interval_s;
    LIST_INSERT_HEAD(&r->follows, follow, entry);
    update_interval(r);
    return 0;
}

void guest_follow_interval(struct guest_follow *follow, uint32_t interval_s)
{
    follow->interval_s = interval_s;
    update_interval(follow->reports);
}

void guest_follow_ask(struct guest_follow *follow)
{
    if (follow->reports->interval_s)
        write_interval(follow->reports);
}

void guest_follow_stop(struct guest_follow *follow)
{
    struct guest_reports *r = TAKE_PTR(follow->reports);

    if (!r)
        return;
    LIST_REMOVE(follow, entry);
    update_interval(r);
    if (LIST_EMPTY(&r->follows))
        reports_free(r);
}
