/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/subprocess.h"
#include "migrate/migrate.h"

/* ---- a file ---- */

bool policy_names_file(const char *text)
{
    struct stat st;

    return !strcmp(text, "-") || strchr(text, '/') || (!stat(text, &st) && S_ISREG(st.st_mode));
}

int policy_of_file(struct xlx_ctx *ctx, struct gc *gc, const char *path, struct policy_doc **doc)
{
    bool standard_input = !strcmp(path, "-");
    const char *name = standard_input ? "standard input" : path, *cause;
    CLEANUP_FILE FILE *opened = standard_input ? NULL : fopen(path, "re");
    FILE *f = standard_input ? stdin : opened;
    char *text;
    size_t len;
    int rc;

    if (!f) {
        LOG(ctx, ERROR, "cannot open %s: %s", name, strerror(errno));
        return ERROR_INVAL;
    }
    text = gc_alloc(gc, POLICY_TEXT_MAX + 2);
    len = fread(text, 1, POLICY_TEXT_MAX + 1, f);
    if (ferror(f)) {
        LOG(ctx, ERROR, "cannot read %s: %s", name, strerror(errno));
        return ERROR_INVAL;
    }
    rc = policy_read(gc, text, len, doc, &cause);
    if (rc)
        LOG(ctx, ERROR, "%s is not usable: %s", name, cause);
    return rc;
}

/* ---- another host ---- */

/* 'text' for a shell. */
static char *quoted(struct gc *gc, const char *text)
{
    char *result = gc_alloc(gc, strlen(text) * 4 + 3), *out = result;

    *out++ = '\'';
    for (; *text; text++) {
        if (*text == '\'')
            out = stpcpy(out, "'\\''");
        else
            *out++ = *text;
    }
    *out = '\'';
    return result;
}

/* A shell's exit status for a program that it does not find. */
#define NOT_FOUND 127

/* what: the command that ran there, as it is told of. */
static const char *why_no_answer(struct gc *gc, const char *what, int exit_status, int rc)
{
    switch (rc) {
    case ERROR_TIMEDOUT:
        return "it did not answer in time";
    case ERROR_ABORTED:
        return "interrupted";
    case ERROR_BUFFERFULL:
        return "its answer is longer than a CPU policy can be";
    case 0:
        break;
    default:
        return error_text(rc);
    }
    if (exit_status == NOT_FOUND)
        return "there is no xl-ext there (or the command for ssh is not found): install it there, or bring a file "
               "made with 'xl-ext cpu-policy --host'";
    if (exit_status == 255)
        return "ssh does not get there";
    if (exit_status > 128)
        return gc_printf(gc, "the command for ssh was killed (signal %d)", exit_status - 128);
    return gc_printf(gc, "'%s' fails there (exit status %d)", what, exit_status);
}

/* Runs a command there as xl migrate does. Errors before it ran are logged (ERROR_INVAL), others not. */
static int run_there(struct subprocess *ssh, const char *ssh_command, const char *host, const char *there)
{
    struct xlx_ctx *ctx = ssh->ao.ctx;

    if (!*ssh_command) {
        LOG(ctx, ERROR, "without a command for ssh the other host cannot be asked: give a file");
        return ERROR_INVAL;
    }
    if (*host == '-' || !*host) {
        LOG(ctx, ERROR, "'%.64s' is no name of a host", host);
        return ERROR_INVAL;
    }
    ssh->command = gc_printf(ssh->gc, "exec %s %s %s", ssh_command, quoted(ssh->gc, host), quoted(ssh->gc, there));
    subprocess_start(ssh);
    return ao_wait(&ssh->ao);
}

