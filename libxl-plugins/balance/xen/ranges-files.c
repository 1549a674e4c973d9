/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of ranges.h: read, written, and found in folders. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "balance/xen/ranges.h"
#include "base/cleanup.h"
#include "base/error.h"

/* All of an open file as terminated text in the pool; silent, *cause says why not. */
static int read_all(struct gc *gc, int fd, const char **text, const char **cause)
{
    size_t len = 0, capacity = 4096;
    char *bytes = gc_alloc(gc, capacity);
    ssize_t n;

    while ((n = read(fd, bytes + len, capacity - len - 1)) > 0) {
        len += (size_t)n;
        *cause = "it is too large";
        if (len > RANGES_FILE_MAX)
            return ERROR_BUFFERFULL;
        if (capacity - len < 2)
            bytes = gc_realloc(gc, bytes, capacity *= 2);
    }
    *cause = strerror(errno);
    if (n < 0)
        return error_of_errno(errno);
    /* What stands behind one would be lost when the file is written again. */
    *cause = "it has a NUL byte";
    if (memchr(bytes, 0, len))
        return ERROR_INVAL;
    bytes[len] = 0;
    *text = bytes;
    return 0;
}

int ranges_read(struct gc *gc, const char *path, const char **text, struct ranges *ranges, const char **fault)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    const char *cause = strerror(errno);
    unsigned line;
    int rc;

    *text = "";
    if (fd < 0 && errno == ENOENT)
        return 0;
    rc = fd < 0 ? error_of_errno(errno) : read_all(gc, fd, text, &cause);
    if (rc) {
        *fault = gc_printf(gc, "cannot read %s: %s", path, cause);
        return rc;
    }
    rc = ranges_parse(gc, gc_strdup(gc, path), *text, ranges, &line, &cause);
    if (rc)
        *fault = gc_printf(gc, "%s, line %u: %s", path, line, cause);
    return rc;
}

static int write_all(int fd, const char *text)
{
    for (size_t len = strlen(text); len;) {
        ssize_t n = write(fd, text, len);

        if (n < 0)
            return -1;
        text += n;
        len -= (size_t)n;
    }
    return fsync(fd);
}

/* Also the folder's entry, or the file might be the old one after a loss of power. */
static int sync_folder(struct gc *gc, const char *path)
{
    const char *slash = strrchr(path, '/');
    CLEANUP_FD int fd =
        open(slash ? gc_strndup(gc, path, (size_t)(slash - path) + 1) : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -1 : fsync(fd);
}

int ranges_write(struct xlx_ctx *ctx, const char *path, const char *text)
{
    CLEANUP_FD int fd = -1;
    GC_SCOPE(gc);
    char *fresh = gc_printf(gc, "%s.XXXXXX", path);
    bool there;

    fd = mkostemp(fresh, O_CLOEXEC);
    there = fd >= 0;
    if (!there || write_all(fd, text) || fchmod(fd, 0644) || rename(fresh, path) || sync_folder(gc, path)) {
        int saved = errno;

        if (there)
            unlink(fresh);
        LOG(ctx, ERROR, "cannot write %s: %s", path, strerror(saved));
        return error_of_errno(saved);
    }
    return 0;
}

/* ---- configurations of domains ---- */

int range_rule_of_config(struct xlx_ctx *ctx, const struct config *config, const char *name, bool *found,
                         struct range_rule *rule)
{
    int rc;

    *rule = (struct range_rule){.file = name};
    rc = config_size_kb(config, "dynamic_memory_min", RANGE_ABSENT, &rule->min_memkb);
    if (!rc)
        rc = config_size_kb(config, "dynamic_memory_max", RANGE_ABSENT, &rule->max_memkb);
    if (!rc)
        rc = config_u64(config, "memory_weight", 0, SETTINGS_WEIGHT_MAX, &rule->weight);
    if (rc)
        return rc;
    if (!rule->weight && config_has(config, "memory_weight")) {
        LOG(ctx, ERROR, "%s: memory_weight='0': weight 0 is not within 1 to %d", name, SETTINGS_WEIGHT_MAX);
        return ERROR_INVAL;
    }
    *found = rule->min_memkb != RANGE_ABSENT || rule->max_memkb != RANGE_ABSENT;
    if (!*found && rule->weight)
        LOG(ctx, WARN, "%s: memory_weight counts only with dynamic_memory_min or dynamic_memory_max", name);
    return 0;
}

/* NULL: it is no file of root's, or says nothing of ours. */
static const char *text_of_ours(struct xlx_ctx *ctx, struct gc *gc, int folder, const char *name, const char *path)
{
    CLEANUP_FD int fd = openat(folder, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    const char *text = "", *cause;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > RANGES_FILE_MAX ||
        read_all(gc, fd, &text, &cause))
        return NULL;
    if (!strstr(text, "dynamic_memory_") && !strstr(text, "memory_weight"))
        return NULL;
    if ((!st.st_uid || st.st_uid == geteuid()) && !(st.st_mode & (S_IWGRP | S_IWOTH)))
        return text;
    LOG(ctx, WARN, "%s: its range does not count, because others than root can write it", path);
    return NULL;
}

static void read_config(struct xlx_ctx *ctx, struct gc *gc, const char *path, const char *text, struct ranges *ranges)
{
    struct config *config = NULL;
    struct range_rule rule;
    bool found = false;
    const char *name;

    /* Both have said what is wrong. */
    if (config_parse(ctx, path, text, &config))
        return;
    if (!range_rule_of_config(ctx, config, path, &found, &rule) && found && !config_text(config, "name", NULL, &name) &&
        name) {
        rule.key = gc_strdup(gc, name);
        GC_PUSH(gc, ranges->rules, ranges->count, ranges->capacity) = rule;
    }
    config_free(config);
}

void ranges_of_folder(struct xlx_ctx *ctx, struct gc *gc, const char *folder, struct ranges *ranges)
{
    struct dirent **entries;
    int count, fd;

    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    count = fd < 0 ? -1 : scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *path = gc_printf(gc, "%s/%s", folder, entries[i]->d_name), *text;

        text = entries[i]->d_name[0] == '.' ? NULL : text_of_ours(ctx, gc, fd, entries[i]->d_name, path);
        if (text)
            read_config(ctx, gc, path, text, ranges);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    if (fd >= 0)
        close(fd);
    else if (errno != ENOENT)
        LOG(ctx, WARN, "cannot read %s: %s", folder, strerror(errno));
}
