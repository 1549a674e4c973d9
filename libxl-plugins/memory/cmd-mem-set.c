/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "balloon/info.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/gc.h"
#include "base/parse.h"
#include "balloon/settle.h"
#include "memory/memory.h"
#include "memory/show.h"

#define DEFAULT_WAIT_MS 60000

struct options {
    bool wait, force;
    uint64_t timeout_ms;
};

struct request {
    char *argument; /* the domain as it was typed */
    struct xlx_mem_target target;
    bool set;
    const char *why; /* not set or not reached */
};

/* ---- arguments ---- */

static int parse_size(const struct xlx_invocation *in, const char *text, struct xlx_mem_target *target)
{
    static const enum xlx_mem_relation relations[] = {
        [PARSE_ABSOLUTE] = XLX_MEM_ABSOLUTE, [PARSE_GROW] = XLX_MEM_GROW, [PARSE_SHRINK] = XLX_MEM_SHRINK};
    enum parse_relation relation;
    const char *cause;

    if (parse_size_change_kb(text, &target->size_memkb, &relation, &cause)) {
        LOG(in->ctx, ERROR, "size '%.64s': %s", text, cause);
        return ERROR_INVAL;
    }
    target->relation = relations[relation];
    return 0;
}

/* All is read before anything is changed: a typing error in the last pair must not leave the first ones set. */
static int parse_requests(const struct xlx_invocation *in, struct request *requests, size_t count)
{
    const struct options *options = in->options;
    GC_SCOPE(gc);
    const char **names = gc_array(gc, count, sizeof(*names));
    uint32_t *domids = gc_array(gc, count, sizeof(*domids));
    int rc;

    for (size_t i = 0; i < count; i++) {
        rc = parse_size(in, in->argv[2 * i + 1], &requests[i].target);
        if (rc)
            return rc;
    }
    for (size_t i = 0; i < count; i++)
        names[i] = requests[i].argument = in->argv[2 * i];
    rc = xlx_domains_find(in->ctx, names, count, domids);
    if (rc)
        return rc == ERROR_INVAL ? ERROR_DOMAIN_NOTFOUND : rc;
    for (size_t i = 0; i < count; i++) {
        requests[i].target.size = sizeof(requests[i].target);
        requests[i].target.flags = options->force ? XLX_MEM_FORCE : 0;
        requests[i].target.domid = domids[i];
        for (size_t k = 0; k < i; k++) {
            if (requests[k].target.domid == requests[i].target.domid) {
                LOG(in->ctx, ERROR, "'%.128s' and '%.128s' are the same domain: name it once", requests[k].argument,
                    requests[i].argument);
                return ERROR_INVAL;
            }
        }
    }
    return 0;
}

/* ---- setting ---- */

static int set_all(const struct xlx_invocation *in, struct request *requests, size_t count)
{
    int status = XLX_EXIT_DONE;

    for (size_t i = 0; i < count; i++) {
        struct request *r = &requests[i];
        int rc;

        rc = xlx_mem_target_set(in->ctx, &r->target);
        r->set = !rc;
        if (!rc)
            continue;
        r->why = r->target.refused_by_floor ? "below the floor" : "refused";
        /* The first failure decides the status; the others have been logged too. */
        if (status == XLX_EXIT_DONE)
            status = r->target.refused_by_floor ? XLX_EXIT_REFUSED : XLX_EXIT_FAILED;
    }
    return status;
}

/* ---- following ---- */

