/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "memd/memd.h"

void notify_say(struct notify *notify, const char *state)
{
    /* systemd that does not read is its own trouble: memd never waits for it. */
    if (notify->fd >= 0 && send(notify->fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return;
}

static void time_to_feed(struct ev_timer *t);

static void feed_watchdog(struct notify *notify)
{
    notify_say(notify, "WATCHDOG=1");
    notify->fed_ms = uv_now(notify->loop);
    ev_timer_stop(&notify->watchdog);
    ev_timer_start(notify->loop, &notify->watchdog, notify->feed_every_ms, 0, time_to_feed);
}

static void time_to_feed(struct ev_timer *t)
{
    feed_watchdog(CONTAINER_OF(t, struct notify, watchdog));
}

void notify_woken(struct notify *notify)
{
    if (notify->feed_every_ms && uv_now(notify->loop) - notify->fed_ms >= notify->feed_every_ms / 2)
        feed_watchdog(notify);
}

/* Zero when there is no watchdog, or it is meant for another process. */
static uint64_t watchdog_us(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    uint64_t value, meant;

    if (!usec || parse_u64(usec, UINT64_MAX / 2, &value, NULL))
        return 0;
    if (pid && (parse_u64(pid, INT32_MAX, &meant, NULL) || meant != (uint64_t)getpid()))
        return 0;
    return value;
}

void notify_start(struct xlx_ctx *ctx, struct notify *notify)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    uint64_t us;

    notify->fd = -1;
    if (!path || !*path)
        return;
    if (strlen(path) >= sizeof(address.sun_path)) {
        LOG(ctx, WARN, "cannot tell systemd anything: $NOTIFY_SOCKET is too long");
        return;
    }
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    /* A leading @ stands for the abstract namespace. */
    if (*path == '@')
        address.sun_path[0] = 0;
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (notify->fd < 0 || connect(notify->fd, (struct sockaddr *)&address,
                                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)))) {
        LOG(ctx, WARN, "cannot tell systemd anything: %s: %s", path, strerror(errno));
        notify_stop(notify);
        return;
    }
    us = watchdog_us();
    if (!us)
        return;
    notify->loop = &ctx->loop;
    notify->feed_every_ms = us / 2000 + !(us / 2000);
    notify->fed_ms = uv_now(notify->loop);
    ev_timer_start(notify->loop, &notify->watchdog, notify->feed_every_ms, 0, time_to_feed);
}

void notify_stop(struct notify *notify)
{
    ev_timer_stop(&notify->watchdog);
    notify->feed_every_ms = 0;
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}
