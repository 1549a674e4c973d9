/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/saved-file.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/xl-saved.h"

/* libxl: 8 bytes of magic, version, options; then records. */
#define LIBXL_HEAD_BYTES 16
#define LIBXL_MAGIC "LibxlFmt"
enum { LIBXL_END = 0, LIBXL_LIBXC = 1, LIBXL_EMULATOR = 3 };
#define EMULATOR_HEAD_BYTES 8

/* libxc's stream stands between two of libxl's records: two heads, then records of its own. */
#define LIBXC_HEADS_BYTES 40
#define LIBXC_ID_AT 8
#define LIBXC_ID "XENF"
enum { LIBXC_END = 0 };

struct reading {
    struct gc *gc;
    int fd;
    uint64_t at, size;
    const char *cause;
};

static bool get(struct reading *r, void *data, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pread(r->fd, (char *)data + done, len - done, (off_t)(r->at + done));

        if (n < 0) {
            r->cause = gc_printf(r->gc, "it cannot be read: %s", strerror(errno));
            return false;
        }
        if (n == 0) {
            r->cause = gc_printf(r->gc, "it ends at byte %" PRIu64 ", in the middle", r->size);
            return false;
        }
        done += (size_t)n;
    }
    r->at += len;
    return true;
}

/* Past len bytes, filled up to 8. */
static bool skip(struct reading *r, uint64_t len)
{
    len = (len + 7) / 8 * 8;
    if (len > r->size - r->at) {
        r->cause = gc_printf(r->gc, "it ends at byte %" PRIu64 ", in the middle", r->size);
        return false;
    }
    r->at += len;
    return true;
}

static bool read_xl_head(struct reading *r, struct saved_file *file)
{
    struct xl_saved_head head;

    if (lseek(r->fd, 0, SEEK_SET) || xl_saved_head_read(r->gc, r->fd, &head, &r->cause))
        return false;
    if (!head.is_stream_v2) {
        r->cause = "it was saved by an xl that is too old";
        return false;
    }
    file->config = head.config;
    r->at = head.len;
    return true;
}

static bool skip_libxc(struct reading *r)
{
    char heads[LIBXC_HEADS_BYTES];
    struct {
        uint32_t type, len;
    } record;

    if (!get(r, heads, sizeof(heads)))
        return false;
    if (memcmp(heads + LIBXC_ID_AT, LIBXC_ID, strlen(LIBXC_ID))) {
        r->cause = "the guest's memory is not where it should begin";
        return false;
    }
    do {
        if (!get(r, &record, sizeof(record)) || !skip(r, record.len))
            return false;
    } while (record.type != LIBXC_END);
    return true;
}

static bool note_emulator(struct reading *r, struct saved_file *file, uint32_t len)
{
    uint64_t start = r->at;
    char magic[4] = "";

    if (len < EMULATOR_HEAD_BYTES) {
        r->cause = "the device model's record is too short";
        return false;
    }
    if (!skip(r, len))
        return false;
    file->has_state = true;
    file->state_at = start + EMULATOR_HEAD_BYTES;
    file->state_len = len - EMULATOR_HEAD_BYTES;
    file->is_qemus = file->state_len >= sizeof(magic) &&
                     pread(r->fd, magic, sizeof(magic), (off_t)file->state_at) == sizeof(magic) &&
                     dm_state_is_qemus(magic, sizeof(magic));
    return true;
}

static bool read_records(struct reading *r, struct saved_file *file)
{
    for (;;) {
        struct {
            uint32_t type, len;
        } record;

        if (!get(r, &record, sizeof(record)))
            return false;
        switch (record.type) {
        case LIBXL_END:
            file->whole = r->at == r->size;
            return true;
        case LIBXL_LIBXC:
            if (!skip(r, record.len) || !skip_libxc(r))
                return false;
            break;
        case LIBXL_EMULATOR:
            if (!note_emulator(r, file, record.len))
                return false;
            break;
        default:
            if (!skip(r, record.len))
                return false;
        }
    }
}

const char *saved_file_read(struct gc *gc, int fd, struct saved_file *file)
{
    struct reading r = {.gc = gc, .fd = fd};
    char head[LIBXL_HEAD_BYTES];
    struct stat st;

    *file = (struct saved_file){.config = NULL};
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        return "it is no file";
    r.size = (uint64_t)st.st_size;
    if (!read_xl_head(&r, file) || !get(&r, head, sizeof(head)))
        return r.cause;
    if (memcmp(head, LIBXL_MAGIC, strlen(LIBXL_MAGIC)))
        return "it is no stream of libxl's";
    return read_records(&r, file) ? NULL : r.cause;
}

const char *saved_file_state(struct gc *gc, int fd, const struct saved_file *file, struct dm_state_reader *reader)
{
    uint8_t data[16384];
    uint64_t at = 0;
    const char *cause;

    while (file->has_state && at < file->state_len) {
        size_t len = sizeof(data) < file->state_len - at ? sizeof(data) : (size_t)(file->state_len - at);
        ssize_t n = pread(fd, data, len, (off_t)(file->state_at + at));

        if (n <= 0)
            return "it cannot be read";
        dm_state_reader_feed(reader, data, (size_t)n);
        at += (uint64_t)n;
    }
    cause = dm_state_reader_verdict(reader);
    return cause ? gc_strdup(gc, cause) : NULL;
}
