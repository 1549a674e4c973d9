/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/balance/service.h"

#include <signal.h>
#include <sys/wait.h>

#include "memd/memd.h"

struct balance_service *service;
static struct config *config;
static struct tracker *tracker;
static struct service_domains table;
struct service_env env;
char folder[] = "/tmp/xl-ext-test-XXXXXX";
struct fake_domain *domains[2];

/* ---- a host with two guests that follow at once ---- */

static void follow_target(struct fake_domain *d)
{
    char path[64];
    const char *target;
    uint64_t held = 0;

    snprintf(path, sizeof(path), "/local/domain/%u/memory/target", d->domid);
    target = fake_store_get(path);
    if (target)
        d->actual_kb = strtoull(target, NULL, 10);
    for (size_t i = 0; i < 2; i++)
        held += domains[i]->actual_kb;
    fake_xen_free_kb(TOTAL_MEMKB - held);
}

void put(uint32_t domid, const char *node, const char *value)
{
    char path[96];

    snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, node);
    fake_store_set(path, value);
}

static void make_guest(uint32_t domid)
{
    char path[64];

    snprintf(path, sizeof(path), "/libxl/%u/type", domid);
    fake_store_set(path, "pv");
    put(domid, "name", domid == 1 ? "guest1" : "guest2");
    put(domid, "memory/target", "524288");
    put(domid, "memory/static-max", "1048576");
    domains[domid - 1] = fake_xen_domain(domid, 512 * MIB, 513 * MIB);
}

__attribute__((format(printf, 1, 2))) void configure(const char *format, ...)
{
    char path[96];
    va_list args;
    FILE *file;

    snprintf(path, sizeof(path), "%s/cfg", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    va_start(args, format);
    vfprintf(file, format, args);
    va_end(args);
    fclose(file);
    config_free(config);
    assert_int_equal(config_load(env.ctx, path, true, &config), 0);
    env.config = config;
    unlink(path);
}

static void appeared(void *arg, struct service_domain *domain)
{
    service_balance.domain_appeared(service, domain);
}

static void renamed(void *arg, struct service_domain *domain)
{
    service_balance.domain_renamed(service, domain);
}

static void written(void *arg, struct service_domain *domain, enum service_node node)
{
    service_balance.domain_written(service, domain, node);
}

static void shut_down(void *arg, struct service_domain *domain, unsigned reason)
{
}

static void gone(void *arg, struct service_domain *domain)
{
    service_balance.domain_gone(service, domain);
}

void start_service(void)
{
    static const struct tracker_ops ops = {appeared, renamed, written, shut_down, gone};
    void *state;

    assert_int_equal(service_balance.start(&env, &state), 0);
    service = state;
    assert_int_equal(tracker_new(env.ctx, &table, &ops, NULL, &tracker), 0);
}

void stop_service(void)
{
    service_balance.stop(TAKE_PTR(service));
    tracker_free(TAKE_PTR(tracker));
}

int make(void **state)
{
    strcpy(folder + sizeof(folder) - 7, "XXXXXX");
    assert_non_null(mkdtemp(folder));
    setenv("XL_EXT_RUN_FOLDER", folder, 1);
    env = (struct service_env){.ctx = fake_ctx_new(), .run_folder = folder, .domains = &table};
    configure("reserve = %u\nreport_interval = 1\n", (unsigned)(RESERVE_MEMKB / MIB));
    start_service();
    /* As memd's first turn of the loop does: guests that come later are new. */
    service->all_told = true;
    for (uint32_t domid = 1; domid <= 2; domid++)
        make_guest(domid);
    for (uint32_t domid = 1; domid <= 2; domid++)
        domains[domid - 1]->look = follow_target;
    fake_store_fire("@introduceDomain");
    while (table.count < 2)
        uv_run(&env.ctx->loop, UV_RUN_ONCE);
    return 0;
}

void leave(void)
{
    config_free(TAKE_PTR(config));
    fake_ctx_free(env.ctx);
    rmdir(folder);
}

int unmake(void **state)
{
    stop_service();
    leave();
    return 0;
}

/* ---- clients ---- */

pid_t client;

void begin_process(void)
{
    fflush(stdout);
    client = fork();
}

/* gcov counts what such a process has run only when it is told to. */
void __gcov_dump(void) __attribute__((weak));

void end_process(int status)
{
    if (__gcov_dump)
        __gcov_dump();
    _exit(status);
}

void begin_client(int (*act)(struct memd_client *c, struct gc *gc))
{
    struct memd_client *c;

    begin_process();
    if (client)
        return;
    {
        GC_SCOPE(gc);

        alarm(LIMIT_MS / 1000);
        /* A loop of its own: the other is memd's. */
        if (xlx_ctx_new(&env.ctx, env.ctx->logger) || memd_connect(env.ctx, &c))
            end_process(99);
        end_process(act(c, gc));
    }
}

static void stop_loop(struct ev_timer *t)
{
    uv_stop(&env.ctx->loop);
}

void run_for(uint64_t ms)
{
    struct ev_timer t = {.handle = NULL};

    ev_timer_start(&env.ctx->loop, &t, ms, 0, stop_loop);
    uv_run(&env.ctx->loop, UV_RUN_DEFAULT);
    ev_timer_stop(&t);
}

int end_client(void)
{
    int status;

    for (int i = 0; i < LIMIT_MS / 10; i++) {
        if (waitpid(client, &status, WNOHANG) == client)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        run_for(10);
    }
    return -1;
}

int ask(int (*act)(struct memd_client *c, struct gc *gc))
{
    begin_client(act);
    return end_client();
}

struct json *range(struct gc *gc, uint32_t domid, uint64_t min, uint64_t max)
{
    struct json *arguments = json_new_object(gc);

    json_set_integer(gc, arguments, "domain", domid);
    json_set_u64(gc, arguments, "min_memkb", min * MIB);
    json_set_u64(gc, arguments, "max_memkb", max * MIB);
    json_set_integer(gc, arguments, "weight", domid == 1 ? 60000 : 1);
    return arguments;
}

int give_ranges(struct memd_client *c, struct gc *gc)
{
    return memd_call(c, CONTROL_RANGE, range(gc, 1, 256, 1024), NULL) ||
           memd_call(c, CONTROL_RANGE, range(gc, 2, 256, 1024), NULL);
}

void reports(uint32_t domid, uint64_t used_mib)
{
    uint64_t total = domains[domid - 1]->actual_kb * 1024;
    char text[128];

    snprintf(text, sizeof(text), "total-memory %" PRIu64 "\navailable-memory %" PRIu64 "\n", total,
             total - used_mib * MIB * 1024);
    put(domid, "data/memory-stats", text);
}

uint64_t target_mib(uint32_t domid)
{
    char path[64];

    snprintf(path, sizeof(path), "/local/domain/%u/memory/target", domid);
    return strtoull(fake_store_get(path), NULL, 10) / MIB;
}

bool soon(bool (*so)(void))
{
    for (int i = 0; i < LIMIT_MS / 20 && !so(); i++)
        run_for(20);
    return so();
}
