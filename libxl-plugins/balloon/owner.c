/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon/owner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"
#include "xlx.h"

/* A number of 64 bits, a blank, a UUID. */
#define RECORD_MAX 80

int owner_read(struct xs_handle *xs, xs_transaction_t t, uint32_t domid, const char *uuid, uint64_t *own_memkb)
{
    char *text, whose[XLX_UUID_LEN] = "";
    GC_SCOPE(gc);
    int rc;

    rc = store_read(gc, xs, t, path_target_owner(gc, domid), RECORD_MAX, &text);
    if (rc)
        return rc == ERROR_FAIL ? rc : ERROR_NOTFOUND;
    if (sscanf(text, "%" SCNu64 " %36s", own_memkb, whose) != 2 || strcmp(whose, uuid))
        return ERROR_NOTFOUND;
    return 0;
}

int owner_write(struct xs_handle *xs, xs_transaction_t t, uint32_t domid, const char *uuid, uint64_t own_memkb)
{
    GC_SCOPE(gc);

    return store_printf(gc, xs, t, path_target_owner(gc, domid), "%" PRIu64 " %s", own_memkb, uuid);
}

int owner_forget(struct xs_handle *xs, xs_transaction_t t, uint32_t domid)
{
    GC_SCOPE(gc);

    return store_remove(xs, t, path_target_owner(gc, domid));
}
