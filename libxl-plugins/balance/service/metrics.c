/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/service/metrics.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <microhttpd.h>

#include "balance/service/metrics-listen.h"
#include "balance/service/metrics-page.h"
#include "balance/service/service.h"
#include "base/cleanup.h"
#include "base/error.h"

/* One that comes when there are so many takes the place of the oldest. */
#define CONNECTIONS_MAX METRICS_BACKLOG
/* So long nothing may come from a client, and so long it may take for all. */
#define CONNECTION_TIMEOUT_S 5
#define CONNECTION_LIFE_MS 5000

struct connection {
    TAILQ_ENTRY(connection) link;
    int fd;
    uint64_t ends_ms; /* loop time */
    bool shut;        /* the library has yet to see that */
};

struct metrics {
    struct balance_service *service;
    struct MHD_Daemon *daemon;
    struct metrics_place place;
    struct ev_fd ev;
    struct ev_timer timer;                           /* only while somebody is connected */
    TAILQ_HEAD(connections, connection) connections; /* oldest first */
    unsigned open;                                   /* those that are not shut */
};

/* ---- who may ask, and for how long ---- */

static void shut(struct metrics *m, struct connection *c)
{
    if (c->shut)
        return;
    /* The library sees the end of the connection, and closes it. */
    shutdown(c->fd, SHUT_RDWR);
    c->shut = true;
    m->open--;
}

static struct connection *oldest_open(struct metrics *m)
{
    struct connection *c = TAILQ_FIRST(&m->connections);

    while (c && c->shut)
        c = TAILQ_NEXT(c, link);
    return c;
}

static void came(struct metrics *m, struct MHD_Connection *connection, void **slot)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct connection *c = calloc(1, sizeof(*c));

    if (!c || !info)
        abort();
    c->fd = info->connect_fd;
    c->ends_ms = uv_now(&m->service->ctx->loop) + CONNECTION_LIFE_MS;
    TAILQ_INSERT_TAIL(&m->connections, c, link);
    m->open++;
    *slot = c;
    if (m->open >= CONNECTIONS_MAX)
        shut(m, oldest_open(m));
}

static void went(struct metrics *m, struct connection *c)
{
    if (!c->shut)
        m->open--;
    TAILQ_REMOVE(&m->connections, c, link);
    free(c);
}

static void connection_changed(void *arg, struct MHD_Connection *connection, void **slot,
                               enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        came(arg, connection, slot);
    else if (*slot)
        went(arg, TAKE_PTR(*slot));
}

bool metrics_host_is_local(const char *host)
{
    size_t len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    struct in_addr address;
    char name[32];

    if (len >= sizeof(name) || len > strlen(host))
        return false;
    memcpy(name, host, len);
    name[len] = 0;
    if (host[len] && (host[len] != ':' || !host[len + 1] || host[len + 1 + strspn(host + len + 1, "0123456789")]))
        return false;
    return !strcasecmp(name, "localhost") || !strcmp(name, "[::1]") ||
           (inet_pton(AF_INET, name, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

/* A browser that was led here by a name that its owner lets lead anywhere says that name. */
static bool is_meant(const struct metrics *m, struct MHD_Connection *connection)
{
    const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);

    return !m->place.local || !host || metrics_host_is_local(host);
}

/* ---- HTTP ---- */

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, const char *text, size_t len)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(len, (void *)text, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result;

    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result asked(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                             const char *version, const char *upload, size_t *upload_size, void **request)
{
    static const char lost[] = "metrics are at /metrics\n", only_get[] = "only GET\n";
    static const char elsewhere[] = "this is localhost\n";
    struct metrics *m = arg;
    struct text page;
    GC_SCOPE(gc);

    if (!is_meant(m, connection))
        return reply(connection, MHD_HTTP_MISDIRECTED_REQUEST, elsewhere, sizeof(elsewhere) - 1);
    if (strcmp(method, MHD_HTTP_METHOD_GET))
        return reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED, only_get, sizeof(only_get) - 1);
    if (strcmp(url, "/metrics"))
        return reply(connection, MHD_HTTP_NOT_FOUND, lost, sizeof(lost) - 1);
    page = metrics_page(gc, m->service);
    return reply(connection, MHD_HTTP_OK, page.bytes, page.len);
}

/* ---- on our loop ---- */

static void work(struct metrics *m);

static void time_is_up(struct ev_timer *t)
{
    work(CONTAINER_OF(t, struct metrics, timer));
}

static void ready(struct ev_fd *ev, int fd, short revents)
{
    work(CONTAINER_OF(ev, struct metrics, ev));
}

static void work(struct metrics *m)
{
    uint64_t now_ms = uv_now(&m->service->ctx->loop);
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    struct connection *oldest;
    bool waits;

    while ((oldest = oldest_open(m)) && oldest->ends_ms <= now_ms)
        shut(m, oldest);
    MHD_run(m->daemon);
    ev_timer_stop(&m->timer);
    waits = MHD_get_timeout(m->daemon, &timeout_ms) == MHD_YES;
    oldest = oldest_open(m);
    if (oldest && (!waits || oldest->ends_ms - now_ms < timeout_ms))
        timeout_ms = oldest->ends_ms - now_ms;
    if (waits || oldest)
        ev_timer_start(&m->service->ctx->loop, &m->timer, timeout_ms, 0, time_is_up);
}

/* ---- start and stop ---- */

static int start(struct metrics *m)
{
    struct xlx_ctx *ctx = m->service->ctx;
    const union MHD_DaemonInfo *info;

    m->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, asked, m, MHD_OPTION_LISTEN_SOCKET, m->place.fd,
                                 MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                                 (unsigned)CONNECTION_TIMEOUT_S, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, m,
                                 MHD_OPTION_END);
    /* It closes the socket when it ends. */
    if (m->daemon)
        m->place.fd = -1;
    info = m->daemon ? MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info || ev_fd_start(&ctx->loop, &m->ev, info->epoll_fd, POLLIN, ready)) {
        LOG(ctx, ERROR, "cannot serve metrics");
        return ERROR_FAIL;
    }
    return 0;
}

int metrics_start(struct balance_service *s, struct metrics **metrics)
{
    struct metrics_place place = METRICS_NOWHERE;
    struct metrics *m;
    int rc;

    *metrics = NULL;
    rc = metrics_listen(s->ctx, s->env->config, &place);
    if (rc || place.fd < 0)
        return rc;
    m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    m->service = s;
    m->place = place;
    TAILQ_INIT(&m->connections);
    rc = start(m);
    if (rc) {
        metrics_stop(m);
        return rc;
    }
    *metrics = m;
    return 0;
}

void metrics_stop(struct metrics *m)
{
    if (!m)
        return;
    ev_timer_stop(&m->timer);
    ev_fd_stop(&m->ev);
    if (m->daemon)
        MHD_stop_daemon(m->daemon);
    metrics_unlisten(&m->place);
    free(m);
}
