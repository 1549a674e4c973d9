/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_POLICY_LEND_H
#define XLX_BALANCE_POLICY_LEND_H

/* What a domain may be lent beyond its fair share, as people write it: "all", a size as xl takes it (MiB without a
 * suffix), a part of the share ("50%"), or "default" for what the host's configuration says. */

#include "balance/host.h"

#define LEND_PERCENT_MAX 10000

/* ERROR_INVAL and a cause that says what it may be. Silent. */
int lend_parse(const char *text, struct host_lend *lend, const char **cause);
/* Text that lend_parse reads back, in the pool. */
const char *lend_text(struct gc *gc, const struct host_lend *lend);

#endif
