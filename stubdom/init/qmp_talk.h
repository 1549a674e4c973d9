/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the bridge has to understand of the conversation that it carries: where a client's messages end, which of them
 * ask for the state to be saved, and which line of QEMU's answers one. Pure functions without system calls: the host
 * compiles this file for unit tests and fuzzing. QEMU may be broken into; the client is dom0's.
 */
#ifndef XL_EXT_STUBDOM_QMP_TALK_H
#define XL_EXT_STUBDOM_QMP_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QMP_MESSAGE_BYTES_MAX 4096 /* the longest message looked at; libxl's that matter are below 200 */
#define QMP_ID_BYTES_MAX 64

/* Cuts what a client sends into messages: a JSON value each, whatever line ends it. Starts as zeros. */
struct qmp_splitter {
    char text[QMP_MESSAGE_BYTES_MAX]; /* what has come of a message, or what stands between two */
    size_t used;
    unsigned depth; /* of brackets */
    char quote;     /* within a string: the character that ends it */
    bool escaped;   /* behind a backslash in a string */
    bool too_long;  /* the beginning of this message has been passed on without a look */
};

enum qmp_piece {
    QMP_PIECE_INCOMPLETE, /* keep it: QEMU would not act on it either */
    QMP_PIECE_OTHER,      /* pass it on: between two messages, or of one that is too long to be looked at */
    QMP_PIECE_MESSAGE,    /* one whole message */
};

/*
 * Takes bytes, at most to the end of a message, and returns how many. With anything but QMP_PIECE_INCOMPLETE in *piece
 * the caller passes text on, all used bytes of it, and sets used to 0, before it calls again.
 */
size_t qmp_splitter_take(struct qmp_splitter *splitter, const char *data, size_t len, enum qmp_piece *piece);

/* A request's id: a number, or a text of letters, digits and "-_.:#". */
struct qmp_id {
    char text[QMP_ID_BYTES_MAX]; /* as it stands in JSON, with its quotes; empty: there is none, or another kind */
};

enum qmp_request {
    QMP_REQUEST_OTHER,
    QMP_REQUEST_SAVE, /* the devices' state into descriptor set 1 */
    QMP_REQUEST_CONT, /* the guest is to go on */
};

/* What a message of len bytes asks for; *id is filled in for QMP_REQUEST_SAVE. */
enum qmp_request qmp_request_of(const char *message, size_t len, struct qmp_id *id);

enum qmp_answer { QMP_ANSWER_NONE, QMP_ANSWER_RETURN, QMP_ANSWER_ERROR };

/* Is this line of QEMU's, of len bytes, the answer to the request with this id? */
enum qmp_answer qmp_answer_of(const char *line, size_t len, const struct qmp_id *id);

/* An answer of init's own in QEMU's place, a line; text is cut where it does not fit and must need no escapes in JSON.
 * Returns its length. */
size_t qmp_error_line(char *line, size_t size, const struct qmp_id *id, const char *text);

#endif
