#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A host that was upgraded from Debian 12 to 13 before its xl-ext: a build for Xen 4.17 on a dom0 with Xen 4.20, without and with
# the libraries of the Xen before.
# timeout: 1200

. tests/lib/live.sh

if [ "$(. /etc/os-release && echo "$VERSION_CODENAME")" != bookworm ]; then
    skip "a build for Xen 4.17 on a host with 4.20" "this machine builds for another Xen"
    finish
fi
check "there is a build" flock Makefile env -u MAKEFLAGS make -s install lab-install PREFIX=/usr/local DESTDIR="$scratch/build"
mkdir "$scratch/old"
cp -a /usr/lib/x86_64-linux-gnu/lib*.so.4.17* "$scratch/old/"
printf '#!/bin/sh\nexec /root/tests/live/outside/other-xen-in-dom0\n' > "$scratch/host"
lab/xen-lab run --release trixie --no-install --copy "$scratch/build/usr:/usr" --copy "$scratch/old:/root/old" --copy tests:/root/tests \
    "$scratch/host" > "$scratch/out" 2> "$scratch/err"
status=$?
cat "$scratch/out"
equal 0 "$status" "all of that held" || tail -n 20 "$scratch/err"
finish
