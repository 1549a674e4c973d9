/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memd/memd.h"

const struct service *const memd_services[] = {
    NULL,
};
