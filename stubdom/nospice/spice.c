/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stands in the image where QEMU asks for libspice-server.so.1. A stub domain has no display and libxl never gives
 * its QEMU a Spice option, so nothing of it is ever called; yet Debian's QEMU is linked with it and the library drags
 * in OpenSSL, GStreamer and the C++ library, a third of the image.
 *
 * The functions exist so that the dynamic linker is content. None of them pretends to work: each one says that there is
 * no Spice and ends QEMU. The names and versions are those of libspice-server 0.15 that QEMU 7.2 uses. The image
 * builder starts QEMU once with this file in place; a QEMU that wants more gets the real library.
 */
#include <string.h>
#include <unistd.h>

static __attribute__((noreturn)) void no_spice(const char *function)
{
    static const char text[] = "xl-ext-stubdom: there is no Spice in a stub domain, but QEMU called ";
    ssize_t r;

    r = write(2, text, sizeof(text) - 1);
    r += write(2, function, strlen(function));
    r += write(2, "\n", 1);
    _exit(r > 0 ? 3 : 4);
}

#define FUNCTION(name, version)                                                                                        \
    __attribute__((noreturn, visibility("default"))) void name(void);                                                  \
    void name(void)                                                                                                    \
    {                                                                                                                  \
        no_spice(#name);                                                                                               \
    }

#include "stubdom/nospice/functions.def"
