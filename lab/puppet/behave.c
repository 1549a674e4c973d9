/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lab/puppet/puppet.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/protocol.h"

/* One batch, as Linux's driver takes it. */
#define BATCH 512
#define TICK_MS 50
#define CREEP_KB_PER_S 8
#define HOSTILE_TICK_MS 20
#define LIE_EVERY_MS 1000
/* As xl-ext-agent tells in a guest that starves. */
#define TELL_EVERY_MS 500
/* drivers/xen/balloon.c: delays of 1, 2, 4, ... seconds, four tries. */
#define GIVEUP_TRIES 4

bool behaviour_parse(const char *text, struct behaviour *b)
{
    char copy[128], *rest = copy, *word;

    memset(b, 0, sizeof(*b));
    if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
        return false;
    while ((word = strsep(&rest, ","))) {
        unsigned long long value;
        char end;

        if (!strcmp(word, "instant"))
            b->rate_kb = 0;
        else if (!strcmp(word, "stuck"))
            b->stuck = true;
        else if (!strcmp(word, "giveup"))
            b->giveup = true;
        else if (!strcmp(word, "hostile"))
            b->hostile = true;
        else if (!strcmp(word, "hungry"))
            b->hostile = b->hungry = true;
        else if (!strcmp(word, "needy"))
            b->needy = true;
        else if (!strcmp(word, "answers"))
            b->answers = true;
        else if (!strcmp(word, "creep"))
            b->rate_kb = CREEP_KB_PER_S;
        else if (sscanf(word, "rate=%llu%c", &value, &end) == 1 && value)
            b->rate_kb = value;
        else if (sscanf(word, "floor=%llu%c", &value, &end) == 1)
            b->floor_page = value * PAGES_PER_MIB;
        else
            return false;
    }
    return true;
}

/* Pages added (positive) or given back (negative); less than asked for when Xen refuses. */
static int64_t move_pages(struct stage *s, struct puppet *p, int64_t credit)
{
    static xen_pfn_t gfns[BATCH];
    int64_t moved = 0;

    while (moved != credit) {
        int64_t left = credit - moved;
        unsigned long n = (unsigned long)(left < 0 ? -left : left);
        int done;

        if (n > BATCH)
            n = BATCH;
        for (unsigned long i = 0; i < n; i++)
            gfns[i] = left > 0 ? p->pages + i : p->pages - 1 - i;
        done = left > 0 ? xc_domain_populate_physmap(s->xc, p->domid, n, 0, 0, gfns)
                        : xc_domain_decrease_reservation(s->xc, p->domid, n, 0, gfns);
        if (done <= 0)
            break;
        moved += left > 0 ? done : -done;
        p->pages = left > 0 ? p->pages + (uint64_t)done : p->pages - (uint64_t)done;
        if ((unsigned long)done < n)
            break;
    }
    return moved;
}

/* What it would do now if nothing stood in its way: pages, signed. */
static int64_t wanted_now(const struct stage *s, const struct puppet *p, uint64_t now_ms)
{
    uint64_t goal = p->target_pages;
    int64_t credit, allowed;

    if (goal < s->behaviour.floor_page && goal < p->pages)
        goal = p->pages < s->behaviour.floor_page ? p->pages : s->behaviour.floor_page;
    credit = (int64_t)goal - (int64_t)p->pages;
    if (!s->behaviour.rate_kb)
        return credit;
    allowed = (int64_t)(s->behaviour.rate_kb * (now_ms - p->moved_ms) / 1000 / PAGE_KB);
    if (credit > allowed)
        return allowed;
    return credit < -allowed ? -allowed : credit;
}

static void failed(struct puppet *p, uint64_t now_ms)
{
    p->failed_tries++;
    if (p->failed_tries >= GIVEUP_TRIES) {
        p->asleep = true;
        p->asleep_credit = (int64_t)p->target_pages - (int64_t)p->pages;
        p->due_ms = UINT64_MAX;
        return;
    }
    p->due_ms = now_ms + (UINT64_C(1000) << (p->failed_tries - 1));
}

static void tell(struct stage *s, const struct puppet *p, uint64_t available_bytes)
{
    char path[64], text[128];

    snprintf(path, sizeof(path), "/local/domain/%u/" AGENT_STATS_NODE, p->domid);
    snprintf(text, sizeof(text), "total-memory %" PRIu64 "\navailable-memory %" PRIu64 "\n", p->pages * PAGE_KB * 1024,
             available_bytes);
    xs_write(s->xs, XBT_NULL, path, text, (unsigned)strlen(text));
}