static bool show_progress(void *arg, const struct xlx_mem_follow *follows, size_t count)
{
    const struct xlx_invocation *in = arg;
    size_t settled = 0, stuck = 0;
    uint64_t left_kb = 0, left_ms = 0;
    GC_SCOPE(gc);

    for (size_t i = 0; i < count; i++) {
        const struct xlx_mem_follow *f = &follows[i];

        settled += f->state == XLX_MEM_SETTLED;
        stuck += f->state == XLX_MEM_STUCK || f->state == XLX_MEM_PAUSED;
        if (f->state == XLX_MEM_SETTLED || f->state == XLX_MEM_GONE)
            continue;
        left_kb +=
            f->actual_memkb > f->target_memkb ? f->actual_memkb - f->target_memkb : f->target_memkb - f->actual_memkb;
        if (f->state == XLX_MEM_MOVING && f->left_ms != UINT64_MAX && f->left_ms > left_ms)
            left_ms = f->left_ms;
    }
    in->ui->ops->progress(in->ui, "%zu of %zu settled%s, %s MiB to go%s", settled, count,
                          stuck ? gc_printf(gc, ", %zu stuck", stuck) : "", mem_show_mib(gc, left_kb),
                          left_ms ? gc_printf(gc, ", about %" PRIu64 " s left", (left_ms + 999) / 1000) : "");
    return true;
}

static const struct xlx_column result_columns[] = {
    {"Domain", "domain", 0},
    {"ID", "domid", XLX_COLUMN_RIGHT},
    {"Target", NULL, XLX_COLUMN_RIGHT | XLX_COLUMN_TEXT},
    {"Reached", NULL, XLX_COLUMN_RIGHT | XLX_COLUMN_TEXT},
    {NULL, "old_target_memkb", XLX_COLUMN_JSON},
    {NULL, "target_memkb", XLX_COLUMN_JSON},
    {NULL, "reached_memkb", XLX_COLUMN_JSON},
    {NULL, "rearmed", XLX_COLUMN_JSON},
    {"State", "state", 0},
    {"Why", "why", 0},
};

static void show_result(const struct xlx_invocation *in, struct xlx_table *table, const struct request *r,
                        const struct xlx_mem_follow *f)
{
    bool reached = f && (f->state != XLX_MEM_GONE || f->actual_memkb);
    const char *state = !r->set ? "refused" : f ? xlx_mem_settle_state_name(f->state) : "set";
    GC_SCOPE(gc);

    in->ui->ops->table_row(table,
                           (struct xlx_cell[]){
                               XLX_TEXT(r->argument),
                               XLX_NUMBER(r->target.domid),
                               r->set ? XLX_TEXT(mem_show_mib(gc, r->target.new_target_memkb)) : XLX_NONE,
                               reached ? XLX_TEXT(mem_show_mib(gc, f->actual_memkb)) : XLX_NONE,
                               XLX_NUMBER(r->target.old_target_memkb),
                               r->set ? XLX_NUMBER(r->target.new_target_memkb) : XLX_NUMBER(r->target.old_target_memkb),
                               reached ? XLX_NUMBER(f->actual_memkb) : XLX_NONE,
                               f ? XLX_NUMBER(f->rearmed) : XLX_NONE,
                               XLX_TEXT(state),
                               XLX_TEXT(r->why),
                           });
}

static int follow_all(const struct xlx_invocation *in, struct request *requests, size_t count, struct gc *gc,
                      struct xlx_mem_follow **follow_of)
{
    const struct options *options = in->options;
    struct xlx_mem_follow *follows = gc_array(gc, count, sizeof(*follows));
    uint64_t *first_memkb = gc_array(gc, count, sizeof(*first_memkb));
    uint64_t timeout_ms = options->timeout_ms  ? options->timeout_ms
                          : in->ui->timeout_ms ? in->ui->timeout_ms
                                               : DEFAULT_WAIT_MS;
    struct xlx_mem_settle settle = {
        .size = sizeof(settle),
        .follows = follows,
        .timeout_ms = timeout_ms,
        .flags = XLX_MEM_INTERRUPTIBLE,
        .progress = show_progress,
        .arg = (void *)in,
    };
    int rc;

