/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <string.h>

#include "base/balancers.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "core/run-folder.h"
#include "memd/memd.h"

#define CONFIG_PATH "/etc/xl-ext/memd.cfg"

struct options {
    const char *config;
    const char *run_folder;
    bool force;
};

struct memd {
    struct xlx_ctx *ctx;
    struct service_domains domains;
    struct service_env envs[SERVICES_MAX]; /* of each service */
    void *states[SERVICES_MAX];
    size_t started; /* so many of memd_services run */
    struct tracker *tracker;
    struct notify notify;
    struct ev_interrupt interrupt;
    struct ev_signal hangup;
    bool ending;
    int status;
};

/* ---- domains, told to every service ---- */

/* Calls an operation that a service need not have. */
#define TELL_ALL(m, operation, ...)                                                                                    \
    for (size_t i = 0; i < (m)->started; i++) {                                                                        \
        if (memd_services[i]->operation)                                                                               \
            memd_services[i]->operation((m)->states[i], __VA_ARGS__);                                                  \
    }

static void appeared(void *arg, struct service_domain *domain)
{
    struct memd *m = arg;

    TELL_ALL(m, domain_appeared, domain);
}

static void renamed(void *arg, struct service_domain *domain)
{
    struct memd *m = arg;

    TELL_ALL(m, domain_renamed, domain);
}

static void written(void *arg, struct service_domain *domain, enum service_node node)
{
    struct memd *m = arg;

    TELL_ALL(m, domain_written, domain, node);
}

static void shut_down(void *arg, struct service_domain *domain, unsigned reason)
{
    struct memd *m = arg;

    TELL_ALL(m, domain_shut_down, domain, reason);
}

static void gone(void *arg, struct service_domain *domain)
{
    struct memd *m = arg;

    TELL_ALL(m, domain_gone, domain);
}

static const struct tracker_ops tracker_ops = {appeared, renamed, written, shut_down, gone};

/* ---- start and end ---- */

static void end(struct memd *m, int status)
{
    m->ending = true;
    m->status = status;
    uv_stop(&m->ctx->loop);
}

static void interrupted(struct ev_interrupt *i, int signum)
{
    end(CONTAINER_OF(i, struct memd, interrupt), signum == SIGTERM ? XLX_EXIT_DONE : XLX_EXIT_INTERRUPTED);
}

static void hung_up(struct ev_signal *s, int signum)
{
    struct memd *m = CONTAINER_OF(s, struct memd, hangup);

    for (size_t i = 0; i < m->started; i++) {
        if (memd_services[i]->reload)
            memd_services[i]->reload(m->states[i]);
    }
}

static void service_failed(const struct service_env *env)
{
    end(env->memd, XLX_EXIT_FAILED);
}

static int start(struct memd *m, const struct service_env *common)
{
    struct xlx_ctx *ctx = m->ctx;
    int rc;

    /* A client that has gone is seen by write's EPIPE. */
    signal(SIGPIPE, SIG_IGN);
    rc = ev_interrupt_start(&ctx->loop, &m->interrupt, interrupted);
    if (!rc)
        rc = ev_signal_start(&ctx->loop, &m->hangup, SIGHUP, hung_up);
    if (rc) {
        LOG(ctx, ERROR, "cannot catch signals: %s", error_text(rc));
        return rc;
    }
    for (size_t i = 0; memd_services[i]; i++) {
        m->envs[i] = *common;
        m->envs[i].slot = (unsigned)i;
        rc = memd_services[i]->start(&m->envs[i], &m->states[i]);
        if (rc)
            return rc;
        m->started = i + 1;
    }
    return tracker_new(ctx, &m->domains, &tracker_ops, m, &m->tracker);
}

static void stop(struct memd *m)
{
    while (m->started) {
        m->started--;
        memd_services[m->started]->stop(m->states[m->started]);
    }
    /* What services kept in its records is gone with them. */
    tracker_free(m->tracker);
    ev_interrupt_stop(&m->interrupt);
    ev_signal_stop(&m->hangup);
}

/* Two that set the same targets never come to rest. */
static const char *rival(struct gc *gc)
{
    struct balancer_beside beside[BALANCERS_BESIDE_MAX];
    size_t count = balancers_beside(gc, "", beside);

    for (size_t i = 0; i < count; i++) {
        if (beside[i].rival && beside[i].running)
            return gc_printf(gc, "%s balances this host already (%s)", beside[i].name, beside[i].evidence);
    }
    return NULL;
}

static int run(const struct xlx_invocation *in)
{
    const struct options *options = in->options;
    struct memd m = {.ctx = in->ctx};
    struct service_env env = {
        .ctx = in->ctx,
        .run_folder = options->run_folder,
        .domains = &m.domains,
        .fail = service_failed,
        .memd = &m,
    };
    bool config_given = strcmp(options->config, CONFIG_PATH);
    struct config *config = NULL;
    struct memd_locks locks = MEMD_LOCKS_NONE;
    GC_SCOPE(gc);
    const char *beside = rival(gc);
    int rc;

    if (beside && !options->force) {
        LOG(in->ctx, ERROR, "%s: stop that one, or give --force to have both write targets", beside);
        return XLX_EXIT_REFUSED;
    }
    if (beside)
        LOG(in->ctx, WARN, "%s: memd does so all the same", beside);
    rc = config_load(in->ctx, options->config, config_given, &config);
    if (rc)
        return XLX_EXIT_USAGE;
    env.config = config;
    rc = memd_lock(in->ctx, RUN_FOLDER, options->run_folder, &locks);
    if (rc)
        goto out;
    notify_start(in->ctx, &m.notify);
    rc = start(&m, &env);
    if (!rc) {
        notify_say(&m.notify, "READY=1");
        while (!m.ending && !in->ctx->xenstore_lost) {
            uv_run(&in->ctx->loop, UV_RUN_ONCE);
            notify_woken(&m.notify);
        }
        if (!m.ending)
            m.status = XLX_EXIT_FAILED;
        notify_say(&m.notify, "STOPPING=1");
    }
    stop(&m);
    notify_stop(&m.notify);

out:
    memd_unlock(&locks);
    config_free(config);
    return rc ? xlx_exit_of(rc) : m.status;
}

static const struct options defaults = {.config = CONFIG_PATH, .run_folder = RUN_FOLDER};

static const struct xlx_option options[] = {
    {'c', "config", XLX_OPTION_TEXT, offsetof(struct options, config), "FILE",
     "configuration, in the syntax of xl.cfg (default " CONFIG_PATH ")"},
    {0, "run-folder", XLX_OPTION_TEXT, offsetof(struct options, run_folder), "FOLDER",
     "where its sockets live (default " RUN_FOLDER ")"},
    {0, "force", XLX_OPTION_FLAG, offsetof(struct options, force), NULL,
     "balance although squeezed or qmemman runs, which do so, too"},
};

const struct xlx_command cmd_memd = {
    .name = "memd",
    .synopsis = "[-c FILE] [--run-folder FOLDER] [--force]",
    .summary = "Run the memory daemon",
    .details = "Runs in the foreground until SIGTERM. It serves a QMP socket for each domain below /run/xl-ext/qmp. "
               "Under systemd it says when it is ready and feeds the watchdog. It may be killed at any moment and "
               "started again. SIGHUP has it read the files of ranges again.",
    XLX_OPTIONS(options, struct options),
    .defaults = &defaults,
    .domain_arg = XLX_NO_DOMAIN,
    .flags = XLX_COMMAND_MODIFIES | XLX_COMMAND_SERVICE,
    .run = XLX_CODE(run),
};
