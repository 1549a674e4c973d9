#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The guest agent in a PV, a PVH and an HVM guest (those of AGENT_TYPES): what it writes, when, and what it costs.
# timeout: 1200
. "$(dirname "$0")/../../lib/live.sh"

# xenstore-read shows a newline as \n
report() {
    printf '%b' "$(xenstore-read "$node")"
}

figure() {
    report | awk -v name="$1" '$1 == name { print $2 }'
}

has_node() {
    xenstore-exists "$node"
}

no_node() {
    ! has_node
}

# ask SECONDS: what memd does
ask() {
    xenstore-write "$home/memory/stats-interval" "$1"
}

status_of_agent() {
    # shellcheck disable=SC2016
    lab-guest exec "$name" 'awk "/^'"$1"':/ { print \$2 }" /proc/$(pidof xl-ext-agent)/status'
}

# wakes_and_seconds: how often the agent wakes up in a guest that does nothing, and in how many seconds. Every program that starts there wakes
# it by page faults: between the two looks none does, and the shell reads by itself.
wakes_and_seconds() {
    # shellcheck disable=SC2016
    lab-guest exec "$name" '
        status=/proc/$(pidof xl-ext-agent)/status
        sleep 36 &
        sleep 5
        while read -r key value; do [ "$key" != voluntary_ctxt_switches: ] || before=$value; done < $status
        read -r from rest < /proc/uptime
        wait
        while read -r key value; do [ "$key" != voluntary_ctxt_switches: ] || after=$value; done < $status
        read -r to rest < /proc/uptime
        echo $((after - before)) $((${to%.*} - ${from%.*}))'
}

# 100 ms of stalls are what the agent's trigger waits for
stalled_since() {
    [ "$(figure psi-some-total)" -ge $(($1 + 100000)) ]
}

less_available_than() {
    [ "$(figure available-memory)" -lt "$1" ]
}

names="swap-in swap-out major-faults minor-faults free-memory total-memory available-memory disk-caches htlb-pgalloc
    htlb-pgfail oom-kills alloc-stalls async-scans direct-scans async-reclaims direct-reclaims swap-total swap-free
    psi-some-avg10 psi-some-total"

for type in ${AGENT_TYPES:-pv pvh hvm}; do
    name=agent-$type
    at_end lab-guest destroy $name
    check "$type: a guest with the agent boots" lab-guest create --agent $type $name 160 160
    lab-guest exec $name true >/dev/null 2>&1 || continue
    home=/local/domain/$(xl domid $name)
    node=$home/data/memory-stats

    check "$type: nobody asks, nothing is written" no_node
    ask 3600
    check "$type: asked, it reports at once" until_true 30 has_node
    missing=
    for each in $names; do
        [ -n "$(figure "$each")" ] || missing="$missing $each"
    done
    equal "" "$missing" "$type: every figure is there"
    equal "" "$(report | grep -vE '^[a-z0-9-]+ [0-9]+$')" "$type: every line is a name and a number"
    total=$(lab-guest exec $name awk '/MemTotal/ { print $2 * 1024 }' /proc/meminfo)
    equal "$total" "$(figure total-memory)" "$type: total-memory is MemTotal in bytes"

    # VmRSS is up to 64 pages late; this one is counted when asked for.
    # shellcheck disable=SC2016
    rss=$(lab-guest exec $name 'awk "/^Rss:/ { print \$2 }" /proc/$(pidof xl-ext-agent)/smaps_rollup')
    if [ "$rss" -gt 0 ] && [ "$rss" -le 600 ]; then
        ok "$type: it takes $rss KiB, 600 are allowed"
    else
        not_ok "$type: it takes no more than 600 KiB" "VmRSS: $rss"
    fi

    xenstore-rm "$node"
    ask 3600
    check "$type: asked again with the same interval, it reports at once" until_true 30 has_node

    ask 1
    sleep 3
    xenstore-rm "$node"
    sleep 4
    check "$type: it does not repeat what has not changed" no_node
    lab-guest exec $name 'dd if=/dev/zero of=/tmp/file bs=1M count=24 2> /dev/null'
    check "$type: it reports a change at the interval" until_true 30 has_node
    lab-guest exec $name rm /tmp/file

    ask 5
    until_true 30 has_node
    # shellcheck disable=SC2016
    says 0 perf_event "$type: the kernel's count of page faults can wake it" \
        lab-guest exec $name 'ls -l /proc/$(pidof xl-ext-agent)/fd'
    sleep 20
    wakes=$(wakes_and_seconds)
    seconds=${wakes#* } wakes=${wakes% *}
    [ $((wakes * 2)) -le "$seconds" ] && ok "$type: idle, it wakes up $wakes times in $seconds s, $((seconds / 2)) are allowed" ||
        not_ok "$type: idle, it wakes up no more than 30 times a minute" "$wakes times in $seconds s"
    # What was done in the guest for that is worth a report.
    sleep 10
    xenstore-rm "$node"
    sleep 30
    check "$type: idle, it writes nothing" no_node

    ask 3600
    until_true 30 has_node
    free=$(figure available-memory)
    lab-guest exec $name 'setsid fill -s 20 '$((free / 1048576 - 20))' > /run/fill 2>&1 < /dev/null &'
    if until_true 60 less_available_than $((32 * 1048576)); then
        ok "$type: it reports that the guest gets short long before the interval is over"
    else
        not_ok "$type: it reports that the guest gets short long before the interval is over" "of $free: $(report)" \
            "$(lab-guest exec $name 'cat /run/fill /proc/meminfo; ps')"
    fi
    lab-guest exec $name killall fill

    ask 0
    sleep 1
    before=$(status_of_agent voluntary_ctxt_switches)
    sleep 5
    equal "$before" "$(status_of_agent voluntary_ctxt_switches)" "$type: switched off, it never wakes up"

    ask 3600
    until_true 30 has_node
    equal 0 "$(figure oom-kills)" "$type: no process was killed so far"
    stalled=$(figure psi-some-total)
    # A group of processes that may have less than it wants: the kernel stalls it, and nothing else suffers.
    lab-guest exec $name 'mount -t cgroup2 cgroup2 /sys/fs/cgroup; cd /sys/fs/cgroup; echo +memory > cgroup.subtree_control
        mkdir tight; echo 4M > tight/memory.high
        (echo 0 > tight/cgroup.procs; exec timeout 15 dd if=/dev/zero of=/tmp/file bs=1M count=32) > /dev/null 2>&1 < /dev/null &'
    check "$type: under pressure it reports before the interval is over" until_true 60 stalled_since "$stalled"

    lab-guest exec $name killall xl-ext-agent
    check "$type: stopped, it removes its report" until_true 30 no_node
done

case ${AGENT_TYPES:-pv} in *pv\ * | pv | *\ pv) ;; *) finish ;; esac
name=agent-pv
lab-guest exec $name 'setsid xl-ext-agent < /dev/null > /dev/null 2>&1 &'
check "save" xl save $name "$scratch/state"
check "restore" xl restore "$scratch/state"
check "the restored guest answers" lab-guest wait $name
home=/local/domain/$(xl domid $name)
node=$home/data/memory-stats
ask 3600
check "after a restore, under its new domid, the agent reports" until_true 60 has_node
finish
