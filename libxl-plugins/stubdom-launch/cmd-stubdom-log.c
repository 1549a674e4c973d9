/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stubdom-log: what the stub domain of a guest has said: its kernel, its init, QEMU's errors. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "core/ao.h"
#include "core/domain.h"
#include "core/xen-version.h"
#include "stubdom-launch/log.h"
#include "stubdom-launch/stubdom.h"

struct options {
    uint64_t lines;
    bool follow, own;
};

static const struct options defaults = {.lines = 50};

static const struct xlx_option option_table[] = {
    {'f', "follow", XLX_OPTION_FLAG, offsetof(struct options, follow), NULL,
     "go on showing what comes, until interrupted or the guest is started anew"},
    {'n', "lines", XLX_OPTION_NUMBER, offsetof(struct options, lines), "N",
     "show the last N lines (default 50, 0: all)"},
    {0, "init", XLX_OPTION_FLAG, offsetof(struct options, own), NULL,
     "show only what the stub domain's init says, not the kernel and QEMU"},
};

static void show(const struct xlx_invocation *in, char *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        in->ui->ops->print(in->ui, "%s\n", lines[i]);
}

static void show_json(struct gc *gc, const struct xlx_invocation *in, char *const *lines, size_t count)
{
    struct json *list = json_new_array(gc);

    for (size_t i = 0; i < count; i++)
        json_append(gc, list, json_new_string(gc, lines[i]));
    in->ui->ops->print(in->ui, "%s", json_text(gc, list, JSON_PRETTY));
}

/* ---- following ---- */

struct follow {
    struct ao ao;
    const struct xlx_invocation *in;
    uv_fs_event_t *event;
    struct ev_timer more;
    struct stubdom_log_reader reader;
};

/* A stub domain that writes faster than this is read must not keep the loop from hearing an interrupt. */
#define LINES_IN_A_ROW 500

static void event_closed(uv_handle_t *handle)
{
    free(handle);
}

static void follow_done(struct ao *ao, int rc)
{
    struct follow *f = CONTAINER_OF(ao, struct follow, ao);

    ev_timer_stop(&f->more);
    uv_close((uv_handle_t *)f->event, event_closed);
    ao_complete(ao, rc);
}

static void show_new(struct ev_timer *timer)
{
    struct follow *f = CONTAINER_OF(timer, struct follow, more);
    const struct options *o = f->in->options;
    const char *line = "";

    for (int i = 0; i < LINES_IN_A_ROW && (line = stubdom_log_next(&f->reader)); i++) {
        if (!o->own || stubdom_log_is_own(line))
            f->in->ui->ops->print(f->in->ui, "%s\n", line);
    }
    fflush(stdout);
    if (line)
        ev_timer_start(&f->ao.ctx->loop, &f->more, 0, 0, show_new);
}

static void file_changed(uv_fs_event_t *event, const char *name, int events, int status)
{
    struct follow *f = event->data;

    ev_timer_stop(&f->more);
    show_new(&f->more);
    /* libxl renames the log of a domain that is started anew */
    if (events & UV_RENAME)
        follow_done(&f->ao, 0);
}

/* From the byte on where what has been shown ends. */
static int follow(const struct xlx_invocation *in, const char *path, long from)
{
    struct follow f = {.ao = {.ctx = in->ctx, .timeout_ms = in->ui->timeout_ms}, .in = in};
    int rc;

    f.reader.file = fopen(path, "re");
    if (!f.reader.file || fseek(f.reader.file, from, SEEK_SET)) {
        LOG(in->ctx, ERROR, "cannot read %s: %s", path, strerror(errno));
        if (f.reader.file)
            fclose(f.reader.file);
        return ERROR_FAIL;
    }
    f.event = calloc(1, sizeof(*f.event));
    if (!f.event)
        abort();
    uv_fs_event_init(&in->ctx->loop, f.event);
    f.event->data = &f;
    ao_start(&f.ao, follow_done);
    rc = uv_fs_event_start(f.event, file_changed, path, 0);
    if (rc) {
        LOG(in->ctx, ERROR, "cannot watch %s: %s", path, uv_strerror(rc));
        uv_close((uv_handle_t *)f.event, event_closed);
        ao_complete_soon(&f.ao, ERROR_FAIL);
    } else {
        /* What has come meanwhile. */
        ev_timer_start(&in->ctx->loop, &f.more, 0, 0, show_new);
    }
    rc = ao_wait(&f.ao);
    fclose(f.reader.file);
    return rc == ERROR_TIMEDOUT ? 0 : rc;
}

/* The name of the domain, or the argument itself: the log outlives the guest. */
static char *guest_name(const struct xlx_invocation *in, struct gc *gc)
{
    char name[XLX_NAME_MAX];
    struct xs_handle *xs;
    uint32_t domid;

    if (!strchr(in->argv[0], '/') && !access(stubdom_log_path(gc, in->argv[0]), F_OK))
        return in->argv[0];
    if (!xlx_ctx_usable(in->ctx) || xlx_domain_find(in->ctx, in->argv[0], &domid) || ctx_xs(in->ctx, &xs))
        return NULL;
    domain_name(in->ctx, xs, domid, name);
    return gc_strdup(gc, name);
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    char *name, *path, **lines;
    size_t count;
    long end;
    GC_SCOPE(gc);
    int rc;

    name = guest_name(in, gc);
    if (!name)
        return XLX_EXIT_FAILED;
    path = stubdom_log_path(gc, name);
    /* of init's lines the last ones are wanted, however much the kernel has said since */
    rc = stubdom_log_tail(gc, path, o->own ? 0 : o->lines, &lines, &count, o->follow ? &end : NULL);
    if (rc == ERROR_NOTFOUND) {
        LOG(in->ctx, ERROR, "there is no log %s: was '%.128s' ever started with a stub domain?", path, name);
        return XLX_EXIT_FAILED;
    }
    if (rc) {
        LOG(in->ctx, ERROR, "cannot read %s: %s", path, strerror(errno));
        return XLX_EXIT_FAILED;
    }
    if (o->own)
        lines = stubdom_log_own(gc, lines, count, o->lines, &count);
    if (in->ui->json)
        show_json(gc, in, lines, count);
    else
        show(in, lines, count);
    fflush(stdout);
    if (o->follow)
        return xlx_exit_of(follow(in, path, end));
    return XLX_EXIT_DONE;
}

const struct xlx_command cmd_stubdom_log = {
    .name = "stubdom-log",
    .synopsis = "[-n N] [-f] [--init] DOMAIN",
    .summary = "Show what the stub domain of a guest has said",
    .details = "The stub domain's console: its kernel, its init (lines with \"" STUBDOM_LOG_PREFIX
               "\") and QEMU's errors. libxl "
               "keeps it as " XEN_LOG_FOLDER
               "/qemu-dm-GUEST.log, also when the guest is gone: DOMAIN may be the name of such a "
               "guest.",
    XLX_OPTIONS(option_table, struct options),
    .defaults = &defaults,
    .args_min = 1,
    .args_max = 1,
    .domain_arg = 0,
    .flags = XLX_COMMAND_ANYWHERE,
    .run = XLX_CODE(run),
};
