/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "balance/commands/commands.h"
#include "balance/commands/print-metrics.h"
#include "balance/service/control.h"
#include "balance/commands/memd-client.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/utf8.h"
#include "base/visible.h"

#define REFRESH_MS 1000
#define BAR_MAX 60
#define BAR_MIN 15 /* so that a row fits into 80 columns */

struct options {
    bool once, events, prometheus;
};

struct row {
    const char *name, *balloon, *reason;
    uint64_t domid, actual, target, demand, min, max, static_max, weight, owed;
    bool managed, pinned, has_demand;
};

enum sorting { BY_DOMID, BY_NAME, BY_ACTUAL, BY_TARGET, BY_DEMAND, BY_LACK };
static const struct {
    char key;
    const char *label;
} sortings[] = {{'i', "id"}, {'n', "name"}, {'a', "actual"}, {'t', "target"}, {'d', "demand"}, {'l', "lack"}};

/* ---- reading ---- */

static uint64_t number_of(const struct json *node, const char *key)
{
    uint64_t value = 0;

    json_member_u64(node, key, &value);
    return value;
}

static const char *text_of(const struct json *node, const char *key)
{
    const char *text;

    return json_member_string(node, key, &text) ? text : "";
}

static bool flag_of(const struct json *node, const char *key)
{
    bool value;

    return json_member_bool(node, key, &value) && value;
}

static struct row *read_rows(struct gc *gc, const struct json *result, size_t *count)
{
    const struct json *list = json_member(result, "domains");
    struct row *rows;

    *count = list && list->type == JSON_ARRAY ? list->list.count : 0;
    rows = gc_array(gc, *count + 1, sizeof(*rows));
    for (size_t i = 0; i < *count; i++) {
        const struct json *d = list->list.items[i];

        rows[i] = (struct row){
            .name = text_of(d, "name"),
            .balloon = text_of(d, "balloon"),
            .reason = text_of(d, "reason"),
            .domid = number_of(d, "domid"),
            .actual = number_of(d, "actual_memkb"),
            .target = number_of(d, "target_memkb"),
            .demand = number_of(d, "demand_memkb"),
            .min = number_of(d, "min_memkb"),
            .max = number_of(d, "max_memkb"),
            .static_max = number_of(d, "static_max_memkb"),
            .weight = number_of(d, "weight"),
            .owed = number_of(d, "owed_memkb"),
            .managed = flag_of(d, "managed"),
            .pinned = flag_of(d, "pinned"),
            .has_demand = json_member(d, "demand_memkb") && json_member(d, "demand_memkb")->type == JSON_INTEGER,
        };
    }
    return rows;
}

static uint64_t key_of(const struct row *r, enum sorting sorting)
{
    switch (sorting) {
    case BY_ACTUAL:
        return r->actual;
    case BY_TARGET:
        return r->target;
    case BY_DEMAND:
        return r->demand;
    case BY_LACK:
        return r->demand > r->actual ? r->demand - r->actual : 0;
    default:
        return UINT64_MAX - r->domid;
    }
}

static int compare(const void *a, const void *b, void *arg)
{
    enum sorting sorting = *(enum sorting *)arg;
    const struct row *x = a, *y = b;
    uint64_t k = key_of(x, sorting), l = key_of(y, sorting);

    if (sorting == BY_NAME && strcmp(x->name, y->name))
        return strcmp(x->name, y->name);
    if (k != l)
        return k > l ? -1 : 1;
    return x->domid < y->domid ? -1 : x->domid > y->domid;
}

/* ---- showing ---- */

/* What it holds as #, up to what it is asked to hold as -, and where minimum, maximum and demand lie: [ ] ! */
static void bar(char *out, size_t width, const struct row *r, uint64_t scale)
{
    struct {
        uint64_t value;
        char mark;
    } marks[] = {{r->min, '['}, {r->max, ']'}, {r->demand, '!'}};

    for (size_t i = 0; i < width; i++) {
        uint64_t at = (2 * i + 1) * scale / (2 * width);

        out[i] = at < r->actual ? '#' : at < r->target ? '-' : ' ';
        if (at >= r->target && at < r->actual)
            out[i] = '=';
    }
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        size_t at = (size_t)(marks[i].value * width / (scale ? scale : 1));

        if (r->managed && marks[i].value && (marks[i].mark != '!' || r->has_demand))
            out[at < width ? at : width - 1] = marks[i].mark;
    }
    out[width] = 0;
}

