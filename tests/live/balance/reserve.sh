#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Reservations: taken from puppets that give at a rate, past a creeping and a stuck one; held, released, handed over.
# live: core
# timeout: 400
. "$(dirname "$0")/../../lib/live.sh"

mib=1024
free_mib() {
    xl info free_memory
}
# What nobody uses is taken out of the way, so that the guests have to give.
xl-ext memd >"$scratch/memd.log" 2>&1 &
memd=$!
at_end kill $memd
check "memd listens" until_true 20 test -S /run/xl-ext/control.sock
at_end lab-puppet stop give
at_end lab-puppet stop creep
at_end lab-puppet stop hard
check "four puppets that give 16 MiB/s each" lab-puppet start give 200 200 rate=16384 --count 4
check "one that creeps" lab-puppet start creep 200 200 creep
check "one that is stuck" lab-puppet start hard 200 200 stuck
for p in give-1 give-2 give-3 give-4 creep hard; do
    check "$p is balanced" xl-ext mem-range $p 90 200
    lab-puppet stats $p total-memory=$((200 * mib * mib)) available-memory=$((170 * mib * mib))
done
sleep 1
reserve=$(xl-ext mem-top --json --once | json '.host.reserve_memkb')
spare=$(($(free_mib) - reserve / mib))
# 160 MiB more than there is: 64 MiB/s together give it in 2.5 s.
size=$((spare + 160))
before=$(date +%s%N)
check "160 MiB more than is free are reserved" xl-ext mem-reserve -t 60 --lease 30 $size
took=$((($(date +%s%N) - before) / 1000000))
echo "# it took $took ms; at their rates 2500 ms"
[ $took -lt 15000 ] && ok "without waiting for the creeping and the stuck one" ||
    not_ok "without waiting for the creeping and the stuck one" "$took ms" "$(xl-ext mem-top --once)"
[ "$(free_mib)" -ge $((size + reserve / mib - 2)) ] && ok "so much is free" || not_ok "so much is free" "$(free_mib) MiB"
says 0 ready "mem-reserve --list shows it" xl-ext mem-reserve --list
id=$(xl-ext mem-reserve --list --json | json '.[0].id')
check "it is released by its name" xl-ext mem-reserve --release "$id"
says 1 "no reservation" "once" xl-ext mem-reserve --release "$id"
says 3 "in time" "more than there can be is not waited for in vain" xl-ext mem-reserve -t 2 100g
says 0 "^id r" "a command runs while the memory is held" xl-ext mem-reserve -t 30 64 -- sh -c 'echo "id $XL_EXT_RESERVATION"'
says 7 "" "and its exit status is the result" xl-ext mem-reserve -t 30 64 -- sh -c 'exit 7'
equal 0 "$(xl-ext mem-reserve --list --json | json length)" "afterwards nothing is reserved"

xl-ext mem-reserve -t 30 --lease 60 64 >/dev/null
kill -9 $memd
wait $memd
xl-ext memd >>"$scratch/memd.log" 2>&1 &
memd=$!
at_end kill $memd
check "a reservation outlives memd" until_true 20 sh -c 'xl-ext mem-reserve --list | grep -q ready'
# not to the tests that come after this one
check "and is released by its name" xl-ext mem-reserve --release "$(xl-ext mem-reserve --list --json | json '.[0].id')"
xl-ext mem-top --once | sed 's/^/# /'
sed 's/^/# memd: /' "$scratch/memd.log"
finish
