#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A domain's range goes with it through save and restore and through a reboot, to each new domid.
# timeout: 240
. "$(dirname "$0")/../../lib/live.sh"

mib=1024
xl-ext memd >"$scratch/memd.log" 2>&1 &
memd=$!
at_end kill $memd
check "memd listens" until_true 20 test -S /run/xl-ext/control.sock
at_end xl destroy ranged
check "a guest boots" lab-guest create --agent pv ranged 160 224
check "its range is set" xl-ext mem-range ranged 110 200 300
domid=$(xl domid ranged)

shown() {
    d=$(xl domid ranged) && [ "$d" != "$domid" ] &&
        [ "$(xenstore-read "/local/domain/$d/memory/dynamic-min" "/local/domain/$d/memory/dynamic-max" \
            "/local/domain/$d/memory/dynamic-weight" | tr '\n' ' ')" = "$((110 * mib)) $((200 * mib)) 300 " ]
}
balanced() {
    [ "$(xl-ext mem-top --once --json | json '.domains[] | select(.name == "ranged") | [.managed, .pinned, .min_memkb, .weight] | join(" ")')" \
        = "true false $((110 * mib)) 300" ]
}
# again WHAT: there is a new domain now
again() {
    check "$1: its range is shown under the new domid" until_true 60 shown
    check "$1: and it is balanced" until_true 30 balanced
    check "$1: the guest answers" lab-guest wait --timeout 90 ranged
    domid=$(xl domid ranged)
}

check "it is saved" xl save ranged "$scratch/state"
check "and restored" xl restore "$scratch/state"
again "restored"
check "it is saved while memd runs" xl save ranged "$scratch/state"
kill -9 $memd
wait $memd
check "and restored while memd does not" xl restore "$scratch/state"
xl-ext memd >>"$scratch/memd.log" 2>&1 &
memd=$!
at_end kill $memd
again "restored without memd"
lab-guest exec ranged 'sleep 1 && reboot -f &' >/dev/null
again "rebooted"
says 1 "no such\|no domain\|there is no" "a guest of that range only" xl-ext mem-why nobody
check "the range is forgotten" xl-ext mem-range ranged none
says 0 "unmanaged\|not balanced\|no range" "then it is no longer balanced" xl-ext mem-why ranged
sed 's/^/# memd: /' "$scratch/memd.log"
finish
