/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Beyond its fair share a domain is lent what others do not need. What it does not give back when it is asked it owes;
 * until it has given that it is lent nothing more. A bounded credit grows by what the domain was seen to give.
 *
 * Kept with the host under "lend-UUID" (or "lend-name-HASH", of a domain without a UUID): "owed KIB given KIB refusals N
 * until MS", so that neither a new domid nor a new balancer makes it forgotten. The memory of a domain that is gone came
 * back; that it had to be killed for it is forgotten after PARDON_MS, twice that after a second time, and so on.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "balance/engine/state.h"

#define NAME_PREFIX "lend-"
#define PARDON_MS UINT64_C(600000)
#define PARDON_MOST_MS UINT64_C(86400000)
/* So many are remembered; of more those who owe nothing are forgotten. */
#define CREDITS_MAX 512u
/* A bounded credit grows to so many times what it was. */
#define GROWTH_MOST 4u
/* What was given is written down in such steps. */
#define GIVEN_STEP_MEMKB (UINT64_C(16) << 10)

static void name_of(const struct dom *d, char name[CREDIT_NAME_LEN])
{
    uint64_t hash = UINT64_C(14695981039346656037);

    if (*d->facts.uuid) {
        snprintf(name, CREDIT_NAME_LEN, NAME_PREFIX "%s", d->facts.uuid);
        return;
    }
    /* FNV-1a: a name may have signs that what is kept may not. */
    for (const char *c = d->facts.name; *c; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    snprintf(name, CREDIT_NAME_LEN, NAME_PREFIX "name-%016" PRIx64, hash);
}

static struct kept_credit *find(struct balancer *b, const char *name)
{
    for (size_t i = 0; i < b->credit_count; i++) {
        if (!strcmp(b->credits[i].name, name))
            return &b->credits[i];
    }
    return NULL;
}

static void forget(struct balancer *b, struct kept_credit *k)
{
    b->host->ops->keep(b->host, k->name, NULL);
    *k = b->credits[--b->credit_count];
}

static bool make_room(struct balancer *b)
{
    for (size_t i = 0; i < b->credit_count && b->credit_count >= CREDITS_MAX; i++) {
        if (!b->credits[i].credit.owed_memkb)
            forget(b, &b->credits[i]);
    }
    return b->credit_count < CREDITS_MAX;
}

static struct kept_credit *add(struct balancer *b, const char *name)
{
    struct kept_credit *k;

    if (!make_room(b))
        return NULL;
    b->credits = reallocarray(b->credits, b->credit_count + 1, sizeof(*b->credits));
    if (!b->credits)
        abort();
    k = &b->credits[b->credit_count++];
    *k = (struct kept_credit){.credit = {0}};
    snprintf(k->name, sizeof(k->name), "%s", name);
    return k;
}

static void store(struct balancer *b, struct dom *d)
{
    const struct credit *c = &d->credit;
    char name[CREDIT_NAME_LEN], value[128];
    struct kept_credit *k;

    name_of(d, name);
    k = find(b, name);
    if (!c->owed_memkb && !c->given_memkb && !c->refusals) {
        if (k)
            forget(b, k);
        return;
    }
    if (!k)
        k = add(b, name);
    if (!k)
        return;
    k->credit = *c;
    snprintf(value, sizeof(value), "owed %" PRIu64 " given %" PRIu64 " refusals %u until %" PRIu64, c->owed_memkb,
             c->given_memkb, c->refusals, c->pardoned_at_ms);
    b->host->ops->keep(b->host, name, value);
}

static void load(void *arg, const char *name, const char *value)
{
    struct balancer *b = arg;
    struct kept_credit *k;
    struct credit c;

    if (strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) || strlen(name) >= CREDIT_NAME_LEN ||
        sscanf(value, "owed %" SCNu64 " given %" SCNu64 " refusals %u until %" SCNu64, &c.owed_memkb, &c.given_memkb,
               &c.refusals, &c.pardoned_at_ms) != 4 ||
        c.owed_memkb > PLAN_MEMKB_MAX || c.given_memkb > PLAN_MEMKB_MAX)
        return;
    k = add(b, name);
    if (k)
        k->credit = c;
}

