/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/service/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <microhttpd.h>

#include "balance/service/service.h"
#include "balance/policy/plan-json.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/visible.h"

/* One that comes when there are so many takes the place of the oldest. */
#define CONNECTIONS_MAX 32
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
    char *path; /* of a unix socket, else NULL */
    int fd;
    struct ev_fd ev;
    struct ev_timer timer;                           /* only while somebody is connected */
    TAILQ_HEAD(connections, connection) connections; /* oldest first */
    unsigned open;                                   /* those that are not shut */
};

/* ---- the text ---- */

struct page {
    struct gc *gc;
    char *text;
    size_t len, size;
};

static void add(struct page *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct page *p, const char *format, ...)
{
    va_list args;
    char *line;
    size_t len;

    va_start(args, format);
    line = gc_vprintf(p->gc, format, args);
    va_end(args);
    len = strlen(line);
    if (p->len + len + 1 > p->size) {
        p->size = (p->len + len + 1) * 2;
        p->text = gc_realloc(p->gc, p->text, p->size);
    }
    memcpy(p->text + p->len, line, len + 1);
    p->len += len;
    gc_release(p->gc, line);
}

static void head(struct page *p, const char *name, const char *type, const char *help)
{
    add(p, "# HELP xlext_%s %s\n# TYPE xlext_%s %s\n", name, help, name, type);
}

static void one(struct page *p, const char *name, const char *type, const char *help, uint64_t value)
{
    head(p, name, type, help);
    add(p, "xlext_%s %" PRIu64 "\n", name, value);
}

/* Backslash and quote as the format has it. A reader refuses the whole page for one byte that is no UTF-8. */
static const char *label(struct gc *gc, const char *name)
{
    const char *text = visible_copy(gc, name);
    char *out = gc_alloc(gc, strlen(text) * 2 + 1), *o = out;

    for (; *text; text++) {
        if (*text == '\\' || *text == '"')
            *o++ = '\\';
        *o++ = *text;
    }
    return out;
}

static void add_host(struct page *p, struct balance_service *s)
{
    const struct balancer_counters *c = balancer_counters(s->balancer);
    struct balancer_host h;

    balancer_view_host(s->balancer, &h);
    one(p, "host_total_bytes", "gauge", "Memory of the host.", h.memory.total_memkb * 1024);
    one(p, "host_free_bytes", "gauge", "Free memory of the host.", h.memory.free_memkb * 1024);
    one(p, "host_claimed_bytes", "gauge", "Free memory that is claimed for domains being built.",
        h.memory.claimed_memkb * 1024);
    one(p, "host_reserve_bytes", "gauge", "What is to stay free.", h.reserve_memkb * 1024);
    one(p, "host_reserved_bytes", "gauge", "What reservations hold free.", h.reserved_memkb * 1024);
    one(p, "host_shortfall_bytes", "gauge", "What the minimums lack.", h.shortfall_memkb * 1024);
    one(p, "rounds_total", "counter", "Rounds of the balancer.", c->rounds);
    one(p, "reports_read_total", "counter", "Reports of guests that were read.", c->reports_read);
    one(p, "targets_written_total", "counter", "Targets that were written.", c->targets_written);
    one(p, "rearmed_total", "counter", "Guests that had given up and were woken.", c->rearmed);
    one(p, "emergencies_total", "counter", "How often the hypervisor said that memory runs out.", c->emergencies);
}

struct figure {
    const char *name, *help;
    uint64_t (*of)(const struct balancer_domain *d);
};

static uint64_t actual(const struct balancer_domain *d)
{
    return d->plan.actual_memkb * 1024;
}

static uint64_t target(const struct balancer_domain *d)
{
    return d->plan.target_memkb * 1024;
}

static uint64_t demand(const struct balancer_domain *d)
{
    return d->plan.demand_known ? d->plan.demand_memkb * 1024 : 0;
}

static uint64_t minimum(const struct balancer_domain *d)
{
    return d->facts.min_memkb * 1024;
}

static uint64_t maximum(const struct balancer_domain *d)
{
    return d->facts.max_memkb * 1024;
}

static uint64_t stuck(const struct balancer_domain *d)
{
    return d->balloon == PLAN_BALLOON_STUCK;
}

static uint64_t pinned(const struct balancer_domain *d)
{
    return d->pinned;
}

