/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/reserve-client.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "balance/control.h"
#include "base/cleanup.h"
#include "base/error.h"

static struct json_writer *arguments_of(struct gc *gc, const struct reserve_wish *wish)
{
    struct json_writer *w = memd_arguments(gc);

    json_put_u64(w, "size_memkb", wish->size_memkb);
    if (wish->min_memkb) {
        json_put_u64(w, "min_memkb", wish->min_memkb);
    }
    if (wish->timeout_ms) {
        json_put_u64(w, "timeout_ms", wish->timeout_ms);
    }
    if (wish->uuid) {
        json_put_string(w, "uuid", wish->uuid);
    }
    if (wish->domid >= 0) {
        json_put_integer(w, "domain", wish->domid);
    }
    return w;
}

static int hold(struct memd_client *client, struct gc *gc, const char *id, uint64_t keep_ms)
{
    struct json_writer *w = memd_arguments(gc);

    json_put_string(w, "id", id);
    if (keep_ms) {
        json_put_u64(w, "keep_ms", keep_ms);
    }
    return memd_send(client, CONTROL_RESERVE_HOLD, w);
}

/* 1: go on waiting. */
static int judge(struct xlx_ctx *ctx, struct xlx_ui *ui, const struct json *r, struct reserve_got *got)
{
    const char *state;
    uint64_t lacking = 0;

    if (!json_member_string(r, "state", &state))
        return 1;
    json_member_u64(r, "memkb", &got->memkb);
    json_member_u64(r, "shortfall_memkb", &lacking);
    if (!strcmp(state, "ready") || !strcmp(state, "handed"))
        return 0;
    if (!strcmp(state, "waiting")) {
        if (lacking)
            ui->ops->progress(ui, "waiting: the guests could not give %" PRIu64 " MiB of it even at their minimums",
                              (lacking + 1023) / 1024);
        else
            ui->ops->progress(ui, "waiting for %" PRIu64 " MiB to become free", got->memkb / 1024);
        return 1;
    }
    if (!strcmp(state, "timed-out")) {
        LOG(ctx, ERROR, "only %" PRIu64 " MiB became free in time%s", got->memkb / 1024,
            lacking ? ": the guests cannot give more" : "");
        return ERROR_TIMEDOUT;
    }
    LOG(ctx, ERROR, "the reservation is over: %s", state);
    return ERROR_FAIL;
}

int reserve_wait(struct xlx_ctx *ctx, struct xlx_ui *ui, struct memd_client *client, const struct reserve_wish *wish,
                 struct reserve_got *got)
{
    const struct json *message;
    const char *id, *text;
    GC_SCOPE(gc);
    int rc;

    rc = memd_call(client, gc, CONTROL_RESERVE, arguments_of(gc, wish), &message);
    if (rc)
        return rc;
    if (!json_member_string(message, "id", &id) || strlen(id) >= sizeof(got->id)) {
        LOG(ctx, ERROR, "memd gives no reservation");
        return ERROR_FAIL;
    }
    strcpy(got->id, id);
    rc = judge(ctx, ui, message, got);
    if (rc <= 0)
        return rc;
    rc = hold(client, gc, id, wish->keep_ms);
    if (rc)
        return rc;
    for (;;) {
        const struct json *about;

        rc = memd_event(client, gc, UINT64_MAX, &message);
        if (rc)
            break;
        about = json_member(message, "return");
        if (!about)
            about = json_member(message, "data");
        if (json_member(message, "error")) {
            about = json_member(message, "error");
            LOG(ctx, ERROR, "%s", json_member_string(about, "desc", &text) ? text : "memd refuses");
            rc = ERROR_FAIL;
            break;
        }
        if (!json_member_string(about, "id", &text) || strcmp(text, got->id))
            continue;
        rc = judge(ctx, ui, about, got);
        if (rc <= 0)
            break;
    }
    ui->ops->progress(ui, NULL);
    return rc;
}

/* ---- programs ---- */

static int read_all(int fd, char **output, size_t max)
{
    size_t len = 0;
    char *bytes = malloc(max + 1);
    ssize_t r;

    if (!bytes)
        abort();
    while (len < max) {
        r = read(fd, bytes + len, max - len);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            break;
        len += (size_t)r;
    }
    bytes[len] = 0;
    *output = bytes;
    return len < max ? 0 : ERROR_BUFFERFULL;
}

int run_program(struct xlx_ctx *ctx, char **argv, char **output, size_t output_max)
{
    posix_spawn_file_actions_t actions;
    int fds[2] = {-1, -1}, status, r, rc = 0;
    pid_t pid;

    if (output && pipe2(fds, O_CLOEXEC)) {
        LOG(ctx, ERROR, "cannot make a pipe: %s", strerror(errno));
        return -1;
    }
    posix_spawn_file_actions_init(&actions);
    if (output)
        posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
    r = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (output)
        close(fds[1]);
    if (r) {
        LOG(ctx, ERROR, "cannot run %s: %s", argv[0], strerror(r));
        if (output)
            close(fds[0]);
        return -1;
    }
    if (output) {
        rc = read_all(fds[0], output, output_max);
        close(fds[0]);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (rc) {
        LOG(ctx, ERROR, "%s prints too much", argv[0]);
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
