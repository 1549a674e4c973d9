/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_TESTS_SIM_SERVE_H
#define XLX_TESTS_SIM_SERVE_H

/*
 * xl-ext-sim --serve: memd's own service, with control socket and metrics, on a simulated host. The scenario runs to its
 * end in virtual time; then time stands still, and whoever connects sees the host as it is at that moment.
 */

#include "tests/sim/policy.h"

/* The policy that balances by it; its sockets are in the folder, its configuration is memd.cfg there, if there is one. */
const struct policy *serve_start(const char *folder);
/* For run_options.ended. */
void serve_until_interrupted(void);
/* After the run. */
void serve_stop(void);

#endif
