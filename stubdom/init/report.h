/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What init says on the stub domain's console: libxl keeps it in dom0 as
 * /var/log/xen/qemu-dm-GUEST.log, and it is the only trace of a start that fails. Each line starts
 * with "xl-ext-stubdom: ".
 */
#ifndef XL_EXT_STUBDOM_REPORT_H
#define XL_EXT_STUBDOM_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#define REPORT_PREFIX "xl-ext-stubdom: "

/* One line, cut at 500 bytes; control characters are shown as '?', so that nothing foreign can pass
 * for another line. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, with the time since the kernel started in front: for the steps of a start. */
void report_step(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * QEMU's own output, but a broken-into QEMU must neither fill dom0's disk, nor command a terminal that shows the log,
 * nor speak for init: a burst of REPORT_BURST_BYTES passes, then REPORT_BYTES_PER_S (what is dropped is counted and
 * reported when there is room again); all but ASCII, newline and tab is shown as '?', and so is the colon of a line
 * that starts with REPORT_PREFIX. A line of init's always starts a new line.
 */
#define REPORT_BURST_BYTES 65536
#define REPORT_BYTES_PER_S 1024
void report_foreign(const char *data, size_t len);

/* Read once from where QEMU's output comes, and pass it on so. False: there was nothing. */
bool report_output(int fd);
/* All that is still there after its end, without waiting, and how much was dropped. */
void report_last_output(int fd);

/* Send the report somewhere else than to file descriptor 2. */
void report_to(int fd);

#endif
