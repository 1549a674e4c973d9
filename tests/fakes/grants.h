/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef FAKES_GRANTS_H
#define FAKES_GRANTS_H

/* Grant tables and event channels within one process, so that both sides of a real libxenvchan can be in one test. */

/* How many handles of both are open. */
unsigned fake_grant_handles(void);

#endif
