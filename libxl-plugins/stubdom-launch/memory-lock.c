/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/memory-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <libxl_utils.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/ao.h"
#include "core/xen-boot.h"
#include "core/xl.h"
#include "memd-client/reserve.h"
#include "stubdom-launch/stubdom.h"

#define LOCK_RETRY_MS 100
#define DOM0_SHRINK_TIMEOUT_MS 60000

/* ---- the lock ---- */

/* A record lock like xl's has no event for its release; asking again is the only way to wait that can be interrupted.
 */
struct lock_wait {
    struct ao ao;
    struct ev_timer retry;
    int fd;
};

static void lock_done(struct lock_wait *wait, int rc)
{
    ev_timer_stop(&wait->retry);
    ao_complete(&wait->ao, rc);
}

static void lock_aborted(struct ao *ao, int rc)
{
    lock_done(CONTAINER_OF(ao, struct lock_wait, ao), rc);
}

static int try_lock(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_SETLK, &lock);
}

static void retry_lock(struct ev_timer *timer)
{
    struct lock_wait *wait = CONTAINER_OF(timer, struct lock_wait, retry);

    if (!try_lock(wait->fd))
        lock_done(wait, 0);
    else if (errno != EACCES && errno != EAGAIN)
        lock_done(wait, error_of_errno(errno));
}

static int take_lock(struct xlx_ctx *ctx, const char *path, int *fd)
{
    struct lock_wait wait = {.ao = {.ctx = ctx, .timeout_ms = MEMORY_LOCK_TIMEOUT_MS}};
    int rc;

    *fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0) {
        LOG(ctx, ERROR, "cannot open xl's lock %s: %s", path, strerror(errno));
        return ERROR_FAIL;
    }
    if (!try_lock(*fd))
        return 0;
    wait.fd = *fd;
    ao_start(&wait.ao, lock_aborted);
    ev_timer_start(&ctx->loop, &wait.retry, LOCK_RETRY_MS, LOCK_RETRY_MS, retry_lock);
    rc = ao_wait(&wait.ao);
    if (rc == ERROR_TIMEDOUT)
        LOG(ctx, ERROR, "another start holds xl's lock %s for longer than %d s", path, MEMORY_LOCK_TIMEOUT_MS / 1000);
    return rc;
}

/* ---- memd ---- */

#define RESERVE_LEASE_MS 600000 /* until both domains are there */

static int reserve(struct xlx_ctx *ctx, const libxl_domain_config *config, uint64_t need_kb, struct memory_lock *lock)
{
    char uuid[XLX_UUID_LEN];
    struct memd_client *client = NULL;
    const struct reserve_wish wish = {
        .size_memkb = need_kb,
        .timeout_ms = MEMORY_RESERVE_MS,
        .uuid = uuid,
        .domid = -1,
        .keep_ms = RESERVE_LEASE_MS,
    };
    struct reserve_got got;
    int rc;

    rc = memd_connect(ctx, &client);
    if (rc == ERROR_NOTFOUND)
        return 0;
    snprintf(uuid, sizeof(uuid), LIBXL_UUID_FMT, LIBXL_UUID_BYTES(config->c_info.uuid));
    if (!rc)
        rc = reserve_wait(ctx, NULL, &client, &wish, &got);
    memd_disconnect(client);
    if (rc == ERROR_ABORTED)
        return rc;
    if (rc == ERROR_TIMEDOUT) {
        LOG(ctx, ERROR, "there is no memory for guest and stub domain: the guests do not give it");
        return rc;
    }
    if (rc)
        LOG(ctx, WARN, "memd reserves no memory for the start, which goes on with what is free");
    else
        strcpy(lock->reservation, got.id);
    return 0;
}

static void give_back(struct xlx_ctx *ctx, struct memory_lock *lock)
{
    /* What is handed to a domain that is there in full is over by itself. */
    if (*lock->reservation)
        reserve_give_back(ctx, lock->reservation);
    *lock->reservation = 0;
}

/* ---- memory ---- */

static int shrink_dom0(struct xlx_ctx *ctx, uint64_t missing_kb)
{
    struct xlx_mem_target target = {
        .size = sizeof(target), .domid = 0, .relation = XLX_MEM_SHRINK, .size_memkb = missing_kb};
    struct xlx_mem_follow follow = {.domid = 0};
    struct xlx_mem_settle settle = {
        .size = sizeof(settle),
        .follows = &follow,
        .count = 1,
        .timeout_ms = DOM0_SHRINK_TIMEOUT_MS,
        .flags = XLX_MEM_INTERRUPTIBLE,
    };
    int rc;

    rc = xlx_mem_target_set(ctx, &target);
    if (rc)
        return rc;
    follow.target_memkb = target.new_target_memkb;
    return xlx_mem_settle(ctx, &settle);
}

/* What the start needs, and what the host has. */
static int ask_libxl(struct xlx_ctx *ctx, libxl_domain_config *config, libxl_ctx **libxl, uint64_t *need_kb,
                     uint64_t *free_kb)
{
    int rc;

    rc = ctx_libxl(ctx, libxl);
    if (rc)
        return rc;
    rc = libxl_domain_need_memory(*libxl, config, INVALID_DOMID, need_kb);
    if (!rc)
        rc = libxl_get_free_memory(*libxl, free_kb);
    if (!rc)
        return 0;
    LOG(ctx, ERROR, "cannot find out how much memory the start needs: %s", error_text(rc));
    return ERROR_FAIL;
}

int memory_lock_make_room(struct xlx_ctx *ctx, libxl_domain_config *config)
{
    uint64_t need_kb, free_kb;
    libxl_ctx *libxl;
    int rc;

    rc = ask_libxl(ctx, config, &libxl, &need_kb, &free_kb);
    if (rc)
        return rc;
    if (free_kb >= need_kb)
        return 0;
    if (autoballoon_is_on(ctx)) {
        rc = shrink_dom0(ctx, need_kb - free_kb);
        if (rc == ERROR_ABORTED)
            return rc;
        if (!rc && !libxl_get_free_memory(libxl, &free_kb) && free_kb >= need_kb)
            return 0;
    }
    LOG(ctx, ERROR,
        "guest and stub domain need %" PRIu64 " MiB, the host has %" PRIu64
        " MiB free: shrink another domain with 'xl-ext mem-set'",
        (need_kb + 1023) / 1024, free_kb / 1024);
    return ERROR_NOMEM;
}

int memory_lock_take(struct xlx_ctx *ctx, libxl_domain_config *config, struct memory_lock *lock)
{
    uint64_t need_kb, free_kb;
    libxl_ctx *libxl;
    const char *path;
    GC_SCOPE(gc);
    int rc;

    *lock = (struct memory_lock){.lock_fd = -1};
    rc = ask_libxl(ctx, config, &libxl, &need_kb, &free_kb);
    if (!rc)
        rc = reserve(ctx, config, need_kb, lock);
    if (!rc)
        rc = xl_lock_path(ctx, gc, &path);
    if (!rc)
        rc = take_lock(ctx, path, &lock->lock_fd);
    if (!rc)
        rc = memory_lock_make_room(ctx, config);
    if (rc)
        memory_lock_release(ctx, lock);
    return rc;
}

void memory_lock_release(struct xlx_ctx *ctx, struct memory_lock *lock)
{
    cleanup_fd(&lock->lock_fd);
    lock->lock_fd = -1;
    give_back(ctx, lock);
}
