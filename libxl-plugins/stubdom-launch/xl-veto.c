/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Commands of xl that fail for a guest whose device model runs in a Linux stub domain, some of them only after they have
 * begun, and a restore that the stub domain would refuse: xl would find out after 30 s, and could not say why.
 */
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "stubdom-launch/saved-file.h"
#include "stubdom-launch/stubdom.h"

static const char no_remus[] =
    "the state of a QEMU in a stub domain cannot be sent again and again, as Remus does; save "
    "or migrate the guest, or run its device model in dom0";
static const char no_cd[] =
    "libxl cannot change the disc of a guest whose device model runs in a stub domain; attach the image as a "
    "disk, or run the device model in dom0";

/* migrate is not among them: the plugin of that name looks at the device model among much else. */
static const struct {
    const char *command, *reason;
    const char *with_value; /* letters of options that take a value */
} refused[] = {
    {"remus", no_remus, "is"},
    {"cd-insert", no_cd, ""},
    {"cd-eject", no_cd, ""},
};

/* The arguments that are no options; returns how many, of which at most two are noted. */
static int plain_arguments(int argc, char **argv, const char *with_value, const char *plain[2])
{
    int n = 0;

    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') {
            if (n < 2)
                plain[n] = argv[i];
            n++;
        } else if (argv[i][1] && argv[i][1] != '-' && !argv[i][2] && strchr(with_value, argv[i][1])) {
            i++;
        }
    }
    return n;
}

static int check_refused(struct xlx_ctx *ctx, int argc, char **argv)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        const char *plain[2];
        uint32_t domid;

        if (strcmp(argv[0], refused[i].command))
            continue;
        /* without domain or without Xen: xl says what is wrong */
        if (!plain_arguments(argc, argv, refused[i].with_value, plain) || xlx_why_no_dom0())
            return XLX_EXIT_DONE;
        if (xlx_domain_find(ctx, plain[0], &domid))
            return XLX_EXIT_FAILED;
        if (!stubdom_is_linux(ctx, domid))
            return XLX_EXIT_DONE;
        LOGD(ctx, ERROR, domid, "%s: %s", argv[0], refused[i].reason);
        return XLX_EXIT_REFUSED;
    }
    return XLX_EXIT_DONE;
}

/* ---- restore ---- */

/* Will the guest have its device model in a Linux stub domain? libxl's JSON leaves out what is not set. */
static bool wants_stub_domain(struct gc *gc, const char *config)
{
    const struct json *b_info;
    const char *version;
    struct json *root;
    bool stub = false;

    if (!config || json_parse(gc, config, strlen(config), &root, NULL))
        return false;
    b_info = json_member(root, "b_info");
    return json_member_string(b_info, "device_model_version", &version) && !strcmp(version, "qemu_xen") &&
           (json_member_bool(b_info, "device_model_stubdomain", &stub)
                ? stub
                : json_member_string(b_info, "device_model_stubdomain", &version) && !strcmp(version, "True"));
}

/* What the stub domain would say to the file. NULL: nothing against it, or nothing is known. */
static const char *why_not_restored(struct gc *gc, const char *path, bool has_other_config)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct dm_state_reader reader = {.state = NULL};
    struct saved_file file;
    const char *cause;

    /* what is no file, or not xl's: xl says so */
    if (fd < 0 || saved_file_read(gc, fd, &file))
        return NULL;
    if (has_other_config ? file.is_qemus || !file.has_state : !wants_stub_domain(gc, file.config))
        return NULL;
    cause = saved_file_state(gc, fd, &file, &reader);
    dm_state_reader_dispose(&reader);
    return cause;
}

static int check_restore(struct xlx_ctx *ctx, int argc, char **argv)
{
    const char *plain[2], *cause;
    int n = plain_arguments(argc, argv, "", plain);
    GC_SCOPE(gc);

    if (n < 1 || n > 2)
        return XLX_EXIT_DONE;
    cause = why_not_restored(gc, plain[n - 1], n == 2);
    if (!cause)
        return XLX_EXIT_DONE;
    LOG(ctx, ERROR, "restore: %s has no state that a stub domain takes: %s", plain[n - 1], cause);
    return XLX_EXIT_REFUSED;
}

int xl_veto(struct xlx_ctx *ctx, int argc, char **argv)
{
    return strcmp(argv[0], "restore") ? check_refused(ctx, argc, argv) : check_restore(ctx, argc, argv);
}
