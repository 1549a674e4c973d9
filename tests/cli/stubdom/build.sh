#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# stubdom-build: what it refuses, and that the same packages give the same bytes.
. "$(dirname "$0")/../../lib/cli.sh"
# the sanitized tool has no image builder beside it
tool=$XL_EXT
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/empty"

says 2 "unknown compression rar" "an unknown compression" stubdom-build -o "$work/out" --compress rar
says 2 "block size 2 is not within" "a block that is too small" stubdom-build -o "$work/out" --block 2
says 2 "unknown option" "an unknown option" stubdom-build --nonsense
says 2 "too many" "an argument too many" stubdom-build nonsense
says 1 "there is no tree" "a tree that is not there" stubdom-build -o "$work/out" --root "$work/none"
says 1 "install the package linux-image-amd64" "a tree without a kernel names the package" stubdom-build -o "$work/out" --root "$work/empty"
[ ! -e "$work/out" ] && ok "none of them makes anything" || not_ok "none of them makes anything"

if [ ! -x /usr/libexec/xen-qemu-system-i386 ] || ! ls /lib/modules/*/modules.dep >/dev/null 2>&1; then
    skip "the same packages give the same bytes" "no QEMU for Xen or no kernel is installed here"
    finish
fi
says 0 "6/6. done: Linux" "an image of this machine's packages" stubdom-build -o "$work/a"
# another time, another order of files, another user's habits
(
    umask 077
    # and with links in the way, whose names the number of the process could tell
    TMPDIR=$work TZ=Asia/Tokyo SOURCE_DATE_EPOCH=1700000000 XZ_OPT='-T2 --block-size=65536' \
        sh -c 'mkdir "$2"; for f in kernel rootfs; do ln -s "$3" "$2/.qemu-stubdom-linux-$f.$$"; done
            exec "$1" --quiet stubdom-build -o "$2"' - "$tool" "$work/b" "$work/victim"
)
if [ ! -e "$work/victim" ]; then ok "nothing is written through a link"; else not_ok "nothing is written through a link"; fi
if cmp "$work/a/qemu-stubdom-linux-rootfs" "$work/b/qemu-stubdom-linux-rootfs" && cmp "$work/a/qemu-stubdom-linux-kernel" "$work/b/qemu-stubdom-linux-kernel"; then
    ok "the same packages give the same bytes"
else
    not_ok "the same packages give the same bytes"
fi
kb=$(($(wc -c <"$work/a/qemu-stubdom-linux-rootfs") / 1024))
if [ $kb -le 10500 ]; then ok "the image has at most 10500 KB ($kb)"; else not_ok "the image has at most 10500 KB ($kb)"; fi
says 2 "must start with /" "a relative file to include" stubdom-build -o "$work/c" --include x
says 2 "must not contain" "a file to include that leads out of the image" stubdom-build -o "$work/c" --include "/boot/../../$work/x"
says 1 "cannot read /nowhere" "a file to include that is not there" stubdom-build -o "$work/c" --include /nowhere
# whoever reads what it says has gone: it ends, and takes its temporary files along
mkdir "$work/tmp"
TMPDIR=$work/tmp "$tool" stubdom-build -o "$work/c" 2>&1 | head -n 1 >/dev/null
if [ -z "$(ls "$work/tmp")" ]; then ok "no temporary file is left when nobody reads"; else not_ok "no temporary file is left when nobody reads"; fi
finish
