/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XL_EXT_STUBDOM_SETTING_H
#define XL_EXT_STUBDOM_SETTING_H

#include <stdbool.h>

/* Write one of the kernel's settings, a file below /proc/sys. False with errno. */
bool setting_write(const char *path, const char *text);

#endif
