/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/init/save.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/dm-state.h"
#include "stubdom/init/report.h"

#define PUMP_MS 1
#define STUCK_PUMP_MS 1000 /* dom0's QEMU has not answered for long: there is no hurry */

static struct {
    struct outbox *console;
    int memory;          /* the file in memory, for reading */
    int qemus;           /* shares QEMU's descriptor's offset */
    const char *why_not; /* NULL: nothing is known against it */
    enum { IDLE, WRITING, SENDING } state;
    uint32_t number; /* of the last frame */
    bool outdated;   /* no state was queued since the guest has gone on */
    struct {
        size_t len;
        uint32_t crc;
    } last;
    char last_text[64];
    int64_t started_ms;
} save = {.memory = -1, .qemus = -1, .outdated = true};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* QEMU wants the access mode that it would open a file with: writing alone. */
static int reopen_for_writing(int memory)
{
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
    return open(path, O_WRONLY | O_CLOEXEC);
}

int save_prepare(struct outbox *console)
{
    CLEANUP_FD int memory = memfd_create("dm-state", MFD_CLOEXEC), fd = -1;

    if (memory >= 0)
        fd = reopen_for_writing(memory);
    if (fd >= 0)
        save.qemus = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (save.qemus < 0) {
        report("cannot make a file for QEMU's state: %s", strerror(errno));
        save_disable("there is no file for QEMU's state");
        return -1;
    }
    save.memory = TAKE_FD(memory);
    save.console = console;
    return TAKE_FD(fd);
}

void save_disable(const char *cause)
{
    if (save.why_not)
        return;
    save.why_not = cause;
    report("the guest cannot be saved: %s", cause);
}

const char *save_why_not(void)
{
    return save.why_not ? save.why_not : save.console ? NULL : "the stub domain has not prepared it";
}

const char *save_last(void)
{
    return save.last_text;
}

/* ---- a save ---- */

const char *save_begin(void)
{
    if (save_why_not())
        return save_why_not();
    if (save.state != IDLE)
        return "the state is being saved already";
    if (outbox_pump(save.console, now_ms()) == OUTBOX_STUCK)
        return "the QEMU in dom0 that serves the stub domain's consoles has not taken the last state yet";
    /* QEMU truncates the file, and leaves the offset where it was */
    if (lseek(save.qemus, 0, SEEK_SET) || ftruncate(save.memory, 0))
        return "the file for QEMU's state cannot be emptied";
    save.state = WRITING;
    save.started_ms = now_ms();
    report_step("the state is being saved");
    return NULL;
}

static const char *queue_frame(const void *state, size_t len)
{
    size_t frame_len;
    CLEANUP_FREE uint8_t *frame = dm_state_frame(state, len, save.number + 1, &frame_len);

    if (!frame || !outbox_add(save.console, frame, frame_len))
        return "there is no memory for the packed state";
    save.number++;
    return NULL;
}

static const char *queue_state(const void *state, size_t len)
{
    const char *cause;

    if (!dm_state_is_qemus(state, len))
        return "what QEMU has saved is no state";
    cause = queue_frame(state, len);
    if (cause)
        return cause;
    save.last.len = len;
    save.last.crc = dm_state_crc(0, state, len);
    save.outdated = false;
    return NULL;
}

/* A copy: QEMU may be broken into, and change or cut the file at any moment. */
static uint8_t *copy_memory(size_t len)
{
    uint8_t *copy = malloc(len);

    if (copy && pread(save.memory, copy, len, 0) == (ssize_t)len)
        return copy;
    free(copy);
    return NULL;
}

static const char *send_memory(void)
{
    CLEANUP_FREE uint8_t *state = NULL;
    struct stat st;

    if (fstat(save.memory, &st) || st.st_size <= 0)
        return "QEMU has saved nothing";
    if (st.st_size > DM_STATE_BYTES_MAX)
        return "QEMU's state is larger than any that is known";
    state = copy_memory((size_t)st.st_size);
    return state ? queue_state(state, (size_t)st.st_size) : "QEMU's state cannot be read";
}

const char *save_written(void)
{
    const char *cause = save.state == WRITING ? send_memory() : "nobody has asked for it";

    save.state = cause ? IDLE : SENDING;
    return cause;
}

static void sent(void)
{
    save.state = IDLE;
    snprintf(save.last_text, sizeof(save.last_text), "%" PRIu32 " %zu %08" PRIx32, save.number, save.last.len,
             save.last.crc);
    report_step("state %s saved in %lld ms", save.last_text, (long long)(now_ms() - save.started_ms));
}

enum save_progress save_progress(void)
{
    if (save.state != SENDING)
        return SAVE_FAILED;
    switch (outbox_pump(save.console, now_ms())) {
    case OUTBOX_EMPTY:
        sent();
        return SAVE_SENT;
    case OUTBOX_STUCK:
        save.state = IDLE;
        return SAVE_FAILED;
    case OUTBOX_BUSY:
        break;
    }
    return SAVE_SENDING;
}

void save_abandon(void)
{
    if (save.state != IDLE)
        report_step("a save was given up");
    save.state = IDLE;
}

void save_guest_goes_on(void)
{
    const char *cause = save.outdated || !save.console ? NULL : queue_frame(NULL, 0);

    /* without the mark an older state might be taken for the guest's */
    if (cause)
        save_disable(cause);
    save.outdated = true;
}

int save_pump(void)
{
    if (!save.console)
        return -1;
    switch (outbox_pump(save.console, now_ms())) {
    case OUTBOX_EMPTY:
        return save.state == SENDING ? 0 : -1;
    case OUTBOX_BUSY:
        return PUMP_MS;
    case OUTBOX_STUCK:
        break;
    }
    return save.state == SENDING ? 0 : STUCK_PUMP_MS;
}
