#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The kit that brings the agent into guests, in a guest: its files lie where they belong, and the agent reports from there.
# timeout: 400
. "$(dirname "$0")/../../lib/live.sh"

check "a guest is made, for its configuration" lab-guest create pvh kit 160 160
lab-guest destroy kit
check "the kit is written" xl-ext agent-kit -o "$scratch/kit.tar"
mkdir "$scratch/root"
check "tar unpacks it into a root" tar -C "$scratch/root" -xf "$scratch/kit.tar"
# The guest's own files, and the kit's behind them.
(cd "$scratch/root" && find . -mindepth 1 | cpio -o -H newc --quiet) >"$scratch/kit.cpio"
cat /run/lab-guest/initramfs "$scratch/kit.cpio" >"$scratch/initramfs"
sed "s,^ramdisk.*,ramdisk = \"$scratch/initramfs\"," /run/lab-guest/kit.cfg >"$scratch/kit.cfg"
at_end xl destroy kit
check "a guest with that root starts" xl create "$scratch/kit.cfg"
check "and answers" lab-guest wait kit
equal "-rwxr-xr-x root root" "$(lab-guest exec kit 'ls -l /usr/local/sbin/xl-ext-agent' | awk '{ gsub("0", "root", $3); gsub("0", "root", $4); print $1, $3, $4 }')" \
    "the agent is root's"
says 0 "^total-memory [0-9]" "it runs there" lab-guest exec kit '/usr/local/sbin/xl-ext-agent --print'
check "it is started" lab-guest exec kit 'setsid /usr/local/sbin/xl-ext-agent </dev/null >/dev/null 2>&1 &'
xl-ext memd 2>"$scratch/memd.log" &
memd=$!
at_end kill $memd
check "memd answers" until_true 60 xl-ext mem-top --once
check "the guest is balanced" xl-ext mem-range kit 128 160
is_heard() {
    [ "$(xl-ext mem-why --json kit | json '"\(.agent) \(.reported_memkb != null)"')" = "xl-ext true" ]
}
check "and balanced by what its agent reports" until_true 120 is_heard
finish