void credit_load(struct balancer *b)
{
    b->host->ops->kept(b->host, load, b);
}

void credit_find(struct balancer *b, struct dom *d)
{
    char name[CREDIT_NAME_LEN];
    const struct kept_credit *k;

    if (d->credit_loaded || !d->facts.managed)
        return;
    d->credit_loaded = true;
    name_of(d, name);
    k = find(b, name);
    if (k)
        d->credit = k->credit;
}

void credit_refused(struct balancer *b, struct dom *d)
{
    /* What is its own share nobody lent it. */
    uint64_t own = d->target_memkb > d->fair_memkb ? d->target_memkb : d->fair_memkb;
    uint64_t owed = d->actual_memkb > own ? d->actual_memkb - own : 0;

    if (!owed)
        return;
    if (owed > d->credit.owed_memkb)
        d->credit.owed_memkb = owed;
    if (d->credit.refusals < 16)
        d->credit.refusals++;
    d->credit.pardoned_at_ms = 0;
    store(b, d);
}

void credit_gave(struct balancer *b, struct dom *d, uint64_t memkb)
{
    struct credit *c = &d->credit;
    uint64_t steps = c->given_memkb / GIVEN_STEP_MEMKB;
    bool owed = c->owed_memkb;

    c->given_memkb += memkb;
    if (c->given_memkb > PLAN_MEMKB_MAX)
        c->given_memkb = PLAN_MEMKB_MAX;
    /* Of one that came back the debt is of its former life. */
    if (!c->pardoned_at_ms)
        c->owed_memkb -= memkb < c->owed_memkb ? memkb : c->owed_memkb;
    if (!c->owed_memkb)
        c->refusals = 0;
    /* Without a bound nobody asks what it gave. */
    if ((owed && !c->owed_memkb) || (c->given_memkb / GIVEN_STEP_MEMKB != steps && credit_beyond_memkb(b, d) != NEVER))
        store(b, d);
}

void credit_settle(struct balancer *b, struct dom *d)
{
    uint64_t lent = d->actual_memkb > d->fair_memkb ? d->actual_memkb - d->fair_memkb : 0;

    /* Of one that came back the debt is another's memory: it waits to be pardoned. */
    if (!d->credit.owed_memkb || d->credit.pardoned_at_ms || lent >= d->credit.owed_memkb)
        return;
    d->credit.owed_memkb = lent;
    if (!lent)
        store(b, d);
}

void credit_domain_gone(struct balancer *b, struct dom *d)
{
    struct credit *c = &d->credit;
    uint64_t pause = PARDON_MS;

    if (!c->owed_memkb)
        return;
    for (unsigned i = 1; i < c->refusals && pause < PARDON_MOST_MS; i++)
        pause *= 2;
    c->pardoned_at_ms = b->now_ms + (pause < PARDON_MOST_MS ? pause : PARDON_MOST_MS);
    store(b, d);
}

uint64_t credit_beyond_memkb(const struct balancer *b, const struct dom *d)
{
    const struct host_lend *lend = d->facts.lend.kind == HOST_LEND_DEFAULT ? &b->config.lend : &d->facts.lend;
    const struct credit *c = &d->credit;
    uint64_t base;

    if (c->owed_memkb && (!c->pardoned_at_ms || b->now_ms < c->pardoned_at_ms))
        return 0;
    if (lend->kind == HOST_LEND_ALL || lend->kind == HOST_LEND_DEFAULT)
        return NEVER;
    base = lend->kind == HOST_LEND_MEMKB ? lend->amount : d->fair_memkb / 100 * lend->amount;
    if (base > PLAN_MEMKB_MAX)
        base = PLAN_MEMKB_MAX;
    return base + (c->given_memkb < (GROWTH_MOST - 1) * base ? c->given_memkb : (GROWTH_MOST - 1) * base);
}
