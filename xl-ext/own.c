/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xl-ext/own.h"

#include <string.h>

#include "base/cleanup.h"
#include "xl-ext/library.h"
#include "xl-ext/messages.h"

extern const struct xlx_plugin plugin_balance, plugin_host, plugin_memd, plugin_memory, plugin_migrate, plugin_qmp,
    plugin_stubdom, plugin_vcpu;
/* of host/host.h */
struct host_asked;
extern bool (*host_ask_xen)(struct xlx_ctx *ctx, struct gc *gc, struct host_asked *asked);

/* One folder below libxl-plugins/ each, in the order in which help shows them. */
const struct xlx_plugin *const own_plugins[] = {
    &plugin_memd,    &plugin_memory,  &plugin_balance, &plugin_host, &plugin_qmp,
    &plugin_stubdom, &plugin_migrate, &plugin_vcpu,    NULL,
};

/* host-info tells more where the hypervisor can be asked, which takes Xen's libraries. */
static const struct xlx_plugin *host_with_xen(void)
{
    if (!xlx_why_no_dom0())
        *(void **)&host_ask_xen = library_symbol(LIBRARY_XL, "host_xen_answer", true);
    return &plugin_host;
}

const struct xlx_plugin *own_plugin_code(const struct xlx_plugin *table, bool quiet)
{
    GC_SCOPE(gc);

    if (table == &plugin_host)
        return host_with_xen();
    return library_symbol(table == &plugin_memory ? LIBRARY_XLX : LIBRARY_XL, gc_printf(gc, "plugin_%s", table->name),
                          quiet);
}

bool own_ctx_usable(struct xlx_ctx *ctx)
{
    const char *why = xlx_why_no_dom0();
    bool (*usable)(struct xlx_ctx * ctx);

    if (why) {
        message_error("%s", why);
        return false;
    }
    *(void **)&usable = library_symbol(LIBRARY_XLX, "xlx_ctx_usable", false);
    return usable && usable(ctx);
}