int policy_of_other_host(struct xlx_ctx *ctx, struct gc *gc, const char *ssh_command, const char *host,
                         const char *const *paths, size_t path_count, uint64_t timeout_ms, struct policy_doc **doc)
{
    struct subprocess ssh = {
        .ao = {.ctx = ctx, .timeout_ms = timeout_ms ? timeout_ms : POLICY_ANSWER_MS},
        .gc = gc,
        .out = SUBPROCESS_CAPTURED,
        .err = SUBPROCESS_OURS,
    };
    char *there = gc_strdup(gc, "xl-ext cpu-policy --host --raw");
    const char *cause;
    int rc;

    for (size_t i = 0; i < path_count; i++)
        there = gc_printf(gc, "%s --path %s", there, quoted(gc, paths[i]));
    rc = run_there(&ssh, ssh_command, host, there);
    if (rc == ERROR_INVAL)
        return rc;
    if (rc || ssh.exit_status) {
        LOG(ctx, ERROR, "cannot ask host %.128s: %s", host,
            why_no_answer(gc, "xl-ext cpu-policy --host", ssh.exit_status, rc));
        return rc ? rc : ERROR_FAIL;
    }
    rc = policy_read(gc, ssh.output.text, ssh.output.len, doc, &cause);
    if (!rc && !(*doc)->is_host) {
        cause = "it is the policy of a domain";
        rc = ERROR_INVAL;
    }
    if (rc) {
        LOG(ctx, ERROR, "the answer of host %.128s is not usable: %s", host, cause);
        return ERROR_FAIL;
    }
    return 0;
}

/* ---- what is left there ---- */

void migrate_forget_there(struct xlx_ctx *ctx, struct gc *gc, const char *ssh_command, const char *host,
                          const char *uuid)
{
    struct subprocess ssh = {
        .ao = {.ctx = ctx, .timeout_ms = POLICY_ANSWER_MS},
        .gc = gc,
        .err = SUBPROCESS_OURS,
    };
    int rc = run_there(&ssh, ssh_command, host, gc_printf(gc, "xl-ext migrate-receive --forget %s", uuid));

    if (rc != ERROR_INVAL && (rc || ssh.exit_status))
        LOG(ctx, WARN, "a paused copy of the guest (its name ends in --incoming) may be left on host %.128s: %s", host,
            ssh.exit_status == NOT_FOUND && !rc
                ? "there is no xl-ext there"
                : why_no_answer(gc, "xl-ext migrate-receive --forget", ssh.exit_status, rc));
}

/* ---- its memory ---- */

int migrate_reserve(struct xlx_ctx *ctx, struct gc *gc, const struct migrate_reserve *r)
{
    uint64_t timeout_ms = r->timeout_ms ? r->timeout_ms : MIGRATE_ROOM_MS;
    struct subprocess ssh = {
        .ao = {.ctx = ctx, .timeout_ms = timeout_ms + POLICY_ANSWER_MS},
        .gc = gc,
        .err = SUBPROCESS_CAPTURED,
    };
    const char *there = gc_printf(gc, "xl-ext mem-reserve %" PRIu64 "k --uuid %s --lease %d -t %" PRIu64 "ms", r->memkb,
                                  r->uuid, MIGRATE_LEASE_S, timeout_ms);
    const char *why;
    int rc;

    rc = run_there(&ssh, r->ssh_command, r->host, there);
    if (rc == ERROR_ABORTED || rc == ERROR_INVAL || (!rc && !ssh.exit_status))
        return rc;
    why = rc || ssh.exit_status > XLX_EXIT_NOT_REACHED ? NULL : subprocess_last_words(gc, &ssh);
    if (!why)
        why = ssh.exit_status == NOT_FOUND ? "there is no xl-ext there"
                                           : why_no_answer(gc, "xl-ext mem-reserve", ssh.exit_status, rc);
    if (rc == ERROR_TIMEDOUT || (!rc && ssh.exit_status == XLX_EXIT_NOT_REACHED)) {
        LOG(ctx, ERROR, "host %.128s cannot make room for the guest: %.256s", r->host, why);
        return ERROR_TIMEDOUT;
    }
    LOG(ctx, WARN, "no memory is reserved on host %.128s, xl goes on alone: %.256s", r->host, why);
    return 0;
}
