/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "balance/service/service.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "tests/sim/serve.h"
#include "tests/sim/world.h"

/* ---- memd's service on the simulated host ---- */

static struct {
    struct xlx_ctx *ctx;
    struct config *config;
    struct service_domains domains;
    struct service_env env;
    struct balance_service *service;
    struct host_ops ops;
    struct policy policy;
} serving;

/* The world is not the service's to end. */
static void leave_open(struct host *host)
{
}

static const char *name_of(struct host *host, uint32_t domid)
{
    const struct guest *g = world_guest(CONTAINER_OF(host, struct world, host), domid);

    return g ? g->life_name : NULL;
}

static void *start(struct world *w, const struct balancer_config *config)
{
    w->host.ops = &serving.ops;
    if (balance_service_new(&serving.env, &w->host, config, &serving.service))
        exit(1);
    return serving.service->balancer;
}

static void stop(void *daemon)
{
    service_balance.stop(TAKE_PTR(serving.service));
}

const struct policy *serve_start(const char *folder)
{
    GC_SCOPE(gc);

    if (xlx_ctx_new(&serving.ctx, (xentoollog_logger *)xtl_createlogger_stdiostream(stderr, XTL_WARN, 0)) ||
        config_load(serving.ctx, gc_printf(gc, "%s/memd.cfg", folder), false, &serving.config))
        exit(1);
    serving.env = (struct service_env){
        .ctx = serving.ctx,
        .config = serving.config,
        .run_folder = folder,
        .domains = &serving.domains,
    };
    serving.ops = sim_host_ops;
    serving.ops.close = leave_open;
    serving.ops.name = name_of;
    serving.policy = policy_memd;
    serving.policy.start = start;
    serving.policy.stop = stop;
    return &serving.policy;
}

/* ---- at the end of the scenario ---- */

static void interrupted(struct ev_interrupt *i, int signum)
{
    uv_stop(&serving.ctx->loop);
}

void serve_until_interrupted(void)
{
    struct ev_interrupt interrupt = {0};

    signal(SIGPIPE, SIG_IGN);
    if (ev_interrupt_start(&serving.ctx->loop, &interrupt, interrupted))
        exit(1);
    printf("serving\n");
    fflush(stdout);
    uv_run(&serving.ctx->loop, UV_RUN_DEFAULT);
    ev_interrupt_stop(&interrupt);
}

void serve_stop(void)
{
    config_free(TAKE_PTR(serving.config));
    xlx_ctx_free(TAKE_PTR(serving.ctx));
}
