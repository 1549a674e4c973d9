/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memd/memd.h"

/* One for each folder that has a service. */
extern const struct service service_balance, service_qmp, service_stubdom;

const struct service *const memd_services[] = {
    &service_balance,
    &service_qmp,
    &service_stubdom,
    NULL,
};
