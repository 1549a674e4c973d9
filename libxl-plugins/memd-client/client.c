/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memd-client/client.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "memd-client/control.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "core/run-folder.h"
#include "monitor/connection.h"
#include "monitor/monitor.h"
#include "xlx-plugin.h"

#define RETRY_MS 250

struct memd_client {
    struct connection connection;
    struct gc *gc;
    bool only_looks; /* connected as one of the readers */
};

/* *error: what memd refused, or NULL. */
static int ask(struct memd_client *c, const char *command, const struct json *arguments, const struct json **result,
               const struct json **error)
{
    const struct json *reply;
    int rc;

    rc = connection_call(&c->connection, command, arguments, MEMD_TIMEOUT_MS, &reply);
    if (rc)
        return rc == ERROR_ABORTED ? rc : ERROR_FAIL;
    *error = json_member(reply, "error");
    if (result)
        *result = json_member(reply, "return");
    return 0;
}

int memd_ask(struct memd_client *c, const char *command, const struct json *arguments, const struct json **result)
{
    const struct json *error;
    int rc;

    rc = ask(c, command, arguments, result, &error);
    return !rc && error ? ERROR_INVAL : rc;
}

int memd_call(struct memd_client *c, const char *command, const struct json *arguments, const struct json **result)
{
    const struct json *error;
    const char *text;
    int rc;

    rc = ask(c, command, arguments, result, &error);
    if (rc || !error)
        return rc;
    if (c->only_looks && json_member_string(error, "class", &text) && !strcmp(text, MONITOR_COMMAND_NOT_FOUND))
        LOG(c->connection.ctx, ERROR, "memd lets only root do that; its readers may look");
    else
        LOG(c->connection.ctx, ERROR, "%s",
            json_member_string(error, "desc", &text) ? text : "memd refuses without a reason");
    return ERROR_FAIL;
}

int memd_send(struct memd_client *c, const char *command, const struct json *arguments)
{
    return connection_send(&c->connection, command, arguments);
}

int memd_event(struct memd_client *c, uint64_t timeout_ms, const struct json **message)
{
    return connection_next(&c->connection, timeout_ms, message);
}

/* ---- coming and going ---- */

/* Who may not be heard on the one, but on the other. */
static bool is_reader(const char *control, const char *look)
{
    return access(control, W_OK) && errno == EACCES && !access(look, W_OK);
}

int memd_connect(struct xlx_ctx *ctx, struct memd_client **client)
{
    struct gc *gc = gc_new();
    struct memd_client *c = GC_NEW(gc, struct memd_client);
    const char *path = gc_printf(gc, "%s/" CONTROL_SOCKET, run_folder());
    const char *look = gc_printf(gc, "%s/" CONTROL_LOOK_SOCKET, run_folder());
    int rc;

    *c = (struct memd_client){.connection = {.name = "memd", .may_be_absent = true, .keeps = true}, .gc = gc};
    c->only_looks = is_reader(path, look);
    rc = connection_open(&c->connection, ctx, c->only_looks ? look : path, MEMD_TIMEOUT_MS);
    if (rc) {
        gc_free(gc);
        return rc == ERROR_NOTFOUND || rc == ERROR_TIMEDOUT || rc == ERROR_ABORTED ? rc : ERROR_FAIL;
    }
    *client = c;
    return 0;
}

static void pause_over(struct ao *ao, int rc)
{
    ao_complete(ao, rc);
}

/* A socket that is not there yet raises no event. */
int memd_connect_within(struct xlx_ctx *ctx, uint64_t timeout_ms, struct memd_client **client)
{
    uint64_t deadline_ms = ev_clock_ms() + timeout_ms;
    int rc;

    do {
        struct ao pause = {.ctx = ctx, .timeout_ms = RETRY_MS};

        ao_start(&pause, pause_over);
        rc = ao_wait(&pause);
        if (rc != ERROR_TIMEDOUT)
            return rc;
        rc = memd_connect(ctx, client);
    } while (rc && rc != ERROR_ABORTED && ev_clock_ms() < deadline_ms);
    return rc;
}

void memd_give_up(struct memd_client *c)
{
    connection_give_up(&c->connection);
}

void memd_disconnect(struct memd_client *c)
{
    if (!c)
        return;
    connection_close(&c->connection);
    gc_free(c->gc);
}

int memd_missing(struct xlx_ctx *ctx)
{
    const char *why = xlx_why_no_dom0();

    LOG(ctx, ERROR, "%s", why ? why : "memd does not run: start it with 'xl-ext memd' (or its systemd unit)");
    return XLX_EXIT_FAILED;
}