    for (size_t i = 0; i < count; i++) {
        struct xlx_mem_info info;

        if (!requests[i].set)
            continue;
        if (!mem_info_get(in->ctx, requests[i].target.domid, &info))
            first_memkb[i] = info.actual_memkb;
        follows[settle.count] = (struct xlx_mem_follow){.domid = requests[i].target.domid,
                                                        .target_memkb = requests[i].target.new_target_memkb};
        follow_of[i] = &follows[settle.count++];
    }
    rc = xlx_mem_settle(in->ctx, &settle);
    in->ui->ops->progress(in->ui, NULL);
    for (size_t i = 0; i < count; i++) {
        if (follow_of[i])
            requests[i].why = mem_settle_why_not(in->ctx, follow_of[i], first_memkb[i]);
        if (rc == ERROR_ABORTED && requests[i].why)
            requests[i].why = "interrupted; the target stays set";
    }
    return rc;
}

/* What was not reached is said as errors too: a table may go to a file. */
static void report(const struct xlx_invocation *in, const struct request *requests, size_t count,
                   struct xlx_mem_follow **follow_of)
{
    GC_SCOPE(gc);

    for (size_t i = 0; i < count; i++) {
        const struct request *r = &requests[i];
        const struct xlx_mem_follow *f = follow_of[i];

        if (f && r->why)
            LOG(in->ctx, ERROR, "%.128s: asked for %s MiB, reached %s MiB: %s", r->argument,
                mem_show_mib(gc, f->target_memkb), mem_show_mib(gc, f->actual_memkb), r->why);
    }
}

static int run(const struct xlx_invocation *in)
{
    const struct options *options = in->options;
    size_t count = (size_t)in->argc / 2;
    struct xlx_mem_follow **follow_of;
    struct request *requests;
    int rc = 0, status;
    GC_SCOPE(gc);

    if (in->argc % 2) {
        LOG(in->ctx, ERROR, "'%.128s' has no size: domains and sizes go in pairs", in->argv[in->argc - 1]);
        return XLX_EXIT_USAGE;
    }
    requests = gc_array(gc, count, sizeof(*requests));
    follow_of = gc_array(gc, count, sizeof(*follow_of));
    rc = parse_requests(in, requests, count);
    if (rc)
        return xlx_exit_of(rc);
    status = set_all(in, requests, count);
    if (options->wait) {
        rc = follow_all(in, requests, count, gc, follow_of);
        report(in, requests, count, follow_of);
    }
    if (options->wait || in->ui->json) {
        struct xlx_table *table = in->ui->ops->table_begin(in->ui, result_columns, ARRAY_LEN(result_columns));

        for (size_t i = 0; i < count; i++)
            show_result(in, table, &requests[i], follow_of[i]);
        in->ui->ops->table_end(table);
    }
    return status != XLX_EXIT_DONE && rc != ERROR_ABORTED ? status : xlx_exit_of(rc);
}

static const struct xlx_option option_table[] = {
    {'w', "wait", XLX_OPTION_FLAG, offsetof(struct options, wait), NULL, "wait until every guest has settled"},
    {'t', "time", XLX_OPTION_DURATION, offsetof(struct options, timeout_ms), "SECONDS",
     "wait at most so long (default 60)"},
    {0, "force", XLX_OPTION_FLAG, offsetof(struct options, force), NULL,
     "allow a target that the guest may not survive"},
};

const struct xlx_command cmd_mem_set = {
    .name = "mem-set",
    .synopsis = "[-w] [-t SECONDS] [--force] DOMAIN SIZE [DOMAIN SIZE]...",
    .summary = "Set memory targets, and follow them",
    .details =
        "SIZE is in MiB, or with the suffix b, k, m, g or t; a leading + or - makes it relative to the target. As with "
        "xl, the size of an HVM guest includes its video memory. All targets are set before any is waited for.\n"
        "\n"
        "With -w the command follows the guests until each has settled, wakes up a Linux guest that gave up, and says "
        "what was reached. Without -w it returns when the targets stand in xenstore.\n"
        "\n"
        "A target below what a guest of that size can live with is refused (exit status 4) unless --force is given. "
        "Exit status 3: not all guests arrived in time. Targets stay set, also after an interrupt.",
    XLX_OPTIONS(option_table, struct options),
    .args_min = 2,
    .args_max = XLX_ARGS_ANY,
    .domain_arg = 0,
    .flags = XLX_COMMAND_MODIFIES,
    .run = XLX_CODE(run),
};
