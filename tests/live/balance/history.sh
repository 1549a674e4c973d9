#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What memd remembers of the last minutes is what happened.
# live: core
# timeout: 600
. "$(dirname "$0")/../../lib/live.sh"

xl-ext memd 2>"$scratch/memd.log" &
memd=$!
at_end kill $memd
check "memd answers" until_true 120 xl-ext mem-top --once
at_end lab-puppet stop p
check "a guest" lab-puppet start p 100 200 instant
check "is balanced" xl-ext mem-range p 90 180
lab-puppet stats p total-memory=104857600 available-memory=52428800 oom-kills=1

# point FILTER: the last point of the guest's history
point() {
    xl-ext mem-history --json p | json ".points[-1] | $1"
}
is_remembered() {
    [ "$(point .held_memkb)" -ge 90000 ] && [ "$(point .available_memkb)" != null ] && [ "$(point .need_memkb)" != null ]
}
check "what it holds, needs and has available is remembered" until_true 120 is_remembered
# is_marked KIND [DOMAIN]
is_marked() {
    kind=$1
    shift
    told=$(xl-ext mem-history --json "$@") && printf '%s' "$told" | jq -e --arg kind "$kind" '.marks | any(.kind == $kind)' >/dev/null
}
check "its start is marked" until_true 120 is_marked start p
check "somebody sets its target" xl mem-set p 120
check "that pin is marked" until_true 120 is_marked pin p
held_120() {
    held=$(point .held_memkb) && [ "$held" -ge 122000 ] && [ "$held" -le 123800 ]
}
check "the new size is remembered" until_true 120 held_120
check "its kernel kills a program" lab-puppet stats p total-memory=104857600 available-memory=52428800 oom-kills=2
check "that is marked" until_true 120 is_marked kill p
check "memory is reserved" xl-ext mem-reserve --lease 60 16
check "that is marked for the host" until_true 120 is_marked reservation
equal 10000 "$(xl-ext mem-history --json | json .step_ms)" "steps are 10 s long"
says 0 "^ *0M+---" "a plot" xl-ext mem-history --last 5m p
says 0 "P pin p 120M" "that says what happened" xl-ext mem-history --last 5m p
check "a picture" xl-ext mem-history --svg "$scratch/p.svg" p
says 0 "<title>.* pin p 120M</title>" "that says it, too" cat "$scratch/p.svg"
says 2 "within 1s and 6h" "no longer than is kept" xl-ext mem-history --last 7h
says 1 "no domain 'none'" "no other domain" xl-ext mem-history none
lab-puppet stop p
check "its end is marked" until_true 120 is_marked end
finish
