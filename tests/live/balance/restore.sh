#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest that is saved while it holds more than its target: its file has more pages than fit below the limit that libxl sets by
# that target, and plain xl cannot restore it without memd (docs/balance.md).
# live: core
# timeout: 500
. "$(dirname "$0")/../../lib/live.sh"

start_memd
at_end lab-guest destroy owing
check "a guest" lab-guest create pv owing 280 400
check "its programs use most of what it has" lab-guest eat owing 200
held() {
    xl-ext mem-list --json owing | json ".[0].actual_memkb"
}
in_use() {
    [ "$(lab-guest exec owing awk '/MemAvailable/ { print $2 }' /proc/meminfo)" -lt 40000 ]
}
check "they have it" until_true 60 in_use
check "it is asked for more than it can give" xl mem-set owing 170
check "it holds more than its target" test "$(held)" -gt $((200 * 1024))
check "xl saves it" xl save owing "$scratch/owing"
# held_again: it is there with what it held, its target and limit are what they were
held_again() {
    check "with what it held" test "$(held)" -gt $((200 * 1024))
    equal $((170 * 1024)) "$(target_of "$(xl domid owing)")" "its target is what it was"
    equal $((171 * 1024)) "$(xl-ext mem-list --json owing | json '.[0].max_memkb')" "its limit goes with the target"
}
check "plain xl restores it beside memd" xl restore -p "$scratch/owing"
held_again
xl destroy owing
kill $memd
wait $memd
check "without memd it fails" sh -c "! xl restore -p $scratch/owing 2>$scratch/out"
check "for want of pages" grep -q "populate" "$scratch/out"
xl destroy owing 2>/dev/null
start_memd
check "xl-ext restores it" xl-ext restore -t 60 "$scratch/owing"
reserved_much() {
    xl-ext mem-history --json | jq -e '.marks | any(.kind == "reservation" and .memkb > 200 * 1024)'
}
check "for which it reserved more than its target" reserved_much
held_again
check "it is given what it needs" xl mem-set owing 280
check "it goes on" lab-guest wait --timeout 120 owing
equal "[]" "$(xl-ext mem-reserve --list --json | tr -d ' \n')" "no reservation is left"
finish
