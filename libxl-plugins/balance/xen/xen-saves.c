/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is being saved, or sent to another host: left alone from the first round on. xl gives such a domain another name only
 * when all of its memory has gone, and libvirt never does. But libxl, whoever calls it, has a program of its own write a
 * domain's memory, and that runs for as long as this takes:
 *
 *   libxl-save-helper is opened, to be run --looks, further and further apart--> it writes that domain --its end--> over
 *
 * The same program reads the memory of one that is restored or comes from another host (xen-restores.c).
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "balance/xen/host-xen.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "base/processes.h"
#include "base/running-xen.h"

/* Its words before it shows in /proc are those of who starts it. */
#define LOOK_MS 10u
#define LOOKS 9u /* 5 s in all */

struct xen_save {
    struct xen_save *next;
    struct host_xen *xen;
    uint32_t domid;
    uint64_t pid;
    int pidfd;
    struct ev_fd ended;
    bool restores;
    struct xen_restore restore;
};

bool xen_saves_has(const struct host_xen *x, uint32_t domid)
{
    const struct xen_save *s = x->saves;

    while (s && (s->domid != domid || s->restores))
        s = s->next;
    return s;
}

static void tell(struct host_xen *x, uint32_t domid)
{
    if (x->host.balancer)
        balancer_domain_changed(x->host.balancer, domid);
}

static void forget(struct host_xen *x, struct xen_save *save)
{
    struct xen_save **p = &x->saves;

    while (*p != save)
        p = &(*p)->next;
    *p = save->next;
    ev_fd_stop(&save->ended);
    close(save->pidfd);
    free(save);
}

static void save_ended(struct ev_fd *f, int fd, short revents)
{
    struct xen_save *save = CONTAINER_OF(f, struct xen_save, ended);
    struct host_xen *x = save->xen;
    uint32_t domid = save->domid;

    if (save->restores)
        xen_restore_ended(x, domid, &save->restore);
    forget(x, save);
    tell(x, domid);
}

/* "libxl-save-helper --save-domain FD FD DOMID ...", or --restore-domain, libxl_save_callout.c; of another than root it
 * would be anybody's way to have a domain left alone. */
static bool moves_domain(const struct process *process, uint32_t *domid, bool *restores)
{
    const char *program = process_word(process, 0), *what = process_word(process, 1), *which = process_word(process, 4);
    const char *cause;
    uint64_t number;

    if (!which || strcmp(process_last_part(program), XEN_SAVE_HELPER) != 0 ||
        (strcmp(what, "--save-domain") != 0 && strcmp(what, "--restore-domain") != 0) ||
        (process->uid && process->uid != geteuid()) || parse_u64(which, UINT32_MAX, &number, &cause))
        return false;
    *domid = (uint32_t)number;
    *restores = !strcmp(what, "--restore-domain");
    return true;
}

static void add(struct host_xen *x, uint64_t pid, uint32_t domid, bool restores)
{
    int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    struct xen_save *save;

    /* It is over already. */
    if (pidfd < 0 && errno == ESRCH)
        return;
    save = calloc(1, sizeof(*save));
    if (!save)
        abort();
    *save =
        (struct xen_save){.next = x->saves, .xen = x, .domid = domid, .pid = pid, .pidfd = pidfd, .restores = restores};
    if (pidfd < 0 || ev_fd_start(&x->ctx->loop, &save->ended, pidfd, POLLIN, save_ended)) {
        LOGD(x->ctx, WARN, domid, "cannot wait for the end of its %s",
             restores ? "restoring: its limit stays" : "saving: it is balanced meanwhile");
        if (pidfd >= 0)
            close(pidfd);
        free(save);
        return;
    }
    x->saves = save;
    if (restores) {
        xen_restore_begun(x, domid, &save->restore);
        return;
    }
    LOGD(x->ctx, INFO, domid, "it is being saved or sent to another host: left alone until that is over");
    tell(x, domid);
}

static bool look_at(void *arg, const struct process *process)
{
    struct host_xen *x = arg;
    const char *cause;
    uint32_t domid;
    uint64_t pid;
    bool restores;

    if (!moves_domain(process, &domid, &restores) || parse_u64(process->pid, INT_MAX, &pid, &cause))
        return false;
    for (const struct xen_save *s = x->saves; s; s = s->next) {
        if (s->pid == pid)
            return false;
    }
    add(x, pid, domid, restores);
    return false;
}

static void look_is_due(struct ev_timer *t)
{
    struct host_xen *x = CONTAINER_OF(t, struct host_xen, saves_timer);
    GC_SCOPE(gc);

    process_find(gc, "", look_at, x);
    if (++x->saves_looks < LOOKS)
        ev_timer_start(&x->ctx->loop, &x->saves_timer, (uint64_t)LOOK_MS << x->saves_looks, 0, look_is_due);
}

static void look_soon(struct host_xen *x)
{
    x->saves_looks = 0;
    ev_timer_stop(&x->saves_timer);
    ev_timer_start(&x->ctx->loop, &x->saves_timer, LOOK_MS, 0, look_is_due);
}

static void helper_opened(struct ev_fd *f, int fd, short revents)
{
    struct host_xen *x = CONTAINER_OF(f, struct host_xen, saves_opened);
    struct inotify_event e; /* of a file none has a name behind it */

    while (read(fd, &e, sizeof(e)) == (ssize_t)sizeof(e)) {
        /* Another version of the program has taken its place. */
        if (e.mask & IN_IGNORED)
            inotify_add_watch(fd, x->save_helper, IN_OPEN);
    }
    look_soon(x);
}

void xen_saves_watch(struct host_xen *x, const char *helper)
{
    x->save_helper = helper;
    if (!helper)
        return;
    x->saves_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (x->saves_fd < 0 || inotify_add_watch(x->saves_fd, helper, IN_OPEN) < 0 ||
        ev_fd_start(&x->ctx->loop, &x->saves_opened, x->saves_fd, POLLIN, helper_opened)) {
        LOG(x->ctx, WARN,
            "cannot watch libxl's %s: a domain that others save or send away is balanced meanwhile, unless it is held "
            "(mem-range DOMAIN hold)",
            XEN_SAVE_HELPER);
        return;
    }
    /* One may be under way. */
    look_soon(x);
}

void xen_saves_end(struct host_xen *x)
{
    ev_fd_stop(&x->saves_opened);
    ev_timer_stop(&x->saves_timer);
    while (x->saves)
        forget(x, x->saves);
    if (x->saves_fd >= 0)
        close(x->saves_fd);
    x->saves_fd = -1;
}
