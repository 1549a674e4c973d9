/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "balance/engine/state.h"
#include "base/error.h"

/*
 *   Waiting --enough memory is free--> Ready --handed to a domain--> Handed --it runs with all of it--> Done
 *   Waiting --time is up--> Timed out (or Ready with less, not below its minimum)
 *   Waiting, Ready --lease is over--> Expired      Waiting, Ready, Handed --released, domain gone--> Released
 *   Waiting, Ready --asked for again, by its UUID--> the same, or Waiting when it is to be larger
 *
 * Kept with the host under "reservation-<id>": "STATE SIZE MIN MEMKB DOMID SINCE DEADLINE EXPIRES UUID", decimal,
 * written before anybody is told; no UUID is "-". The clock is the host's, which goes on when the balancer does not.
 */

#define NAME_PREFIX "reservation-"
/* A holder that does not come back to a balancer that was started again has gone. */
#define ORPHAN_LEASE_MS 30000u

const char *const reserve_state_names[] = {"waiting",   "ready",   "handed", "released",
                                           "timed-out", "expired", "done",   NULL};

/* ---- keeping ---- */

int reserve_keep(struct balancer *b, const struct reservation *r)
{
    const struct reserve_info *i = &r->info;
    char name[sizeof(NAME_PREFIX) + RESERVE_ID_LEN], value[256];

    snprintf(name, sizeof(name), NAME_PREFIX "%s", i->id);
    if (i->state > RESERVE_HANDED)
        return b->host->ops->keep(b->host, name, NULL);
    snprintf(value, sizeof(value),
             "%d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %s", (int)i->state,
             i->request.size_memkb, i->request.min_memkb, i->memkb, i->request.domid, i->since_ms, i->deadline_ms,
             i->expires_ms, *i->request.uuid ? i->request.uuid : "-");
    return b->host->ops->keep(b->host, name, value);
}

static struct reservation *add(struct balancer *b)
{
    struct reservation *r = calloc(1, sizeof(*r));

    b->reservations = reallocarray(b->reservations, b->reservation_count + 1, sizeof(struct reservation *));
    if (!r || !b->reservations)
        abort();
    b->reservations[b->reservation_count++] = r;
    return r;
}

static void load(void *arg, const char *name, const char *value)
{
    struct balancer *b = arg;
    struct reserve_info i = {.memkb = 0};
    char uuid[37] = "";
    uint64_t number;
    int state, n = 0;

    if (strncmp(name, NAME_PREFIX "r", sizeof(NAME_PREFIX)) || b->reservation_count == RESERVE_MAX)
        return;
    name += sizeof(NAME_PREFIX) - 1;
    if (strlen(name) >= sizeof(i.id) || sscanf(name + 1, "%" SCNu64 "%n", &number, &n) != 1 || name[1 + n])
        return;
    if (sscanf(value, "%d %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu32 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %36s",
               &state, &i.request.size_memkb, &i.request.min_memkb, &i.memkb, &i.request.domid, &i.since_ms,
               &i.deadline_ms, &i.expires_ms, uuid) != 9 ||
        state < RESERVE_WAITING || state > RESERVE_HANDED || i.memkb > PLAN_MEMKB_MAX)
        return;
    strcpy(i.id, name);
    if (strlen(uuid) == sizeof(uuid) - 1)
        strcpy(i.request.uuid, uuid);
    i.state = (enum reserve_state)state;
    i.counted_memkb = i.memkb;
    if (i.expires_ms == NEVER && i.state != RESERVE_HANDED)
        i.expires_ms = b->now_ms + ORPHAN_LEASE_MS;
    add(b)->info = i;
    if (number >= b->next_id)
        b->next_id = number + 1;
}

static int by_age(const void *a, const void *b)
{
    const struct reserve_info *x = &(*(struct reservation *const *)a)->info;
    const struct reserve_info *y = &(*(struct reservation *const *)b)->info;

    if (x->since_ms != y->since_ms)
        return x->since_ms < y->since_ms ? -1 : 1;
    return strcmp(x->id, y->id);
}

void reserve_load(struct balancer *b)
{
    b->next_id = 1;
    b->host->ops->kept(b->host, load, b);
    if (b->reservation_count)
        qsort(b->reservations, b->reservation_count, sizeof(struct reservation *), by_age);
}

void reserve_free(struct balancer *b)
{
    for (size_t i = 0; i < b->reservation_count; i++)
        free(b->reservations[i]);
    free(b->reservations);
}

/* ---- changes of state ---- */

static void tell_reservation(struct balancer *b, const struct reservation *r)
{
    balancer_tell(b, &(struct host_event){.type = HOST_EVENT_RESERVATION,
                                          .domid = r->info.request.domid,
                                          .new_memkb = r->info.memkb,
                                          .what = r->info.id,
                                          .why = reserve_state_names[r->info.state]});
}

void reserve_become(struct balancer *b, struct reservation *r, enum reserve_state state)
{
    r->info.state = state;
    /* What it lived by while it was nobody's counts no more. */
    if (state == RESERVE_HANDED)
        r->info.expires_ms = b->now_ms + RESERVE_HANDED_LEASE_MS;
    reserve_keep(b, r);
    tell_reservation(b, r);
}

