/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/init/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "base/cleanup.h"
#include "stubdom/init/dm_argv.h"
#include "stubdom/init/report.h"

static void close_store(struct xs_handle **xs)
{
    if (*xs)
        xs_close(*xs);
}
#define CLEANUP_XS __attribute__((cleanup(close_store)))

static bool has_value(struct xs_handle *xs, const char *path, const char *wanted)
{
    CLEANUP_FREE char *value = xs ? xs_read(xs, XBT_NULL, path, NULL) : NULL;

    return value && !strcmp(value, wanted);
}

static char *read_node(struct xs_handle *xs, const char *path, unsigned *len)
{
    char *value = xs_read(xs, XBT_NULL, path, len);

    if (!value)
        report("cannot read %s from xenstore: %s", path, strerror(errno));
    return value;
}

static int read_domid(struct xs_handle *xs, const char *path, uint32_t *domid)
{
    unsigned len;
    CLEANUP_FREE char *value = read_node(xs, path, &len);

    if (!value)
        return -1;
    if (strlen(value) != len || !dm_argv_parse_domid(value, domid)) {
        report("xenstore's %s is no domain id", path);
        return -1;
    }
    return 0;
}

static int read_argument(struct xs_handle *xs, const char *folder, const char *key, char **argument)
{
    char path[XENSTORE_ABS_PATH_MAX];
    const char *cause;
    unsigned len;
    char *value;

    snprintf(path, sizeof(path), "%s/%s", folder, key);
    value = read_node(xs, path, &len);
    if (!value)
        return -1;
    cause = dm_argv_check_value(value, len);
    if (cause) {
        report("%s: %s", path, cause);
        free(value);
        return -1;
    }
    *argument = value; /* xs_read ends every value with a NUL */
    return 0;
}

static int read_arguments(struct xs_handle *xs, const char *folder, struct store_guest *guest)
{
    static size_t order[DM_ARGS_MAX];
    const char *cause;
    unsigned n = 0;
    CLEANUP_FREE char **keys = xs_directory(xs, XBT_NULL, folder, &n);

    if (!keys) {
        report("cannot list %s in xenstore: %s (is device_model_version qemu-xen?)", folder, strerror(errno));
        return -1;
    }
    cause = dm_argv_order((const char *const *)keys, n, order);
    if (cause) {
        report("%s: %s", folder, cause);
        return -1;
    }
    guest->argc = n + 1;
    guest->argv = calloc(guest->argc + 1, sizeof(*guest->argv));
    if (!guest->argv) {
        report("out of memory for %u arguments", n);
        return -1;
    }
    for (unsigned i = 0; i < n; i++) {
        if (read_argument(xs, folder, keys[order[i]], &guest->argv[i + 1]))
            return -1;
    }
    return 0;
}

/* What QEMU calls a serial port that a guest has not got. */
#define NO_SERIAL_PORT "none"

/* "-serial /dev/hvc3", where dom0 was to make nothing of console 3 */
static void leave_out_serial_ports(struct xs_handle *xs, struct store_guest *guest)
{
    for (size_t i = 1; i + 1 < guest->argc; i++) {
        char node[48], *value = guest->argv[i + 1];
        uint32_t number;

        if (strcmp(guest->argv[i], "-serial") || !dm_argv_console(value, &number))
            continue;
        snprintf(node, sizeof(node), "device/console/%u/output", number);
        if (has_value(xs, node, NO_SERIAL_PORT))
            memcpy(value, NO_SERIAL_PORT, sizeof(NO_SERIAL_PORT)); /* shorter than any console's path */
    }
}

int store_read_guest(struct store_guest *guest)
{
    char path[64], folder[96];
    CLEANUP_XS struct xs_handle *xs = xs_open(0);
    CLEANUP_FREE char *vm = NULL;
    unsigned len;

    memset(guest, 0, sizeof(*guest));
    if (!xs) {
        report("cannot open xenstore: %s (does this kernel run under Xen?)", strerror(errno));
        return -1;
    }
    /* relative paths start at this domain's own /local/domain/ID */
    if (read_domid(xs, "domid", &guest->domid) || read_domid(xs, "target", &guest->guest_domid))
        return -1;
    snprintf(path, sizeof(path), "/local/domain/%u/vm", guest->guest_domid);
    vm = read_node(xs, path, &len);
    if (!vm)
        return -1;
    if (strlen(vm) != len || !dm_argv_is_vm_path(vm)) {
        report("xenstore's %s is not of the form /vm/UUID", path);
        return -1;
    }
    snprintf(folder, sizeof(folder), "%s/image/dm-argv", vm);
    if (read_arguments(xs, folder, guest))
        return -1;
    leave_out_serial_ports(xs, guest);
    return 0;
}

/* States of a front end, xen/io/xenbus.h. */
#define INITIALISING "1"
#define CONNECTED "4"

void store_connect_console(void)
{
    static const char node[] = "console/state";
    CLEANUP_XS struct xs_handle *xs = xs_open(0);

    if (has_value(xs, node, INITIALISING) && !xs_write(xs, XBT_NULL, node, CONNECTED, strlen(CONNECTED)))
        report("cannot connect the console: %s", strerror(errno));
}

bool store_console_is_connected(unsigned number)
{
    CLEANUP_XS struct xs_handle *xs = xs_open(0);
    char node[32];

    snprintf(node, sizeof(node), "device/console/%u/state", number);
    return has_value(xs, node, CONNECTED);
}

void store_write(const struct store_guest *guest, const char *node, const char *text)
{
    CLEANUP_XS struct xs_handle *xs = xs_open(0);
    char path[64];

    snprintf(path, sizeof(path), "device-model/%u/%s", guest->guest_domid, node);
    if (!xs || !xs_write(xs, XBT_NULL, path, text, (unsigned)strlen(text)))
        report("cannot write %s to xenstore: %s", path, strerror(errno));
}
