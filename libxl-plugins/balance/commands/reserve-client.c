/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/commands/reserve-client.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "balance/service/control.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/ev.h"

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

/* ---- memd that went and came back ---- */

#define RETRY_MS 250
/* So long a reservation waits for its holder (balance/service/control.h). */
#define COME_BACK_MS 30000

/* The reservation as it is now, in gc. A younger one of that name is somebody else's: names begin anew with a memd that
 * finds none. */
static int ask_after(struct xlx_ctx *ctx, struct memd_client *client, struct gc *gc, const struct reserve_got *got,
                     const struct json **about)
{
    uint64_t age = ev_clock_ms() - got->since_ms, its_age;
    const struct json *list;
    const char *text;
    int rc;

    rc = memd_call(client, gc, CONTROL_RESERVATIONS, NULL, &list);
    if (rc)
        return rc;
    for (size_t i = 0; list && list->type == JSON_ARRAY && i < list->list.count; i++) {
        *about = list->list.items[i];
        if (json_member_string(*about, "id", &text) && !strcmp(text, got->id) &&
            json_member_u64(*about, "age_ms", &its_age) && its_age + 2 >= age)
            return 0;
    }
    LOG(ctx, ERROR, "memd has no reservation %s any more", got->id);
    return ERROR_NOTFOUND;
}

/* Reservations outlive memd for those who hold them again. A socket that is not there yet raises no event. */
static int come_back(struct xlx_ctx *ctx, struct memd_client **client, struct gc *gc, const struct reserve_got *got,
                     const struct json **about)
{
    uint64_t deadline = ev_clock_ms() + COME_BACK_MS;
    int rc;

    LOG(ctx, WARN, "waiting for memd to come back");
    do {
        memd_disconnect(TAKE_PTR(*client));
        poll(NULL, 0, RETRY_MS);
        rc = memd_connect(ctx, client);
    } while (rc && ev_clock_ms() < deadline);
    if (rc) {
        LOG(ctx, ERROR, "memd does not come back");
        return ERROR_FAIL;
    }
    rc = ask_after(ctx, *client, gc, got, about);
    return rc ? rc : hold(*client, gc, got->id, got->keep_ms);
}

/* ---- waiting ---- */

/* The next that memd says; *about NULL: not of this reservation. */
static int hear(struct xlx_ctx *ctx, struct memd_client **client, struct gc *gc, const struct reserve_got *got,
                const struct json **about)
{
    const struct json *message;
    const char *text;

    /* memd that is stopped refuses what it cannot answer any more. */
    if (memd_event(*client, gc, UINT64_MAX, &message) || json_member(message, "error"))
        return come_back(ctx, client, gc, got, about);
    *about = json_member(message, "return");
    if (!*about)
        *about = json_member(message, "data");
    if (!json_member_string(*about, "id", &text) || strcmp(text, got->id))
        *about = NULL;
    return 0;
}

int reserve_wait(struct xlx_ctx *ctx, struct xlx_ui *ui, struct memd_client **client, const struct reserve_wish *wish,
                 struct reserve_got *got)
{
    const struct json *message;
    const char *id;
    GC_SCOPE(gc);
    int rc;

    rc = memd_call(*client, gc, CONTROL_RESERVE, arguments_of(gc, wish), &message);
    if (rc)
        return rc;
    if (!json_member_string(message, "id", &id) || strlen(id) >= sizeof(got->id)) {
        LOG(ctx, ERROR, "memd gives no reservation");
        return ERROR_FAIL;
    }
    strcpy(got->id, id);
    got->keep_ms = wish->keep_ms;
    got->since_ms = ev_clock_ms();
    rc = hold(*client, gc, id, wish->keep_ms);
    if (!rc)
        rc = judge(ctx, ui, message, got);
    while (rc > 0) {
        GC_SCOPE(turn);

        rc = hear(ctx, client, turn, got, &message);
        if (!rc)
            rc = message ? judge(ctx, ui, message, got) : 1;
    }
    ui->ops->progress(ui, NULL);
    return rc;
}

/* ---- programs ---- */

static int start_program(struct xlx_ctx *ctx, char **argv, pid_t *pid)
{
    int r = posix_spawnp(pid, argv[0], NULL, NULL, argv, environ);

    if (r)
        LOG(ctx, ERROR, "cannot run %s: %s", argv[0], strerror(r));
    return r;
}

static int wait_for(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Takes what memd says, since it drops who does not read; whether the connection is still there. */
static bool read_on(struct xlx_ctx *ctx, struct memd_client *client)
{
    int rc;

    do {
        const struct json *message, *error;
        const char *text;
        GC_SCOPE(gc);

        rc = memd_event(client, gc, 0, &message);
        error = rc ? NULL : json_member(message, "error");
        if (error && json_member_string(error, "desc", &text))
            LOG(ctx, WARN, "memd: %s", text);
    } while (!rc);
    return rc == ERROR_TIMEDOUT;
}

/* Until the program or its need of the reservation ends; without memd it tries to come back to it, as long as it takes.
 */
static void hold_meanwhile(struct xlx_ctx *ctx, struct memd_client **client, const struct reserve_got *got, int pid_fd,
                           bool (*over)(void *arg), void *arg)
{
    struct pollfd p[2] = {{pid_fd, POLLIN, 0}, {-1, POLLIN, 0}};

    do {
        const struct json *about;
        GC_SCOPE(gc);

        if (over && over(arg)) {
            memd_disconnect(TAKE_PTR(*client));
            return;
        }
        if (*client && !read_on(ctx, *client))
            memd_disconnect(TAKE_PTR(*client));
        if (!*client && !memd_connect(ctx, client) && !ask_after(ctx, *client, gc, got, &about))
            hold(*client, gc, got->id, got->keep_ms);
        p[1].fd = *client ? memd_fd(*client) : -1;
        if (poll(p, 2, *client && !over ? -1 : RETRY_MS) < 0 && errno != EINTR)
            return;
    } while (!p[0].revents);
}

int run_program_holding(struct xlx_ctx *ctx, char **argv, struct memd_client **client, const struct reserve_got *got,
                        bool (*over)(void *arg), void *arg)
{
    CLEANUP_FD int pid_fd = -1;
    pid_t pid;

    if (start_program(ctx, argv, &pid))
        return -1;
    if (*client)
        pid_fd = pidfd_open(pid, 0);
    if (pid_fd >= 0)
        hold_meanwhile(ctx, client, got, pid_fd, over, arg);
    return wait_for(pid);
}
