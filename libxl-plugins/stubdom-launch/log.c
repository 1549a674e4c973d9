/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/visible.h"

int stubdom_log_tail(struct gc *gc, const char *path, uint64_t max, char ***lines, size_t *count, long *end)
{
    CLEANUP_FILE FILE *f = fopen(path, "re");
    char line[STUBDOM_LOG_LINE_MAX];
    size_t n = 0, capacity = 0, first;

    if (!f)
        return error_of_errno(errno);
    if (!fseek(f, 0, SEEK_END) && ftell(f) > STUBDOM_LOG_READ_MAX)
        fseek(f, -(long)STUBDOM_LOG_READ_MAX, SEEK_END);
    else
        rewind(f);
    *lines = NULL;
    if (end)
        *end = ftell(f);
    while (fgets(line, sizeof(line), f)) {
        if (end && feof(f))
            break;
        if (end)
            *end = ftell(f);
        line[strcspn(line, "\r\n")] = '\0';
        make_visible(line, "\t");
        if (n == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            *lines = gc_realloc(gc, *lines, capacity * sizeof(**lines));
        }
        (*lines)[n++] = gc_strdup(gc, line);
    }
    first = max && n > max ? n - (size_t)max : 0;
    *lines += *lines ? first : 0;
    *count = n - first;
    return 0;
}

const char *stubdom_log_next(struct stubdom_log_reader *r)
{
    int c = 0;

    clearerr(r->file); /* its end is the end for now only */
    while (r->used < sizeof(r->line) - 1 && (c = getc(r->file)) != EOF && c != '\n')
        r->line[r->used++] = (char)c;
    if (c == EOF)
        return NULL;
    r->line[r->used] = '\0';
    r->used = 0;
    r->line[strcspn(r->line, "\r")] = '\0';
    make_visible(r->line, "\t");
    return r->line;
}

bool stubdom_log_is_own(const char *line)
{
    return !strncmp(line, STUBDOM_LOG_PREFIX, strlen(STUBDOM_LOG_PREFIX));
}

char **stubdom_log_own(struct gc *gc, char *const *lines, size_t count, uint64_t max, size_t *picked)
{
    char **result = gc_array(gc, count + 1, sizeof(*result));
    size_t n = 0, first;

    for (size_t i = 0; i < count; i++) {
        if (stubdom_log_is_own(lines[i]))
            result[n++] = lines[i];
    }
    first = max && n > max ? n - (size_t)max : 0;
    *picked = n - first;
    return result + first;
}

static bool is_kernels(const char *line)
{
    return line[0] == '[' && (line[1] == ' ' || (line[1] >= '0' && line[1] <= '9'));
}

/* QEMU says these at every start in a stub domain. */
static bool is_harmless(const char *line)
{
    return strstr(line, "xs_set_permissions") || strstr(line, "initialise() failed");
}

static bool is_fatal(const char *line)
{
    return strstr(line, "Kernel panic") || strstr(line, "invoked oom-killer") || strstr(line, "Out of memory");
}

char **stubdom_log_pick(struct gc *gc, char *const *lines, size_t count, size_t max, size_t *picked)
{
    char **result = gc_array(gc, count + 1, sizeof(*result));
    size_t n = 0, first;

    for (size_t i = 0; i < count; i++) {
        if (is_fatal(lines[i]) || (!is_kernels(lines[i]) && !is_harmless(lines[i]) && *lines[i]))
            result[n++] = lines[i];
    }
    if (!n && count) {
        memcpy(result, lines, count * sizeof(*result));
        n = count;
    }
    first = n > max ? n - max : 0;
    *picked = n - first;
    return result + first;
}
