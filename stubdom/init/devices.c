/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/init/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "stubdom/init/net.h"
#include "stubdom/init/report.h"
#include "stubdom/init/store.h"

/* No event of the kernel's tells that a console has been connected. */
#define LOOK_AT_CONSOLES_MS 50

/* The nodes of consoles are there from the start; opening one works when the kernel has found its device. The first is the one
 * that init itself speaks on. */
static bool has_console(const char *path, unsigned number)
{
    CLEANUP_FD int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

    return fd >= 0 && (!number || store_console_is_connected(number));
}

/* The first device that is not there yet, as text; false when all are. */
static bool find_missing(const struct dm_needs *needs, char *name, size_t size)
{
    char interface[DM_IFNAME_BYTES];

    for (int i = 0; i < 26; i++) {
        snprintf(name, size, "/dev/xvd%c", 'a' + i);
        if (needs->disks >> i & 1 && access(name, F_OK))
            return true;
    }
    for (int i = 0; i < 32; i++) {
        snprintf(name, size, "/dev/hvc%d", i);
        if (needs->consoles >> i & 1 && !has_console(name, (unsigned)i))
            return true;
    }
    for (size_t i = 0; i < needs->num_nics; i++) {
        const uint8_t *mac = needs->nics[i].mac;

        if (!needs->nics[i].has_netdev || net_find(mac, interface))
            continue;
        snprintf(name, size, "network card %u (%02x:%02x:%02x:%02x:%02x:%02x)", needs->nics[i].devid, mac[0], mac[1],
                 mac[2], mac[3], mac[4], mac[5]);
        return true;
    }
    return false;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int devices_wait(const struct dm_needs *needs)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
    const int64_t deadline = now_ms() + DEVICES_TIMEOUT_MS;
    CLEANUP_FD int events = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
    char name[64], event[4096];

    /* listen first, look afterwards: nothing can come unnoticed in between */
    if (events < 0 || bind(events, (struct sockaddr *)&address, sizeof(address))) {
        report("cannot listen to the kernel's device events: %s", strerror(errno));
        return -1;
    }
    while (find_missing(needs, name, sizeof(name))) {
        struct pollfd poll_fd = {.fd = events, .events = POLLIN};
        int64_t left = deadline - now_ms();

        if (left <= 0) {
            report("%s did not appear within %d s: see the guest's back ends in dom0 "
                   "(xl block-list, xl network-list, /var/log/xen)",
                   name, DEVICES_TIMEOUT_MS / 1000);
            return -1;
        }
        if (left > LOOK_AT_CONSOLES_MS)
            left = LOOK_AT_CONSOLES_MS;
        if (poll(&poll_fd, 1, (int)left) < 0 && errno != EINTR) {
            report("cannot wait for devices: %s", strerror(errno));
            return -1;
        }
        while (recv(events, event, sizeof(event), 0) > 0)
            ; /* whatever it was, look again */
    }
    return 0;
}
