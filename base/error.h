/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_ERROR_H
#define XLX_BASE_ERROR_H

/*
 * "int rc" is 0 or one of libxl's negative ERROR_* and nothing else. Foreign returns are converted on the line of the
 * call with error_of_errno.
 */

#include <libxl.h>

/* errno_value > 0. ENOENT: ERROR_NOTFOUND, ESRCH: ERROR_DOMAIN_NOTFOUND, EINVAL/E2BIG/ERANGE: ERROR_INVAL,
 * ETIMEDOUT: ERROR_TIMEDOUT, ENOMEM: ERROR_NOMEM, EINTR/ECANCELED: ERROR_ABORTED, all else: ERROR_FAIL. */
int error_of_errno(int errno_value);

/* A few words for a message, in static memory; never NULL, for any int. */
const char *error_text(int rc);

#endif