static const char *mib(struct gc *gc, uint64_t memkb, bool known)
{
    return known ? gc_printf(gc, "%" PRIu64, (memkb + 512) / 1024) : "-";
}

static const char *note(const struct row *r)
{
    if (!r->managed)
        return "unmanaged";
    if (r->owed)
        return "owes";
    return r->pinned ? "pinned" : r->reason;
}

static void print_host(const struct json *host, bool screen)
{
    const char *end = screen ? "\033[K\r\n" : "\n";

    printf("host: %" PRIu64 " MiB, free %" PRIu64 ", reserve %" PRIu64 ", reserved %" PRIu64 ", claimed %" PRIu64
           ", in flight %" PRIu64 ", float %" PRIu64,
           number_of(host, "total_memkb") / 1024, number_of(host, "free_memkb") / 1024,
           number_of(host, "reserve_memkb") / 1024, number_of(host, "reserved_memkb") / 1024,
           number_of(host, "claimed_memkb") / 1024, number_of(host, "in_flight_memkb") / 1024,
           number_of(host, "float_memkb") / 1024);
    if (!flag_of(host, "feasible"))
        printf("; SHORT by %" PRIu64 " MiB", number_of(host, "shortfall_memkb") / 1024);
    fputs(end, stdout);
}

/* How a row is laid out: on a narrow screen the bar stands for minimum and maximum. */
struct layout {
    bool wide;
    size_t bar;
};

#define NARROW_TEXT 65 /* columns of all but the bar */
#define WIDE_TEXT 88

static struct layout layout_for(size_t columns)
{
    struct layout l = {.wide = columns >= WIDE_TEXT + BAR_MIN};
    size_t text = l.wide ? WIDE_TEXT : NARROW_TEXT;

    l.bar = columns < text + BAR_MIN ? BAR_MIN : columns - text;
    if (l.bar > BAR_MAX)
        l.bar = BAR_MAX;
    return l;
}

static uint64_t scale_for(const struct row *rows, size_t count)
{
    uint64_t scale = 1;

    for (size_t i = 0; i < count; i++) {
        uint64_t high = rows[i].static_max > rows[i].actual ? rows[i].static_max : rows[i].actual;

        if (rows[i].managed && high > scale)
            scale = high;
    }
    return scale;
}

#define NAME_COLUMNS 16

static const char *name_column(struct gc *gc, const char *name)
{
    const char *text = visible_copy(gc, name);
    size_t len = utf8_fit(text, NAME_COLUMNS), width = utf8_width(gc_strndup(gc, text, len));

    return gc_printf(gc, "%.*s%*s", (int)len, text, (int)(NAME_COLUMNS - width), "");
}

static void print_rows(struct gc *gc, struct row *rows, size_t count, size_t lines, size_t columns, bool screen)
{
    const char *end = screen ? "\033[K\r\n" : "\n";
    struct layout layout = layout_for(columns);
    uint64_t scale = scale_for(rows, count);

    printf("%-*s %5s %7s %7s %7s ", NAME_COLUMNS, "NAME", "ID", "ACTUAL", "TARGET", "DEMAND");
    if (layout.wide)
        printf("%7s %7s %6s ", "MIN", "MAX", "WEIGHT");
    printf(" %-5s %-10s%s", "BALL.", "WHY", end);
    for (size_t i = 0; i < count && i < lines; i++) {
        const struct row *r = &rows[i];
        char text[BAR_MAX + 1];

        bar(text, layout.bar, r, scale);
        printf("%s %5" PRIu64 " %7s %7s %7s ", name_column(gc, r->name), r->domid, mib(gc, r->actual, true),
               mib(gc, r->target, r->target), mib(gc, r->demand, r->has_demand));
        if (layout.wide)
            printf("%7s %7s %6s ", mib(gc, r->min, r->managed), mib(gc, r->max, r->managed),
                   r->managed ? gc_printf(gc, "%" PRIu64, r->weight) : "-");
        printf(" %-5s %-10s %s%s", r->managed ? r->balloon : "-", note(r), r->managed ? text : "", end);
    }
}

