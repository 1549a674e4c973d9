/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/ao.h"
#include "core/libxl-op.h"
#include "core/subprocess.h"
#include "core/xen-version.h"
#include "stubdom-launch/saved-config.h"
#include "stubdom-launch/start.h"
#include "stubdom-launch/stubdom.h"
#include "stubdom-launch/watch.h"

#define DUMP_FOLDER "/var/lib/xen/dump" /* xl's */
/* A guest that ends so soon after a restart would be restarted for ever. */
#define RESTART_LEAST_S 5
#define NS_PER_S UINT64_C(1000000000)

static libxl_action_on_shutdown action_for(struct xlx_ctx *ctx, const struct stubdom_watch *watch,
                                           const libxl_domain_config *config)
{
    if (watch->event == STUBDOM_DEVICE_MODEL_DEAD) {
        LOGD(ctx, ERROR, watch->domid, "its device model is dead: %s; on_crash is %s", watch->how_dead,
             libxl_action_on_shutdown_to_string(config->on_crash));
        return config->on_crash;
    }
    switch (watch->reason) {
    case SHUTDOWN_poweroff:
        return config->on_poweroff;
    case SHUTDOWN_reboot:
        return config->on_reboot;
    case SHUTDOWN_watchdog:
        return config->on_watchdog;
    case SHUTDOWN_soft_reset:
        return config->on_soft_reset;
    default:
        return config->on_crash;
    }
}

static void dump_core(struct xlx_ctx *ctx, uint32_t domid, const char *name)
{
    GC_SCOPE(gc);
    char *path = gc_printf(gc, DUMP_FOLDER "/%s-%lld", name, (long long)time(NULL));

    mkdir(DUMP_FOLDER, 0700);
    if (libxl_op_core_dump(ctx, domid, path))
        LOGD(ctx, ERROR, domid, "its memory could not be written to %s", path);
    else
        LOGD(ctx, NOTICE, domid, "its memory is in %s", path);
}

/* Returns 0 and *again: it runs anew, with new domids. */
static int act(struct xlx_ctx *ctx, struct stubdom_watch *watch, uint64_t started_ns, bool *again)
{
    libxl_action_on_shutdown action;
    libxl_domain_config config;
    struct stubdom_start start = {.ctx = ctx};
    char *json = NULL;
    bool restart, interrupted;
    GC_SCOPE(gc);
    int rc;

    *again = false;
    libxl_domain_config_init(&config);
    rc = saved_config_read(ctx, gc, watch->domid, &config, &json);
    if (rc)
        goto out;
    action = action_for(ctx, watch, &config);
    LOGD(ctx, NOTICE, watch->domid, "'%s' has ended: %s", config.c_info.name,
         libxl_action_on_shutdown_to_string(action));
    if (action == LIBXL_ACTION_ON_SHUTDOWN_RESTART_RENAME) {
        LOGD(ctx, ERROR, watch->domid,
             "rename-restart cannot work: the preserved guest's stub domain keeps the name that the new one needs; it "
             "is preserved");
        action = LIBXL_ACTION_ON_SHUTDOWN_PRESERVE;
    }
    if (action == LIBXL_ACTION_ON_SHUTDOWN_PRESERVE)
        goto out;
    if (action == LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_DESTROY || action == LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_RESTART)
        dump_core(ctx, watch->domid, config.c_info.name);
    restart = action == LIBXL_ACTION_ON_SHUTDOWN_RESTART || action == LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_RESTART ||
              action == LIBXL_ACTION_ON_SHUTDOWN_SOFT_RESET;
    rc = libxl_op_destroy(ctx, watch->domid, &interrupted);
    if (rc || !restart)
        goto out;
    if (interrupted) {
        LOG(ctx, ERROR, "interrupted: '%s' is not started again", config.c_info.name);
        rc = ERROR_ABORTED;
        goto out;
    }
    if (uv_hrtime() - started_ns < RESTART_LEAST_S * NS_PER_S) {
        LOG(ctx, ERROR, "'%s' ended within %d s of its start: it is not started again", config.c_info.name,
            RESTART_LEAST_S);
        rc = ERROR_FAIL;
        goto out;
    }
    start.json = json;
    rc = stubdom_start(&start);
    if (rc)
        goto out;
    watch->domid = start.domid;
    watch->stub_domid = start.stub_domid;
    LOGD(ctx, NOTICE, start.domid, "'%s' runs again", config.c_info.name);
    *again = true;
out:
    libxl_domain_config_dispose(&config);
    return rc;
}

int stubdom_lifecycle(struct xlx_ctx *ctx, uint32_t domid, uint32_t stub_domid)
{
    bool again;
    int rc;

    do {
        struct stubdom_watch watch = {.ao = {.ctx = ctx}, .domid = domid, .stub_domid = stub_domid};
        uint64_t started_ns = uv_hrtime(); /* no clock that is set, as dom0's is soon after its start */

        rc = stubdom_watch_start(&watch);
        if (!rc)
            rc = ao_wait(&watch.ao);
        if (rc)
            return rc;
        if (watch.event == STUBDOM_GUEST_GONE) {
            LOGD(ctx, NOTICE, domid, "the guest is gone");
            return 0;
        }
        rc = act(ctx, &watch, started_ns, &again);
        domid = watch.domid;
        stub_domid = watch.stub_domid;
    } while (!rc && again);
    return rc;
}

/* ---- detached ---- */

int stubdom_lifecycle_detach(struct xlx_ctx *ctx, uint32_t domid, const char *name)
{
    GC_SCOPE(gc);
    char *path = gc_printf(gc, XEN_LOG_FOLDER "/xl-ext-%s.log", name);
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    CLEANUP_FD int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    char *argv[] = {gc_strdup(gc, "xl-ext"), gc_strdup(gc, "-v"), gc_strdup(gc, "stubdom-monitor"),
                    gc_printf(gc, "%u", domid), NULL};

    if (log < 0 || len <= 0) {
        LOG(ctx, ERROR, "cannot start the guest's monitor: %s: %s", log < 0 ? path : "/proc/self/exe", strerror(errno));
        return ERROR_FAIL;
    }
    self[len] = '\0';
    return subprocess_detach(ctx, self, argv, log);
}
