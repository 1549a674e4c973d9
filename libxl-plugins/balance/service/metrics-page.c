/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/service/metrics-page.h"

#include <inttypes.h>
#include <string.h>

#include "balance/service/service.h"
#include "base/build.h"
#include "base/cleanup.h"
#include "base/visible.h"

static void add(struct text *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *page, const char *format, ...)
{
    GC_SCOPE(gc);
    va_list args;
    char *line;

    va_start(args, format);
    line = gc_vprintf(gc, format, args);
    va_end(args);
    text_add(page, line, strlen(line));
}

static void head(struct text *page, const char *name, const char *type, const char *help)
{
    add(page, "# HELP xlext_%s %s\n# TYPE xlext_%s %s\n", name, help, name, type);
}

static void one(struct text *page, const char *name, const char *type, const char *help, uint64_t value)
{
    head(page, name, type, help);
    add(page, "xlext_%s %" PRIu64 "\n", name, value);
}

/* Backslash and quote as the format has it. A reader refuses the whole page for one byte that is no UTF-8. */
static const char *label(struct gc *gc, const char *value)
{
    const char *text = visible_copy(gc, value);
    char *out = gc_alloc(gc, strlen(text) * 2 + 1), *o = out;

    for (; *text; text++) {
        if (*text == '\\' || *text == '"')
            *o++ = '\\';
        *o++ = *text;
    }
    return out;
}

/* ---- the host ---- */

static void add_host(struct text *page, struct balance_service *s)
{
    const struct balancer_counters *c = balancer_counters(s->balancer);
    struct balancer_host h;

    balancer_view_host(s->balancer, &h);
    head(page, "build_info", "gauge", "1, with the version of xl-ext and of the Xen that it was built for.");
    add(page, "xlext_build_info{version=\"%s\",xen=\"%s\"} 1\n", XLX_VERSION, build_xen);
    one(page, "host_total_bytes", "gauge", "Memory of the host.", h.memory.total_memkb * 1024);
    one(page, "host_free_bytes", "gauge", "Free memory of the host.", h.memory.free_memkb * 1024);
    one(page, "host_claimed_bytes", "gauge", "Free memory that is claimed for domains being built.",
        h.memory.claimed_memkb * 1024);
    one(page, "host_reserve_bytes", "gauge", "What is to stay free.", h.reserve_memkb * 1024);
    one(page, "host_reserved_bytes", "gauge", "What reservations hold free.", h.reserved_memkb * 1024);
    one(page, "host_float_bytes", "gauge", "What is kept free for guests that will need it.", h.float_memkb * 1024);
    one(page, "host_in_flight_bytes", "gauge", "Free memory that guests are on their way to take.",
        h.in_flight_memkb * 1024);
    one(page, "host_shortfall_bytes", "gauge", "What the minimums lack.", h.shortfall_memkb * 1024);
    one(page, "rounds_total", "counter", "Rounds of the balancer.", c->rounds);
    one(page, "reports_read_total", "counter", "Reports of guests that were read.", c->reports_read);
    one(page, "targets_written_total", "counter", "Targets that were written.", c->targets_written);
    one(page, "rearmed_total", "counter", "Guests that had given up and were woken.", c->rearmed);
    one(page, "emergencies_total", "counter", "How often the hypervisor said that memory runs out.", c->emergencies);
}

/* ---- domains ---- */

/* How the number that a figure has is written. */
enum unit {
    PLAIN,
    FROM_KIB,             /* as bytes */
    FROM_TEN_THOUSANDTHS, /* as a ratio */
    FROM_MS,              /* as seconds */
};

