/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/fakes/bridge-sides.h"

#include "base/cleanup.h"
#include "stubdom/init/bridge.h"
#include "stubdom/init/report.h"
#include "tests/fakes/grants.h"
#include "tests/fakes/xenstore.h"

#define TURNS_MAX 10000

struct qmp_socket listener;
bool works;
char said[65536];
static size_t said_len;

void report(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    said_len += (size_t)vsnprintf(said + said_len, sizeof(said) - said_len, format, args);
    va_end(args);
}

void report_step(const char *format, ...)
{
}

/* ---- init: its loop, until there is nothing to do; returns how many times it woke up ---- */

unsigned turn(void)
{
    struct pollfd fds[BRIDGE_POLL_FDS];
    unsigned turns;

    for (turns = 0; works && turns < TURNS_MAX; turns++) {
        bridge_prepare(fds);
        if (poll(fds, BRIDGE_POLL_FDS, 0) <= 0)
            break;
        works = bridge_dispatch(fds) == 0;
    }
    return turns;
}

/* The bridge is made for one domain's life and has no end: one serves all tests, each with a QEMU of its own. */
int bridge_start_all(void **state)
{
    fake_store_reset();
    fake_store_set("domid", "5");
    signal(SIGPIPE, SIG_IGN);
    works = bridge_start(5, 4, &listener) == 0;
    return works ? 0 : -1;
}

int bridge_start_one(void **state)
{
    static char name[32];
    static unsigned number;

    snprintf(name, sizeof(name), "bridge-%d-%u", getpid(), ++number);
    said_len = 0;
    said[0] = '\0';
    /* a connection that is missing must not block the test */
    return works && !qmp_socket_listen(&listener, name) ? fcntl(listener.fd, F_SETFL, O_NONBLOCK) : -1;
}

int bridge_stop_one(void **state)
{
    return close(listener.fd);
}

/* ---- QEMU ---- */

int qemu_accepts(void)
{
    int fd = accept4(listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

void qemu_says(int qemu, const char *text)
{
    assert_int_equal(write(qemu, text, strlen(text)), strlen(text));
    turn();
}

void qemu_hears(int qemu, const char *text)
{
    char data[256];
    ssize_t r = read(qemu, data, sizeof(data));

    assert_int_equal(r, strlen(text));
    assert_memory_equal(data, text, strlen(text));
}

/* A QEMU that is well: it serves the bridge's next connection. Returns that, greeted. */
int qemu_greets(void)
{
    int qemu = qemu_accepts();

    qemu_says(qemu, GREETING);
    return qemu;
}

bool qemu_was_left(int qemu)
{
    char c;
    bool left = read(qemu, &c, 1) == 0;

    close(qemu);
    return left;
}

/* ---- the client in dom0 ---- */

/* NULL: there is no address, and vchan-socket-proxy would wait for one. */
struct libxenvchan *client_comes(void)
{
    struct libxenvchan *client = libxenvchan_client_init(NULL, 5, ADDRESS);

    if (client)
        client->blocking = 0;
    return client;
}

void client_says(struct libxenvchan *client, const char *text)
{
    assert_int_equal(libxenvchan_write(client, text, strlen(text)), strlen(text));
    turn();
}

void client_hears(struct libxenvchan *client, const char *text)
{
    char data[256];

    assert_int_equal(libxenvchan_read(client, data, sizeof(data)), strlen(text));
    assert_memory_equal(data, text, strlen(text));
}

void client_leaves(struct libxenvchan *client)
{
    libxenvchan_close(client);
    turn();
}

/* A client that does what xl does: it is greeted, asks and gets its answer. */
void a_conversation_works(void)
{
    struct libxenvchan *client = client_comes();
    int qemu;

    assert_non_null(client);
    turn();
    qemu = qemu_greets();
    client_hears(client, GREETING);
    client_says(client, "cont\n");
    qemu_hears(qemu, "cont\n");
    qemu_says(qemu, "ok\n");
    client_hears(client, "ok\n");
    client_leaves(client);
    assert_true(qemu_was_left(qemu));
}
