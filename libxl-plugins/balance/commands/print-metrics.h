/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_COMMANDS_PRINT_METRICS_H
#define XLX_BALANCE_COMMANDS_PRINT_METRICS_H

#include "memd-client/client.h"

/* mem-top --prometheus: prints the page that memd serves over HTTP, all of it or nothing; returns the exit status. */
int print_metrics(struct memd_client *client);

#endif