/* X(identifier, name, type, unit, what it says, whether it is known, its number): d is a struct balancer_domain. */
#define FIGURES(X)                                                                                                     \
    X(MANAGED, "domain_managed", "gauge", PLAIN, "1: it has a range and is balanced.", true, d->facts.managed)         \
    X(ACTUAL, "domain_actual_bytes", "gauge", FROM_KIB, "What the domain holds.", true, d->plan.actual_memkb)          \
    X(TARGET, "domain_target_bytes", "gauge", FROM_KIB, "What it is asked to hold.", d->facts.has_target,              \
      d->plan.target_memkb)                                                                                            \
    X(STATIC_MAX, "domain_static_max_bytes", "gauge", FROM_KIB, "The most that it can ever hold.",                     \
      d->facts.static_max_memkb, d->facts.static_max_memkb)                                                            \
    X(DEMAND, "domain_demand_bytes", "gauge", FROM_KIB, "What it wants.", d->plan.demand_known, d->plan.demand_memkb)  \
    X(MIN, "domain_min_bytes", "gauge", FROM_KIB, "Its minimum.", d->facts.managed, d->facts.min_memkb)                \
    X(MAX, "domain_max_bytes", "gauge", FROM_KIB, "Its maximum.", d->facts.managed, d->facts.max_memkb)                \
    X(WEIGHT, "domain_weight", "gauge", PLAIN, "Its weight.", d->facts.managed, d->facts.weight)                       \
    X(SHARE, "domain_share_bytes", "gauge", FROM_KIB, "Its fair share.", d->facts.managed, d->fair_memkb)              \
    X(LENT, "domain_lent_bytes", "gauge", FROM_KIB, "What it holds beyond its fair share.", d->facts.managed,          \
      d->lent_memkb)                                                                                                   \
    X(OWED, "domain_owed_bytes", "gauge", FROM_KIB, "What it was lent and has not given back when asked.",             \
      d->facts.managed, d->owed_memkb)                                                                                 \
    X(STUCK, "domain_stuck", "gauge", PLAIN, "1: it does not follow its target.", d->facts.managed,                    \
      d->balloon == PLAN_BALLOON_STUCK)                                                                                \
    X(PINNED, "domain_pinned", "gauge", PLAIN, "1: somebody else has set its target.", d->facts.managed, d->pinned)    \
    X(GUEST_TOTAL, "guest_total_bytes", "gauge", FROM_KIB, "Memory of the guest, as it says.",                         \
      d->has_report && d->report.total_memkb != UINT64_MAX, d->report.total_memkb)                                     \
    X(GUEST_AVAILABLE, "guest_available_bytes", "gauge", FROM_KIB, "What its programs could have, as it says.",        \
      d->has_report && d->report.has_available, d->report.available_memkb)                                             \
    X(GUEST_FREE, "guest_free_bytes", "gauge", FROM_KIB, "What it does not use at all, as it says.",                   \
      d->has_report && d->report.has_free, d->report.free_memkb)                                                       \
    X(GUEST_SWAP, "guest_swap_used_bytes", "gauge", FROM_KIB, "What it has swapped out, as it says.",                  \
      d->has_report && d->report.has_swap, d->report.swap_used_memkb)                                                  \
    X(GUEST_PRESSURE, "guest_pressure_ratio", "gauge", FROM_TEN_THOUSANDTHS,                                           \
      "Share of the last 10 s in which a task of it waited for memory, as it says.",                                   \
      d->has_report && d->report.has_pressure, d->report.pressure)                                                     \
    X(GUEST_OOM_KILLS, "guest_oom_kills_total", "counter", PLAIN,                                                      \
      "Programs that it killed for want of memory since it booted, as it says.",                                       \
      d->has_report && d->report.has_oom_kills, d->report.oom_kills)                                                   \
    X(GUEST_AGE, "guest_report_age_seconds", "gauge", FROM_MS, "How old its figures are.",                             \
      d->has_report && d->report.at_ms && d->report.at_ms <= now_ms, now_ms - d->report.at_ms)

#define IDENTIFIER(identifier, ...) identifier,
enum figure_id { FIGURES(IDENTIFIER) FIGURE_NR };

static const struct figure {
    const char *name, *type, *help;
    enum unit unit;
} figures[] = {
#define FIGURE(identifier, name, type, unit, help, known, number) {name, type, help, unit},
    FIGURES(FIGURE)};

/* One domain's figures. */
struct series {
    const char *labels;
    uint32_t known; /* bit n: numbers[n] is */
    uint64_t numbers[FIGURE_NR];
};

static void set(struct series *s, enum figure_id id, bool known, uint64_t number)
{
    if (!known)
        return;
    s->known |= UINT32_C(1) << id;
    s->numbers[id] = number;
}

/* False: the domain is gone. */
static bool read_series(struct gc *gc, struct balance_service *service, uint32_t domid, struct series *s)
{
    uint64_t now_ms = service->host->ops->now_ms(service->host);
    struct balancer_domain view, *d = &view;
    GC_SCOPE(scratch);

    if (balancer_view_domain(service->balancer, scratch, domid, d))
        return false;
    *s = (struct series){.labels = gc_printf(gc, "{domid=\"%" PRIu32 "\",name=\"%s\",uuid=\"%s\"}", domid,
                                             label(scratch, d->facts.name), label(scratch, d->facts.uuid))};
#define SET(identifier, name, type, unit, help, known, number) set(s, identifier, known, number);
    FIGURES(SET)
    return true;
}

static void add_number(struct text *page, enum unit unit, uint64_t number)
{
    switch (unit) {
    case PLAIN:
        add(page, " %" PRIu64 "\n", number);
        break;
    case FROM_KIB:
        add(page, " %" PRIu64 "\n", number > UINT64_MAX / 1024 ? UINT64_MAX : number * 1024);
        break;
    case FROM_TEN_THOUSANDTHS:
        add(page, " %" PRIu64 ".%04u\n", number / 10000, (unsigned)(number % 10000));
        break;
    case FROM_MS:
        add(page, " %" PRIu64 ".%03u\n", number / 1000, (unsigned)(number % 1000));
        break;
    }
}

static void add_domains(struct gc *gc, struct text *page, struct balance_service *s)
{
    size_t domain_count, count = 0;
    uint32_t *domids = balancer_domids(s->balancer, gc, &domain_count);
    struct series *series = gc_array(gc, domain_count + 1, sizeof(*series));

    for (size_t i = 0; i < domain_count; i++)
        count += read_series(gc, s, domids[i], &series[count]);
    for (size_t f = 0; f < FIGURE_NR; f++) {
        head(page, figures[f].name, figures[f].type, figures[f].help);
        for (size_t i = 0; i < count; i++) {
            if (!(series[i].known >> f & 1))
                continue;
            add(page, "xlext_%s%s", figures[f].name, series[i].labels);
            add_number(page, figures[f].unit, series[i].numbers[f]);
        }
    }
}

struct text metrics_page(struct gc *gc, struct balance_service *s)
{
    struct text page = {.gc = gc};

    balancer_look(s->balancer);
    add_host(&page, s);
    add_domains(gc, &page, s);
    return page;
}
