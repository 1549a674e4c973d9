/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/xl-saved.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#define MAGIC "Xen saved domain, xl format\n \0 \r"
#define MAGIC_BYTES 32
#define BYTE_ORDER_MARK 0x01020304u
#define FLAG_JSON 1u
#define FLAG_STREAM_V2 2u
#define OPTIONAL_MAX (16u << 20)

struct head {
    char magic[MAGIC_BYTES];
    uint32_t byte_order, mandatory, optional, optional_len;
};

static int get(int fd, void *data, size_t len, const char **cause)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = read(fd, (char *)data + done, len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            *cause = n ? strerror(errno) : "it ends too early";
            return ERROR_INVAL;
        }
        done += (size_t)n;
    }
    return 0;
}

/* Its length stands before it. NULL: there is none. */
static char *config_in(struct gc *gc, const char *optional, size_t len)
{
    uint32_t config_len;

    if (len < sizeof(config_len))
        return NULL;
    memcpy(&config_len, optional, sizeof(config_len));
    return config_len && config_len <= len - sizeof(config_len)
               ? gc_strndup(gc, optional + sizeof(config_len), config_len)
               : NULL;
}

int xl_saved_head_read(struct gc *gc, int fd, struct xl_saved_head *head, const char **cause)
{
    struct head h;
    int rc;

    rc = get(fd, &h, sizeof(h), cause);
    if (rc)
        return rc;
    if (memcmp(h.magic, MAGIC, MAGIC_BYTES) || h.byte_order != BYTE_ORDER_MARK || h.optional_len > OPTIONAL_MAX) {
        *cause = "it is no guest that xl has saved";
        return ERROR_INVAL;
    }
    head->len = sizeof(h) + h.optional_len;
    head->bytes = gc_alloc(gc, head->len + 1);
    memcpy(head->bytes, &h, sizeof(h));
    rc = get(fd, head->bytes + sizeof(h), h.optional_len, cause);
    head->is_stream_v2 = h.mandatory & FLAG_STREAM_V2;
    head->config = NULL;
    if (!rc && h.mandatory & FLAG_JSON)
        head->config = config_in(gc, head->bytes + sizeof(h), h.optional_len);
    return rc;
}
