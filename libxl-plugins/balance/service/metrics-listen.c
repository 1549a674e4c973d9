/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/service/metrics-listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "balance/service/readers.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"

/* ---- handed over by systemd ---- */

#define FIRST_HANDED_FD 3
#define HANDED_MAX 64

/* The socket of that name among those that were handed to this process; -1: none. */
static int handed_fd(const char *wanted)
{
    const char *pid_text = getenv("LISTEN_PID"), *count_text = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
    uint64_t pid, count;
    GC_SCOPE(gc);
    char *rest, *name;
    int fd = FIRST_HANDED_FD;

    if (!pid_text || !count_text || !names || parse_u64(pid_text, INT32_MAX, &pid, NULL) || pid != (uint64_t)getpid() ||
        parse_u64(count_text, HANDED_MAX, &count, NULL))
        return -1;
    rest = gc_strdup(gc, names);
    for (; count && (name = strsep(&rest, ":")); count--, fd++) {
        if (!strcmp(name, wanted))
            return fd;
    }
    return -1;
}

static int take_handed(struct xlx_ctx *ctx, int fd, struct metrics_place *place)
{
    int listens = 0;
    socklen_t len = sizeof(listens);

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) || !listens || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
        LOG(ctx, ERROR, "the socket for metrics that systemd hands over cannot be used: it must be one that listens");
        return ERROR_INVAL;
    }
    place->fd = fd;
    return 0;
}

/* ---- of our own ---- */

static int listen_unix(const char *path, const struct readers *readers, struct metrics_place *place)
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
    if (fchmod(fd, 0600) || bind(fd, (struct sockaddr *)&address, sizeof(address)))
        return error_of_errno(errno);
    place->path = strdup(path);
    if (!place->path)
        abort();
    if ((readers->there && (lchown(path, getuid(), readers->group) || chmod(path, 0660))) ||
        listen(fd, METRICS_BACKLOG))
        return error_of_errno(errno);
    place->fd = TAKE_FD(fd);
    return 0;
}

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static int listen_at(const union address *address, struct metrics_place *place)
{
    CLEANUP_FD int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t len = address->any.sa_family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
    int on = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) || bind(fd, &address->any, len) ||
        listen(fd, METRICS_BACKLOG))
        return error_of_errno(errno);
    place->fd = TAKE_FD(fd);
    return 0;
}

/* False: it is neither "PORT" nor "ADDRESS:PORT". */
static bool read_address(const char *where, union address *address)
{
    const char *colon = strrchr(where, ':');
    GC_SCOPE(gc);
    uint64_t port;
    char *host;

    memset(address, 0, sizeof(*address));
    if (parse_u64(colon ? colon + 1 : where, UINT16_MAX, &port, NULL) || !port)
        return false;
    host = gc_strndup(gc, colon ? where : "127.0.0.1", colon ? (size_t)(colon - where) : strlen("127.0.0.1"));
    if (*host == '[' && host[strlen(host) - 1] == ']') {
        host[strlen(host) - 1] = 0;
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons((uint16_t)port);
        return inet_pton(AF_INET6, host + 1, &address->v6.sin6_addr) == 1;
    }
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &address->v4.sin_addr) == 1;
}

static bool is_loopback(int fd)
{
    union address a = {.any.sa_family = AF_UNSPEC};
    socklen_t len = sizeof(a);

    if (getsockname(fd, &a.any, &len))
        return false;
    if (a.any.sa_family == AF_INET)
        return ntohl(a.v4.sin_addr.s_addr) >> 24 == 127;
    return a.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a.v6.sin6_addr);
}

static int listen_there(struct xlx_ctx *ctx, const char *where, const struct readers *readers,
                        struct metrics_place *place)
{
    union address address;
    int rc;

    if (!strncmp(where, "unix:/", 6)) {
        rc = listen_unix(where + 5, readers, place);
    } else if (read_address(where, &address)) {
        rc = listen_at(&address, place);
    } else {
        LOG(ctx, ERROR, "metrics='%.64s': it is \"unix:/PATH\", a port, or ADDRESS:PORT", where);
        return ERROR_INVAL;
    }
    if (rc && errno == EAFNOSUPPORT)
        LOG(ctx, ERROR, "cannot serve metrics at %s: memd's unit has no network: enable xl-ext-metrics.socket instead",
            where);
    else if (rc)
        LOG(ctx, ERROR, "cannot serve metrics at %s: %s", where, strerror(errno));
    return rc;
}

int metrics_listen(struct xlx_ctx *ctx, const struct config *config, struct metrics_place *place)
{
    int handed = handed_fd("metrics"), rc;
    struct readers readers;
    const char *where;

    rc = config_text(config, "metrics", NULL, &where);
    if (!rc)
        rc = readers_read(ctx, config, &readers);
    if (rc)
        return rc;
    if (handed >= 0)
        rc = take_handed(ctx, handed, place);
    else if (where)
        rc = listen_there(ctx, where, &readers, place);
    if (!rc && place->fd >= 0)
        place->local = is_loopback(place->fd);
    if (rc)
        metrics_unlisten(place);
    return rc;
}

void metrics_unlisten(struct metrics_place *place)
{
    if (place->fd >= 0)
        close(place->fd);
    if (place->path)
        unlink(place->path);
    free(place->path);
    *place = (struct metrics_place)METRICS_NOWHERE;
}
