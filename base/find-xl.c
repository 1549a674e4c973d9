/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/find-xl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/find-program.h"

static bool is_not_self(const char *file)
{
    struct stat st, self;

    if (stat(file, &st) || !S_ISREG(st.st_mode))
        return false;
    return stat("/proc/self/exe", &self) || st.st_dev != self.st_dev || st.st_ino != self.st_ino;
}

char *find_xl(struct gc *gc)
{
    return find_program(gc, NULL, "", "xl", is_not_self);
}

const char *exec_xl(struct gc *gc, char *const *argv)
{
    char *xl = find_xl(gc);

    if (!xl)
        return "there is no xl in PATH";
    fflush(stdout);
    execv(xl, argv);
    return gc_printf(gc, "%s cannot be run: %s", xl, strerror(errno));
}
