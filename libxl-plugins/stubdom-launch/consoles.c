/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/consoles.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

/* libxl_internal.h: STUBDOM_CONSOLE_LOGGING, _RESTORE and _SERIAL */
#define CONSOLE_LOG 0u
#define CONSOLE_RESTORE 2u
#define CONSOLE_SERIAL 3u

/* xen/io/xenbus.h; 0 here: not written yet */
enum { STATE_NONE = 0, STATE_INITIALISING = 1, STATE_INIT_WAIT = 2, STATE_CONNECTED = 4, STATE_MAX = 8 };

static uint64_t read_state(struct gc *gc, struct xs_handle *xs, const char *folder)
{
    uint64_t state;

    return store_read_u64(gc, xs, XBT_NULL, gc_printf(gc, "%s/state", folder), STATE_MAX, &state) ? STATE_NONE : state;
}

static int connect_one(struct gc *gc, struct xs_handle *xs, const char *folder)
{
    return store_printf(gc, xs, XBT_NULL, gc_printf(gc, "%s/state", folder), "%d", STATE_CONNECTED);
}

/*
 * The console from which a restore reads has no "output" in any other start: QEMU refuses to serve such a one ("No serial
 * device #2 found"); so is the serial port's when the guest is to have none. Linux waits up to 300 s for the back end before
 * it starts init. Nobody writes into them.
 */
static int connect_unused(struct gc *gc, struct xs_handle *xs, uint32_t domid, unsigned number)
{
    const char *back = path_console_back(gc, domid, number);
    const char *output = gc_printf(gc, "%s/output", path_console_front(gc, domid, number));
    char *value;
    int rc;

    if (read_state(gc, xs, back) != STATE_INITIALISING)
        return 0;
    rc = store_read(gc, xs, XBT_NULL, output, STORE_VALUE_MAX, &value);
    if (rc == ERROR_NOTFOUND || (!rc && !strcmp(value, "none")))
        return connect_one(gc, xs, back);
    return rc;
}

/* True: there is nothing left to do. */
static bool serve(struct stub_consoles *c, struct gc *gc, struct xs_handle *xs)
{
    const char *front = path_console_front(gc, c->domid, CONSOLE_LOG);
    uint64_t back_state = read_state(gc, xs, path_console_back(gc, c->domid, CONSOLE_LOG));
    int restore_rc, serial_rc, rc;

    if (back_state > STATE_INIT_WAIT)
        return true;
    /* an older QEMU goes through this state by itself, and does not write the front end's */
    if (back_state != STATE_INIT_WAIT || read_state(gc, xs, front) != STATE_INITIALISING)
        return false;
    restore_rc = connect_unused(gc, xs, c->domid, CONSOLE_RESTORE);
    serial_rc = connect_unused(gc, xs, c->domid, CONSOLE_SERIAL);
    /*
     * QEMU has connected this one, but drops what comes until its own state says so, and for Xen's first console nobody has
     * it say so; the kernel stands still when 2 KiB are full. Of a front end that is connected QEMU takes notice: it connects
     * anew, and Xen raises the event that was dropped.
     */
    rc = connect_one(gc, xs, front);
    if (!rc)
        rc = restore_rc ? restore_rc : serial_rc;
    if (rc)
        LOGD(c->ctx, WARN, c->domid, "cannot connect the stub domain's consoles: %s", error_text(rc));
    else
        LOGD(c->ctx, DEBUG, c->domid, "the stub domain's consoles are connected");
    return true;
}

static void back_end_changed(struct store_watch *watch, const char *path)
{
    struct stub_consoles *c = CONTAINER_OF(watch, struct stub_consoles, backends);
    struct xs_handle *xs;
    GC_SCOPE(gc);

    if (ctx_xs(c->ctx, &xs) || serve(c, gc, xs))
        stub_consoles_stop(c);
}

int stub_consoles_start(struct stub_consoles *c, struct xlx_ctx *ctx, uint32_t stub_domid)
{
    struct store_watcher *watcher;
    GC_SCOPE(gc);
    int rc;

    c->ctx = ctx;
    c->domid = stub_domid;
    rc = ctx_watcher(ctx, &watcher);
    if (rc)
        return rc;
    rc = store_watch_start(watcher, &c->backends, path_console_backs(gc, stub_domid), back_end_changed);
    if (rc)
        LOGD(ctx, WARN, stub_domid, "cannot watch the stub domain's consoles: %s", error_text(rc));
    return rc;
}

void stub_consoles_stop(struct stub_consoles *c)
{
    store_watch_stop(&c->backends);
}
