#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# mem-set -w with guests of every character, and with many; the same from a program on the library.
# live: core
# lab: --copy build/tests/live/libxlx-program:/root/libxlx-program
# timeout: 400
. "$(dirname "$0")/../../lib/live.sh"

start() {
    at_end lab-puppet stop "$1"
    check "a puppet starts: $*" lab-puppet start "$@"
}

start quick 128 256 instant
check "a quick one settles" xl-ext mem-set -w -t 20 quick 200
equal $((200 * 1024)) "$(actual_of quick)" "with offset 0 it holds exactly its target"
says 0 "^settled after 0" "a program on the library does the same" /root/libxlx-program quick $((180 * 1024))
says 0 "^quick holds $((180 * 1024)) KiB, target $((180 * 1024))$" "and is told what the guest holds" /root/libxlx-program quick
says 1 "below" "nor may it go below the floor" /root/libxlx-program quick 1024
check "and back" xl-ext mem-set -w -t 20 quick 200

start slow 200 256 rate=8192
before=$(date +%s)
check "a slow one is waited for" xl-ext mem-set -w slow 136
took=$(($(date +%s) - before))
[ $took -ge 6 ] && ok "for as long as its rate needs" || not_ok "for as long as its rate needs" "$took s"
equal $((136 * 1024)) "$(actual_of slow)" "to its end"

start hard 128 256 stuck
says 3 "does not react" "a stuck one is reported when time is up" xl-ext mem-set -w -t 8 hard 110
equal $((110 * 1024)) "$(target_of "$(xl domid hard)")" "its target stands as set, also after re-arming"
says 3 "stuck" "its state says so" xl-ext mem-set -w -t 8 hard 111
says 0 stuck "mem-info says so too" xl-ext mem-info hard

start bottom 128 256 floor=120
check "one with a floor settles above it" xl-ext mem-set -w bottom 130
says 3 "cannot free more" "one that cannot free more" xl-ext mem-set -w -t 10 bottom 110
says 3 "reached 120.0 MiB" "what it reached is said" xl-ext mem-set -w -t 5 bottom 110

# Linux gives up after four failed tries and then sleeps until its target changes: here the limit stands in its way.
start lazy 128 256 giveup
domid=$(xl domid lazy)
xenstore-write /local/domain/$domid/memory/target $((200 * 1024))
sleep 20
equal $((129 * 1024)) "$(actual_of lazy)" "against its limit it gives up"
check "mem-set -w wakes up one that gave up, with the same target" xl-ext mem-set -w -t 40 lazy 200
equal $((200 * 1024)) "$(actual_of lazy)" "so that it arrives"
equal $((200 * 1024)) "$(target_of $domid)" "and the target is what was asked for, to the KiB"

# Destroyed in the middle
start victim 128 256 rate=2048
start other 128 256 rate=16384
xl-ext mem-set -w -t 60 victim 106 other 110 > $scratch/out 2> $scratch/err &
pid=$!
sleep 3
xl destroy victim
wait $pid
equal 1 $? "a domain destroyed in the middle: exit status 1"
check "the message names it" grep -q 'victim.*gone' $scratch/err
check "the other one was followed to its end" grep -q 'other.*settled' $scratch/out

# 64 in one call
for name in slow hard bottom lazy other; do lab-puppet stop $name; done
at_end lab-puppet stop many
check "64 puppets start" lab-puppet start many 24 32 instant --count 64
set --
for i in $(seq 64); do set -- "$@" "many-$i" 30; done
check "64 targets in one call" xl-ext mem-set -w -t 60 "$@"
xl-ext mem-list --json > $scratch/list
equal 64 "$(jq '[.[] | select(.name | startswith("many-")) | select(.actual_memkb == 30720 and .target_memkb == 30720)] | length' $scratch/list)" \
    "all 64 hold exactly what was asked for"
equal "$(xl list | wc -l)" "$(xl-ext mem-list | wc -l)" "mem-list lists as many as xl list"

# Relative changes from many sides add up exactly.
for i in 1 2 3 4 5 6 7 8; do xl-ext mem-set quick -1000k & done
wait
equal $((200 * 1024 - 8000)) "$(target_of "$(xl domid quick)")" "8 relative changes at once add up exactly"
for i in 1 2 3 4; do
    xl-ext mem-set quick 150 &
    xl mem-set quick 160 &
done
wait
target=$(target_of "$(xl domid quick)")
equal $((target + 1024)) "$(xl-ext mem-list --json quick | json '.[0].max_memkb')" \
    "however xl and xl-ext interleave, the limit fits to the target that stands"
finish
