/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/service/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define MARKS 2048
#define MANTISSA_BITS 11
#define MANTISSA_MAX ((1u << MANTISSA_BITS) - 1)
#define EXPONENT_MAX 31
#define UNKNOWN UINT16_MAX

const char *const history_kind_names[] = {"start", "end", "pin", "kill", "reservation", NULL};

enum { HELD, TARGET, NEED, AVAILABLE, SIZES };

struct step {
    uint16_t sizes[SIZES];
};

struct ring {
    struct ring *next;
    struct step *steps;  /* step n of the host's clock stands at n % capacity */
    uint64_t first, end; /* the steps that are there: first to end - 1 */
    uint64_t kills, gone_ms;
    uint32_t domid;
    bool kills_known, gone, seen;
    char uuid[37], name[HISTORY_NAME_MAX];
};

struct mark {
    uint64_t at_ms, memkb;
    uint32_t domid;
    uint8_t kind;
    bool size_known;
};

struct history {
    size_t bytes; /* the bound */
    uint64_t step_ms;
    size_t capacity; /* steps of a ring */
    struct ring *rings, **rings_end;
    size_t ring_count;
    struct ring host;
    bool looked; /* the domains that were there at first have been seen */
    struct mark marks[MARKS];
    size_t mark_first, mark_count;
};

/* ---- sizes in 16 bits: a mantissa of 11, an exponent of 5 ---- */

/* More than anybody has. */
#define MEMKB_MAX ((uint64_t)(MANTISSA_MAX - 1) << EXPONENT_MAX)

static uint16_t packed(uint64_t memkb)
{
    unsigned exponent = 0;

    if (memkb > MEMKB_MAX)
        memkb = MEMKB_MAX;
    while (exponent < EXPONENT_MAX && memkb >> exponent >= MANTISSA_MAX)
        exponent++;
    /* To the nearest; the mantissa has room for one more. */
    if (exponent)
        memkb += UINT64_C(1) << (exponent - 1);
    return (uint16_t)(exponent << MANTISSA_BITS | memkb >> exponent);
}

static uint64_t unpacked(uint16_t size)
{
    return (uint64_t)(size & MANTISSA_MAX) << (size >> MANTISSA_BITS);
}

static struct step step_of(const struct history_sizes *s)
{
    return (struct step){{
        [HELD] = s->held_known ? packed(s->held_memkb) : UNKNOWN,
        [TARGET] = s->target_known ? packed(s->target_memkb) : UNKNOWN,
        [NEED] = s->need_known ? packed(s->need_memkb) : UNKNOWN,
        [AVAILABLE] = s->available_known ? packed(s->available_memkb) : UNKNOWN,
    }};
}

static const struct step unknown_step = {{UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN}};

/* What is left of two moments, or steps, of the same step. */
static struct step merged(const struct step *earlier, const struct step *later)
{
    struct step s = *later;

    for (unsigned i = 0; i < SIZES; i++) {
        uint16_t a = earlier->sizes[i], b = later->sizes[i];

        if (b == UNKNOWN)
            s.sizes[i] = a;
        else if (a != UNKNOWN && i == NEED)
            s.sizes[i] = unpacked(a) > unpacked(b) ? a : b;
        else if (a != UNKNOWN && i == AVAILABLE)
            s.sizes[i] = unpacked(a) < unpacked(b) ? a : b;
    }
    return s;
}

/* ---- rings ---- */

static struct step *step_at(const struct history *h, const struct ring *r, uint64_t n)
{
    return &r->steps[n % h->capacity];
}

static void put_step(struct history *h, struct ring *r, uint64_t now_ms, const struct step *s)
{
    uint64_t n = now_ms / h->step_ms;

    if (r->end && n + 1 <= r->end) {
        struct step *last = step_at(h, r, r->end - 1);

        *last = merged(last, s);
        return;
    }
    if (r->first == r->end || n - r->end >= h->capacity)
        r->first = r->end = n;
    while (r->end < n)
        *step_at(h, r, r->end++) = unknown_step;
    *step_at(h, r, r->end++) = *s;
    if (r->end - r->first > h->capacity)
        r->first = r->end - h->capacity;
}

static void resize(struct history *h, struct ring *r, size_t capacity)
{
    struct step *steps = calloc(capacity, sizeof(*steps));
    uint64_t first = r->first / 2, end = r->first == r->end ? first : (r->end + 1) / 2;

    if (!steps)
        abort();
    if (end - first > capacity)
        first = end - capacity;
    for (uint64_t n = first; n < end; n++) {
        struct step s = unknown_step;

        for (uint64_t old = 2 * n; old < 2 * n + 2; old++) {
            if (old >= r->first && old < r->end)
                s = merged(&s, step_at(h, r, old));
        }
        steps[n % capacity] = s;
    }
    free(r->steps);
    r->steps = steps;
    r->first = first;
    r->end = end;
}

