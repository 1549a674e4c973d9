#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# lifecycle.sh FOLDER: what the packages in FOLDER do to a host's files from their installation to purge. Changes the system
# it runs on: scripts/check-deb runs it in a root of the release that is thrown away.
. "$(dirname "$0")/../lib/results.sh"

packages=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DEBIAN_FRONTEND=noninteractive
unit=/etc/systemd/system/multi-user.target.wants/xl-ext-memd.service

# What belongs to the system, less dpkg's own books.
system_files() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /var/lib/dpkg -o -path /var/log \
        -o -path /var/cache -o -path /etc/ld.so.cache \) -prune -o -print | sort
}

system_files > "$work/before"
find "$packages" -maxdepth 1 -name '*.deb' ! -name '*-dbgsym_*' > "$work/list"
# shellcheck disable=SC2046
check "dpkg installs all packages together" dpkg -i $(cat "$work/list")
command_says 0 "mem-set" "the tool lists its commands" xl-ext help
command_says 0 "This" "it says what the machine is" xl-ext host-info
command_says 0 "MemTotal\|total" "the agent says how this machine is doing" xl-ext-agent --print
check "memd starts with the host, as Debian's services do" test -L "$unit"
check "the agent starts with its guest" test -L /etc/systemd/system/sysinit.target.wants/xl-ext-agent.service
equal 0 "$(grep -cv -e '^#' -e '^$' /etc/xl-ext/memd.cfg)" "memd.cfg decides nothing as it is shipped"
if ldconfig -p | grep -q 'libxlx\.so\.0 '; then
    ok "the dynamic linker knows the library"
else
    not_ok "the dynamic linker knows the library"
fi

echo 'headroom = 30' >> /etc/xl-ext/memd.cfg
mkdir "$work/newer"
for package in $(cat "$work/list"); do
    tree=$work/tree
    rm -rf "$tree"
    dpkg-deb -R "$package" "$tree"
    sed -i 's/\(0\.1\.[0-9]*\)+/\1+newer+/' "$tree/DEBIAN/control"
    [ ! -e "$tree/etc/xl-ext/memd.cfg" ] || echo '# a newer word' >> "$tree/etc/xl-ext/memd.cfg"
    sed -i '/etc\/xl-ext\/memd.cfg/d' "$tree/DEBIAN/md5sums" 2> /dev/null
    dpkg-deb -Znone -b "$tree" "$work/newer" > /dev/null
done
check "a newer version takes the place of the older without a question" \
    sh -c "dpkg --force-confold -i '$work'/newer/*.deb < /dev/null"
command_says 0 "newer" "and it is there" dpkg-query -W xl-ext
command_says 0 "headroom = 30" "an administrator's memd.cfg is kept" tail -n 1 /etc/xl-ext/memd.cfg
check "memd still starts with the host" test -L "$unit"

check "the packages can be removed" dpkg -r xl-ext xl-ext-agent libxlx-dev libxlx0
equal 1 "$(find / -xdev \( -path /proc -o -path /tmp -o -path /var/lib/dpkg \) -prune -o -name 'memd.cfg' -print | grep -c .)" \
    "memd.cfg stays when they are removed"
check "the program is gone" test ! -e /usr/sbin/xl-ext
mkdir -p /run/xl-ext/qmp
echo 'web = "min=512"' > /etc/xl-ext/ranges.cfg
check "the packages can be purged" dpkg -P xl-ext xl-ext-agent libxlx-dev libxlx0
system_files > "$work/after"
if diff "$work/before" "$work/after" > "$work/diff"; then
    ok "nothing is left of them, and nothing else is gone"
else
    not_ok "nothing is left of them, and nothing else is gone" "$(cat "$work/diff")"
fi
finish