static void print_warnings(struct gc *gc, const struct json *host, bool screen)
{
    const struct json *list = json_member(host, "warnings");

    for (size_t i = 0; list && list->type == JSON_ARRAY && i < list->list.count; i++) {
        if (list->list.items[i]->type == JSON_STRING)
            printf("warning: %s%s", visible_copy(gc, list->list.items[i]->string.text), screen ? "\033[K\r\n" : "\n");
    }
}

static void print_json(struct gc *gc, const struct json *result)
{
    struct json_writer *w = json_writer_new(gc, true);

    json_tree(w, result);
    printf("%s", json_text(w, NULL));
}

/* ---- the terminal ---- */

static struct termios cooked;

/* Only calls that a handler of signals may make. */
static void restore(void)
{
    static const char shown_again[] = "\033[?7h\033[?25h\033[?1049l";
    ssize_t r = write(STDOUT_FILENO, shown_again, sizeof(shown_again) - 1);

    tcsetattr(STDIN_FILENO, TCSANOW, &cooked);
    if (r < 0)
        return;
}

static void ended(int signum)
{
    restore();
    signal(signum, SIG_DFL);
    raise(signum);
}

/* Keys come one by one; Ctrl-C still interrupts, and whatever ends us the terminal is as before. Rows that are longer
 * than a line are cut. */
static bool take_terminal(void)
{
    struct termios raw;

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &cooked))
        return false;
    raw = cooked;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    atexit(restore);
    signal(SIGHUP, ended);
    fputs("\033[?1049h\033[?25l\033[?7l", stdout);
    return true;
}

struct live {
    struct ev_fd keys;
    struct ev_timer refresh;
    struct ev_interrupt interrupt;
    enum sorting sorting;
    bool due, over;
    int status;
};

static void end(struct live *l, int status)
{
    l->over = true;
    l->status = status;
}

