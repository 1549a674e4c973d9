/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MIGRATE_MIGRATE_H
#define XLX_MIGRATE_MIGRATE_H

/* What the files of this plugin share. */

#include "core/ctx.h"
#include "migrate/compare.h"
#include "migrate/policy.h"
#include "xlx-plugin.h"

/* ---- documents: from this machine, a file, or another host ---- */

/* This host. paths: files to look for, NULL with path_count 0. Logs. */
int policy_of_this_host(struct xlx_ctx *ctx, struct gc *gc, const char *const *paths, size_t path_count,
                        struct policy_doc **doc);
/* A domain of this host. Logs. */
int policy_of_domain(struct xlx_ctx *ctx, struct gc *gc, uint32_t domid, struct policy_doc **doc);
/* What Xen masks for PV guests here: XEN_SYSCTL_CPU_LEVELCAP_* bits. Logs. */
int policy_levelling(struct xlx_ctx *ctx, uint32_t *caps);

/* The longest that another host may take to answer, in milliseconds, when --timeout does not say. */
#define POLICY_ANSWER_MS 60000

/* A file in either form; "-" is standard input. ERROR_INVAL (logged): not there, or no policy. */
int policy_of_file(struct xlx_ctx *ctx, struct gc *gc, const char *path, struct policy_doc **doc);
/* Another host, asked as xl migrate reaches it: "exec SSH_COMMAND HOST 'xl-ext cpu-policy --host --raw ...'" in a
 * shell. timeout_ms 0: POLICY_ANSWER_MS. Runs the loop. Logs. */
int policy_of_other_host(struct xlx_ctx *ctx, struct gc *gc, const char *ssh_command, const char *host,
                         const char *const *paths, size_t path_count, uint64_t timeout_ms, struct policy_doc **doc);

/* Has the other host destroy what it has got of a guest that goes on here: "xl-ext migrate-receive --forget" there. Where
 * that is not possible a warning says so. Runs the loop. */
void migrate_forget_there(struct xlx_ctx *ctx, struct gc *gc, const char *ssh_command, const char *host,
                          const char *uuid);

/* How long another host's guests may take to make room, when --timeout does not say, and how long what they gave waits
 * there for the guest. */
#define MIGRATE_ROOM_MS 60000
#define MIGRATE_LEASE_S 60

struct migrate_reserve {
    const char *host, *ssh_command; /* not "" */
    const char *uuid;               /* of the guest that is going to move */
    uint64_t memkb;                 /* what it needs there */
    uint64_t timeout_ms;            /* for the memory to become free; 0: MIGRATE_ROOM_MS */
};

/* Has the other host's memd make room for the guest: "xl-ext mem-reserve" there. 0 also when nobody there can be asked, for
 * want of xl-ext or memd (a warning says so). ERROR_TIMEDOUT: its guests did not give so much in time; ERROR_INVAL: host or
 * ssh_command is none; both logged. ERROR_ABORTED. Runs the loop. */
int migrate_reserve(struct xlx_ctx *ctx, struct gc *gc, const struct migrate_reserve *reserve);

/* True when text is meant as a file: "-", has a slash, or a file of that name is there. */
bool policy_names_file(const char *text);

/* ---- may the domain move there? ---- */

enum verdict { VERDICT_YES, VERDICT_REMARK, VERDICT_NO };

struct check {
    const char *subject; /* "cpu", "memory", ... */
    enum verdict verdict;
    const char *text;
};

struct migrate_check {
    /* filled in by the caller */
    uint32_t domid;
    const char *target; /* HOST or FILE */
    const char *ssh_command;
    uint64_t timeout_ms; /* for the other host's answer; 0: POLICY_ANSWER_MS */

    /* result, in the pool */
    char name[XLX_NAME_MAX], uuid[XLX_UUID_LEN];
    const char *type;
    uint64_t need_memkb; /* what it needs there; 0: not known */
    struct policy_doc *other;
    struct check *checks;
    size_t check_count;
    const char **missing; /* features that the guest has, or its programs can see, and the other host lacks */
    size_t missing_count;
    bool may_move;   /* no check says no */
    bool only_saved; /* it may run there, but Xen here cannot move it while it runs (see check_live) */
};

/* Answers with 0 whatever the verdict; errors mean that there is none. Logs. Runs the loop when asking a host. */
int migrate_check(struct xlx_ctx *ctx, struct gc *gc, struct migrate_check *mc);
/* Why the guest can move to no host at all, or NULL: what can be said before another host is asked. In the pool. */
char *migrate_why_never(struct xlx_ctx *ctx, struct gc *gc, uint32_t domid);
/* Makes ready what libxl needs of a device model in a stub domain and may have removed when an earlier journey failed.
 * 0, or an error, logged. */
int migrate_put_back(struct xlx_ctx *ctx, struct gc *gc, uint32_t domid);
/* After an xl migrate that failed: xl wakes the guest itself, unless xl was ended in the middle, or did not wait for it
 * (suspends_yet, core/wake.h). A guest that is still suspended goes on here, unless host may have started it already;
 * logged. Runs the loop. */
void migrate_wake(struct xlx_ctx *ctx, uint32_t domid, const char *host, bool suspends_yet);
/* Shows the result, as text or JSON. */
void migrate_check_show(struct gc *gc, struct xlx_ui *ui, const struct migrate_check *mc);

extern const struct xlx_command cmd_cpu_diff, cmd_cpu_policy, cmd_migrate, cmd_migrate_check;

#endif
