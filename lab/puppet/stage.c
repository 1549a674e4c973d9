/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lab/puppet/puppet.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#include "agent/protocol.h"

/* Of watches: the host asks. */
#define ASKED "a"

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Somebody else (xl destroy) may have ended some of them. */
static unsigned look_for_the_gone(struct stage *s)
{
    unsigned left = 0;

    for (unsigned i = 0; i < s->count; i++) {
        struct puppet *p = &s->puppets[i];
        xc_domaininfo_t info;

        if (!p->gone && (xc_domain_getinfolist(s->xc, p->domid, 1, &info) != 1 || info.domain != p->domid ||
                         info.flags & XEN_DOMINF_dying))
            p->gone = true;
        left += !p->gone;
    }
    return left;
}

/* false: none is left. */
static bool take_events(struct stage *s)
{
    char **event;
    bool some = true;

    while ((event = xs_check_watch(s->xs))) {
        const char *token = event[XS_WATCH_TOKEN];

        if (!strcmp(token, "released")) {
            some = look_for_the_gone(s);
        } else {
            bool asked = *token == ASKED[0];
            unsigned long i = strtoul(token + asked, NULL, 10);

            if (i < s->count && asked)
                puppet_is_asked(s, &s->puppets[i], now_ms());
            else if (i < s->count)
                puppet_look_at_target(s, &s->puppets[i], now_ms());
        }
        free(event);
    }
    return some;
}

static int act_all(struct stage *s)
{
    uint64_t now = now_ms(), next = UINT64_MAX;

    for (unsigned i = 0; i < s->count; i++) {
        struct puppet *p = &s->puppets[i];

        if (!p->gone && p->due_ms <= now)
            puppet_act(s, p, now);
        if (!p->gone && p->due_ms < next)
            next = p->due_ms;
    }
    if (next == UINT64_MAX)
        return -1;
    return next > now ? (int)(next - now) : 0;
}

static void watch(struct stage *s, unsigned i, const char *node, const char *kind)
{
    char path[64], token[16];

    snprintf(path, sizeof(path), "/local/domain/%u/%s", s->puppets[i].domid, node);
    snprintf(token, sizeof(token), "%s%u", kind, i);
    xs_watch(s->xs, path, token);
}

void stage_play(struct stage *s)
{
    struct pollfd fds[2] = {{.events = POLLIN}, {.events = POLLIN}};
    sigset_t ends;

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    fds[0].fd = xs_fileno(s->xs);
    fds[1].fd = signalfd(-1, &ends, SFD_CLOEXEC);
    xs_watch(s->xs, "@releaseDomain", "released");
    for (unsigned i = 0; i < s->count; i++) {
        watch(s, i, AGENT_TARGET_NODE, "");
        if (s->behaviour.needy || s->behaviour.answers)
            watch(s, i, AGENT_INTERVAL_NODE, ASKED);
    }
    for (;;) {
        if (!take_events(s))
            return;
        if (poll(fds, 2, act_all(s)) < 0 && errno != EINTR)
            return;
        if (fds[1].revents)
            return;
    }
}
