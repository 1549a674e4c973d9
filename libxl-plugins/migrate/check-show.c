/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "migrate/migrate.h"

#define LINE_COLUMNS 100
#define TEXT_COLUMN 17

static const char *const words[] = {"yes", "note", "NO"};
static const char *const json_words[] = {"yes", "remark", "no"};

/* Words of text, broken into lines that begin at TEXT_COLUMN. */
static void print_wrapped(struct xlx_ui *ui, const char *text)
{
    size_t column = TEXT_COLUMN;

    while (*text) {
        size_t len = strcspn(text, " ");

        if (column > TEXT_COLUMN && column + 1 + len > LINE_COLUMNS) {
            ui->ops->print(ui, "\n%*s", TEXT_COLUMN, "");
            column = TEXT_COLUMN;
        } else if (column > TEXT_COLUMN) {
            ui->ops->print(ui, " ");
            column++;
        }
        ui->ops->print(ui, "%.*s", (int)len, text);
        column += len;
        text += len + strspn(text + len, " ");
    }
    ui->ops->print(ui, "\n");
}

static void show_text(struct xlx_ui *ui, const struct migrate_check *mc)
{
    const char *subject = "";

    ui->ops->print(ui, "%s (%s) to %s (host %s): %s\n\n", mc->name, mc->type, mc->target, mc->other->hostname,
                   !mc->may_move    ? "must not move"
                   : mc->only_saved ? "may move, saved and restored"
                                    : "may move");
    for (size_t i = 0; i < mc->check_count; i++) {
        const struct check *check = &mc->checks[i];

        ui->ops->print(ui, "  %-9s %-4s ", strcmp(subject, check->subject) ? check->subject : "",
                       words[check->verdict]);
        print_wrapped(ui, check->text);
        subject = check->subject;
    }
}

static void show_json(struct gc *gc, struct xlx_ui *ui, const struct migrate_check *mc)
{
    struct json *shown = json_new_object(gc), *missing = json_new_array(gc), *checks = json_new_array(gc);

    json_set_string(gc, shown, "name", mc->name);
    json_set_integer(gc, shown, "domid", mc->domid);
    json_set_string(gc, shown, "type", mc->type);
    json_set_string(gc, shown, "target", mc->target);
    json_set_string(gc, shown, "host", mc->other->hostname);
    json_set_string(gc, shown, "xen", mc->other->xen_version);
    json_set_bool(gc, shown, "may_move", mc->may_move);
    json_set_bool(gc, shown, "only_saved", mc->only_saved);
    json_set(gc, shown, "missing_features", missing);
    for (size_t i = 0; i < mc->missing_count; i++)
        json_append(gc, missing, json_new_string(gc, mc->missing[i]));
    json_set(gc, shown, "checks", checks);
    for (size_t i = 0; i < mc->check_count; i++) {
        struct json *check = json_new_object(gc);

        json_set_string(gc, check, "subject", mc->checks[i].subject);
        json_set_string(gc, check, "verdict", json_words[mc->checks[i].verdict]);
        json_set_string(gc, check, "text", mc->checks[i].text);
        json_append(gc, checks, check);
    }
    ui->ops->print(ui, "%s", json_text(gc, shown, JSON_PRETTY));
}

void migrate_check_show(struct gc *gc, struct xlx_ui *ui, const struct migrate_check *mc)
{
    if (ui->json)
        show_json(gc, ui, mc);
    else
        show_text(ui, mc);
}
