#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Several guests at once; mem-max, mem-watch, pause, SIGINT, and what is handed to xl.
# live: core
# timeout: 420
. "$(dirname "$0")/../../lib/live.sh"
. "$(dirname "$0")/../../lib/memory-guest.sh"

for type in pv pvh; do
    at_end lab-guest destroy mem-$type
    check "$type: a guest boots" lab-guest create $type mem-$type 256 256
done

says 0 'mem-pv .*settled' "several guests are set in one call and followed together" \
    xl-ext mem-set -w mem-pv 192 mem-pvh 200
equal "196608 204800" "$(target_of "$(xl domid mem-pv)") $(target_of "$(xl domid mem-pvh)")" "each to its own target"

# xl and xl-ext agree.
xl mem-set mem-pvh 150 && sleep 1
check "a target that xl set is followed too" until_true 60 sh -c '[ "$(xl-ext mem-list --json mem-pvh | jq -r .[0].state)" = settled ]'
equal "$(xl list mem-pvh | awk 'NR == 2 { print $3 }')" "$((($(field mem-pvh actual_memkb) + 512) / 1024))" \
    "mem-list and xl list count the same"

# mem-max
says 1 'below its target' "mem-max below the target is refused, where libxl only returns 1" xl-ext mem-max mem-pv 100
check "mem-max above the target is taken" xl-ext mem-max mem-pv 220
equal 225280 "$(field mem-pv static_max_memkb)" "and stands in static-max"
says 1 'above its static-max' "no target above it" xl-ext mem-set mem-pv 230

# mem-watch
xl-ext --timeout 25 mem-watch --json mem-pv > $scratch/watch &
watch=$!
sleep 2
xl-ext mem-set -w mem-pv 170
wait $watch
equal 0 $? "mem-watch ends with --timeout"
equal 174080 "$(jq -s '.[-1].target_memkb' $scratch/watch)" "mem-watch shows the new target"
equal "174080 settled" "$(jq -sr '.[-1] | "\(.actual_memkb) \(.state)"' $scratch/watch)" "and what the guest made of it, to its end"
if [ "$(jq -s 'length' $scratch/watch)" -ge 3 ]; then
    ok "with the steps in between"
else
    not_ok "with the steps in between" "$(cat $scratch/watch)"
fi

# A paused guest
xl pause mem-pv
says 3 paused "a paused guest is reported as such, in time" xl-ext mem-set -w -t 2 mem-pv 150
xl unpause mem-pv
check "unpaused, it goes where it was told" until_true 30 sh -c '[ "$(xl-ext mem-list --json mem-pv | jq -r .[0].state)" = settled ]'

# SIGINT leaves the target set
lab-guest eat mem-pv 60
xl-ext mem-set -w mem-pv 104 2> $scratch/int &
pid=$!
sleep 3
kill -INT $pid
wait $pid
equal 130 $? "SIGINT ends the wait with 130"
equal 106496 "$(target_of "$(xl domid mem-pv)")" "and the target stays as it was set"
check "the message says so" grep -q 'interrupted; the target stays set' $scratch/int
lab-guest relax mem-pv

# What xl does is handed to xl
listed() { awk '{ print $1, $2, $4 }'; }
equal "$(xl list | listed)" "$(xl-ext list | listed)" "an unknown command is xl's, with the same output"
xl-ext domid no-such-domain >/dev/null 2>&1
got=$?
xl domid no-such-domain >/dev/null 2>&1
equal $? $got "and the same exit status"
finish
