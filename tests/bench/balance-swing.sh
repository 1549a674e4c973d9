#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Three guests with swap, and a program that uses 300 MiB for ten seconds in one after the other, on a full host: how much
# they swap when memd moves the memory, against the same with the targets written by hand as each program starts. Then the
# same again with pauses: a program starts a second and a half after the last one has ended, in another guest.
# timeout: 3600
# environment: SWINGS
set -eu
. "$(dirname "$0")/../lib/memd-bench.sh"

load=300  # MiB
least=192 # MiB that a guest has that does nothing
most=640  # MiB, maxmem
swings=${SWINGS:-20} seconds=10
names=(one two three)
pool=$((3 * least + load + 100)) # MiB that they have together

swing() { echo "bench swing.$key$1 $2"; }

# A PVH guest that shares a CPU with a busy dom0 is one that the emulated processor breaks (lab/README.md).
xl vcpu-pin Domain-0 all 0

# In dom0's memory; a guest's swap cannot be smaller than what it may have to swap.
with_swap() {
    truncate -s 400M "/tmp/swap.$1"
    lab-guest create --agent pvh "$1" $((pool / 3)) $most 'cpus = "1"' "disk=['format=raw,vdev=xvda,access=rw,target=/tmp/swap.$1']"
    lab-guest exec "$1" 'mkswap /dev/xvda > /dev/null && swapon /dev/xvda && grep -q xvda /proc/swaps'
}

# counter NAME...: of all guests together, these of /proc/vmstat
counter() {
    local guest counters=
    for guest in "${names[@]}"; do counters+=$(lab-guest exec "$guest" cat /proc/vmstat)$'\n' || return; done
    awk -v names=" $* " 'index(names, " " $1 " ") { n += $2 } END { print n + 0 }' <<< "$counters"
}

settle_evenly() {
    # shellcheck disable=SC2046
    xl-ext mem-set -w -t 120 $(for guest in "${names[@]}"; do echo "$guest" $((pool / 3)); done) > /dev/null
}

# by_hand GUEST: all that the others need not
by_hand() {
    local guest
    # shellcheck disable=SC2046
    xl-ext mem-set $(for guest in "${names[@]}"; do
        echo "$guest" $([ "$guest" = "$1" ] && echo $((pool - 2 * least)) || echo $least)
    done) > /dev/null
}

# swing_around COMMAND: COMMAND GUEST is run as the program in GUEST starts; $swapped pages meanwhile
swing_around() {
    local i guest loads=() before after
    before=$(counter pswpin pswpout)
    for ((i = 0; i < swings; i++)); do
        guest=${names[i % 3]}
        "$1" "$guest" &
        loads+=($!)
        lab-guest exec "$guest" timeout $seconds fill -g -s $seconds $load > /dev/null &
        loads+=($!)
        sleep "$(awk -v s=$seconds -v p="$pause" 'BEGIN { print s + p }')"
    done
    for i in "${loads[@]}"; do wait "$i" || true; done
    after=$(counter pswpin pswpout)
    swapped=$((after - before))
}

# swings_of KEY PAUSE: figures with that beginning; PAUSE: seconds between two programs
swings_of() {
    key=$1 pause=$2
    settle_evenly
    swing_around by_hand
    swing by_hand_pages "$swapped"
    by_hand=$swapped
    kills=$(counter oom_kill)
    swing by_hand_oom_kills "$kills"

    settle_evenly
    start_memd
    for guest in "${names[@]}"; do
        xl-ext mem-range "$guest" $least $most
        xl-ext mem-range "$guest" auto
    done
    sleep 30
    ticks=$(cpu_ticks)
    swing_around true
    swing memd_pages "$swapped"
    swing memd_oom_kills $(($(counter oom_kill) - kills))
    swing memd_cpu_share "$(awk -v t=$(($(cpu_ticks) - ticks)) -v s=$((swings * seconds)) -v p="$pause" -v n="$swings" \
        -v hz="$(getconf CLK_TCK)" 'BEGIN { print t / hz / (s + n * p) }')"
    swing touched_pages $((swings * load * 256))
    swing holds "$(awk -v m="$swapped" -v h="$by_hand" 'BEGIN { print m <= 1.2 * h }')"
    xl-ext mem-top --once
    stop_memd
}

for guest in "${names[@]}"; do with_swap "$guest"; done
other=$(($(xl info free_memory) - 128 - 8 - (pool - pool / 3 * 3)))
lab-puppet start other $other $other instant

swings_of "" 0
swings_of paused_ 1.5
for guest in "${names[@]}"; do lab-guest destroy "$guest"; done
lab-puppet stop other
