/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/qmp/machine.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "memd/memd.h"

struct xlx_ctx *ctx;
struct fake_domain *domain;
struct machine_xen *machine;
static struct tracker *tracker;
static struct service_domains domains;
unsigned looks, watches;
static char path[] = "/tmp/test_machine.XXXXXX";
int fd;
char got[65536];

int make_path(void **state)
{
    close(mkstemp(path));
    return 0;
}

void turn(void)
{
    for (int i = 0; i < 8; i++) {
        size_t len = strlen(got);
        ssize_t r = -1;

        uv_run(&ctx->loop, UV_RUN_NOWAIT);
        if (fd >= 0)
            r = recv(fd, got + len, sizeof(got) - 1 - len, MSG_DONTWAIT);
        got[len + (r > 0 ? (size_t)r : 0)] = 0;
    }
}

void pass(uint64_t ms)
{
    uint64_t end = fake_clock_ms() + ms;

    while (fake_clock_timers() && fake_clock_ms() < end) {
        uv_run(&ctx->loop, UV_RUN_ONCE);
        turn();
    }
}

/* The next line; NULL: none came. */
const char *line(void)
{
    static char text[4096];
    char *end;

    turn();
    end = strstr(got, "\r\n");
    if (!end)
        return NULL;
    snprintf(text, sizeof(text), "%.*s", (int)(end - got), got);
    memmove(got, end + 2, strlen(end + 2) + 1);
    return text;
}

void say(const char *request)
{
    assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
}

const char *ask(const char *request)
{
    say(request);
    return line();
}

void client_comes(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_non_null(strstr(line(), "\"QMP\""));
    assert_string_equal(ask("{'execute':'qmp_capabilities'}"), "{\"return\": {}}");
}

void client_goes(void)
{
    close(fd);
    fd = -1;
    turn();
}

void write_kb(const char *node, uint64_t kb)
{
    char full[64], value[32];

    snprintf(full, sizeof(full), DOM "memory/%s", node);
    snprintf(value, sizeof(value), "%llu", (unsigned long long)kb);
    fake_store_set(full, value);
}

static void appeared(void *arg, struct service_domain *d)
{
    struct machine_xen_options options = {.path = path, .owner = getuid(), .group = getgid()};

    assert_int_equal(machine_xen_new(ctx, d, &options, &machine), 0);
}

static void renamed_or_gone(void *arg, struct service_domain *d)
{
}

static void written(void *arg, struct service_domain *d, enum service_node node)
{
    machine_xen_written(machine);
}

static void shut_down(void *arg, struct service_domain *d, unsigned reason)
{
}

void begin(const char *type, uint64_t held_kb, uint64_t target_kb, uint64_t videoram_kb)
{
    static const struct tracker_ops ops = {appeared, renamed_or_gone, written, shut_down, renamed_or_gone};

    ctx = fake_ctx_new();
    fd = -1;
    *got = 0;
    domain = fake_xen_domain(7, held_kb, 256 * MIB + 1024);
    fake_xen_type(domain, type);
    fake_store_set("/libxl/7/type", type);
    fake_store_set(DOM "name", "guest");
    fake_store_set(DOM "vm", "/vm/07070707-0707-0707-0707-070707070707");
    write_kb("target", target_kb);
    write_kb("static-max", 256 * MIB);
    write_kb("videoram", videoram_kb);
    assert_int_equal(tracker_new(ctx, &domains, &ops, NULL, &tracker), 0);
    /* Its watches fire once for their registration. */
    turn();
    pass(1);
    looks = fake_xen_looks();
    watches = fake_store_watches();
}

void end(void)
{
    machine_xen_free(machine);
    tracker_free(tracker);
    if (fd >= 0)
        close(fd);
    turn();
    assert_int_equal(access(path, F_OK), -1);
    fake_ctx_free(ctx);
}
