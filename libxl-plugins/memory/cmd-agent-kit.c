/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* agent-kit: the guest agent with its scripts, as a tar that is unpacked in a guest's root. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "core/ctx.h"
#include "memory/memory.h"

struct options {
    const char *output, *from;
};

#define BLOCK 512
/* The same bytes at each call, and a time at which no tar wonders: 1 January 2000. */
#define MTIME 946684800u

/* Files alone: an entry for a folder could replace a link of the guest's (usr/sbin) by a folder. What an administrator
 * puts into a guest by hand belongs below usr/local and etc. */
static const struct {
    const char *from, *path;
    unsigned mode;
} files[] = {
    {"xl-ext-agent.openrc", "etc/init.d/xl-ext-agent", 0755},
    {"xl-ext-agent.sysctl", "etc/sysctl.d/60-xl-ext-agent.conf", 0644},
    {"xl-ext-agent.service", "etc/systemd/system/xl-ext-agent.service", 0644},
    {"xl-ext-agent", "usr/local/sbin/xl-ext-agent", 0755},
};

/* POSIX.1-1988, "ustar". */
struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6], version[2];
    char owner[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

static void fill_header(struct header *h, const char *path, unsigned mode, size_t size)
{
    unsigned sum = 0;

    *h = (struct header){.type = '0', .magic = "ustar", .version = {'0', '0'}, .owner = "root", .group = "root"};
    snprintf(h->name, sizeof(h->name), "%s", path);
    snprintf(h->mode, sizeof(h->mode), "%07o", mode);
    snprintf(h->uid, sizeof(h->uid), "%07o", 0u);
    snprintf(h->gid, sizeof(h->gid), "%07o", 0u);
    snprintf(h->size, sizeof(h->size), "%011lo", (unsigned long)size);
    snprintf(h->mtime, sizeof(h->mtime), "%011o", MTIME);
    memset(h->checksum, ' ', sizeof(h->checksum));
    for (size_t i = 0; i < sizeof(*h); i++)
        sum += ((const unsigned char *)h)[i];
    snprintf(h->checksum, sizeof(h->checksum), "%06o", sum);
}

static int read_file(struct xlx_ctx *ctx, struct gc *gc, const char *path, struct text *data)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    char bytes[16384];
    ssize_t n = -1;

    data->gc = gc;
    while (fd >= 0 && (n = read(fd, bytes, sizeof(bytes))) > 0)
        text_add(data, bytes, (size_t)n);
    if (!n)
        return 0;
    LOG(ctx, ERROR, "cannot read %s: %s", path, strerror(errno));
    return ERROR_FAIL;
}

static int make_kit(struct xlx_ctx *ctx, struct gc *gc, const char *from, struct text *kit)
{
    static const char zeros[2 * BLOCK];

    kit->gc = gc;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct text data = {NULL};
        struct header h;
        int rc;

        rc = read_file(ctx, gc, gc_printf(gc, "%s/%s", from, files[i].from), &data);
        if (rc)
            return rc;
        fill_header(&h, files[i].path, files[i].mode, data.len);
        text_add(kit, (const char *)&h, sizeof(h));
        text_add(kit, data.bytes, data.len);
        text_add(kit, zeros, (BLOCK - data.len % BLOCK) % BLOCK);
    }
    text_add(kit, zeros, sizeof(zeros));
    return 0;
}

static int write_all(int fd, const struct text *kit)
{
    for (size_t at = 0; at < kit->len;) {
        ssize_t n = write(fd, kit->bytes + at, kit->len - at);

        if (n < 0)
            return -1;
        at += (size_t)n;
    }
    return 0;
}

static int write_kit(struct xlx_ctx *ctx, const char *output, const struct text *kit)
{
    bool standard = !strcmp(output, "-");
    int fd = standard ? dup(STDOUT_FILENO) : open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool failed = fd < 0 || write_all(fd, kit);

    if (fd >= 0)
        failed |= close(fd) != 0;
    if (!failed)
        return XLX_EXIT_DONE;
    LOG(ctx, ERROR, "cannot write %s: %s", standard ? "standard output" : output, strerror(errno));
    return XLX_EXIT_FAILED;
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    struct text kit = {NULL};
    GC_SCOPE(gc);

    if (!strcmp(o->output, "-") && isatty(STDOUT_FILENO)) {
        LOG(in->ctx, ERROR, "an archive is no good on a terminal: give -o FILE, or a pipe into the guest");
        return XLX_EXIT_USAGE;
    }
    if (make_kit(in->ctx, gc, o->from, &kit))
        return XLX_EXIT_FAILED;
    return write_kit(in->ctx, o->output, &kit);
}

static const struct options defaults = {.output = "-", .from = XLX_LIBEXECDIR};

static const struct xlx_option option_table[] = {
    {'o', "output", XLX_OPTION_TEXT, offsetof(struct options, output), "FILE",
     "write it there; - is standard output, the default"},
    {0, "from", XLX_OPTION_TEXT, offsetof(struct options, from), "FOLDER",
     "where the agent and its scripts lie (default " XLX_LIBEXECDIR ")"},
};

const struct xlx_command cmd_agent_kit = {
    .name = "agent-kit",
    .synopsis = "[-o FILE|-] [--from FOLDER]",
    .summary = "Write the guest agent as a tar for the root of a Linux guest",
    .details = "The static agent, a unit for systemd and a script for OpenRC. The same bytes each time.",
    XLX_OPTIONS(option_table, struct options),
    .defaults = &defaults,
    .domain_arg = XLX_NO_DOMAIN,
    .flags = XLX_COMMAND_ANYWHERE,
    .run = XLX_CODE(run),
};
