/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fakes/host.h"

#include "base/error.h"

static int no_report(struct host *host, uint32_t domid, struct host_report *report)
{
    return ERROR_NOTFOUND;
}

static int asked_in_vain(struct host *host, uint32_t domid)
{
    return ERROR_NOTFOUND;
}

static int taken(struct host *host, uint32_t domid, uint64_t memkb)
{
    return 0;
}

static int disowned(struct host *host, uint32_t domid)
{
    return 0;
}

static int forgotten(struct host *host, const char *name, const char *value)
{
    return 0;
}

static void nothing_kept(struct host *host, void (*each)(void *arg, const char *name, const char *value), void *arg)
{
}

static void wake_at(struct host *host, uint64_t at_ms)
{
}

static void not_heard(struct host *host, const struct host_event *event)
{
}

const struct host_ops fake_host_ops = {
    .report = no_report,
    .report_ask = asked_in_vain,
    .limit_set = taken,
    .target_accept = taken,
    .target_disown = disowned,
    .keep = forgotten,
    .kept = nothing_kept,
    .wake_at = wake_at,
    .event = not_heard,
};
