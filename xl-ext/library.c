/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xl-ext/library.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/build.h"
#include "base/cleanup.h"
#include "base/running-xen.h"
#include "xl-ext/messages.h"
#include "xlx.h"

static const struct {
    const char *name;
    const char *folder; /* when installed */
} libraries[] = {
    [LIBRARY_XLX] = {"libxlx.so.0", XLX_LIBDIR},
    [LIBRARY_XL] = {"libxlx-xl.so", XLX_LIBDIR "/xl-ext"},
};

/* ---- where: beside the program in a build folder, else where they are installed ---- */

/* Whoever can put a file there could as well have put the program there. */
static bool as_trusted_as(const char *file, const struct stat *program)
{
    struct stat st;
    mode_t others = S_IWOTH;

    if (stat(file, &st) || (st.st_uid != 0 && st.st_uid != program->st_uid))
        return false;
    if (!(program->st_mode & S_IWGRP) || st.st_gid != program->st_gid)
        others |= S_IWGRP;
    return !(st.st_mode & others);
}

/* The file beside the program, or NULL. As for the dynamic loader's $ORIGIN, it does not count for a program that has
 * more rights than its user, who may have linked it into a folder of his own. */
static const char *beside_program(struct gc *gc, const char *name)
{
    CLEANUP_FREE char *program = realpath("/proc/self/exe", NULL);
    const char *folder, *file;
    struct stat st;

    if (!program || getauxval(AT_SECURE) || stat(program, &st))
        return NULL;
    folder = gc_strndup(gc, program, (size_t)(strrchr(program, '/') - program));
    file = gc_printf(gc, "%s/%s", folder, name);
    return as_trusted_as(folder, &st) && as_trusted_as(file, &st) ? file : NULL;
}

/* ---- why not ---- */

/* NULL: the Xen that runs is the one that the libraries were built for, or cannot be told. */
static const char *other_xen(struct gc *gc, const char *root)
{
    const char *runs = running_xen(gc, root);

    if (!runs || !strcmp(runs, build_xen))
        return NULL;
    return gc_printf(gc, "xl-ext was built for Xen %s, this host runs %s: install the xl-ext for Xen %s", build_xen,
                     runs, runs);
}

const char *library_fault(struct gc *gc, const char *file, const char *reason, const char *root)
{
    const char *other = other_xen(gc, root);

    if (strstr(reason, "undefined symbol") || (strstr(reason, ": version ") && strstr(reason, " not found")))
        return gc_printf(gc, "%s is of another build of xl-ext than this program: install both from one build", file);
    if (other && strstr(reason, "cannot open shared object file"))
        return gc_printf(gc, "%s (%s)", other, reason);
    return gc_printf(gc, "%s, built for Xen %s, cannot be loaded: %s", file, build_xen, reason);
}

/* ---- loading ---- */

static void *load(struct gc *gc, enum library library, const char **fault)
{
    const char *name = libraries[library].name;
    const char *file = beside_program(gc, name), *build;
    void *handle;

    /* Those of the Xen before may still be installed: the hypervisor would refuse what they ask. */
    *fault = xlx_why_no_dom0() ? NULL : other_xen(gc, "");
    if (*fault)
        return NULL;
    if (!file)
        file = gc_printf(gc, "%s/%s", libraries[library].folder, name);
    handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        *fault = library_fault(gc, file, dlerror(), "");
        return NULL;
    }
    build = dlsym(handle, "build_id");
    if (!build || strcmp(build, build_id)) {
        *fault = library_fault(gc, file, "undefined symbol: build_id", "");
        return NULL;
    }
    return handle;
}

/* The handle, kept until the program ends. */
static void *handle_of(enum library library, bool quiet)
{
    static void *handles[ARRAY_LEN(libraries)];
    const char *fault;
    GC_SCOPE(gc);

    if (library == LIBRARY_XL && !handle_of(LIBRARY_XLX, quiet))
        return NULL;
    if (!handles[library]) {
        handles[library] = load(gc, library, &fault);
        if (!handles[library] && !quiet)
            message_error("%s", fault);
    }
    return handles[library];
}

void *library_symbol(enum library library, const char *name, bool quiet)
{
    void *handle = handle_of(library, quiet), *symbol = handle ? dlsym(handle, name) : NULL;

    if (handle && !symbol && !quiet)
        message_error("%s has no %s", libraries[library].name, name);
    return symbol;
}

bool library_load(bool quiet)
{
    return handle_of(LIBRARY_XLX, quiet);
}
