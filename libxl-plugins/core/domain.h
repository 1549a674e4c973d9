/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_DOMAIN_H
#define XLX_CORE_DOMAIN_H

/* What a domain is called and what kind it is, asked of xenstore. */

#include <xenctrl.h>

#include "base/gc.h"
#include "core/ctx.h"

/* The name, at most XLX_NAME_MAX - 1 bytes, made harmless (base/visible.h). A domain without a readable
 * name is "(unnamed)"; dom0 without one is "Domain-0". */
void domain_name(struct xlx_ctx *ctx, struct xs_handle *xs, uint32_t domid, char name[XLX_NAME_MAX]);
/* The same from what its node holds; NULL: it cannot be read. */
void domain_name_of(uint32_t domid, const char *text, char name[XLX_NAME_MAX]);

/* From /libxl/<domid>/type; dom0 is PV. LIBXL_DOMAIN_TYPE_INVALID: libxl does not know the domain. */
libxl_domain_type domain_type(struct xs_handle *xs, uint32_t domid);
/* The same from what the hypervisor says, without a message to xenstored; never INVALID. */
libxl_domain_type domain_type_of_xen(const xc_domaininfo_t *xen);
/* "pv", "pvh", "hvm" or "unknown". */
const char *domain_type_name(libxl_domain_type type);

/* What the hypervisor has of the domain with that UUID. ERROR_DOMAIN_NOTFOUND, or another error of libxl. */
int domain_of_uuid(struct xlx_ctx *ctx, const char *uuid, xc_domaininfo_t *info);
/* Whether the hypervisor has a domain with that UUID that is not paused. One that is being built is paused until that is
 * done. */
bool domain_runs(struct xlx_ctx *ctx, const char *uuid);
void domain_uuid_text(const xen_domain_handle_t handle, char uuid[XLX_UUID_LEN]);
/* 8-4-4-4-12 hexadecimal digits, in either case. */
bool domain_is_uuid(const char *text);

#endif
