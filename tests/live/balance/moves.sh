#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# memd moves memory between puppets that report what they need.
# live: core
# timeout: 300
. "$(dirname "$0")/../../lib/live.sh"

mib=1024
# reports NAME USED: NAME's agent says that it uses so many MiB of what it holds
reports() {
    held=$(actual_of "$1")
    lab-puppet stats "$1" total-memory=$((held * 1024)) available-memory=$(((held - $2 * mib) * 1024)) \
        free-memory=$(((held - $2 * mib) * 1024))
}
target_is() {
    t=$(target_of "$(xl domid "$1")")
    [ "$t" -ge $(($2 * mib)) ] && [ "$t" -le $(($3 * mib)) ]
}

xl-ext memd >"$scratch/memd.log" 2>&1 &
memd=$!
at_end kill $memd
check "memd listens" until_true 20 test -S /run/xl-ext/control.sock
for p in a b; do
    at_end lab-puppet stop $p
    check "a puppet starts: $p" lab-puppet start $p 300 512 instant
done
says 1 "no range\|no such\|there is no" "auto needs a range" xl-ext mem-range a auto
says 4 "minimum is below" "a minimum that a guest cannot live with is refused" xl-ext mem-range a 10 512
says 2 "above the maximum" "a minimum above the maximum is refused" xl-ext mem-range a 500 400
check "a range is set" xl-ext mem-range a 180 400
check "another, with a weight" xl-ext mem-range b 180 400 512
equal "$((180 * mib))" "$(xenstore-read /local/domain/"$(xl domid b)"/memory/dynamic-min)" "the minimum is shown by XenServer's name"
equal 512 "$(xenstore-read /local/domain/"$(xl domid b)"/memory/dynamic-weight)" "and the weight beside it"
reports a 100
reports b 100
says 0 "reports\|wants" "mem-why answers" xl-ext mem-why a
reports a 300
check "a guest that needs more gets more" until_true 20 target_is a 340 400
says 0 "^a: gets" "and mem-why says why" xl-ext mem-why a
xl-ext mem-top | sed 's/^/# /'
xl-ext mem-set a 250
check "a target set by hand pins the domain" until_true 10 sh -c 'xl-ext mem-why a | grep -q pinned'
reports a 240
sleep 2
equal $((250 * mib)) "$(target_of "$(xl domid a)")" "which is left alone"
check "until it is given back" xl-ext mem-range a auto
check "then it moves again" until_true 20 target_is a 340 400
kill -9 $memd
wait $memd
before=$(target_of "$(xl domid a)")
xl-ext memd >>"$scratch/memd.log" 2>&1 &
memd=$!
at_end kill $memd
check "memd listens again" until_true 20 sh -c 'xl-ext mem-why a | grep -q wants'
sleep 4
equal "$before" "$(target_of "$(xl domid a)")" "killed and started again it changes nothing"
sed 's/^/# memd: /' "$scratch/memd.log"
finish
