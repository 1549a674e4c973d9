/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/init/qmp_talk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/gc.h"
#include "base/json.h"

#define SAVE_COMMAND "xen-save-devices-state"
#define SAVE_FILE "/dev/fdset/1" /* libxl, dm_state_save_to_fdset */

/* ---- messages ---- */

static void give_up(struct qmp_splitter *s)
{
    s->quote = '\0';
    s->escaped = s->too_long = false;
    s->depth = 0;
}

/* One byte; true when a message ends with it. */
static bool follow(struct qmp_splitter *s, char c)
{
    if (s->quote) {
        if ((unsigned char)c < ' ')
            give_up(s); /* as QEMU's reader does, which begins anew */
        else if (s->escaped)
            s->escaped = false;
        else if (c == '\\')
            s->escaped = true;
        else if (c == s->quote)
            s->quote = '\0';
        return false;
    }
    switch (c) {
    case '"':
    case '\'': /* QEMU's dialect */
        s->quote = c;
        return false;
    case '{':
    case '[':
        s->depth++;
        return false;
    case '}':
    case ']':
        return s->depth && --s->depth == 0;
    default:
        return false;
    }
}

size_t qmp_splitter_take(struct qmp_splitter *s, const char *data, size_t len, enum qmp_piece *piece)
{
    for (size_t i = 0; i < len; i++) {
        bool was_between = !s->depth, ends;

        if (was_between && s->used && (data[i] == '{' || data[i] == '[')) {
            *piece = QMP_PIECE_OTHER; /* what stood before the message goes first */
            return i;
        }
        ends = follow(s, data[i]);
        s->text[s->used++] = data[i];
        if (ends) {
            *piece = s->too_long ? QMP_PIECE_OTHER : QMP_PIECE_MESSAGE;
            s->too_long = false;
            return i + 1;
        }
        if (s->used == sizeof(s->text)) {
            s->too_long = s->depth;
            *piece = QMP_PIECE_OTHER;
            return i + 1;
        }
    }
    *piece = s->used && (!s->depth || s->too_long) ? QMP_PIECE_OTHER : QMP_PIECE_INCOMPLETE;
    return len;
}

/* ---- what they say ---- */

static bool is_plain(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:#";

    return strspn(text, plain) == strlen(text);
}

static void take_id(const struct json *message, struct qmp_id *id)
{
    const char *text;
    int64_t number;
    int len = 0;

    if (json_member_integer(message, "id", &number))
        len = snprintf(id->text, sizeof(id->text), "%" PRId64, number);
    else if (json_member_string(message, "id", &text) && is_plain(text))
        len = snprintf(id->text, sizeof(id->text), "\"%s\"", text);
    if (len <= 0 || len >= (int)sizeof(id->text))
        id->text[0] = '\0';
}

static bool has_text(const char *bytes, size_t len, const char *text)
{
    return memmem(bytes, len, text, strlen(text));
}

enum qmp_request qmp_request_of(const char *message, size_t len, struct qmp_id *id)
{
    const char *command, *file;
    struct json *root;
    GC_SCOPE(gc);

    id->text[0] = '\0';
    /* most messages are neither, and need no parser */
    if ((!has_text(message, len, SAVE_COMMAND) && !has_text(message, len, "cont")) ||
        json_parse(gc, message, len, &root, NULL) || !json_member_string(root, "execute", &command))
        return QMP_REQUEST_OTHER;
    if (!strcmp(command, "cont"))
        return QMP_REQUEST_CONT;
    if (strcmp(command, SAVE_COMMAND) || !json_member_string(json_member(root, "arguments"), "filename", &file) ||
        strcmp(file, SAVE_FILE))
        return QMP_REQUEST_OTHER;
    take_id(root, id);
    return QMP_REQUEST_SAVE;
}

enum qmp_answer qmp_answer_of(const char *line, size_t len, const struct qmp_id *id)
{
    struct qmp_id other = {""};
    struct json *root;
    GC_SCOPE(gc);

    /* events come in between, and need no parser */
    if (!*id->text || !has_text(line, len, "\"id\"") || json_parse(gc, line, len, &root, NULL))
        return QMP_ANSWER_NONE;
    take_id(root, &other);
    if (strcmp(other.text, id->text))
        return QMP_ANSWER_NONE;
    if (json_member(root, "return"))
        return QMP_ANSWER_RETURN;
    return json_member(root, "error") ? QMP_ANSWER_ERROR : QMP_ANSWER_NONE;
}

size_t qmp_error_line(char *line, size_t size, const struct qmp_id *id, const char *text)
{
    static const char rest[] = "\"}}\r\n";
    int len =
        snprintf(line, size - strlen(rest), "{\"id\": %s, \"error\": {\"class\": \"GenericError\", \"desc\": \"%s",
                 *id->text ? id->text : "null", text);
    size_t used = len < 0 ? 0 : (size_t)len;

    if (used > size - strlen(rest) - 1)
        used = size - strlen(rest) - 1;
    memcpy(line + used, rest, strlen(rest) + 1);
    return used + strlen(rest);
}
