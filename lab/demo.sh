#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What "make demo" runs in dom0 of the lab: guests are created, their memory is moved by hand, then by memd.
set -eu

say() {
    printf '\n\033[1m%s\033[0m\n' "$*"
}

show() {
    printf '\033[36mdom0# %s\033[0m\n' "$*"
    "$@"
}

guest_view() {
    for guest in "$@"; do
        lab-guest exec "$guest" awk -v g="$guest" \
            '/^Mem(Total|Available)/ { printf "%s%s %.0f MiB", n++ ? ", " : g " says: ", $1, $2 / 1024 } END { print "" }' /proc/meminfo
    done
}

# SECONDS COMMAND...: waits until COMMAND succeeds, at most so long
wait_until() {
    end=$(($(date +%s) + $1))
    shift
    until "$@" || [ "$(date +%s)" -ge $end ]; do sleep 0.2; done
}

# NAME: more is available in it than the 32 MiB that a guest of this size has for headroom
has_room() {
    [ "$(xl-ext mem-stat "$1" | awk '$1 == "usable" { print $2 }')" -gt 32768 ]
}

# NAME: memd has given up to wait for it
gives_nothing() {
    [ "$(xl-ext mem-why --json "$1" | jq -r .balloon)" = stuck ]
}

say "Two Linux guests, one PV and one PVH"
show lab-guest create --agent pv web 192 320
show lab-guest create --agent pvh db 192 320
guest_view web db

say "Memory is moved by hand, and followed until it has settled"
show xl-ext mem-set -w web 224 db 160
show xl-ext mem-list
guest_view web db

say "What a guest could not survive is refused"
show xl-ext mem-set web 20 || echo "(exit status $?)"

say "memd moves memory by itself, between domains that have a range; the rest of the host is full"
lab-puppet start greedy 160 256 hostile
rest=$(($(xl info free_memory) - 128 - 8))
lab-puppet start others $rest $rest instant
xl-ext memd 2> /run/memd.log &
memd=$!
until xl-ext mem-top > /dev/null 2>&1; do sleep 0.2; done
show xl-ext mem-range web 120 320
show xl-ext mem-range db 120 320
sleep 3
show xl-ext mem-top

say "A program in db takes 130 MiB: memory comes from web"
began=$(date +%s%N)
show lab-guest eat db 130
wait_until 60 has_room db
tenths=$((($(date +%s%N) - began) / 100000000))
echo "db has room again $((tenths / 10)).$((tenths % 10)) s after its program began"
show xl-ext mem-top
show xl-ext mem-why db
guest_view web db

say "A guest that takes what it can get says that it has plenty, and gives nothing when db needs more"
show xl-ext mem-range greedy 120 256
show lab-guest eat db 40
wait_until 60 gives_nothing greedy
show xl-ext mem-why greedy

say "Memory is held free while a command runs: both have given of theirs"
show xl-ext mem-reserve -t 30 24 -- xl info free_memory
kill $memd
wait $memd || true
lab-puppet stop others
lab-puppet stop greedy
lab-guest destroy web
lab-guest destroy db
