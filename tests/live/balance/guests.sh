#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Three Linux guests with the agent on a full host: programs in one after the other need more, and memory goes there.
# timeout: 600
. "$(dirname "$0")/../../lib/live.sh"

mib=1024
names="web db mail"

target_is() {
    t=$(target_of "$(xl domid "$1")")
    [ "$t" -ge $(($2 * mib)) ] && [ "$t" -le $(($3 * mib)) ]
}
host_keeps_its_reserve() {
    [ "$(xl info free_memory)" -ge 120 ]
}
# What all may hold together is what there is.
within_budget() {
    xl-ext mem-top --once --json | jq -e '([.domains[] | select(.managed) | .target_memkb] | add) <= .host.budget_memkb + 1024' >/dev/null
}
available() {
    lab-guest exec "$1" awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo
}

xl-ext memd >"$scratch/memd.log" 2>&1 &
memd=$!
at_end kill $memd
check "memd listens" until_true 20 test -S /run/xl-ext/control.sock
type=pv
for name in $names; do
    at_end lab-guest destroy "$name"
    check "a $type guest with the agent boots: $name" lab-guest create --agent $type "$name" 176 320
    type=pvh
done
# What is free beyond the reserve and 60 MiB goes to one that nobody balances.
at_end lab-puppet stop hog
hog=$(($(xl info free_memory) - 128 - 60))
check "the host is full" lab-puppet start hog $hog $hog instant
for name in $names; do
    check "$name is balanced" xl-ext mem-range "$name" 120 320
done

for name in $names; do
    check "$name: its programs take 150 MiB more" lab-guest eat "$name" 150
    check "$name: memory goes where it is needed" until_true 30 target_is "$name" 235 320
    free=$(available "$name")
    [ "$free" -ge 15 ] && ok "$name: with room left in the guest ($free MiB)" || not_ok "$name: with room left in the guest" "$free MiB"
    for other in $names; do
        [ "$other" = "$name" ] || check "$other keeps its minimum" target_is "$other" 120 255
    done
    check "the targets are within the budget" within_budget
    check "the host keeps its reserve" host_keeps_its_reserve
    says 0 "^$name: \(gets\|keeps\|wants .* gets\) " "mem-why says what it gets" xl-ext mem-why "$name"
    xl-ext mem-top --once | sed 's/^/# /'
    lab-guest relax "$name"
done
for name in $names; do
    says 0 "^oom_kill 0" "$name: no process was killed" lab-guest exec "$name" grep oom_kill /proc/vmstat
done
sed 's/^/# memd: /' "$scratch/memd.log"
finish
