/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fakes/xenstore-socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <xenstore_lib.h>

static int listener = -1;
static char folder[64];
static struct sockaddr_un address = {.sun_family = AF_UNIX};

static bool is_hidden;

void fake_socket_hide(bool hidden)
{
    is_hidden = hidden;
}

const char *xs_daemon_socket(void)
{
    if (is_hidden)
        return "/nonexistent/socket";
    if (listener >= 0)
        return address.sun_path;
    snprintf(folder, sizeof(folder), "/tmp/fake-xenstored-XXXXXX");
    if (!mkdtemp(folder))
        abort();
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", folder);
    /* The kernel connects clients before anybody accepts them, and resets them when the listener goes. */
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 64))
        abort();
    return address.sun_path;
}

__attribute__((destructor)) void fake_socket_close(void)
{
    if (listener < 0)
        return;
    close(listener);
    listener = -1;
    unlink(address.sun_path);
    rmdir(folder);
}
