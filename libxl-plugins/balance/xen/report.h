/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_XEN_REPORT_H
#define XLX_BALANCE_XEN_REPORT_H

#include "balance/host.h"
#include "balloon/guest-stats.h"

/* What a guest's statistics say of its need, whoever wrote them; all but the serial. False: too little. */
bool report_from_stats(const struct guest_stats *stats, struct host_report *report);

#endif
