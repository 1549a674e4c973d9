/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/request.h"

#include <ctype.h>
#include <string.h>

#include "monitor/stream.h"

/* One JSON value and nothing else, or NULL. */
static struct json *parse_json(struct gc *gc, const char *text, const char **cause)
{
    struct stream stream = {0};
    struct stream_message m;
    size_t len = strlen(text);
    size_t used = stream_feed(&stream, gc, text, len, &m);

    /* A bare number or word only ends at the byte behind it. */
    if (!m.value && !m.error)
        stream_feed(&stream, gc, "\n", 1, &m);
    else if (text[used + strspn(text + used, " \t\r\n")])
        m = (struct stream_message){.error = "more than one JSON value"};
    stream_dispose(&stream);
    if (!m.value && cause)
        *cause = m.error ? m.error : "incomplete JSON";
    return m.value;
}

static const char *next_word(struct gc *gc, const char **text)
{
    const char *start = *text + strspn(*text, " \t");
    size_t len = strcspn(start, " \t");

    *text = start + len;
    return gc_strndup(gc, start, len);
}

/* key=value ... */
static struct json *parse_words(struct gc *gc, const char *text, const char **cause)
{
    struct json *arguments = json_new_object(gc);
    const char *word;

    while (*(word = next_word(gc, &text))) {
        const char *equals = strchr(word, '=');
        struct json *value;
        const char *key;

        if (!equals || equals == word) {
            *cause = gc_printf(gc, "'%s': arguments are KEY=VALUE or one JSON object", word);
            return NULL;
        }
        key = gc_strndup(gc, word, (size_t)(equals - word));
        value = parse_json(gc, equals + 1, NULL);
        if (json_member(arguments, key)) {
            *cause = gc_printf(gc, "'%s' is given twice", key);
            return NULL;
        }
        json_set(gc, arguments, key, value ? value : json_new_string(gc, equals + 1));
    }
    return arguments;
}

struct json *request_parse(struct gc *gc, const char *command, const char *arguments, const char **cause)
{
    struct json *request, *value;

    if (*command == '{') {
        request = parse_json(gc, command, cause);
        if (request && arguments) {
            *cause = "a request in JSON has its arguments within";
            return NULL;
        }
        return request;
    }
    request = json_new_object(gc);
    json_set_string(gc, request, "execute", command);
    if (!arguments || !arguments[strspn(arguments, " \t")])
        return request;
    arguments += strspn(arguments, " \t");
    value = *arguments == '{' ? parse_json(gc, arguments, cause) : parse_words(gc, arguments, cause);
    if (!value)
        return NULL;
    json_set(gc, request, "arguments", value);
    return request;
}

struct json *request_parse_line(struct gc *gc, const char *line, const char **cause)
{
    const char *command;

    while (isspace((unsigned char)*line))
        line++;
    if (*line == '{')
        return request_parse(gc, line, NULL, cause);
    command = next_word(gc, &line);
    return request_parse(gc, command, line, cause);
}
