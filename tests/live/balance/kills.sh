#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# memd killed 200 times while guests keep wanting more and less: at no moment has it promised memory that is not there.
# lab: --copy build/tests/live/kill-memd:/root/kill-memd
# timeout: 900
. "$(dirname "$0")/../../lib/live.sh"

mib=1024

each=$((($(xl info free_memory) - 200) / 8))
low=$((each * 2 / 3)) high=$((each * 2))
at_end lab-puppet stop churn
check "eight guests that follow at 64 MiB/s fill the host" lab-puppet start churn $each $high rate=65536 --count 8
start_memd
domids=
for i in $(seq 8); do
    check "churn-$i is balanced" xl-ext mem-range churn-$i $low $high
    domids="$domids $(xl domid churn-$i)"
done
kill -9 $memd
wait $memd

# shellcheck disable=SC2086 # the domids are words
/root/kill-memd "${KILLS:-200}" $((128 * mib)) $((low * mib)) $((high * mib)) $domids 2>/dev/null
status=$?
equal 0 $status "killed 200 times, it never has promised more than is free, nor left a range"

lab-puppet stats churn total-memory=$((low << 20)) available-memory=$((low << 19))
start_memd
equal 8 "$(xl-ext mem-top --once --json | json '[.domains[] | select(.managed and (.pinned | not))] | length')" \
    "afterwards all are balanced and nobody is pinned"
rested() {
    a=$(xenstore-ls /local/domain/0/xl-ext/own-target)
    sleep 5
    [ "$a" = "$(xenstore-ls /local/domain/0/xl-ext/own-target)" ]
}
check "and it comes to rest when nothing changes any more" until_true 90 rested
# Killed between a target and its limit, it has put that right since: no guest can climb back over its share.
equal "" "$(xl-ext mem-list --json | jq -r '.[] | select(.name | startswith("churn"))
    | select(.max_memkb != .target_memkb + 1024) | "\(.name): target \(.target_memkb), limit \(.max_memkb)"')" \
    "each limit in the hypervisor belongs to its target"
sed 's/^/# memd: /' "$scratch/memd.log" | tail -5
finish
