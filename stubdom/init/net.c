/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/init/net.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "stubdom/init/report.h"
#include "stubdom/init/setting.h"

static struct link {
    uint32_t devid;
    bool connected;
    char interface[DM_IFNAME_BYTES], tap[DM_IFNAME_BYTES], bridge[DM_IFNAME_BYTES];
} links[DM_NICS_MAX];

void net_quiet(void)
{
    setting_write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
    setting_write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
}

bool net_find(const uint8_t mac[DM_MAC_BYTES], char name[DM_IFNAME_BYTES])
{
    DIR *folder = opendir("/sys/class/net");
    struct dirent *entry;
    bool found = false;

    while (folder && !found && (entry = readdir(folder))) {
        uint8_t address[DM_MAC_BYTES];
        char path[300], text[32] = "";
        CLEANUP_FILE FILE *file = NULL;

        snprintf(path, sizeof(path), "/sys/class/net/%s/address", entry->d_name);
        file = fopen(path, "re");
        if (!file || !fgets(text, sizeof(text), file))
            continue;
        text[strcspn(text, "\n")] = '\0';
        if (strlen(entry->d_name) >= DM_IFNAME_BYTES || !dm_argv_parse_mac(text, address))
            continue;
        found = !memcmp(address, mac, DM_MAC_BYTES);
        if (found)
            memcpy(name, entry->d_name, strlen(entry->d_name) + 1);
    }
    if (folder)
        closedir(folder);
    return found;
}

static void request_for(struct ifreq *request, const char *interface)
{
    memset(request, 0, sizeof(*request));
    memcpy(request->ifr_name, interface, strlen(interface));
}

static int set_up(int control, const char *interface, bool up)
{
    struct ifreq request;

    request_for(&request, interface);
    if (ioctl(control, SIOCGIFFLAGS, &request))
        return -1;
    if (up)
        request.ifr_flags |= IFF_UP;
    else
        request.ifr_flags &= ~IFF_UP;
    return ioctl(control, SIOCSIFFLAGS, &request);
}

static int set_mac(int control, const char *interface, const uint8_t mac[DM_MAC_BYTES])
{
    struct ifreq request;

    request_for(&request, interface);
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(request.ifr_hwaddr.sa_data, mac, DM_MAC_BYTES);
    return ioctl(control, SIOCSIFHWADDR, &request);
}

static int copy_mtu(int control, const char *from, const char *to)
{
    struct ifreq request;
    int mtu;

    request_for(&request, from);
    if (ioctl(control, SIOCGIFMTU, &request))
        return -1;
    mtu = request.ifr_mtu;
    request_for(&request, to);
    request.ifr_mtu = mtu;
    return ioctl(control, SIOCSIFMTU, &request);
}

static int add_port(int control, const char *bridge, const char *port)
{
    struct ifreq request;

    request_for(&request, bridge);
    request.ifr_ifindex = (int)if_nametoindex(port);
    return request.ifr_ifindex ? ioctl(control, SIOCBRADDIF, &request) : -1;
}

static int open_tap(const char *name)
{
    struct ifreq request;
    int tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

    if (tap < 0)
        return -1;
    request_for(&request, name);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (ioctl(tap, TUNSETIFF, &request)) {
        close(tap);
        return -1;
    }
    return tap;
}

static int connect_link(int control, const struct link *link, const uint8_t guest_mac[DM_MAC_BYTES])
{
    uint8_t port_mac[DM_MAC_BYTES];
    char path[80];

    /* locally administered, and unlike any address that stands in a configuration or that dom0's back ends have */
    memcpy(port_mac, guest_mac, sizeof(port_mac));
    port_mac[0] = 0xfe;
    if (set_mac(control, link->interface, port_mac) || copy_mtu(control, link->interface, link->tap) ||
        ioctl(control, SIOCBRADDBR, link->bridge))
        return -1;
    /* the bridge itself must stay silent: no group queries, no address of its own */
    snprintf(path, sizeof(path), "/sys/class/net/%s/bridge/multicast_snooping", link->bridge);
    setting_write(path, "0");
    if (add_port(control, link->bridge, link->interface) || add_port(control, link->bridge, link->tap) ||
        set_up(control, link->interface, true) || set_up(control, link->tap, true) ||
        set_up(control, link->bridge, true))
        return -1;
    return 0;
}

int net_connect(const struct dm_nic *nic)
{
    CLEANUP_FD int control = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CLEANUP_FD int tap = -1;
    struct link *link = NULL;

    for (size_t i = 0; i < DM_NICS_MAX && !link; i++) {
        if (!links[i].connected)
            link = &links[i];
    }
    if (!link || !net_find(nic->mac, link->interface)) {
        report("network card %u has no counterpart in this domain", nic->devid);
        return -1;
    }
    link->devid = nic->devid;
    snprintf(link->tap, sizeof(link->tap), "tap%u", nic->devid);
    snprintf(link->bridge, sizeof(link->bridge), "br%u", nic->devid);
    tap = open_tap(link->tap);
    if (control < 0 || tap < 0 || connect_link(control, link, nic->mac)) {
        report("cannot connect %s with %s for network card %u: %s", link->interface, link->tap, nic->devid,
               strerror(errno));
        return -1;
    }
    link->connected = true;
    return TAKE_FD(tap);
}

void net_disconnect(uint32_t devid)
{
    CLEANUP_FD int control = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    for (size_t i = 0; i < DM_NICS_MAX; i++) {
        struct link *link = &links[i];

        if (!link->connected || link->devid != devid)
            continue;
        /* QEMU still holds the tap, so that it goes down instead of away */
        if (set_up(control, link->interface, false) || set_up(control, link->tap, false) ||
            set_up(control, link->bridge, false) || ioctl(control, SIOCBRDELBR, link->bridge))
            report("cannot take down network card %u: %s", devid, strerror(errno));
        else
            report_step("network card %u is unplugged, its path is down", devid);
        link->connected = false;
    }
}