/* Whatever its target is: one page after the other until the hypervisor says no, and again. */
static void act_hostile(struct stage *s, struct puppet *p, uint64_t now_ms)
{
    move_pages(s, p, PAGES_PER_MIB * UINT64_C(64));
    if (now_ms - p->told_ms >= LIE_EVERY_MS) {
        /* That nearly all of what it holds is free, or that nothing is. */
        tell(s, p, s->behaviour.hungry ? 0 : p->pages * PAGE_KB * 1024 / 8 * 7);
        p->told_ms = now_ms;
    }
    p->due_ms = now_ms + HOSTILE_TICK_MS;
}

static void follow(struct stage *s, struct puppet *p, uint64_t now_ms)
{
    int64_t wanted, moved;

    p->due_ms = UINT64_MAX;
    if (s->behaviour.stuck || p->pages == p->target_pages)
        return;
    wanted = wanted_now(s, p, now_ms);
    moved = wanted ? move_pages(s, p, wanted) : 0;
    if (moved)
        p->moved_ms = now_ms;
    if (p->pages == p->target_pages) {
        p->failed_tries = 0;
        return;
    }
    if (s->behaviour.giveup && moved != wanted) {
        failed(p, now_ms);
        return;
    }
    if (s->behaviour.giveup && s->behaviour.floor_page && !wanted && p->target_pages < s->behaviour.floor_page) {
        failed(p, now_ms);
        return;
    }
    p->failed_tries = 0;
    /* Without a rate it stands at its floor or at its limit: it looks again once a second, as Linux retries. */
    p->due_ms = now_ms + (s->behaviour.rate_kb ? TICK_MS : 1000);
    if (s->behaviour.rate_kb && s->behaviour.rate_kb * TICK_MS / 1000 < PAGE_KB)
        p->due_ms = p->moved_ms + PAGE_KB * 1000 / s->behaviour.rate_kb + 1;
    if (p->due_ms <= now_ms)
        p->due_ms = now_ms + 1000;
}

/* It uses whatever it has been given, and would use more. */
static void tell_need(struct stage *s, struct puppet *p, uint64_t now_ms)
{
    uint64_t tell_ms = p->told_ms + TELL_EVERY_MS;

    if (p->pages == p->told_pages)
        return;
    if (now_ms >= tell_ms) {
        tell(s, p, 0);
        p->told_ms = now_ms;
        p->told_pages = p->pages;
    } else if (tell_ms < p->due_ms) {
        p->due_ms = tell_ms;
    }
}

void puppet_act(struct stage *s, struct puppet *p, uint64_t now_ms)
{
    if (p->gone) {
        p->due_ms = UINT64_MAX;
    } else if (s->behaviour.hostile) {
        act_hostile(s, p, now_ms);
    } else {
        follow(s, p, now_ms);
        if (s->behaviour.needy)
            tell_need(s, p, now_ms);
    }
}

/* What was written for it stands for what its agent sees. */
static void say_again(struct stage *s, const struct puppet *p)
{
    char path[64], *text;
    unsigned len;

    snprintf(path, sizeof(path), "/local/domain/%u/" AGENT_STATS_NODE, p->domid);
    text = xs_read(s->xs, XBT_NULL, path, &len);
    if (text)
        xs_write(s->xs, XBT_NULL, path, text, len);
    free(text);
}

void puppet_is_asked(struct stage *s, struct puppet *p, uint64_t now_ms)
{
    if (p->gone)
        return;
    if (s->behaviour.answers)
        say_again(s, p);
    p->told_pages = 0;
    p->told_ms = 0;
    if (s->behaviour.needy)
        puppet_act(s, p, now_ms);
}

void puppet_look_at_target(struct stage *s, struct puppet *p, uint64_t now_ms)
{
    char path[64], *text, *end;
    unsigned long long kb;
    unsigned len;

    if (p->gone)
        return;
    snprintf(path, sizeof(path), "/local/domain/%u/memory/target", p->domid);
    text = xs_read(s->xs, XBT_NULL, path, &len);
    if (!text)
        return;
    kb = strtoull(text, &end, 10);
    /* Garbage is ignored, as Linux does. */
    if (len && !*end && *text != '-') {
        p->target_pages = kb / PAGE_KB;
        if (p->asleep && (int64_t)p->target_pages - (int64_t)p->pages == p->asleep_credit) {
            free(text);
            return;
        }
        p->asleep = false;
        p->failed_tries = 0;
        /* A rate counts from the moment of the request, not from the last one. */
        if (p->due_ms == UINT64_MAX)
            p->moved_ms = now_ms;
        puppet_act(s, p, now_ms);
    }
    free(text);
}
