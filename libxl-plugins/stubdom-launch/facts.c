/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/facts.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/running-xen.h"
#include "core/domain.h"
#include "core/run-folder.h"
#include "core/sampler.h"

#define IMAGE_HEAD_BYTES 32768

static const char *boot_folder(struct gc *gc, const char *xen)
{
    const char *const folders[] = {xen ? gc_printf(gc, "/usr/lib/xen-%s/boot", xen) : "/usr/lib/xen/boot",
                                   "/usr/libexec/xen/boot", "/usr/lib/xen/boot"};

    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        if (!access(folders[i], F_OK))
            return folders[i];
    }
    return folders[0];
}

/* /usr/bin/vchan-socket-proxy is Debian's wrapper, which starts the program of the running Xen's version. */
static const char *proxy_missing(struct gc *gc, const char *xen)
{
    const char *program;

    if (access("/usr/bin/vchan-socket-proxy", X_OK) && access("/usr/lib/xen/bin/vchan-socket-proxy", X_OK) &&
        access("/usr/libexec/xen/bin/vchan-socket-proxy", X_OK))
        return "vchan-socket-proxy is missing";
    if (!xen || access("/usr/bin/vchan-socket-proxy", X_OK))
        return NULL;
    program = gc_printf(gc, "/usr/lib/xen-%s", xen);
    if (access(program, F_OK) && access("/usr/lib/xen/bin", F_OK))
        return gc_printf(gc, "%s, where vchan-socket-proxy is, is missing", program);
    program = gc_printf(gc, "/usr/lib/xen-%s/bin/vchan-socket-proxy", xen);
    if (!access(gc_printf(gc, "/usr/lib/xen-%s/bin", xen), F_OK) && access(program, X_OK))
        return gc_printf(gc, "%s is missing", program);
    return NULL;
}

const char *stubdom_dom0_qemu_missing(struct gc *gc, const char *root, const char *xen)
{
    /* Debian's libxl takes the first and no other, also when a QEMU that knows nothing of Xen is there */
    bool is_debian = xen && !access(gc_printf(gc, "%s/usr/lib/xen-%s", root, xen), F_OK);
    static const char *const programs[] = {"/usr/libexec/xen-qemu-system-i386", "/usr/lib/xen/bin/qemu-system-i386",
                                           "/usr/libexec/xen/bin/qemu-system-i386", "/usr/bin/qemu-system-i386"};

    for (size_t i = 0; i < (is_debian ? 1 : ARRAY_LEN(programs)); i++) {
        if (!access(gc_printf(gc, "%s%s", root, programs[i]), X_OK))
            return NULL;
    }
    return "there is no QEMU for Xen in dom0";
}

static bool read_image(struct gc *gc, const char *path, struct stubdom_image *image)
{
    CLEANUP_FILE FILE *f = fopen(path, "re");
    char *head;

    if (!f)
        return false;
    head = gc_alloc(gc, IMAGE_HEAD_BYTES);
    stubdom_image_parse(gc, head, fread(head, 1, IMAGE_HEAD_BYTES, f), image);
    return true;
}

/* Does another domain than stub_domid bear the name? */
static int name_is_taken(struct xlx_ctx *ctx, const char *name, uint32_t stub_domid, bool *taken)
{
    xc_domaininfo_t *infos;
    struct xs_handle *xs;
    size_t count;
    GC_SCOPE(gc);
    int rc;

    rc = ctx_xs(ctx, &xs);
    if (!rc)
        rc = sampler_look(ctx, gc, &infos, &count);
    if (rc)
        return rc;
    *taken = false;
    for (size_t i = 0; i < count; i++) {
        char other[XLX_NAME_MAX];

        domain_name(ctx, xs, infos[i].domain, other);
        *taken = *taken || (infos[i].domain != stub_domid && !strcmp(other, name));
    }
    return 0;
}

int stubdom_facts_gather(struct xlx_ctx *ctx, struct gc *gc, const struct json *config, uint32_t stub_domid,
                         struct stubdom_facts *facts)
{
    const char *name;

    *facts = (struct stubdom_facts){.xen = running_xen(gc, "")};
    facts->boot_folder = boot_folder(gc, facts->xen);
    facts->dom0_qemu = stubdom_dom0_qemu_missing(gc, "", facts->xen);
    facts->proxy = proxy_missing(gc, facts->xen);
    facts->memd_runs = memd_runs();
    stubdom_image_paths(gc, config, facts->boot_folder, &facts->kernel, &facts->ramdisk);
    facts->kernel_readable = !access(facts->kernel, R_OK);
    facts->ramdisk_readable = read_image(gc, facts->ramdisk, &facts->image);
    if (!json_member_string(json_member(config, "c_info"), "name", &name))
        return 0;
    return name_is_taken(ctx, gc_printf(gc, "%s-dm", name), stub_domid, &facts->stub_name_taken);
}
