/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include <errno.h>

int error_of_errno(int errno_value)
{
    switch (errno_value) {
    case ENOENT:
        return ERROR_NOTFOUND;
    case ESRCH:
        return ERROR_DOMAIN_NOTFOUND;
    case EINVAL:
    case E2BIG:
    case ERANGE:
        return ERROR_INVAL;
    case ETIMEDOUT:
        return ERROR_TIMEDOUT;
    case ENOMEM:
        return ERROR_NOMEM;
    case EINTR:
    case ECANCELED:
        return ERROR_ABORTED;
    default:
        return ERROR_FAIL;
    }
}

const char *error_text(int rc)
{
    switch (rc) {
    case 0:
        return "done";
    case ERROR_NOMEM:
        return "out of memory";
    case ERROR_INVAL:
        return "invalid argument";
    case ERROR_GUEST_TIMEDOUT:
        return "the guest did not answer in time";
    case ERROR_TIMEDOUT:
        return "timed out";
    case ERROR_NOT_READY:
        return "not ready";
    case ERROR_BUFFERFULL:
        return "too large";
    case ERROR_LOCK_FAIL:
        return "the domain's lock could not be taken";
    case ERROR_DOMAIN_NOTFOUND:
        return "no such domain";
    case ERROR_ABORTED:
        return "interrupted";
    case ERROR_NOTFOUND:
        return "not found";
    case ERROR_DOMAIN_DESTROYED:
        return "the domain is gone";
    case ERROR_NI:
        return "not possible with this version of Xen";
    default:
        return "failed";
    }
}
