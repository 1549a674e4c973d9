/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Grant tables and event channels within one process, in place of libxengnttab and libxenevtchn: libxenvchan itself,
 * both its sides, works on them as it does between two domains. A grant is a page of a file in memory, a channel's end
 * is an eventfd.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xentoollog.h>

#include <xenevtchn.h>
#include <xengnttab.h>

#include "tests/fakes/grants.h"

#define PAGE_BYTES 4096
#define PORTS_MAX 4096

static int memory = -1;
static uint32_t pages; /* grant N is page N - 1 */
static unsigned handles;

/* Of a channel both ends have the port's number. */
static struct {
    xenevtchn_handle *server, *client;
} ports[PORTS_MAX];
static uint32_t next_port = 1;

struct xenevtchn_handle {
    int fd;
    evtchn_port_t port;
};

unsigned fake_grant_handles(void)
{
    return handles;
}

static void *open_handle(size_t size)
{
    void *handle = calloc(1, size);

    if (!handle)
        abort();
    handles++;
    return handle;
}

static int close_handle(void *handle)
{
    handles--;
    free(handle);
    return 0;
}

/* ---- grants ---- */

xengntshr_handle *xengntshr_open(xentoollog_logger *logger, unsigned flags)
{
    return open_handle(1);
}

int xengntshr_close(xengntshr_handle *handle)
{
    return close_handle(handle);
}

static void *map(uint32_t first, uint32_t count)
{
    void *at = mmap(NULL, (size_t)count * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memory,
                    (off_t)(first - 1) * PAGE_BYTES);

    return at == MAP_FAILED ? NULL : at;
}

void *xengntshr_share_pages(xengntshr_handle *handle, uint32_t domid, int count, uint32_t *refs, int writable)
{
    if (memory < 0)
        memory = memfd_create("grants", MFD_CLOEXEC);
    for (int i = 0; i < count; i++)
        refs[i] = ++pages;
    if (memory < 0 || ftruncate(memory, (off_t)pages * PAGE_BYTES))
        abort();
    return map(refs[0], (uint32_t)count);
}

void *xengntshr_share_page_notify(xengntshr_handle *handle, uint32_t domid, uint32_t *ref, int writable,
                                  uint32_t notify_offset, evtchn_port_t notify_port)
{
    return xengntshr_share_pages(handle, domid, 1, ref, writable);
}

int xengntshr_unshare(xengntshr_handle *handle, void *at, uint32_t count)
{
    return munmap(at, (size_t)count * PAGE_BYTES);
}

xengnttab_handle *xengnttab_open(xentoollog_logger *logger, unsigned flags)
{
    return open_handle(1);
}

int xengnttab_close(xengnttab_handle *handle)
{
    return close_handle(handle);
}

void *xengnttab_map_domain_grant_refs(xengnttab_handle *handle, uint32_t count, uint32_t domid, uint32_t *refs,
                                      int prot)
{
    return map(refs[0], count); /* shared in one go, so one behind the other */
}

void *xengnttab_map_grant_ref_notify(xengnttab_handle *handle, uint32_t domid, uint32_t ref, int prot,
                                     uint32_t notify_offset, evtchn_port_t notify_port)
{
    return map(ref, 1);
}

int xengnttab_unmap(xengnttab_handle *handle, void *at, uint32_t count)
{
    return munmap(at, (size_t)count * PAGE_BYTES);
}

/* ---- event channels ---- */

xenevtchn_handle *xenevtchn_open(xentoollog_logger *logger, unsigned flags)
{
    xenevtchn_handle *handle = open_handle(sizeof(*handle));

    handle->fd = eventfd(0, EFD_CLOEXEC);
    return handle;
}

int xenevtchn_close(xenevtchn_handle *handle)
{
    xenevtchn_unbind(handle, handle->port);
    close(handle->fd);
    return close_handle(handle);
}

int xenevtchn_fd(xenevtchn_handle *handle)
{
    return handle->fd;
}

xenevtchn_port_or_error_t xenevtchn_bind_unbound_port(xenevtchn_handle *handle, uint32_t domid)
{
    if (next_port == PORTS_MAX)
        abort();
    ports[next_port].server = handle;
    handle->port = next_port++;
    return (int)handle->port;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *handle, uint32_t domid, evtchn_port_t port)
{
    if (port >= PORTS_MAX || !ports[port].server) {
        errno = EINVAL;
        return -1;
    }
    ports[port].client = handle;
    handle->port = port;
    return (int)port;
}

int xenevtchn_unbind(xenevtchn_handle *handle, evtchn_port_t port)
{
    if (ports[port].server == handle)
        ports[port].server = NULL;
    if (ports[port].client == handle)
        ports[port].client = NULL;
    return 0;
}

int xenevtchn_notify(xenevtchn_handle *handle, evtchn_port_t port)
{
    xenevtchn_handle *other = ports[port].server == handle ? ports[port].client : ports[port].server;

    return other ? eventfd_write(other->fd, 1) : 0;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *handle)
{
    eventfd_t count;

    return eventfd_read(handle->fd, &count) ? -1 : (int)handle->port;
}

int xenevtchn_unmask(xenevtchn_handle *handle, evtchn_port_t port)
{
    return 0;
}
