/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/plugin.h"

/* The plugins of xl-ext itself: one folder each. */
extern const struct xlx_plugin plugin_balance, plugin_host, plugin_memd, plugin_memory, plugin_migrate, plugin_qmp,
    plugin_stubdom, plugin_vcpu;

const struct xlx_plugin *const plugin_static_table[] = {
    &plugin_memd,    &plugin_memory,  &plugin_balance, &plugin_host, &plugin_qmp,
    &plugin_stubdom, &plugin_migrate, &plugin_vcpu,    NULL,
};