void reserve_sweep(struct balancer *b)
{
    size_t n = 0;

    for (size_t i = 0; i < b->reservation_count; i++) {
        if (b->reservations[i]->info.state > RESERVE_HANDED)
            free(b->reservations[i]);
        else
            b->reservations[n++] = b->reservations[i];
    }
    b->reservation_count = n;
}

static void finish(struct balancer *b, struct reservation *r, enum reserve_state state)
{
    reserve_become(b, r, state);
    reserve_sweep(b);
    balancer_round_soon(b);
}

static struct reservation *find(struct balancer *b, const char *id)
{
    for (size_t i = 0; i < b->reservation_count; i++) {
        if (!strcmp(b->reservations[i]->info.id, id))
            return b->reservations[i];
    }
    return NULL;
}

/* ---- requests ---- */

/* One that waits for the domain of that UUID already: there is one such domain to come, whoever asks for it. Who has a
 * guest migrate to this host reserves for it, and then who receives it does. */
static struct reservation *find_unhanded(struct balancer *b, const char *uuid)
{
    for (size_t i = 0; i < b->reservation_count && *uuid; i++) {
        const struct reserve_info *info = &b->reservations[i]->info;

        if (info->state <= RESERVE_READY && !strcmp(info->request.uuid, uuid))
            return b->reservations[i];
    }
    return NULL;
}

static struct reservation *begin(struct balancer *b)
{
    struct reservation *r = add(b);

    snprintf(r->info.id, sizeof(r->info.id), "r%" PRIu64, b->next_id++);
    r->info.since_ms = b->now_ms;
    return r;
}

/* Of one that has as much already, only the times are other. */
static void ask_for(struct balancer *b, struct reservation *r, const struct reserve_request *request)
{
    struct reserve_info *info = &r->info;

    info->deadline_ms = request->timeout_ms ? b->now_ms + request->timeout_ms : NEVER;
    info->expires_ms = request->lease_ms ? b->now_ms + request->lease_ms : NEVER;
    if (info->state == RESERVE_READY && info->memkb >= request->size_memkb)
        return;
    info->request = *request;
    if (!request->min_memkb)
        info->request.min_memkb = request->size_memkb;
    info->state = RESERVE_WAITING;
    info->memkb = info->counted_memkb = request->size_memkb;
}

int balancer_reserve(struct balancer *b, const struct reserve_request *request, char id[RESERVE_ID_LEN])
{
    struct reservation *r;
    bool again;
    int rc;

    if (!request->size_memkb || request->size_memkb > PLAN_MEMKB_MAX || request->min_memkb > request->size_memkb)
        return ERROR_INVAL;
    r = find_unhanded(b, request->uuid);
    again = r;
    if (!again && b->reservation_count >= RESERVE_MAX)
        return ERROR_BUFFERFULL;
    b->now_ms = b->host->ops->now_ms(b->host);
    if (!again)
        r = begin(b);
    ask_for(b, r, request);
    rc = reserve_keep(b, r);
    if (rc && !again) {
        r->info.state = RESERVE_RELEASED;
        reserve_sweep(b);
    }
    if (rc)
        return rc;
    strcpy(id, r->info.id);
    balancer_round_soon(b);
    return 0;
}

int balancer_release(struct balancer *b, const char *id)
{
    struct reservation *r = find(b, id);

    if (!r)
        return ERROR_NOTFOUND;
    b->now_ms = b->host->ops->now_ms(b->host);
    finish(b, r, RESERVE_RELEASED);
    return 0;
}

int balancer_hand(struct balancer *b, const char *id, uint32_t domid)
{
    struct reservation *r = find(b, id);

    if (!r)
        return ERROR_NOTFOUND;
    if (!dom_find(b, domid))
        return ERROR_DOMAIN_NOTFOUND;
    b->now_ms = b->host->ops->now_ms(b->host);
    r->info.request.domid = domid;
    r->info.expires_ms = b->now_ms + RESERVE_HANDED_LEASE_MS;
    if (r->info.state == RESERVE_READY)
        reserve_become(b, r, RESERVE_HANDED);
    else
        reserve_keep(b, r);
    balancer_round_soon(b);
    return 0;
}

int balancer_lease(struct balancer *b, const char *id, uint64_t lease_ms)
{
    struct reservation *r = find(b, id);

    if (!r)
        return ERROR_NOTFOUND;
    if (r->info.state == RESERVE_HANDED)
        return 0;
    b->now_ms = b->host->ops->now_ms(b->host);
    r->info.expires_ms = lease_ms ? b->now_ms + lease_ms : NEVER;
    balancer_round_wanted(b, r->info.expires_ms);
    return reserve_keep(b, r);
}

const struct reserve_info *balancer_reservation(struct balancer *b, const char *id)
{
    struct reservation *r = find(b, id);

    return r ? &r->info : NULL;
}

const struct reserve_info **balancer_reservations(struct balancer *b, struct gc *gc, size_t *count)
{
    const struct reserve_info **infos = gc_array(gc, b->reservation_count + 1, sizeof(*infos));

    for (size_t i = 0; i < b->reservation_count; i++)
        infos[i] = &b->reservations[i]->info;
    *count = b->reservation_count;
    return infos;
}

void reserve_domain_gone(struct balancer *b, uint32_t domid)
{
    for (size_t i = 0; i < b->reservation_count; i++) {
        if (b->reservations[i]->info.request.domid == domid)
            reserve_become(b, b->reservations[i], RESERVE_RELEASED);
    }
    reserve_sweep(b);
}
