#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The kit that brings the agent into guests.
. "$(dirname "$0")/../../lib/cli.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
from=$(dirname "$XL_EXT")/agent-kit
kit=$work/kit.tar

check "the kit is written" "$tool" agent-kit --from "$from" -o "$kit"
"$tool" agent-kit --from "$from" > "$work/again.tar"
check "standard output gets the same bytes" cmp "$kit" "$work/again.tar"
(umask 077 && touch "$work/later" && "$tool" agent-kit --from "$from" -o - > "$work/again.tar")
check "at any time and with any umask" cmp "$kit" "$work/again.tar"
equal "-rwxr-xr-x root/root etc/init.d/xl-ext-agent
-rw-r--r-- root/root etc/sysctl.d/60-xl-ext-agent.conf
-rw-r--r-- root/root etc/systemd/system/xl-ext-agent.service
-rwxr-xr-x root/root usr/local/sbin/xl-ext-agent" \
    "$(LC_ALL=C tar -tvf "$kit" | awk '{ print $1, $2, $NF }')" "all of it is root's, and nothing leads out of the root"
equal 0 "$(tar -tf "$kit" | grep -c -e '^/' -e '\.\.')" "no path is absolute or goes up"
mkdir "$work/guest"
check "tar unpacks it into a guest's root" tar -xf "$kit" -C "$work/guest"
check "the agent is the one that was built" cmp "$work/guest/usr/local/sbin/xl-ext-agent" "$from/xl-ext-agent"
if "$work/guest/usr/local/sbin/xl-ext-agent" --print | grep -q '^total-memory [0-9]'; then
    ok "and runs"
else
    not_ok "and runs"
fi
check "the unit starts it from there" grep -q '^ExecStart=/usr/local/sbin/xl-ext-agent$' "$work/guest/etc/systemd/system/xl-ext-agent.service"
check "and so does the script" grep -q '^command="/usr/local/sbin/xl-ext-agent"$' "$work/guest/etc/init.d/xl-ext-agent"
check "the script is one of a shell" sh -n "$work/guest/etc/init.d/xl-ext-agent"
if command -v python3 > /dev/null; then
    check "another reader of tar agrees" python3 -c "import sys, tarfile; sys.exit(len(tarfile.open('$kit').getmembers()) != 4)"
fi
says 1 "cannot read $work/none/xl-ext-agent.openrc" "a folder without an agent is named" agent-kit --from "$work/none" -o "$work/x"
check "and nothing is written" test ! -e "$work/x"
says 1 "cannot write $work/none/x" "a file that cannot be written is named" agent-kit --from "$from" -o "$work/none/x"
if [ -w /dev/full ]; then
    says 1 "cannot write /dev/full: No space" "a full disk is no success" agent-kit --from "$from" -o /dev/full
fi
finish
