#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# memd with a thousand balanced domains: its memory, and how long mem-top takes from its start to what it shows.
# lab: --mem 6144
# timeout: 1800
set -eu
. "$(dirname "$0")/../lib/memd-bench.sh"

lab-puppet start k 1 2 instant --count 1000
start_memd 'manage="all"' 'default_min=1'
calm 5
[ "$(xl-ext mem-top --once --json | jq '[.domains[] | select(.managed)] | length')" = 1000 ]
echo "bench balance.rss_kb $(awk '/VmRSS/ { print $2 }' "/proc/$memd/status")"
grep -i '^Rss\|^Vm' "/proc/$memd/status"
times=()
for ((i = 0; i < 5; i++)); do
    begin=${EPOCHREALTIME/./}
    xl-ext mem-top --once > /dev/null
    times+=($(((${EPOCHREALTIME/./} - begin) / 1000)))
done
figure top_1000_ms "$(median "${times[@]}")"
stop_memd
lab-puppet stop k
