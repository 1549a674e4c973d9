/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memd-client/reserve.h"

#include <inttypes.h>
#include <string.h>

#include "memd-client/control.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "core/subprocess.h"

static struct json *arguments_of(struct gc *gc, const struct reserve_wish *wish)
{
    struct json *arguments = json_new_object(gc);

    json_set_u64(gc, arguments, "size_memkb", wish->size_memkb);
    if (wish->min_memkb)
        json_set_u64(gc, arguments, "min_memkb", wish->min_memkb);
    if (wish->timeout_ms)
        json_set_u64(gc, arguments, "timeout_ms", wish->timeout_ms);
    if (wish->uuid)
        json_set_string(gc, arguments, "uuid", wish->uuid);
    if (wish->domid >= 0)
        json_set_integer(gc, arguments, "domain", wish->domid);
    return arguments;
}

static int hold(struct memd_client *client, const struct reserve_got *got)
{
    GC_SCOPE(gc);
    struct json *arguments = json_new_object(gc);

    json_set_string(gc, arguments, "id", got->id);
    if (got->keep_ms)
        json_set_u64(gc, arguments, "keep_ms", got->keep_ms);
    return memd_send(client, CONTROL_RESERVE_HOLD, arguments);
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
        if (ui && lacking)
            ui->ops->progress(ui, "waiting: the guests could not give %" PRIu64 " MiB of it even at their minimums",
                              (lacking + 1023) / 1024);
        else if (ui)
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
/* So long a reservation waits for its holder (memd-client/control.h). */
#define COME_BACK_MS 30000

/* The reservation as it is now, valid until the next call. A younger one of that name is somebody else's: names begin
 * anew with a memd that finds none. */
static int ask_after(struct xlx_ctx *ctx, struct memd_client *client, const struct reserve_got *got,
                     const struct json **about)
{
    uint64_t age = ev_clock_ms() - got->since_ms, its_age;
    const struct json *list;
    const char *text;
    int rc;

    rc = memd_call(client, CONTROL_RESERVATIONS, NULL, &list);
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

/* Reservations outlive memd for those who hold them again. */
static int come_back(struct xlx_ctx *ctx, struct memd_client **client, const struct reserve_got *got,
                     const struct json **about)
{
    int rc;

    LOG(ctx, WARN, "waiting for memd to come back");
    memd_disconnect(TAKE_PTR(*client));
    rc = memd_connect_within(ctx, COME_BACK_MS, client);
    if (rc) {
        if (rc != ERROR_ABORTED)
            LOG(ctx, ERROR, "memd does not come back");
        return rc == ERROR_ABORTED ? rc : ERROR_FAIL;
    }
    rc = ask_after(ctx, *client, got, about);
    return rc ? rc : hold(*client, got);
}

/* ---- waiting ---- */

/* The next that memd says; *about NULL: not of this reservation. */
static int hear(struct xlx_ctx *ctx, struct memd_client **client, const struct reserve_got *got,
                const struct json **about)
{
    const struct json *message;
    const char *text;
    int rc;

    rc = memd_event(*client, UINT64_MAX, &message);
    if (rc == ERROR_ABORTED)
        return rc;
    /* memd that is stopped refuses what it cannot answer any more. */
    if (rc || json_member(message, "error"))
        return come_back(ctx, client, got, about);
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

    rc = memd_call(*client, CONTROL_RESERVE, arguments_of(gc, wish), &message);
    if (rc)
        return rc;
    if (!json_member_string(message, "id", &id) || strlen(id) >= sizeof(got->id)) {
        LOG(ctx, ERROR, "memd gives no reservation");
        return ERROR_FAIL;
    }
    strcpy(got->id, id);
    got->keep_ms = wish->keep_ms;
    got->since_ms = ev_clock_ms();
    rc = hold(*client, got);
    if (!rc)
        rc = judge(ctx, ui, message, got);
    while (rc > 0) {
        rc = hear(ctx, client, got, &message);
        if (!rc)
            rc = message ? judge(ctx, ui, message, got) : 1;
    }
    if (ui)
        ui->ops->progress(ui, NULL);
    return rc;
}

void reserve_give_back(struct xlx_ctx *ctx, const char *id)
{
    struct memd_client *client;
    GC_SCOPE(gc);
    struct json *arguments = json_new_object(gc);

    if (memd_connect(ctx, &client))
        return;
    json_set_string(gc, arguments, "id", id);
    memd_ask(client, CONTROL_RESERVE_RELEASE, arguments, NULL);
    memd_disconnect(client);
}

/* ---- programs ---- */

struct holder {
    struct subprocess program;
    struct ev_interrupt interrupt;
    struct ev_timer tick; /* while memd is gone, or over is asked */
    bool (*over)(void *arg);
    void *arg;
    bool ended, tick_due;
    bool released; /* nothing is held any more */
    int rc;
};

static void program_ended(struct ao *ao, int rc)
{
    struct holder *h = CONTAINER_OF(ao, struct holder, program.ao);

    h->ended = true;
    h->rc = rc;
}

static void interrupted(struct ev_interrupt *i, int signum)
{
    ao_abort(&CONTAINER_OF(i, struct holder, interrupt)->program.ao);
}

static void tick_due(struct ev_timer *timer)
{
    CONTAINER_OF(timer, struct holder, tick)->tick_due = true;
}

/* Takes what memd says, since it drops who does not read; whether the connection is still there. */
static bool read_on(struct xlx_ctx *ctx, struct memd_client *client)
{
    int rc;

    do {
        const struct json *message, *error;
        const char *text;

        rc = memd_event(client, 0, &message);
        error = rc ? NULL : json_member(message, "error");
        if (error && json_member_string(error, "desc", &text))
            LOG(ctx, WARN, "memd: %s", text);
    } while (!rc);
    return rc != ERROR_FAIL;
}

/* A turn of holding, until the need of the reservation ends; a memd that went is tried again and again, as long as the
 * program runs. */
static void hold_on(struct xlx_ctx *ctx, struct memd_client **client, const struct reserve_got *got, struct holder *h)
{
    const struct json *about;

    h->released = h->over && h->tick_due && h->over(h->arg);
    if (*client && (h->released || !read_on(ctx, *client)))
        memd_disconnect(TAKE_PTR(*client));
    if (h->released)
        return;
    if (!*client && h->tick_due && !memd_connect(ctx, client) && !ask_after(ctx, *client, got, &about))
        hold(*client, got);
    h->tick_due = false;
    if ((!*client || h->over) && !ev_timer_active(&h->tick))
        ev_timer_start(&ctx->loop, &h->tick, RETRY_MS, 0, tick_due);
}

int run_program_holding(struct xlx_ctx *ctx, char **argv, struct memd_client **client, const struct reserve_got *got,
                        bool (*over)(void *arg), void *arg)
{
    GC_SCOPE(gc);
    struct holder h = {
        .program =
            {
                .ao = {.ctx = ctx, .done = program_ended},
                .gc = gc,
                .argv = argv,
                .our_input = true,
                .out = SUBPROCESS_OURS,
                .err = SUBPROCESS_OURS,
            },
        .over = over,
        .arg = arg,
        .released = !*client,
    };

    ev_interrupt_start(&ctx->loop, &h.interrupt, interrupted);
    subprocess_start(&h.program);
    while (!h.ended) {
        uv_run(&ctx->loop, UV_RUN_ONCE);
        if (!h.released && !h.ended)
            hold_on(ctx, client, got, &h);
    }
    ev_timer_stop(&h.tick);
    ev_interrupt_stop(&h.interrupt);
    if (h.rc == ERROR_ABORTED)
        return XLX_EXIT_INTERRUPTED;
    return h.rc ? -1 : h.program.exit_status;
}