static void key_pressed(struct ev_fd *ev, int fd, short revents)
{
    struct live *l = CONTAINER_OF(ev, struct live, keys);
    char key;
    ssize_t r = read(fd, &key, 1);

    if (r < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    l->due = true;
    if (r != 1 || key == 'q')
        end(l, XLX_EXIT_DONE);
    else if (key == 3)
        end(l, XLX_EXIT_INTERRUPTED);
    for (size_t i = 0; i < ARRAY_LEN(sortings) && !l->over; i++) {
        if (sortings[i].key == key)
            l->sorting = (enum sorting)i;
    }
}

static void refresh_due(struct ev_timer *timer)
{
    CONTAINER_OF(timer, struct live, refresh)->due = true;
}

static void interrupted(struct ev_interrupt *i, int signum)
{
    end(CONTAINER_OF(i, struct live, interrupt), XLX_EXIT_INTERRUPTED);
}

static void print_screen(struct gc *gc, const struct json *result, enum sorting sorting)
{
    const struct json *host = json_member(result, "host");
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    struct row *rows;
    size_t count;

    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    rows = read_rows(gc, result, &count);
    qsort_r(rows, count, sizeof(*rows), compare, &sorting);
    fputs("\033[H", stdout);
    print_host(host, true);
    print_rows(gc, rows, count, size.ws_row > 5 ? size.ws_row - 5u : 1, size.ws_col, true);
    print_warnings(gc, host, true);
    printf("sorted by %s; keys: q quit", sortings[sorting].label);
    for (size_t i = 0; i < ARRAY_LEN(sortings); i++)
        printf(", %c %s", sortings[i].key, sortings[i].label);
    fputs("\033[J", stdout);
    fflush(stdout);
}

/* Asks memd and shows what it says. */
static void refresh(struct live *l, struct memd_client *client)
{
    const struct json *result, *event;
    GC_SCOPE(gc);
    int rc;

    rc = memd_call(client, CONTROL_BALANCE, NULL, &result);
    if (rc)
        end(l, xlx_exit_of(rc));
    if (l->over)
        return;
    print_screen(gc, result, l->sorting);
    while (!memd_event(client, 0, &event))
        ;
}

static int live(struct xlx_ctx *ctx, struct memd_client *client)
{
    struct live l = {.sorting = BY_DOMID};
    /* Opened anew to be read without blocking: standard input is the caller's, and often the output too. */
    CLEANUP_FD int fd = open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    ev_interrupt_start(&ctx->loop, &l.interrupt, interrupted);
    ev_timer_start(&ctx->loop, &l.refresh, 0, REFRESH_MS, refresh_due);
    if (fd < 0 || ev_fd_start(&ctx->loop, &l.keys, fd, POLLIN, key_pressed)) {
        LOG(ctx, ERROR, "cannot read keys from the terminal");
        end(&l, XLX_EXIT_FAILED);
    }
    while (!l.over) {
        uv_run(&ctx->loop, UV_RUN_ONCE);
        if (l.due && !l.over) {
            l.due = false;
            refresh(&l, client);
        }
    }
    ev_fd_stop(&l.keys);
    ev_timer_stop(&l.refresh);
    ev_interrupt_stop(&l.interrupt);
    return l.status;
}

/* ---- events ---- */

static int stream(const struct xlx_invocation *in, struct memd_client *client)
{
    for (;;) {
        const struct json *message;
        struct json_writer *w;
        GC_SCOPE(gc);
        int rc;

        rc = memd_event(client, UINT64_MAX, &message);
        if (rc)
            return xlx_exit_of(rc);
        w = json_writer_new(gc, false);
        json_tree(w, in->ui->json ? message : json_member(message, "data"));
        if (in->ui->json)
            printf("%s\n", json_text(w, NULL));
        else
            printf("%-12s %s\n", text_of(message, "event"), json_text(w, NULL));
        fflush(stdout);
    }
}

static int once(const struct xlx_invocation *in, struct memd_client *client)
{
    const struct json *result;
    struct row *rows;
    size_t count;
    GC_SCOPE(gc);
    int rc;

    rc = memd_call(client, CONTROL_BALANCE, NULL, &result);
    if (rc)
        return xlx_exit_of(rc);
    if (in->ui->json) {
        print_json(gc, result);
        return XLX_EXIT_DONE;
    }
    rows = read_rows(gc, result, &count);
    print_host(json_member(result, "host"), false);
    print_rows(gc, rows, count, SIZE_MAX, 120, false);
    print_warnings(gc, json_member(result, "host"), false);
    return XLX_EXIT_DONE;
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    struct memd_client *client;
    int rc, status;

    rc = memd_connect(in->ctx, &client);
    if (rc)
        return rc == ERROR_NOTFOUND ? memd_missing(in->ctx) : xlx_exit_of(rc);
    if (o->prometheus)
        status = print_metrics(client);
    else if (o->events)
        status = stream(in, client);
    else if (!o->once && !in->ui->json && in->ui->terminal && take_terminal())
        status = live(in->ctx, client);
    else
        status = once(in, client);
    memd_disconnect(client);
    return status;
}

static const struct xlx_option option_table[] = {
    {0, "events", XLX_OPTION_FLAG, offsetof(struct options, events), NULL,
     "print what memd does, line by line, until interrupted"},
    {0, "once", XLX_OPTION_FLAG, offsetof(struct options, once), NULL, "print once, also to a terminal"},
    {0, "prometheus", XLX_OPTION_FLAG, offsetof(struct options, prometheus), NULL,
     "print memd's metrics once, in Prometheus' text format"},
};

const struct xlx_command cmd_mem_top = {
    .name = "mem-top",
    .synopsis = "[--once | --events | --prometheus] [--json]",
    .summary = "Show live how memd balances memory",
    .details =
        "Sizes in MiB. The bar shows what a domain holds (#), what it is still to get (-) or to give (=), and where "
        "its minimum [, maximum ] and demand ! lie. Keys sort by id, name, actual, target, demand and lack; q "
        "quits. When standard output is no terminal it prints once.",
    .options = option_table,
    .option_count = ARRAY_LEN(option_table),
    .options_size = sizeof(struct options),
    .domain_arg = XLX_NO_DOMAIN,
    .flags = XLX_COMMAND_ANYWHERE,
    .run = XLX_CODE(run),
};
