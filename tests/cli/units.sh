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

for unit in libxl-plugins/memd/xl-ext-memd.service libxl-plugins/memd/xl-ext-metrics.socket agent/xl-ext-agent.service; do
    name=$(basename "$unit")
    [ -e "$source/$unit" ] || unit=$unit.in
    sed "s|@S\?BINDIR@|$scratch|g" "$source/$unit" > "$scratch/$name"
    complaints=$(systemd-analyze verify --man=no "$scratch/$name" 2>&1 | grep "$name")
    if [ -z "$complaints" ]; then
        ok "$name can be started"
    else
        not_ok "$name can be started"
        printf '%s\n' "$complaints" | sed 's/^/# /'
    fi
done

memd=$scratch/xl-ext-memd.service
# holds NAME COMMAND: a test.
holds() {
    name=$1
    shift
    if "$@" > /dev/null 2>&1; then ok "$name"; else not_ok "$name"; fi
}
# --offline is there since systemd 250.
if systemd-analyze security --offline=true --threshold=100 "$memd" > /dev/null 2>&1; then
    holds "memd is confined: at most 2 of systemd's 10 points of exposure" \
        systemd-analyze security --offline=true --threshold=20 "$memd"
else
    skip "memd is confined" "this systemd-analyze knows no --offline"
fi
# xenstored that is away for a second makes memd end: a start limit would keep it away for good.
holds "memd is started again however often it had to end" grep -q '^StartLimitIntervalSec=0$' "$memd"
holds "but not where that cannot help: a mistake in memd.cfg, another balancer, another Xen" \
    grep -qE '^RestartPreventExitStatus=2 4$' "$memd"
# systemd mounts another /proc for it.
holds "it sees /proc/xen, by which it knows dom0" grep -q '^BindReadOnlyPaths=/proc/xen$' "$memd"
holds "its run folder is there before it" grep -q '^RuntimeDirectory=xl-ext$' "$memd"
holds "and stays behind it" grep -q '^RuntimeDirectoryPreserve=yes$' "$memd"
holds "and not at once" grep -qE '^RestartSec=[1-9]' "$memd"
holds "memd is the last to be killed when dom0 has no memory" grep -q '^OOMScoreAdjust=-900$' "$memd"
finish
