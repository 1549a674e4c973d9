/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "balance/commands/commands.h"
#include "memd-client/control.h"
#include "balance/xen/host-xen.h"
#include "memd-client/reserve.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "core/domain.h"
#include "core/xen-boot.h"

struct options {
    uint64_t min_memkb, timeout_ms, lease_ms;
    const char *for_domain, *uuid, *release;
    bool list;
};

static const struct options defaults = {.lease_ms = 60000};

static const struct xlx_column columns[] = {
    {"ID", "id", 0},
    {"State", "state", 0},
    {"MiB", NULL, XLX_COLUMN_RIGHT | XLX_COLUMN_TEXT},
    {NULL, "memkb", XLX_COLUMN_JSON},
    {"Domain", "domain", XLX_COLUMN_RIGHT},
    {"Age s", NULL, XLX_COLUMN_RIGHT | XLX_COLUMN_TEXT},
    {NULL, "age_ms", XLX_COLUMN_JSON},
};

static int list(const struct xlx_invocation *in, struct memd_client *client)
{
    const struct json *result;
    struct xlx_table *table;
    int rc;

    rc = memd_call(client, CONTROL_RESERVATIONS, NULL, &result);
    if (rc)
        return xlx_exit_of(rc);
    table = in->ui->ops->table_begin(in->ui, columns, ARRAY_LEN(columns));
    for (size_t i = 0; result && result->type == JSON_ARRAY && i < result->list.count; i++) {
        const struct json *r = result->list.items[i];
        const char *id = NULL, *state = NULL;
        uint64_t memkb = 0, age = 0, domid;
        bool has_domain = json_member_u64(r, "domain", &domid);

        json_member_string(r, "id", &id);
        json_member_string(r, "state", &state);
        json_member_u64(r, "memkb", &memkb);
        json_member_u64(r, "age_ms", &age);
        in->ui->ops->table_row(table, (struct xlx_cell[]){
                                          XLX_TEXT(id),
                                          XLX_TEXT(state),
                                          XLX_NUMBER(memkb / 1024),
                                          XLX_NUMBER(memkb),
                                          has_domain ? XLX_NUMBER(domid) : XLX_NONE,
                                          XLX_NUMBER(age / 1000),
                                          XLX_NUMBER(age),
                                      });
    }
    in->ui->ops->table_end(table);
    return XLX_EXIT_DONE;
}

static int release(struct memd_client *client, const char *id)
{
    GC_SCOPE(gc);
    struct json *arguments = json_new_object(gc);

    json_set_string(gc, arguments, "id", id);
    return xlx_exit_of(memd_call(client, CONTROL_RESERVE_RELEASE, arguments, NULL));
}

static void show(const struct xlx_invocation *in, const struct reserve_got *got)
{
    struct xlx_ui *ui = in->ui;

    if (ui->json)
        ui->ops->print(ui, "{\"id\": \"%s\", \"memkb\": %" PRIu64 "}\n", got->id, got->memkb);
    else
        ui->ops->print(ui, "%s: %" PRIu64 " MiB are reserved\n", got->id, got->memkb / 1024);
}

static int reserve(const struct xlx_invocation *in, struct memd_client **client, struct reserve_wish *wish,
                   char **command)
{
    struct reserve_got got = {.memkb = 0};
    int rc, status;

    if (autoballoon_is_on(in->ctx))
        LOG(in->ctx, WARN,
            "xl's autoballoon is on: a plain 'xl create' takes memory from dom0 and knows nothing of reservations; put "
            "dom0_mem= on Xen's command line or autoballoon=\"off\" into xl.conf");
    rc = reserve_wait(in->ctx, in->ui, client, wish, &got);
    if (rc)
        return xlx_exit_of(rc);
    if (!command) {
        show(in, &got);
        return XLX_EXIT_DONE;
    }
    /* The connection holds the memory while the command runs. */
    setenv("XL_EXT_RESERVATION", got.id, 1);
    status = run_program_holding(in->ctx, command, client, &got, NULL, NULL);
    return status < 0 ? XLX_EXIT_FAILED : status;
}

