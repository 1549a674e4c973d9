/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fakes/talk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 20000

void talk_connect(struct talk *t, uv_loop_t *loop, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    *t = (struct talk){.loop = loop, .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (t->fd < 0 || connect(t->fd, (struct sockaddr *)&address, sizeof(address))) {
        perror(path);
        abort();
    }
}

void talk_open(struct talk *t, uv_loop_t *loop, const char *path)
{
    const char *answer;

    talk_connect(t, loop, path);
    answer = talk_ask(t, "{\"execute\": \"qmp_capabilities\"}");
    if (!answer || !strstr(answer, "return")) {
        fprintf(stderr, "no negotiation: %s\n", answer ? answer : "");
        abort();
    }
}

void talk_say(struct talk *t, const char *text)
{
    if (send(t->fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        t->ended = true;
}

static void receive(struct talk *t)
{
    ssize_t r = recv(t->fd, t->text + t->len, sizeof(t->text) - 1 - t->len, 0);
    if (!r || (r < 0 && errno != EAGAIN && errno != EINTR))
        t->ended = true;
    else if (r > 0)
        t->len += (size_t)r;
}

void talk_turn(struct talk *t)
{
    uv_run(t->loop, UV_RUN_NOWAIT);
    receive(t);
}

/* The first whole line moves from text to line. */
static bool take_line(struct talk *t)
{
    char *end = memchr(t->text, '\n', t->len);
    size_t len;

    if (!end)
        return false;
    len = (size_t)(end - t->text) + 1;
    memcpy(t->line, t->text, len);
    t->line[len - 1] = 0;
    t->len -= len;
    memmove(t->text, t->text + len, t->len);
    return true;
}

/* Greeting and events are passed over. */
static const char *next_answer(struct talk *t)
{
    while (take_line(t)) {
        if (!strstr(t->line, "\"QMP\"") && !strstr(t->line, "\"event\""))
            return t->line;
    }
    return NULL;
}

const char *talk_read(struct talk *t)
{
    receive(t);
    return next_answer(t);
}

const char *talk_hear(struct talk *t)
{
    const char *answer;

    for (unsigned i = 0; i < PATIENCE_MS; i++) {
        answer = next_answer(t);
        if (answer || t->ended)
            return answer;
        talk_turn(t);
        if (!memchr(t->text, '\n', t->len))
            usleep(1000);
    }
    return NULL;
}

const char *talk_ask(struct talk *t, const char *text)
{
    talk_say(t, text);
    return talk_hear(t);
}

void talk_close(struct talk *t)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
}
