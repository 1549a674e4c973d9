/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How lab-guest (dom0) has a program run by a guest's init: through the guest's own part of
 * xenstore, because that works alike on PV, PVH and HVM, next to whatever the kernel prints on the
 * console, and survives save and restore. All below /local/domain/<domid>:
 *
 *   data/lab/ready      written by the guest when it can take requests
 *   data/lab/request    by dom0: "ID COUNT"; the request is the concatenation of request/0 ... COUNT-1,
 *                       an argv, each argument ended by a NUL; or "ID kill": end what runs
 *   data/lab/out/SLOT   by the guest: "ID SEQUENCE STREAM\n" and bytes of output; STREAM is 1
 *                       or 2, SEQUENCE counts from 0, SLOT is SEQUENCE modulo EXEC_SLOTS
 *   data/lab/ack        by dom0: "ID SEQUENCE", how many pieces it has taken; the guest writes at
 *                       most EXEC_SLOTS further
 *   data/lab/status     by the guest: "ID STATUS SEQUENCE", exit status and number of pieces
 *
 * One request at a time: dom0 holds a lock. An ID is never used twice.
 */
#ifndef LAB_GUEST_EXEC_H
#define LAB_GUEST_EXEC_H

#define EXEC_READY "data/lab/ready"
#define EXEC_REQUEST "data/lab/request"
#define EXEC_OUT "data/lab/out"
#define EXEC_ACK "data/lab/ack"
#define EXEC_STATUS "data/lab/status"

#define EXEC_SLOTS 16u
#define EXEC_PIECE_MAX 1900u /* bytes; a guest's node may hold 2048 */
#define EXEC_ID_MAX 64u
#define EXEC_REQUEST_MAX (64u << 10) /* bytes of an argv */

#endif