static int parse_wish(const struct xlx_invocation *in, struct reserve_wish *wish, char ***command)
{
    const struct options *o = in->options;
    const char *cause;
    uint32_t domid;

    *wish = (struct reserve_wish){.min_memkb = o->min_memkb, .timeout_ms = o->timeout_ms, .domid = -1};
    if (!wish->timeout_ms)
        wish->timeout_ms = in->ui->timeout_ms;
    if (!in->argc) {
        LOG(in->ctx, ERROR, "give the SIZE to reserve");
        return XLX_EXIT_USAGE;
    }
    if (parse_size_kb(in->argv[0], &wish->size_memkb, &cause)) {
        LOG(in->ctx, ERROR, "'%.64s': %s", in->argv[0], cause);
        return XLX_EXIT_USAGE;
    }
    *command = in->argv + 1;
    /* Behind the size the parser of options leaves short ones alone; no program is called -t. */
    if (in->argc > 2 && !strcmp(in->argv[1], "-t")) {
        if (parse_duration_ms(in->argv[2], &wish->timeout_ms, &cause)) {
            LOG(in->ctx, ERROR, "-t: '%.64s': %s", in->argv[2], cause);
            return XLX_EXIT_USAGE;
        }
        *command = in->argv + 3;
    }
    if (!**command)
        *command = NULL;
    if ((*command != NULL) + (o->for_domain != NULL) + (o->uuid != NULL) > 1) {
        LOG(in->ctx, ERROR, "--for, --uuid and a COMMAND exclude each other");
        return XLX_EXIT_USAGE;
    }
    if (o->uuid && !domain_is_uuid(o->uuid)) {
        LOG(in->ctx, ERROR, "--uuid: '%.64s' is no UUID", o->uuid);
        return XLX_EXIT_USAGE;
    }
    wish->uuid = o->uuid;
    if (!wish->size_memkb || wish->min_memkb > wish->size_memkb) {
        LOG(in->ctx, ERROR, "%s", wish->size_memkb ? "the minimum is above the size" : "the size is 0");
        return XLX_EXIT_USAGE;
    }
    wish->keep_ms = *command ? 0 : o->lease_ms;
    if (!o->for_domain)
        return XLX_EXIT_DONE;
    if (xlx_domain_find(in->ctx, o->for_domain, &domid))
        return XLX_EXIT_FAILED;
    wish->domid = domid;
    return XLX_EXIT_DONE;
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    struct memd_client *client = NULL;
    struct reserve_wish wish;
    char **command = NULL;
    int rc, status = XLX_EXIT_DONE;

    if (!o->list && !o->release)
        status = parse_wish(in, &wish, &command);
    if (status)
        return status;
    rc = memd_connect(in->ctx, &client);
    if (rc)
        return rc == ERROR_NOTFOUND ? memd_missing(in->ctx) : xlx_exit_of(rc);
    if (o->list)
        status = list(in, client);
    else
        status = o->release ? release(client, o->release) : reserve(in, &client, &wish, command);
    memd_disconnect(client);
    return status;
}

static const struct xlx_option option_table[] = {
    {0, "min", XLX_OPTION_SIZE, offsetof(struct options, min_memkb), "SIZE", "be content with less, down to this"},
    {'t', NULL, XLX_OPTION_DURATION, offsetof(struct options, timeout_ms), "SECONDS", "give up after that time"},
    {0, "for", XLX_OPTION_TEXT, offsetof(struct options, for_domain), "DOMAIN", "the memory is for this domain"},
    {0, "uuid", XLX_OPTION_TEXT, offsetof(struct options, uuid), "UUID",
     "it is handed to the domain of that UUID when that is built"},
    {0, "lease", XLX_OPTION_DURATION, offsetof(struct options, lease_ms), "SECONDS",
     "without COMMAND: hold it so long once it is free (default 60)"},
    {0, "list", XLX_OPTION_FLAG, offsetof(struct options, list), NULL, "list the reservations there are"},
    {0, "release", XLX_OPTION_TEXT, offsetof(struct options, release), "ID", "end a reservation"},
};

const struct xlx_command cmd_mem_reserve = {
    .name = "mem-reserve",
    .synopsis = "SIZE [--min SIZE] [-t SECONDS] [--lease SECONDS] [--for DOMAIN | --uuid UUID | -- COMMAND...] | "
                "--list | --release "
                "ID",
    .summary = "Have memd keep memory free, taken from guests if need be",
    .details = "Ends as soon as so much is free (MiB without a suffix), and says how the reservation is called. With "
               "COMMAND the memory is held while that runs; its exit status is the result, and "
               "$XL_EXT_RESERVATION names the reservation. Otherwise it is held for the lease, or with --for until the "
               "domain has taken it, with --uuid until that one has or the lease is over. Several reservations wait at "
               "the same time, and none for another that cannot be "
               "had.",
    XLX_OPTIONS(option_table, struct options),
    .defaults = &defaults,
    .args_max = XLX_ARGS_ANY,
    .domain_arg = XLX_NO_DOMAIN,
    .flags = XLX_COMMAND_MODIFIES,
    .run = XLX_CODE(run),
};
