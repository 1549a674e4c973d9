/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_XEN_SETTINGS_H
#define XLX_BALANCE_XEN_SETTINGS_H

/*
 * Within which range a domain is balanced, as xenstore keeps it (ranges.h: as files do). By UUID below
 * /local/domain/0/xl-ext/range and range-created, which only dom0 sees, so that it survives reboot, save, restore and
 * migration back; shown to guest and people in memory/dynamic-min, dynamic-max and dynamic-weight of each domid that
 * carries the UUID.
 */

#include <stdbool.h>
#include <stdint.h>

#include "balance/host.h"
#include "core/ctx.h"
#include "core/service.h"

/* Who gave a range that is kept: mem-range (or memd's socket), or the configuration that xl-ext create read. */
enum settings_giver { SETTINGS_GIVEN, SETTINGS_CREATED };

/* ERROR_NOTFOUND: the UUID has none. Not logged. */
int settings_read(struct xs_handle *xs, enum settings_giver giver, const char *uuid, struct settings *settings);
/* Keeps and shows them, in one transaction. Logs. */
int settings_write(struct xlx_ctx *ctx, struct xs_handle *xs, const char *uuid, uint32_t domid,
                   const struct settings *settings);
/* Keeps what a configuration gives a domain that is not there yet. Logs. */
int settings_keep(struct xlx_ctx *ctx, struct xs_handle *xs, const char *uuid, const struct settings *settings);
/* Keeps that nothing else than mem-range is to give the UUID a range: settings_read finds one with a maximum of 0. Logs.
 */
int settings_refuse(struct xlx_ctx *ctx, struct xs_handle *xs, const char *uuid);
/* Shows what is kept to a new domid. Failures are logged as warnings. */
void settings_show(struct xlx_ctx *ctx, struct xs_handle *xs, uint32_t domid, const struct settings *settings);
/* A domain of that UUID was there at that time (seconds of time(2)); no effect on one without a range. Failures are
 * logged as warnings. */
void settings_seen(struct xlx_ctx *ctx, struct xs_handle *xs, const char *uuid, int64_t now_s);
/* Forgets the ranges of UUIDs that no domain carries, as soon as none has carried them for SETTINGS_KEPT_S; what nobody
 * has noted a time for counts from now. Forgets what is kept by the domid of a domain that is gone. Silent: it tries
 * again another time. */
void settings_collect(struct xs_handle *xs, const struct service_domains *domains, int64_t now_s);
#define SETTINGS_KEPT_S (INT64_C(400) * 24 * 3600)
/* Of a configuration: it gives the range again whenever it is used, but for a restore. */
#define SETTINGS_CREATED_S (INT64_C(60) * 24 * 3600)
/* Forgets what mem-range gave, and with all what a configuration gave, too. Not an error when there are none. Logs. */
int settings_forget(struct xlx_ctx *ctx, struct xs_handle *xs, const char *uuid, uint32_t domid, bool all);

/* The minimum is less than a guest of that size can live with: refused by our own policy, not for being no range. */
bool settings_below_floor(const struct settings *settings, uint64_t static_max_memkb);
/* Why these cannot be set, in the pool, or NULL. static_max_memkb 0: not known. */
const char *settings_fault(struct gc *gc, const struct settings *settings, uint64_t static_max_memkb);

#endif
