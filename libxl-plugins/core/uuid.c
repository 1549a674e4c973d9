/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of domain.h that ask nobody. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/domain.h"

void domain_uuid_text(const xen_domain_handle_t handle, char uuid[XLX_UUID_LEN])
{
    char *out = uuid;

    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        out += sprintf(out, "%02x", handle[i]);
    }
}

bool domain_is_uuid(const char *text)
{
    if (strlen(text) != XLX_UUID_LEN - 1)
        return false;
    for (unsigned i = 0; i < XLX_UUID_LEN - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}
