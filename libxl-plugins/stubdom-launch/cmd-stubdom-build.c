/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stubdom-build: hands over to the image builder, stubdom/build-image, beside the program or where it was installed. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "stubdom-launch/stubdom.h"

struct options {
    const char *output, *root, *kernel, *compress;
    struct xlx_list includes;
    uint64_t block_kb;
    bool with_spice;
};

static const struct xlx_option option_table[] = {
    {'o', "output", XLX_OPTION_TEXT, offsetof(struct options, output), "DIR",
     "put the two files into DIR (default: where libxl looks for them)"},
    {0, "root", XLX_OPTION_TEXT, offsetof(struct options, root), "DIR",
     "take kernel, QEMU and libraries from the tree DIR, not from this host"},
    {0, "kernel", XLX_OPTION_TEXT, offsetof(struct options, kernel), "VERSION",
     "take this installed kernel (default: the newest with Xen modules)"},
    {0, "include", XLX_OPTION_LIST, offsetof(struct options, includes), "FILE",
     "also put FILE into the image, at the same path: a kernel for direct boot, an option ROM"},
    {0, "with-spice", XLX_OPTION_FLAG, offsetof(struct options, with_spice), NULL,
     "keep libspice and what it needs, which a stub domain does not use"},
    {0, "compress", XLX_OPTION_TEXT, offsetof(struct options, compress), "NAME",
     "compression: zstd (default), xz, lz4 or gzip"},
    {0, "block", XLX_OPTION_NUMBER, offsetof(struct options, block_kb), "KB",
     "block size of the compression, 4 to 1024 (default 128)"},
};

/* The builder of the build tree when this program runs from there, else the installed one. */
static char *find_builder(struct gc *gc)
{
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (len > 0) {
        char *slash, *beside;

        self[len] = '\0';
        slash = strrchr(self, '/');
        *slash = '\0';
        beside = gc_printf(gc, "%s/stubdom/build-image", self);
        if (!access(beside, X_OK))
            return beside;
    }
    return gc_strdup(gc, XLX_LIBEXECDIR "/stubdom/build-image");
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    const struct {
        const char *name, *value;
    } texts[] = {{"-o", o->output}, {"--root", o->root}, {"--kernel", o->kernel}, {"--compress", o->compress}};
    GC_SCOPE(gc);
    char **arguments = gc_array(gc, 2 * (ARRAY_LEN(texts) + o->includes.count) + 6, sizeof(*arguments));
    size_t n = 0;

    arguments[n++] = find_builder(gc);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (!texts[i].value)
            continue;
        arguments[n++] = gc_strdup(gc, texts[i].name);
        arguments[n++] = gc_strdup(gc, texts[i].value);
    }
    for (size_t i = 0; i < o->includes.count; i++) {
        arguments[n++] = gc_strdup(gc, "--include");
        arguments[n++] = gc_strdup(gc, o->includes.items[i]);
    }
    if (o->block_kb) {
        arguments[n++] = gc_strdup(gc, "--block");
        arguments[n++] = gc_printf(gc, "%" PRIu64, o->block_kb);
    }
    if (o->with_spice)
        arguments[n++] = gc_strdup(gc, "--with-spice");
    if (in->ui->quiet)
        arguments[n++] = gc_strdup(gc, "--quiet");
    execv(arguments[0], arguments);
    LOG(in->ctx, ERROR, "cannot run the image builder %s: %s", arguments[0], strerror(errno));
    return XLX_EXIT_FAILED;
}

const struct xlx_command cmd_stubdom_build = {
    .name = "stubdom-build",
    .synopsis =
        "[-o DIR] [--root DIR] [--kernel VERSION] [--include FILE]... [--with-spice] [--compress NAME] [--block KB]",
    .summary = "Make a Linux stub domain's image from this host's packages",
    .details =
        "Makes " STUBDOM_KERNEL_NAME " and " STUBDOM_RAMDISK_NAME " from the installed kernel, QEMU and libraries, "
        "where libxl looks for them. Same packages, same bytes. Root is needed only to write there; packages that are "
        "missing are named.\n"
        "\n"
        "A guest that is booted directly (kernel= in its configuration) finds its kernel inside the stub domain only: "
        "give that file, and the ramdisk, with --include, or put it on one of the guest's disks and name that, as the "
        "stub domain sees it (kernel=\"/dev/xvdb\").\n"
        "\n"
        "After an update of the kernel or of QEMU make the image again, or it keeps the old ones; after one of Xen it "
        "cannot be used any more, and stubdom-check says so.",
    XLX_OPTIONS(option_table, struct options),
    .domain_arg = XLX_NO_DOMAIN,
    .flags = XLX_COMMAND_MODIFIES | XLX_COMMAND_ANYWHERE,
    .run = XLX_CODE(run),
};
