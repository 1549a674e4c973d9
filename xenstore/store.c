/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xenstore/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"

int store_text(struct gc *gc, const char *raw, size_t len, size_t max, char **value)
{
    if (len > max)
        return ERROR_BUFFERFULL;
    if (memchr(raw, 0, len))
        return ERROR_INVAL;
    *value = gc_strndup(gc, raw, len);
    return 0;
}

int store_read(struct gc *gc, struct xs_handle *xs, xs_transaction_t t, const char *path, size_t max, char **value)
{
    unsigned len;
    CLEANUP_FREE char *raw = xs_read(xs, t, path, &len);

    if (!raw)
        return errno == ENOENT ? ERROR_NOTFOUND : ERROR_FAIL;
    return store_text(gc, raw, len, max, value);
}

int store_read_u64(struct gc *gc, struct xs_handle *xs, xs_transaction_t t, const char *path, uint64_t max,
                   uint64_t *value)
{
    char *text;
    int rc;

    rc = store_read(gc, xs, t, path, 32, &text);
    if (rc)
        return rc == ERROR_BUFFERFULL ? ERROR_INVAL : rc;
    return parse_digits(text, strlen(text), max, value) ? 0 : ERROR_INVAL;
}

int store_i64_of(const char *text, int64_t *value)
{
    bool minus = *text == '-';
    uint64_t magnitude;

    if (!parse_digits(text + minus, strlen(text + minus), INT64_MAX, &magnitude))
        return ERROR_INVAL;
    *value = minus ? -(int64_t)magnitude : (int64_t)magnitude;
    return 0;
}

int store_write(struct xs_handle *xs, xs_transaction_t t, const char *path, const char *value)
{
    return xs_write(xs, t, path, value, (unsigned)strlen(value)) ? 0 : ERROR_FAIL;
}

int store_printf(struct gc *gc, struct xs_handle *xs, xs_transaction_t t, const char *path, const char *format, ...)
{
    va_list args;
    char *value;

    va_start(args, format);
    value = gc_vprintf(gc, format, args);
    va_end(args);
    return store_write(xs, t, path, value);
}

int store_remove(struct xs_handle *xs, xs_transaction_t t, const char *path)
{
    return xs_rm(xs, t, path) || errno == ENOENT ? 0 : ERROR_FAIL;
}

int store_list(struct gc *gc, struct xs_handle *xs, xs_transaction_t t, const char *path, char ***names,
               unsigned *count)
{
    unsigned n;
    CLEANUP_FREE char **raw = xs_directory(xs, t, path, &n);

    if (!raw)
        return errno == ENOENT ? ERROR_NOTFOUND : ERROR_FAIL;
    *names = gc_array(gc, n + 1, sizeof(**names));
    for (unsigned i = 0; i < n; i++)
        (*names)[i] = gc_strdup(gc, raw[i]);
    *count = n;
    return 0;
}

/* Returns the body's error in *body_rc; without one, 0, ERROR_NOT_READY after a conflict, or ERROR_FAIL. */
static int run_once(struct xs_handle *xs, int (*body)(struct xs_handle *xs, xs_transaction_t t, void *arg), void *arg,
                    int *body_rc)
{
    xs_transaction_t t = xs_transaction_start(xs);

    *body_rc = 0;
    /* xenstored answers EAGAIN here when too many transactions are open. */
    if (t == XBT_NULL)
        return errno == EAGAIN ? ERROR_NOT_READY : ERROR_FAIL;
    *body_rc = body(xs, t, arg);
    if (*body_rc) {
        int saved_errno = errno;

        xs_transaction_end(xs, t, true);
        errno = saved_errno;
        return 0;
    }
    if (xs_transaction_end(xs, t, false))
        return 0;
    return errno == EAGAIN ? ERROR_NOT_READY : ERROR_FAIL;
}

int store_transaction(struct xs_handle *xs, int (*body)(struct xs_handle *xs, xs_transaction_t t, void *arg),
                      void (*not_committed)(void *arg, int rc), void *arg)
{
    int rc = ERROR_NOT_READY, body_rc = 0;

    for (unsigned tries = 0; tries < STORE_TRANSACTION_TRIES && rc == ERROR_NOT_READY; tries++)
        rc = run_once(xs, body, arg, &body_rc);
    if (rc == ERROR_NOT_READY)
        rc = ERROR_TIMEDOUT;
    if (rc && not_committed)
        not_committed(arg, rc);
    return rc ? rc : body_rc;
}