static void add_domains(struct page *p, struct balance_service *s)
{
    static const struct figure figures[] = {
        {"domain_actual_bytes", "What the domain holds.", actual},
        {"domain_target_bytes", "What it is asked to hold.", target},
        {"domain_demand_bytes", "What it wants, 0 when it does not say.", demand},
        {"domain_min_bytes", "Its minimum.", minimum},
        {"domain_max_bytes", "Its maximum.", maximum},
        {"domain_stuck", "1: it does not follow its target.", stuck},
        {"domain_pinned", "1: somebody else has set its target.", pinned},
    };
    size_t count;
    uint32_t *domids = balancer_domids(s->balancer, p->gc, &count);

    for (size_t f = 0; f < ARRAY_LEN(figures); f++) {
        head(p, figures[f].name, "gauge", figures[f].help);
        for (size_t i = 0; i < count; i++) {
            struct balancer_domain d;

            if (balancer_view_domain(s->balancer, p->gc, domids[i], &d) || !d.facts.managed)
                continue;
            add(p, "xlext_%s{domid=\"%u\",name=\"%s\"} %" PRIu64 "\n", figures[f].name, domids[i],
                label(p->gc, d.facts.name), figures[f].of(&d));
        }
    }
}

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
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t len = strlen(names[i]);

        if (!strncasecmp(host, names[i], len) &&
            (!host[len] ||
             (host[len] == ':' && host[len + 1] && !host[len + 1 + strspn(host + len + 1, "0123456789")])))
            return true;
    }
    return false;
}

/* A browser that was led here by a name that its owner lets lead anywhere says that name. */
static bool is_meant(const struct metrics *m, struct MHD_Connection *connection)
{
    const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);

    return m->path || !host || metrics_host_is_local(host);
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
    GC_SCOPE(gc);
    struct page page = {.gc = gc};

    if (!is_meant(m, connection))
        return reply(connection, MHD_HTTP_MISDIRECTED_REQUEST, elsewhere, sizeof(elsewhere) - 1);
    if (strcmp(method, MHD_HTTP_METHOD_GET))
        return reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED, only_get, sizeof(only_get) - 1);
    if (strcmp(url, "/metrics"))
        return reply(connection, MHD_HTTP_NOT_FOUND, lost, sizeof(lost) - 1);
    balancer_look(m->service->balancer);
    add_host(&page, m->service);
    add_domains(&page, m->service);
    return reply(connection, MHD_HTTP_OK, page.text, page.len);
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

/* ---- where ---- */

static int listen_unix(struct metrics *m, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct stat st;

    if (fd < 0)
        return error_of_errno(errno);
    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return ERROR_INVAL;
    }
    strcpy(address.sun_path, path);
    /* What a killed memd left; nothing else is removed. */
    if (!lstat(path, &st) && S_ISSOCK(st.st_mode))
        unlink(path);
    if (fchmod(fd, 0600) || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, CONNECTIONS_MAX))
        return error_of_errno(errno);
    m->path = strdup(path);
    m->fd = TAKE_FD(fd);
    return 0;
}

static int listen_local(struct metrics *m, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    CLEANUP_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, CONNECTIONS_MAX))
        return error_of_errno(errno);
    m->fd = TAKE_FD(fd);
    return 0;
}

static int start(struct metrics *m, const char *where)
{
    struct xlx_ctx *ctx = m->service->ctx;
    const union MHD_DaemonInfo *info;
    uint64_t port;
    int rc;

    if (!strncmp(where, "unix:/", 6)) {
        rc = listen_unix(m, where + 5);
    } else if (!parse_u64(where, UINT16_MAX, &port, NULL) && port) {
        rc = listen_local(m, (uint16_t)port);
    } else {
        LOG(ctx, ERROR, "metrics='%.64s': it is \"unix:/PATH\" or a port", where);
        return ERROR_INVAL;
    }
    if (rc) {
        LOG(ctx, ERROR, "cannot serve metrics at %s: %s", where, strerror(errno));
        return rc;
    }
    m->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, asked, m, MHD_OPTION_LISTEN_SOCKET, m->fd,
                                 MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                                 (unsigned)CONNECTION_TIMEOUT_S, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, m,
                                 MHD_OPTION_END);
    info = m->daemon ? MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info || ev_fd_start(&ctx->loop, &m->ev, info->epoll_fd, POLLIN, ready)) {
        LOG(ctx, ERROR, "cannot serve metrics at %s", where);
        return ERROR_FAIL;
    }
    return 0;
}

int metrics_start(struct balance_service *s, struct metrics **metrics)
{
    const char *where;
    struct metrics *m;
    int rc;

    *metrics = NULL;
    rc = config_text(s->env->config, "metrics", NULL, &where);
    if (rc || !where)
        return rc;
    m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    m->service = s;
    m->fd = -1;
    TAILQ_INIT(&m->connections);
    rc = start(m, where);
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
    /* It closes the listening socket. */
    if (m->daemon)
        MHD_stop_daemon(m->daemon);
    else if (m->fd >= 0)
        close(m->fd);
    if (m->path)
        unlink(m->path);
    free(m->path);
    free(m);
}
