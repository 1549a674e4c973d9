#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The units for systemd: can they be started where Xen comes from Debian's packages, which have no unit of their own?
. "$(dirname "$0")/../lib/cli.sh"

command -v systemd-analyze > /dev/null || skip_all "no systemd-analyze"
source=$(dirname "$0")/../..
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
ln -s /bin/true "$scratch/xl-ext"
ln -s /bin/true "$scratch/xl-ext-agent"

for unit in libxl-plugins/memd/xl-ext-memd.service agent/xl-ext-agent.service; do
    name=$(basename "$unit")
    sed "s|@S\?BINDIR@|$scratch|g" "$source/$unit.in" > "$scratch/$name"
    complaints=$(systemd-analyze verify --man=no "$scratch/$name" 2>&1 | grep "$name")
    if [ -z "$complaints" ]; then
        ok "$name can be started"
    else
        not_ok "$name can be started"
        printf '%s\n' "$complaints" | sed 's/^/# /'
    fi
done
finish
