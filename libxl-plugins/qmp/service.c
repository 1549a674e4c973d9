/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The service of memd that gives each domain a monitor: RUN/qmp/<domid>, and RUN/qmp/<name> leading to it. The folder
 * is root's, 0750, and the sockets 0600; whose they are says the configuration: qmp_owner = "USER" or "USER:GROUP". Who
 * is of that group sees the folder.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/folder.h"
#include "core/service.h"
#include "qmp/machine-xen.h"

/* A monitor that cannot be made, because descriptors or the room for its socket are used up, is tried again after this
 * long, then after twice as long, up to the most. */
#define RETRY_MS 1000
#define RETRY_MOST_MS 60000

/* What it adds to a domain's record. */
struct entry {
    struct service_domain *domain;
    char *link; /* path of the link by name; NULL: the name cannot be one */
    struct machine_xen *machine;
};

struct qmp_service {
    struct xlx_ctx *ctx;
    char *folder;
    uid_t owner;
    gid_t group;
    bool no_floor;
    const struct monitor_kind *kind;
    const struct service_domains *domains;
    unsigned slot;
    struct ev_timer retry; /* while a domain has no monitor */
    uint64_t retry_ms;
};

static struct entry *entry_of(const struct qmp_service *s, const struct service_domain *domain)
{
    return domain->slots[s->slot];
}

/* ---- names ---- */

/* A name that is all digits is a domid's. */
static bool fit_for_link(const char *name)
{
    return *name && *name != '.' && !strchr(name, '/') && strspn(name, "0123456789") != strlen(name);
}

static void make_link(struct qmp_service *s, struct entry *e)
{
    GC_SCOPE(gc);
    const char *target = gc_printf(gc, "%" PRIu32, e->domain->domid), *fresh;

    if (!e->link)
        return;
    /* Renamed into place: who looks meanwhile finds the old one or the new one. */
    fresh = gc_printf(gc, "%s/.%" PRIu32 "~", s->folder, e->domain->domid);
    unlink(fresh);
    if (symlink(target, fresh) || rename(fresh, e->link))
        LOGD(s->ctx, WARN, e->domain->domid, "cannot make the link %s: %s", e->link, strerror(errno));
}

static void remove_link(struct qmp_service *s, struct entry *e)
{
    char target[16] = "";
    char *link = TAKE_PTR(e->link);
    GC_SCOPE(gc);

    if (!link)
        return;
    /* During a migration to the same host two domains have one name: it may be the other's by now. */
    if (readlink(link, target, sizeof(target) - 1) > 0 && !strcmp(target, gc_printf(gc, "%" PRIu32, e->domain->domid)))
        unlink(link);
    for (size_t i = 0; i < s->domains->count; i++) {
        struct entry *other = entry_of(s, s->domains->list[i]);

        if (other && other != e && other->link && !strcmp(other->link, link) && access(link, F_OK))
            make_link(s, other);
    }
    free(link);
}

static void set_link(struct qmp_service *s, struct entry *e)
{
    const char *name = e->domain->name;
    GC_SCOPE(gc);

    remove_link(s, e);
    if (!fit_for_link(name))
        return;
    e->link = strdup(gc_printf(gc, "%s/%s", s->folder, name));
    if (!e->link)
        abort();
    make_link(s, e);
}

/* ---- domains ---- */

/* False: it has no monitor; why has been logged. */
static bool serve(struct qmp_service *s, struct service_domain *domain)
{
    struct entry *e = calloc(1, sizeof(*e));
    GC_SCOPE(gc);
    struct machine_xen_options options = {
        .path = gc_printf(gc, "%s/%" PRIu32, s->folder, domain->domid),
        .owner = s->owner,
        .group = s->group,
        .kind = s->kind,
        .no_floor = s->no_floor,
    };

    if (!e)
        abort();
    e->domain = domain;
    if (machine_xen_new(s->ctx, domain, &options, &e->machine)) {
        free(e);
        return false;
    }
    domain->slots[s->slot] = e;
    set_link(s, e);
    return true;
}

static void try_again(struct ev_timer *timer);

static void try_later(struct qmp_service *s)
{
    uint64_t longer_ms = s->retry_ms ? 2 * s->retry_ms : RETRY_MS;

    if (ev_timer_active(&s->retry))
        return;
    s->retry_ms = longer_ms < RETRY_MOST_MS ? longer_ms : RETRY_MOST_MS;
    ev_timer_start(&s->ctx->loop, &s->retry, s->retry_ms, 0, try_again);
}

static void try_again(struct ev_timer *timer)
{
    struct qmp_service *s = CONTAINER_OF(timer, struct qmp_service, retry);
    bool all = true;

    ev_timer_stop(timer);
    for (size_t i = 0; i < s->domains->count; i++)
        all = (entry_of(s, s->domains->list[i]) || serve(s, s->domains->list[i])) && all;
    if (all)
        s->retry_ms = 0;
    else
        try_later(s);
}

static void domain_appeared(void *state, struct service_domain *domain)
{
    if (!serve(state, domain))
        try_later(state);
}

static void domain_renamed(void *state, struct service_domain *domain)
{
    struct entry *e = entry_of(state, domain);

    if (e)
        set_link(state, e);
}

static void domain_written(void *state, struct service_domain *domain, enum service_node node)
{
    struct entry *e = entry_of(state, domain);

    if (e)
        machine_xen_written(e->machine);
}

