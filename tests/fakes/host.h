/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_FAKES_HOST_H
#define TESTS_FAKES_HOST_H

#include "balance/host.h"

/* A host of which nothing is known but its time and its domains, which a test adds: there are no reports, whatever is set is
 * taken and forgotten, and nobody hears of events. */
extern const struct host_ops fake_host_ops;

#endif
