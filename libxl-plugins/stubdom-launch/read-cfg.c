/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/stubdom.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/ev.h"

#define OUTPUT_BYTES_MAX (1 << 20)

/* What a child writes to one of its descriptors, up to a limit; the rest is read and dropped. */
struct capture {
    int fd;
    char *text;
    size_t len;
};

static void capture_read(struct gc *gc, struct capture *c)
{
    char data[4096];
    ssize_t r = read(c->fd, data, sizeof(data));

    if (r <= 0) {
        close(c->fd);
        c->fd = -1;
        return;
    }
    if (c->len + (size_t)r > OUTPUT_BYTES_MAX)
        return;
    c->text = gc_realloc(gc, c->text, c->len + (size_t)r + 1);
    memcpy(c->text + c->len, data, (size_t)r);
    c->len += (size_t)r;
}

/* Reads both until the child has closed them. False: it took too long. */
static bool capture_all(struct gc *gc, struct capture captures[2])
{
    const int64_t deadline = (int64_t)ev_clock_ms() + STUBDOM_XL_TIMEOUT_MS;

    while (captures[0].fd >= 0 || captures[1].fd >= 0) {
        struct pollfd fds[2] = {{.fd = captures[0].fd, .events = POLLIN}, {.fd = captures[1].fd, .events = POLLIN}};
        int64_t left = deadline - (int64_t)ev_clock_ms();

        if (left <= 0)
            return false;
        if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
            return false;
        for (int i = 0; i < 2; i++) {
            if (fds[i].fd >= 0 && fds[i].revents)
                capture_read(gc, &captures[i]);
        }
    }
    return true;
}

static void __attribute__((noreturn)) run_xl(const int out[2], const int err[2], char *const *arguments)
{
    int null = open("/dev/null", O_RDONLY);

    if (null < 0 || dup2(null, 0) < 0 || dup2(out[1], 1) < 0 || dup2(err[1], 2) < 0)
        _exit(126);
    execvp("xl", arguments);
    _exit(127);
}

static bool starts_with_one_of(const char *line, const char *const *starts)
{
    for (; *starts; starts++) {
        if (!strncasecmp(line, *starts, strlen(*starts)))
            return true;
    }
    return false;
}

const char *stubdom_complaint(struct gc *gc, const char *text)
{
    static const char *const summaries[] = {"Parsing config", "Failed to parse config", NULL};
    static const char *const warnings[] = {"warning:", NULL};
    char *rest = gc_strdup(gc, text), *line, *warning = NULL;

    while ((line = strsep(&rest, "\n"))) {
        if (!*line || starts_with_one_of(line, summaries))
            continue;
        if (!starts_with_one_of(line, warnings))
            return line;
        if (!warning)
            warning = line;
    }
    return warning ? warning : "xl said nothing";
}

int stubdom_read_cfg(struct xlx_ctx *ctx, struct gc *gc, int argc, char *const *argv, char **json,
                     const char **warnings)
{
    char **arguments = gc_array(gc, (size_t)argc + 5, sizeof(*arguments));
    struct capture captures[2] = {{.fd = -1}, {.fd = -1}};
    int out[2], err[2], status = 0;
    char *start;
    bool in_time;
    pid_t pid;

    if (access(argv[0], R_OK)) {
        LOG(ctx, ERROR, "cannot read the configuration %s: %s", argv[0], strerror(errno));
        return ERROR_INVAL;
    }
    arguments[0] = gc_strdup(gc, "xl");
    arguments[1] = gc_strdup(gc, "create");
    arguments[2] = gc_strdup(gc, "--dryrun");
    for (int i = 0; i < argc; i++)
        arguments[3 + i] = argv[i];
    if (pipe2(out, O_CLOEXEC))
        return ERROR_FAIL;
    if (pipe2(err, O_CLOEXEC)) {
        close(out[0]);
        close(out[1]);
        return ERROR_FAIL;
    }
    pid = fork();
    if (pid == 0)
        run_xl(out, err, arguments);
    close(out[1]);
    close(err[1]);
    captures[0].fd = out[0];
    captures[1].fd = err[0];
    in_time = pid > 0 && capture_all(gc, captures);
    for (int i = 0; i < 2; i++)
        cleanup_fd(&captures[i].fd);
    if (pid < 0) {
        LOG(ctx, ERROR, "cannot start xl: %s", strerror(errno));
        return ERROR_FAIL;
    }
    if (!in_time)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!in_time) {
        LOG(ctx, ERROR, "xl did not parse %s within %d s", argv[0], STUBDOM_XL_TIMEOUT_MS / 1000);
        return ERROR_TIMEDOUT;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        LOG(ctx, ERROR, "xl is not in PATH: install xen-utils-common");
        return ERROR_FAIL;
    }
    start = captures[0].text ? strchr(captures[0].text, '{') : NULL;
    if (status || !start) {
        LOG(ctx, ERROR, "xl refuses %s: %s", argv[0], stubdom_complaint(gc, captures[1].text ? captures[1].text : ""));
        return ERROR_INVAL;
    }
    *json = start;
    *warnings = captures[1].text ? captures[1].text : "";
    return 0;
}
