/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef FAKES_TALK_H
#define FAKES_TALK_H

/* The bare end of a monitor's socket, in the same process as its server: a test says lines and runs the server's loop
 * until it hears one. */

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

struct talk {
    uv_loop_t *loop;
    int fd;
    char text[32768], line[32768];
    size_t len;
    bool ended; /* the server has hung up */
};

/* Connects and negotiates. The test ends when that is not possible. */
void talk_open(struct talk *talk, uv_loop_t *loop, const char *path);
/* Connects only. */
void talk_connect(struct talk *talk, uv_loop_t *loop, const char *path);
/* The server may have hung up; nobody is told. */
void talk_say(struct talk *talk, const char *text);
/* The next line that is neither greeting nor event, valid until the next call; NULL: the server has hung up, or says
 * nothing for 20 s. */
const char *talk_hear(struct talk *talk);
/* The same without the server's loop: what stands in the socket already. */
const char *talk_read(struct talk *talk);
/* Both. */
const char *talk_ask(struct talk *talk, const char *text);
/* Runs the loop once without waiting, and reads what there is. */
void talk_turn(struct talk *talk);
void talk_close(struct talk *talk);

#endif
