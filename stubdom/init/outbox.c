/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/init/outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool outbox_add(struct outbox *o, const void *data, size_t len)
{
    uint8_t *grown;

    if (len > OUTBOX_BYTES_MAX - (o->used - o->sent))
        return false;
    if (o->sent) {
        o->used -= o->sent;
        memmove(o->data, o->data + o->sent, o->used);
        o->sent = 0;
    }
    grown = realloc(o->data, o->used + len);
    if (!grown)
        return false;
    o->data = grown;
    memcpy(o->data + o->used, data, len);
    o->used += len;
    return true;
}

static void all_is_sent(struct outbox *o)
{
    free(o->data);
    o->data = NULL;
    o->used = o->sent = 0;
    o->since_ms = 0;
}

/* False: not now, or never. */
static bool send_piece(struct outbox *o, int64_t now_ms)
{
    size_t len = o->used - o->sent < OUTBOX_PIECE_BYTES ? o->used - o->sent : OUTBOX_PIECE_BYTES;
    ssize_t r;

    /* the count comes first: the interrupt may be here before write() is */
    if (!o->taken(o->arg, &o->taken_before))
        return false;
    r = write(o->fd, o->data + o->sent, len);
    if (r <= 0)
        return false;
    o->sent += (size_t)r;
    o->waiting = true;
    o->since_ms = now_ms;
    return true;
}

enum outbox_state outbox_pump(struct outbox *o, int64_t now_ms)
{
    for (;;) {
        uint64_t taken;

        if (o->waiting) {
            if (!o->taken(o->arg, &taken) || taken == o->taken_before)
                break;
            o->waiting = false;
            o->pieces++;
            o->since_ms = now_ms;
        }
        if (o->sent == o->used) {
            all_is_sent(o);
            return OUTBOX_EMPTY;
        }
        if (!o->since_ms)
            o->since_ms = now_ms;
        if (!send_piece(o, now_ms))
            break;
    }
    return now_ms - o->since_ms >= OUTBOX_STUCK_MS ? OUTBOX_STUCK : OUTBOX_BUSY;
}
