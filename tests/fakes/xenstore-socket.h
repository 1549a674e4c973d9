/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_TESTS_FAKES_XENSTORE_SOCKET_H
#define XLX_TESTS_FAKES_XENSTORE_SOCKET_H

#include <stdbool.h>

/* xs_daemon_socket() of the fake xenstored: a socket that takes connections and answers nothing. */

/* Ends all connections, as a xenstored does that dies; the next xs_daemon_socket() is a new one. */
void fake_socket_close(void);
/* Takes the socket away for as long as told: as with a xenstored that runs in a domain of its own. */
void fake_socket_hide(bool hidden);

#endif
