/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lab's stream between the host (xen-lab) and dom0 (lab-runner): one virtio-serial port carries
 * frames in both directions, in order, so that the exit status can never overtake output.
 *
 * Both ends trust each other (the machine is thrown away after the run), but a length out of range
 * means that the stream is out of step: frame_read refuses it.
 */
#ifndef LAB_CHANNEL_FRAME_H
#define LAB_CHANNEL_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX_BYTES (4u << 20)

/* A frame up to this size, header included, is one write: on a pipe that polls as writable it does not block. */
#define FRAME_ATOMIC_BYTES 4096u

enum frame_type {
    /* host to dom0 */
    FRAME_RUN = 'R',    /* time (ns since 1970, decimal), "rows cols" or "", argv...: NUL ended each */
    FRAME_INPUT = 'I',  /* bytes for the program's stdin; an empty one ends it */
    FRAME_WINDOW = 'W', /* "rows cols" */
    FRAME_KILL = 'K',   /* end the program that runs; an exit frame follows */
    FRAME_PING = 'P',   /* answered by a hello frame, once a program that still runs is killed */
    /* dom0 to host */
    FRAME_HELLO = 'H', /* the runner waits for work */
    FRAME_STDOUT = '1',
    FRAME_STDERR = '2',
    FRAME_EXIT = 'X', /* exit status as the shell has it (128 + signal), decimal */
};

struct frame {
    uint8_t type;
    uint8_t reserved[3];
    uint32_t length;
};

/* Writes a whole frame to @fd, waiting as long as needed. Returns 0, or -1 with errno. */
int frame_write(int fd, enum frame_type type, const void *data, size_t length);

/*
 * Reads one frame from @fd, waiting as long as needed. *@data is a buffer of the caller's that grows
 * (malloc; start with NULL and *@size 0, free at the end); one NUL is put behind the payload.
 * Returns 0, or -1 with errno (EPIPE: the other side is gone, EPROTO: out of step).
 */
int frame_read(int fd, struct frame *frame, char **data, size_t *size);

/* Writes all of @data to @fd, waiting as long as needed. Returns 0, or -1 with errno. */
int write_all(int fd, const void *data, size_t length);

#endif
