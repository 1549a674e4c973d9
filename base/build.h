/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_BUILD_H
#define XLX_BASE_BUILD_H

/* Names the sources and settings that an object was built from: the same in the tool and in the libraries that it may
 * load, because they share structs. */
extern const char build_id[];
/* Whose headers and libraries that build was made with: "4.17". */
extern const char build_xen[];

#endif