static void coarsen(struct history *h)
{
    size_t capacity = (h->capacity + 1) / 2;

    resize(h, &h->host, capacity);
    for (struct ring *r = h->rings; r; r = r->next)
        resize(h, r, capacity);
    h->capacity = capacity;
    h->step_ms *= 2;
}

static size_t bytes_of(const struct history *h, size_t rings)
{
    return sizeof(*h) + rings * sizeof(struct ring) + (rings + 1) * h->capacity * sizeof(struct step);
}

static void drop(struct history *h, struct ring **at)
{
    struct ring *r = *at;

    *at = r->next;
    if (h->rings_end == &r->next)
        h->rings_end = at;
    h->ring_count--;
    free(r->steps);
    free(r);
}

/* The one that went first. False: none is gone. */
static bool drop_gone(struct history *h)
{
    struct ring **oldest = NULL;

    for (struct ring **r = &h->rings; *r; r = &(*r)->next) {
        if ((*r)->gone && (!oldest || (*r)->gone_ms < (*oldest)->gone_ms))
            oldest = r;
    }
    if (oldest)
        drop(h, oldest);
    return oldest;
}

/* Room for one more. False: there are more domains than the bound can hold a step of. */
static bool make_room(struct history *h)
{
    while (bytes_of(h, h->ring_count + 1) > h->bytes) {
        if (drop_gone(h))
            continue;
        if (h->capacity < 4)
            return false;
        coarsen(h);
    }
    return true;
}

static struct ring *ring_new(struct history *h)
{
    struct ring *r;

    if (!make_room(h))
        return NULL;
    r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    r->steps = calloc(h->capacity, sizeof(*r->steps));
    if (!r->steps)
        abort();
    *h->rings_end = r;
    h->rings_end = &r->next;
    h->ring_count++;
    return r;
}

/* ---- looking ---- */

static void mark(struct history *h, uint64_t now_ms, enum history_kind kind, uint32_t domid)
{
    history_happened(h, now_ms, kind, domid, false, 0);
}

static bool same_uuid(const struct ring *r, const struct history_look *d)
{
    return !strcmp(r->uuid, d->uuid);
}

/* The ring of a domain that was there at the last look. from: where to begin, since domains come in the order of their
 * rings, mostly. */
static struct ring *ring_known(struct history *h, const struct history_look *d, struct ring *from)
{
    for (struct ring *r = from; r; r = r->next) {
        if (r->domid == d->domid && !r->gone && same_uuid(r, d))
            return r;
    }
    for (struct ring *r = h->rings; r != from; r = r->next) {
        if (r->domid == d->domid && !r->gone && same_uuid(r, d))
            return r;
    }
    return NULL;
}

/* That of a domain that is back, or a new one. */
static struct ring *ring_for_new(struct history *h, const struct history_look *d)
{
    for (struct ring *r = h->rings; r; r = r->next) {
        if (r->gone && *d->uuid && same_uuid(r, d))
            return r;
    }
    return ring_new(h);
}

static void look_at(struct history *h, struct ring *r, uint64_t now_ms, const struct history_look *d, bool is_new)
{
    struct step s = step_of(&d->sizes);

    snprintf(r->uuid, sizeof(r->uuid), "%s", d->uuid);
    snprintf(r->name, sizeof(r->name), "%s", d->name);
    r->domid = d->domid;
    r->seen = true;
    r->gone = false;
    if (is_new && h->looked)
        mark(h, now_ms, HISTORY_START, d->domid);
    if (!is_new && d->kills_known && r->kills_known && d->kills > r->kills)
        mark(h, now_ms, HISTORY_KILL, d->domid);
    r->kills_known = d->kills_known;
    r->kills = d->kills;
    put_step(h, r, now_ms, &s);
}

static void find_the_gone(struct history *h, uint64_t now_ms)
{
    for (struct ring **at = &h->rings; *at;) {
        struct ring *r = *at;

        if (!r->seen && !r->gone) {
            r->gone = true;
            r->gone_ms = now_ms;
            mark(h, now_ms, HISTORY_END, r->domid);
        }
        r->seen = false;
        if (r->gone && now_ms - r->gone_ms > HISTORY_SPAN_MS)
            drop(h, at);
        else
            at = &r->next;
    }
}