static void domain_shut_down(void *state, struct service_domain *domain, unsigned reason)
{
    struct entry *e = entry_of(state, domain);

    if (e)
        machine_xen_shut_down(e->machine, reason);
}

static void drop(struct qmp_service *s, struct entry *e)
{
    remove_link(s, e);
    e->domain->slots[s->slot] = NULL;
    machine_xen_free(e->machine);
    free(e);
}

static void domain_gone(void *state, struct service_domain *domain)
{
    struct entry *e = entry_of(state, domain);

    if (!e)
        return;
    machine_xen_destroyed(e->machine);
    drop(state, e);
}

/* ---- start and stop ---- */

static bool is_member(const struct passwd *user, gid_t group)
{
    gid_t groups[256];
    int count = ARRAY_LEN(groups);

    /* One of more groups than that has to know by himself. */
    if (getgrouplist(user->pw_name, user->pw_gid, groups, &count) < 0)
        return true;
    for (int i = 0; i < count; i++) {
        if (groups[i] == group)
            return true;
    }
    return false;
}

static int read_owner(struct qmp_service *s, const struct config *config)
{
    const char *text, *colon;
    const struct passwd *user;
    const struct group *group;
    GC_SCOPE(gc);
    int rc;

    rc = config_text(config, "qmp_owner", NULL, &text);
    if (rc || !text)
        return rc;
    colon = strchrnul(text, ':');
    user = getpwnam(gc_strndup(gc, text, (size_t)(colon - text)));
    if (!user) {
        LOG(s->ctx, ERROR, "qmp_owner='%.64s': there is no such user", text);
        return ERROR_INVAL;
    }
    s->owner = user->pw_uid;
    s->group = user->pw_gid;
    if (!*colon)
        return 0;
    group = getgrnam(colon + 1);
    if (!group) {
        LOG(s->ctx, ERROR, "qmp_owner='%.64s': there is no such group", text);
        return ERROR_INVAL;
    }
    s->group = group->gr_gid;
    if (s->owner && !is_member(user, s->group))
        LOG(s->ctx, WARN, "qmp_owner='%.64s': this user is not of this group, and will not reach the monitors", text);
    return 0;
}

static int read_version(struct qmp_service *s, const struct config *config)
{
    const char *text;
    int rc = config_text(config, "qmp_version", "7.2", &text);

    if (rc)
        return rc;
    s->kind = machine_monitor_kind_of(text);
    if (s->kind)
        return 0;
    LOG(s->ctx, ERROR, "qmp_version='%.64s': there is 7.2 and 10.0", text);
    return ERROR_INVAL;
}

/* What a killed memd left. There is no other: it would hold the lock. */
static void clear_folder(int fd)
{
    DIR *dir = fdopendir(dup(fd));
    struct dirent *d;

    if (!dir)
        return;
    while ((d = readdir(dir))) {
        struct stat st;

        if (!fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) && (S_ISSOCK(st.st_mode) || S_ISLNK(st.st_mode)))
            unlinkat(fd, d->d_name, 0);
    }
    closedir(dir);
}

/* The folder stays ours: in one of his own the owner of the sockets could put others into their place. */
static int make_folder(struct qmp_service *s)
{
    CLEANUP_FD int fd = -1;
    const char *cause;
    int rc;

    rc = folder_open(s->folder, 0700, &fd, &cause);
    if (rc) {
        LOG(s->ctx, ERROR, "cannot use the folder %s: %s", s->folder, cause);
        return rc;
    }
    if (fchown(fd, geteuid(), s->group) || fchmod(fd, 0750)) {
        LOG(s->ctx, ERROR, "cannot open the folder %s to its group: %s", s->folder, strerror(errno));
        return error_of_errno(errno);
    }
    clear_folder(fd);
    return 0;
}

/* Each domain takes two file descriptors and each client two. */
static void allow_many_files(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void stop(void *state)
{
    struct qmp_service *s = state;

    ev_timer_stop(&s->retry);
    for (size_t i = 0; i < s->domains->count; i++) {
        struct entry *e = entry_of(s, s->domains->list[i]);

        if (e)
            drop(s, e);
    }
    free(s->folder);
    free(s);
}

static int start(const struct service_env *env, void **state)
{
    struct qmp_service *s = calloc(1, sizeof(*s));
    bool floor;
    int rc;

    if (!s || asprintf(&s->folder, "%s/qmp", env->run_folder) < 0)
        abort();
    s->ctx = env->ctx;
    s->domains = env->domains;
    s->slot = env->slot;
    s->owner = getuid();
    s->group = getgid();
    rc = read_owner(s, env->config);
    if (!rc)
        rc = read_version(s, env->config);
    if (!rc)
        rc = config_bool(env->config, "qmp_floor", true, &floor);
    if (!rc) {
        s->no_floor = !floor;
        rc = make_folder(s);
    }
    if (rc) {
        stop(s);
        return rc;
    }
    allow_many_files();
    *state = s;
    return 0;
}

extern const struct service service_qmp;
const struct service service_qmp = {
    .name = "qmp",
    .start = start,
    .stop = stop,
    .domain_appeared = domain_appeared,
    .domain_renamed = domain_renamed,
    .domain_written = domain_written,
    .domain_shut_down = domain_shut_down,
    .domain_gone = domain_gone,
};
