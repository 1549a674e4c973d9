/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "balloon/info.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "core/domain.h"
#include "core/ctx.h"
#include "memory/memory.h"
#include "memory/show.h"

static const struct xlx_column columns[] = {
    {"Name", "name", 0},
    {"ID", "domid", XLX_COLUMN_RIGHT},
    {NULL, "uuid", XLX_COLUMN_JSON},
    {"Type", "type", 0},
    {"Target", NULL, XLX_COLUMN_RIGHT | XLX_COLUMN_TEXT},
    {"Actual", NULL, XLX_COLUMN_RIGHT | XLX_COLUMN_TEXT},
    {"Static-max", NULL, XLX_COLUMN_RIGHT | XLX_COLUMN_TEXT},
    {"Maxmem", NULL, XLX_COLUMN_RIGHT | XLX_COLUMN_TEXT},
    {NULL, "target_memkb", XLX_COLUMN_JSON},
    {NULL, "actual_memkb", XLX_COLUMN_JSON},
    {NULL, "static_max_memkb", XLX_COLUMN_JSON},
    {NULL, "max_memkb", XLX_COLUMN_JSON},
    {NULL, "videoram_memkb", XLX_COLUMN_JSON},
    {NULL, "outstanding_memkb", XLX_COLUMN_JSON},
    {NULL, "offset_memkb", XLX_COLUMN_JSON},
    {NULL, "offset_calibrated", XLX_COLUMN_JSON},
    {"State", "state", 0},
};

static void show(struct xlx_table *table, const struct xlx_ui *ui, const struct xlx_mem_info *info)
{
    struct xlx_cell unlimited = info->max_memkb == UINT64_MAX ? XLX_NONE : XLX_NUMBER(info->max_memkb);
    GC_SCOPE(gc);

    ui->ops->table_row(table, (struct xlx_cell[]){
                                  XLX_TEXT(info->name),
                                  XLX_NUMBER(info->domid),
                                  XLX_TEXT(info->uuid),
                                  XLX_TEXT(domain_type_name(info->type)),
                                  info->has_target ? XLX_TEXT(mem_show_mib(gc, info->target_memkb)) : XLX_NONE,
                                  XLX_TEXT(mem_show_mib(gc, info->actual_memkb)),
                                  info->has_static_max ? XLX_TEXT(mem_show_mib(gc, info->static_max_memkb)) : XLX_NONE,
                                  XLX_TEXT(mem_show_mib(gc, info->max_memkb)),
                                  info->has_target ? XLX_NUMBER(info->target_memkb) : XLX_NONE,
                                  XLX_NUMBER(info->actual_memkb),
                                  info->has_static_max ? XLX_NUMBER(info->static_max_memkb) : XLX_NONE,
                                  unlimited,
                                  XLX_NUMBER(info->videoram_memkb),
                                  XLX_NUMBER(info->outstanding_memkb),
                                  XLX_NUMBER(info->offset_memkb),
                                  XLX_BOOL(info->offset_calibrated),
                                  XLX_TEXT(mem_show_state(info)),
                              });
}

/* Those named, each once asked for even when another is gone by now. */
static int show_named(const struct xlx_invocation *in, struct xlx_table *table)
{
    int status = XLX_EXIT_DONE;

    for (int i = 0; i < in->argc; i++) {
        struct xlx_mem_info info;
        uint32_t domid;
        int rc;

        rc = xlx_domain_find(in->ctx, in->argv[i], &domid);
        if (!rc) {
            rc = mem_info_get(in->ctx, domid, &info);
            if (rc == ERROR_DOMAIN_NOTFOUND)
                LOGD(in->ctx, ERROR, domid, "it is gone");
        }
        if (rc)
            status = xlx_exit_of(rc);
        else
            show(table, in->ui, &info);
    }
    return status;
}

static int run(const struct xlx_invocation *in)
{
    CLEANUP_FREE struct xlx_mem_info *infos = NULL;
    struct xlx_table *table;
    int status = XLX_EXIT_DONE;
    size_t count;
    int rc;

    if (!in->argc) {
        rc = mem_list(in->ctx, in->ui->json ? MEM_INFO_ALL : MEM_INFO_STATE, &infos, &count);
        if (rc)
            return xlx_exit_of(rc);
    }
    table = in->ui->ops->table_begin(in->ui, columns, ARRAY_LEN(columns));
    if (in->argc) {
        status = show_named(in, table);
    } else {
        for (size_t i = 0; i < count; i++)
            show(table, in->ui, &infos[i]);
    }
    in->ui->ops->table_end(table);
    return status;
}

const struct xlx_command cmd_mem_list = {
    .name = "mem-list",
    .synopsis = "[--json] [DOMAIN]...",
    .summary = "List memory targets and what domains really hold",
    .details = "Sizes are in MiB, with --json in KiB (names end in _memkb). Target is what the toolstack asks for "
               "(memory/target), Actual what the hypervisor counts as the domain's, Static-max the highest target, "
               "Maxmem the hypervisor's limit.",
    .args_max = XLX_ARGS_ANY,
    .domain_arg = 0,
    .run = XLX_CODE(run),
};