void history_look(struct history *h, uint64_t now_ms, const struct history_sizes *host,
                  const struct history_look *domains, size_t count)
{
    struct step s = step_of(host);
    struct ring *from = h->rings, *r;
    GC_SCOPE(gc);
    bool *known = gc_array(gc, count + 1, sizeof(*known));

    put_step(h, &h->host, now_ms, &s);
    for (size_t i = 0; i < count; i++) {
        r = ring_known(h, &domains[i], from);
        if (!r)
            continue;
        known[i] = true;
        look_at(h, r, now_ms, &domains[i], false);
        from = r->next ? r->next : h->rings;
    }
    /* Before the new ones: a domain that is started again has another domid, and wants its ring back. */
    find_the_gone(h, now_ms);
    for (size_t i = 0; i < count; i++) {
        r = known[i] ? NULL : ring_for_new(h, &domains[i]);
        if (r)
            look_at(h, r, now_ms, &domains[i], true);
    }
    for (r = h->rings; r; r = r->next)
        r->seen = false;
    h->looked = true;
}

void history_happened(struct history *h, uint64_t now_ms, enum history_kind kind, uint32_t domid, bool size_known,
                      uint64_t memkb)
{
    size_t at = (h->mark_first + h->mark_count) % MARKS;

    h->marks[at] = (struct mark){now_ms, memkb, domid, (uint8_t)kind, size_known};
    if (h->mark_count < MARKS)
        h->mark_count++;
    else
        h->mark_first = (h->mark_first + 1) % MARKS;
}

/* ---- being read ---- */

static const struct ring *ring_of_domid(const struct history *h, uint32_t domid)
{
    const struct ring *gone = NULL;

    if (domid == HISTORY_HOST)
        return &h->host;
    for (const struct ring *r = h->rings; r; r = r->next) {
        if (r->domid == domid && !r->gone)
            return r;
        if (r->domid == domid)
            gone = r;
    }
    return gone;
}

static void take(uint16_t size, uint64_t *memkb, bool *known)
{
    *known = size != UNKNOWN;
    *memkb = *known ? unpacked(size) : 0;
}

static struct history_sizes sizes_of(const struct step *s)
{
    struct history_sizes sizes;

    take(s->sizes[HELD], &sizes.held_memkb, &sizes.held_known);
    take(s->sizes[TARGET], &sizes.target_memkb, &sizes.target_known);
    take(s->sizes[NEED], &sizes.need_memkb, &sizes.need_known);
    take(s->sizes[AVAILABLE], &sizes.available_memkb, &sizes.available_known);
    return sizes;
}

struct history_point *history_points(const struct history *h, struct gc *gc, uint32_t domid, uint64_t now_ms,
                                     uint64_t last_ms, size_t *count)
{
    const struct ring *r = ring_of_domid(h, domid);
    struct history_point *points;

    *count = 0;
    if (!r)
        return NULL;
    points = gc_array(gc, (size_t)(r->end - r->first) + 1, sizeof(*points));
    for (uint64_t n = r->first; n < r->end; n++) {
        uint64_t end_ms = (n + 1) * h->step_ms, age_ms = end_ms < now_ms ? now_ms - end_ms : 0;

        if (age_ms <= last_ms)
            points[(*count)++] = (struct history_point){age_ms, sizes_of(step_at(h, r, n))};
    }
    return points;
}

struct history_mark *history_marks(const struct history *h, struct gc *gc, uint32_t domid, uint64_t now_ms,
                                   uint64_t last_ms, size_t *count)
{
    struct history_mark *marks = gc_array(gc, h->mark_count + 1, sizeof(*marks));

    *count = 0;
    for (size_t i = 0; i < h->mark_count; i++) {
        const struct mark *m = &h->marks[(h->mark_first + i) % MARKS];
        const struct ring *r = m->domid == HISTORY_HOST ? NULL : ring_of_domid(h, m->domid);
        uint64_t age_ms = now_ms > m->at_ms ? now_ms - m->at_ms : 0;

        if (age_ms > last_ms || (domid != HISTORY_HOST && m->domid != domid))
            continue;
        marks[(*count)++] = (struct history_mark){
            .age_ms = age_ms,
            .kind = m->kind,
            .domid = m->domid,
            .name = r ? r->name : "",
            .size_known = m->size_known,
            .memkb = m->memkb,
        };
    }
    return marks;
}

uint64_t history_step_ms(const struct history *h)
{
    return h->step_ms;
}

size_t history_bytes(const struct history *h)
{
    return bytes_of(h, h->ring_count);
}

struct history *history_new(size_t bytes)
{
    struct history *h = calloc(1, sizeof(*h));

    if (!h)
        abort();
    h->bytes = bytes;
    h->step_ms = HISTORY_STEP_MS;
    h->capacity = HISTORY_SPAN_MS / HISTORY_STEP_MS;
    h->rings_end = &h->rings;
    h->host.steps = calloc(h->capacity, sizeof(*h->host.steps));
    if (!h->host.steps)
        abort();
    return h;
}

void history_free(struct history *h)
{
    if (!h)
        return;
    while (h->rings)
        drop(h, &h->rings);
    free(h->host.steps);
    free(h);
}
