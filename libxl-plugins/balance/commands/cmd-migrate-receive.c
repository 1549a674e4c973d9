/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * migrate-receive: the other end of xl migrate, with the guest's memory reserved before. xl says that it is ready, and the
 * sender answers with the guest's configuration at once: so this says it in xl's place, reads the configuration, has memd
 * make room, and then gives xl the whole stream from its start.
 *
 *   sender --> our standard input --> feeder: what was read, then the rest --> xl
 *   sender <-- our standard output <-- drainer: all but xl's own first word <-- xl
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "balance/commands/build-client.h"
#include "balance/commands/build-undo.h"
#include "balance/commands/commands.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "core/domain.h"
#include "core/run-folder.h"
#include "core/xl-saved.h"
#include "core/xl.h"

/* tools/xl/xl_migrate.c, migrate_receiver_banner. */
#define BANNER "xl migration receiver ready, send binary domain data.\n"
#define BANNER_BYTES (sizeof(BANNER) - 1)

struct options {
    uint64_t timeout_ms;
    const char *forget;
    bool other; /* xl's */
};

static const struct options defaults = {.timeout_ms = 60000};

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Until one side is closed; skip: so many bytes are dropped first. */
static void pass_on(int from, int to, size_t skip)
{
    static char bytes[65536];
    ssize_t n;

    while ((n = read(from, bytes, sizeof(bytes))) > 0 || (n < 0 && errno == EINTR)) {
        size_t dropped = n > 0 && skip ? ((size_t)n < skip ? (size_t)n : skip) : 0;

        skip -= dropped;
        if (n > 0 && write_all(to, bytes + dropped, (size_t)n - dropped))
            return;
    }
}

/* ---- between sender and xl ---- */

struct relay {
    pid_t drainer;
};

static int fail_relay(struct xlx_ctx *ctx)
{
    LOG(ctx, ERROR, "cannot stand between the sender and xl: %s", strerror(errno));
    return ERROR_FAIL;
}

/* From then on standard input and output are xl's. */
static int relay_start(struct xlx_ctx *ctx, const struct xl_saved_head *head, struct relay *relay)
{
    int in[2], out[2];
    pid_t feeder;

    if (pipe2(in, O_CLOEXEC))
        return fail_relay(ctx);
    if (pipe2(out, O_CLOEXEC)) {
        close(in[0]);
        close(in[1]);
        return fail_relay(ctx);
    }
    feeder = fork();
    if (!feeder) {
        close(in[0]);
        close(out[0]);
        close(out[1]);
        close(STDOUT_FILENO);
        if (!write_all(in[1], head->bytes, head->len))
            pass_on(STDIN_FILENO, in[1], 0);
        _exit(0);
    }
    relay->drainer = feeder < 0 ? -1 : fork();
    if (!relay->drainer) {
        close(in[0]);
        close(in[1]);
        close(out[1]);
        close(STDIN_FILENO);
        pass_on(out[0], STDOUT_FILENO, BANNER_BYTES);
        _exit(0);
    }
    if (relay->drainer > 0 && (dup2(in[0], STDIN_FILENO) < 0 || dup2(out[1], STDOUT_FILENO) < 0))
        relay->drainer = -1;
    for (int i = 0; i < 2; i++) {
        close(in[i]);
        close(out[i]);
    }
    return relay->drainer < 0 ? fail_relay(ctx) : 0;
}

/* What xl has said last has reached the sender. */
static void relay_end(struct relay *relay)
{
    close(STDOUT_FILENO);
    while (waitpid(relay->drainer, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* ---- the command ---- */

static int receive(const struct xlx_invocation *in, struct gc *gc)
{
    const struct options *o = in->options;
    struct xl_build build = build_of(in, o->timeout_ms, false);
    struct xl_saved_head head;
    struct relay relay;
    const char *cause;
    int status;

    if (write_all(STDOUT_FILENO, BANNER, BANNER_BYTES)) {
        LOG(in->ctx, ERROR, "cannot answer the sender: %s", strerror(errno));
        return XLX_EXIT_FAILED;
    }
    if (xl_saved_head_read(gc, STDIN_FILENO, &head, &cause)) {
        LOG(in->ctx, ERROR, "cannot read what the sender sends: %s", cause);
        return XLX_EXIT_FAILED;
    }
    if (relay_start(in->ctx, &head, &relay))
        return XLX_EXIT_FAILED;
    if (!head.config || build_need(&build, head.config))
        return xl_runs_alone(in, "what comes does not say how much memory it needs: none is reserved");
    status = build_with_memory(&build);
    relay_end(&relay);
    if (status)
        build_forget_incoming(in->ctx, build.uuid);
    return status;
}

static int forget(const struct xlx_invocation *in, const char *uuid)
{
    if (!domain_is_uuid(uuid)) {
        LOG(in->ctx, ERROR, "'%.40s' is no UUID", uuid);
        return XLX_EXIT_USAGE;
    }
    return xlx_exit_of(build_forget_incoming(in->ctx, uuid));
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    GC_SCOPE(gc);

    if (o->forget)
        return xlx_ctx_usable(in->ctx) ? forget(in, o->forget) : XLX_EXIT_FAILED;
    xl_keep_superpages();
    if (xlx_why_no_dom0())
        return xl_runs_alone(in, xlx_why_no_dom0());
    if (!xlx_ctx_usable(in->ctx))
        return XLX_EXIT_FAILED;
    return memd_runs() ? receive(in, gc) : xl_runs_alone(in, NULL);
}

static const struct xlx_option option_table[] = {
    {'t', NULL, XLX_OPTION_DURATION, offsetof(struct options, timeout_ms), "SECONDS",
     "give up when the memory is not free by then (default 60)"},
    {0, "forget", XLX_OPTION_TEXT, offsetof(struct options, forget), "UUID",
     "take none; destroy what has come of that guest and was not let run"},
    {'F', NULL, XLX_OPTION_FLAG, offsetof(struct options, other), NULL, "xl's: no daemon", true},
    {'d', NULL, XLX_OPTION_FLAG, offsetof(struct options, other), NULL, "xl's: print much", true},
    {'e', NULL, XLX_OPTION_FLAG, offsetof(struct options, other), NULL, "xl's: nobody waits for the domain's end",
     true},
    {'p', NULL, XLX_OPTION_FLAG, offsetof(struct options, other), NULL, "xl's: leave the domain paused", true},
};

const struct xlx_command cmd_migrate_receive = {
    .name = "migrate-receive",
    .synopsis = "[-t SECONDS] [--forget UUID] [XL-OPTION]...",
    .summary = "Take a migrating guest, with its memory reserved before",
    .details =
        "For xl migrate, which runs it through ssh: with a link called xl to xl-ext in front of this host's PATH "
        "an incoming guest finds its memory on a full host. Without memd it is xl's.",
    XLX_OPTIONS(option_table, struct options),
    .defaults = &defaults,
    .args_max = XLX_ARGS_ANY,
    .domain_arg = XLX_NO_DOMAIN,
    .flags = XLX_COMMAND_MODIFIES | XLX_COMMAND_ANYWHERE | XLX_COMMAND_WRAPS_XL,
    .run = XLX_CODE(run),
};
